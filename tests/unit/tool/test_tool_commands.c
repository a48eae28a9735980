/*  The other commands, without a cluster: what they ask of the library, print and exit with. */
#include "tests/kit/hf_test.h"
#include "tests/unit/tool/trial.h"
#include <jansson.h>

static void
s_output_has (const char *text)
{
    if (!strstr (trial_output (), text))
        fail_msg ("'%s' is not in: %s", text, trial_output ());
}

/*  The output as JSON; to be released. */
static json_t *
s_json (void)
{
    json_error_t error;
    json_t *root = json_loads (trial_output (), 0, &error);
    if (!root)
        fail_msg ("%s: %s", error.text, trial_output ());
    return root;
}

//  ---- acquire and release ---------------------------------------------------------

HF_TEST (test_acquire_leaves_the_session)
{
    assert_int_equal (trial_run ("eval \"$($T acquire \"it's; a\\$b\")\" && "
                                 "env | grep ^HOLDFAST_ | sort"),
                      0);
    assert_string_equal (trial_output (),
                         "HOLDFAST_LOCK=it's; a$b\nHOLDFAST_SESSION=7\nHOLDFAST_TOKEN=42\n");
    assert_string_equal (trial_log (), "open 60000\nacquire it's; a$b wait 4294967295\nleave\n");
}

HF_TEST (test_acquire_hands_the_endpoints_on)
{
    assert_int_equal (trial_run ("eval \"$($T acquire --endpoints 1@x lock)\" && "
                                 "echo $HOLDFAST_ENDPOINTS"),
                      0);
    assert_string_equal (trial_output (), "1@x\n");
}

HF_TEST (test_acquire_json)
{
    assert_int_equal (trial_run ("$T acquire --json --ttl 2m lock"), 0);
    json_t *root = s_json ();
    assert_string_equal (json_string_value (json_object_get (root, "lock")), "lock");
    assert_int_equal (json_integer_value (json_object_get (root, "token")), 42);
    assert_int_equal (json_integer_value (json_object_get (root, "session")), 7);
    assert_int_equal (json_integer_value (json_object_get (root, "ttl_ms")), 120000);
    json_decref (root);
}

HF_TEST (test_acquire_that_nobody_hears_is_taken_back)
{
    assert_int_equal (trial_run ("$T acquire lock > /dev/full"), 74);
    assert_non_null (strstr (trial_log (), "\nclose\n"));
    assert_null (strstr (trial_log (), "leave"));
}

HF_TEST (test_acquire_not_granted)
{
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=2 $T acquire -n -E 7 lock"), 7);
    assert_string_equal (trial_output (), "");
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=64 $T acquire -w 1 lock"), 1);
    assert_int_equal (trial_run ("$T acquire"), 64);
    assert_int_equal (trial_run ("$T acquire a b"), 64);
}

HF_TEST (test_release)
{
    assert_int_equal (trial_run ("eval \"$($T acquire lock)\"; rm log; $T release"), 0);
    assert_string_equal (trial_log (), "open 0\nfor 7 release lock 42\nclose-id 7\nclose\n");
    assert_int_equal (trial_run ("$T release --cancel --lock a --token 1 --session 2"), 0);
    assert_string_equal (trial_log (), "open 0\nfor 2 cancel a 1\nclose-id 2\nclose\n");
    assert_int_equal (trial_run ("HOLDFAST_LOCK=b HOLDFAST_TOKEN=3 $T release --session 4 a"), 0);
    assert_non_null (strstr (trial_log (), "for 4 release a 3\n"));
}

HF_TEST (test_release_by_who_does_not_hold)
{
    assert_int_equal (trial_run ("HF_FAKE_RELEASE=16 $T release --lock a --token 1 --session 2"),
                      2);
    s_output_has ("you do not hold lock a");
    assert_null (strstr (trial_log (), "close-id"));
    assert_int_equal (trial_run ("HF_FAKE_RELEASE=64 $T release --lock a --token 1 --session 2"),
                      75);
    s_output_has ("was not acknowledged");
    assert_int_equal (trial_run ("$T release"), 64);
    assert_int_equal (trial_run ("$T release --lock a --token x --session 2"), 64);
    assert_int_equal (trial_run ("HOLDFAST_TOKEN=x $T release --lock a --session 2"), 64);
    assert_int_equal (trial_run ("HF_FAKE_OPEN=66 $T release --lock a --token 1 --session 2"), 69);
}

//  ---- append ----------------------------------------------------------------------

HF_TEST (test_append_alone)
{
    assert_int_equal (trial_run ("$T append file 'some data'"), 0);
    assert_string_equal (trial_log (), "open 0\nacquire file wait 4294967295\n"
                                       "append file 42 file 9 some data\nrelease file 42\nclose\n");
    assert_int_equal (trial_run ("printf abc | $T append file"), 0);
    assert_non_null (strstr (trial_log (), "file 3 abc\n"));
    assert_int_equal (trial_run ("printf abc | $T append -l file; $T append -l file 'x\n'"), 0);
    assert_non_null (strstr (trial_log (), "file 4 abc\n"));
    assert_non_null (strstr (trial_log (), "file 2 x\n"));
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=2 $T append -n file x"), 1);
    assert_null (strstr (trial_log (), "append"));
}

HF_TEST (test_append_that_fails_is_dropped)
{
    assert_int_equal (trial_run ("HF_FAKE_APPEND=18 $T append file x"), 2);
    s_output_has ("larger than the limit");
    assert_null (strstr (trial_log (), "release"));
    assert_int_equal (trial_run ("HF_FAKE_RELEASE=69 $T append file x"), 75);
    s_output_has ("was not acknowledged");
}

HF_TEST (test_append_in_a_section)
{
    assert_int_equal (trial_run ("eval \"$($T acquire lock)\"; rm log; $T append file x"), 0);
    assert_string_equal (trial_log (), "open 0\nfor 7 append lock 42 file 1 x\nclose\n");
    assert_int_equal (trial_run ("$T append --lock a --token 1 --session 2 file x"), 0);
    assert_non_null (strstr (trial_log (), "for 2 append a 1 file 1 x\n"));
    assert_int_equal (trial_run ("HOLDFAST_LOCK=a $T append file x"), 64);
    assert_int_equal (trial_run ("HOLDFAST_LOCK=a $T append --alone file x"), 0);
    assert_non_null (strstr (trial_log (), "append file 42 file 1 x\n"));
    assert_int_equal (
        trial_run ("HF_FAKE_APPEND=16 $T append --lock a --token 1 --session 2 file x"), 2);
    s_output_has ("you do not hold lock a");
    assert_int_equal (
        trial_run ("HF_FAKE_APPEND=64 $T append --lock a --token 1 --session 2 file x"), 69);
    s_output_has ("perhaps more");
}

HF_TEST (test_append_of_long_input)
{
    assert_int_equal (trial_run ("head -c 2500000 /dev/zero | $T append file"), 0);
    assert_non_null (strstr (trial_log (), "file 1048576 \nappend file 42 file 1048576 \n"
                                           "append file 42 file 402848 \nrelease file 42\n"));
    assert_int_equal (trial_run ("head -c 16777216 /dev/zero | $T append file; grep -c append log"),
                      0);
    assert_string_equal (trial_output (), "16\n");
    assert_int_equal (trial_run ("head -c 16777217 /dev/zero | $T append file"), 2);
    s_output_has ("16 MiB");
    assert_string_equal (trial_log (), "");
    assert_int_equal (trial_run ("$T append"), 64);
    assert_int_equal (trial_run ("$T append file a b"), 64);
    assert_int_equal (trial_run ("$T append file < /"), 74);
}

//  ---- queries ---------------------------------------------------------------------

HF_TEST (test_cat)
{
    assert_int_equal (trial_run ("$T cat text"), 0);
    assert_string_equal (trial_output (), "0123456789");
    assert_int_equal (trial_run ("$T cat --offset 3 --length 4 text"), 0);
    assert_string_equal (trial_output (), "3456");
    assert_int_equal (trial_run ("$T cat --offset 30 text"), 0);
    assert_string_equal (trial_output (), "");
    assert_int_equal (trial_run ("$T cat long | wc -c"), 0);
    assert_string_equal (trial_output (), "2621440\n");
    assert_int_equal (trial_run ("$T cat nothing"), 2);
    s_output_has ("there is no file nothing");
    assert_int_equal (trial_run ("$T cat text > /dev/full"), 74);
    assert_int_equal (trial_run ("$T cat"), 64);
    assert_int_equal (trial_run ("$T cat --offset x text"), 64);
    assert_int_equal (trial_run ("HF_FAKE_QUERY=66 $T cat text"), 69);
}

HF_TEST (test_cat_json)
{
    assert_int_equal (trial_run ("$T cat --json --offset 8 text"), 0);
    json_t *root = s_json ();
    assert_string_equal (json_string_value (json_object_get (root, "data")), "89");
    assert_int_equal (json_integer_value (json_object_get (root, "total")), 10);
    json_decref (root);
    assert_int_equal (trial_run ("$T cat --json bytes"), 0);
    root = s_json ();
    assert_string_equal (json_string_value (json_object_get (root, "data_base64")), "/v8=");
    json_decref (root);
}

HF_TEST (test_ls)
{
    assert_int_equal (trial_run ("$T ls"), 0);
    assert_string_equal (trial_output (), "LENGTH  CHECKSUM          FILE\n"
                                          "  1234  000000000000feed  ledger\n");
    assert_int_equal (trial_run ("$T ls --json"), 0);
    json_t *root = s_json ();
    json_t *file = json_array_get (json_object_get (root, "files"), 0);
    assert_string_equal (json_string_value (json_object_get (file, "file")), "ledger");
    assert_int_equal (json_integer_value (json_object_get (file, "length")), 1234);
    assert_string_equal (json_string_value (json_object_get (file, "checksum")),
                         "000000000000feed");
    json_decref (root);
}

HF_TEST (test_locks)
{
    assert_int_equal (trial_run ("$T locks"), 0);
    s_output_has ("                  42        7  exclusive        2     100  one\n"
                  "                  43        9  exclusive        2       0  one\n"
                  "18446744073709551615        8  exclusive        0       0  zw\303\266lf\n");
    assert_int_equal (trial_run ("$T locks one"), 0);
    s_output_has ("lock     one\nholders  2\nwaiters  2\n\n");
    s_output_has ("holds        7  exclusive     42     100\n");
    s_output_has ("    2       12  unknown");
    assert_int_equal (trial_run ("$T locks other"), 2);
    assert_int_equal (trial_run ("$T locks --json one"), 0);
    json_t *root = s_json ();
    assert_int_equal (json_array_size (json_object_get (root, "queue")), 2);
    assert_int_equal (json_array_size (json_object_get (root, "holders")), 2);
    assert_true (json_is_true (json_object_get (root, "held")));
    json_decref (root);
    assert_int_equal (trial_run ("$T locks --json other 2>/dev/null"), 2);
    root = s_json ();
    assert_true (json_is_false (json_object_get (root, "held")));
    json_decref (root);
    assert_int_equal (trial_run ("$T locks --json"), 0);
    root = s_json ();
    json_t *locks = json_object_get (root, "locks");
    assert_int_equal (json_array_size (locks), 2);
    assert_int_equal (json_array_size (json_object_get (json_array_get (locks, 0), "holders")), 2);
    assert_null (json_object_get (json_array_get (locks, 0), "queue"));
    json_decref (root);
    assert_int_equal (trial_run ("HF_FAKE_QUERY=64 $T locks"), 69);
}

HF_TEST (test_leader)
{
    assert_int_equal (trial_run ("$T leader"), 0);
    assert_string_equal (trial_output (), "node 2 leads in term 3 at 127.0.0.1:8082\n");
    assert_int_equal (trial_run ("$T leader --json"), 0);
    json_t *root = s_json ();
    assert_int_equal (json_integer_value (json_object_get (root, "id")), 2);
    json_decref (root);
    assert_int_equal (trial_run ("HF_FAKE_QUERY=66 $T leader"), 69);
    assert_int_equal (trial_run ("$T leader --timeout 0"), 64);
    assert_int_equal (trial_run ("$T leader x"), 64);
}

#define THREE "HOLDFAST_ENDPOINTS=1@h:1:2,2@h:3:4,3@h:5:6 "

HF_TEST (test_status)
{
    assert_int_equal (trial_run (THREE "$T status"), 0);
    s_output_has ("   1  leader    h:1            1     5");
    assert_int_equal (trial_run (THREE "HF_FAKE_NODES=2 $T status"), 0);
    s_output_has ("   3  unreachable  h:5 ");
    assert_int_equal (trial_run (THREE "HF_FAKE_NODES=1 $T status"), 69);
    s_output_has ("1 answered");
    assert_int_equal (trial_run (THREE "HF_FAKE_NODES=0 $T status"), 69);
    s_output_has ("no node of the cluster can be reached");
    assert_int_equal (trial_run (THREE "HF_FAKE_LEADER=0 $T status"), 69);
    assert_int_equal (trial_run (THREE "$T status -v"), 0);
    s_output_has ("   2  state_hash  0000000000000abc\n");
    assert_int_equal (trial_run (THREE "HF_FAKE_NODES=2 $T status --json"), 0);
    json_t *root = s_json ();
    assert_int_equal (json_integer_value (json_object_get (root, "leader")), 1);
    json_t *nodes = json_object_get (root, "nodes");
    assert_true (json_is_true (json_object_get (json_array_get (nodes, 1), "reachable")));
    assert_true (json_is_false (json_object_get (json_array_get (nodes, 2), "reachable")));
    json_decref (root);
}

HF_TEST (test_help)
{
    assert_int_equal (trial_run ("for c in run acquire release append cat ls locks leader status; "
                                 "do $T $c --help | grep -q \"usage: holdfast $c\" || exit 9; "
                                 "$T $c -h | grep -q examples: || exit 8; "
                                 "$T help $c | grep -q usage || exit 7; "
                                 "$T --help | grep -q \"^  $c  \" || exit 6; done"),
                      0);
    assert_int_equal (trial_run ("$T --version"), 0);
    assert_string_equal (trial_output (), "holdfast " HF_VERSION "\n");
    assert_int_equal (trial_run ("$T run --version"), 0);
    assert_int_equal (trial_run ("$T --help > /dev/full"), 74);
}

HF_TEST_MAIN (trial_setup, trial_teardown)
