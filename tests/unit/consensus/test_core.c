//  The core by hand: what it refuses, and a peer that sends anything.

#include "hf_bench.h"
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "tests/kit/hf_one.h"

int hf_mutant = HF_MUTANT_none;

//  ---- what is refused ------------------------------------------------------------------

HF_TEST (config)
{
    static const struct {
        bool good;
        uint32_t self, count, members[HF_MEMBERS_MAX];
    } cases[] = {{true, 1, 1, {1}},        {true, 7, 7, {1, 2, 3, 4, 5, 6, 7}},
                 {true, 4, 3, {2, 4, 9}},  {false, 4, 3, {1, 2, 3}},
                 {false, 1, 2, {1, 2}},    {false, 1, 9, {1, 2, 3, 4, 5, 6, 7}},
                 {false, 1, 0, {1}},       {false, 1, 3, {1, 2, 2}},
                 {false, 1, 3, {3, 2, 1}}, {false, 1, 3, {0, 1, 2}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_core_config_t config = hf_bench_config (cases[i].self, cases[i].count);
        memcpy (config.members, cases[i].members, sizeof config.members);
        if (hf_bench_makes (&config, &(hf_restored_t){0}) != cases[i].good)
            fail_msg ("case %zu", i);
    }
}

/*  A roster of the members from 1 on, COUNT of them. */
static uint32_t
s_put_roster (uint8_t payload[HF_ROSTER_MAX], uint32_t count)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_roster_put (&pack, &(hf_roster_t){.count = count,
                                         .members = {{.node = 1, .incarnation = 1},
                                                     {.node = 2, .incarnation = 2},
                                                     {.node = 3, .incarnation = 3},
                                                     {.node = 4, .incarnation = 4}}});
    size_t size = hf_pack_size (&pack);
    memcpy (payload, hf_pack_bytes (&pack), size);
    hf_pack_done (&pack);
    return (uint32_t)size;
}

/*  In TERM: LAST_INDEX entries, of which BASE are pruned, the last of them of BASE_TERM; the spans
 *  that follow. */
#define LOG(of_term, base, of_base, last, ...)                                                     \
    {                                                                                              \
        .term = of_term, .base_index = base, .base_term = of_base, .last_index = last,             \
        .spans = (hf_term_span_t[]){__VA_ARGS__},                                                  \
        .spans_count = sizeof ((hf_term_span_t[]){__VA_ARGS__}) / sizeof (hf_term_span_t)          \
    }

HF_TEST (restored)
{
    const struct {
        bool good;
        hf_restored_t log;
    } cases[] = {
        {true, {0}},
        {true, LOG (3, 0, 0, 9, {1, 1}, {4, 3})},
        {false, LOG (3, 0, 0, 9, {4, 1}, {9, 3})}, //  no base for it
        {false, {.term = 3, .last_index = 9}},
        {false, LOG (2, 0, 0, 9, {1, 1}, {4, 3})},
        {false, LOG (3, 0, 0, 3, {1, 1}, {4, 3})},
        {false, LOG (3, 0, 0, 9, {4, 1}, {4, 3})},
        {false, LOG (3, 0, 0, 9, {1, 3}, {4, 3})},
        {false, LOG (3, 0, 0, 9, {1, 0}, {4, 3})},
        {false, LOG (3, 0, 0, 9, {0, 1}, {4, 3})},
        {true, LOG (3, 3, 1, 9, {4, 1}, {9, 3})},
        {false, LOG (3, 3, 0, 9, {4, 1}, {9, 3})},
        {false, LOG (3, 3, 2, 9, {4, 1}, {9, 3})}, //  above the first entry's
        {false, LOG (3, 4, 1, 9, {4, 1}, {9, 3})},
        {false, LOG (3, 0, 1, 9, {4, 1}, {9, 3})},
        {true, {.term = 3, .base_index = 7, .base_term = 3, .last_index = 7}},
        {false, {.term = 3, .base_index = 7, .base_term = 3, .last_index = 0}},
        {false, {.term = 3, .base_index = 7, .base_term = 4, .last_index = 7}},
    };
    hf_core_config_t config = hf_bench_config (3, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (hf_bench_makes (&config, &cases[i].log) != cases[i].good)
            fail_msg ("case %zu", i);
}

HF_TEST (restored_rosters)
{
    static const struct {
        bool good;
        uint64_t index;
        uint32_t names; //  of the members
    } cases[] = {{true, 4, 3},  {false, 4, 0}, {true, 4, 1},
                 {true, 4, 2},  {false, 3, 3}, //  only the first may be at or before the base
                 {false, 2, 3}, {false, 10, 3}};
    hf_roster_at_t rosters[] = {hf_bench_roster (2, 1, 2, 3), hf_bench_roster (4, 1, 2, 3),
                                hf_bench_roster (9, 1, 2, 3)};
    hf_restored_t log = LOG (3, 3, 1, 9, {4, 1}, {9, 3});
    hf_core_config_t config = hf_bench_config (3, 3);
    config.incarnation = 11;
    log.rosters = rosters;
    log.rosters_count = 3;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rosters[1].index = cases[i].index;
        rosters[1].size = s_put_roster (rosters[1].payload, cases[i].names);
        if (hf_bench_makes (&config, &log) != cases[i].good)
            fail_msg ("case %zu", i);
    }
}

/*  Of the rosters behind the base of the log only the one in force there is kept. */
HF_TEST (pruned_rosters)
{
    hf_roster_at_t rosters[] = {hf_bench_roster (1, 11, 12, 13), hf_bench_roster (3, 21, 22, 23),
                                hf_bench_roster (5, 21, 22, 23)};
    hf_restored_t restored = LOG (3, 0, 0, 6, {1, 1});
    restored.rosters = rosters;
    restored.rosters_count = 3;
    hf_bench_t bench;
    hf_core_config_t config = hf_bench_config (2, 3);
    config.incarnation = 22;
    hf_bench_open_core (&bench, &config, &restored);
    hf_bench_beat (&bench, 1, 3, 1, 6, 6, 1);
    assert_int_equal (hf_core_view (bench.core).commit_index, 6);
    for (uint64_t index = 2; index <= 6; index += 2) {
        HF_BENCH_EVENT (&bench, PRUNED, .pruned.index = index); //  checks the core
        assert_int_equal (hf_core_view (bench.core).first_index, index + 1);
        assert_int_equal (hf_core_view (bench.core).counted, 7);
    }
    hf_bench_close (&bench);
}

/*  An entry's type says what it is: what looks like a roster is an entry like others, and a roster
 *  must name exactly the members. */
HF_BENCH_TEST (entry_types, hf_bench_open_roster, 200, 3, 0, 5)
{
    hf_roster_at_t roster = hf_bench_roster (6, 900, 901, 902);
    const hf_entries_t at_5 = {.from = 1, .term = 3, .prev_index = 5, .prev_term = 1};
    const uint32_t types[] = {0, HF_ENTRY_OPEN_TERM, HF_ENTRY_COMMANDS, 4, UINT32_MAX};
    hf_entry_t entry = hf_bench_roster_entry (3, &roster);
    for (uint32_t i = 0; i < 5; i++) {
        entry.type = types[i];
        hf_entry_put (&bench->list, &entry);
    }
    hf_bench_entries (bench, at_5);
    assert_int_equal (hf_core_view (bench->core).last_index, 10);
    assert_int_equal (hf_core_view (bench->core).counted, 7);
    hf_bench_commit (bench);
    const hf_entries_t at_10 = {.from = 1, .term = 3, .prev_index = 10, .prev_term = 3};
    for (uint32_t names = 0; names <= 4; names++) {
        roster.size = s_put_roster (roster.payload, names);
        entry = hf_bench_roster_entry (3, &roster);
        hf_entry_put (&bench->list, &entry);
        hf_bench_entries (bench, at_10);
        assert_int_equal (hf_core_view (bench->core).last_index, names == 0 ? 10 : 11);
    }
}

static bool
s_reads (const hf_bench_t *bench, const hf_pack_t *frame, size_t size)
{
    hf_event_t event = {.type = HF_EV_TICK};
    hf_scan_t scan;
    uint32_t kind;
    return hf_frame_open (hf_pack_bytes (frame), size, &scan, &kind) == HF_OK &&
           hf_core_read_peer (bench->core, &scan, kind, &event) && event.type == HF_EV_PEER;
}

#define MAX HF_CORE_NUMBER_MAX
#define M(KIND, name, ...)                                                                         \
    {                                                                                              \
        .kind = HF_KIND_##KIND, .name = { __VA_ARGS__ }                                            \
    }

HF_BENCH_TEST (read_peer, hf_bench_open, 3, 5)
{
    static const struct {
        bool good;
        hf_peer_message_t message;
    } cases[] = {
        {true, M (HEARTBEAT, heartbeat, 1, 0, 3, 1, .commit = 5, 5, 3)},
        {true, M (HEARTBEAT, heartbeat, 1, 2, 3, 1, .commit = 0, 0, 0)},
        {false, M (HEARTBEAT, heartbeat, 1, 3, 3, 1, .commit = 5, 5, 3)}, //  not to us
        {false, M (HEARTBEAT, heartbeat, 0, 0, 3, 1, .commit = 5, 5, 3)}, //  of nobody
        {false, M (HEARTBEAT, heartbeat, 2, 0, 3, 1, .commit = 5, 5, 3)}, //  our own
        {true, M (HEARTBEAT, heartbeat, 4, 0, 3, 1, .commit = 5, 5, 3)},  //  no member yet
        {false, M (HEARTBEAT, heartbeat, 1, 0, 0, 1, .commit = 0, 0, 0)},
        {false, M (HEARTBEAT, heartbeat, 1, 0, MAX, 1, .commit = 5, 5, 3)},
        {false, M (HEARTBEAT, heartbeat, 1, 0, 3, MAX, .commit = 5, 5, 3)},
        {false, M (HEARTBEAT, heartbeat, 1, 0, 3, 1, .commit = 6, 5, 3)},
        {false, M (HEARTBEAT, heartbeat, 1, 0, 3, 1, .commit = 5, 5, 4)},
        {false, M (HEARTBEAT, heartbeat, 1, 0, 3, 1, .commit = 5, 5, 0)},
        {false, M (HEARTBEAT, heartbeat, 1, 0, 3, 1, .commit = 0, 0, 1)},
        {false, M (HEARTBEAT, heartbeat, 1, 0, 3, 1, .commit = 5, MAX, 3)},
        {true, M (ENTRIES, entries, 1, 0, 3, .commit = 9, 5, 1, {0})},
        {false, M (ENTRIES, entries, 1, 0, 3, .commit = MAX, 5, 1, {0})},
        {false, M (ENTRIES, entries, 1, 0, 3, .commit = 9, 5, 4, {0})},
        {true, M (ACK, ack, 1, 2, 3, .index = 5, .round = 9)},
        {false, M (ACK, ack, 1, 2, 3, .index = MAX, .round = 9)},
        {false, M (ACK, ack, 1, 2, 3, .index = 5, .round = MAX)},
        {true, M (NEED, need, 1, 2, 3, 5, 1)},
        {false, M (NEED, need, 1, 2, 3, 5, 0)},
        {true, M (VOTE_REQUEST, vote_request, 1, 0, 3, 5, .last_term = 1)},
        {false, M (VOTE_REQUEST, vote_request, 1, 0, 3, 5, .last_term = 4)},
        {true, M (VOTE, vote, 1, 2, .term = 3)},
        {true, M (TRANSFER, transfer, 1, 2, 3, 5, 1, false)},
        {false, M (TRANSFER, transfer, 1, 2, 3, 5, 4, false)},
        {true, M (NEWER_TERM, newer_term, 1, 2, 3)},
        {true, M (NEWER_TERM, newer_term, 1, 2, 3 + HF_CORE_AHEAD_MAX)}, //  away for years
        {false, M (NEWER_TERM, newer_term, 1, 2, 4 + HF_CORE_AHEAD_MAX)},
        {false, M (NEWER_TERM, newer_term, 1, 2, MAX - 1)},
        {true, M (STATE_OFFER, state_offer, 1, 2, 3, 2)},
        {false, M (STATE_OFFER, state_offer, 1, 2, 3, 1)},
        {false, M (STATE_OFFER, state_offer, 1, 2, 3, MAX)},
    };
    hf_pack_t frame;
    hf_pack_init (&frame);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_pack_reset (&frame);
        hf_peer_frame (&frame, &cases[i].message);
        if (s_reads (bench, &frame, hf_pack_size (&frame)) != cases[i].good)
            fail_msg ("case %zu", i);
        for (size_t size = 0; size < hf_pack_size (&frame); size++)
            assert_false (s_reads (bench, &frame, size)); //  cut short anywhere
    }
    hf_pack_reset (&frame);
    hf_keepalive_one (&frame, 0, 1, 0);
    assert_false (s_reads (bench, &frame, hf_pack_size (&frame)));
    hf_pack_done (&frame);
}

/*  A heartbeat that its leader did not send: its numbers count until the next one, at most. */
HF_BENCH_TEST (forged_heartbeat, hf_bench_open, 5, 5)
{
    hf_bench_beat (bench, 1, 5, MAX - 1, 0, MAX - 1, 5);
    HF_BENCH_SAYS (bench, "1 early NEED @5 5/1; 1 ACK @5 index 0 round 4611686018427387903; "
                          "FOLLOWING @5 1");
    //  A log that begins after its end: no leader has one.
    hf_bench_beat (bench, 1, 5, 7, 5, 5, 1);
    HF_BENCH_SAYS (bench, "1 ACK @5 index 5 round 7; commit 5");
    HF_BENCH_PEER (bench, STATE_OFFER, state_offer, 1, 2, 5, .first_index = 7);
    HF_BENCH_SAYS (bench, "");
    for (uint64_t round = 8; round < 12; round++) {
        hf_bench_tick_after (bench, 50000);
        hf_bench_beat (bench, 1, 5, round, 5, 5, 1);
        char says[64];
        snprintf (says, sizeof says, "1 ACK @5 index 5 round %u", (unsigned)round);
        HF_BENCH_SAYS (bench, says);
    }
}

HF_BENCH_TEST (forged_heartbeat_with_largest_said, hf_bench_open, 5, 5)
{
    hf_mutant = HF_MUTANT_largest_said;
    hf_bench_beat (bench, 1, 5, MAX - 1, 0, MAX - 1, 5);
    HF_BENCH_SAYS (bench, "1 early NEED @5 5/1; 1 ACK @5 index 0 round 4611686018427387903; "
                          "FOLLOWING @5 1");
    hf_bench_beat (bench, 1, 5, 7, 5, 5, 1);
    hf_mutant = HF_MUTANT_none;
    HF_BENCH_SAYS (bench, "1 ACK @5 index 5 round 4611686018427387903; commit 5"); //  not 7
}

/*  A forged message names a leader: it counts until it has been silent for an election timeout, and
 *  what it said does not count for the real one. */
HF_BENCH_TEST (forged_leader, hf_bench_open, 5, 5)
{
    hf_bench_beat (bench, 3, 5, 9, 0, 5, 1);
    HF_BENCH_SAYS (bench, "3 ACK @5 index 5 round 9; FOLLOWING @5 3");
    hf_bench_tick_after (bench, 200000);
    hf_bench_beat (bench, 1, 5, 4, 0, 4, 1);
    HF_BENCH_SAYS (bench, "");
    hf_bench_tick_after (bench, 150000);
    hf_mutant = HF_MUTANT_leader_pinned;
    hf_bench_beat (bench, 1, 5, 8, 0, 4, 1);
    HF_BENCH_SAYS (bench, "");
    hf_mutant = HF_MUTANT_none;
    hf_bench_beat (bench, 1, 5, 8, 0, 4, 1);
    HF_BENCH_SAYS (bench, "1 ACK @5 index 4 round 8; FOLLOWING @5 1");
}

/*  A slow disk that has nothing to do for a while is still a slow one. */
HF_BENCH_TEST (slow_disk_is_remembered, hf_bench_open, 5, 5)
{
    hf_core_config_t config = hf_bench_config (3, 3);
    uint64_t believed_us = config.believed_us;
    assert_true (believed_us >= 4 * config.regret_us && believed_us > 10 * config.stability_us);
    HF_BENCH_EVENT (bench, DURABLE, .durable = {.index = 5, .term = 1, .took_us = 400000});
    hf_bench_tick_after (bench, believed_us - 1);
    hf_mutant = HF_MUTANT_slow_disk_forgotten;
    uint64_t forgotten_us = hf_core_view (bench->core).sync_us;
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (forgotten_us, 0);
    assert_int_equal (hf_core_view (bench->core).sync_us, 400000);
    hf_bench_tick_after (bench, 1);
    assert_int_equal (hf_core_view (bench->core).sync_us, 0);
}

HF_BENCH_TEST (entries_refused, hf_bench_open, 5, 5)
{
    hf_entries_t m = {.from = 1, .term = 5, .prev_index = 5, .prev_term = 1};
    hf_bench_put (bench, 3, 1); //  terms that fall
    hf_bench_put (bench, 2, 1);
    hf_bench_entries (bench, m);
    hf_bench_put (bench, 6, 1); //  a term after the leader's own
    hf_bench_entries (bench, m);
    hf_bench_put (bench, 0, 1);
    hf_bench_entries (bench, m);
    hf_pack_raw (&bench->list, "\x01", 1); //  no entry at all
    bench->list.count = 1;
    hf_bench_entries (bench, m);
    assert_int_equal (bench->effects.persists.count, 0);
    assert_int_equal (hf_core_view (bench->core).leader, 0);
    hf_bench_put (bench, 3, 2);
    hf_bench_entries (bench, m);
    assert_int_equal (hf_core_view (bench->core).last_index, 7);
    assert_int_equal (hf_core_view (bench->core).verified_index, 7);
}

HF_BENCH_TEST (verified_stays, hf_bench_open, 5, 5)
{
    hf_bench_beat (bench, 1, 5, 1, 3, 5, 1);
    HF_BENCH_SAYS (bench, "1 ACK @5 index 5 round 1; FOLLOWING @5 1; commit 3");
    //  Somebody who contradicts what is committed, or what it has shown before.
    for (uint64_t prev = 0; prev < 5; prev++) {
        hf_bench_put (bench, 4, 3);
        hf_bench_append (bench, 1, 5, 0, prev, prev > 0);
        HF_BENCH_SAYS (bench, "");
        assert_int_equal (hf_core_view (bench->core).last_index, 5);
    }
    //  In a new term what is not committed is open again.
    hf_bench_put (bench, 4, 3);
    hf_bench_append (bench, 1, 6, 0, 3, 1);
    HF_BENCH_SAYS (bench, "disk: vote 0 @6; disk: cut 4; disk: 4..6 @6 skip 0; "
                          "1 ACK @6 index 3 round 0; FOLLOWING @6 1");
    assert_int_equal (hf_core_view (bench->core).last_index, 6);
    assert_int_equal (hf_core_view (bench->core).durable_index, 3);
}

HF_BENCH_TEST (two_leaders, hf_bench_open, 5, 5)
{
    hf_bench_beat (bench, 1, 5, 1, 0, 4, 1);
    HF_BENCH_SAYS (bench, "1 ACK @5 index 4 round 1; FOLLOWING @5 1");
    hf_bench_beat (bench, 3, 5, 1, 5, 5, 1);
    HF_BENCH_SAYS (bench, "");
    assert_int_equal (hf_core_view (bench->core).verified_index, 4);
    hf_bench_close (bench);
    hf_bench_open (bench, 5, 5);
    hf_bench_make_leader (bench);
    hf_bench_beat (bench, 3, 6, 1, 5, 5, 1);
    assert_int_equal (hf_core_view (bench->core).role, HF_LEADER);
}

//  ---- a peer that sends anything ------------------------------------------------------------

static hf_random_t s_seed = {7};

static uint64_t
s_random (uint64_t limit)
{
    return hf_random_below (&s_seed, limit);
}

static uint64_t
s_any_incarnation (uint32_t node)
{
    return s_random (4) == 0 ? s_random (3) : node * 100;
}

/*  Entries, some of which are rosters, or look like one. */
static void
s_any_entries (hf_bench_t *bench, uint64_t term)
{
    hf_pack_reset (&bench->list);
    for (uint64_t i = s_random (4); i > 0; i--) {
        uint8_t junk[] = {0x92, 1, (uint8_t)s_random (256), 7};
        hf_entry_t entry = {.term = term += s_random (2), .type = (uint32_t)s_random (5)};
        hf_roster_at_t roster = hf_bench_roster (1, 100, 200, s_any_incarnation (3));
        if (s_random (4) == 0)
            entry = hf_bench_roster_entry (term, &roster);
        else if (s_random (4) == 0)
            entry.payload = hf_span (junk, sizeof junk);
        hf_entry_put (&bench->list, &entry);
    }
}

static void
s_any_message (hf_bench_t *bench, hf_pack_t *frame)
{
    uint32_t from = s_random (2) ? 1 : 3;
    uint32_t to = s_random (2) ? 0 : 2;
    uint64_t term = hf_core_view (bench->core).term + s_random (20) / 18;
    uint64_t index = s_random (12);
    uint64_t of_term = index == 0 ? 0 : s_random (term + 1);
    s_any_entries (bench, of_term);
    hf_pack_reset (frame);
    switch (s_random (9)) {
    case 0:
        hf_heartbeat_frame (
            frame, &(hf_heartbeat_t){
                       from, to, term, s_random (9), s_random (9), index, of_term, index % 4, {0}});
        break;
    case 1:
    case 2:
        hf_entries_frame (frame, &(hf_entries_t){from, to, term, s_random (9), index, of_term,
                                                 hf_pack_list (&bench->list)});
        break;
    case 3:
        hf_ack_frame (frame,
                      &(hf_ack_t){from, to, term, index, s_random (9), 7, s_any_incarnation (from),
                                  0, (uint32_t)s_random (3), s_random (3), s_random (2),
                                  s_random (term + 1), s_random (2) == 0, s_random (12)});
        break;
    case 4:
        hf_need_frame (frame, &(hf_need_t){from, to, term, index, of_term});
        break;
    case 5:
        hf_vote_request_frame (
            frame, &(hf_vote_request_t){from, to, term + 1, index, of_term, s_random (2) == 0,
                                        s_any_incarnation (from), s_random (3), s_random (2),
                                        s_random (term + 1), s_random (2) == 0, s_random (12)});
        break;
    case 6:
        hf_vote_frame (frame, &(hf_vote_t){from, to, term + s_random (2), s_random (2) == 0,
                                           s_random (2) == 0, s_any_incarnation (from),
                                           bench->incarnation + (s_random (8) == 0),
                                           (uint32_t)s_random (3), s_random (3), s_random (2),
                                           s_random (term + 1), s_random (2) == 0, s_random (12)});
        break;
    case 7:
        hf_state_offer_frame (frame, &(hf_state_offer_t){from, to, term, s_random (12)});
        break;
    default:
        hf_transfer_frame (
            frame,
            &(hf_transfer_t){
                .from = from, .to = to, .term = term, .last_index = index, .last_term = of_term});
        break;
    }
}

/*  Whatever members send: no assert trips, and what is committed stays. */
HF_TEST (hostile)
{
    for (int turn = 0; turn < 200; turn++) {
        hf_bench_t bench;
        hf_pack_t frame;
        uint64_t base = s_random (4);
        hf_bench_open_roster (&bench, turn % 2 == 0 ? 0 : 200, 3, base, base + s_random (8));
        hf_pack_init (&frame);
        uint64_t commit = 0;
        for (int step = 0; step < 500; step++) {
            hf_event_t event;
            hf_scan_t scan;
            uint32_t kind;
            s_any_message (&bench, &frame);
            hf_status_t status =
                hf_frame_open (hf_pack_bytes (&frame), hf_pack_size (&frame), &scan, &kind);
            assert_int_equal (status, HF_OK);
            if (hf_core_read_peer (bench.core, &scan, kind, &event))
                hf_bench_step (&bench, &event);
            if (s_random (4) == 0)
                hf_bench_commit (&bench);
            if (s_random (4) == 0)
                hf_bench_tick_after (&bench, s_random (300000));
            if (s_random (16) == 0)
                hf_bench_prune (&bench);
            assert_true (bench.effects.commit_index >= commit);
            commit = bench.effects.commit_index;
        }
        hf_pack_done (&frame);
        hf_bench_close (&bench);
    }
}

HF_TEST_MAIN (NULL, NULL)
