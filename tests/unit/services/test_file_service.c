/*  The file service: what is committed in which order, what queries see, and both ends of a state
 *  transfer against each other over a network that loses, repeats and forgets. */
#include "file_stage.h"
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "nodes/snapshot/hf_snapshot_format.h"

#define SECOND 1000000ULL
#define TERM   7
#define INDEX  4000

//  ---- sections, rows, queries ---------------------------------------------------

static hf_a_file_result_t
s_query (file_stage_t *self, hf_a_file_query_t query)
{
    hf_a_file_result_t result;
    hf_a_file_query_frame (&self->frame, &query);
    file_stage_give (self);
    file_stage_end (self);
    uint32_t kind;
    hf_scan_t scan =
        hf_frame_own (hf_pack_bytes (&self->result), hf_pack_size (&self->result), &kind);
    assert_true (hf_a_file_result_get (&scan, &result));
    assert_int_equal (result.id, query.id);
    return result;
}

/*  P6, P7. A node that starts from the rows does not see the sections before them again. */
FILE_TEST (test_files_are_durable_before_rows_and_told_after, stage, 0)
{
    file_stage_expect (stage, "durable:0");
    file_stage_end (stage);
    file_stage_expect (stage, "");
    file_stage_section (stage, 5, "a", hf_span_text ("x"));
    file_stage_rows (stage, 9, 5);
    file_stage_section (stage, 11, "a", hf_span_text ("y"));
    file_stage_end (stage);
    file_stage_expect (stage, "section:5 section:11 commit durable:11 rows:9(2) flushed:9>lock "
                              "flushed:9>election");
    assert_int_equal (hf_file_service_durable (stage->service), 11);
    file_stage_rows (stage, 12, 11);
    file_stage_end (stage);
    file_stage_expect (stage, "rows:12(2) flushed:12>lock flushed:12>election");
    assert_int_equal (hf_file_service_wake_us (stage->service), UINT64_MAX);
}

FILE_TEST (test_P6_what_the_files_have_is_not_written_again, stage, 7)
{
    file_stage_expect (stage, "durable:7");
    file_stage_section (stage, 6, "a", hf_span_text ("x"));
    file_stage_section (stage, 7, "a", hf_span_text ("y"));
    file_stage_end (stage);
    file_stage_expect (stage, "durable:7"); //  whoever waits for it goes on
    file_stage_section (stage, 8, "a", hf_span_text ("z"));
    file_stage_section (stage, 8, "a", hf_span_text ("z"));
    file_stage_end (stage);
    file_stage_expect (stage, "section:8 commit durable:8");
    assert_true (hf_span_equal (file_stage_file (stage, hf_span_text ("a")), hf_span_text ("z")));
}

FILE_TEST (test_P10_query_sees_what_came_before_it, stage, 0)
{
    file_stage_section (stage, 1, "a", hf_span_text ("12345"));
    hf_a_file_query_t read = {
        .id = 3, .what = HF_WHAT_READ, .name = hf_span_text ("a"), .offset = 1, .limit = 3};
    hf_a_file_result_t result = s_query (stage, read);
    file_stage_expect (stage, "durable:0 section:1 result:3 commit durable:1");
    assert_true (hf_span_equal (result.data, hf_span_text ("234")));
    assert_int_equal (result.total, 5);
    assert_true (result.more);
    read.offset = UINT64_MAX;
    result = s_query (stage, read);
    assert_int_equal (result.status, HF_OK);
    assert_int_equal (result.data.size, 0);
    assert_false (result.more);
    read.name = hf_span_text ("b");
    assert_int_equal (s_query (stage, read).status, HF_NOT_FOUND);
}

FILE_TEST (test_P12_answers_and_turns_are_bounded, stage, 0)
{
    static uint8_t bytes[HF_DATA_MAX + 5];
    assert_false (hf_file_service_full (stage->service));
    file_stage_section (stage, 1, "a", hf_span (bytes, sizeof bytes));
    assert_true (hf_file_service_full (stage->service));
    file_stage_end (stage);
    assert_false (hf_file_service_full (stage->service));
    hf_a_file_query_t query = {
        .id = 3, .what = HF_WHAT_READ, .name = hf_span_text ("a"), .limit = UINT32_MAX};
    hf_a_file_result_t result = s_query (stage, query);
    assert_int_equal (result.data.size, HF_DATA_MAX);
    assert_true (result.more);
    query = (hf_a_file_query_t){.id = 4, .what = HF_WHAT_FILES, .limit = 1};
    result = s_query (stage, query);
    assert_int_equal (result.rows.count, 1);
    assert_true (result.more);
    query.name = hf_span_text ("a");
    query.limit = UINT32_MAX;
    result = s_query (stage, query);
    assert_int_equal (result.rows.count, 1); //  "all", which every section goes to as well
    assert_false (result.more);
    query.what = 77;
    assert_int_equal (s_query (stage, query).status, HF_BAD_REQUEST);
}

//  ---- state transfer ------------------------------------------------------------

typedef struct pair {
    file_stage_t leader, follower; //  nodes 1 and 3
    hf_random_t random;
    uint32_t loss; //  of a thousand messages between them; as many come twice
    unsigned snapshots;
    uint64_t sent; //  bytes that the leader sent
} pair_t;

int hf_mutant = HF_MUTANT_none;

static uint8_t s_large[300000]; //  several windows

static void
s_start (pair_t *self, uint32_t loss)
{
    *self = (pair_t){.random.state = 1, .loss = loss};
    hf_file_config_t config = {
        .self = 1, .part_bytes = 4000, .window_bytes = 40000, .page_bytes = 1};
    file_stage_init (&self->leader, config, 0);
    config.self = 3;
    file_stage_init (&self->follower, config, 0);
    for (size_t i = 0; i < sizeof s_large; i++)
        s_large[i] = (uint8_t)hf_random_next (&self->random);
    file_stage_section (&self->leader, 10, "large", hf_span (s_large, sizeof s_large));
    file_stage_section (&self->leader, 11, "small", hf_span_text ("A"));
    file_stage_section (&self->leader, 12, "empty", hf_span_text (""));
    file_stage_end (&self->leader);
}

/*  A test on PAIR, whose network loses LOSS of a thousand messages. */
#define PAIR_TEST(name, pair, loss)                                                                \
    static void name##_on (pair_t *pair);                                                          \
    HF_TEST (name)                                                                                 \
    {                                                                                              \
        static pair_t on;                                                                          \
        s_start (&on, loss);                                                                       \
        name##_on (&on);                                                                           \
        file_stage_done (&on.leader);                                                              \
        file_stage_done (&on.follower);                                                            \
    }                                                                                              \
    static void name##_on (pair_t *pair)

static void
s_needs (pair_t *self, uint32_t leader, uint64_t term)
{
    hf_a_needs_state_frame (&self->follower.frame,
                            &(hf_a_needs_state_t){.leader = leader, .term = term});
    file_stage_give (&self->follower);
    file_stage_end (&self->follower);
}

/*  What FROM has for its peer, over a bad network. Gives whether there was anything. */
static bool
s_carry (pair_t *self, file_stage_t *from, file_stage_t *to)
{
    size_t count = from->peers.count;
    for (size_t i = 0; i < count; i++) {
        hf_out_message_t message = from->peers.list[i];
        self->sent += from == &self->leader ? message.size : 0;
        for (int turn = 0; turn < 2; turn++) {
            if (hf_random_odds (&self->random, turn == 0 ? self->loss : 1000 - self->loss))
                continue;
            hf_pack_raw (&to->frame, message.bytes, message.size);
            file_stage_give (to);
        }
        free (message.bytes);
    }
    hf_array_drop (&from->peers, count);
    file_stage_end (to);
    return count > 0;
}

/*  The leader's lock actor: a snapshot without any rows, as of section 12. */
static bool
s_play_lock (pair_t *self)
{
    bool wanted = strstr (self->leader.trace, "want:3") != NULL;
    self->leader.trace[0] = 0;
    if (wanted) {
        self->snapshots++;
        hf_a_snapshot_frame (
            &self->leader.frame,
            &(hf_a_snapshot_t){.node = 3, .index = INDEX, .term = TERM - 1, .section = 12});
        file_stage_give (&self->leader);
        file_stage_end (&self->leader);
    }
    return wanted;
}

/*  Until nothing moves any more; then the clocks go on by a little. */
static void
s_turn (pair_t *self)
{
    bool moved = true;
    while (moved) {
        moved = s_carry (self, &self->follower, &self->leader);
        moved = s_play_lock (self) || moved;
        moved = s_carry (self, &self->leader, &self->follower) || moved;
    }
    self->leader.now_us += SECOND / 10;
    self->follower.now_us += SECOND / 10;
    file_stage_end (&self->follower);
    file_stage_end (&self->leader);
}

static bool
s_restarts (pair_t *self)
{
    bool restarts = strstr (self->follower.trace, "staged restart:4000") != NULL;
    self->follower.trace[0] = 0;
    return restarts;
}

static int
s_read_stage (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    (void)error;
    memcpy (bytes, (uint8_t *)arg + offset, size);
    return 0;
}

/*  The follower takes the state over: files as of section 12 or later, and SECTION is the last. */
static void
s_expect_taken_over (pair_t *self, uint64_t section)
{
    for (unsigned turns = 0; !s_restarts (self); turns++) {
        assert_true (turns < 2000);
        s_turn (self);
    }
    assert_true (self->follower.staged);
    assert_null (strstr (self->follower.lines, "cannot be used"));
    hf_snapshot_source_t source = {.arg = self->follower.stage,
                                   .name = "stage",
                                   .total = self->follower.stage_total,
                                   .read = s_read_stage};
    hf_snapshot_t snapshot;
    assert_int_equal (hf_snapshot_open (&snapshot, &source), 0);
    assert_int_equal (hf_snapshot_check (&snapshot), 0);
    assert_int_equal (snapshot.head.index, INDEX);
    assert_int_equal (snapshot.head.term, TERM - 1);
    assert_int_equal (snapshot.head.section, section);
    assert_int_equal (snapshot.head.files.count, 4);
    uint64_t at = snapshot.files_at;
    hf_scan_t scan = hf_scan_list (snapshot.head.files);
    for (uint32_t i = 0; i < 4; i++) {
        hf_file_row_t row;
        assert_true (hf_file_row_get (&scan, &row));
        hf_span_t file = file_stage_file (&self->leader, row.file);
        assert_true (row.length <= file.size);
        if (row.length > 0)
            assert_memory_equal (self->follower.stage + at, file.at, row.length);
        at += row.length;
    }
    hf_snapshot_close (&snapshot);
}

/*  How many of the rows that the follower has are as of INDEX. */
static unsigned
s_rows_of (const pair_t *self, uint64_t index)
{
    hf_snapshot_source_t source = {.arg = self->follower.stage,
                                   .name = "stage",
                                   .total = self->follower.stage_total,
                                   .read = s_read_stage};
    hf_snapshot_t snapshot;
    uint8_t *bytes;
    assert_int_equal (hf_snapshot_open (&snapshot, &source), 0);
    assert_int_equal (hf_snapshot_rows (&snapshot, &bytes), 0);
    hf_scan_t scan = hf_scan (bytes, (size_t)snapshot.head.rows_size);
    unsigned count = 0, seen = 0;
    for (hf_state_row_t row; !hf_scan_at_end (&scan); seen++) {
        assert_true (hf_state_row_get (&scan, &row) && row.value.size == sizeof index);
        count += memcmp (row.value.at, &index, sizeof index) == 0;
    }
    assert_int_equal (seen, self->leader.rows_count);
    free (bytes);
    hf_snapshot_close (&snapshot);
    return count;
}

PAIR_TEST (test_whole_state_is_taken_over, pair, 0)
{
    s_needs (pair, 1, TERM);
    s_expect_taken_over (pair, 12);
    assert_int_equal (pair->snapshots, 1);
    //  Ready: nothing more is asked for, whoever leads.
    s_needs (pair, 1, TERM + 1);
    file_stage_expect (&pair->follower, "");
}

/*  The follower's files are the beginnings of the leader's: only the rest is sent. */
static uint64_t
s_sent_to_one_that_has (pair_t *self, int mutant)
{
    file_stage_section (&self->follower, 10, "large", hf_span (s_large, sizeof s_large - 5000));
    hf_mutant = mutant;
    s_needs (self, 1, TERM);
    s_expect_taken_over (self, 12);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (self->snapshots, 1);
    return self->sent;
}

PAIR_TEST (test_what_the_receiver_has_is_not_sent, pair, 0)
{
    uint64_t sent = s_sent_to_one_that_has (pair, HF_MUTANT_none);
    assert_true (sent > 10000 && sent < 60000);
}

PAIR_TEST (test_what_the_receiver_has_is_not_sent_over_a_bad_network, pair, 300)
{
    s_sent_to_one_that_has (pair, HF_MUTANT_none);
}

PAIR_TEST (test_mutant_state_sends_all, pair, 0)
{
    assert_true (s_sent_to_one_that_has (pair, HF_MUTANT_state_sends_all) > 2 * sizeof s_large);
}

/*  A file that is no beginning of the leader's: its checksum shows that, and all is sent. */
PAIR_TEST (test_other_content_is_found_and_all_is_sent, pair, 0)
{
    static uint8_t zeros[100000];
    file_stage_section (&pair->follower, 10, "large", hf_span (zeros, sizeof zeros));
    s_needs (pair, 1, TERM);
    for (unsigned turns = 0; !strstr (pair->follower.lines, "cannot be used"); turns++) {
        assert_true (turns < 2000);
        s_turn (pair);
    }
    pair->follower.lines[0] = 0;
    s_expect_taken_over (pair, 12);
}

/*  What is lost is asked for again. The leader goes on meanwhile: files that grow stay as they were
 *  in the snapshot. */
PAIR_TEST (test_snapshot_is_as_of_one_index, pair, 200)
{
    s_needs (pair, 1, TERM);
    s_turn (pair);
    file_stage_section (&pair->leader, 13, "small", hf_span_text ("later"));
    file_stage_section (&pair->leader, 14, "new", hf_span_text ("later"));
    s_expect_taken_over (pair, 12);
}

/*  After a start the files may be ahead of the state: a node that takes both over must not write
 *  those sections again. */
static void
s_take_over_files_ahead (pair_t *self, int mutant, uint64_t section)
{
    s_needs (self, 1, TERM);
    s_carry (self, &self->follower, &self->leader); //  the state is asked for
    file_stage_section (&self->leader, 13, "small", hf_span_text ("ahead"));
    hf_mutant = mutant;
    s_expect_taken_over (self, section);
    hf_mutant = HF_MUTANT_none;
}

PAIR_TEST (test_P6_snapshot_names_the_section_of_the_files, pair, 0)
{
    s_take_over_files_ahead (pair, HF_MUTANT_none, 13);
}

PAIR_TEST (test_mutant_transfer_section, pair, 0)
{
    s_take_over_files_ahead (pair, HF_MUTANT_transfer_section, 12);
}

/*  The rows of the last step, or of the one before, while the next one comes: how many of those
 *  that are sent are as of INDEX. MUTANT breaks one of the two. */
static unsigned
s_rows_as_of_index (pair_t *self, int mutant)
{
    file_stage_t *leader = &self->leader;
    hf_mutant = mutant;
    leader->rows_count = 5;
    file_stage_rows (leader, INDEX - 1, 12);
    file_stage_end (leader);
    s_needs (self, 1, TERM);
    s_carry (self, &self->follower, leader);
    leader->trace[0] = 0;
    file_stage_rows (leader, INDEX, 12);
    hf_a_snapshot_frame (
        &leader->frame,
        &(hf_a_snapshot_t){.node = 3, .index = INDEX, .term = TERM - 1, .section = 12});
    file_stage_give (leader);
    file_stage_end (leader);
    file_stage_expect (leader, "rows:4000(2) flushed:4000>lock flushed:4000>election");
    assert_int_equal (hf_file_service_wake_us (leader->service), 0);
    file_stage_end (leader);
    file_stage_rows (leader, INDEX + 1, 12);
    file_stage_end (leader);
    if (mutant == HF_MUTANT_none)
        file_stage_expect (leader, ""); //  nobody waits for them to be written
    for (unsigned turns = 0; hf_file_service_wake_us (leader->service) == 0; turns++) {
        assert_true (turns < 10);
        file_stage_end (leader);
    }
    assert_non_null (strstr (leader->trace, "rows:4001(2) flushed:4001>lock"));
    s_expect_taken_over (self, 12);
    hf_mutant = HF_MUTANT_none;
    return s_rows_of (self, INDEX);
}

PAIR_TEST (test_P4_rows_of_a_snapshot_are_as_of_one_index, pair, 0)
{
    assert_int_equal (s_rows_as_of_index (pair, HF_MUTANT_none), 5);
}

PAIR_TEST (test_mutant_making_holds_nothing, pair, 0)
{
    assert_in_range (s_rows_as_of_index (pair, HF_MUTANT_making_holds_nothing), 1, 4);
}

PAIR_TEST (test_mutant_making_reads_early, pair, 0)
{
    assert_in_range (s_rows_as_of_index (pair, HF_MUTANT_making_reads_early), 1, 4);
}

/*  A backup is asked for while a state is made for a peer: the next step, which it is as of, is
 *  written when the rows of that one are read, and neither is lost. */
PAIR_TEST (test_a_backup_waits_for_the_rows_of_a_transfer, pair, 0)
{
    file_stage_t *leader = &pair->leader;
    leader->rows_count = 3;
    s_needs (pair, 1, TERM);
    s_carry (pair, &pair->follower, leader);
    hf_a_file_query_frame (&leader->frame,
                           &(hf_a_file_query_t){.id = 1, .what = HF_WHAT_BACKUP, .limit = 1000});
    file_stage_give (leader);
    leader->trace[0] = 0;
    file_stage_rows (leader, INDEX, 12);
    hf_a_snapshot_t snapshot = {.node = 3, .index = INDEX, .term = TERM - 1, .section = 12};
    hf_a_snapshot_frame (&leader->frame, &snapshot);
    file_stage_give (leader);
    file_stage_end (leader);
    file_stage_end (leader); //  the first page
    leader->trace[0] = 0;
    file_stage_rows (leader, INDEX + 1, 12);
    snapshot.node = 0;
    snapshot.index = INDEX + 1;
    hf_a_snapshot_frame (&leader->frame, &snapshot);
    file_stage_give (leader);
    file_stage_end (leader);
    file_stage_expect (leader, "");
    for (unsigned turns = 0; hf_file_service_wake_us (leader->service) == 0; turns++) {
        assert_true (turns < 10);
        file_stage_end (leader);
    }
    const char *rows = strstr (leader->trace, "rows:4001(2)");
    assert_non_null (strstr (leader->trace, "part"));
    assert_true (rows && strstr (rows, "result:1"));
    s_expect_taken_over (pair, 12);
    assert_int_equal (s_rows_of (pair, INDEX), 3);
}

/*  Another term, another leader: what was received of the old one is dropped. */
PAIR_TEST (test_another_leader_begins_from_the_start, pair, 500)
{
    s_needs (pair, 1, TERM);
    s_turn (pair);
    s_needs (pair, 0, TERM + 1);
    assert_null (pair->follower.stage);
    s_turn (pair);
    assert_false (s_restarts (pair));
    s_needs (pair, 1, TERM + 1);
    s_expect_taken_over (pair, 12);
}

/*  A sender that has forgotten the snapshot begins another one, and the receiver goes along. */
PAIR_TEST (test_sender_that_forgot_begins_again, pair, 500)
{
    s_needs (pair, 1, TERM);
    s_turn (pair);
    assert_false (s_restarts (pair));
    pair->leader.now_us += 31 * SECOND;
    file_stage_end (&pair->leader);
    s_expect_taken_over (pair, 12);
}

/*  A node that swapped a snapshot in and asks again needs a newer one. */
PAIR_TEST (test_P11_old_snapshot_is_not_sent_to_new_askers, pair, 0)
{
    hf_state_ask_t ask = {.from = 3, .to = 1, .term = TERM};
    static const struct {
        uint64_t after_us;
        unsigned snapshots;
    } steps[] = {{0, 1}, {SECOND, 1}, {6 * SECOND, 2}};
    for (size_t i = 0; i < 3; i++) {
        pair->leader.now_us += steps[i].after_us;
        hf_state_ask_frame (&pair->leader.frame, &ask);
        file_stage_give (&pair->leader);
        file_stage_end (&pair->leader);
        s_play_lock (pair);
        assert_int_equal (pair->snapshots, steps[i].snapshots);
        assert_true (pair->leader.peers.count > 0);
        s_carry (pair, &pair->leader, &pair->follower); //  which has not asked, and drops it
    }
    assert_null (pair->follower.stage);
}

/*  A peer may send anything: it is dropped, and the node goes on. */
PAIR_TEST (test_parts_that_make_no_sense_are_dropped, pair, 0)
{
    s_needs (pair, 1, TERM);
    hf_span_t data = hf_span_text ("a state stream that is none");
    const struct {
        uint64_t id, term, total;
        uint32_t from;
    } cases[] = {
        {5, TERM, 1, 1},         {5, TERM, UINT64_MAX, 1},
        {5, TERM, data.size, 2}, {5, TERM - 1, data.size, 1},
        {0, TERM, data.size, 1}, {5, TERM, data.size, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_state_part_t part = {.from = cases[i].from,
                                .to = 3,
                                .term = cases[i].term,
                                .id = cases[i].id,
                                .index = INDEX,
                                .index_term = TERM,
                                .total = cases[i].total,
                                .data = data};
        hf_state_part_frame (&pair->follower.frame, &part);
        file_stage_give (&pair->follower);
        file_stage_end (&pair->follower);
        assert_null (pair->follower.stage);
    }
    //  The last one was whole, and damaged.
    assert_non_null (strstr (pair->follower.lines, "cannot be used"));
    pair->follower.lines[0] = 0;
    s_expect_taken_over (pair, 12);
}

HF_TEST_MAIN (NULL, NULL)
