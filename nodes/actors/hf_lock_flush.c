//  The lock state on disk: changed rows go to the state store in small steps, behind the log and
//  the files; what is there need not be kept in the log (P12).

#include "nodes/actors/hf_lock_internal.h"

#define FLUSH_ROWS        1000       //  so many changed rows are a step
#define FLUSH_BYTES       (1U << 20) //  or so much staged data
#define FLUSH_INTERVAL_US 1000000    //  what changed is on disk this long afterwards at the latest

/*  Take what changed since the last step. It is held back until the files have every section
 *  that this state has left behind: a node that starts from here does not see their entries again.
 */
static void
s_take (hf_lock_actor_t *self)
{
    hf_state_changes (self->state, &self->changes);
    self->taken_index = hf_state_applied_index (self->state);
    self->taken_section = hf_state_section_index (self->state);
    self->taken = true;
    self->flush_due_us = self->now_us + FLUSH_INTERVAL_US;
}

static void
s_write (hf_lock_actor_t *self)
{
    hf_state_store_t *store = self->args->store;
    if (hf_state_store_write (store, self->taken_index, hf_pack_list (&self->changes)) != 0)
        hf_die ("cannot write the lock state: %s", hf_state_store_error (store));
    hf_pack_reset (&self->changes);
    self->taken = false;
    hf_pack_reset (&self->frame);
    hf_a_flushed_frame (&self->frame, &(hf_a_flushed_t){.index = self->taken_index});
    hf_pipe_send (self->args->election, &self->frame);
}

static bool
s_anything (const hf_lock_actor_t *self)
{
    return hf_state_applied_index (self->state) > self->taken_index;
}

void
hf_lock_flush (hf_lock_actor_t *self)
{
    if (!self->taken && s_anything (self)) {
        if (self->flush_due_us == 0)
            self->flush_due_us = self->now_us + FLUSH_INTERVAL_US;
        if (self->now_us >= self->flush_due_us ||
            hf_state_changed_rows (self->state) >= FLUSH_ROWS ||
            hf_state_changed_bytes (self->state) >= FLUSH_BYTES)
            s_take (self);
    }
    if (self->taken && self->files_durable >= self->taken_section)
        s_write (self);
}

uint64_t
hf_lock_flush_due_us (const hf_lock_actor_t *self)
{
    //  While a step waits for the files, their actor wakes us.
    return self->taken || !s_anything (self) ? UINT64_MAX : self->flush_due_us;
}

/*  The file actor wants the state for another node. Every section before it was sent there. */
void
hf_lock_snapshot (hf_lock_actor_t *self, uint32_t node)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_state_rows (self->state, &rows);
    hf_a_snapshot_t snapshot = {.node = node,
                                .index = hf_state_applied_index (self->state),
                                .term = hf_state_applied_term (self->state),
                                .section = hf_state_section_index (self->state),
                                .known = hf_state_known (self->state),
                                .rows = hf_pack_list (&rows)};
    hf_pack_reset (&self->frame);
    hf_a_snapshot_frame (&self->frame, &snapshot);
    hf_pipe_send (self->args->file, &self->frame);
    hf_pack_done (&rows);
}
