/*  hf_wire.h - msgpack in and out: the two ends of the codec.
 *
 *  Packing gives what msgpack-c would. Reading walks the bytes in place with a
 *  cursor that checks bounds first, allocates nothing and never recurses, so
 *  that no byte from a socket or a disk can make it crash or grow: a header
 *  that promises more elements than there are bytes left is malformed.
 */
#ifndef HF_WIRE_H_INCLUDED
#define HF_WIRE_H_INCLUDED

#include "base/hf_span.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>

/*  The records of a msgpack array, still packed, back to back. Read them with hf_scan_list. */
typedef struct hf_list {
    const uint8_t *at;
    uint32_t size;  //  bytes
    uint32_t count; //  records
} hf_list_t;

//  ---- writing ---------------------------------------------------------------

/*  A growing buffer of packed bytes. Running out of memory ends the process. */
typedef struct hf_pack {
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    uint32_t count; //  for the one who builds a list: records so far
} hf_pack_t;

/*  The struct must stay where it is until hf_pack_done. */
void hf_pack_init (hf_pack_t *self);
void hf_pack_done (hf_pack_t *self);
/*  Forget what is in it, keep the memory; hf_pack_trim: give back what is more than a MiB, if it is
 *  empty. */
void hf_pack_reset (hf_pack_t *self);
void hf_pack_trim (hf_pack_t *self);
size_t hf_pack_size (const hf_pack_t *self);
const uint8_t *hf_pack_bytes (const hf_pack_t *self);
/*  Hand the bytes over to the caller, who frees them with free (). The pack is empty afterwards. */
uint8_t *hf_pack_take (hf_pack_t *self, size_t *size);
/*  What was packed, seen as a list of self->count records; valid until the pack changes. */
hf_list_t hf_pack_list (const hf_pack_t *self);
/*  Packed bytes as they are, such as a record that was checked before. */
void hf_pack_raw (hf_pack_t *self, const void *bytes, size_t size);

void hf_put_array (hf_pack_t *self, uint32_t count);
void hf_put_u64 (hf_pack_t *self, uint64_t value);
void hf_put_u32 (hf_pack_t *self, uint32_t value);
void hf_put_flag (hf_pack_t *self, bool value);
void hf_put_str (hf_pack_t *self, hf_span_t value);
void hf_put_bin (hf_pack_t *self, hf_span_t value);
void hf_put_list (hf_pack_t *self, hf_list_t value);

//  ---- reading ---------------------------------------------------------------

/*  A cursor. The first thing that is not as asked for makes it bad; from then
 *  on every read gives zero, so that a caller may check once at the end. */
typedef struct hf_scan {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
} hf_scan_t;

hf_scan_t hf_scan (const void *bytes, size_t size);
hf_scan_t hf_scan_list (hf_list_t list);
bool hf_scan_at_end (const hf_scan_t *self);
/*  The element count of an array; it is never more than the bytes left. */
uint32_t hf_scan_array (hf_scan_t *self);
/*  Step over the next COUNT values of any type, nested as they may be. */
void hf_scan_skip (hf_scan_t *self, uint32_t count);
/*  The kind of the record that comes next, not consumed; 0 when that is no record. */
uint32_t hf_scan_kind (const hf_scan_t *self);

void hf_get_u64 (hf_scan_t *self, uint64_t *value);
void hf_get_u32 (hf_scan_t *self, uint32_t *value);
void hf_get_flag (hf_scan_t *self, bool *value);
/*  str and bin are each taken for the other: senders in many languages mix them up. */
void hf_get_str (hf_scan_t *self, hf_span_t *value);
void hf_get_bin (hf_scan_t *self, hf_span_t *value);
void hf_get_list (hf_scan_t *self, hf_list_t *value);

#endif
