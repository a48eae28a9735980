//  Openings of a disk, and what they promised. A promise is only ever compared with the opening
//  mark of another opening: so it does no harm to take one for that of a later opening than it was.

#include "nodes/consensus/hf_seen.h"
#include "base/hf_mutant.h"

//  ---- marks -----------------------------------------------------------------------------

static bool
s_below (const hf_seen_mark_t *a, const hf_seen_mark_t *b)
{
    if (HF_MUTANT (shorter_is_old) && a->index < b->index)
        return true;
    if (a->term != b->term)
        return a->term < b->term;
    return (b->voted && !a->voted && !HF_MUTANT (lost_vote_unseen)) || a->index < b->index;
}

/*  MARK becomes the least that is not below itself nor below BY. */
static void
s_raise (hf_seen_mark_t *mark, const hf_seen_mark_t *by)
{
    if (by->term > mark->term)
        *mark = *by;
    else if (by->term == mark->term) {
        mark->voted = mark->voted || by->voted;
        mark->index = by->index > mark->index ? by->index : mark->index;
    }
}

//  ---- openings ----------------------------------------------------------------------------

bool
hf_seen_old (const hf_seen_t *seen, const hf_said_t *said)
{
    if (said->start < seen->start)
        return !HF_MUTANT (earlier_start_taken);
    if (said->start == seen->start && said->life != seen->life && !HF_MUTANT (life_unread))
        return true;
    if (s_below (&said->opened, &seen->before))
        return true;
    return said->start > seen->start && s_below (&said->opened, &seen->promised);
}

void
hf_seen_take (hf_seen_t *seen, const hf_said_t *said)
{
    if (said->start > seen->start) {
        s_raise (&seen->before, &seen->promised);
        seen->promised = (hf_seen_mark_t){.term = 0};
        seen->start = said->start;
        seen->life = said->life;
    }
    //  Of another opening with the same number, or of an earlier one: ours must have it.
    bool same = said->start == seen->start && said->life == seen->life;
    s_raise (same ? &seen->promised : &seen->before, &said->promised);
}

hf_seen_mark_t
hf_seen_promised (const hf_seen_t *seen)
{
    hf_seen_mark_t promised = seen->promised;
    s_raise (&promised, &seen->before);
    return promised;
}
