//  Watches: clients are told what happens, by any node, from the entries that it has applied.

#include "nodes/services/hf_lock_private.h"

#define STEP_RECORDS 1000        //  that are looked at in one turn of a watch
#define STEP_BYTES   (64U << 10) //  that are sent in it; a record may pass it
#define ROOM_MAX     (1U << 20)  //  that a client may ask for
#define SILENT_US    60000000    //  a watch whose client says nothing is forgotten
#define ALONE_US     3000000     //  a node that knows no leader for so long ends all

static void
s_heard (void *arg, const hf_happened_t *happened)
{
    hf_lock_service_t *self = arg;
    hf_journal_add (&self->watching.locks, happened);
    hf_watches_stir (&self->watching.watches);
}

void
hf_lock_watch_init (hf_lock_service_t *self)
{
    hf_watching_t *watching = &self->watching;
    hf_watches_init (&watching->watches, self->config.watches_max, self->config.client_watches_max);
    hf_journal_init (&watching->locks, hf_state_happened (self->state), self->config.journal_bytes);
    hf_journal_init (&watching->files, hf_state_appended (self->state),
                     self->config.journal_bytes / 8);
    watching->durable = hf_state_appended (self->state);
    hf_pack_init (&watching->events);
    watching->alone_us = self->started_us;
    hf_state_listen (self->state, s_heard, self);
}

void
hf_lock_watch_done (hf_lock_service_t *self)
{
    hf_watches_done (&self->watching.watches);
    hf_journal_done (&self->watching.locks);
    hf_journal_done (&self->watching.files);
    hf_array_free (&self->watching.sections);
    hf_pack_done (&self->watching.events);
}

//  ---- files --------------------------------------------------------------------------

/*  It is told when it is durable: who is told may read it here. */
void
hf_lock_watch_section (hf_lock_service_t *self, const hf_outcome_t *out)
{
    hf_watching_t *watching = &self->watching;
    hf_scan_t scan = hf_scan_list (out->parts_list);
    for (uint32_t i = 0; i < out->parts_list.count; i++) {
        hf_a_part_t part;
        bool good = hf_a_part_get (&scan, &part);
        assert (good); //  the state packed it
        hf_happened_t happened = {.number = out->number + i,
                                  .index = out->index,
                                  .what = HF_HAPPENED_APPENDED,
                                  .name = part.file,
                                  .session = out->session,
                                  .size = part.data.size};
        hf_journal_add (&watching->files, &happened);
    }
    *hf_array_add (&watching->sections) =
        (hf_section_at_t){.index = out->index, .last = watching->files.last};
}

void
hf_lock_watch_durable (hf_lock_service_t *self, uint64_t index)
{
    hf_watching_t *watching = &self->watching;
    size_t reached = 0;
    for (; reached < watching->sections.count; reached++) {
        if (watching->sections.list[reached].index > index)
            break;
        watching->durable = watching->sections.list[reached].last;
    }
    hf_array_drop (&watching->sections, reached);
    if (reached > 0)
        hf_watches_stir (&watching->watches);
}

/*  Who watches is told that something is missing. What is not durable yet comes before that: it is
 *  not to be asked for behind it. */
void
hf_lock_watch_skipped (hf_lock_service_t *self)
{
    hf_watching_t *watching = &self->watching;
    size_t count = watching->sections.count;
    uint64_t appended = hf_state_appended (self->state);
    hf_journal_skip (&watching->locks, hf_state_happened (self->state));
    hf_journal_skip (&watching->files, appended);
    *(count > 0 ? &watching->sections.list[count - 1].last : &watching->durable) = appended;
    hf_watches_stir (&watching->watches);
}

//  ---- telling ------------------------------------------------------------------------

static const hf_journal_t *
s_journal (const hf_lock_service_t *self, uint32_t what)
{
    return what == HF_WATCH_FILES ? &self->watching.files : &self->watching.locks;
}

/*  The number of the last that may be told. */
static uint64_t
s_last (const hf_lock_service_t *self, uint32_t what)
{
    bool early = HF_MUTANT (told_before_durable);
    return what == HF_WATCH_FILES && !early ? self->watching.durable : s_journal (self, what)->last;
}

uint64_t
hf_lock_watch_number (const hf_lock_service_t *self, bool files)
{
    return s_last (self, files ? HF_WATCH_FILES : HF_WATCH_LOCKS);
}

static void
s_events (hf_lock_service_t *self, const hf_route_t *route, hf_events_t *events)
{
    events->index = hf_state_command_index (self->state);
    hf_events_frame (&self->out.frame, events);
    hf_outbox_to_client (&self->out, route, 0);
}

/*  What it was to be told next is not kept any more: its client reads the state, and watches from
 *  there. */
static void
s_gap (hf_lock_service_t *self, hf_watch_t *watch)
{
    s_events (self, &watch->client->route,
              &(hf_events_t){.id = watch->id,
                             .status = HF_GAP,
                             .after = watch->upto,
                             .upto = s_last (self, watch->what)});
    hf_watches_drop (&self->watching.watches, watch);
}

/*  Collect what the watch is told next. Gives whether that is all there is. */
static bool
s_collect (hf_lock_service_t *self, hf_watch_t *watch)
{
    const hf_journal_t *journal = s_journal (self, watch->what);
    hf_span_t prefix = hf_span (watch->prefix, watch->prefix_size);
    hf_pack_t *events = &self->watching.events;
    uint64_t last = s_last (self, watch->what);
    hf_happened_t happened;
    hf_pack_reset (events);
    for (uint32_t i = 0; i < STEP_RECORDS && hf_pack_size (events) < STEP_BYTES && watch->room > 0;
         i++) {
        hf_spot_t spot = watch->spot;
        if (!hf_journal_next (journal, &spot, &happened) || happened.number > last)
            return true;
        watch->spot = spot;
        //  The client may have seen more elsewhere than this node had applied.
        if (happened.number <= watch->after && !HF_MUTANT (told_again))
            continue;
        watch->after = happened.number;
        if (happened.name.size < prefix.size ||
            !hf_span_equal (hf_span (happened.name.at, prefix.size), prefix))
            continue;
        if (!hf_lock_sees (self, &watch->client->route, HF_RIGHT_WATCH, happened.name) &&
            !HF_MUTANT (told_unseen))
            continue;
        size_t before = hf_pack_size (events);
        hf_happened_put (events, &happened);
        size_t size = hf_pack_size (events) - before;
        watch->room = size < watch->room ? watch->room - (uint32_t)size : 0;
    }
    return false;
}

/*  What happens elsewhere does not come here: clients do better at another node. */
static bool
s_alone (const hf_lock_service_t *self)
{
    bool long_alone = self->leader == 0 && self->turn_us >= self->watching.alone_us + ALONE_US;
    return (long_alone && !HF_MUTANT (watched_alone)) || hf_lock_is_stranger (self);
}

static void
s_send_on (hf_lock_service_t *self, hf_watch_t *watch)
{
    s_events (
        self, &watch->client->route,
        &(hf_events_t){
            .id = watch->id, .status = HF_NOT_LEADER, .after = watch->upto, .upto = watch->upto});
    hf_watches_drop (&self->watching.watches, watch);
}

/*  Who may watch nothing of it is told so once; of what he may not, nothing. */
static void
s_deny (hf_lock_service_t *self, const hf_route_t *route, uint64_t id, uint64_t after)
{
    s_events (self, route,
              &(hf_events_t){.id = id,
                             .status = HF_DENIED,
                             .after = after,
                             .upto = after,
                             .text = hf_span_text (self->guard.why)});
}

/*  Whether the rights of now allow it. */
static bool
s_may (hf_lock_service_t *self, hf_watch_t *watch)
{
    watch->rights = self->guard.version;
    return HF_MUTANT (watched_for_ever) ||
           hf_lock_may (self, &watch->client->route,
                        &(hf_asked_t){.kind = HF_KIND_WATCH,
                                      .name = hf_span (watch->prefix, watch->prefix_size)});
}

bool
hf_lock_watch_step (hf_lock_service_t *self)
{
    hf_watches_t *watches = &self->watching.watches;
    hf_watch_t *watch = hf_watches_next (watches);
    if (!watch)
        return false;
    if (s_alone (self)) {
        s_send_on (self, watch);
        return true;
    }
    if (watch->rights != self->guard.version && !s_may (self, watch)) {
        s_deny (self, &watch->client->route, watch->id, watch->upto);
        hf_watches_drop (watches, watch);
        return true;
    }
    if (hf_journal_gone (s_journal (self, watch->what), watch->spot)) {
        s_gap (self, watch);
        return true;
    }
    uint64_t looked_at = watch->after;
    bool all = s_collect (self, watch);
    if (self->watching.events.count > 0 || watch->due) {
        s_events (self, &watch->client->route,
                  &(hf_events_t){.id = watch->id,
                                 .after = HF_MUTANT (left_out_untold) ? looked_at : watch->upto,
                                 .upto = watch->after,
                                 .events = hf_pack_list (&self->watching.events)});
        watch->upto = watch->after;
    }
    watch->due = false;
    hf_watches_turn (watches, watch,
                     all                ? HF_WATCH_IDLE
                     : watch->room == 0 ? HF_WATCH_FULL
                                        : HF_WATCH_BEHIND);
    return true;
}

bool
hf_lock_watch_due (const hf_lock_service_t *self)
{
    return hf_watches_next (&self->watching.watches) != NULL;
}

void
hf_lock_watch_leader (hf_lock_service_t *self)
{
    uint64_t alone_us = self->watching.alone_us;
    self->watching.alone_us = self->leader != 0 ? 0 : alone_us == 0 ? self->now_us : alone_us;
}

uint64_t
hf_lock_watch_wake_us (const hf_lock_service_t *self)
{
    bool idle = !hf_chain_empty (&self->watching.watches.idle);
    return idle && self->leader == 0 ? self->watching.alone_us + ALONE_US : UINT64_MAX;
}

void
hf_lock_watch_forget (hf_lock_service_t *self)
{
    if (s_alone (self))
        hf_watches_stir (&self->watching.watches);
    if (self->turn_us > SILENT_US)
        hf_watches_forget (&self->watching.watches, self->turn_us - SILENT_US);
}

void
hf_lock_watch_tell (hf_lock_service_t *self)
{
    bool watched = self->watching.watches.by_id.count > 0;
    if (watched == self->watching.told)
        return;
    self->watching.told = watched;
    hf_a_watched_frame (&self->out.message, &(hf_a_watched_t){.watched = watched});
    hf_outbox_to_actor (&self->out, HF_TO_ELECTION);
}

//  ---- WATCH --------------------------------------------------------------------------

static hf_status_t
s_status (const hf_watch_request_t *message)
{
    if (message->what != HF_WATCH_LOCKS && message->what != HF_WATCH_FILES)
        return HF_UNKNOWN;
    return message->prefix.size > 0 && !hf_name_valid (message->prefix) ? HF_BAD_NAME : HF_OK;
}

void
hf_lock_watch (hf_lock_service_t *self, const hf_route_t *route, const hf_watch_request_t *message)
{
    hf_watches_t *watches = &self->watching.watches;
    hf_watch_t *watch = hf_watches_find (watches, route, message->id);
    hf_status_t status = s_status (message);
    if (message->room > 0 && status == HF_OK &&
        !hf_lock_may (self, route, &(hf_asked_t){.kind = HF_KIND_WATCH, .name = message->prefix}))
        status = HF_DENIED;
    if (message->room == 0 || status != HF_OK) {
        if (watch)
            hf_watches_drop (watches, watch);
        watch = NULL;
    } else {
        watch = hf_watches_hear (watches, route, message->id, self->now_us);
        status = watch ? HF_OK : HF_LIMIT;
    }
    if (!watch) {
        s_events (
            self, route,
            &(hf_events_t){.id = message->id,
                           .status = (uint32_t)status,
                           .after = message->after,
                           .upto = message->after,
                           .text = hf_span_text (status == HF_DENIED ? self->guard.why : "")});
        return;
    }
    const hf_journal_t *journal = s_journal (self, message->what);
    watch->what = message->what;
    watch->prefix_size = (uint8_t)message->prefix.size;
    if (message->prefix.size > 0)
        memcpy (watch->prefix, message->prefix.at, message->prefix.size);
    watch->room = message->room < ROOM_MAX ? message->room : ROOM_MAX;
    watch->after = message->after == UINT64_MAX ? s_last (self, message->what) : message->after;
    watch->upto = watch->after;
    watch->rights = self->guard.version;
    watch->due = true;
    if (HF_MUTANT (gap_ignored) && watch->after < hf_journal_before (journal))
        watch->after = hf_journal_before (journal);
    if (watch->after < hf_journal_before (journal))
        s_gap (self, watch);
    else
        watch->spot = hf_journal_seek (journal, watch->after);
}
