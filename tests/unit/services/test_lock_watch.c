//  Watches: who asks is told what happens, all of it, once, in order; and nothing grows.

#include "base/hf_mutant.h"
#include "tests/kit/hf_one.h"
#include "tests/unit/services/lock_bench.h"

int hf_mutant = HF_MUTANT_none;

#define WATCHER 9
#define NOW     UINT64_MAX

static void
s_watch_as (bench_t *bench, uint32_t route, uint64_t id, const char *prefix, uint64_t after,
            uint32_t room)
{
    hf_watch_request_frame (&bench->pack, &(hf_watch_request_t){.id = id,
                                                                .what = HF_WATCH_LOCKS,
                                                                .prefix = hf_span_text (prefix),
                                                                .after = after,
                                                                .room = room});
    bench_send (bench, route);
}

static void
s_watch (bench_t *bench, const char *prefix, uint64_t after)
{
    s_watch_as (bench, WATCHER, 1, prefix, after, 100000);
}

static hf_events_t
s_events (bench_t *bench, uint32_t route)
{
    hf_events_t events;
    hf_scan_t scan = bench_take (bench, route, HF_KIND_EVENTS);
    assert_true (hf_events_get (&scan, &events));
    return events;
}

/*  All that the watcher was told, as "QUEUED a 2" (session) and "GRANTED a 2.7" (and token). */
static const char *
s_told_as (bench_t *bench, uint32_t route)
{
    static const char *const names[] = {"?",        "QUEUED", "GRANTED", "RELEASED", "LOST",
                                        "REOPENED", "LEFT",   "NOTED",   "APPENDED"};
    static char text[4096];
    size_t used = 0;
    uint64_t upto = 0;
    text[0] = 0;
    bench_settle (bench);
    while (bench_kind (bench, route) == HF_KIND_EVENTS) {
        hf_events_t events = s_events (bench, route);
        assert_int_equal (events.status, HF_OK);
        assert_true (upto == 0 || events.after == upto);
        upto = events.upto;
        hf_scan_t scan = hf_scan_list (events.events);
        uint64_t number = events.after;
        for (uint32_t i = 0; i < events.events.count; i++) {
            hf_happened_t it;
            assert_true (hf_happened_get (&scan, &it));
            assert_true (hf_mutant == HF_MUTANT_told_again ||
                         (it.number > number && it.number <= upto && it.index <= events.index));
            number = it.number;
            used += (size_t)snprintf (text + used, sizeof text - used, "%s%s %.*s %d",
                                      used > 0 ? "; " : "", names[it.what], (int)it.name.size,
                                      it.name.at, (int)it.session);
            if (it.token > 0)
                used += (size_t)snprintf (text + used, sizeof text - used, ".%d", (int)it.token);
        }
    }
    return text;
}

static const char *
s_told (bench_t *bench)
{
    return s_told_as (bench, WATCHER);
}

//  ---- what is told ---------------------------------------------------------------------

BENCH_TEST (who_holds_and_who_waits, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 10000), two = bench_open (bench, 2, 2, 10000);
    bench_acquire (bench, 1, one, 1, "early");
    bench_settle (bench);
    s_watch (bench, "", NOW);
    assert_string_equal (s_told (bench), "");
    bench_acquire (bench, 1, one, 2, "a");
    bench_acquire (bench, 2, two, 1, "a");
    assert_string_equal (s_told (bench), "GRANTED a 1.2; QUEUED a 2");
    bench_release (bench, 1, one, 3, "a", 2);
    assert_string_equal (s_told (bench), "RELEASED a 1.2; GRANTED a 2.3");
    bench_close (bench, 2, two, 1);
    assert_string_equal (s_told (bench), "RELEASED a 2.3");
    bench->now_us += 10 * SECOND;
    assert_string_equal (s_told (bench), "LOST early 1.1");
}

/*  A follower hands on at once what is committed, as long as somebody watches there. */
BENCH_TEST_WITH (the_election_actor_knows_whether_anybody_watches, bench, false, .self = 1)
{
    bench_follow (bench, TERM, 2);
    bench_settle (bench);
    assert_false (bench->watched);
    s_watch (bench, "", NOW);
    s_watch_as (bench, WATCHER + 1, 1, "", NOW, 100000);
    bench_settle (bench);
    assert_true (bench->watched);
    const hf_route_t one = bench_route (WATCHER), two = bench_route (WATCHER + 1);
    hf_lock_service_unsent (bench->service, 0, &one);
    bench_settle (bench);
    assert_true (bench->watched);
    hf_lock_service_unsent (bench->service, 0, &two);
    bench_settle (bench);
    assert_false (bench->watched);
    s_watch (bench, "", NOW);
    bench_settle (bench);
    assert_true (bench->watched);
    bench->now_us += 100 * SECOND; //  it is forgotten
    bench_settle (bench);
    assert_false (bench->watched);
}

BENCH_TEST (only_what_begins_so, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    s_watch (bench, "db/", NOW);
    static const char *const locks[] = {"db", "db/", "d", "db/a", "e", "db/a/b"};
    for (uint64_t i = 0; i < 6; i++)
        bench_acquire (bench, 1, one, 1 + i, locks[i]);
    assert_string_equal (s_told (bench), "GRANTED db/ 1.2; GRANTED db/a 1.4; GRANTED db/a/b 1.6");
}

/*  What EVENTS says of DB/A, behind things of other names; NUMBER: it begins after this. */
static hf_events_t
s_after_others (bench_t *bench, uint64_t *number)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    bench_settle (bench);
    s_watch (bench, "db/", NOW);
    bench_settle (bench);
    *number = s_events (bench, WATCHER).upto;
    bench_acquire (bench, 1, one, 1, "e");
    bench_acquire (bench, 1, one, 2, "f");
    bench_settle (bench);
    bench_acquire (bench, 1, one, 3, "db/a");
    bench_settle (bench);
    return s_events (bench, WATCHER);
}

BENCH_TEST (what_is_left_out_is_no_hole, bench)
{
    uint64_t number;
    hf_events_t events = s_after_others (bench, &number);
    assert_int_equal (events.after, number);
    assert_int_equal (events.upto, number + 3);
    assert_int_equal (events.events.count, 1);
}

BENCH_TEST (the_mutant_that_makes_holes_is_seen, bench)
{
    uint64_t number;
    hf_mutant = HF_MUTANT_left_out_untold;
    assert_int_not_equal (s_after_others (bench, &number).after, number);
    hf_mutant = HF_MUTANT_none;
}

/*  From another connection, after the number that it has seen: the rest, once. */
BENCH_TEST (a_watch_goes_on_where_it_was, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    s_watch (bench, "", NOW);
    s_told (bench);
    bench_acquire (bench, 1, one, 1, "a");
    bench_settle (bench);
    uint64_t seen = 0;
    while (bench_kind (bench, WATCHER) == HF_KIND_EVENTS)
        seen = s_events (bench, WATCHER).upto;
    for (uint64_t i = 2; i <= 4; i++)
        bench_acquire (bench, 1, one, i, i == 2 ? "b" : i == 3 ? "c" : "d");
    bench_settle (bench);
    s_watch_as (bench, 8, 77, "", seen, 100000);
    assert_string_equal (s_told_as (bench, 8), "GRANTED b 1.2; GRANTED c 1.3; GRANTED d 1.4");
    s_watch_as (bench, 8, 77, "", seen + 2, 100000); //  asked again, further on
    assert_string_equal (s_told_as (bench, 8), "GRANTED d 1.4");
}

/*  It comes from a node that had applied more: it is not told again. */
static const char *
s_ahead (bench_t *bench, int mutant)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    hf_mutant = mutant;
    s_watch (bench, "", 2);
    for (uint64_t i = 1; i <= 4; i++)
        bench_acquire (bench, 1, one, i, i == 1 ? "a" : i == 2 ? "b" : i == 3 ? "c" : "d");
    const char *told = s_told (bench);
    hf_mutant = HF_MUTANT_none;
    return told;
}

BENCH_TEST (what_was_seen_elsewhere_is_not_told_again, bench)
{
    assert_string_equal (s_ahead (bench, HF_MUTANT_none), "GRANTED c 1.3; GRANTED d 1.4");
}

BENCH_TEST (the_mutant_that_tells_again_is_seen, bench)
{
    assert_string_equal (s_ahead (bench, HF_MUTANT_told_again),
                         "GRANTED a 1.1; GRANTED b 1.2; GRANTED c 1.3; GRANTED d 1.4");
}

/*  A node that follows tells what it applies. */
BENCH_TEST (any_node_tells, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    bench->late_commits = true;
    bench_acquire (bench, 1, one, 1, "a");
    bench_settle (bench);
    bench_follow (bench, TERM + 1, 2);
    bench_settle (bench);
    s_watch (bench, "", NOW);
    assert_string_equal (s_told (bench), "");
    bench_commit_late (bench);
    assert_string_equal (s_told (bench), "GRANTED a 1.1");
}

//  ---- files ----------------------------------------------------------------------------

static const char *
s_section (bench_t *bench, int mutant)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    hf_mutant = mutant;
    hf_watch_request_frame (
        &bench->pack,
        &(hf_watch_request_t){.id = 1, .what = HF_WATCH_FILES, .after = NOW, .room = 100000});
    bench_send (bench, WATCHER);
    bench->no_files = true;
    bench_acquire (bench, 1, one, 1, "L");
    bench_append (bench, 1, one, 2, 1, 0, 100);
    bench_release (bench, 1, one, 3, "L", 1);
    const char *told = s_told (bench);
    hf_mutant = HF_MUTANT_none;
    return told;
}

BENCH_TEST (p6_a_section_is_told_when_it_has_reached_the_file, bench)
{
    assert_string_equal (s_section (bench, HF_MUTANT_none), "");
    hf_a_files_durable_frame (&bench->pack, &(hf_a_files_durable_t){.index = bench->section});
    bench_say (bench);
    assert_string_equal (s_told (bench), "APPENDED file 1");
}

BENCH_TEST (the_mutant_that_tells_early_is_seen, bench)
{
    assert_string_equal (s_section (bench, HF_MUTANT_told_before_durable), "APPENDED file 1");
}

//  ---- numbers are left out ---------------------------------------------------------------

/*  The cluster begins anew with one disk, in the next turn. */
static void
s_skip (bench_t *bench)
{
    hf_pack_t commands, payload, entries;
    hf_pack_init (&commands);
    hf_pack_init (&payload);
    hf_pack_init (&entries);
    hf_cmd_skip_put (&commands, &(hf_cmd_skip_t){.by = 1000});
    hf_payload_put (&payload, hf_pack_list (&commands));
    hf_entry_put (&entries, &(hf_entry_t){.term = TERM,
                                          .type = HF_ENTRY_COMMANDS,
                                          .payload = hf_span (hf_pack_bytes (&payload),
                                                              hf_pack_size (&payload))});
    hf_a_committed_frame (&bench->pack, &(hf_a_committed_t){.first = ++bench->index,
                                                            .entries = hf_pack_list (&entries)});
    bench_say (bench);
    bench_settle (bench);
    hf_pack_done (&entries);
    hf_pack_done (&payload);
    hf_pack_done (&commands);
}

/*  What a client is told that has seen everything up to AFTER in the old cluster. */
static uint32_t
s_status_after_skip (bench_t *bench, uint64_t after, int mutant)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    bench_acquire (bench, 1, one, 1, "a");
    bench_settle (bench);
    s_watch (bench, "", after);
    bench_settle (bench);
    bench_drop_frames (bench);
    hf_mutant = mutant;
    s_skip (bench);
    hf_mutant = HF_MUTANT_none;
    bench_acquire (bench, 1, one, 2, "b");
    bench_settle (bench);
    hf_events_t events = s_events (bench, WATCHER);
    assert_true (events.status == HF_OK || events.upto == 1001);
    return events.status;
}

BENCH_TEST (p10_who_watches_is_told_that_something_is_missing, bench)
{
    assert_int_equal (s_status_after_skip (bench, NOW, HF_MUTANT_none), HF_GAP);
    s_watch (bench, "", 1001); //  behind the gap
    assert_string_equal (s_told (bench), "GRANTED b 1.1002");
    s_watch (bench, "", 7);
    bench_settle (bench);
    assert_int_equal (s_events (bench, WATCHER).status, HF_GAP);
}

BENCH_TEST (p10_also_who_had_seen_more_than_there_is, bench)
{
    assert_int_equal (s_status_after_skip (bench, 700, HF_MUTANT_none), HF_GAP);
}

BENCH_TEST (the_mutant_that_leaves_out_in_silence_is_seen, bench)
{
    assert_int_equal (s_status_after_skip (bench, NOW, HF_MUTANT_skip_untold), HF_OK);
}

/*  A section that is not in the file yet when numbers are left out is asked for before them. */
BENCH_TEST (p6_a_section_before_the_gap_is_durable_first, bench)
{
    s_section (bench, HF_MUTANT_none);
    s_skip (bench);
    bench_drop_frames (bench);
    bench_query (bench, 1, 5, HF_WHAT_FILES, "");
    hf_watch_request_frame (
        &bench->pack,
        &(hf_watch_request_t){.id = 2, .what = HF_WATCH_FILES, .after = 1, .room = 100000});
    bench_send (bench, WATCHER);
    bench_settle (bench);
    hf_events_t events = s_events (bench, WATCHER);
    assert_int_equal (events.status, HF_GAP);
    assert_int_equal (events.upto, 0);
    hf_a_files_durable_frame (&bench->pack, &(hf_a_files_durable_t){.index = bench->section});
    bench_say (bench);
    hf_watch_request_frame (
        &bench->pack,
        &(hf_watch_request_t){.id = 2, .what = HF_WATCH_FILES, .after = 1, .room = 100000});
    bench_send (bench, WATCHER);
    bench_settle (bench);
    events = s_events (bench, WATCHER);
    assert_int_equal (events.status, HF_GAP);
    assert_int_equal (events.upto, 1001);
}

//  ---- limits ---------------------------------------------------------------------------

BENCH_TEST (p12_no_more_than_there_is_room_for, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    s_watch_as (bench, WATCHER, 1, "", NOW, 1);
    assert_string_equal (s_told (bench), "");
    for (uint64_t i = 1; i <= 3; i++)
        bench_acquire (bench, 1, one, i, i == 1 ? "a" : i == 2 ? "b" : "c");
    assert_string_equal (s_told (bench), "GRANTED a 1.1"); //  a record may pass it
    s_watch_as (bench, WATCHER, 1, "", 1, 100000);
    assert_string_equal (s_told (bench), "GRANTED b 1.2; GRANTED c 1.3");
    s_watch_as (bench, WATCHER, 1, "", 3, 0);
    assert_string_equal (s_told (bench), "");
    bench_acquire (bench, 1, one, 4, "d");
    assert_string_equal (s_told (bench), ""); //  it wants no more
}

/*  What a watch asks for, and what it is told instead. */
static void
s_expect_status (bench_t *bench, uint32_t what, const char *prefix, hf_status_t status)
{
    hf_watch_request_frame (
        &bench->pack,
        &(hf_watch_request_t){
            .id = 5, .what = what, .prefix = hf_span_text (prefix), .after = NOW, .room = 1000});
    bench_send (bench, WATCHER);
    assert_int_equal (s_events (bench, WATCHER).status, status);
}

BENCH_TEST_WITH (watches_that_cannot_be, bench, true, .client_watches_max = 3, .watches_max = 5)
{
    static char long_prefix[257];
    memset (long_prefix, 'x', 256);
    s_expect_status (bench, 0, "", HF_UNKNOWN);
    s_expect_status (bench, 3, "", HF_UNKNOWN);
    s_expect_status (bench, HF_WATCH_LOCKS, long_prefix, HF_BAD_NAME);
    s_expect_status (bench, HF_WATCH_LOCKS, "a\tb", HF_BAD_NAME);
    s_expect_status (bench, HF_WATCH_FILES, "\xc3", HF_BAD_NAME);
    for (uint64_t id = 10; id < 14; id++) {
        s_watch_as (bench, 3, id, "", NOW, 1000);
        assert_int_equal (s_events (bench, 3).status, id < 13 ? HF_OK : HF_LIMIT);
    }
    s_watch_as (bench, 3, 10, "x", NOW, 1000); //  one that is there
    assert_int_equal (s_events (bench, 3).status, HF_OK);
    for (uint64_t id = 10; id < 13; id++) {
        s_watch_as (bench, 4, id, "", NOW, 1000);
        assert_int_equal (s_events (bench, 4).status, id < 12 ? HF_OK : HF_LIMIT);
    }
    //  A client that has left leaves its room.
    hf_route_t route = bench_route (3);
    hf_lock_service_unsent (bench->service, 0, &route);
    s_watch_as (bench, 4, 12, "", NOW, 1000);
    assert_int_equal (s_events (bench, 4).status, HF_OK);
    hf_pack_reset (&bench->pack);
    hf_put_array (&bench->pack, 2);
    hf_put_u64 (&bench->pack, 1);
    hf_put_array (&bench->pack, 2);
    hf_put_u64 (&bench->pack, HF_KIND_WATCH);
    hf_put_u64 (&bench->pack, 1);
    bench_send (bench, WATCHER);
    assert_int_equal (bench_refused (bench, WATCHER).status, HF_MALFORMED);
}

/*  Clients that go silent, at the leader or at a node that follows, leave their room after a
 *  minute, in a turn for anything. */
static void
s_silent_leave_room (bool leads)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1, .watches_max = 3}, leads);
    if (!leads)
        bench_follow (&bench, TERM, 2);
    for (uint32_t route = 1; route <= 4; route++) {
        s_watch_as (&bench, route, 1, "", NOW, 1000);
        assert_int_equal (s_events (&bench, route).status, route < 4 ? HF_OK : HF_LIMIT);
    }
    bench.now_us += 40 * SECOND;
    s_watch_as (&bench, 1, 1, "", NOW, 1000); //  the only one that is there
    assert_int_equal (s_events (&bench, 1).status, HF_OK);
    bench.now_us += 21 * SECOND;
    bench_query (&bench, 9, 1, HF_WHAT_STATUS, "");
    bench_settle (&bench);
    bench_drop_frames (&bench);
    for (uint32_t route = 4; route <= 6; route++) {
        s_watch_as (&bench, route, 1, "", NOW, 1000);
        assert_int_equal (s_events (&bench, route).status, route < 6 ? HF_OK : HF_LIMIT);
    }
    bench_done (&bench);
}

HF_TEST (p12_watches_of_silent_clients_leave_their_room)
{
    s_silent_leave_room (true);
    s_silent_leave_room (false);
}

/*  With the limits as they are: each is answered, and what others may watch is not used up. */
BENCH_TEST (p12_ten_thousand_watches_of_one_client, bench)
{
    for (uint64_t id = 1; id <= 10000; id++) {
        s_watch_as (bench, 3, id, "db/", NOW, 1000);
        assert_int_equal (s_events (bench, 3).status, id <= 1000 ? HF_OK : HF_LIMIT);
    }
    s_watch (bench, "", NOW);
    assert_string_equal (s_told (bench), "");
    uint64_t one = bench_open (bench, 1, 1, 10000);
    bench_acquire (bench, 1, one, 1, "db/a");
    assert_string_equal (s_told (bench), "GRANTED db/a 1.1");
    unsigned told = 0;
    for (; bench_kind (bench, 3) == HF_KIND_EVENTS; told++)
        assert_int_equal (s_events (bench, 3).events.count, 1);
    assert_int_equal (told, 1000);
    //  One that is given up makes room for one.
    s_watch_as (bench, 3, 7, "", NOW, 0);
    assert_int_equal (s_events (bench, 3).status, HF_OK);
    for (uint64_t id = 10001; id <= 10002; id++) {
        s_watch_as (bench, 3, id, "", NOW, 1000);
        assert_int_equal (s_events (bench, 3).status, id == 10001 ? HF_OK : HF_LIMIT);
    }
}

/*  Who is too far behind is told so, and nothing is missed in silence. */
BENCH_TEST_WITH (p12_who_is_too_slow_gets_a_gap, bench, true, .journal_bytes = 17U << 16)
{
    uint64_t one = bench_open (bench, 1, 1, 10000);
    s_watch_as (bench, WATCHER, 1, "a", NOW, 1);
    s_told (bench);
    bench_acquire (bench, 1, one, 1, "a");
    assert_string_equal (s_told (bench), "GRANTED a 1.1"); //  full
    char lock[256];
    for (uint64_t i = 2; i < 4000; i++) {
        snprintf (lock, sizeof lock, "%0250d", (int)i);
        bench_acquire (bench, 1, one, i, lock);
    }
    bench_settle (bench);
    bench_drop_frames (bench);
    s_watch_as (bench, WATCHER, 1, "a", 1, 1000);
    hf_events_t gap = s_events (bench, WATCHER);
    assert_int_equal (gap.status, HF_GAP);
    assert_int_equal (gap.after, 1);
    assert_int_equal (gap.upto, hf_state_happened (hf_lock_service_state (bench->service)));
    //  It is no watch any more; from there it goes on.
    bench_acquire (bench, 1, one, 4000, "a1");
    assert_string_equal (s_told (bench), "");
    s_watch_as (bench, WATCHER, 1, "a", gap.upto, 1000);
    assert_string_equal (s_told (bench), "GRANTED a1 1.4000");
}

BENCH_TEST (p12_a_watch_that_nobody_speaks_of_is_forgotten, bench)
{
    s_watch (bench, "", NOW);
    s_told (bench);
    uint64_t end_us = bench->now_us + 61 * SECOND;
    for (; bench->now_us < end_us; bench->now_us += SECOND)
        bench_settle (bench);
    uint64_t one = bench_open (bench, 1, 1, 10000);
    bench_acquire (bench, 1, one, 1, "a");
    assert_string_equal (s_told (bench), "");
}

/*  What the watcher got when no leader was known for MS. */
static uint32_t
s_alone_for (bench_t *bench, uint64_t ms)
{
    bench_follow (bench, 2, 2);
    s_watch (bench, "", NOW);
    s_told (bench);
    bench->now_us += 10 * SECOND;
    bench_follow (bench, 2, 0);
    bench_settle (bench);
    uint64_t due_us = bench->now_us + 3 * SECOND;
    assert_in_range (hf_lock_service_wake_us (bench->service), due_us - 1000, due_us);
    bench->now_us += ms * 1000;
    bench_follow (bench, 3, 0); //  another candidate changes nothing
    bench_settle (bench);
    return bench_kind (bench, WATCHER) == HF_KIND_EVENTS ? s_events (bench, WATCHER).status : 0;
}

BENCH_TEST (p11_a_node_that_knows_no_leader_sends_watches_on, bench)
{
    assert_int_equal (s_alone_for (bench, 2900), 0);
    bench->now_us += 200000;
    bench_settle (bench);
    assert_int_equal (s_events (bench, WATCHER).status, HF_NOT_LEADER);
    //  Nor does it take one, until it knows a leader.
    s_watch (bench, "", 0);
    bench_settle (bench);
    hf_events_t events = s_events (bench, WATCHER);
    assert_int_equal (events.status, HF_NOT_LEADER);
    assert_int_equal (events.upto, 0);
    bench_follow (bench, 4, 3);
    bench_drop_frames (bench);
    s_watch (bench, "", 0);
    bench_settle (bench);
    assert_int_equal (s_events (bench, WATCHER).status, HF_OK);
}

BENCH_TEST (the_mutant_that_tells_alone_is_seen, bench)
{
    hf_mutant = HF_MUTANT_watched_alone;
    assert_int_equal (s_alone_for (bench, 3100), 0);
    hf_mutant = HF_MUTANT_none;
}

HF_TEST_MAIN (NULL, NULL)
