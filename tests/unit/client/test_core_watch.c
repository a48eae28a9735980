//  Watches in the client's core: which node is asked, what is believed, what is reported.

#include "base/hf_mutant.h"
#include "client/core/hf_client_core.h"
#include "tests/kit/hf_test.h"

int hf_mutant = HF_MUTANT_none;

#define NODES 3
#define NOW   HF_WATCH_NOW

//  ---- a core, and what it asks for ---------------------------------------------------

typedef struct asked {
    uint32_t node;
    hf_watch_request_t m;
} asked_t;

static hf_client_core_t *s_core;
static uint64_t s_now_us;
static asked_t s_asked[4096];
static size_t s_asked_count, s_asked_next;
static char s_told[4096];
static hf_client_watch_t *s_watch;

/*  What is reported, as "open 5", "5 a", "gap 9", "end LIMIT". */
static void
s_fetch (void)
{
    hf_op_t *op;
    while ((op = hf_client_core_next (s_core, s_now_us))) {
        char *at = s_told + strlen (s_told);
        size_t room = sizeof s_told - strlen (s_told);
        hf_op_events_t events = {.at = 0};
        if (op->kind == HF_OP_WATCH && op->result.status == HF_OK) {
            s_watch = op->watch;
            snprintf (at, room, "open %d ", (int)op->result.total);
        } else if (op->kind == HF_OP_WATCH) {
            snprintf (at, room, "%s ", hf_status_name (op->result.status));
        }
        while (op->kind == HF_OP_HAPPENED && hf_op_next_event (op, &events)) {
            const hf_watch_event_t *event = &events.event;
            at = s_told + strlen (s_told);
            room = sizeof s_told - strlen (s_told);
            if (event->what == HF_WATCH_GAP)
                snprintf (at, room, "gap %d ", (int)event->number);
            else if (event->what == HF_WATCH_ENDED)
                snprintf (at, room, "end %s ", hf_status_name (event->status));
            else
                snprintf (at, room, "%d %s%s%s ", (int)event->number, event->name, event->label,
                          event->note);
        }
        hf_op_free (op);
    }
}

static hf_query_t s_query; //  the last who the members are, and who was asked
static uint32_t s_query_node;

static void
s_turn (void)
{
    hf_outbox_t *outbox = hf_client_core_outbox (s_core);
    hf_client_core_turn (s_core, s_now_us);
    for (size_t i = 0; i < outbox->frames.count; i++) {
        const hf_out_frame_t *frame = &outbox->frames.list[i];
        hf_span_t bytes = hf_outbox_bytes (outbox, frame);
        hf_scan_t scan;
        uint32_t kind;
        assert_int_equal (hf_frame_open (bytes.at, bytes.size, &scan, &kind), HF_OK);
        hf_query_t query;
        if (kind == HF_KIND_QUERY && hf_query_get (&scan, &query) &&
            query.what == HF_WHAT_MEMBERS) {
            s_query = query;
            s_query_node = frame->peer;
        }
        if (kind != HF_KIND_WATCH)
            continue;
        assert_true (s_asked_count < 4096);
        asked_t *asked = &s_asked[s_asked_count++];
        asked->node = frame->peer;
        assert_true (hf_watch_request_get (&scan, &asked->m));
        static char prefix[256];
        memcpy (prefix, asked->m.prefix.at, asked->m.prefix.size);
        asked->m.prefix.at = (const uint8_t *)prefix;
    }
    hf_outbox_reset (outbox);
    s_fetch ();
}

static void
s_run_ms (uint64_t ms)
{
    uint64_t end_us = s_now_us + ms * 1000;
    s_turn ();
    while (hf_client_core_due_us (s_core) <= end_us) {
        uint64_t due_us = hf_client_core_due_us (s_core);
        s_now_us = due_us > s_now_us ? due_us : s_now_us;
        s_turn ();
    }
    s_now_us = end_us;
}

static int
s_setup (void **state)
{
    (void)state;
    hf_client_config_t config = {.ids = {1, 2, 3}, .count = NODES, .seed = 7};
    s_core = hf_client_core_new (&config);
    s_now_us = 1000000;
    s_asked_count = s_asked_next = 0;
    s_told[0] = 0;
    s_watch = NULL;
    for (uint32_t node = 1; node <= NODES; node++)
        hf_client_core_connected (s_core, node, s_now_us);
    return 0;
}

static int
s_teardown (void **state)
{
    (void)state;
    hf_client_core_destroy (&s_core);
    return 0;
}

#define TEST(name) HF_TEST_WITH (name, s_setup, s_teardown)

static void
s_open (const char *prefix, uint64_t after, uint64_t limit_us)
{
    hf_op_t *op = hf_op_watch (HF_WATCH_LOCKS, prefix, after);
    op->limit_us = limit_us;
    hf_client_core_submit (s_core, op, s_now_us);
    s_turn ();
}

/*  The next WATCH that was sent, but for those that end one; the test fails when there is none. */
static asked_t
s_next (void)
{
    s_turn ();
    while (s_asked_next < s_asked_count && s_asked[s_asked_next].m.room == 0)
        s_asked_next++;
    assert_true (s_asked_next < s_asked_count);
    return s_asked[s_asked_next++];
}

static void
s_none (void)
{
    s_turn ();
    while (s_asked_next < s_asked_count && s_asked[s_asked_next].m.room == 0)
        s_asked_next++;
    assert_int_equal (s_asked_next, s_asked_count);
}

#define TOLD(text)                                                                                 \
    do {                                                                                           \
        s_fetch ();                                                                                \
        assert_string_equal (s_told, text);                                                        \
        s_told[0] = 0;                                                                             \
    } while (0)

//  ---- the nodes ------------------------------------------------------------------------

static void
s_events (const asked_t *asked, hf_status_t status, uint64_t after, uint64_t upto, hf_list_t list)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_events_frame (&pack, &(hf_events_t){.id = asked->m.id,
                                           .status = (uint32_t)status,
                                           .after = after,
                                           .upto = upto,
                                           .events = list});
    hf_client_core_frame (s_core, asked->node,
                          hf_span (hf_pack_bytes (&pack), hf_pack_size (&pack)), s_now_us);
    hf_pack_done (&pack);
    s_fetch ();
}

static void
s_refuse (const asked_t *asked, hf_status_t status, uint64_t upto)
{
    s_events (asked, status, asked->m.after, upto, (hf_list_t){0});
}

/*  From AFTER up to UPTO, one "a" at each number of NUMBERS, which ends with 0. */
static void
s_tell_as (const asked_t *asked, uint64_t after, uint64_t upto, const uint64_t *numbers,
           const char *name)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (; *numbers > 0; numbers++) {
        hf_happened_put (&pack, &(hf_happened_t){.number = *numbers,
                                                 .what = HF_HAPPENED_GRANTED,
                                                 .name = hf_span_text (name),
                                                 .label = hf_span_text (""),
                                                 .note = hf_span_text ("")});
    }
    s_events (asked, HF_OK, after, upto, hf_pack_list (&pack));
    hf_pack_done (&pack);
}

#define TELL(asked, after, upto, ...)                                                              \
    s_tell_as (asked, after, upto, (const uint64_t[]){__VA_ARGS__, 0}, "a")

/*  A watch that was opened at 10, at some node. */
static asked_t
s_begin (void)
{
    s_open ("", NOW, HF_NEVER);
    asked_t asked = s_next ();
    assert_true (asked.m.after == NOW);
    TELL (&asked, 10, 10, 0);
    TOLD ("open 10 ");
    return asked;
}

//  ---- what is told -----------------------------------------------------------------------

TEST (what_happens_is_reported_once_and_in_order)
{
    asked_t asked = s_begin ();
    TELL (&asked, 10, 12, 11, 12);
    TELL (&asked, 12, 20, 15);
    TELL (&asked, 20, 20, 0);
    TELL (&asked, 20, 21, 21);
    TOLD ("11 a 12 a 15 a 21 a ");
}

TEST (it_goes_on_elsewhere_after_what_was_told)
{
    asked_t asked = s_begin ();
    TELL (&asked, 10, 15, 12);
    hf_client_core_broken (s_core, asked.node, s_now_us);
    asked_t next = s_next ();
    assert_int_not_equal (next.node, asked.node);
    assert_int_equal (next.m.after, 15);
    TELL (&asked, 15, 16, 16); //  it is not at that node any more
    TELL (&next, 15, 17, 16, 17);
    TOLD ("12 a 16 a 17 a ");
}

TEST (what_comes_twice_is_told_once)
{
    asked_t asked = s_begin ();
    TELL (&asked, 10, 12, 11, 12);
    TELL (&asked, 10, 14, 11, 12, 13, 14);
    TELL (&asked, 11, 13, 12, 13);
    TELL (&asked, 14, 15, 15);
    TOLD ("11 a 12 a 13 a 14 a 15 a ");
}

TEST (where_a_part_is_missing_another_node_is_asked)
{
    asked_t asked = s_begin ();
    TELL (&asked, 12, 14, 13);
    asked_t next = s_next ();
    assert_int_not_equal (next.node, asked.node);
    assert_int_equal (next.m.after, 10);
    TELL (&next, 10, 14, 11, 13);
    TOLD ("11 a 13 a ");
}

TEST (nonsense_changes_nothing)
{
    static const struct {
        uint64_t after, upto, numbers[3];
        const char *name;
    } rows[] = {
        {10, 9, {0}, "a"},
        {10, UINT64_MAX, {0}, "a"},
        {10, 12, {12, 11}, "a"},
        {10, 12, {11, 11}, "a"},
        {10, 12, {13}, "a"},
        {10, 12, {10}, "a"},
        {10, 12, {11}, "a\nb"},
        {10, 12, {11}, ""},
        {UINT64_MAX, UINT64_MAX, {0}, ""},
        {UINT64_MAX - 1, 11, {11}, "a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        asked_t asked = s_begin ();
        s_tell_as (&asked, rows[i].after, rows[i].upto, rows[i].numbers, rows[i].name);
        asked_t next = s_next ();
        assert_int_equal (next.m.after, 10);
        //  While an answer is owed it is ignored.
        s_tell_as (&next, rows[i].after, rows[i].upto, rows[i].numbers, rows[i].name);
        s_none ();
        TELL (&next, 10, 11, 11);
        TOLD ("11 a ");
        hf_client_core_submit (s_core, hf_op_unwatch (s_watch), s_now_us);
        TOLD ("");
    }
    asked_t asked = s_begin ();
    asked.m.id++; //  of no watch
    TELL (&asked, 10, 11, 11);
    TOLD ("");
}

TEST (an_opening_with_nonsense_does_not_begin_there)
{
    s_open ("", NOW, HF_NEVER);
    asked_t asked = s_next ();
    TELL (&asked, 50, 40, 0);
    TELL (&asked, 50, 51, 50);
    TOLD ("");
    s_run_ms (1100); //  that was no answer
    asked_t next = s_next ();
    assert_true (next.m.after == NOW);
    TELL (&next, 3, 4, 4);
    TOLD ("open 3 4 a ");
}

TEST (names_that_do_not_begin_so_are_not_believed)
{
    s_open ("ab", 0, HF_NEVER);
    asked_t asked = s_next ();
    assert_int_equal (asked.m.after, 0);
    assert_int_equal (asked.m.prefix.size, 2);
    s_tell_as (&asked, 0, 3, (const uint64_t[]){1, 0}, "abc");
    s_tell_as (&asked, 3, 4, (const uint64_t[]){4, 0}, "a");
    asked_t next = s_next ();
    assert_int_equal (next.m.after, 3);
    TOLD ("open 0 1 abc ");
}

//  ---- room, and time -----------------------------------------------------------------------

TEST (it_is_asked_again_when_the_room_is_used)
{
    asked_t asked = s_begin ();
    uint64_t upto = 10, bytes = 0;
    char name[256];
    memset (name, 'a', 255);
    name[255] = 0;
    while (s_asked_next == s_asked_count) {
        s_tell_as (&asked, upto, upto + 1, (const uint64_t[]){upto + 1, 0}, name);
        s_turn ();
        upto++;
        bytes += 260;
        s_told[0] = 0;
        assert_true (bytes < asked.m.room);
    }
    assert_true (bytes > asked.m.room * 9 / 10);
    assert_int_equal (s_next ().m.after, upto);
}

TEST (a_quiet_node_is_asked_for_one_of_its_watches)
{
    for (int i = 0; i < 300; i++) {
        s_open ("", NOW, HF_NEVER);
        asked_t asked = s_next ();
        TELL (&asked, 10, 10, 0);
    }
    size_t before = s_asked_count;
    for (int second = 0; second < 100; second++) {
        s_run_ms (1000);
        while (s_asked_next < s_asked_count) {
            asked_t asked = s_next ();
            TELL (&asked, 10, 10, 0);
        }
    }
    //  Each once in 20 s, no more.
    assert_in_range (s_asked_count - before, 1200, 1600);
}

TEST (p11_a_silent_node_loses_all_its_watches)
{
    uint32_t at[NODES + 1] = {0}, silent = 1;
    for (int i = 0; i < 30; i++) {
        s_open ("", NOW, HF_NEVER);
        asked_t asked = s_next ();
        at[asked.node]++;
        TELL (&asked, 10, 10, 0);
    }
    for (uint32_t node = 1; node <= NODES; node++)
        assert_in_range (at[node], 3, 20); //  spread
    uint64_t left_us = 0;
    uint32_t moved = 0;
    for (uint64_t start_us = s_now_us; s_now_us < start_us + 8000000;) {
        s_run_ms (100);
        while (s_asked_next < s_asked_count) {
            asked_t asked = s_asked[s_asked_next++];
            if (asked.node == silent && asked.m.room == 0) {
                moved++;
                left_us = s_now_us - start_us;
            } else if (asked.node != silent)
                TELL (&asked, 10, 10, 0);
        }
    }
    assert_int_equal (moved, at[silent]);
    assert_in_range (left_us, 3000000, 4200000);
    //  Nor is it asked for a new one.
    for (int i = 0; i < 20; i++) {
        s_open ("", NOW, HF_NEVER);
        asked_t asked = s_next ();
        assert_int_not_equal (asked.node, silent);
        TELL (&asked, 10, 10, 0);
    }
}

//  ---- refusals ---------------------------------------------------------------------------

/*  Refuse it at COUNT nodes, each another one; gives the last. */
static asked_t
s_refuse_at (asked_t asked, uint32_t count, hf_status_t status, uint64_t upto)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_false (seen >> asked.node & 1);
        seen |= 1U << asked.node;
        s_refuse (&asked, status, upto);
        if (i + 1 < count)
            asked = s_next ();
    }
    return asked;
}

TEST (a_gap_is_reported_when_no_node_has_what_comes_next)
{
    asked_t asked = s_begin ();
    asked.m.after = 10;
    asked_t last = s_refuse_at (asked, NODES, HF_GAP, 50);
    TOLD ("gap 50 ");
    asked_t next = s_next ();
    assert_int_equal (next.node, last.node);
    assert_int_equal (next.m.after, 50);
    TELL (&next, 50, 51, 51);
    TOLD ("51 a ");
}

TEST (one_that_has_kept_it_goes_on)
{
    asked_t asked = s_begin ();
    asked.m.after = 10;
    s_refuse_at (asked, NODES - 1, HF_GAP, 50);
    asked_t next = s_next ();
    assert_int_equal (next.m.after, 10);
    TELL (&next, 10, 11, 11);
    TOLD ("11 a ");
}

TEST (gaps_that_are_none_are_not_believed)
{
    asked_t asked = s_begin ();
    asked.m.after = 10;
    s_refuse_at (asked, NODES, HF_GAP, 10); //  nothing is missed
    TOLD ("");
    s_run_ms (1000);
    asked_t next = s_next ();
    assert_int_equal (next.m.after, 10);
    s_events (&next, HF_GAP, 5, 50, (hf_list_t){0}); //  of an earlier WATCH
    s_none ();
    TELL (&next, 10, 11, 11);
    TOLD ("11 a ");
}

TEST (an_opening_may_begin_with_a_gap)
{
    s_open ("", 3, HF_NEVER);
    s_refuse_at (s_next (), NODES, HF_GAP, 50);
    TOLD ("open 3 gap 50 ");
}

TEST (it_ends_when_no_node_takes_it)
{
    asked_t asked = s_begin ();
    s_refuse_at (asked, NODES, HF_LIMIT, 10);
    TOLD ("end LIMIT ");
    s_run_ms (100000);
    s_none ();
    hf_client_core_submit (s_core, hf_op_unwatch (s_watch), s_now_us);
    s_open ("", NOW, HF_NEVER);
    s_refuse_at (s_next (), NODES, HF_LIMIT, 10);
    TOLD ("LIMIT ");
    s_open ("", NOW, HF_NEVER);
    asked = s_next ();
    s_refuse (&asked, HF_UNKNOWN, 0); //  what is not known
    TOLD ("UNKNOWN ");
}

//  Who lacks the right for it lacks it everywhere.
TEST (it_ends_when_its_right_is_gone)
{
    asked_t asked = s_begin ();
    s_refuse (&asked, HF_DENIED, 10);
    TOLD ("end DENIED ");
    s_open ("", NOW, HF_NEVER);
    asked = s_next ();
    s_refuse (&asked, HF_DENIED, 0);
    TOLD ("DENIED ");
}

TEST (a_node_that_cannot_for_a_while_is_tried_again)
{
    asked_t asked = s_begin ();
    asked = s_refuse_at (asked, NODES, HF_NOT_LEADER, 10);
    TOLD ("");
    s_none ();
    s_run_ms (1000);
    asked = s_next ();
    TELL (&asked, 10, 11, 11);
    TOLD ("11 a ");
}

/*  How long the next WATCH takes to come. */
static uint64_t
s_pause_us (asked_t *asked)
{
    uint64_t start_us = s_now_us;
    size_t count = s_asked_count;
    while (s_asked_count == count && s_now_us < start_us + 10000000)
        s_run_ms (10);
    *asked = s_next ();
    return s_now_us - start_us;
}

TEST (a_new_connection_ends_the_long_pauses)
{
    asked_t asked = s_begin ();
    uint64_t pause_us = 0;
    for (int round = 0; round < 5; round++) {
        s_refuse_at (asked, NODES, HF_NOT_LEADER, 10);
        pause_us = s_pause_us (&asked);
    }
    assert_in_range (pause_us, 2000000, 8100000);
    s_refuse_at (asked, NODES, HF_NOT_LEADER, 10);
    hf_client_core_broken (s_core, 1, s_now_us);
    hf_client_core_connected (s_core, 1, s_now_us);
    asked = s_next ();
    assert_int_equal (asked.node, 1);
    s_refuse_at (asked, NODES, HF_NOT_LEADER, 10);
    assert_in_range (s_pause_us (&asked), 300000, 1010000);
    TELL (&asked, 10, 11, 11);
    TOLD ("11 a ");
}

TEST (nodes_that_do_not_know_watches_refuse_the_frame)
{
    s_open ("", NOW, HF_NEVER);
    for (int i = 0; i < NODES; i++) {
        asked_t asked = s_next ();
        hf_pack_t pack;
        hf_pack_init (&pack);
        hf_refused_frame (&pack,
                          &(hf_refused_t){.status = HF_UNKNOWN, .text = hf_span_text ("no")});
        hf_client_core_frame (s_core, asked.node,
                              hf_span (hf_pack_bytes (&pack), hf_pack_size (&pack)), s_now_us);
        hf_pack_done (&pack);
    }
    TOLD ("UNKNOWN ");
}

TEST (an_opening_has_a_limit)
{
    s_open ("", NOW, s_now_us + 5000000);
    s_run_ms (4900);
    TOLD ("");
    s_run_ms (200);
    TOLD ("TIMEOUT ");
    for (uint32_t node = 1; node <= NODES; node++)
        hf_client_core_broken (s_core, node, s_now_us);
    s_now_us += 1000;
    s_open ("", NOW, s_now_us + 1000000);
    s_run_ms (1100);
    TOLD ("UNREACHABLE ");
}

TEST (it_waits_for_a_node_that_connects)
{
    for (uint32_t node = 1; node <= NODES; node++)
        hf_client_core_broken (s_core, node, s_now_us);
    s_open ("", NOW, HF_NEVER);
    s_run_ms (60000);
    s_none ();
    hf_client_core_connected (s_core, 2, s_now_us);
    assert_int_equal (s_next ().node, 2);
}

TEST (a_watch_that_is_closed_is_ended_at_its_node)
{
    asked_t asked = s_begin ();
    hf_client_core_submit (s_core, hf_op_unwatch (s_watch), s_now_us);
    s_turn ();
    assert_int_equal (s_asked[s_asked_count - 1].m.room, 0);
    assert_int_equal (s_asked[s_asked_count - 1].node, asked.node);
    TELL (&asked, 10, 11, 11);
    TOLD ("");
}

//  ---- other members ------------------------------------------------------------------------

/*  The answer to the last QUERY(MEMBERS): COUNT of the nodes IDS. */
static void
s_members (uint64_t index, const uint32_t *ids, size_t count)
{
    hf_pack_t rows, frame;
    hf_pack_init (&rows);
    hf_pack_init (&frame);
    for (size_t i = 0; i < count; i++)
        hf_member_row_put (
            &rows,
            &(hf_member_row_t){.node = ids[i], .host = hf_span_text ("h"), .client_port = ids[i]});
    hf_query_result_frame (
        &frame,
        &(hf_query_result_t){.id = s_query.id, .index = index, .rows = hf_pack_list (&rows)});
    hf_client_core_frame (s_core, s_query_node,
                          hf_span (hf_pack_bytes (&frame), hf_pack_size (&frame)), s_now_us);
    hf_pack_done (&rows);
    hf_pack_done (&frame);
}

TEST (a_client_that_only_watches_asks_for_the_members)
{
    asked_t asked = s_begin ();
    assert_true (s_query.what == HF_WHAT_MEMBERS && s_query_node == asked.node);
    s_query.what = 0;
    s_run_ms (19000);
    assert_int_not_equal (s_query.what, HF_WHAT_MEMBERS);
    s_run_ms (11000);
    assert_int_equal (s_query.what, HF_WHAT_MEMBERS);
}

/*  The watch's node goes, and the slot that it had is another's, which has refused nothing. */
TEST (a_watch_leaves_a_node_that_is_gone)
{
    asked_t asked = s_begin ();
    uint32_t ids[2] = {7};
    for (uint32_t node = 1, at = 0; node <= NODES; node++)
        if (node != asked.node)
            ids[at++] = node;
    s_members (40, ids, 2);
    asked_t next = s_next ();
    assert_true (next.node != asked.node && next.m.after == 10);
    TELL (&asked, 10, 11, 11);
    TELL (&next, 10, 12, 12);
    TOLD ("12 a ");
    //  Of the two that are left one goes, too; 9 has the slot of the first.
    s_query.what = 0;
    s_run_ms (25000);
    s_asked_next = s_asked_count;
    assert_int_equal (s_query.what, HF_WHAT_MEMBERS);
    s_members (50, (const uint32_t[]){9}, 1);
    s_none ();
    hf_client_core_connected (s_core, 9, s_now_us);
    next = s_next ();
    assert_true (next.node == 9 && next.m.after == 12);
}

HF_TEST_MAIN (NULL, NULL)
