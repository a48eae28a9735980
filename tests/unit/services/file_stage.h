/*  file_stage.h - a file service in virtual time, on files in memory, and what it did, in order. */
#ifndef FILE_STAGE_H_INCLUDED
#define FILE_STAGE_H_INCLUDED

#include "base/hf_array.h"
#include "nodes/services/hf_file_service.h"
#include "tests/kit/hf_test.h"

typedef struct file_stage_file {
    char name[32];
    HF_ARRAY (uint8_t) bytes;
} file_stage_file_t;

typedef struct file_stage {
    hf_file_service_t *service;
    uint64_t now_us;
    file_stage_file_t files[8]; //  in the order of their names
    uint32_t count;
    uint8_t *stage; //  the snapshot that comes in
    uint64_t stage_total, stage_have;
    bool staged;         //  durable
    uint64_t rows_index; //  of the rows that were written last
    unsigned rows_count; //  so many are read for a snapshot, one in each page; the value of each is
    unsigned rows_read;  //  rows_index when it is read
    //  Words: section:N, commit, rows:N(COUNT), staged; durable:N, flushed:N>lock, result:ID,
    //  want:NODE, flushed:N>election, ask, part, restart:N.
    char trace[4000];
    hf_pack_t frame;                   //  pack a message here
    hf_pack_t result;                  //  the last A_FILE_RESULT, its frame
    HF_ARRAY (hf_out_message_t) peers; //  STATE_ASKs and STATE_PARTs that left
    char lines[4000];
} file_stage_t;

/*  FILE_TEST (name, stage, durable) { ... } is a test on STAGE: node 1, whose files are as of
 * section DURABLE. */
#define FILE_TEST(name, stage, durable)                                                            \
    static void name##_on (file_stage_t *stage);                                                   \
    HF_TEST (name)                                                                                 \
    {                                                                                              \
        file_stage_t on;                                                                           \
        file_stage_init (&on, (hf_file_config_t){.self = 1, .batch_bytes = 1000}, durable);        \
        name##_on (&on);                                                                           \
        file_stage_done (&on);                                                                     \
    }                                                                                              \
    static void name##_on (file_stage_t *stage)

void file_stage_init (file_stage_t *self, hf_file_config_t config, uint64_t durable);
void file_stage_done (file_stage_t *self);

/*  A message for the service: what was packed into self->frame. */
void file_stage_give (file_stage_t *self);
void file_stage_section (file_stage_t *self, uint64_t index, const char *file, hf_span_t data);
void file_stage_rows (file_stage_t *self, uint64_t index, uint64_t section);

/*  The turn ends: until there is no step left. */
void file_stage_end (file_stage_t *self);

/*  Compare the trace, and forget it. */
void file_stage_expect (file_stage_t *self, const char *trace);

/*  The bytes of file NAME; an empty span without bytes when there is none. */
hf_span_t file_stage_file (const file_stage_t *self, hf_span_t name);

#endif
