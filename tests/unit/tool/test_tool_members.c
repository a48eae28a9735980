/*  holdfast members and holdfast upgrade over the fake library. */
#include "tests/kit/hf_test.h"
#include "tests/unit/tool/trial.h"

static const trial_t s_list[] = {
    {0, "$T members",
     .is = "ID  PLACE            STATE\n"
           " 1  alpha:8080:8081  votes\n"
           " 2  beta:80:81       votes, drained\n"
           " 3  -                learns\n"},
    {0, "$T members --json",
     .json =
         "{'index':40,'level':0,'members':["
         "{'id':1,'host':'alpha','client_port':8080,'node_port':8081,'votes':true,'joins':false,"
         "'leaves':false,'drained':false,'incarnation':'0000000000000abc'},"
         "{'id':2,'host':'beta','client_port':80,'node_port':81,'votes':true,'joins':false,"
         "'leaves':false,'drained':true,'incarnation':'0000000000000005'},"
         "{'id':3,'host':'','client_port':0,'node_port':0,'votes':false,'joins':false,"
         "'leaves':false,'drained':false,'incarnation':'0000000000000000'}]}"},
    {0, "$T members --stale", .log = "stale members\n"},
    {69, "HF_FAKE_QUERY=66 $T members", .has = "cannot list the members: no node"},
    {74, "$T members > /dev/full", .has = "standard output"},
    //  The status is that of the members, of which the third learns.
    {0, "HOLDFAST_ENDPOINTS=7@h:1:2 HF_FAKE_LEVEL=1 HF_FAKE_NODES=2 $T status",
     .has = "   1  leader       alpha:8080       1",
     .has_too = "   3  unreachable  -                -"},
    {0, "$T run --fixed lock -- env | grep FIXED", .is = "HOLDFAST_FIXED=1\n"},
    {0, "$T members --help", .has = "holdfastd --id ID --join"},
};
TRIAL_TABLE (test_members, s_list)

static const trial_t s_changes[] = {
    {0, "HF_FAKE_NODES=4 $T members add 4@delta:9080:9081",
     .log = "change 1 node 4 delta:9080:9081 level 0\n",
     .is = "holdfast: node 4 catches up: 50 entries of 90\n"
           "holdfast: node 4 votes\n"},
    {0, "$T members add 4@delta", .log = "change 1 node 4 delta:8080:8081 level 0\n",
     .has = "node 4 is a member, and does not answer yet: start it with holdfastd --id"},
    //  It has answered, and does so no more.
    {0, "HF_FAKE_NODES=4 HF_FAKE_AWAY=2 $T members add 4@delta",
     .is =
         "holdfast: node 4 catches up: 50 entries of 90\n"
         "holdfast: node 4 does not answer now: it starts again with the state, or has ended; its "
         "log says it\n"
         "holdfast: node 4 votes\n"},
    {0, "HF_FAKE_NODES=4 $T members add 4@delta --learner",
     .log = "change 1 node 4 delta:8080:8081 learns level 0\n",
     .is = "holdfast: node 4 catches up: 50 entries of 90\n"
           "holdfast: node 4 has caught up\n"},
    {0, "$T members add 4@delta --no-wait", .log = "change 1 node 4 delta:8080:8081 level 0\n",
     .is = ""},
    {0, "$T members --wait remove 2",
     .is = "holdfast: node 2 leaves\nholdfast: node 2 is no member\n",
     .log = "change 2 node 2 :0:0 level 0\n"},
    {0, "$T members remove --force 2", .log = "change 2 node 2 :0:0 force level 0\n"},
    {0, "$T members replace 1 epsilon:1:2", .log = "change 3 node 1 epsilon:1:2 level 0\n",
     .is = "holdfast: node 1 catches up: 50 entries of 90\n"
           "holdfast: node 1 is replaced, and votes\n"},
    {0, "$T members replace 2 beta:80:81", .has = "node 2 is replaced, and votes\n"},
    //  A learner.
    {0, "HF_FAKE_LOOKS=99 $T members replace 3 gamma:1:2",
     .is = "holdfast: node 3 catches up: 50 entries of 90\n"
           "holdfast: node 3 has caught up\n"},
    {0, "$T members move 2 '[::1]:1:2'", .log = "change 3 node 2 [::1]:1:2 level 0\n",
     .has = "node 2 has caught up\n"},
    {0, "$T members promote 3", .log = "change 4 node 3 :0:0 level 0\n", .has = "node 3 votes\n"},
    {0, "$T upgrade", .log = "change 5 node 0 :0:0 level 1\n", .is = ""},
    //  Another change is under way: the same request again.
    {0, "HF_FAKE_CHANGING=2 $T members add 4@delta --wait; grep -c change log", .has = "3\n"},
    {69, "HF_FAKE_CHANGING=9 $T members add 4@delta --no-wait",
     .has = "the members are not changed: another change of the members is under way"},
    {69, "HF_FAKE_CHANGING=99 $T members add 4@delta --timeout 500ms", .has = "is under way"},
    //  Refused.
    {2, "HF_FAKE_CHANGE=43 $T members remove 2", .has = "first remove those that never come back"},
    {2, "HF_FAKE_CHANGE=37 $T members add 4@delta", .has = "holdfast upgrade"},
    {2, "HF_FAKE_CHANGE=37 HF_FAKE_OLD=0 $T upgrade",
     .has = "\nholdfast: every node speaks level 1"},
    {2, "HF_FAKE_CHANGE=37 HF_FAKE_OLD=1 HF_FAKE_NODES=2 $T upgrade",
     .has = "\nholdfast: node 1 speaks level 0, not 1: start the new version there\n"
            "holdfast: node 3: no node"},
    {2, "HF_FAKE_CHANGE=39 $T members add 4@delta", .has = "another place has this id"},
    {69, "HF_FAKE_CHANGE=64 $T members remove 2", .has = "no answer in time"},
    {69, "HF_FAKE_QUERY=66 $T members remove 2", .has = "the change is made, but"},
    {69, "HF_FAKE_QUERY=66 $T members replace 2 x", .has = "the change is made, but"},
    //  It is a member already, and not what was asked for.
    {2, "$T members add 3@gamma", .has = "to let it vote: holdfast members promote 3"},
    {2, "$T members add 2@beta:80:81 --learner", .has = "node 2 votes already"},
    {0, "$T members add 3@gamma --learner", .has = "node 3 has caught up\n"},
    {2, "HF_FAKE_QUERY=0 $T members promote 6", .has = "node 6 was removed meanwhile"},
};
TRIAL_TABLE (test_members_changed, s_changes)

static const trial_t s_misuse[] = {
    {64, "$T members enlarge", .has = "'enlarge' is not add, remove"},
    {64, "$T members add", .has = "which node? ID@HOST"},
    {64, "$T members add 4@a 5@b", .has = "too many words"},
    {64, "$T members add 4@a,5@b", .has = "one node at a time"},
    {64, "$T members add delta:1:2", .has = "not of the form id@host"},
    {64, "$T members add 4@a:1:1", .has = "cannot share port 1"},
    {64, "$T members move 4", .has = "where to?"},
    {64, "$T members move 4 a:1:1", .has = "cannot share port 1"},
    {64, "$T members move 4 a:b", .has = "is not HOST:CLIENT_PORT:NODE_PORT"},
    {64, "$T members remove x", .has = "is not an id"},
    {64, "$T members remove 65536", .has = "is not an id"},
    {64, "$T members remove 2 --learner", .has = "--learner is for add"},
    {64, "$T members add 4@a --force", .has = "--force is for remove, move and replace"},
    {64, "$T members remove 2 --wait --no-wait", .has = "not both"},
    {64, "$T members move 1 2 3", .has = "at most three words"},
    {64, "$T upgrade now", .has = "takes no argument"},
    {0, "$T upgrade --help", .has = "feature level"},
};
TRIAL_TABLE (test_members_misuse, s_misuse)

//  ---- who leads ------------------------------------------------------------------------

static const trial_t s_leads[] = {
    {0, "$T lead 2", .is = "node 2 leads in term 3 at 127.0.0.1:8082\n",
     .log = "change 6 node 2 :0:0 level 0\n"},
    {0, "$T lead --json 2", .json = "{'id':2,'term':3,'endpoint':'127.0.0.1:8082'}"},
    {2, "HF_FAKE_CHANGE=46 $T lead 3",
     .has = "the lead is not handed over: that member cannot lead"},
    {69, "$T lead 3 --timeout 0.2", .has = "node 3 led, and leads no more"},
    {0, "$T drain 1", .is = "node 1 is drained: node 2 leads\n",
     .log = "change 7 node 1 :0:0 level 0\n"},
    {69, "$T drain 2 --timeout 0.2", .has = "node 2 is drained, and leads as no other member can"},
    {0, "$T drain --off --json 2", .json = "{'id':2,'drained':false,'leader':2}",
     .log = "change 8 node 2 :0:0 level 0\n"},
    {2, "HF_FAKE_CHANGE=47 $T drain 1", .has = ": holdfast drain --off NODE"},
    {2, "HF_FAKE_CHANGE=37 $T drain 1", .has = "holdfast upgrade"},
    {64, "$T drain", .has = "which node? its id is missing"},
    {64, "$T lead x", .has = "'x' is not an id"},
    {64, "$T lead 65536", .has = "'65536' is not an id"},
    {64, "$T lead --off 1", .has = "unknown or ambiguous option --off"},
};
TRIAL_TABLE (test_who_leads, s_leads)

HF_TEST_MAIN (trial_setup, trial_teardown)
