/*  hf_stream.h - a state stream in a file, as it is checked and taken apart (hf_install.h has the
 *  format). It came from another node: nothing in it is trusted before hf_stream_check.
 */
#ifndef HF_STREAM_H_INCLUDED
#define HF_STREAM_H_INCLUDED

#include "msgs/hf_msg.h"
#include "nodes/store/hf_log_store.h"

#define HF_STREAM_PREFIX   8            //  bytes: the size of the head
#define HF_STREAM_HEAD_MAX (256U << 20) //  bytes of a head: about a million files
#define HF_STREAM_ROWS_MAX (2U << 30)   //  bytes of rows

//  Where a stream lies in the data folder.
#define HF_STREAM_FOLDER  "incoming"
#define HF_STREAM_PARTIAL "incoming/stream" //  still coming in
#define HF_STREAM_READY   "incoming/ready"  //  whole and durable

typedef struct hf_stream {
    int fd; //  the caller's
    char path[512];
    uint64_t total;
    hf_state_head_t head; //  points into head_bytes
    uint8_t *head_bytes;
    uint64_t rows_at; //  offsets in the stream
    uint64_t files_at;
    char error[HF_ERROR_SIZE];
} hf_stream_t;

/*  Read and check the head of a stream of TOTAL bytes: sizes that add up, valid names in ascending
 *  order. PATH is for messages. 0, or -1 with self->error. End it with hf_stream_done in any case;
 *  FD stays the caller's. */
int hf_stream_init (hf_stream_t *self, int fd, const char *path, uint64_t total);
void hf_stream_done (hf_stream_t *self);

/*  Check the rest: every row, the rows' sum, every file's checksum. */
int hf_stream_check (hf_stream_t *self);

/*  The STATE_ROW records, checked; the caller frees *bytes. */
int hf_stream_rows (hf_stream_t *self, uint8_t **bytes);

/*  SIZE bytes from OFFSET on; fewer are damage. */
int hf_stream_read (hf_stream_t *self, uint64_t offset, uint8_t *bytes, size_t size);

#endif
