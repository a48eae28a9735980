//  A node that says BUSY for long, as to a user who asks too often: what the client sends
//  meanwhile.

#include "base/hf_mutant.h"
#include "tests/unit/client/stage.h"

int hf_mutant = HF_MUTANT_none;

//  ---- keepalives -----------------------------------------------------------------------

/*  All that is asked for is refused, again and again, for ten TTLs of a second. Whether the session
 *  lives on; KEPT: the keepalives that came. */
static bool
s_lives (int mutant, unsigned *kept)
{
    stage_open (3, 1000);
    hf_mutant = mutant;
    uint32_t before = g_stage.counts[1][HF_KIND_KEEPALIVE];
    stage_acquire ("a", true, HF_FOREVER);
    uint64_t end_us = g_stage.now_us + 10000000;
    while (g_stage.now_us < end_us &&
           hf_lease_alive (hf_client_session_lease (g_stage.session), g_stage.now_us)) {
        stage_refuse (1, HF_BUSY, 0, 0);
        stage_run_ms (7);
    }
    bool lives = hf_lease_alive (hf_client_session_lease (g_stage.session), g_stage.now_us);
    *kept = g_stage.counts[1][HF_KIND_KEEPALIVE] - before;
    hf_mutant = HF_MUTANT_none;
    stage_close (NULL);
    return lives;
}

HF_TEST (p9_sessions_live_while_a_node_is_busy)
{
    unsigned kept, again;
    assert_true (s_lives (HF_MUTANT_none, &kept));
    assert_true (s_lives (HF_MUTANT_all_kept_again, &again));
    print_message ("%u, %u without the rule\n", kept, again);
    assert_in_range (kept, 28, 45); //  each third of the TTL, or earlier
    assert_true (again > kept + 15);
}

/*  The node answers nothing but keepalives, and refuses each of the others as it comes. What the
 *  longest time between two keepalives is. */
static uint64_t
s_longest_ms (int mutant)
{
    stage_open (3, 1000);
    g_stage.node.autos &= ~(unsigned)NODE_ALIVE; //  so that BUSY is all that it says
    hf_mutant = mutant;
    stage_acquire ("a", true, HF_FOREVER);
    uint64_t longest_ms = 0, last_us = g_stage.now_us;
    for (unsigned i = 0; i < 900; i++) {
        uint32_t before = g_stage.counts[1][HF_KIND_KEEPALIVE];
        stage_refuse (1, HF_BUSY, 0, 0);
        stage_run_ms (1);
        if (g_stage.counts[1][HF_KIND_KEEPALIVE] == before)
            continue;
        uint64_t ms = (g_stage.now_us - last_us) / 1000;
        longest_ms = ms > longest_ms ? ms : longest_ms;
        last_us = g_stage.now_us;
    }
    hf_mutant = HF_MUTANT_none;
    stage_close (NULL);
    return longest_ms;
}

HF_TEST (p9_keepalives_do_not_back_off)
{
    assert_in_range (s_longest_ms (HF_MUTANT_none), 1, 334);
    assert_true (s_longest_ms (HF_MUTANT_keepalive_backs_off) > 400);
}

//  ---- releases -----------------------------------------------------------------------

/*  Of what goes out: the kinds of the requests in the next frame, with a comma between two. */
static const char *
s_frame (void)
{
    static char text[64];
    const got_t *got = stage_requests ();
    text[0] = 0;
    for (uint32_t i = 0; i < got->count; i++) {
        size_t used = strlen (text);
        snprintf (text + used, sizeof text - used, "%s%u", i > 0 ? "," : "", got->request[i].kind);
    }
    return text;
}

/*  Two locks are held; while the node is busy more is asked for, and both are released. */
static void
s_ask_for_more (void)
{
    stage_open (3, 10000);
    stage_hold ("a", 11);
    stage_hold ("b", 12);
    stage_acquire ("c", true, HF_FOREVER);
    assert_string_equal (s_frame (), "64");
    stage_refuse (1, HF_BUSY, 0, 0);
    stage_acquire ("d", true, HF_FOREVER);
    stage_end (HF_OP_RELEASE, "a", 11);
    stage_end (HF_OP_RELEASE, "b", 12);
    stage_acquire ("e", true, HF_FOREVER);
    stage_requests_none ();
    stage_until_ms (1000);
}

HF_TEST (p11_releases_go_by_themselves_while_a_node_is_busy)
{
    s_ask_for_more ();
    assert_string_equal (s_frame (), "64");
    assert_string_equal (s_frame (), "64");
    assert_string_equal (s_frame (), "65,65");
    assert_string_equal (s_frame (), "64");
    //  So they do when all goes out again; and an append goes before its release.
    stage_refuse (1, HF_BUSY, 0, 0);
    stage_until_ms (1000);
    assert_string_equal (s_frame (), "64,64");
    assert_string_equal (s_frame (), "65,65");
    assert_string_equal (s_frame (), "64");
    stage_close (NULL);
}

HF_TEST (p11_mutant_released_in_the_crowd)
{
    hf_mutant = HF_MUTANT_released_in_the_crowd;
    s_ask_for_more ();
    assert_string_equal (s_frame (), "64");
    assert_string_equal (s_frame (), "64,65,65,64");
    hf_mutant = HF_MUTANT_none;
    stage_close (NULL);
}

/*  What is appended to a section comes before its release, however frames are taken apart. */
HF_TEST (p6_an_append_stays_before_its_release)
{
    stage_open (3, 10000);
    stage_hold ("a", 11);
    stage_refuse (1, HF_BUSY, 0, 0);
    stage_append ("a", 11, "x", 1);
    stage_end (HF_OP_RELEASE, "a", 11);
    stage_until_ms (1000);
    const got_t *got = stage_requests ();
    assert_int_equal (got->count, 1);
    assert_int_equal (got->request[0].kind, HF_KIND_APPEND);
    stage_requests_none ();
    stage_answer (got->request[0].seq, HF_OK, 40, 11, 0);
    stage_expect (HF_OK, 0);
    assert_string_equal (s_frame (), "65");
    stage_close (NULL);
}

/*  After some time without BUSY all is as before. */
HF_TEST (test_later_frames_are_whole_again)
{
    stage_open (3, 60000);
    stage_hold ("a", 11);
    stage_refuse (1, HF_BUSY, 0, 0);
    stage_run_ms (11000);
    hf_client_core_broken (g_stage.core, 1, g_stage.now_us);
    stage_end (HF_OP_RELEASE, "a", 11);
    stage_acquire ("b", true, HF_FOREVER);
    hf_client_core_connected (g_stage.core, 1, g_stage.now_us);
    stage_until_ms (1000);
    assert_string_equal (s_frame (), "65,64");
    stage_close (NULL);
}

//  ---- LIMIT ----------------------------------------------------------------------------

/*  It is no use to wait: it is told at once, and why. */
HF_TEST (test_a_limit_is_told_at_once)
{
    static const uint8_t nonce[HF_NONCE_SIZE] = "of a crowded one";
    static const char why[] = "kim has 3 sessions, and a user may have 3";
    stage_open (3, 10000);
    g_stage.node.autos &= ~(unsigned)NODE_OPEN;
    hf_op_t *op = hf_op_open (nonce, 10000);
    op->limit_us = g_stage.now_us + 60000000;
    stage_submit (op);
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_opened_frame (&pack, &(hf_opened_t){.nonce = hf_span (nonce, HF_NONCE_SIZE),
                                           .status = HF_LIMIT,
                                           .text = hf_span_text (why)});
    stage_pack (1, &pack);
    op = stage_result ();
    assert_int_equal (op->result.status, HF_LIMIT);
    assert_string_equal (op->result.text, why);
    hf_op_free (op);
    stage_close (NULL);
}

static hf_op_t *
s_asks (uint8_t mark)
{
    uint8_t nonce[HF_NONCE_SIZE] = {mark};
    hf_op_t *op = hf_op_open (nonce, 10000);
    op->limit_us = g_stage.now_us + 60000000;
    return op;
}

static void
s_refuse_all_of_us (uint32_t node)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_refused_frame (&pack,
                      &(hf_refused_t){.status = HF_LIMIT, .text = hf_span_text ("kim has enough")});
    stage_pack (node, &pack);
}

/*  The user has too many connections at all nodes: who asks is told at once, and a session that is
 *  there lives on with what it asked for. */
HF_TEST (test_too_many_connections_are_told_at_once)
{
    stage_open (3, 10000);
    g_stage.node.autos &= ~(unsigned)NODE_OPEN;
    stage_acquire ("a", true, HF_FOREVER);
    stage_requests ();
    stage_submit (s_asks (7));
    s_refuse_all_of_us (2);
    s_refuse_all_of_us (3);
    stage_quiet ();
    s_refuse_all_of_us (1);
    hf_op_t *op = stage_result ();
    assert_int_equal (op->result.status, HF_LIMIT);
    assert_string_equal (op->result.text, "kim has enough");
    hf_op_free (op);
    stage_quiet ();
    //  They are cut off and come again, and one node has room.
    for (uint32_t node = 1; node <= 3; node++) {
        hf_client_core_broken (g_stage.core, node, g_stage.now_us);
        hf_client_core_connected (g_stage.core, node, g_stage.now_us);
    }
    s_refuse_all_of_us (2);
    stage_submit (s_asks (8));
    stage_run_ms (100);
    stage_quiet ();
    assert_string_equal (s_frame (), "64");
    stage_answer (1, HF_OK, 40, 11, 0);
    stage_expect (HF_OK, 11);
    stage_close (NULL);
}

HF_TEST_MAIN (NULL, NULL)
