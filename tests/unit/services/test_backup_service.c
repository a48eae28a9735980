/*  Backups of a node: rows and files as of one command while the files grow, and clients that ask
 *  for what is not there, ask all at once, or go away. */
#include "base/hf_mutant.h"
#include "file_stage.h"
#include "nodes/services/hf_backup_service.h"
#include "nodes/snapshot/hf_snapshot_format.h"

#define SECOND  1000000ULL
#define INDEX   4000
#define COMMAND 77

int hf_mutant = HF_MUTANT_none;

//  ---- a client, and the lock actor ----------------------------------------------------

static void
s_ask (file_stage_t *self, uint64_t id, uint64_t number, uint64_t offset, uint32_t limit)
{
    hf_a_file_query_frame (
        &self->frame,
        &(hf_a_file_query_t){
            .id = id, .what = HF_WHAT_BACKUP, .number = number, .offset = offset, .limit = limit});
    file_stage_give (self);
    file_stage_end (self);
}

/*  The last answer, which is to question ID. */
static hf_a_file_result_t
s_result (file_stage_t *self, uint64_t id)
{
    hf_a_file_result_t result;
    uint32_t kind;
    hf_scan_t scan =
        hf_frame_own (hf_pack_bytes (&self->result), hf_pack_size (&self->result), &kind);
    assert_true (hf_a_file_result_get (&scan, &result));
    assert_int_equal (result.id, id);
    return result;
}

static hf_a_file_result_t
s_asked (file_stage_t *self, uint64_t id, uint64_t number, uint64_t offset, uint32_t limit)
{
    s_ask (self, id, number, offset, limit);
    return s_result (self, id);
}

/*  The lock actor gives the state, as of SECTION. */
static void
s_make (file_stage_t *self, uint64_t section)
{
    hf_a_snapshot_frame (
        &self->frame,
        &(hf_a_snapshot_t){
            .node = 0, .index = INDEX, .term = 3, .command = COMMAND, .section = section});
    file_stage_give (self);
    file_stage_end (self);
}

static int
s_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    (void)error;
    memcpy (bytes, (const uint8_t *)arg + offset, size);
    return 0;
}

/*  Ask for the rest of backup NUMBER, in parts of LIMIT bytes; the caller frees it. */
static uint8_t *
s_pull (file_stage_t *self, uint64_t number, uint32_t limit, uint64_t *total)
{
    hf_pack_t all;
    hf_pack_init (&all);
    hf_a_file_result_t result;
    do {
        result = s_asked (self, 9, number, hf_pack_size (&all), limit);
        assert_int_equal (result.status, HF_OK);
        assert_true (result.data.size <= limit);
        hf_pack_raw (&all, result.data.at, result.data.size);
    } while (result.more);
    *total = result.total;
    assert_int_equal (hf_pack_size (&all), *total);
    size_t size;
    uint8_t *bytes = hf_pack_take (&all, &size);
    hf_pack_done (&all);
    return bytes;
}

//  ---- tests ---------------------------------------------------------------------------

FILE_TEST (p6_rows_and_files_are_as_of_one_command, stage, 0)
{
    file_stage_section (stage, 5, "a", hf_span_text ("12345"));
    file_stage_end (stage);
    file_stage_expect (stage, "durable:0 section:5 commit durable:5");
    s_ask (stage, 1, 0, 0, 10);
    file_stage_expect (stage, "want:0");
    s_make (stage, 5);
    file_stage_expect (stage, "result:1");
    hf_a_file_result_t result = s_result (stage, 1);
    assert_int_equal (result.status, HF_OK);
    assert_int_equal (result.index, COMMAND);
    assert_int_equal (result.data.size, 10);
    uint64_t number = result.number, total;
    assert_true (number > 0);
    //  What is appended later is not in it.
    file_stage_section (stage, 6, "a", hf_span_text ("67"));
    file_stage_section (stage, 7, "b", hf_span_text ("new"));
    file_stage_end (stage);
    uint8_t *bytes = s_pull (stage, number, 7, &total);
    hf_snapshot_t snapshot;
    hf_snapshot_source_t source = {.arg = bytes, .name = "backup", .total = total, .read = s_read};
    assert_int_equal (hf_snapshot_open (&snapshot, &source), 0);
    assert_int_equal (hf_snapshot_check (&snapshot), 0);
    assert_int_equal (snapshot.head.index, INDEX);
    assert_int_equal (snapshot.head.section, 5);
    assert_int_equal (snapshot.head.files.count, 2); //  "a", and "all" of every section
    assert_memory_equal (bytes + snapshot.files_at, "1234512345", 10);
    hf_snapshot_close (&snapshot);
    free (bytes);
}

/*  After a start the log is applied again, and the files have sections that the rows lack. */
static hf_status_t
s_back_up_ahead (void)
{
    file_stage_t stage;
    file_stage_init (&stage, (hf_file_config_t){.self = 1}, 12);
    s_ask (&stage, 1, 0, 0, 100);
    s_make (&stage, 11);
    hf_status_t status = (hf_status_t)s_result (&stage, 1).status;
    file_stage_done (&stage);
    return status;
}

FILE_TEST (p6_no_backup_while_the_files_are_ahead_of_the_rows, stage, 12)
{
    assert_int_equal (s_back_up_ahead (), HF_BUSY);
    hf_mutant = HF_MUTANT_backup_files_ahead;
    assert_int_equal (s_back_up_ahead (), HF_OK);
    hf_mutant = HF_MUTANT_none;
    s_ask (stage, 1, 0, 0, 100);
    s_make (stage, 11);
    stage->now_us += SECOND;
    s_ask (stage, 2, 0, 0, 100); //  asked again, it is made
    file_stage_expect (stage, "durable:12 want:0 result:1 want:0");
    s_make (stage, 12);
    assert_int_equal (s_result (stage, 2).status, HF_OK);
}

FILE_TEST (p10_a_backup_has_the_command_that_was_asked_for, stage, 0)
{
    s_ask (stage, 1, 0, COMMAND + 1, 10);
    s_make (stage, 0);
    assert_int_equal (s_result (stage, 1).status, HF_BUSY); //  and there is none
    stage->now_us += SECOND;
    s_ask (stage, 2, 0, COMMAND + 1, 10);
    s_ask (stage, 3, 0, COMMAND, 10);
    file_stage_expect (stage, "durable:0 want:0 result:1 want:0");
    s_make (stage, 0);
    assert_int_equal (s_result (stage, 3).status, HF_OK);
    assert_int_equal (s_asked (stage, 4, 0, COMMAND, 10).status, HF_OK);
    assert_int_equal (s_asked (stage, 5, 0, COMMAND + 1, 10).status, HF_BUSY); //  it is read
}

FILE_TEST (p12_what_is_out_of_range_is_refused, stage, 0)
{
    assert_int_equal (s_asked (stage, 1, 0, 0, 0).status, HF_BAD_REQUEST);
    assert_int_equal (s_asked (stage, 3, 4711, 0, 10).status, HF_NOT_FOUND);
    s_ask (stage, 4, 0, 0, UINT32_MAX);
    s_make (stage, 0);
    hf_a_file_result_t result = s_result (stage, 4);
    uint64_t number = result.number, total = result.total;
    assert_int_equal (result.data.size, total);
    assert_false (result.more);
    result = s_asked (stage, 5, number, total, 10);
    assert_int_equal (result.status, HF_OK);
    assert_int_equal (result.data.size, 0);
    assert_false (result.more);
    assert_int_equal (s_asked (stage, 6, number, total + 1, 10).status, HF_BAD_REQUEST);
    assert_int_equal (s_asked (stage, 7, number, UINT64_MAX, 10).status, HF_BAD_REQUEST);
    assert_int_equal (s_asked (stage, 8, number + 1, 0, 10).status, HF_NOT_FOUND);
    hf_mutant = HF_MUTANT_backup_mixed;
    assert_int_equal (s_asked (stage, 8, number + 1, 0, 10).status, HF_OK);
    hf_mutant = HF_MUTANT_none;
}

FILE_TEST (p12_many_clients_share_one_snapshot, stage, 0)
{
    for (uint64_t id = 1; id <= HF_BACKUP_WAITING_MAX; id++)
        s_ask (stage, id, 0, 0, 10);
    file_stage_expect (stage, "durable:0 want:0");
    assert_int_equal (s_asked (stage, 99, 0, 0, 10).status, HF_BUSY);
    s_make (stage, 0);
    hf_a_file_result_t result = s_result (stage, HF_BACKUP_WAITING_MAX);
    uint64_t number = result.number;
    assert_int_equal (result.status, HF_OK);
    stage->now_us += SECOND;
    assert_int_equal (s_asked (stage, 20, 0, 0, 10).number, number);
    for (int i = 0; i < 10; i++) {
        stage->now_us += SECOND;
        assert_int_equal (s_asked (stage, 21, number, 5, 10).status, HF_OK);
    }
    //  Not fresh any more, and somebody reads it.
    assert_int_equal (s_asked (stage, 22, 0, 0, 10).status, HF_BUSY);
    assert_int_equal (s_asked (stage, 23, number, 5, UINT32_MAX).status, HF_OK);
    stage->trace[0] = 0;
    s_ask (stage, 24, 0, 0, 10); //  its end was read
    file_stage_expect (stage, "want:0");
    s_make (stage, 0);
    assert_true (s_result (stage, 24).number > number);
}

/*  A client asks without end for what the node does not have yet. */
FILE_TEST (p12_the_state_is_not_packed_at_each_request, stage, 0)
{
    s_ask (stage, 1, 0, UINT64_MAX, 10);
    s_make (stage, 0);
    file_stage_expect (stage, "durable:0 want:0 result:1");
    assert_int_equal (s_asked (stage, 2, 0, UINT64_MAX, 10).status, HF_BUSY);
    file_stage_expect (stage, "result:2");
    stage->now_us += HF_BACKUP_AGAIN_US;
    s_ask (stage, 3, 0, UINT64_MAX, 10);
    file_stage_expect (stage, "want:0");
    s_make (stage, 0);
    file_stage_expect (stage, "result:3");
    hf_mutant = HF_MUTANT_backup_packed_always;
    s_ask (stage, 4, 0, UINT64_MAX, 10);
    file_stage_expect (stage, "want:0");
    hf_mutant = HF_MUTANT_none;
}

/*  Gives the status of a backup that is asked for when the one before was left alone. */
static hf_status_t
s_back_up_after_gone (uint64_t *first, uint64_t *second)
{
    file_stage_t stage;
    file_stage_init (&stage, (hf_file_config_t){.self = 1}, 0);
    s_ask (&stage, 1, 0, 0, 10);
    s_make (&stage, 0);
    *first = s_result (&stage, 1).number;
    stage.now_us += 6 * SECOND;
    s_ask (&stage, 2, 0, 0, 10);
    if (strstr (stage.trace, "want:0 result:1 want:0"))
        s_make (&stage, 0);
    hf_a_file_result_t result = s_result (&stage, 2);
    hf_status_t status = (hf_status_t)result.status;
    *second = result.number;
    if (status == HF_OK)
        assert_int_equal (s_asked (&stage, 3, *first, 0, 10).status, HF_NOT_FOUND);
    file_stage_done (&stage);
    return status;
}

HF_TEST (p12_a_client_that_goes_away_leaves_nothing)
{
    uint64_t first, second;
    assert_int_equal (s_back_up_after_gone (&first, &second), HF_OK);
    assert_true (second > first);
    hf_mutant = HF_MUTANT_backup_kept;
    assert_int_equal (s_back_up_after_gone (&first, &second), HF_BUSY);
    hf_mutant = HF_MUTANT_none;
}

FILE_TEST (p12_a_snapshot_is_forgotten_in_time, stage, 0)
{
    s_ask (stage, 1, 0, 0, 10);
    s_make (stage, 0);
    assert_int_equal (hf_file_service_wake_us (stage->service), stage->now_us + 30 * SECOND);
    stage->now_us += 30 * SECOND;
    file_stage_end (stage);
    assert_int_equal (hf_file_service_wake_us (stage->service), UINT64_MAX);
}

HF_TEST_MAIN (NULL, NULL)
