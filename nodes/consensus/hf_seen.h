/*  hf_seen.h - what a node remembers of another's disk, and whether an opening of it is of an old
 *  copy. Pure arithmetic; hf_core_seen.c says why it is right.
 */
#ifndef HF_SEEN_H_INCLUDED
#define HF_SEEN_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

/*  A node's term, whether it voted in it, and an index: as its folder was opened, or as it has
 *  promised. */
typedef struct hf_seen_mark {
    uint64_t term;
    bool voted;
    uint64_t index;
} hf_seen_mark_t;

/*  What is known of a member's disk: the latest opening that was heard of, what it has promised,
 * and what other openings before it have. START 0: nothing. */
typedef struct hf_seen {
    uint64_t incarnation, start, life;
    hf_seen_mark_t promised, before;
} hf_seen_t;

/*  What a message says of a disk. Of a mark that a leader tells OPENED is not known. */
typedef struct hf_said {
    uint64_t incarnation, start, life;
    hf_seen_mark_t opened, promised;
} hf_said_t;

/*  Whether the opening that SAID names is old. */
bool hf_seen_old (const hf_seen_t *seen, const hf_said_t *said);
/*  Remember SAID, which is true of that disk: of an opening that is not old, or told by a leader.
 */
void hf_seen_take (hf_seen_t *seen, const hf_said_t *said);
/*  The least mark that is not below what any opening promised. */
hf_seen_mark_t hf_seen_promised (const hf_seen_t *seen);

#endif
