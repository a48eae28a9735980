//  The file actor as it runs: a real zactor over a real folder.

#include "base/hf_tsan.h"
#include "store_fixture.h"
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/snapshot/hf_snapshot_format.h"
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST(name) HF_TEST_WITH (name, fixture_setup, fixture_teardown)

#define LIMIT_MS 20000

typedef struct actor {
    hf_file_args_t args;
    zsock_t *lock;     //  our end
    zsock_t *election; //  likewise
    zactor_t *actor;
    zmq_msg_t message;
    hf_pack_t frame;
} actor_t;

static void
s_run (zsock_t *pipe, void *args)
{
    hf_file_actor (pipe, args);
    HF_TSAN_GIVE (args);
}

static void
s_start (actor_t *self, const char *dir)
{
    char error[HF_ERROR_SIZE];
    *self = (actor_t){0};
    self->args.store = hf_file_store_open (dir, error);
    assert_non_null (self->args.store);
    self->args.state_store = hf_state_store_open (dir, error);
    assert_non_null (self->args.state_store);
    self->args.dir = dir;
    self->lock = hf_pipe_new (&self->args.lock);
    self->election = hf_pipe_new (&self->args.election);
    zmq_msg_init (&self->message);
    hf_pack_init (&self->frame);
    self->actor = zactor_new (s_run, &self->args);
    assert_non_null (self->actor);
}

static void
s_stop (actor_t *self)
{
    zactor_destroy (&self->actor); //  sends $TERM and waits
    HF_TSAN_TAKE (&self->args);
    assert_null (self->args.state_store);
    assert_null (self->args.store); //  the actor has destroyed what it owned
    assert_null (self->args.lock);
    zmq_msg_close (&self->message);
    hf_pack_done (&self->frame);
    zsock_destroy (&self->lock);
    zsock_destroy (&self->election);
}

static uint32_t
s_next (actor_t *self, zsock_t *sock, hf_scan_t *scan)
{
    zmq_pollitem_t item = {.socket = zsock_resolve (sock), .events = ZMQ_POLLIN};
    assert_int_equal (zmq_poll (&item, 1, LIMIT_MS), 1);
    uint32_t kind = 0;
    assert_true (hf_pipe_next (sock, &self->message, scan, &kind));
    return kind;
}

static uint64_t
s_next_durable (actor_t *self)
{
    hf_scan_t scan;
    hf_a_files_durable_t durable;
    assert_int_equal (s_next (self, self->lock, &scan), HF_KIND_A_FILES_DURABLE);
    assert_true (hf_a_files_durable_get (&scan, &durable));
    return durable.index;
}

/*  Sections may be reported durable one by one or together. */
static void
s_wait_durable (actor_t *self, uint64_t index)
{
    uint64_t before = 0;
    for (uint64_t found = 0; found < index; before = found) {
        found = s_next_durable (self);
        assert_in_range (found, before, index);
    }
}

static void
s_send_section (actor_t *self, uint64_t index, const char *file, const void *data, size_t size)
{
    hf_pack_t parts;
    hf_pack_init (&parts);
    hf_a_part_put (&parts,
                   &(hf_a_part_t){.file = hf_span_text (file), .data = hf_span (data, size)});
    hf_pack_t sections;
    hf_pack_init (&sections);
    hf_a_section_put (&sections, &(hf_a_section_t){.index = index, .parts = hf_pack_list (&parts)});
    hf_a_sections_frame (&self->frame, &(hf_a_sections_t){.sections = hf_pack_list (&sections)});
    hf_pipe_send (self->lock, &self->frame);
    hf_pack_done (&sections);
    hf_pack_done (&parts);
}

//  ---- death -------------------------------------------------------------------

static void
s_die_of_a_failed_write (const char *dir)
{
    actor_t self;
    s_start (&self, dir);
    s_send_section (&self, 1, "a", "kept", 4);
    s_wait_durable (&self, 1);
    static uint8_t bytes[100000];
    fixture_limit (50000);
    s_send_section (&self, 2, "b", bytes, sizeof bytes);
    s_wait_durable (&self, 2); //  never: the process ends before
    _exit (9);
}

//  First: it forks, which must not happen after ZeroMQ was used.
TEST (test_failed_write_ends_the_process_and_nothing_is_told)
{
    int ends[2];
    assert_int_equal (pipe (ends), 0);
    pid_t pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0) {
        dup2 (ends[1], STDERR_FILENO);
        s_die_of_a_failed_write (*state);
    }
    close (ends[1]);
    char said[2000] = "";
    size_t size = 0;
    ssize_t more;
    while ((more = read (ends[0], said + size, sizeof said - 1 - size)) > 0)
        size += (size_t)more;
    close (ends[0]);
    int status = 0;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_true (WIFEXITED (status));
    assert_int_equal (WEXITSTATUS (status), 1);
    assert_contains (said, "cannot write the files: ");
    assert_contains (said, "files/b: File too large");

    actor_t self;
    s_start (&self, *state);
    assert_int_equal (s_next_durable (&self), 1);
    s_stop (&self);
    assert_int_equal (fixture_size (fixture_path (*state, "files/a")), 4);
    assert_false (fixture_exists (fixture_path (*state, "files/b")));
}

//  ---- life --------------------------------------------------------------------

static uint64_t
s_flushed (actor_t *self, zsock_t *sock)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_a_flushed_t flushed;
    do
        kind = s_next (self, sock, &scan);
    while (kind == HF_KIND_A_FILES_DURABLE);
    assert_int_equal (kind, HF_KIND_A_FLUSHED);
    assert_true (hf_a_flushed_get (&scan, &flushed));
    return flushed.index;
}

/*  P6, P7. A node that starts from these rows does not see the sections before them again. */
TEST (test_rows_are_written_behind_the_files)
{
    actor_t self;
    s_start (&self, *state);
    s_send_section (&self, 5, "a", "x", 1);
    hf_pack_t changes;
    hf_pack_init (&changes);
    hf_state_change_put (
        &changes, &(hf_state_change_t){.key = hf_span_text ("k"), .value = hf_span_text ("v")});
    hf_a_rows_frame (&self.frame,
                     &(hf_a_rows_t){.index = 9, .section = 5, .changes = hf_pack_list (&changes)});
    hf_pipe_send (self.lock, &self.frame);
    hf_pack_done (&changes);
    assert_int_equal (s_flushed (&self, self.lock), 9);
    assert_int_equal (s_flushed (&self, self.election), 9);
    s_stop (&self);
    s_start (&self, *state);
    assert_int_equal (s_next_durable (&self), 5);
    assert_int_equal (hf_state_store_index (self.args.state_store), 9);
    s_stop (&self);
}

/*  A state that the election actor passes on is staged; main is told when it is ready. */
TEST (test_received_state_is_staged)
{
    actor_t self;
    s_start (&self, *state);
    hf_a_needs_state_frame (&self.frame, &(hf_a_needs_state_t){.leader = 2, .term = 3});
    hf_pipe_send (self.election, &self.frame);
    hf_state_head_t head = {.index = 40, .term = 3};
    hf_pack_t stream;
    hf_pack_init (&stream);
    hf_snapshot_pack_head (&stream, &head, hf_span ("", 0));
    size_t size = hf_pack_size (&stream), half = size / 2;
    for (size_t at = 0; at < size; at += half) {
        hf_state_part_t part = {.from = 2, .term = 3, .id = 1, .total = size, .offset = at};
        part.data = hf_span (hf_pack_bytes (&stream) + at, at + half < size ? half : size - at);
        hf_state_part_frame (&self.frame, &part);
        hf_pipe_send (self.election, &self.frame);
    }
    hf_scan_t scan;
    assert_int_equal (s_next (&self, zactor_sock (self.actor), &scan), HF_KIND_A_RESTART);
    s_stop (&self);
    assert_int_equal (fixture_size (fixture_path (*state, "incoming/ready")), size);
    hf_pack_done (&stream);
}

TEST (test_P7_what_waits_at_the_end_is_still_written)
{
    actor_t self;
    s_start (&self, *state);
    for (uint64_t i = 1; i <= 3000; i++) //  more than one batch
        s_send_section (&self, i, "a", "x", 1);
    s_stop (&self);
    s_start (&self, *state);
    assert_int_equal (s_next_durable (&self), 3000);
    s_stop (&self);
    assert_int_equal (fixture_size (fixture_path (*state, "files/a")), 3000);
}

HF_TEST_MAIN (NULL, NULL)
