//  The stage of tests of changes of the members.

#include "changes_stage.h"

//  ---- the stage ---------------------------------------------------------------------------

hf_seat_t
changes_seat (uint32_t node, uint32_t slot, uint32_t flags)
{
    return (hf_seat_t){.node = node,
                       .incarnation = 100 * node,
                       .slot = slot,
                       .flags = flags,
                       .host = hf_span_text ("here"),
                       .client_port = 2 * node,
                       .node_port = 2 * node + 1};
}

hf_roster_at_t
changes_roster (uint64_t index, const hf_roster_t *roster)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (&payload, roster);
    hf_roster_at_t at = {.index = index, .size = (uint32_t)hf_pack_size (&payload)};
    memcpy (at.payload, hf_pack_bytes (&payload), at.size);
    hf_pack_done (&payload);
    return at;
}

hf_roster_t
changes_three (uint32_t level)
{
    hf_roster_t roster = {.count = 3, .level = level, .cluster = level > 0 ? 7 : 0};
    for (uint32_t i = 0; i < 3; i++)
        roster.members[i] = changes_seat (i + 1, i, HF_SEAT_VOTES | HF_SEAT_VOTED);
    return roster;
}

hf_core_config_t
changes_config (uint32_t self)
{
    hf_core_config_t config = hf_bench_config (self, 3);
    for (uint32_t i = 0; i < 3; i++) {
        strcpy (config.places[i].host, "there");
        config.places[i].client_port = (uint16_t)(2 * i + 2);
        config.places[i].node_port = (uint16_t)(2 * i + 3);
    }
    config.incarnation = 100 * self;
    return config;
}

/*  SELF, with five entries of term 1, of which the first is the roster. */
void
changes_open (hf_bench_t *bench, uint32_t self, const hf_roster_t *roster)
{
    hf_core_config_t config = changes_config (self);
    hf_roster_at_t at = changes_roster (1, roster);
    hf_bench_open_core (bench, &config,
                        &(hf_restored_t){.term = 1,
                                         .last_index = 5,
                                         .spans = &(hf_term_span_t){1, 1},
                                         .spans_count = 1,
                                         .rosters = &at,
                                         .rosters_count = 1});
}

uint64_t
changes_last (const hf_bench_t *bench)
{
    return hf_core_view (bench->core).last_index;
}

uint64_t
changes_commit (const hf_bench_t *bench)
{
    return hf_core_view (bench->core).commit_index;
}

hf_role_t
changes_role (const hf_bench_t *bench)
{
    return hf_core_view (bench->core).role;
}

void
changes_ack_as (hf_bench_t *bench, uint32_t from, uint64_t index, uint64_t incarnation)
{
    HF_BENCH_PEER (bench, ACK, ack, .from = from, .term = hf_core_view (bench->core).term,
                   .index = index, .round = bench->core->round, .hears = 127,
                   .incarnation = incarnation, .speaks = HF_LEVEL_NEWEST);
}

/*  Each digit of NODES acknowledges all that there is. */
void
changes_ack (hf_bench_t *bench, const char *nodes)
{
    hf_bench_commit (bench);
    for (; *nodes != '\0'; nodes++) {
        uint32_t node = (uint32_t)(*nodes - '0');
        changes_ack_as (bench, node, changes_last (bench), 100 * node);
    }
}

void
changes_beat (hf_bench_t *bench)
{
    hf_bench_commit (bench);
    hf_bench_tick_after (bench, 50000);
}

void
changes_lead (hf_bench_t *bench)
{
    hf_bench_tick_after (bench, 900000); //  also when it is drained
    hf_bench_commit (bench);
    hf_bench_granted (bench, 2, 2, true, 200);
    hf_bench_commit (bench);
    hf_bench_granted (bench, 2, 2, false, 200);
    for (uint32_t node = 2; node <= 9; node++)
        hf_bench_link (bench, node, true);
    changes_ack (bench, "23");
    assert_int_equal (changes_role (bench), HF_LEADER);
    assert_int_equal (changes_commit (bench), 6);
    changes_beat (bench);
    changes_ack (bench, "23");
}

void
changes_open_leading (hf_bench_t *bench, const hf_roster_t *roster)
{
    changes_open (bench, 1, roster);
    changes_lead (bench);
}

void
changes_open_three (hf_bench_t *bench, uint32_t level)
{
    hf_roster_t roster = changes_three (level);
    changes_open_leading (bench, &roster);
}

/*  What was told of the change with ID since the last commit of the driver; 0: nothing. */
hf_verdict_t
changes_verdict (const hf_bench_t *bench, uint64_t id)
{
    hf_verdict_t verdict = 0;
    for (size_t i = 0; i < bench->effects.notices.count; i++) {
        const hf_notice_t *notice = &bench->effects.notices.list[i];
        if (notice->type == HF_NOTICE_VERDICT && notice->id == id)
            verdict = (hf_verdict_t)notice->index;
    }
    return verdict;
}

hf_verdict_t
changes_ask (hf_bench_t *bench, hf_change_t change)
{
    hf_bench_commit (bench);
    HF_BENCH_EVENT (bench, CHANGE, .change = change);
    return changes_verdict (bench, change.id);
}

hf_verdict_t
changes_change (hf_bench_t *bench, uint64_t id, hf_change_op_t op, uint32_t node)
{
    return changes_ask (bench,
                        (hf_change_t){.id = id, .op = op, .place = changes_seat (node, 0, 0)});
}

/*  The roster in force: of each member V votes, v voted, c changed, j joins, l leaves. */
void
changes_says (const hf_bench_t *bench, const char *expected)
{
    uint64_t index;
    char text[200] = "";
    const hf_roster_t *roster = hf_core_members (bench->core, &index);
    assert_non_null (roster);
    for (uint32_t i = 0; i < roster->count; i++) {
        size_t used = strlen (text);
        snprintf (text + used, sizeof text - used, "%s%u ", i > 0 ? ", " : "",
                  roster->members[i].node);
        for (uint32_t bit = 0; bit < 5; bit++)
            if ((roster->members[i].flags >> bit & 1) != 0)
                strcat (text, (const char *[]){"V", "v", "c", "j", "l"}[bit]);
    }
    assert_string_equal (text, expected);
}
