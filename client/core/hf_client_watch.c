/*  Watches: which node tells, how far the watch is, and when to ask again or elsewhere.
 *
 *  A watch is at one node, any that is connected. It goes to another when the link breaks, when the
 *  node refuses, tells what does not fit, or does not answer; there it goes on after what it was
 *  told. A node that says nothing for a while is asked again for one of its watches: silence after
 *  that moves them all. So a thousand watches cost little more than one.
 *
 *  A node that has not kept what comes next, or takes no more watches, may differ from the others:
 *  the watch tries them all before it reports a gap or ends.
 */

#include "client/core/hf_client_internal.h"
#include <assert.h>
#include <string.h>

#define ROOM       (256U << 10) //  bytes that a node may send ahead
#define RECORD     2048         //  what one HAPPENED takes at most, roughly
#define AGAIN_US   20000000     //  nodes forget a watch after 60 s
#define PING_US    3000000      //  a node that says nothing for so long is asked
#define PAUSE_US   300000       //  until the nodes are tried again that all refused
#define PAUSE_SPAN 700000       //  and up to so much more
#define PAUSES_MAX 3            //  it doubles so often while they refuse

static hf_client_watch_t *
s_find (const hf_client_core_t *core, uint64_t id)
{
    hf_table_node_t *node = hf_table_seek (&core->watching.by_id, id);
    return node ? HF_AROUND (node, hf_client_watch_t, by_id) : NULL;
}

//  ---- what is reported ---------------------------------------------------------

/*  An op for the shell; SIZE bytes of HAPPENED records are in it. */
static hf_op_t *
s_report (hf_client_core_t *core, hf_client_watch_t *watch, uint32_t what, uint64_t number,
          const void *records, size_t size)
{
    hf_op_t *op = hf_op_silent (NULL, HF_OP_HAPPENED, "", 0);
    op->orphan = false;
    op->arg = watch->arg;
    op->watch = watch;
    op->what = what;
    op->offset = number;
    if (size > 0)
        op->reply = memcpy (hf_alloc (size), records, size);
    op->reply_size = size;
    hf_chain_append (&core->done, &op->chain);
    return op;
}

static void
s_opened (hf_client_core_t *core, hf_client_watch_t *watch, hf_status_t status)
{
    hf_op_t *op = watch->opening;
    watch->opening = NULL;
    hf_heap_remove (&core->op_timers, &op->timer);
    op->result.total = watch->after;
    op->watch = status == HF_OK ? watch : NULL;
    hf_op_done (core, op, status);
}

//  ---- at a node, or at none ------------------------------------------------------

static void
s_put (hf_client_core_t *core, const hf_client_watch_t *watch, uint32_t room)
{
    hf_watch_request_frame (&core->outbox.frame,
                            &(hf_watch_request_t){.id = watch->id,
                                                  .what = watch->what,
                                                  .prefix = hf_span (watch->prefix, watch->size),
                                                  .after = watch->after,
                                                  .room = room});
    hf_outbox_to_peer (&core->outbox, core->ids[watch->node]);
}

static void
s_send (hf_client_core_t *core, hf_client_watch_t *watch)
{
    s_put (core, watch, ROOM);
    hf_client_members_look (core, (uint32_t)watch->node);
    watch->asked = watch->there = true;
    watch->used = 0;
    watch->sent_us = core->now_us;
    hf_heap_set (&core->watching.timers, &watch->timer, core->now_us + core->request_us);
    hf_chain_remove (&watch->chain);
    hf_chain_append (&core->watching.at[watch->node], &watch->chain);
}

/*  Off its node. */
static void
s_detach (hf_client_core_t *core, hf_client_watch_t *watch)
{
    if (watch->there && core->choice.connected[watch->node])
        s_put (core, watch, 0);
    watch->node = -1;
    watch->asked = watch->there = false;
    if (HF_MUTANT (moved_to_now))
        watch->after = HF_WATCH_NOW;
    hf_heap_remove (&core->watching.timers, &watch->timer);
    hf_chain_remove (&watch->chain);
    hf_chain_append (&core->watching.idle, &watch->chain);
}

static void
s_free (hf_client_core_t *core, hf_client_watch_t *watch)
{
    s_detach (core, watch);
    hf_chain_remove (&watch->chain);
    hf_table_remove (&core->watching.by_id, &watch->by_id);
    free (watch);
}

/*  It is over: when it was opened already, its user hears of that and closes it. */
static void
s_end (hf_client_core_t *core, hf_client_watch_t *watch, hf_status_t status)
{
    if (watch->opening) {
        s_opened (core, watch, status);
        s_free (core, watch);
        return;
    }
    s_detach (core, watch);
    watch->ended = true;
    s_report (core, watch, HF_WATCH_ENDED, watch->after, NULL, 0)->result.status = status;
}

static void
s_forgive (hf_client_watch_t *watch)
{
    watch->refused = 0;
    watch->gap_node = -1;
    watch->limit = HF_OK;
    watch->later = false;
}

/*  A node for the watch: one that did not refuse, and was not silent of late if there is another;
 *  -1: none. */
static int
s_choose (hf_client_core_t *core, const hf_client_watch_t *watch)
{
    int silent = -1;
    uint32_t nodes[HF_MEMBERS_MAX], count = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        if (core->choice.id[i] != 0)
            nodes[count++] = i;
    }
    uint32_t start = (uint32_t)hf_random_below (&core->choice.random, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t node = nodes[(start + i) % count];
        if (!core->choice.connected[node] || watch->refused >> node & 1)
            continue;
        if ((core->watching.silent >> node & 1) == 0)
            return (int)node;
        silent = (int)node;
    }
    return silent;
}

/*  What came after watch->after is lost for it. It goes on at the node that said so. */
static void
s_gap (hf_client_core_t *core, hf_client_watch_t *watch)
{
    watch->node = watch->gap_node;
    if (watch->opening)
        s_opened (core, watch, HF_OK);
    watch->after = watch->gap_upto;
    if (!HF_MUTANT (gap_untold))
        s_report (core, watch, HF_WATCH_GAP, watch->after, NULL, 0);
    s_forgive (watch);
    s_send (core, watch);
}

static void
s_place (hf_client_core_t *core, hf_client_watch_t *watch)
{
    watch->node = s_choose (core, watch);
    if (watch->node >= 0) {
        s_send (core, watch);
    } else if (watch->gap_node >= 0 && core->choice.connected[watch->gap_node]) {
        s_gap (core, watch);
    } else if (watch->limit != HF_OK && !watch->later) {
        s_end (core, watch, watch->limit);
    } else {
        //  All refused, or none is connected: then one that connects is asked at once.
        bool wait = watch->refused != 0;
        uint64_t pause_us = PAUSE_US + hf_random_below (&core->choice.random, PAUSE_SPAN);
        pause_us <<= watch->pauses;
        watch->pauses += watch->pauses < PAUSES_MAX;
        s_forgive (watch);
        hf_heap_set (&core->watching.timers, &watch->timer,
                     wait ? core->now_us + pause_us : HF_NEVER);
    }
}

/*  To another node. */
static void
s_move (hf_client_core_t *core, hf_client_watch_t *watch)
{
    watch->refused |= 1U << watch->node;
    s_detach (core, watch);
    s_place (core, watch);
}

/*  The same: for a while, its node does not serve it. */
static void
s_move_on (hf_client_core_t *core, hf_client_watch_t *watch)
{
    watch->later = true;
    s_move (core, watch);
}

//  ---- EVENTS -----------------------------------------------------------------------

static bool
s_matches (const hf_client_watch_t *watch, const hf_happened_t *happened)
{
    return hf_name_valid (happened->name) && happened->name.size >= watch->size &&
           (watch->size == 0 || memcmp (happened->name.at, watch->prefix, watch->size) == 0);
}

/*  Whether EVENTS holds together and goes on behind AFTER; its begin may have been told before.
 *  *from: where what is new begins. */
static bool
s_fits (const hf_client_watch_t *watch, uint64_t after, const hf_events_t *events, size_t *from)
{
    hf_scan_t scan = hf_scan_list (events->events);
    uint64_t last = events->after;
    *from = events->events.size;
    if (events->upto < events->after || events->upto == HF_WATCH_NOW ||
        (events->after > after && !HF_MUTANT (hole_taken)))
        return false;
    for (uint32_t i = 0; i < events->events.count; i++) {
        hf_happened_t happened;
        size_t at = (size_t)(scan.at - events->events.at);
        if (!hf_happened_get (&scan, &happened) || happened.number <= last ||
            happened.number > events->upto || !s_matches (watch, &happened))
            return false;
        last = happened.number;
        if (*from > at && (last > after || HF_MUTANT (told_twice)))
            *from = at;
    }
    return true;
}

static void
s_take (hf_client_core_t *core, hf_client_watch_t *watch, const hf_events_t *events)
{
    size_t from;
    uint64_t after = watch->after == HF_WATCH_NOW ? events->after : watch->after;
    if (!s_fits (watch, after, events, &from)) {
        //  What is on its way when the watch is asked again need not fit; the answer must.
        if (!watch->asked)
            s_move_on (core, watch);
        return;
    }
    s_forgive (watch);
    watch->pauses = 0;
    watch->asked = false;
    watch->after = after;
    hf_heap_set (&core->watching.timers, &watch->timer, watch->sent_us + AGAIN_US);
    if (watch->opening)
        s_opened (core, watch, HF_OK);
    hf_list_t list = events->events;
    if (from < list.size)
        s_report (core, watch, 0, 0, list.at + from, list.size - from);
    if (events->upto > after)
        watch->after = events->upto;
    watch->used += list.size;
    if (watch->used + RECORD >= ROOM)
        s_send (core, watch);
}

/*  The node has no watch, for the reason in EVENTS. */
static void
s_refuse (hf_client_core_t *core, hf_client_watch_t *watch, const hf_events_t *events)
{
    hf_status_t status = (hf_status_t)events->status;
    if (status == HF_DENIED && watch->opening)
        hf_client_why_text (watch->opening, events->text);
    if (status == HF_BAD_NAME || status == HF_UNKNOWN || status == HF_DENIED) {
        s_end (core, watch, status);
        return;
    }
    bool stale = status == HF_GAP && events->after != watch->after;
    if (stale && watch->asked)
        return; //  it is the answer to an earlier WATCH
    if (status == HF_GAP && !stale && events->upto > watch->after && events->upto != HF_WATCH_NOW) {
        watch->gap_node = watch->node;
        watch->gap_upto = events->upto;
    } else if (status == HF_LIMIT)
        watch->limit = status;
    else
        watch->later = true;
    watch->there = false;
    s_move (core, watch);
}

void
hf_client_watch_events (hf_client_core_t *core, uint32_t node, const hf_events_t *events)
{
    hf_client_watch_t *watch = s_find (core, events->id);
    core->watching.heard_us[node] = core->now_us;
    if (!watch || watch->node != (int)node)
        return;
    if (events->status == HF_OK)
        s_take (core, watch, events);
    else
        s_refuse (core, watch, events);
}

//  ---- nodes ------------------------------------------------------------------------

void
hf_client_watch_connected (hf_client_core_t *core, uint32_t node)
{
    core->watching.silent &= ~(1U << node);
    HF_CHAIN_EACH_SAFE (&core->watching.idle, at)
    {
        hf_client_watch_t *watch = HF_AROUND (at, hf_client_watch_t, chain);
        if (watch->ended || watch->node >= 0)
            continue;
        watch->pauses = 0; //  what it waited for has changed
        s_place (core, watch);
    }
}

/*  All watches of NODE go to others. */
static void
s_leave (hf_client_core_t *core, uint32_t node)
{
    HF_CHAIN_EACH_SAFE (&core->watching.at[node], at)
    {
        hf_client_watch_t *watch = HF_AROUND (at, hf_client_watch_t, chain);
        s_move_on (core, watch);
    }
}

void
hf_client_watch_broken (hf_client_core_t *core, uint32_t node)
{
    s_leave (core, node);
}

void
hf_client_watch_forget (hf_client_core_t *core, uint32_t node)
{
    assert (hf_chain_empty (&core->watching.at[node]));
    core->watching.heard_us[node] = 0;
    core->watching.silent &= ~(1U << node);
    hf_table_node_t *at = hf_table_first (&core->watching.by_id);
    for (; at; at = hf_table_next (&core->watching.by_id, at)) {
        hf_client_watch_t *watch = HF_AROUND (at, hf_client_watch_t, by_id);
        watch->refused &= ~(1U << node);
        if (watch->gap_node == (int)node)
            watch->gap_node = -1;
    }
}

/*  NODE does not take a frame of ours, and does not say which. */
void
hf_client_watch_refused (hf_client_core_t *core, uint32_t node, hf_status_t status)
{
    bool final = status < HF_TIMEOUT && status > HF_NOT_GRANTED;
    HF_CHAIN_EACH_SAFE (&core->watching.at[node], at)
    {
        hf_client_watch_t *watch = HF_AROUND (at, hf_client_watch_t, chain);
        if (watch->asked && watch->node == (int)node) {
            watch->limit = final ? status : HF_MALFORMED;
            s_move (core, watch);
        }
    }
}

//  ---- time -------------------------------------------------------------------------

/*  The watch's own timer: no answer, the time to ask again, or the end of a pause. */
static void
s_wake (hf_client_core_t *core, hf_client_watch_t *watch)
{
    if (watch->node < 0) {
        s_place (core, watch);
    } else if (!watch->asked) {
        s_send (core, watch);
    } else if (HF_MUTANT (silence_watched)) {
        watch->asked = false;
    } else if (core->watching.heard_us[watch->node] < watch->sent_us) {
        core->watching.silent |= 1U << watch->node;
        s_leave (core, (uint32_t)watch->node);
    } else {
        s_move_on (core, watch);
    }
}

/*  When NODE is to be asked whether it is there. */
static uint64_t
s_ping_us (const hf_client_core_t *core, uint32_t node)
{
    const hf_chain_t *all = &core->watching.at[node];
    if (hf_chain_empty (all) || HF_AROUND (all->prev, hf_client_watch_t, chain)->asked)
        return HF_NEVER;
    return core->watching.heard_us[node] + PING_US;
}

void
hf_client_watch_turn (hf_client_core_t *core)
{
    hf_heap_node_t *timer;
    while ((timer = hf_heap_take (&core->watching.timers, core->now_us)))
        s_wake (core, HF_AROUND (timer, hf_client_watch_t, timer));
    for (uint32_t node = 0; node < HF_MEMBERS_MAX; node++)
        if (core->now_us >= s_ping_us (core, node))
            s_send (core, HF_AROUND (core->watching.at[node].next, hf_client_watch_t, chain));
}

uint64_t
hf_client_watch_due_us (const hf_client_core_t *core)
{
    uint64_t due_us = hf_heap_key (&core->watching.timers);
    for (uint32_t node = 0; node < HF_MEMBERS_MAX; node++) {
        uint64_t ping_us = s_ping_us (core, node);
        due_us = ping_us < due_us ? ping_us : due_us;
    }
    return due_us;
}

//  ---- opening and closing --------------------------------------------------------------

void
hf_client_watch_open (hf_client_core_t *core, hf_op_t *op)
{
    hf_client_watch_t *watch = hf_alloc (sizeof *watch);
    watch->id = core->next_key++;
    watch->opening = op;
    watch->arg = op->arg;
    watch->what = op->what;
    watch->after = op->offset;
    watch->size = op->lock_size;
    watch->node = -1;
    assert (op->lock_size < sizeof watch->prefix);
    memcpy (watch->prefix, op->text, op->lock_size);
    s_forgive (watch);
    op->watch = watch;
    op->start_us = core->now_us;
    hf_heap_set (&core->op_timers, &op->timer, op->limit_us);
    hf_table_insert (&core->watching.by_id, &watch->by_id, watch->id);
    hf_chain_append (&core->watching.idle, &watch->chain);
    s_place (core, watch);
}

/*  The limit of an opening has passed. */
void
hf_client_watch_limit (hf_client_core_t *core, hf_op_t *op)
{
    s_end (core, op->watch, hf_client_core_silence (core, 0, op->start_us));
}

void
hf_client_watch_close (hf_client_core_t *core, hf_op_t *op)
{
    s_free (core, op->watch);
    hf_op_done (core, op, HF_OK);
}

void
hf_client_watch_init (hf_client_core_t *core)
{
    hf_table_init (&core->watching.by_id);
    hf_chain_init (&core->watching.idle);
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        hf_chain_init (&core->watching.at[i]);
}

/*  The client ends: its links do, too. */
void
hf_client_watch_stop (hf_client_core_t *core)
{
    hf_table_node_t *node;
    while ((node = hf_table_first (&core->watching.by_id))) {
        hf_client_watch_t *watch = HF_AROUND (node, hf_client_watch_t, by_id);
        if (watch->opening)
            s_opened (core, watch, HF_CLOSED);
        s_free (core, watch);
    }
}

void
hf_client_watch_done (hf_client_core_t *core)
{
    hf_table_done (&core->watching.by_id);
    hf_heap_done (&core->watching.timers);
}

//  ---- events, read -------------------------------------------------------------------

/*  At most SIZE - 1 bytes of what a node says for people. */
static const char *
s_text (char *text, size_t size, hf_span_t from)
{
    size_t length = from.size < size ? from.size : size - 1;
    if (!hf_text_valid (from))
        length = 0;
    if (length > 0)
        memcpy (text, from.at, length);
    text[length] = 0;
    return text;
}

bool
hf_op_next_event (const hf_op_t *op, hf_op_events_t *self)
{
    if (op->what != 0) {
        self->event = (hf_watch_event_t){.what = op->what,
                                         .number = op->offset,
                                         .name = "",
                                         .label = "",
                                         .note = "",
                                         .status = op->result.status};
        return self->at++ == 0;
    }
    if (self->at >= op->reply_size)
        return false;
    hf_scan_t scan = hf_scan (op->reply + self->at, op->reply_size - self->at);
    hf_happened_t happened;
    bool good = hf_happened_get (&scan, &happened);
    assert (good); //  it was read before
    (void)good;
    self->at = (size_t)(scan.at - op->reply);
    self->event =
        (hf_watch_event_t){.what = happened.what,
                           .number = happened.number,
                           .index = happened.index,
                           .name = s_text (self->name, sizeof self->name, happened.name),
                           .session = happened.session,
                           .token = happened.token,
                           .units = happened.units,
                           .size = happened.size,
                           .label = s_text (self->label, sizeof self->label, happened.label),
                           .note = s_text (self->note, sizeof self->note, happened.note)};
    return true;
}
