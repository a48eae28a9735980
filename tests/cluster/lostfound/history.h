/*  history.h - what clients saw, and whether it can be true.
 *
 *  Every client writes a history of its own; afterwards they are merged and
 *  checked against each other and against the bytes on the nodes' disks.
 *  Nothing here knows how the service works: only what it promises.
 */
#ifndef HF_HISTORY_H_INCLUDED
#define HF_HISTORY_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct hf_history hf_history_t;

/*  A lock was held. */
typedef struct hf_held {
    uint32_t client;
    uint32_t lock;
    uint64_t token;
    uint64_t index;
    uint64_t received_ns; //  when the grant came
    uint64_t ended_ns;    //  when the release was sent, or the lease ran out if that was before
} hf_held_t;

typedef enum hf_fate {
    HF_FATE_ACKED,    //  append and release were: it is in the file, once
    HF_FATE_REFUSED,  //  it is nowhere
    HF_FATE_UNDECIDED //  nobody knows: once or nowhere
} hf_fate_t;

/*  A line was appended in the section TOKEN. Client and counter name it. */
typedef struct hf_line {
    uint32_t client;
    uint64_t counter; //  rises with every line of the client
    uint32_t lock;
    uint64_t token;
    uint32_t file;
    bool staged; //  the append was acknowledged, whatever came of the section
    hf_fate_t fate;
} hf_line_t;

#define HF_LINE_SIZE  96
#define HF_FILES_MAX  16
#define HF_REPORT_MAX 20 //  so many violations are told

hf_history_t *hf_history_new (void);
void hf_history_destroy (hf_history_t **self_p);

void hf_history_hold (hf_history_t *self, const hf_held_t *held);
void hf_history_write (hf_history_t *self, const hf_line_t *line);
void hf_history_merge (hf_history_t *self, const hf_history_t *other);

size_t hf_history_holds (const hf_history_t *self);
size_t hf_history_lines (const hf_history_t *self, hf_fate_t fate);

/*  The bytes that stand for LINE in its file; gives their number. */
size_t hf_line_text (const hf_line_t *line, char text[HF_LINE_SIZE]);

//  Each check tells what is wrong on OUT (NULL: silently) and gives how much is.

/*  Per lock: tokens and indexes rise from grant to grant, and nobody was granted it while another
 *  could rely on it (P5). */
unsigned hf_history_check_holds (hf_history_t *self, FILE *out);

/*  FILES contents as they are on disk: every acknowledged line once, no refused one, undecided
 *  ones at most once, nothing else; sections whole, contiguous and in order, in all files or none;
 *  sections of one lock in the order of its tokens (P6, P7). */
typedef struct hf_content {
    const char *at;
    size_t size;
} hf_content_t;
unsigned hf_history_check_files (hf_history_t *self, const hf_content_t *content, uint32_t files,
                                 FILE *out);

#endif
