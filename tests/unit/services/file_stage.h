/*  file_stage.h - a file service in virtual time, on files in memory, and what it did, in order. */
#ifndef FILE_STAGE_H_INCLUDED
#define FILE_STAGE_H_INCLUDED

#include "base/hf_array.h"
#include "nodes/services/hf_file_service.h"
#include "tests/kit/hf_test.h"

typedef struct file_stage_file {
    char name[32];
    hf_pack_t bytes;
} file_stage_file_t;

typedef struct file_stage {
    hf_file_config_t config;
    hf_file_service_t *service;
    uint64_t now_us;
    file_stage_file_t files[8]; //  in the order of their names
    uint32_t count;
    uint8_t *stage; //  the snapshot that comes in
    uint64_t stage_total, stage_have;
    bool staged; //  durable
    //  Words: section:N, commit, rows:N(COUNT), staged; durable:N, flushed:N>lock, result:ID,
    //  want:NODE, flushed:N>election, ask, part, restart:N.
    char trace[4000];
    hf_pack_t result;                  //  the last A_FILE_RESULT, its frame
    HF_ARRAY (hf_out_message_t) peers; //  STATE_ASKs and STATE_PARTs that left
    char lines[4000];
} file_stage_t;

/*  Node NODE, whose files are as of section DURABLE; then config may be changed, and
 *  file_stage_start makes the service. */
void file_stage_init (file_stage_t *self, uint32_t node);
void file_stage_start (file_stage_t *self, uint64_t durable);
void file_stage_done (file_stage_t *self);

/*  A message for the service; it is empty afterwards. */
void file_stage_give (file_stage_t *self, hf_pack_t *frame);
void file_stage_section (file_stage_t *self, uint64_t index, const char *file, hf_span_t data);
void file_stage_rows (file_stage_t *self, uint64_t index, uint64_t section);

/*  The turn ends: until there is no step left. */
void file_stage_end (file_stage_t *self);

/*  Compare the trace, and forget it. */
void file_stage_expect (file_stage_t *self, const char *trace);

/*  The bytes of file NAME; an empty span without bytes when there is none. */
hf_span_t file_stage_file (const file_stage_t *self, hf_span_t name);

#endif
