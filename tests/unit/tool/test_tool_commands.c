/*  The other commands, without a cluster: what they ask of the library, print and exit with. */
#include "tests/kit/hf_test.h"
#include "tests/unit/tool/trial.h"

static const trial_t s_acquire[] = {
    //  The session is left.
    {0, "eval \"$($T acquire \"it's; a\\$b\")\" && env | grep ^HOLDFAST_ | sort",
     .is = "HOLDFAST_LOCK=it's; a$b\nHOLDFAST_SESSION=7\nHOLDFAST_TOKEN=42\n",
     .log = "open 60000\nacquire it's; a$b wait 4294967295\nleave\n"},
    {0, "eval \"$($T acquire --endpoints 1@x lock)\" && echo $HOLDFAST_ENDPOINTS", .is = "1@x\n"},
    {0, "$T acquire --json --ttl 2m lock",
     .json = "{'lock':'lock','locks':['lock'],'token':42,'session':7,'index':9,'ttl_ms':120000}"},
    //  Nobody reads what it prints: it is taken back.
    {74, "$T acquire lock > /dev/full", .log_has = "\nclose\n", .log_lacks = "leave"},
    //  What fails ends the script that evaluates it.
    {7, "HF_FAKE_ACQUIRE=2 $T acquire -n -E 7 lock", .is = "false\n"},
    {5, "eval \"$(HF_FAKE_ACQUIRE=2 $T acquire -n lock)\" && exit 0; exit 5", .is = ""},
    {7, "HF_FAKE_ACQUIRE=2 $T acquire -n -E 7 --json lock", .is = ""},
    {64, "$T acquire 2>/dev/null", .is = "false\n"},
    {0, "$T acquire --help | grep -x false; true", .is = ""},
    {1, .script = "HF_FAKE_ACQUIRE=64 $T acquire -w 1 lock"},
    //  Why it can never be granted.
    {77, "HF_FAKE_ACQUIRE=48 HF_FAKE_WHY='kim may not' $T acquire lock",
     .has = "holdfast: cannot acquire lock lock: kim may not\n"},
    {2, "HF_FAKE_ACQUIRE=31 HF_FAKE_WHY='session 7 holds a' $T acquire lock",
     .has = "cannot acquire lock lock: the wait would never end: others wait for what this session "
            "holds: session 7 holds a\n",
     .log_has = "close"},
    {2, "HF_FAKE_ACQUIRE=31 $T acquire lock", .has = "what this session holds\n"},
    {2, "HF_FAKE_ACQUIRE=30 HF_FAKE_WHY='5, not 3' $T acquire -n -E 7 lock",
     .has = "the lock is used with another limit of units: 5, not 3\n"},
    {64, .script = "$T acquire"},
    {0, "$T acquire a b", .log_has = "acquire a b wait"},
};
TRIAL_TABLE (test_acquire, s_acquire)

#define SECTION "--lock a --token 1 --session 2"

static const trial_t s_release[] = {
    {0, "eval \"$($T acquire lock)\"; rm log; $T release",
     .log = "open 0\nfor 7 release lock 42\nclose-id 7\nclose\n"},
    {0, "$T release --cancel " SECTION, .log = "open 0\nfor 2 cancel a 1\nclose-id 2\nclose\n"},
    {0, "HOLDFAST_LOCK=b HOLDFAST_TOKEN=3 $T release --session 4 a", .is = "",
     .log_has = "for 4 release a 3\n"},
    {0, "eval \"$($T acquire lock)\"; eval \"$($T release)\"; env | grep -c HOLDFAST_; true",
     .is = "0\n"},
    {2, "HF_FAKE_RELEASE=16 $T release " SECTION, .has = "you do not hold lock a",
     .log_lacks = "close-id"},
    {75, "HF_FAKE_RELEASE=64 $T release " SECTION, .has = "was not acknowledged"},
    {64, .script = "$T release"},
    {64, .script = "$T release --lock a --token x --session 2"},
    {64, .script = "HOLDFAST_TOKEN=x $T release --lock a --session 2"},
    {69, .script = "HF_FAKE_OPEN=66 $T release " SECTION},
};
TRIAL_TABLE (test_release, s_release)

static const trial_t s_force[] = {
    {0, "HOLDFAST_LOCK=b HOLDFAST_TOKEN=3 HOLDFAST_SESSION=4 $T release --force --token 43 one",
     .is = "lock one: ended the hold with token 43 of session 9\n",
     .log = "open 0\nfor 9 cancel one 43\nclose\n"},
    {0, "$T release --force --session 7 --json one",
     .json = "{'lock':'one','token':42,'session':7,"
             "'label':'kim@alphapid4711./backup.sh'}",
     .log_has = "for 7 cancel one 42\n"},
    {2, "$T release --force one", .has = "lock one has 2 holders: say which by --token",
     .log_lacks = "cancel"},
    {2, "$T release --force --token 9 one", .has = "nobody holds lock one with that token",
     .log_lacks = "cancel"},
    {2, "$T release --force two", .has = "nobody holds lock two", .log_lacks = "cancel"},
    {2, "HF_FAKE_RELEASE=16 $T release --force --token 43 one", .has = "changed hands meanwhile"},
    {75, "HF_FAKE_RELEASE=64 $T release --force --token 43 one", .has = "it is not known whether"},
    {69, "HF_FAKE_OPEN=66 $T release --force --token 43 one", .has = "cannot end the hold"},
    {64, "$T release --force", .has = "which lock?"},
    {64, "$T release --json " SECTION, .has = "--json goes with --force"},
    {0, "$T close 7", .is = "session 7 (kim) is closed: it held 2, and waited for 1\n",
     .log_has = "close-as 7\n"},
    {0, "$T close --json 7", .json = "{'session':7,'label':'kim','held':2,'queued':1}"},
    {2, "$T close 8", .has = "there is no session 8", .log_lacks = "close-as"},
    {69, "HF_FAKE_CLOSE=66 $T close 7", .has = "cannot close session 7"},
    {64, "$T close", .has = "which session?"},
    {64, "$T close x", .has = "'x' is not the number of a session"},
};
TRIAL_TABLE (test_force, s_force)

static const trial_t s_append[] = {
    //  Alone: under the lock of the file's name.
    {2, "$T append '' x",
     .has = "cannot append to file : a name must be 1 to 255 bytes of UTF-8 without control "
            "characters\n",
     .log_lacks = "open"},
    {2, "$T append 'a\nb' x", .has = "cannot append to file a?b: a name"},
    {0, "$T append file 'some data'",
     .log = "open 0\nacquire file wait 4294967295\nappend file 42 file 9 some data\n"
            "release file 42\nclose\n"},
    {0, "printf abc | $T append file", .log_has = "file 3 abc\n"},
    {0, "printf abc | $T append -l file; $T append -l file 'x\n'", .log_has = "file 4 abc\n",
     .log_has_too = "file 2 x\n"},
    {1, "HF_FAKE_ACQUIRE=2 $T append -n file x", .log_lacks = "append"},
    //  One that fails is dropped.
    {2, "HF_FAKE_APPEND=18 $T append file x", .has = "larger than the limit",
     .log_lacks = "release"},
    {75, "HF_FAKE_RELEASE=69 $T append file x", .has = "was not acknowledged"},
    //  In a section.
    {0, "eval \"$($T acquire lock)\"; rm log; $T append file x",
     .log = "open 0\nfor 7 append lock 42 file 1 x\nclose\n"},
    {0, "$T append " SECTION " file x", .log_has = "for 2 append a 1 file 1 x\n"},
    {64, .script = "HOLDFAST_LOCK=a $T append file x"},
    {0, "HOLDFAST_LOCK=a $T append --alone file x", .log_has = "append file 42 file 1 x\n"},
    {2, "HF_FAKE_APPEND=16 $T append " SECTION " file x", .has = "you do not hold lock a"},
    {69, "HF_FAKE_APPEND=64 $T append " SECTION " file x", .has = "perhaps more"},
    //  Long input.
    {0, "head -c 2500000 /dev/zero | $T append file",
     .log_has = "file 1048576 \nappend file 42 file 1048576 \nappend file 42 file 402848 \n"
                "release file 42\n"},
    {0, "head -c 16777216 /dev/zero | $T append file; grep -c append log", .is = "16\n"},
    {2, "head -c 16777217 /dev/zero | $T append file", .has = "16 MiB", .log = ""},
    {64, .script = "$T append"},
    {64, .script = "$T append file a b"},
    {74, .script = "$T append file < /"},
};
TRIAL_TABLE (test_append, s_append)

static const trial_t s_files[] = {
    {0, "$T cat text", .is = "0123456789"},
    {0, "$T cat --offset 3 --length 4 text", .is = "3456"},
    {0, "$T cat --offset 30 text", .is = ""},
    {0, "$T cat long | wc -c", .is = "2621440\n"},
    {2, "$T cat nothing", .has = "there is no file nothing"},
    {74, .script = "$T cat text > /dev/full"},
    {64, .script = "$T cat"},
    {64, .script = "$T cat --offset x text"},
    {69, .script = "HF_FAKE_QUERY=66 $T cat text"},
    {0, "$T cat --json --offset 8 text",
     .json = "{'file':'text','offset':8,'size':2,'total':10,'data':'89'}"},
    {0, "$T cat --json bytes",
     .json = "{'file':'bytes','offset':0,'size':2,'total':2,'data_base64':'/v8='}"},
    {0, "$T ls", .is = "LENGTH  XXH64             FILE\n  1234  000000000000bead  ledger\n"},
    {0, "$T cat --stale text; $T ls --stale; $T cat text; $T ls",
     .log = "stale read\nstale files\n"},
    {0, "$T ls --json",
     .json = "{'files':[{'file':'ledger','length':1234,'xxh64':'000000000000bead','checksum':'"
             "000000000000feed'}]}"},
};
TRIAL_TABLE (test_files, s_files)

#define HOLDERS                                                                                    \
    "'limit':5,'waiters':2,'holders':[{'session':7,'mode':'shared','units':2,'label':"             \
    "'kim@alphapid4711./backup.sh','note':'n','age_ms':7999,'token':42,'staged':100},"             \
    "{'session':9,'mode':'shared','units':3,'label':'','note':'','age_ms':125000,'token':43,'"     \
    "staged':0}]"

static const trial_t s_locks[] = {
    {0, "$T locks",
     .is =
         "               TOKEN  SESSION  MODE       UNITS  WAITERS  STAGED    AGE  LOCK   "
         "LABEL                           NOTE\n"
         "                  42        7  shared       2/5        2     100     7s  one    "
         "kim@alpha pid 4711 ./backup.sh  n\n"
         "                  43        9  shared       3/5        2       0  2m 5s  one\n"
         "18446744073709551615        8  exclusive               0       0  2d 4h  zw\303\266lf\n",
     .log = ""},
    {0, "$T locks one", .has = "lock     one\nholders  2\nwaiters  2\nlimit    5 units\n\n",
     .has_too = "holds        7  shared       2/5     42     100     7s  kim@alpha pid 4711 "
                "./backup.sh  n\n"},
    {0, "$T locks one", .has = " 3h 2m  ann                             when idle\n",
     .has_too = "    2       12  shared       1/5                    0s\n"},
    {2, .script = "$T locks other"},
    {0, "$T locks --stale; $T locks --stale one", .log = "stale locks\nstale lock\n"},
    {64, .script = "$T leader --stale"},
    {0, "$T locks --json one",
     .json = "{'lock':'one'," HOLDERS ",'queue':[{'session':11,'mode':'exclusive',"
             "'units':0,'label':'ann','note':'whenidle','age_ms':10920000,'position':1},{'session':"
             "12,'mode':"
             "'shared','units':1,'label':'','note':'','age_ms':0,'position':2}],'held':true}"},
    {2, "$T locks --json other 2>/dev/null", .json = "{'lock':'other','held':false}"},
    {0, "$T locks --json",
     .json = "{'locks':[{'lock':'one'," HOLDERS "},{'lock':'zw\303\266lf','limit':0,"
             "'waiters':0,'holders':[{'session':8,'mode':'exclusive','units':0,'label':'',"
             "'note':'','age_ms':187200000,'token':'18446744073709551615','staged':0}]}]}"},
    {0, "$T locks on/ | wc -l; $T locks --json on/", .has = "1\n", .has_too = "\"locks\": []"},
    {69, .script = "HF_FAKE_QUERY=64 $T locks"},
};
TRIAL_TABLE (test_locks, s_locks)

static const trial_t s_sessions[] = {
    {0, "$T sessions",
     .is = "             SESSION  TTL_MS  DELAY_MS  HELD  QUEUED  STATE  USER  LABEL\n"
           "                   7   10000         0     2       1  live   kim   kim\n"
           "18446744073709551615    1000       500     1       0  gone   -\n",
     .log = ""},
    {0, "$T sessions --stale --json",
     .json =
         "{'sessions':[{'session':7,'label':'kim','user':'kim','ttl_ms':10000,'delay_ms':0,"
         "'detect':true,'gone':false,'held':2,'queued':1},{'session':'18446744073709551615','label'"
         ":'',"
         "'user':'','ttl_ms':1000,'delay_ms':500,'detect':false,'gone':true,'held':1,'queued':0}]}",
     .log = "stale sessions\n"},
    {69, .script = "HF_FAKE_QUERY=64 $T sessions"},
    {77, "HF_FAKE_QUERY=48 $T sessions",
     .is = "holdfast: cannot list the sessions: kim may not do it: the right \"x\" is missing\n"},
    {64, .script = "$T sessions x"},
};
TRIAL_TABLE (test_sessions, s_sessions)

#define AS    "export HF_FAKE_LABEL=1 LOGNAME=kim; "
#define LABEL "sed -n \"s/$(hostname)/HOST/;s/pid [0-9]*/pid N/;s/^label //p\" log"

/*  Who it is: every session says so. */
static const trial_t s_labels[] = {
    {0, AS "$T run lock -- true a 'b c'; " LABEL, .is = "kim@HOST pid N true a b c\n"},
    {0, AS "$T run lock -c 'true; true'; " LABEL, .is = "kim@HOST pid N true; true\n"},
    {0, AS "$T run lock -- true \"$(printf 'a\\033[2J\\377')\"; " LABEL,
     .is = "kim@HOST pid N true a?[2J?\n"},
    {0, AS "$T acquire lock >&2; $T release " SECTION "; " LABEL,
     .has = "kim@HOST pid N holdfast acquire\nkim@HOST pid N holdfast release\n"},
    //  What is appended is nobody's business.
    {0, AS "$T append file secret; $T append " SECTION " file secret; " LABEL,
     .is = "kim@HOST pid N holdfast append\nkim@HOST pid N holdfast append\n"},
    {0, AS "LOGNAME= USER=ann $T acquire lock >&2; " LABEL, .has = "ann@HOST pid N holdfast"},
    {0,
     AS "$T run lock -- true $(head -c 300 /dev/zero | tr '\\0' x); sed -n 's/^label //p' log | "
        "tr -d '\n' | wc -c",
     .is = "255\n"},
};
TRIAL_TABLE (test_labels, s_labels)

#define THREE "HOLDFAST_ENDPOINTS=1@h:1:2,2@h:3:4,3@h:5:6 "

static const trial_t s_status[] = {
    {0, "$T leader", .is = "node 2 leads in term 3 at 127.0.0.1:8082\n"},
    {0, "$T leader --json", .json = "{'id':2,'term':3,'endpoint':'127.0.0.1:8082'}"},
    {69, .script = "HF_FAKE_QUERY=66 $T leader"},
    {64, .script = "$T leader --timeout 0"},
    {64, .script = "$T leader x"},
    {0, THREE "$T status", .has = "   1  leader    h:1            1     5"},
    {0, THREE "HF_FAKE_NODES=2 $T status", .has = "   3  unreachable  h:5 "},
    {69, THREE "HF_FAKE_NODES=1 $T status", .has = "1 answered"},
    {69, THREE "HF_FAKE_NODES=0 $T status", .has = "no node of the cluster can be reached"},
    {69, THREE "HF_FAKE_TROUBLE='cannot resolve h: x' HF_FAKE_NODES=0 $T status",
     .has = "no node of the cluster can be reached: cannot resolve h: x"},
    {69, THREE "HF_FAKE_LEADER=0 $T status", .has = "wait for an election"},
    {69, THREE "HF_FAKE_LEADER=0 HF_FAKE_EMPTY=3 $T status", .has = "wait for an election"},
    {69, THREE "HF_FAKE_LEADER=0 HF_FAKE_EMPTY=1 $T status", .has = "wait for an election"},
    {69, THREE "HF_FAKE_LEADER=0 HF_FAKE_EMPTY=2 $T status",
     .has = "no majority is left: the disks of nodes 2, 3 are empty", .has_too = "--recover"},
    {0, THREE "HF_FAKE_NOT_COUNTED=3 $T status",
     .has = "not counted: node 3: its disk is not the one that the cluster knows"},
    {1, THREE "HF_FAKE_NODES=2 HF_FAKE_NOT_COUNTED=3,2 $T status | grep 'not counted: node 3'",
     .is = ""},
    {0, THREE "HF_FAKE_NODES=2 HF_FAKE_NOT_COUNTED=3,2 $T status", .has = "not counted: node 2:"},
    {0, THREE "$T status -v", .has = "   2  state_hash  0000000000000abc\n"},
    {0, THREE "HF_FAKE_NODES=2 $T status --json",
     .json = "{'leader':1,'term':5,'majority':true,'nodes':[{'id':1,'reachable':true,"
             "'endpoint':'h:1','role':'leader','leader':1,'term':5,'state_hash':"
             "'0000000000000abc'},{'id':2,'reachable':true,'endpoint':'h:3','role':'follower',"
             "'leader':1,'term':5,'state_hash':'0000000000000abc'},{'id':3,'reachable':false,"
             "'endpoint':'h:5'}]}"},
};
TRIAL_TABLE (test_leader_and_status, s_status)

/*  Pipes that nobody reads, and that are full. */
#define UNREAD "rm -f p; mkfifo p; exec 9<>p; exec 8>p 9>&-; "
#define FULL                                                                                       \
    "rm -f p; mkfifo p; exec 9<>p 8>p; dd if=/dev/zero bs=4096 count=64 oflag=nonblock of=p "      \
    "2>&-; "

static const trial_t s_pipes[] = {
    {141, .script = UNREAD "$T ls >&8"},
    {141, .script = UNREAD "$T cat long >&8"},
    {74, UNREAD "trap '' PIPE; $T ls >&8", .has = "cannot write to standard output: Broken pipe"},
    {74, UNREAD "$T acquire lock >&8", .log_has = "\nclose\n"},
    {143, FULL "$T acquire lock >&8 & until grep -qs acquire log; do :; done; kill $!; wait $!",
     .log_has = "\nclose\n"},
    //  Messages.
    {2, .script = UNREAD "$T cat nothing 2>&8"},
    {0, UNREAD "$T append -v file x 2>&8", .log_has = "release file"},
    {0, FULL "$T append -v file x 2>&8", .log_has = "release file"},
    {2, .script = FULL "$T cat nothing 2>&8"},
};
TRIAL_TABLE (test_pipes, s_pipes)

static const trial_t s_barriers[] = {
    {0, "$T barrier --ttl 3 three 3", .is = "", .log = "open 3000\nbarrier three 3\nclose\n"},
    {7, "$T barrier three 3 -- sh -c 'echo open; exit 7'", .is = "open\n",
     .log_has = "barrier three 3\nclose\n"},
    {127, "$T barrier three 3 -- no-such-command", .has = "cannot run no-such-command"},
    {1, "HF_FAKE_BARRIER=64 $T barrier -w 1 three 3 -- touch ran", .has = "did not open in time"},
    {9, "HF_FAKE_BARRIER=64 $T barrier -w 1 -E 9 three 3", .has = "barrier three"},
    {75, "HF_FAKE_BARRIER=65 $T barrier three 3 -- touch ran", .has = "cannot pass barrier three"},
    {69, "HF_FAKE_OPEN=66 $T barrier three 3", .has = "can be reached"},
    {64, "$T barrier three", .has = "NAME N"},
    {64, "$T barrier three 0", .has = "from 1 to 100"},
    {64, "$T barrier three 101", .has = "from 1 to 100"},
    {64, "$T barrier three 3 true", .has = "behind --"},
    {64, "$T barrier three 3 --", .has = "which command?"},
    {64, "$T barrier -w 0 three 3", .has = "more than 0"},
    {1, .script = "test -e ran"},
};
TRIAL_TABLE (test_barriers, s_barriers)

static const trial_t s_help[] = {
    {0, .script = "for c in run acquire release append cat ls locks leader status close lead drain "
                  "top events; do "
                  "$T $c --help | grep -q \"usage: holdfast $c\" || exit 9; "
                  "$T $c -h | grep -q examples: || exit 8; "
                  "$T help $c | grep -q usage || exit 7; "
                  "$T --help | grep -q \"^  $c  \" || exit 6; done"},
    {0, "$T --version", .is = "holdfast " HF_VERSION "\n"},
    {0, .script = "$T run --version"},
    {74, .script = "$T --help > /dev/full"},
};
TRIAL_TABLE (test_help, s_help)

//  What is no snapshot is not kept; a file that was there stays.
static const trial_t s_backup[] = {
    {0, "$T backup - | tail -c 28 | head -c 20", .is = "xxxxxxxxxxxxxxxxxxxx",
     .log = "backup of node 3 from 4\nbackup of node 3 from 10\n"},
    {74, "echo old > f; $T backup f", .has = "f.part is damaged"},
    {0, "[ ! -e f.part ] && cat f", .is = "old\n"},
    {69, "HF_FAKE_REST=27 $T backup f",
     .has = "the backup is not finished: node 3 started again, or was asked for nothing"},
    {69, "HF_FAKE_REST=66 $T backup f", .has = "the backup is not finished: node 3: "},
    {0, "[ ! -e f.part ] && cat f", .is = "old\n"},
    {143,
     .script = "HF_FAKE_HANG=1 $T backup f & until [ -e f.part ]; do :; done; kill $!; wait $!"},
    {0, "[ ! -e f.part ] && cat f", .is = "old\n"},
    {74, "$T backup nowhere/f", .has = "cannot make nowhere/f.part: No such file"},
    {0, "HF_FAKE_DOWN=3 HF_FAKE_BEGIN=66 $T backup - | wc -c", .is = "60\n",
     .log_has = "backup of node 3 from 4\nbackup of node 1 from 4\nbackup of node 1 from 10\n"},
    {69, "HF_FAKE_BEGIN=66 $T backup f", .log_has = "node 1 from 4\nbackup of node 2 from 4\n"},
    {69, "HF_FAKE_BEGIN=22 $T backup --node 1 --timeout 60ms f",
     .has = "node 1 is far behind, or another client backs it up"},
    {69, "HF_FAKE_QUERY=66 $T backup f", .log_lacks = "backup"},
    {0, "HF_FAKE_QUERY=66 $T backup --stale --node 2 - | wc -c", .is = "60\n",
     .log_has = "backup of node 2 from 0\n"},
    {64, "$T backup --node 4 f", .has = "the nodes do not include 4"},
    {64, .script = "$T backup"},
    {0, "$T backup --progress - 2>&1 >/dev/null",
     .has = "holdfast: backup of node 3 as of command 5: 20 of 20 bytes, 100 %\n"},
};
TRIAL_TABLE (test_backup, s_backup)

static const trial_t s_inspect[] = {
    {74, "$T inspect nothing", .has = "cannot open nothing: No such file"},
    {74, "$T inspect .", .has = ". is no regular file"},
    {2, "echo > f; $T inspect f", .has = "f is no backup of holdfast: it is too short"},
    {2, "seq 100 > f; $T inspect f", .has = "f is no backup of holdfast\n"},
    {2, "$T backup - > f; $T inspect f", .has = "f is damaged: its head is longer than it can be"},
    {64, .script = "$T inspect"},
};
TRIAL_TABLE (test_inspect, s_inspect)

HF_TEST_MAIN (trial_setup, trial_teardown)
