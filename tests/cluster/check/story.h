/*  story.h - makes histories that are true: a service and its clients, played in memory.
 *
 *  Shares no code with the service or the checker. The seed decides everything.
 */
#ifndef HF_CHECK_STORY_H_INCLUDED
#define HF_CHECK_STORY_H_INCLUDED

#include "base/hf_array.h"
#include "tests/cluster/check/hf_history.h"

#define STORY_FILES 3

typedef struct story {
    HF_ARRAY (hf_record_t) records;
    HF_ARRAY (char) file[STORY_FILES]; //  as they are in the end
} story_t;

extern const char *const story_files[STORY_FILES];

/*  Play until there are OPERATIONS records or a few more. */
void story_play (story_t *self, uint64_t seed, size_t operations);
void story_done (story_t *self);

#endif
