/*  hf_http_pick.h - a part of a long list: rows with a text in them, in an order, a page of it.
 *
 *  Rows come one after the other and are kept only while they can be in the answer: memory is that
 *  of OFFSET + LIMIT rows, twice.
 */
#ifndef HF_HTTP_PICK_H_INCLUDED
#define HF_HTTP_PICK_H_INCLUDED

#include "base/hf_array.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define HF_HTTP_LIMIT_MAX  1000
#define HF_HTTP_OFFSET_MAX 10000
#define HF_HTTP_LOOKED_MAX 100000 //  rows: each page of them costs a walk over the whole list

/*  Parameters of a path, as they came; NULL: not given. */
typedef struct hf_http_params {
    const char *search; //  a part of a name, label or note; ASCII letters of either case
    const char *sort;   //  "name" (as the list comes), "waiters" (most first), "age" (oldest hold)
    const char *offset, *limit; //  of what matches, skip so many and give so many
    const char *after;          //  of events: the number of the last that is known
} hf_http_params_t;

typedef struct hf_http_pick {
    char search[256];                            //  in small letters
    int (*compare) (const void *, const void *); //  of json_t *; NULL: as they come
    uint32_t offset, limit;                      //  limit 0: every row is wanted, as it comes
    uint64_t looked, found;                      //  rows so far; those that match
    bool stopped;                                //  before rows that could be in the answer
    HF_ARRAY (json_t *) rows;
} hf_http_pick_t;

/*  Decimal digits alone, from LEAST to MOST. */
bool hf_http_number (const char *text, uint64_t least, uint64_t most, uint64_t *number);

/*  Read PARAMS. Gives NULL, or what is wrong with them, in one line. */
const char *hf_http_pick_init (hf_http_pick_t *self, const hf_http_params_t *params);
void hf_http_pick_done (hf_http_pick_t *self);

/*  The next ROW, which stays the caller's. False: no later one can be in the answer. */
bool hf_http_pick_add (hf_http_pick_t *self, json_t *row);

/*  {KEY: [...], "more": whether more match, "found": how many, if all were seen (ALL)}. When it was
 *  STOPPED, there may be more, and "looked" says at how many rows it looked. */
json_t *hf_http_pick_answer (hf_http_pick_t *self, const char *key, bool all);

#endif
