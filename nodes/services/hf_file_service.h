/*  hf_file_service.h - every decision of a node's file actor, as a pure service.
 *
 *  Everything durable that is not the log: it appends released sections to the files, writes the
 *  changed rows of the lock state after the sections they rest on, answers queries of files, sends
 *  this node's whole state to a node that is too far behind and to clients that back it up, and
 *  receives the leader's.
 *
 *  From the lock actor:
 *    A_SECTIONS   sections                     append them; what the files have already is skipped
 *    A_ROWS       index, section, changes      changed rows of the state as of INDEX; every section
 *                                              up to SECTION was handed over before. One step at a
 *                                              time: the next one only after A_FLUSHED, which waits
 *                                              while rows are read for a snapshot
 *    A_FILE_QUERY id, what, name, ...          HF_WHAT_READ, HF_WHAT_FILES, HF_WHAT_BACKUP
 *    A_SNAPSHOT   node, index, term, ...       what A_WANT_STATE asked for: the rows of the last
 *                                              A_ROWS are the state as of INDEX
 *  From the election actor: A_NEEDS_STATE, and what peers sent: STATE_ASK, STATE_PART.
 *  To the lock actor (HF_TO_LOCK):
 *    A_FILES_DURABLE index                     the sections up to INDEX are on disk: at the start,
 *                                              and after each commit
 *    A_FLUSHED       index                     the rows as of INDEX are on disk
 *    A_FILE_RESULT   id, status, ...           it sees every section that came before its query,
 *                                              durable or not: they are in the log of a majority
 *    A_WANT_STATE    node                      give A_ROWS with all that changed, and A_SNAPSHOT
 *  To the election actor (HF_TO_ELECTION):
 *    A_FLUSHED       index                     likewise: the log may be pruned to INDEX
 *    STATE_ASK, STATE_PART                     for a peer
 *  To the main thread (HF_TO_MAIN):
 *    A_RESTART       index                     a received state is durable: the process must start
 *                                              again, and swap it in before it opens its stores
 *
 *  One turn of the shell around it:
 *
 *      for each message at hand                hf_file_service_from_actor (..., now)
 *          until hf_file_service_full, or the shell's own limit
 *      hf_file_service_end (service, now);
 *      carry the outbox out
 *      while ((step = hf_file_service_step (service)) != HF_FILE_NOTHING) {
 *          do it (see hf_file_step_t); if that fails, the process ends here
 *          hf_file_service_done (service, step);
 *          carry the outbox out
 *      }
 *      sleep until a message comes, or hf_file_service_wake_us
 *
 *  The outbox may be carried out and reset at any point of it. Between `end` and the last `done`
 *  there is no other input. A crash may fall between any two calls.
 *
 *  Time is in microseconds of one monotonic clock.
 */
#ifndef HF_FILE_SERVICE_H_INCLUDED
#define HF_FILE_SERVICE_H_INCLUDED

#include "msgs/hf_msg.h"
#include "msgs/hf_outbox.h"

typedef struct hf_file_service hf_file_service_t;

typedef struct hf_file_config {
    uint32_t self; //  this node's id

    //  0: the default.
    uint32_t part_bytes;   //  of a snapshot in one message, so that heartbeats pass: 64 KiB
    uint32_t window_bytes; //  of a snapshot sent for one STATE_ASK: 2 MiB
    uint32_t batch_bytes;  //  of sections and answers in one turn: 8 MiB
    uint32_t page_bytes;   //  of rows read for a snapshot in one turn, some 2 ms: 128 KiB
    uint64_t ask_again_us; //  without a part for so long, ask again: 200 ms
    uint64_t fresh_us;     //  a snapshot serves new askers for so long: 5 s
    uint64_t shared_us;    //  or, while another node receives it, for so long: 30 s
    uint64_t forget_us;    //  it is forgotten when nobody asked for so long: 30 s; so is a backup
} hf_file_config_t;

/*  The disk below. No function may fail: the shell ends the process inside one that does. What is
 *  written is seen by reads at once, and survives a crash only after the step that commits it. */
typedef struct hf_file_disk {
    void *arg;

    //  ---- the files
    /*  Append one section: A_PART records, in order. INDEX rises with each call. */
    void (*section) (void *arg, uint64_t index, hf_list_t parts);
    /*  At most LIMIT bytes (at most HF_DATA_MAX) from OFFSET on; *bytes is freed with free (), and
     *  NULL when there are none. *total: the file's length. HF_OK or HF_NOT_FOUND. */
    int (*read) (void *arg, hf_span_t name, uint64_t offset, uint32_t limit, uint8_t **bytes,
                 size_t *size, uint64_t *total);
    /*  Pack FILE_ROWs in ascending order of names, after the name AFTER (empty: from the first),
     *  at most LIMIT. *more: there are more. The checksum is hf_fnv of the file's bytes. */
    void (*list) (void *arg, hf_span_t after, uint32_t limit, hf_pack_t *rows, bool *more);

    //  ---- the rows
    /*  A page of the rows as HF_FILE_ROWS wrote them, in the order of keys: the first one (BEGIN),
     *  or what comes behind the last page. Pack STATE_ROWs, of some BYTES in all and at least one
     *  if there is one. *more: there may be more. */
    void (*rows) (void *arg, bool begin, size_t bytes, hf_pack_t *rows, bool *more);

    //  ---- the snapshot that is being received, apart from everything else
    /*  A new one of TOTAL bytes; what was there of another one is dropped. */
    void (*stage_begin) (void *arg, uint64_t total);
    /*  OFFSET is where the last write ended. */
    void (*stage_write) (void *arg, uint64_t offset, hf_span_t bytes);
    void (*stage_read) (void *arg, uint64_t offset, uint8_t *bytes, size_t size);
    void (*stage_drop) (void *arg);
} hf_file_disk_t;

/*  What the shell must do next. */
typedef enum hf_file_step {
    HF_FILE_NOTHING = 0,
    HF_FILE_COMMIT, //  make every section that was appended durable, with the index of the last one
    HF_FILE_ROWS,   //  write hf_file_service_rows, with their index, in one transaction, and commit
    HF_FILE_STAGE,  //  make the received snapshot durable, and the one that the next start swaps in
} hf_file_step_t;

/*  DURABLE: the index of the last section that the files hold. CONFIG and DISK are copied. */
hf_file_service_t *hf_file_service_new (const hf_file_config_t *config, const hf_file_disk_t *disk,
                                        uint64_t durable);
void hf_file_service_destroy (hf_file_service_t **self_p);

//  ---- inputs ---------------------------------------------------------------------

/*  A message of another actor of this node; SCAN stands at its record. One that our own actors
 *  wrote is well formed; what a peer says in it is checked. */
void hf_file_service_from_actor (hf_file_service_t *self, hf_scan_t *scan, uint32_t kind,
                                 uint64_t now_us);

/*  Enough for one turn: take no more messages. */
bool hf_file_service_full (const hf_file_service_t *self);

/*  All messages at hand were given: timers. */
void hf_file_service_end (hf_file_service_t *self, uint64_t now_us);

/*  What must be made durable next, and: it is. */
hf_file_step_t hf_file_service_step (const hf_file_service_t *self);
void hf_file_service_done (hf_file_service_t *self, hf_file_step_t step);

/*  For HF_FILE_ROWS: STATE_CHANGE records, and the applied index that they lead to. */
hf_list_t hf_file_service_rows (const hf_file_service_t *self, uint64_t *index);

//  ---- outputs --------------------------------------------------------------------

/*  A line of level HF_ERROR: a received snapshot is damaged, and was dropped. */
hf_outbox_t *hf_file_service_outbox (hf_file_service_t *self);

/*  When the next turn must begin at the latest; UINT64_MAX: only for a message. */
uint64_t hf_file_service_wake_us (const hf_file_service_t *self);

/*  The index of the last section that is durable. */
uint64_t hf_file_service_durable (const hf_file_service_t *self);

#endif
