/*  files.h - sections' parts: what one section put into one file. */
#ifndef HF_CHECK_FILES_H_INCLUDED
#define HF_CHECK_FILES_H_INCLUDED

#include "tests/cluster/check/check_private.h"

/*  Appends of one section to one file: those that are staged for sure, in order; those
 *  that may be; those that cannot be. */
typedef struct part {
    uint32_t file;
    hold_t *hold;
    op_t **appends; //  sure, then maybe, then refused
    uint32_t sure, maybe, refused;
    uint32_t place; //  among the file's released sections
    bool seen;
} part_t;

typedef struct parts {
    op_t **appends; //  by file, token, and then as in a part
    size_t appends_count;
    part_t *list;
    size_t count;
    uint32_t *part_of; //  [i]: the part of operation i that is an append; by op number
    op_t **by_bytes;   //  by file, size, hash
} parts_t;

parts_t *parts_new (hf_check_t *check);
void parts_destroy (parts_t **self_p);

/*  Whether the bytes at AT are what OP appended. */
bool part_matches (const op_t *op, const content_t *content, size_t at);

/*  An append to the file whose bytes are at AT; of several with the same bytes an unseen
 *  one first, then one of a section that may be there. NULL: no append has these bytes. */
op_t *parts_recognize (const hf_check_t *check, const parts_t *self, const content_t *content,
                       size_t at);

/*  The parts in a file: *count of them. */
part_t *parts_in (const parts_t *self, uint32_t file, size_t *count);

part_t *parts_of (const hf_check_t *check, const parts_t *self, const op_t *op);

/*  One file from its start to its end, and what it lacks. */
void walk_file (hf_check_t *check, parts_t *parts, uint32_t file);

#endif
