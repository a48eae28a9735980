/*  The tool and keys: it makes them, shows them, and asks nodes with them. In the scripts $T is
 *  `holdfast`. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"
#include <czmq.h>

static hf_cluster_t *s_cluster;

//  What is made, and how.
static const trial_t s_make[] = {
    {0, "$T keys new alice --out k && stat -c %a k k/alice k/alice_secret",
     .has = "k/alice: give it to every node, for KEYS/clients\nk/alice_secret: secret; give it to "
            "nobody\n",
     .has_too = "700\n644\n600\n"},
    {0, "grep -c secret-key k/alice; grep -h 'name =' k/alice k/alice_secret",
     .is = "0\n    name = \"alice\"\n    name = \"alice\"\n"},
    {0,
     "umask 0; $T keys new node-1 --node 1 --out k >&2 && stat -c %a k/node-1_secret; "
     "grep 'node =' k/node-1",
     .has = "600\n    node = \"1\"\n"},
    {0, "$T keys new laptop --user alice --out k > k/out && grep name k/laptop",
     .is = "    name = \"alice\"\n"},
    //  Nothing is overwritten.
    {2,
     "cp k/alice_secret old; $T keys new alice --out k; c=$?; cmp old k/alice_secret || exit 9; "
     "exit $c",
     .is = "holdfast: k/alice is there already: nothing was written\n"},
    {2,
     "rm k/alice; $T keys new alice --out k; c=$?; cmp old k/alice_secret || exit 9; "
     "[ ! -e k/alice ] || exit 8; exit $c",
     .is = "holdfast: cannot write k/alice_secret: File exists\n"},
    {0, .script = "rm k/alice_secret; $T keys new alice --out k > k/out"},
    //  Side by side.
    {0,
     "$T keys rotate k/alice && $T keys rotate k/alice-2_secret --out m && "
     "grep -h name k/alice-2_secret m/alice-2",
     .has = "k/alice-2: give it to every node, for KEYS/clients\n",
     .has_too = "    name = \"alice\"\n    name = \"alice\"\n"},
    //  The number of a node, or of a user, is no count: node-2 is the key of another node.
    {0,
     "$T keys new node-2 --node 2 --out k && $T keys rotate k/node-2 && $T keys rotate k/node-2-2 "
     "&& "
     "$T keys new web-1 --out k && $T keys rotate k/web-1 && $T keys rotate k/web-1-2 && ls k",
     .has = "node-2-3_secret\n", .has_too = "web-1-3_secret\n"},
    {0, "$T keys rotate k/node-1_secret && grep -h node k/node-1-2",
     .has = "k/node-1-2_secret: secret"},
    {0, "$T keys show k/alice k/alice_secret k/node-1", .has = "user alice  no      k/alice\n",
     .has_too = "user alice  yes     k/alice_secret\n"},
    {0, "$T keys show --json k/node-1 | tr -d ' \\n' | sed 's/\"public\":\"[^\"]*\"/P/'",
     .is = "{\"keys\":[{\"file\":\"k/node-1\",\"user\":\"\",\"node\":1,P,\"secret\":false}]}"},
    {0,
     "$T keys show k/alice_secret | grep -cFe \"$(sed -n 's/.*secret-key = .\\(.*\\)./\\1/p' "
     "k/alice_secret | cut -c1-10)\" || true",
     .is = "0\n"},
    {2, "$T keys show k/out", .has = "the key file k/out: line 1: that is no line of a key file"},
    //  Mistakes.
    {64, "$T keys", .has = "what? new, show or rotate"},
    {64, "$T keys make x", .has = "'make' is none of new, show and rotate"},
    {64, "$T keys new", .has = "new: one NAME is needed"},
    {64, "$T keys new 'a b'", .has = "a name is 1 to 64 letters"},
    {64, "$T keys new ../x", .has = "a name is 1 to 64 letters"},
    {64, "$T keys new x --user 'a/b'", .has = "a user's name is 1 to 64 letters"},
    {64, "$T keys new x --user y --node 1", .has = "--node and --user exclude each other"},
    {64, "$T keys new x --node 65536", .has = "--node must be a number from 1 to 65535"},
    {64, "$T keys show", .has = "FILE is missing"},
    {64, "$T keys rotate x --node 1", .has = "the owner stays"},
    {2, "$T keys rotate nothing", .has = "cannot read the key file nothing: No such file"},
    {74, "$T keys new x --out nowhere/k", .has = "cannot make nowhere/k: No such file"},
};
TRIAL_TABLE (test_keys_are_made, s_make)

//  czmq reads our files, and we read its.
HF_TEST (test_files_are_those_of_czmq)
{
    trial_must (0, "$T keys new ours --out c");
    zcert_t *ours = zcert_load ("c/ours");
    assert_non_null (ours);
    assert_string_equal (zcert_meta (ours, "name"), "ours");
    zcert_destroy (&ours);
    ours = zcert_load ("c/ours_secret");
    assert_non_null (ours);
    zcert_t *theirs = zcert_new ();
    assert_false (zcert_eq (ours, theirs));
    zcert_set_meta (theirs, "name", "%s", "bob");
    zcert_set_meta (theirs, "email", "%s", "bob@example.com");
    assert_int_equal (zcert_save (theirs, "c/theirs"), 0);
    trial_must (0, "$T keys show c/theirs c/theirs_secret");
    trial_output_has (zcert_public_txt (theirs));
    trial_output_has ("user bob  no      c/theirs\n");
    trial_output_has ("user bob  yes     c/theirs_secret\n");
    zcert_destroy (&ours);
    zcert_destroy (&theirs);
}

//  HOLDFAST_KEY and HOLDFAST_KEYS are the tester's.
static const trial_t s_ask[] = {
    {0, "$T run books -- sh -c '$T append ledger one' && $T cat ledger", .is = "one"},
    {0, .script = "$T watch --after 0 > w & p=$!; $T run -n w -- true; while [ ! -s w ]; do :; "
                  "done; kill $p"},
    {0,
     "k=$HOLDFAST_KEY d=$HOLDFAST_KEYS; unset HOLDFAST_KEY HOLDFAST_KEYS; "
     "$T --key \"$k\" --keys \"$d\" run --key \"$k\" x -- $T leader",
     .has = "1"},
    {69, "unset HOLDFAST_KEY HOLDFAST_KEYS; $T leader --timeout 3",
     .has = "node 1 asks for a key: --key FILE and --keys DIR, or HOLDFAST_KEY and HOLDFAST_KEYS"},
    {69, "$T keys new eve > out; $T --key eve_secret leader --timeout 3",
     .has = "node 1 does not admit the key of user eve in eve_secret"},
    {69, "mkdir -p empty; $T --keys empty leader --timeout 3",
     .has = "there is no key of node 1 in empty/nodes"},
    {69,
     "$T keys new other --node 1 --out wrong/nodes 2>&1 | grep -q cannot || exit 9; "
     "mkdir wrong; $T keys new other --node 1 --out wrong/nodes > out; "
     "$T --keys wrong leader --timeout 3",
     .has = "node 1 ends the handshake: is its key the one in wrong/nodes?"},
    {64, "unset HOLDFAST_KEYS; $T leader", .has = "a key is given and a folder of keys is not"},
    {64, "unset HOLDFAST_KEY; $T leader", .has = "a folder of keys is given and a key is not"},
    {64, "$T --key nothing leader", .has = "cannot read the key file nothing"},
    {64, "$T --key \"$HOLDFAST_KEYS/clients/tester\" leader", .has = "has no secret key"},
    {64, "$T keys new n --node 1 > out; $T --key n_secret leader",
     .has = "n_secret is the key of node 1: a client needs one of its own (holdfast keys new)"},
    //  Added and removed while the nodes run.
    {0,
     "cp eve \"$HOLDFAST_KEYS/clients/eve\"; "
     "$T --key eve_secret run --connect-timeout 20 x -- echo in",
     .is = "in\n"},
    {0,
     "rm \"$HOLDFAST_KEYS/clients/eve\"; "
     "while $T --key eve_secret leader --timeout 1 > out 2>&1; do :; done; cat out",
     .has = "node 1 does not admit the key of user eve in eve_secret"},
};
TRIAL_TABLE (test_nodes_are_asked, s_ask)

static int
s_begin (void **state)
{
    s_cluster = hf_cluster_new (1);
    hf_cluster_use_keys (s_cluster);
    if (trial_setup (state) != 0 || !hf_cluster_begin (s_cluster))
        return -1;
    return setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (s_cluster), 1);
}

static int
s_end (void **state)
{
    int rc = trial_teardown (state);
    bool passed = hf_cluster_passed (s_cluster);
    hf_cluster_destroy (&s_cluster);
    return passed ? rc : -1;
}

HF_TEST_MAIN (s_begin, s_end)
