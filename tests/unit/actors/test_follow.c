/*  Whom the mesh connects to, by the roster: also while it is not sure, and for nodes that join. */
#include "tests/kit/hf_test.h"
#include "nodes/actors/hf_follow.h"

#define CLUSTER 0x99

//  ---- a roster in words ----------------------------------------------------------------

/*  Members as "1 2 3"; 3' is node 3 at another place. */
static hf_roster_t
s_roster (const char *text)
{
    static const char *const hosts[] = {"alpha", "beta"};
    hf_roster_t roster = {.level = 1, .cluster = CLUSTER};
    for (; *text != 0; text++) {
        if (*text == ' ' || *text == '\'')
            continue;
        hf_seat_t *seat = &roster.members[roster.count++];
        *seat = (hf_seat_t){.node = (uint32_t)(*text - '0'),
                            .host = hf_span_text (hosts[text[1] == '\'']),
                            .client_port = 8080,
                            .node_port = 8081};
    }
    return roster;
}

static hf_endpoints_t
s_list (const char *text)
{
    hf_endpoints_t list;
    hf_roster_t roster = s_roster (text);
    assert_int_equal (hf_endpoints_of_roster (&list, &roster), 0);
    return list;
}

static hf_follow_t
s_start_in (uint32_t self, const char *hints, uint64_t cluster)
{
    hf_follow_t follow;
    hf_endpoints_t list = s_list (hints);
    hf_follow_init (&follow, &(hf_endpoint_t){.id = self}, &list, cluster);
    return follow;
}

static hf_follow_t
s_start (uint32_t self, const char *hints)
{
    return s_start_in (self, hints, 0);
}

/*  The same form, of those that the mesh is told; "-" when it is told nothing. */
static const char *
s_step (hf_follow_t *self, const char *text, uint64_t index, uint64_t commit, uint32_t leader)
{
    static char told[64];
    hf_roster_t roster = s_roster (text);
    if (!hf_follow_roster (self, text[0] == 0 ? NULL : &roster, index, commit, leader))
        return "-";
    size_t used = 0;
    told[0] = 0;
    for (uint32_t i = 0; i < self->members.count; i++) {
        const hf_endpoint_t *node = &self->members.node[i];
        used += (size_t)snprintf (told + used, sizeof told - used, "%s%u%s", i > 0 ? " " : "",
                                  node->id, strcmp (node->host, "beta") == 0 ? "'" : "");
    }
    return told;
}

//  ---- tests ------------------------------------------------------------------------------

HF_TEST (test_without_a_level_nothing_is_told)
{
    hf_follow_t follow = s_start (1, "1 2 3");
    hf_roster_t roster = s_roster ("1 2 3");
    roster.level = 0;
    assert_false (hf_follow_roster (&follow, NULL, 0, 0, 0));
    assert_false (hf_follow_roster (&follow, &roster, 1, 5, 2));
    assert_string_equal (s_step (&follow, "1 2 3", 6, 6, 2), "1 2 3");
    assert_string_equal (s_step (&follow, "1 2 3", 6, 9, 2), "-");
}

HF_TEST (test_one_who_comes_is_told_at_once_one_who_goes_when_it_is_committed)
{
    hf_follow_t follow = s_start (1, "1 2 3");
    assert_string_equal (s_step (&follow, "1 2 3", 1, 1, 1), "1 2 3");
    assert_string_equal (s_step (&follow, "1 2 3 4", 5, 4, 1), "1 2 3 4");
    assert_string_equal (s_step (&follow, "1 2 3 4", 5, 5, 1), "1 2 3 4");
    assert_string_equal (s_step (&follow, "1 3 4", 6, 5, 1), "1 2 3 4");
    assert_string_equal (s_step (&follow, "1 2 3 4", 5, 5, 1), "1 2 3 4"); //  it was cut off
    assert_string_equal (s_step (&follow, "1 3 4", 7, 6, 1), "1 2 3 4");
    assert_string_equal (s_step (&follow, "1 3 4", 7, 7, 1), "1 3 4");
    assert_string_equal (s_step (&follow, "1 3' 4", 8, 7, 1), "1 3' 4");
}

HF_TEST (test_a_leader_that_is_removed_hands_over_first)
{
    hf_follow_t follow = s_start (1, "1 2 3");
    s_step (&follow, "1 2 3", 1, 1, 2);
    assert_string_equal (s_step (&follow, "1 3", 5, 4, 2), "1 2 3");
    assert_string_equal (s_step (&follow, "1 3", 5, 5, 2), "1 2 3");
    assert_string_equal (s_step (&follow, "1 3", 5, 5, 0), "1 3");
}

HF_TEST (test_the_id_counts_when_it_is_committed_or_was_sure_at_the_start)
{
    hf_follow_t follow = s_start (1, "1 2 3");
    assert_string_equal (s_step (&follow, "", 0, 0, 0), "-");
    s_step (&follow, "1 2 3", 5, 4, 1);
    assert_int_equal (follow.cluster, 0);
    s_step (&follow, "1 2 3", 5, 5, 1);
    assert_int_equal (follow.cluster, CLUSTER);
    follow = s_start (1, "1 2 3");
    s_step (&follow, "1 2 3", 5, 0, 0);
    assert_int_equal (follow.cluster, 0);
    follow = s_start_in (1, "1 2 3", CLUSTER);
    s_step (&follow, "1 2 3", 5, 0, 0);
    assert_int_equal (follow.cluster, CLUSTER);
}

/*  A log in words: 0 and 1 are rosters of that level, behind ' it was applied. */
static uint64_t
s_log (const char *text)
{
    hf_follow_id_t id = {.cluster = 0};
    for (; *text != 0; text++) {
        hf_roster_t roster = {.level = *text == '0' ? 0 : 1};
        roster.cluster = roster.level == 0 ? 0 : CLUSTER;
        if (*text != '\'')
            hf_follow_id_take (&id, &roster, text[1] == '\'');
    }
    return id.cluster;
}

/*  The level is raised by a leader that dies; another raises it after a disk was replaced, and
 *  makes another id. Who has the first leader's roster must not insist on it. */
HF_TEST (test_at_the_start_the_id_of_a_raised_level_is_not_sure)
{
    assert_int_equal (s_log (""), 0);
    assert_int_equal (s_log ("0'"), 0);
    assert_int_equal (s_log ("1"), CLUSTER);
    assert_int_equal (s_log ("0'1"), 0);
    assert_int_equal (s_log ("0'0'1"), 0);
    assert_int_equal (s_log ("0'1'"), CLUSTER);
    assert_int_equal (s_log ("0'11"), CLUSTER);
    assert_int_equal (s_log ("11"), CLUSTER);
}

/*  ... as another node says who has a newer roster: node 1 leads, and is elsewhere. */
HF_TEST (test_who_was_away_is_told_where_the_leader_is)
{
    hf_follow_t follow = s_start (3, "1 2 3");
    hf_endpoints_t told = s_list ("1' 2 3 4");
    s_step (&follow, "1 2 3", 5, 5, 1);
    assert_string_equal (s_step (&follow, "1 2 3", 5, 5, 0), "1 2 3");
    hf_follow_told (&follow, &told, 9);
    assert_string_equal (s_step (&follow, "1 2 3", 5, 5, 0), "1' 2 3 4");
    assert_string_equal (s_step (&follow, "1 2 3", 5, 5, 0), "-");
    assert_string_equal (s_step (&follow, "1 2 3", 5, 5, 1), "1' 2 3 4");
    assert_string_equal (s_step (&follow, "1' 2 3", 7, 7, 1), "1' 2 3 4");
    assert_string_equal (s_step (&follow, "1' 2 3 4", 9, 9, 1), "1' 2 3 4");
    assert_string_equal (s_step (&follow, "1' 2 3", 11, 11, 1), "1' 2 3");
    assert_false (follow.moved);
    //  Before its log names anybody, or itself.
    follow = s_start (4, "1 2");
    assert_string_equal (s_step (&follow, "", 0, 0, 0), "-");
    hf_follow_told (&follow, &told, 9);
    assert_string_equal (s_step (&follow, "", 0, 0, 0), "1' 2 3 4");
    assert_string_equal (s_step (&follow, "1 2 3", 5, 5, 2), "1' 2 3 4");
    told = s_list ("1' 2' 4");
    hf_follow_told (&follow, &told, 12);
    assert_string_equal (s_step (&follow, "1 2 3", 5, 5, 2), "1' 2' 4");
}

HF_TEST (test_who_was_away_is_told_that_it_was_moved)
{
    hf_endpoints_t list = s_list ("1 2 3"), told = s_list ("1 2 3'");
    hf_follow_t follow;
    hf_follow_init (&follow, &list.node[2], &list, 0);
    s_step (&follow, "1 2 3", 5, 5, 1);
    assert_false (follow.moved);
    hf_follow_told (&follow, &told, 9);
    s_step (&follow, "1 2 3", 5, 5, 1);
    assert_true (follow.moved);
}

/*  A node that joins was told the id by the members that it asked, and says it at once. */
HF_TEST (test_who_joins_knows_the_id_before_its_log_does)
{
    hf_follow_t follow = s_start_in (5, "2 3 4", CLUSTER);
    assert_string_equal (s_step (&follow, "", 0, 0, 0), "2 3 4");
    assert_int_equal (follow.cluster, CLUSTER);
    assert_string_equal (s_step (&follow, "", 0, 0, 0), "-");
}

HF_TEST (test_who_joins_reads_old_rosters_first)
{
    hf_follow_t follow = s_start (5, "2 3' 4");
    assert_string_equal (s_step (&follow, "", 0, 0, 0), "-");
    assert_string_equal (s_step (&follow, "1", 1, 9, 4), "2 3' 4");
    assert_string_equal (s_step (&follow, "1 2 3", 3, 9, 4), "2 3' 4");
    assert_int_equal (follow.cluster, CLUSTER);
    assert_string_equal (s_step (&follow, "2 3' 4 5", 10, 9, 4), "2 3' 4 5");
    assert_string_equal (s_step (&follow, "2 3' 4 5", 10, 10, 4), "2 3' 4 5");
    assert_string_equal (s_step (&follow, "2 4 5", 12, 12, 4), "2 4 5");
    //  It starts again in between.
    follow = s_start_in (5, "2 3' 4", CLUSTER);
    assert_string_equal (s_step (&follow, "1 2 3", 3, 0, 0), "2 3' 4");
    assert_int_equal (follow.cluster, CLUSTER);
}

HF_TEST (test_who_was_removed_goes_on_as_before)
{
    hf_follow_t follow = s_start (3, "1 2 3");
    s_step (&follow, "1 2 3 4", 1, 1, 1);
    assert_string_equal (s_step (&follow, "1 2 4", 5, 5, 1), "1 2 3 4");
}

/*  Its log knows 1, 2 and 3, which are 3, 4 and 5 now: the list that it is started with helps. */
HF_TEST (test_who_was_away_is_helped_by_the_list)
{
    hf_follow_t follow = s_start (3, "3 4 5");
    assert_string_equal (s_step (&follow, "1 2 3", 1, 0, 0), "1 2 3 4 5");
    assert_string_equal (s_step (&follow, "1 2 3", 1, 1, 4), "1 2 3 4 5");
    assert_string_equal (s_step (&follow, "1 2 3 4 5", 7, 9, 4), "1 2 3 4 5");
    assert_string_equal (s_step (&follow, "3 4 5", 9, 9, 4), "3 4 5");
    //  One that is stale does no harm for long, and the log goes before.
    follow = s_start (3, "1' 2' 3 7");
    assert_string_equal (s_step (&follow, "1 2 3", 1, 0, 0), "1 2 3 7");
    assert_string_equal (s_step (&follow, "1 2 3", 1, 1, 2), "1 2 3");
    assert_string_equal (s_step (&follow, "1 2 3", 1, 1, 0), "1 2 3");
    //  There is room for seven.
    follow = s_start (3, "3 8 9");
    assert_string_equal (s_step (&follow, "1 2 3 4 5 6", 1, 0, 0), "1 2 3 4 5 6 8");
}

/*  All have moved while it was away; a member that it asked at its start has told it. */
HF_TEST (test_what_was_told_goes_before_older_rosters)
{
    hf_follow_t follow = s_start (3, "1 2 3");
    hf_endpoints_t told = s_list ("1' 2' 3'");
    follow.own = *hf_endpoints_find (&told, 3);
    hf_follow_told (&follow, &told, 9);
    assert_string_equal (s_step (&follow, "1 2 3 4", 1, 0, 0), "1' 2' 3' 4");
    assert_string_equal (s_step (&follow, "1 2 3 4", 1, 1, 2), "1' 2' 3' 4");
    assert_string_equal (s_step (&follow, "1' 2 3", 5, 5, 2), "1' 2' 3'");
    assert_false (follow.moved); //  an old roster
    assert_string_equal (s_step (&follow, "1' 2' 3'", 9, 9, 2), "1' 2' 3'");
    assert_false (follow.moved);
    assert_string_equal (s_step (&follow, "1' 2 3'", 11, 11, 2), "1' 2 3'");
}

HF_TEST (test_who_is_called_elsewhere_has_to_start_again_when_it_is_committed)
{
    hf_follow_t follow = s_start (3, "1 2 3");
    hf_endpoints_t list = s_list ("1 2 3");
    follow.own = *hf_endpoints_find (&list, 3);
    s_step (&follow, "1 2 3", 1, 1, 1);
    assert_string_equal (s_step (&follow, "1' 2 3", 2, 2, 1), "1' 2 3");
    s_step (&follow, "1' 2 3'", 3, 2, 1);
    assert_false (follow.moved);
    s_step (&follow, "1' 2 3'", 3, 3, 1);
    assert_true (follow.moved);
}

HF_TEST (test_a_place_that_cannot_be_read_is_left_out)
{
    static const char *const wrong[] = {"",          "a b",      "alpha:1",   "[::1", "[::1]:4",
                                        "al,2@beta", "1.2.3.4.", "1.2.3.400", "x@y",  "be\xc3\xa4"};
    hf_follow_t follow = s_start (1, "1");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hf_roster_t roster = s_roster ("1 2 3");
        roster.members[1].host = hf_span_text (wrong[i]);
        assert_true (hf_follow_roster (&follow, &roster, i + 1, i + 1, 1));
        assert_int_equal (follow.unreadable, 1);
        assert_int_equal (follow.members.count, 2);
        assert_int_equal (follow.members.node[1].id, 3);
    }
    hf_roster_t roster = s_roster ("1 2 3");
    roster.members[1].host = hf_span ("al\0pha", 6);
    roster.members[2].node_port = 0;
    assert_true (hf_follow_roster (&follow, &roster, 100, 100, 1));
    assert_int_equal (follow.unreadable, 2);
    assert_string_equal (s_step (&follow, "1 2", 101, 101, 1), "1 2");
    assert_int_equal (follow.unreadable, 0);
}

HF_TEST_MAIN (NULL, NULL)
