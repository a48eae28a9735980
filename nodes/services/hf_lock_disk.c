//  What the file actor writes: released sections, changed rows of the state, and snapshots for
//  other nodes. And credit: how far the election actor may deliver ahead of all that.

#include "nodes/services/hf_lock_private.h"

#define SECTIONS_BYTES (1U << 20)  //  sections in one message, and one more
#define STAGED_BYTES   (16U << 20) //  of staged data that changed: a step, however little the log

//  ---- sections -----------------------------------------------------------------

/*  Hand over the sections that wait. Before everything else for the file actor: what it is asked or
 *  given then rests on them. */
void
hf_lock_send_sections (hf_lock_service_t *self)
{
    if (self->sections.count == 0)
        return;
    hf_debt_t *debt = hf_array_add (&self->debts);
    *debt = (hf_debt_t){.index = self->sections_index, .bytes = hf_pack_size (&self->sections)};
    self->debt_bytes += debt->bytes;
    hf_a_sections_frame (&self->out.message,
                         &(hf_a_sections_t){.sections = hf_pack_list (&self->sections)});
    hf_outbox_to_actor (&self->out, HF_TO_FILE);
    hf_pack_reset (&self->sections);
}

void
hf_lock_section (hf_lock_service_t *self, const hf_outcome_t *out)
{
    if (HF_MUTANT (sections_of_leader) && !self->leading)
        return;
    hf_a_section_put (&self->sections,
                      &(hf_a_section_t){.index = out->index, .parts = out->parts_list});
    self->sections_index = out->index;
    hf_lock_watch_section (self, out);
    if (hf_pack_size (&self->sections) >= SECTIONS_BYTES)
        hf_lock_send_sections (self);
}

void
hf_lock_files_durable (hf_lock_service_t *self, uint64_t index)
{
    size_t paid = 0;
    while (paid < self->debts.count && self->debts.list[paid].index <= index)
        self->debt_bytes -= self->debts.list[paid++].bytes;
    hf_array_drop (&self->debts, paid);
    hf_lock_watch_durable (self, index);
}

//  ---- rows ---------------------------------------------------------------------

static bool
s_anything (const hf_lock_service_t *self)
{
    return hf_state_applied_index (self->state) > self->step_index;
}

/*  Whether the next step is as large as a turn can pack: some 2 ms. Busy locks change the same few
 * rows again and again, which are one row of a step each; so it takes many locks to get there. */
static bool
s_large (const hf_lock_service_t *self)
{
    return hf_state_changed_rows (self->state) >= self->config.flush_rows &&
           !HF_MUTANT (steps_unbounded);
}

/*  Hand over what changed since the last step. */
static void
s_send_rows (hf_lock_service_t *self)
{
    self->step_out = true;
    self->step_index = hf_state_applied_index (self->state);
    self->step_bytes = self->handled_bytes;
    self->step_due_us = 0;
    hf_pack_reset (&self->rows);
    hf_state_changes (self->state, &self->rows);
    hf_a_rows_frame (&self->out.message,
                     &(hf_a_rows_t){.index = self->step_index,
                                    .section = hf_state_section_index (self->state),
                                    .changes = hf_pack_list (&self->rows)});
    hf_outbox_to_actor (&self->out, HF_TO_FILE);
    hf_pack_done (&self->rows); //  steps may be large
    hf_pack_init (&self->rows);
}

/*  What the rows of the last step, with those before it, are as of. Every section before it was
 *  handed over. */
static void
s_send_snapshots (hf_lock_service_t *self)
{
    for (unsigned i = 0; i < self->wanted_count; i++) {
        hf_a_snapshot_frame (&self->out.message,
                             &(hf_a_snapshot_t){.node = self->wanted_by[i],
                                                .index = hf_state_applied_index (self->state),
                                                .term = hf_state_applied_term (self->state),
                                                .command = hf_state_command_index (self->state),
                                                .section = hf_state_section_index (self->state),
                                                .roster = hf_state_roster (self->state)});
        hf_outbox_to_actor (&self->out, HF_TO_FILE);
    }
    self->wanted_count = 0;
}

/*  How often rows are written follows time and the log that a restart would have to replay, and how
 *  many there are; and whoever wants the whole state gets it with a step. One step at a time, so
 *  that a slow disk gets larger steps, not more of them. */
void
hf_lock_step (hf_lock_service_t *self)
{
    bool wanted = self->wanted_count > 0, anything = s_anything (self);
    if ((self->step_out && !HF_MUTANT (steps_overlap)) || (!anything && !wanted))
        return;
    if (anything && self->step_due_us == 0)
        self->step_due_us = self->turn_us + self->config.flush_us;
    if (!wanted && self->turn_us < self->step_due_us &&
        self->handled_bytes - self->step_bytes < self->config.flush_bytes &&
        hf_state_changed_bytes (self->state) < STAGED_BYTES && !s_large (self))
        return;
    hf_lock_send_sections (self);
    if (anything && !(wanted && HF_MUTANT (snapshot_without_step)))
        s_send_rows (self);
    s_send_snapshots (self);
}

uint64_t
hf_lock_step_due_us (const hf_lock_service_t *self)
{
    //  While a step is under way, its acknowledgement wakes us.
    return self->step_out || !s_anything (self) ? UINT64_MAX : self->step_due_us;
}

/*  The last step is on disk. */
void
hf_lock_flushed (hf_lock_service_t *self, uint64_t index)
{
    assert (self->step_out && (index == self->step_index || HF_MUTANT (steps_overlap)));
    self->step_out = false;
    self->flushed_bytes = self->step_bytes;
}

void
hf_lock_want_state (hf_lock_service_t *self, uint32_t node)
{
    //  The file actor asks for one backup and for one state to be sent at a time.
    assert (self->wanted_count < HF_WANTED_MAX);
    self->wanted_by[self->wanted_count++] = node;
}

//  ---- credit -------------------------------------------------------------------

/*  Tell the election actor what was handled, so that it delivers more: not while the file actor is
 *  too far behind, in sections or in rows (P12). */
void
hf_lock_credit (hf_lock_service_t *self)
{
    bool rows = hf_state_changed_rows (self->state) > self->config.unwritten_rows &&
                !HF_MUTANT (rows_pile_up);
    bool behind = rows || self->debt_bytes > self->config.unwritten_max ||
                  self->handled_bytes - self->flushed_bytes > self->config.unwritten_max;
    if (self->handled_bytes - self->credited_bytes < self->config.credit_bytes ||
        (behind && !HF_MUTANT (credit_unpaid)))
        return;
    self->credited_bytes = self->handled_bytes;
    hf_a_applied_frame (&self->out.message,
                        &(hf_a_applied_t){.index = hf_state_applied_index (self->state),
                                          .bytes = self->handled_bytes});
    hf_outbox_to_actor (&self->out, HF_TO_ELECTION);
}
