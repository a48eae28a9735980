/*  crew.h - clients that append to two files for as long as a test changes the nodes under them,
 *  and count what was acknowledged.
 *
 *      alice   this library, alone at file "alice"
 *      bob     this library, at file "both"
 *      old     the previous release's `holdfast append`, again and again, at file "both"
 *      new     this release's, at file "new"
 *
 *  Each writes lines "NAME NUMBER;", the numbers from 1 on. No call may fail.
 */
#ifndef HF_PREVIOUS_CREW_H_INCLUDED
#define HF_PREVIOUS_CREW_H_INCLUDED

#include <stdbool.h>

typedef struct crew crew_t;

/*  The tools are the `holdfast` of both releases; FOLDER is for what they leave behind. To be
 * called on the main thread. */
crew_t *crew_new (const char *endpoints, const char *old_tool, const char *new_tool,
                  const char *folder);

/*  Wait until each has appended more, print how long each had to wait from line to line since the
 *  last phase (p50, p99, the longest; and how many times those of crew_base it is), and begin the
 *  next. False, with the reason on stderr: one has failed, or is stuck. */
bool crew_phase (crew_t *self, const char *name);
/*  The same; later phases are compared to this one. */
bool crew_base (crew_t *self, const char *name);

/*  End them. False, with the reason on stderr, when a call of theirs has failed. */
bool crew_stop (crew_t *self);

/*  After crew_stop: the content of FILE has each of their lines once, in order, and nothing else.
 *  If not, the reason is on stderr. */
bool crew_wrote (const crew_t *self, const char *file, const char *content);

void crew_destroy (crew_t **self_p);

#endif
