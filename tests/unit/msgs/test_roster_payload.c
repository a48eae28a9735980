//  The payload of a ROSTER entry: what is refused, and what comes back as it was.

#include "tests/kit/hf_test.h"
#include "msgs/hf_limits.h"
#include "msgs/hf_msg.h"

#define VOTER (HF_SEAT_VOTES | HF_SEAT_VOTED)

static hf_seat_t
s_seat (uint32_t node, uint32_t slot, uint32_t flags)
{
    return (hf_seat_t){.node = node,
                       .incarnation = 100 + node,
                       .slot = slot,
                       .flags = flags,
                       .host = hf_span_text ("host"),
                       .client_port = 80,
                       .node_port = 81};
}

static hf_roster_t
s_three (void)
{
    hf_roster_t roster = {.count = 3, .level = 1, .cluster = 9};
    for (uint32_t i = 0; i < 3; i++)
        roster.members[i] = s_seat (i + 1, i, VOTER);
    return roster;
}

/*  PACK must outlive what is read. */
static bool
s_reads (hf_pack_t *pack, const hf_roster_t *roster, hf_roster_t *read)
{
    hf_pack_reset (pack);
    hf_roster_put (pack, roster);
    return hf_roster_get (hf_span (hf_pack_bytes (pack), hf_pack_size (pack)), read);
}

static bool
s_good (const hf_roster_t *roster)
{
    hf_pack_t pack;
    hf_roster_t read;
    hf_pack_init (&pack);
    bool good = s_reads (&pack, roster, &read);
    hf_pack_done (&pack);
    return good;
}

HF_TEST (comes_back)
{
    hf_pack_t pack;
    hf_roster_t roster = s_three (), read;
    hf_pack_init (&pack);
    roster.members[1].flags |= HF_SEAT_CHANGED;
    roster.members[2] = s_seat (40000, 6, HF_SEAT_JOINS);
    roster.members[2].incarnation = 0;
    roster.done_count = HF_ROSTER_DONE_MAX;
    for (uint32_t i = 0; i < HF_ROSTER_DONE_MAX; i++)
        roster.done[i] = UINT64_MAX - i;
    assert_true (s_reads (&pack, &roster, &read));
    assert_int_equal (read.count, 3);
    assert_int_equal (read.level, 1);
    assert_int_equal (read.cluster, 9);
    assert_int_equal (read.done_count, HF_ROSTER_DONE_MAX);
    assert_true (read.done[15] == UINT64_MAX - 15);
    assert_int_equal (read.members[1].incarnation, 102);
    assert_int_equal (read.members[1].flags, VOTER | HF_SEAT_CHANGED);
    assert_int_equal (hf_roster_seat (&read, 40000)->slot, 6);
    assert_true (hf_span_equal (read.members[2].host, hf_span_text ("host")));
    assert_int_equal (read.members[2].client_port, 80);
    assert_int_equal (read.members[2].node_port, 81);
    assert_null (hf_roster_seat (&read, 3));
    assert_true (hf_roster_joint (&read));
    for (size_t size = 0; size < hf_pack_size (&pack); size++)
        assert_false (hf_roster_valid (hf_span (hf_pack_bytes (&pack), size)));
    hf_pack_done (&pack);
}

/*  Version 1 has no slots and flags: they follow. */
HF_TEST (version_1)
{
    hf_pack_t pack;
    hf_roster_t roster = s_three (), read;
    hf_pack_init (&pack);
    roster.level = 0;
    assert_true (s_reads (&pack, &roster, &read));
    assert_int_equal (read.level, 0);
    assert_int_equal (read.members[2].slot, 2);
    assert_int_equal (read.members[2].flags, VOTER);
    assert_int_equal (read.members[2].host.size, 0);
    assert_false (hf_roster_joint (&read));
    roster.joins = 2;
    assert_true (s_reads (&pack, &roster, &read));
    assert_int_equal (read.members[1].flags, VOTER | HF_SEAT_CHANGED);
    assert_true (hf_roster_joint (&read));
    roster.joins = 4;
    assert_false (s_reads (&pack, &roster, &read));
    roster.joins = 0;
    roster.members[0].incarnation = 0;
    assert_false (s_reads (&pack, &roster, &read));
    hf_pack_done (&pack);
}

/*  The largest one that there can be fits. */
HF_TEST (largest)
{
    char host[HF_HOST_MAX + 2];
    memset (host, 'h', sizeof host);
    hf_roster_t roster = {.count = HF_MEMBERS_MAX,
                          .level = UINT32_MAX,
                          .cluster = UINT64_MAX,
                          .done_count = HF_ROSTER_DONE_MAX};
    memset (roster.done, 0xff, sizeof roster.done);
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        roster.members[i] = (hf_seat_t){.node = UINT32_MAX - HF_MEMBERS_MAX + i,
                                        .incarnation = UINT64_MAX,
                                        .slot = i,
                                        .flags = VOTER,
                                        .host = hf_span (host, HF_HOST_MAX),
                                        .client_port = UINT16_MAX,
                                        .node_port = UINT16_MAX};
    assert_true (s_good (&roster));
    roster.members[0].host.size++;
    assert_false (s_good (&roster));
}

HF_TEST (refused)
{
    static const struct {
        bool good;
        uint32_t flags, incarnation;
    } cases[] = {
        {true, 0, 5},
        {true, 0, 0},
        {true, HF_SEAT_JOINS, 0},
        {true, VOTER, 5},
        {true, HF_SEAT_VOTES, 5},
        {true, HF_SEAT_VOTED | HF_SEAT_LEAVES, 5},
        {true, VOTER | HF_SEAT_CHANGED, 5},
        {false, VOTER, 0},
        {false, HF_SEAT_VOTES, 0},
        {false, HF_SEAT_VOTED, 5}, //  it votes no more, and stays
        {false, HF_SEAT_VOTES | HF_SEAT_LEAVES, 5},
        {false, HF_SEAT_LEAVES, 5},
        {false, HF_SEAT_CHANGED, 5},
        {false, HF_SEAT_VOTES | HF_SEAT_CHANGED, 5},
        {false, VOTER | HF_SEAT_JOINS, 5},
        {false, HF_SEAT_ALL + 1, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_roster_t roster = s_three ();
        roster.members[1].flags = cases[i].flags;
        roster.members[1].incarnation = cases[i].incarnation;
        if (s_good (&roster) != cases[i].good)
            fail_msg ("case %zu", i);
    }
}

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        hf_roster_t roster = s_three ();                                                           \
        change;                                                                                    \
        assert_false (s_good (&roster));                                                           \
    } while (0)

HF_TEST (refused_fields)
{
    REFUSED (roster.count = 0);
    REFUSED (roster.cluster = 0);
    REFUSED (roster.members[1].node = 1);
    REFUSED (roster.members[0].node = 0);
    REFUSED (roster.members[2].node = 2);
    REFUSED (roster.members[1].slot = 0);
    REFUSED (roster.members[1].slot = HF_MEMBERS_MAX);
    REFUSED (roster.members[1].host = hf_span_text (""));
    REFUSED (roster.members[1].host = hf_span_text ("a\nb"));
    REFUSED (roster.members[1].host = hf_span_text ("\xff"));
    REFUSED (roster.members[1].client_port = 0);
    REFUSED (roster.members[1].node_port = UINT16_MAX + 1);
    REFUSED (for (int i = 0; i < 3; i++) roster.members[i].flags = HF_SEAT_JOINS);
    REFUSED (for (int i = 0; i < 3; i++) roster.members[i].flags = HF_SEAT_VOTES);
}

HF_TEST (not_a_roster)
{
    static const uint8_t junk[][6] = {
        {0x90}, {0x93, 3, 0x90, 0}, {0x95, 2, 0x90, 1, 1, 0x90}, {0xc0}};
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++)
        assert_false (hf_roster_valid (hf_span (junk[i], sizeof junk[i])));
    static const uint8_t large[HF_ROSTER_MAX + 1] = {0x93, 1, 0x91, 0x93, 0xcc, 150, 3, 9, 0};
    assert_true (hf_roster_valid (hf_span (large, HF_ROSTER_MAX)));
    assert_false (hf_roster_valid (hf_span (large, sizeof large)));
}

HF_TEST_MAIN (NULL, NULL)
