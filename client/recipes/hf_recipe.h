/*  hf_recipe.h - what the recipes share; nothing of it is exported.
 *
 *  A recipe keeps what its session holds as a grant; token 0: nothing. What must outlive its
 *  parties it keeps in a replicated file of numbers, one to a line, all of the same length.
 */
#ifndef HF_RECIPE_H_INCLUDED
#define HF_RECIPE_H_INCLUDED

#include "base/hf_alloc.h"
#include "client/holdfast.h"
#include <stdlib.h>
#include <string.h>

#define HF_LINE_SIZE 21 //  20 digits and a newline

/*  A copy of NAME with SUFFIX, for free (). */
char *hf_recipe_name (const char *name, const char *suffix);

/*  A limit in time over several calls: when it ends, and what is left of it. */
uint64_t hf_recipe_until_ms (uint32_t limit_ms);
uint32_t hf_recipe_left_ms (uint64_t until_ms);

/*  Give up the hold of GRANT, and forget it unless the request was refused at once. */
hf_status_t hf_recipe_release (hf_session_t *session, const char *name, hf_grant_t *grant,
                               uint32_t limit_ms);

/*  Give up the hold of TOKEN and what was appended, in the background. */
void hf_recipe_drop (hf_session_t *session, const char *name, uint64_t token);

/*  How many lines FILE has; none when there is no such file. */
hf_status_t hf_recipe_lines (hf_client_t *client, const char *file, uint64_t *lines,
                             uint32_t limit_ms);
/*  Append NUMBER to FILE in the section of TOKEN of LOCK, and release that. */
hf_status_t hf_recipe_write (hf_session_t *session, const char *lock, uint64_t token,
                             const char *file, uint64_t number, uint64_t until_ms);

/*  A bell rings when something happens to a name, so that a recipe that waits looks again. */
typedef struct hf_bell hf_bell_t;

typedef struct hf_bell_config {
    hf_client_t *client;
    uint32_t what;           //  HF_WATCH_LOCKS, HF_WATCH_FILES
    const char *name, *also; //  ALSO begins with NAME; NULL: none. Neither is copied
    uint32_t events;         //  HF_BELL (what happened) | ...
} hf_bell_config_t;
#define HF_BELL(happened) (1U << HF_HAPPENED_##happened)

/*  HF_INVALID: the client's program dispatches, so a call that blocks would never hear of anything.
 *  */
hf_status_t hf_bell_open (const hf_bell_config_t *config, uint32_t limit_ms, hf_bell_t **bell_p);
void hf_bell_close (hf_bell_t **self_p);
/*  Wait until it rings, or has rung since the last wait. HF_TIMEOUT, or why the watch ended. */
hf_status_t hf_bell_wait (hf_bell_t *self, uint64_t until_ms);

#endif
