//  Old copies: a node whose folder was put back as it was a while ago has the right incarnation,
//  but lacks votes and entries that it has promised since. Its acks and votes must not count.
//
//  A node says, in each ack, vote and request for votes, how often its disk was opened (START), a
//  random number of this opening (LIFE), and its opening mark: term, whether it had voted in it,
//  last index. Peers remember, for the disk on record, the latest opening that they heard of and
//  what was promised. An opening is old when a later one was seen; when another one has the same
//  number; or when its opening mark is below what an earlier opening promised.
//
//  A disk that lost nothing is never old. START is durable before the first message of an opening.
//  A term is durable before a message names it, a vote before it is told, entries before they are
//  acknowledged; and what was acknowledged in a term is a part of its leader's log, so it is never
//  truncated in that term: not by entries, and not by a state that is swapped in, which only takes
//  the place of a log that lacks the state's last entry. In a higher term it may be truncated: so a
//  shorter log is a sign in the term of the promise alone.
//
//  What is remembered is in memory alone. Acks and votes reach one peer, so a leader tells all what
//  it knows with its heartbeats. When every node is put back at once, nobody remembers: that cannot
//  be noticed, and the cluster must not take itself to pieces over it.

#include "nodes/consensus/hf_core_internal.h"

//  ---- what peers say ------------------------------------------------------------------------

/*  What an index above the end of our log promises we cannot know. */
static uint64_t
s_acked (const hf_core_t *self, const hf_ack_t *m)
{
    return m->index <= self->log.last_index ? m->index : 0;
}

/*  What M says of the disk of its sender. A pre-vote promises nothing. False: M says nothing. */
static bool
s_read (const hf_core_t *self, const hf_peer_message_t *m, hf_said_t *said)
{
    *said = (hf_said_t){.start = 0};
#define OPENING(name)                                                                              \
    said->incarnation = m->name.incarnation;                                                       \
    said->start = m->name.start;                                                                   \
    said->life = m->name.life;                                                                     \
    said->opened = (hf_seen_mark_t)                                                                \
    {                                                                                              \
        m->name.open_term, m->name.open_voted, m->name.open_index                                  \
    }
    switch (m->kind) {
    case HF_KIND_ACK:
        OPENING (ack);
        said->promised = (hf_seen_mark_t){m->ack.term, false, s_acked (self, &m->ack)};
        break;
    case HF_KIND_VOTE:
        OPENING (vote);
        if (m->vote.granted && !m->vote.pre)
            said->promised = (hf_seen_mark_t){m->vote.term, true, 0};
        break;
    case HF_KIND_VOTE_REQUEST:
        OPENING (vote_request);
        if (!m->vote_request.pre) //  it has voted for itself
            said->promised = (hf_seen_mark_t){m->vote_request.term, true, 0};
        break;
    default:
        break;
    }
#undef OPENING
    return said->start > 0;
}

/*  What we remember of the disk that the roster in force names for NODE, if that is INCARNATION;
 *  NULL: it is another, or the cluster is at level 0. */
static hf_seen_t *
s_seen (hf_core_t *self, uint32_t node, uint64_t incarnation)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    uint32_t slot = hf_core_slot (self, node);
    if (roster == NULL || roster->is.level == 0 || slot == HF_MEMBERS_MAX || slot == self->slot ||
        incarnation == 0 || roster->incarnation[slot] != incarnation)
        return NULL;
    hf_seen_t *seen = &self->seen[slot];
    if (seen->incarnation != incarnation)
        *seen = (hf_seen_t){.incarnation = incarnation};
    return seen;
}

/*  A mutant that lets messages of a copy pass. */
static bool
s_passes (uint32_t kind)
{
    return (kind == HF_KIND_ACK && HF_MUTANT (copy_acks)) ||
           (kind == HF_KIND_VOTE && HF_MUTANT (copy_votes)) ||
           (kind == HF_KIND_VOTE_REQUEST && HF_MUTANT (copy_raises_term));
}

bool
hf_core_refuses_copy (hf_core_t *self, const hf_peer_message_t *message, hf_effects_t *effects)
{
    hf_said_t said;
    if (!s_read (self, message, &said))
        return false;
    hf_seen_t *seen = s_seen (self, message->head.from, said.incarnation);
    if (seen == NULL)
        return false;
    if (!hf_seen_old (seen, &said)) {
        hf_seen_take (seen, &said);
        return false;
    }
    if (s_passes (message->kind))
        return false;
    assert (self->term > 0); //  there is a roster
    hf_old_copy_t *m =
        &hf_core_send (self, HF_KIND_OLD_COPY, message->head.from, effects)->message.old_copy;
    m->incarnation = said.incarnation;
    m->start = said.start;
    m->life = said.life;
    return true;
}

//  ---- told by the leader ------------------------------------------------------------------------

static void
s_tell (hf_core_t *self, uint32_t slot, const hf_seen_t *seen, hf_seen_mark_t promised)
{
    hf_mark_put (&self->marks, &(hf_mark_t){.node = self->nodes[slot],
                                            .incarnation = seen->incarnation,
                                            .start = seen->start,
                                            .life = seen->life,
                                            .term = promised.term,
                                            .voted = promised.voted,
                                            .index = promised.index});
}

hf_list_t
hf_core_tell_marks (hf_core_t *self)
{
    const hf_core_roster_t *roster = hf_core_roster (self);
    hf_pack_reset (&self->marks);
    if (roster == NULL || roster->is.level == 0)
        return hf_pack_list (&self->marks);
    for (uint32_t slot = 0; slot < HF_MEMBERS_MAX; slot++) {
        const hf_seen_t *seen = &self->seen[slot];
        if (self->nodes[slot] != 0 && seen->start > 0 &&
            seen->incarnation == roster->incarnation[slot])
            s_tell (self, slot, seen, hf_seen_promised (seen));
    }
    //  A leader counts itself for what is durable here.
    hf_seen_t own = {self->config.incarnation, self->config.start, self->config.life,
                     .promised = {self->term, true, self->durable_index}};
    if (self->slot < HF_MEMBERS_MAX && own.start > 0)
        s_tell (self, self->slot, &own, own.promised);
    return hf_pack_list (&self->marks);
}

void
hf_core_hear_marks (hf_core_t *self, const hf_heartbeat_t *m)
{
    hf_scan_t scan = hf_scan_list (m->marks);
    hf_mark_t mark;
    for (uint32_t i = 0; i < m->marks.count && hf_mark_get (&scan, &mark); i++) {
        hf_said_t said = {.incarnation = mark.incarnation,
                          .start = mark.start,
                          .life = mark.life,
                          .promised = {mark.term, mark.voted, mark.index}};
        bool sane = mark.start > 0 && mark.start < HF_CORE_AHEAD_MAX && mark.term <= m->term &&
                    mark.index < HF_CORE_NUMBER_MAX;
        hf_seen_t *seen = sane ? s_seen (self, mark.node, mark.incarnation) : NULL;
        if (seen != NULL && !HF_MUTANT (marks_not_told))
            hf_seen_take (seen, &said);
    }
}

//  ---- our own folder ----------------------------------------------------------------------------

/*  Whatever term it is of: a peer that refuses our messages does not take over their term. */
void
hf_core_on_old_copy (hf_core_t *self, const hf_old_copy_t *m, hf_effects_t *effects)
{
    const hf_core_config_t *config = &self->config;
    //  Also an answer to a message of an earlier life comes here, late.
    bool this_life =
        (m->start == config->start && m->life == config->life) || HF_MUTANT (any_life_renews);
    if (self->old || config->start == 0 || m->incarnation != config->incarnation || !this_life)
        return;
    hf_core_step_down (self, self->term, effects);
    self->old = true;
    hf_core_notice (self, HF_NOTICE_OLD, m->from, 0, effects);
}
