//  One turn of a client, by whoever drives it: drain, let the core decide, give results, send.

#include "client/io/hf_io.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_PER_TURN 256
#define ROUNDS_PER_TURN 4
#define WAIT_MAX_US     60000000
#define KEYS_US         1000000 //  between two looks at the folder of keys
#define TROUBLE_US      50000   //  between two looks at what keeps it from nodes

//  ---- results ----------------------------------------------------------------

/*  Leave a session without a handle, and end it in the cluster. */
static void
s_close_unused (hf_client_t *self, hf_session_t *session)
{
    hf_op_t *close = hf_op_close (hf_client_session_id (session->core));
    close->limit_us = hf_io_until_us (hf_client_session_ttl_ms (session->core));
    hf_op_t *leave = hf_op_leave (session->core);
    leave->arg = session;
    if (hf_io_post (self, session, leave))
        hf_io_post (self, NULL, close);
    else
        hf_op_free (close);
}

static void
s_close_watch (hf_client_t *self, hf_watch_t *watch)
{
    hf_op_t *close = hf_op_unwatch (watch->core);
    close->arg = watch;
    hf_io_post (self, NULL, close);
}

/*  A blocking call is done after its caller gave up: take back what it got. */
static void
s_undo (hf_client_t *self, hf_op_t *op)
{
    hf_op_t *back;
    bool good = op->result.status == HF_OK;
    if (op->kind == HF_OP_OPEN && good)
        s_close_unused (self, op->arg);
    else if (op->kind == HF_OP_WATCH && good)
        s_close_watch (self, op->arg);
    else if (op->kind == HF_OP_OPEN || op->kind == HF_OP_WATCH)
        free (op->arg);
    else if (op->kind == HF_OP_ACQUIRE && good &&
             hf_op_end (op->session, HF_OP_GIVE_BACK, 0, op->text, op->result.token,
                        hf_io_now_us (), &back) == HF_OK)
        hf_io_post (self, op->arg, back);
}

static void
s_watch_handle (hf_client_t *self, const hf_op_t *op)
{
    hf_watch_t *watch = op->arg;
    if (op->kind == HF_OP_WATCH && op->result.status == HF_OK) {
        watch->core = op->watch;
        hf_chain_append (&self->watches, &watch->chain);
    } else if (op->kind == HF_OP_UNWATCH) {
        hf_chain_remove (&watch->chain);
    }
}

/*  A handle is in its list as long as its session, or its watch, is in the core. Who waited for the
 *  closing frees it, or hf_io_give. */
static void
s_handle (hf_client_t *self, const hf_op_t *op)
{
    hf_session_t *session = op->arg;
    s_watch_handle (self, op);
    if (op->kind == HF_OP_OPEN && op->result.status == HF_OK) {
        session->core = op->session;
        hf_chain_append (&self->sessions, &session->chain);
    } else if (op->kind == HF_OP_LEAVE) {
        hf_chain_remove (&session->chain);
    }
}

/*  Before who waits for it goes on. */
static void
s_note_refusal (hf_client_t *self, const hf_op_t *op)
{
    const char *why = op->result.text ? op->result.text : "";
    pthread_mutex_lock (&self->mutex);
    snprintf (self->denied, sizeof self->denied, "%s", why);
    pthread_mutex_unlock (&self->mutex);
}

static void
s_result (hf_client_t *self, hf_op_t *op)
{
    if (op->waiter && (op->result.status == HF_DENIED || op->result.status == HF_LIMIT))
        s_note_refusal (self, op);
    if (op->waiter || op->kind == HF_OP_LEAVE || op->kind == HF_OP_UNWATCH)
        s_handle (self, op);
    if (!op->waiter) {
        hf_io_give (self, op);
    } else if (!hf_waiter_give (op->waiter, op)) {
        s_undo (self, op);
        hf_op_free (op);
    }
}

/*  A call gives no results to callbacks, and none that come after one of those: they stay in the
 *  core, which checks a grant when it is given: others need no clock. Gives whether there were any,
 *  which may have taken time. */
static bool
s_results (hf_client_t *self)
{
    const hf_op_t *op;
    bool any = false, loop = hf_loop_here (self->loop);
    while ((op = hf_client_core_peek (self->core))) {
        if (!loop && !op->waiter && hf_io_calls_back (self, op))
            break;
        uint64_t now_us = hf_op_grants (op) ? hf_io_now_us () : 0;
        s_result (self, hf_client_core_next (self->core, now_us));
        any = true;
    }
    return any;
}

bool
hf_turn_left (const hf_client_t *self)
{
    return hf_client_core_peek (self->core) != NULL;
}

void
hf_turn_late (hf_client_t *self)
{
    assert (hf_loop_here (self->loop));
    s_results (self);
}

//  ---- in and out -------------------------------------------------------------

/*  Gives how many events there were, of at most MOST. The time of a frame is read when it is here;
 *  until there is one, NOW_US will do. */
static int
s_drain_link (hf_client_t *self, hf_io_node_t *from, int most, uint64_t now_us)
{
    uint32_t node = from->endpoint.id;
    hf_span_t bytes;
    int count = 0;
    while (count < most && from->link) {
        hf_link_event_type_t event = hf_link_next (from->link, now_us, &bytes);
        if (event == HF_LINK_NONE)
            return count;
        now_us = hf_io_now_us ();
        switch (event) {
        case HF_LINK_FRAME:
            hf_client_core_frame (self->core, node, bytes, now_us);
            break;
        case HF_LINK_CONNECTED:
            from->up = true;
            hf_client_core_connected (self->core, node, now_us);
            break;
        case HF_LINK_BROKEN:
            from->up = false;
            hf_client_core_broken (self->core, node, now_us);
            break;
        case HF_LINK_REFUSED:
            hf_client_core_refused (self->core, node, now_us);
            break;
        default: //  HF_LINK_SNUBBED
            self->snubbed = true;
        }
        count++;
        s_results (self);
        //  What an old link still has is not to be taken for the new one's.
        if (hf_io_links_follow (self))
            break;
    }
    return count;
}

static int
s_drain (hf_client_t *self, int most)
{
    int count = 0;
    uint64_t now_us = hf_io_now_us ();
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        if (!self->nodes[i].link)
            continue;
        count += s_drain_link (self, &self->nodes[i], most, now_us);
        if (self->nodes[i].link && hf_link_waits (self->nodes[i].link))
            hf_link_flush (self->nodes[i].link);
    }
    return count;
}

/*  With the mutex held. */
static void
s_woken (hf_client_t *self)
{
    uint64_t count;
    if (self->woken && read (self->wake_fd, &count, sizeof count) == sizeof count)
        self->woken = false;
}

/*  What was handed over; callbacks may hand over more, so until there is none, within reason. */
static void
s_inbox (hf_client_t *self)
{
    for (int round = 0; round < 4; round++) {
        hf_chain_t taken;
        hf_chain_init (&taken);
        pthread_mutex_lock (&self->mutex);
        s_woken (self);
        if (!hf_chain_empty (&self->inbox)) {
            taken = self->inbox;
            taken.next->prev = taken.prev->next = &taken;
            hf_chain_init (&self->inbox);
        }
        pthread_mutex_unlock (&self->mutex);
        if (hf_chain_empty (&taken))
            return;
        uint64_t now_us = hf_io_now_us ();
        while (!hf_chain_empty (&taken)) {
            hf_op_t *op = HF_AROUND (taken.next, hf_op_t, chain);
            hf_chain_remove (&op->chain);
            hf_client_core_submit (self->core, op, now_us);
            if (s_results (self))
                now_us = hf_io_now_us ();
        }
    }
}

/*  A frame that a link does not take is lost: the core hears of it and sends again. */
static void
s_send (hf_client_t *self)
{
    hf_outbox_t *outbox = hf_client_core_outbox (self->core);
    for (size_t i = 0; i < outbox->frames.count; i++) {
        const hf_out_frame_t *frame = &outbox->frames.list[i];
        hf_span_t bytes = hf_outbox_bytes (outbox, frame);
        for (uint32_t at = 0; at < HF_MEMBERS_MAX; at++) {
            const hf_io_node_t *node = &self->nodes[at];
            if (node->endpoint.id == frame->peer &&
                !(node->link && hf_link_send (node->link, bytes.at, bytes.size)))
                hf_client_core_unsent (self->core, frame->peer, hf_io_now_us ());
        }
    }
    hf_outbox_reset (outbox);
}

//  ---- names and keys ---------------------------------------------------------------

/*  A node may have a new key, which is in the folder by now. */
static void
s_look_at_keys (hf_client_t *self)
{
    uint64_t now_us = hf_io_now_us ();
    if (!self->keys || now_us < self->keys_us + KEYS_US)
        return;
    self->keys_us = now_us;
    hf_keys_refresh (self->keys, NULL, NULL);
}

/*  It knows of no trouble, and there can be none. */
static bool
s_sound (const hf_client_t *self)
{
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        if (self->nodes[i].endpoint.id != 0 && !self->nodes[i].up)
            return false;
    return self->trouble[0] == 0; //  only the driver writes it
}

static void
s_names (hf_client_t *self)
{
    hf_looked_t answer;
    char text[HF_CLIENT_ERROR_SIZE] = "", line[400];
    uint64_t now_us = hf_io_now_us ();
    bool later = !self->resolver && !self->snubbed && now_us < self->told_us;
    self->untold = later && !s_sound (self);
    if (later)
        return;
    self->told_us = now_us + TROUBLE_US;
    if (self->snubbed)
        s_look_at_keys (self);
    while (self->resolver && hf_resolver_next (self->resolver, &answer))
        for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
            if (self->nodes[i].link && self->nodes[i].tag == answer.tag)
                hf_link_resolved (self->nodes[i].link, &answer, now_us);
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        const hf_link_t *link = self->nodes[i].link;
        size_t used = strlen (text);
        if (link && hf_link_trouble (link, now_us, line, sizeof line))
            snprintf (text + used, sizeof text - used, "%s%s", used > 0 ? "; " : "", line);
    }
    self->snubbed = self->snubbed && text[0] != 0;
    pthread_mutex_lock (&self->mutex);
    strcpy (self->trouble, text);
    pthread_mutex_unlock (&self->mutex);
}

//  ---- a turn -----------------------------------------------------------------

/*  Sending may take in, by the way, what a descriptor would have told of: so the links that were
 *  sent on are asked once more, and what they have is another round. While frames come one by one,
 *  that is also how a link is found empty: each question costs two system calls. */
void
hf_turn (hf_client_t *self)
{
    //  Sockets before timers: after a stall the answers may already be here.
    int round = 0, more = s_drain (self, self->sparse ? 1 : FRAMES_PER_TURN), count = more;
    do {
        s_names (self);
        s_inbox (self);
        hf_client_core_turn (self->core, hf_io_now_us ());
        s_results (self);
        hf_io_links_follow (self);
        s_send (self);
        more = ++round < ROUNDS_PER_TURN ? s_drain (self, FRAMES_PER_TURN) : 0;
        count += more;
    } while (more > 0);
    self->sparse = count <= 1;
}

uint64_t
hf_turn_due_us (hf_client_t *self)
{
    if (!hf_chain_empty (&self->inbox) || self->stop || hf_turn_left (self))
        return 0;
    uint64_t due_us = hf_client_core_due_us (self->core);
    due_us = self->retry_us < due_us ? self->retry_us : due_us;
    due_us = self->untold && self->told_us < due_us ? self->told_us : due_us;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        if (!self->nodes[i].link)
            continue;
        if (hf_link_asks (self->nodes[i].link))
            return 0;
        uint64_t link_us = hf_link_due_us (self->nodes[i].link);
        due_us = link_us < due_us ? link_us : due_us;
    }
    return due_us;
}

int
hf_turn_wait_ms (uint64_t due_us)
{
    uint64_t now_us = hf_io_now_us ();
    if (due_us <= now_us)
        return 0;
    uint64_t wait_us = due_us - now_us < WAIT_MAX_US ? due_us - now_us : WAIT_MAX_US;
    return (int)((wait_us + 999) / 1000);
}

void
hf_turn_end (hf_client_t *self)
{
    //  Callbacks can submit no more, so this ends.
    hf_turn_late (self);
    s_inbox (self);
    hf_client_core_stop (self->core);
    s_results (self);
}
