//  Why an acquire was refused: rings of waits and other limits, also when a node says nonsense.

#include "base/hf_mutant.h"
#include "tests/unit/client/stage.h"

int hf_mutant = HF_MUTANT_none;

#define KIM                                                                                        \
    {                                                                                              \
        12, {(const uint8_t *)"kim@alpha", 9}, {(const uint8_t *)"a", 1},                          \
        {                                                                                          \
            (const uint8_t *)"b", 1                                                                \
        }                                                                                          \
    }

static const hf_ring_row_t s_kim = KIM;

static uint64_t
s_ask (const hf_want_t *wants, size_t count)
{
    hf_op_t *op;
    assert_int_equal (hf_op_claim (g_stage.session, wants, count, NULL, 0, g_stage.now_us, &op),
                      HF_OK);
    stage_submit (op);
    return stage_requests ()->request[0].seq;
}

static uint64_t
s_ask_one (void)
{
    return s_ask (&(hf_want_t){.lock = "b"}, 1);
}

static void
s_put_ring (hf_pack_t *items, uint64_t seq, const hf_ring_row_t *rows, size_t count)
{
    hf_pack_t list;
    hf_pack_init (&list);
    for (size_t i = 0; i < count; i++)
        hf_ring_row_put (&list, &rows[i]);
    hf_ring_put (items, &(hf_ring_t){.seq = seq, .rows = hf_pack_list (&list)});
    hf_pack_done (&list);
}

/*  ANSWER DEADLOCK to SEQ, and behind it a ring of ROWS for request OF. */
static void
s_deadlock (uint64_t seq, uint64_t of, const hf_ring_row_t *rows, size_t count)
{
    hf_pack_t items;
    hf_pack_init (&items);
    hf_answer_put (&items, &(hf_answer_t){seq, HF_DEADLOCK, 5, 0, 0});
    s_put_ring (&items, of, rows, count);
    stage_items (&items);
}

/*  The next result is STATUS and says TEXT, or nothing; gives how many are in the ring. */
static size_t
s_expect (hf_status_t status, const char *text)
{
    hf_op_t *op = stage_result ();
    assert_int_equal (op->result.status, status);
    assert_true ((op->result.text != NULL) == (text != NULL));
    if (text)
        assert_string_equal (op->result.text, text);
    assert_true ((op->result.ring != NULL) == (op->result.ring_count > 0));
    size_t count = op->result.ring_count;
    hf_op_free (op);
    stage_quiet ();
    return count;
}

//  ---- rings ----------------------------------------------------------------------------

STAGE_TEST (test_a_ring_is_told, 1, 10000)
{
    const hf_ring_row_t rows[] = {KIM,
                                  {13, {NULL, 0}, hf_span_text ("b"), hf_span_text ("c")},
                                  {14, hf_span_text ("ann"), {NULL, 0}, hf_span_text ("a")}};
    uint64_t seq = s_ask_one ();
    s_deadlock (seq, seq, rows, 3);
    hf_op_t *op = stage_result ();
    assert_int_equal (op->result.status, HF_DEADLOCK);
    assert_int_equal (op->result.ring_count, 3);
    const hf_ring_place_t *ring = op->result.ring;
    assert_int_equal (ring[0].session, 12);
    assert_string_equal (ring[0].label, "kim@alpha");
    assert_string_equal (ring[0].holds, "a");
    assert_string_equal (ring[0].waits, "b");
    assert_string_equal (ring[1].label, "");
    assert_null (ring[2].holds);
    assert_string_equal (op->result.text,
                         "session 12 (kim@alpha) holds a and waits for b; session 13 "
                         "holds b and waits for c; session 14 (ann) is before it "
                         "in the queue and waits for a");
    hf_op_free (op);
    stage_quiet ();
}

STAGE_TEST (test_the_longest_ring_is_told, 1, 10000)
{
    static uint8_t letters[HF_LABEL_MAX];
    memset (letters, 'x', sizeof letters);
    hf_span_t longest = hf_span (letters, sizeof letters);
    hf_ring_row_t rows[HF_RING_MAX + 1];
    for (size_t i = 0; i < HF_RING_MAX + 1; i++)
        rows[i] = (hf_ring_row_t){UINT64_MAX, longest, longest, longest};
    uint64_t seq = s_ask_one ();
    s_deadlock (seq, seq, rows, HF_RING_MAX);
    hf_op_t *op = stage_result ();
    assert_int_equal (op->result.ring_count, HF_RING_MAX);
    assert_int_equal (strlen (op->result.ring[HF_RING_MAX - 1].waits), 255);
    assert_true (strlen (op->result.text) > (size_t)HF_RING_MAX * 3 * 255);
    hf_op_free (op);
    seq = s_ask_one ();
    s_deadlock (seq, seq, rows, HF_RING_MAX + 1);
    assert_int_equal (s_expect (HF_DEADLOCK, NULL), 0);
}

STAGE_TEST (test_a_ring_may_be_lost_or_late, 1, 10000)
{
    uint64_t seq = s_ask_one ();
    stage_answer (seq, HF_DEADLOCK, 5, 0, 0);
    assert_int_equal (s_expect (HF_DEADLOCK, NULL), 0);
    hf_pack_t items;
    hf_pack_init (&items);
    s_put_ring (&items, seq, &s_kim, 1);
    stage_items (&items);
    stage_quiet ();
    //  The next request goes on as ever.
    stage_hold ("b", 7);
}

STAGE_TEST (test_a_ring_of_another_request_is_not_taken, 1, 10000)
{
    uint64_t seq = s_ask_one ();
    s_deadlock (seq, seq + 1, &s_kim, 1);
    assert_int_equal (s_expect (HF_DEADLOCK, NULL), 0);
    hf_mutant = HF_MUTANT_ring_of_another;
    seq = s_ask_one ();
    s_deadlock (seq, seq + 1, &s_kim, 1);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (s_expect (HF_DEADLOCK, "session 12 (kim@alpha) holds a and waits for b"), 1);
}

/*  What follows the answer is handled as if there were no ring; one behind another status is not
 * looked at. */
STAGE_TEST (test_a_ring_does_not_hide_what_follows, 1, 10000)
{
    uint64_t seq = s_ask_one (), next = s_ask (&(hf_want_t){.lock = "c"}, 1);
    hf_pack_t items;
    hf_pack_init (&items);
    hf_answer_put (&items, &(hf_answer_t){seq, HF_DEADLOCK, 5, 0, 0});
    s_put_ring (&items, seq, &s_kim, 1);
    hf_answer_put (&items, &(hf_answer_t){next, HF_LIMIT, 6, 0, 0});
    s_put_ring (&items, next, &s_kim, 1);
    stage_items (&items);
    hf_op_t *op = stage_result ();
    assert_int_equal (op->result.ring_count, 1);
    hf_op_free (op);
    assert_int_equal (s_expect (HF_LIMIT, NULL), 0);
}

STAGE_TEST (test_bad_rings_are_left_out, 1, 10000)
{
    static uint8_t letters[300];
    memset (letters, 'x', sizeof letters);
    hf_span_t empty = {NULL, 0}, name = hf_span_text ("a");
    const hf_ring_row_t bad[] = {
        {0, empty, name, name},
        {1, hf_span (letters, 256), name, name},
        {1, hf_span_text ("\033[2J"), name, name},
        {1, empty, hf_span (letters, 256), name},
        {1, empty, name, empty},
        {1, empty, name, hf_span ("a\0b", 3)},
        {1, empty, hf_span_text ("\377"), name},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const hf_ring_row_t rows[] = {KIM, bad[i]};
        uint64_t seq = s_ask_one ();
        s_deadlock (seq, seq, rows, 2);
        assert_int_equal (s_expect (HF_DEADLOCK, NULL), 0);
    }
    uint64_t seq = s_ask_one ();
    s_deadlock (seq, seq, NULL, 0);
    assert_int_equal (s_expect (HF_DEADLOCK, NULL), 0);
}

/*  Any byte of it may be anything, and it may end anywhere. */
STAGE_TEST (test_broken_rings_break_nothing, 1, 600000)
{
    hf_pack_t ring;
    hf_pack_init (&ring);
    s_put_ring (&ring, 1, &s_kim, 1);
    size_t size = hf_pack_size (&ring);
    static const uint8_t bytes[] = {0, 0x7f, 0x80, 0x91, 0xc0, 0xc4, 0xd9, 0xdc, 0xdd, 0xff};
    for (size_t i = 0; i < size * sizeof bytes; i++) {
        uint8_t broken[256];
        uint64_t seq = s_ask_one ();
        memcpy (broken, hf_pack_bytes (&ring), size);
        broken[i / sizeof bytes] = bytes[i % sizeof bytes];
        hf_pack_t items;
        hf_pack_init (&items);
        hf_answer_put (&items, &(hf_answer_t){seq, HF_DEADLOCK, 5, 0, 0});
        hf_pack_raw (&items, broken, i % 2 ? size : 1 + i / sizeof bytes);
        items.count = 2;
        stage_items (&items);
        //  A frame that cannot be read is dropped, and the answer comes anew.
        stage_answer (seq, HF_DEADLOCK, 5, 0, 0);
        assert_int_equal (stage_status (), HF_DEADLOCK);
        stage_quiet ();
    }
    hf_pack_done (&ring);
}

/*  The user has given up: the answer goes to nobody. */
STAGE_TEST (test_a_ring_for_nobody, 1, 10000)
{
    stage_acquire ("b", true, 100);
    uint64_t seq = stage_requests ()->request[0].seq;
    stage_run_ms (200);
    stage_expect (HF_TIMEOUT, 0);
    s_deadlock (seq, seq, &s_kim, 1);
    stage_quiet ();
}

//  ---- limits ---------------------------------------------------------------------------

static void
s_conflict (const hf_want_t *wants, size_t count, uint64_t limit, const char *text)
{
    stage_answer (s_ask (wants, count), HF_CONFLICT, 5, 0, limit);
    s_expect (HF_CONFLICT, text);
}

STAGE_TEST (test_both_limits_are_told, 1, 10000)
{
    hf_want_t want = {.lock = "sem", .mode = HF_MODE_SHARED, .units = 1};
    s_conflict (&want, 1, 5,
                "lock sem is used with a limit of 5 units, and was asked for without a "
                "limit");
    want.limit = 3;
    s_conflict (&want, 1, 5,
                "lock sem is used with a limit of 5 units, and was asked for with a "
                "limit of 3 units");
    s_conflict (&want, 1, 0,
                "lock sem is used without a limit, and was asked for with a limit of 3 "
                "units");
    s_conflict (&want, 1, UINT64_MAX, NULL);
    char name[256];
    memset (name, 'x', 255);
    name[255] = 0;
    want = (hf_want_t){name, HF_MODE_SHARED, UINT32_MAX, UINT32_MAX};
    stage_answer (s_ask (&want, 1), HF_CONFLICT, 5, 0, UINT32_MAX - 1);
    hf_op_t *op = stage_result ();
    assert_non_null (strstr (op->result.text, " with a limit of 4294967295 units"));
    hf_op_free (op);
}

STAGE_TEST (test_the_lock_of_a_set_is_named_when_it_is_sure, 1, 10000)
{
    hf_want_t wants[] = {
        {"x", HF_MODE_EXCLUSIVE, 0, 0}, {"a", HF_MODE_SHARED, 1, 3}, {"b", HF_MODE_SHARED, 1, 5}};
    s_conflict (wants, 3, 5,
                "lock a is used with a limit of 5 units, and was asked for with a limit "
                "of 3 units");
    s_conflict (wants, 3, 4,
                "one of the locks is used with a limit of 4 units, and was asked for "
                "with another");
    hf_mutant = HF_MUTANT_conflict_of_last;
    s_conflict (wants, 3, 4,
                "lock b is used with a limit of 4 units, and was asked for with a limit "
                "of 5 units");
    hf_mutant = HF_MUTANT_none;
}

//  ---- rights ---------------------------------------------------------------------------

/*  ANSWER DENIED to SEQ, and behind it why, for request OF. */
static void
s_deny (uint64_t seq, uint64_t of, hf_span_t text)
{
    hf_pack_t items;
    hf_pack_init (&items);
    hf_answer_put (&items, &(hf_answer_t){seq, HF_DENIED, 5, 0, 0});
    hf_denial_put (&items, &(hf_denial_t){.seq = of, .text = text});
    stage_items (&items);
}

STAGE_TEST (test_a_missing_right_is_told, 1, 10000)
{
    static uint8_t letters[2000];
    memset (letters, 'x', sizeof letters);
    uint64_t seq = s_ask_one ();
    s_deny (seq, seq, hf_span_text ("kim may not acquire b"));
    s_expect (HF_DENIED, "kim may not acquire b");
    //  Of another request; not for people; without end; lost.
    seq = s_ask_one ();
    s_deny (seq, seq + 1, hf_span_text ("kim may not"));
    s_expect (HF_DENIED, NULL);
    seq = s_ask_one ();
    s_deny (seq, seq, hf_span_text ("kim\033[2J"));
    s_expect (HF_DENIED, NULL);
    seq = s_ask_one ();
    s_deny (seq, seq, hf_span (letters, sizeof letters));
    s_expect (HF_DENIED, NULL);
    stage_answer (s_ask_one (), HF_DENIED, 5, 0, 0);
    s_expect (HF_DENIED, NULL);
}

HF_TEST_MAIN (NULL, NULL)
