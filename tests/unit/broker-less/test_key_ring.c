/*  Key files and the ring that is made of them: what is read, what is refused, what stays, what is
 *  told. Each mutant spoils one test. */
#include "broker-less/hf_key_ring.h"
#include "base/hf_mutant.h"
#include "broker-less/hf_snub.h"
#include "tests/kit/hf_test.h"
#include <zmq.h>

int hf_mutant = HF_MUTANT_none;

#define KEY_A "0VG40wS[vy^5Edc<N9A7M./r9ZDM7MMpy^6.u7R^"
#define KEY_B "@YnB1y-[!Y=Z@5{?^mt(F)r:(4/?-gI1PD7xQ-{y"
#define KEY_C "j*o>d]MoHw)as4R*QF<s7*eHk{L!bz:D(4&1NXY4"

//  ---- files ----------------------------------------------------------------------------

static void
s_refused (const char *text, const char *why)
{
    hf_key_t key;
    char error[HF_ERROR_SIZE] = "";
    assert_int_equal (hf_key_read (&key, hf_span_text (text), error), -1);
    assert_string_equal (error, why);
}

HF_TEST (what_is_written_is_read)
{
    hf_key_t key = {.public_text = KEY_A, .secret_text = KEY_B, .name = "alice"}, read;
    char text[HF_KEY_FILE_ROOM], error[HF_ERROR_SIZE];
    hf_key_write (&key, true, text);
    assert_int_equal (hf_key_read (&read, hf_span_text (text), error), 0);
    assert_memory_equal (&read, &key, sizeof key);
    hf_key_write (&key, false, text);
    assert_null (strstr (text, KEY_B));
    assert_int_equal (hf_key_read (&read, hf_span_text (text), error), 0);
    assert_string_equal (read.secret_text, "");
    key = (hf_key_t){.public_text = KEY_A, .node = 65535};
    hf_key_write (&key, false, text);
    assert_int_equal (hf_key_read (&read, hf_span_text (text), error), 0);
    assert_int_equal (read.node, 65535);
}

//  As czmq 4.2.1 writes it, and as people may.
HF_TEST (other_hands_are_read)
{
    hf_key_t key;
    char error[HF_ERROR_SIZE];
    const char *czmq = "#   ****  Generated on 2026-11-29 23:00:00 by CZMQ  ****\n"
                       "#   ZeroMQ CURVE **Secret** Certificate\n"
                       "\n"
                       "metadata\n    email = \"a b # c\"\n    name = \"bob.x+y@z-1_\"\ncurve\n"
                       "    public-key = \"" KEY_A "\"\n    secret-key = \"" KEY_B "\"\n";
    assert_int_equal (hf_key_read (&key, hf_span_text (czmq), error), 0);
    assert_string_equal (key.name, "bob.x+y@z-1_");
    assert_string_equal (key.secret_text, KEY_B);
    const char *people = "metadata\r\n\tnode=7 # seven\r\ncurve # keys\r\n  public-key = '" KEY_A
                         "'\r\n  other\r\nmore\r\n    public-key = x";
    assert_int_equal (hf_key_read (&key, hf_span_text (people), error), 0);
    assert_int_equal (key.node, 7);
    assert_string_equal (key.public_text, KEY_A);
}

HF_TEST (what_is_no_key_file_is_refused)
{
    char long_line[400], error[HF_ERROR_SIZE];
    hf_key_t key;
    memset (long_line, 'x', sizeof long_line);
    long_line[sizeof long_line - 1] = 0;
    s_refused ("", "it has no public key");
    s_refused ("curve\n    secret-key = \"" KEY_A "\"\n", "it has no public key");
    s_refused ("curve\n    public-key = \"" KEY_A, "line 2: that is no line of a key file");
    s_refused ("curve\n    public-key = \"" KEY_A "x\"", "line 2: a key is 40 characters of Z85");
    //  84 is '#': five of them are more than 32 bits.
    s_refused ("curve\n    public-key = \"#####67890123456789012345678901234567890\"",
               "line 2: a key is 40 characters of Z85");
    s_refused ("metadata\n    node = 0\n", "line 2: a node's id is a number from 1 to 65535");
    s_refused ("metadata\n    node = 65536\n", "line 2: a node's id is a number from 1 to 65535");
    s_refused ("metadata\n    node = 1x\n", "line 2: a node's id is a number from 1 to 65535");
    s_refused ("metadata\n\n    name = \"a b\"\n",
               "line 3: a user's name is 1 to 64 letters, digits and . _ - @ +");
    s_refused ("metadata\n    name = \"\"\n",
               "line 2: a user's name is 1 to 64 letters, digits and . _ - @ +");
    s_refused ("= 1\n", "line 1: that is no line of a key file");
    s_refused (long_line, "line 1: that is no line of a key file");
    assert_int_equal (hf_key_read (&key, hf_span ("a\0b", 3), error), -1);
    char *big = calloc (1, HF_KEY_FILE_MAX + 1);
    memset (big, '\n', HF_KEY_FILE_MAX + 1);
    assert_int_equal (hf_key_read (&key, hf_span (big, HF_KEY_FILE_MAX + 1), error), -1);
    free (big);
}

//  Whatever passes for a key here is one to libzmq.
HF_TEST (keys_are_those_of_libzmq)
{
    hf_key_t key = {.node = 1}, read;
    char text[HF_KEY_FILE_ROOM], error[HF_ERROR_SIZE];
    uint8_t binary[32];
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal (zmq_curve_keypair (key.public_text, key.secret_text), 0);
        hf_key_write (&key, true, text);
        assert_int_equal (hf_key_read (&read, hf_span_text (text), error), 0);
        assert_ptr_equal (zmq_z85_decode (binary, read.public_text), binary);
    }
}

//  ---- rings ----------------------------------------------------------------------------

static char s_error[HF_ERROR_SIZE];

static int
s_take (hf_key_ring_t *ring, const hf_key_ring_t *old, hf_key_kind_t kind, const char *file,
        const char *whose, const char *key)
{
    char text[512];
    snprintf (text, sizeof text, "metadata\n    %s\ncurve\n    public-key = \"%s\"\n", whose, key);
    return hf_key_ring_take (ring, old, kind, file, hf_span_text (text), s_error);
}

#define NODE(ring, old, file, id, key) s_take (ring, old, HF_KEY_OF_NODE, file, "node = " #id, key)
#define CLIENT(ring, old, file, name, key)                                                         \
    s_take (ring, old, HF_KEY_OF_CLIENT, file, "name = " #name, key)

static const hf_key_ring_t s_none = {.keys = {NULL, 0, 0}, .marks = {NULL, 0, 0}};

static bool
s_kinds_are_apart (void)
{
    hf_key_ring_t ring = s_none;
    assert_int_equal (NODE (&ring, &s_none, "n", 1, KEY_A), 0);
    assert_int_equal (CLIENT (&ring, &s_none, "c", alice, KEY_B), 0);
    bool apart = hf_key_ring_find (&ring, HF_KEY_OF_NODE, KEY_A) &&
                 hf_key_ring_find (&ring, HF_KEY_OF_CLIENT, KEY_B) &&
                 !hf_key_ring_find (&ring, HF_KEY_OF_NODE, KEY_B) &&
                 !hf_key_ring_find (&ring, HF_KEY_OF_CLIENT, KEY_A) &&
                 !hf_key_ring_find (&ring, HF_KEY_OF_CLIENT, KEY_C);
    hf_key_ring_done (&ring);
    return apart;
}

static bool
s_keys_take_turns (void)
{
    hf_key_ring_t ring = s_none;
    NODE (&ring, &s_none, "a", 1, KEY_A);
    NODE (&ring, &s_none, "b", 1, KEY_B);
    NODE (&ring, &s_none, "c", 2, KEY_C);
    bool good = hf_key_ring_count (&ring, 1) == 2 && hf_key_ring_count (&ring, 0) == 3 &&
                hf_key_ring_count (&ring, 3) == 0 && !hf_key_ring_of_node (&ring, 3, 5);
    for (unsigned turn = 0; turn < 4 && good; turn++)
        good = strcmp (hf_key_ring_of_node (&ring, 1, turn)->key.public_text,
                       turn % 2 == 0 ? KEY_A : KEY_B) == 0 &&
               strcmp (hf_key_ring_of_node (&ring, 2, turn)->key.public_text, KEY_C) == 0;
    hf_key_ring_done (&ring);
    return good;
}

static bool
s_bad_files_revoke_nothing (void)
{
    hf_key_ring_t old = s_none, ring = s_none;
    CLIENT (&old, &s_none, "alice", alice, KEY_A);
    CLIENT (&old, &s_none, "bob", bob, KEY_B);
    //  One is being written, one is gone.
    assert_int_equal (hf_key_ring_take (&ring, &old, HF_KEY_OF_CLIENT, "alice",
                                        hf_span_text ("metadata\n"), s_error),
                      -1);
    assert_string_equal (s_error, "clients/alice: it has no public key");
    bool good = hf_key_ring_find (&ring, HF_KEY_OF_CLIENT, KEY_A) &&
                !hf_key_ring_find (&ring, HF_KEY_OF_CLIENT, KEY_B);
    hf_key_ring_done (&old);
    hf_key_ring_done (&ring);
    return good;
}

HF_TEST (rules_of_a_ring)
{
    assert_true (s_kinds_are_apart ());
    assert_true (s_keys_take_turns ());
    assert_true (s_bad_files_revoke_nothing ());
    assert_false (hf_key_ring_wants (".hidden"));
    assert_false (hf_key_ring_wants ("alice_secret"));
    assert_false (hf_key_ring_wants ("alice~"));
    assert_false (hf_key_ring_wants (""));
    assert_true (hf_key_ring_wants ("_secret"));
    assert_true (hf_key_ring_wants ("alice"));
}

HF_TEST (mutants_of_a_ring_are_caught)
{
    hf_mutant = HF_MUTANT_any_key_admitted;
    assert_false (s_kinds_are_apart ());
    hf_mutant = HF_MUTANT_first_key_only;
    assert_false (s_keys_take_turns ());
    hf_mutant = HF_MUTANT_bad_file_revokes;
    assert_false (s_bad_files_revoke_nothing ());
    hf_mutant = HF_MUTANT_none;
}

HF_TEST (files_must_say_whose_they_are)
{
    hf_key_ring_t ring = s_none;
    assert_int_equal (NODE (&ring, &s_none, "n", 1, KEY_A), 0);
    assert_int_equal (CLIENT (&ring, &s_none, "a", alice, KEY_A), 0); //  of both kinds
    assert_int_equal (CLIENT (&ring, &s_none, "b", bob, KEY_A), -1);
    assert_string_equal (s_error, "clients/b: it has the key of a");
    assert_int_equal (s_take (&ring, &s_none, HF_KEY_OF_NODE, "x", "name = alice", KEY_B), -1);
    assert_string_equal (
        s_error, "nodes/x: it does not say of which node it is: node = \"ID\" under metadata");
    assert_int_equal (s_take (&ring, &s_none, HF_KEY_OF_CLIENT, "x", "node = 1", KEY_B), -1);
    assert_string_equal (s_error,
                         "clients/x: it does not say whose it is: name = \"USER\" under metadata");
    hf_key_ring_done (&ring);
}

HF_TEST (changes_are_told)
{
    hf_key_ring_t old = s_none, ring = s_none;
    char text[HF_ERROR_SIZE];
    size_t at = 0;
    NODE (&old, &s_none, "n1", 1, KEY_A);
    CLIENT (&old, &s_none, "alice", alice, KEY_B);
    CLIENT (&ring, &old, "renamed", alice, KEY_B);
    CLIENT (&ring, &old, "bob", bob, KEY_C);
    assert_true (hf_key_ring_differs (&old, &ring, &at, text));
    assert_string_equal (text, "accepts no longer the key of node 1 in nodes/n1");
    assert_true (hf_key_ring_differs (&old, &ring, &at, text));
    assert_string_equal (text, "accepts the key of client bob in clients/bob");
    assert_false (hf_key_ring_differs (&old, &ring, &at, text));
    hf_key_ring_done (&old);
    hf_key_ring_done (&ring);
}

//  ---- why there is no handshake ------------------------------------------------------------

HF_TEST (snubs_say_what_to_do)
{
    const hf_key_t user = {.name = "alice"}, node = {.node = 3};
    static const struct {
        hf_snub_t snub;
        uint32_t id;
        const char *text;
    } snubs[] = {
        {HF_SNUB_NONE, 1, ""},
        {HF_SNUB_KEYLESS, 1,
         "node 1 asks for a key: --key FILE and --keys DIR, or HOLDFAST_KEY and HOLDFAST_KEYS"},
        {HF_SNUB_PLAIN, 0, "the node speaks without keys: start it with --keys and --key"},
        {HF_SNUB_REFUSED, 2, "node 2 does not admit the key of user alice in F"},
        {HF_SNUB_OTHER_KEY, 2, "node 2 ends the handshake: is its key the one in D/nodes?"},
        {HF_SNUB_UNKNOWN, 2, "there is no key of node 2 in D/nodes"},
        {HF_SNUB_UNKNOWN, 0, "there is no key of a node in D/nodes"},
    };
    char text[HF_ERROR_SIZE];
    for (size_t i = 0; i < sizeof snubs / sizeof *snubs; i++) {
        hf_snub_text (snubs[i].snub, snubs[i].id, &user, "F", "D", text, sizeof text);
        assert_string_equal (text, snubs[i].text);
        assert_int_equal (hf_snub_by_key (snubs[i].snub), snubs[i].snub == HF_SNUB_OTHER_KEY);
    }
    hf_snub_text (HF_SNUB_REFUSED, 1, &node, "F", "D", text, sizeof text);
    assert_string_equal (text, "node 1 does not admit the key of node 3 in F");
}

HF_TEST_MAIN (NULL, NULL)
