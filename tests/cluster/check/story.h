/*  story.h - makes histories that are true: a service and its clients, played in memory.
 *
 *  Shares no code with the service or the checker. The seed decides everything.
 */
#ifndef HF_CHECK_STORY_H_INCLUDED
#define HF_CHECK_STORY_H_INCLUDED

#include "tests/cluster/check/hf_history.h"

#define STORY_LOCKS   5
#define STORY_FILES   3
#define STORY_CLIENTS 12

typedef void (story_fn) (void *arg, const hf_record_t *record);

typedef struct story_file {
    char *bytes;
    size_t size, room;
} story_file_t;

typedef struct story {
    story_file_t file[STORY_FILES]; //  as they are in the end
    const char *file_name[STORY_FILES];
} story_t;

/*  Play until FN was called for OPERATIONS. Files are the caller's, to free with story_done. */
void story_play (story_t *self, uint64_t seed, size_t operations, story_fn *fn, void *arg);
void story_done (story_t *self);

#endif
