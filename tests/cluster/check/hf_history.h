/*  hf_history.h - writes down what clients asked and were answered, for holdfast-check.
 *
 *  A history is JSON, one object a line, one line an operation, in any order; several files
 *  make one history. All times are microseconds of CLOCK_BOOTTIME of one machine. Fields that
 *  are 0 or missing say nothing.
 *
 *  | field              | of                | meaning                                          |
 *  | ------------------ | ----------------- | ------------------------------------------------ |
 *  | client             | all               | a number, for people                             |
 *  | session            | all but read      | of the client that asked                         |
 *  | op                 | all               | open, close, acquire, release, cancel, abandon,  |
 *  |                    |                   | append, read, keepalive; share, note; lost,      |
 *  |                    |                   | ended: events                                    |
 *  | start, end         | all               | asked, answered; no end: no answer. Event: start |
 *  | status             | all               | the name of the status (OK, NOT_HOLDER, ...)     |
 *  | index              | requests, read    | place in the one order, as answered              |
 *  | lock, token        | requests, lost    |                                                  |
 *  | owner              | append, release,  | the holder's session, when another session asks  |
 *  |                    | cancel            |                                                  |
 *  | queued, queued_at  | acquire           | index of the answer QUEUED; when the client knew |
 *  |                    |                   | that it had a place                              |
 *  | until              | acquire           | end of the time in which the holder relied on it:|
 *  |                    |                   | min (release sent, the client's own deadline)    |
 *  | places             | acquire, share    | what was asked for, a line for each lock: its    |
 *  |                    |                   | name, units and limit; units 0: EXCLUSIVE.       |
 *  |                    |                   | Missing: LOCK, EXCLUSIVE. `share`: the holder    |
 *  |                    |                   | goes from EXCLUSIVE to that                      |
 *  | replaces           | acquire           | the token of the SHARED hold that this was to    |
 *  |                    |                   | replace                                          |
 *  | acts_for           | acquire           | another session for which it waits               |
 *  | ttl, delay         | open              | milliseconds                                     |
 *  | file               | append, read      |                                                  |
 *  | data, or hash and  | append, read      | the bytes, or their hash (hf_fnv, as 16          |
 *  | size               |                   | hexadecimal digits) and number                   |
 *  | offset, total      | read              | where it began; the file's length as answered    |
 *  | by                 | lost, ended       | "cluster" when the cluster said it, else the     |
 *  |                    |                   | client's own clock                               |
 *
 *  A history is complete: whatever was sent has its line, answered or not. What was not answered
 *  has no end, or one of the statuses that leave it open (TIMEOUT, UNDECIDED, CLOSED, STALE).
 *
 *  An append's bytes should differ from all other appends to the same file: bytes alone tell
 *  what became of an operation that was never answered.
 */
#ifndef HF_CHECK_HISTORY_H_INCLUDED
#define HF_CHECK_HISTORY_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct hf_recorder hf_recorder_t;

typedef struct hf_record {
    const char *op, *lock, *file, *status, *by, *places;
    uint64_t client, session, start_us, end_us, index, token, owner;
    uint64_t queued_index, queued_us, until_us, ttl_ms, offset, total;
    uint64_t delay_ms, replaces, acts_for;
    const void *data; //  hashed when it is written; NULL: HASH is given
    uint64_t size, hash;
} hf_record_t;

/*  Fields by their names in a line, all but HASH and DATA; text is a const char *, the rest are
 *  uint64_t. The last one has no name. */
typedef struct hf_history_field {
    const char *key;
    size_t at; //  in hf_record_t
    bool text;
} hf_history_field_t;
extern const hf_history_field_t hf_history_fields[];

/*  To a new file PATH; NULL, with errno, when it cannot be made. */
hf_recorder_t *hf_recorder_new (const char *path);
/*  To a stream, which the caller closes later. */
hf_recorder_t *hf_recorder_new_stream (FILE *stream);
/*  False when not all could be written. */
bool hf_recorder_destroy (hf_recorder_t **self_p);

/*  Append one line. Any thread, any time; names must be UTF-8. */
void hf_recorder_write (hf_recorder_t *self, const hf_record_t *record);

/*  Now, as histories count it. */
uint64_t hf_recorder_now_us (void);

#endif
