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

/*  The rest of those below, for what is not small. */
void hf_put_any_array (hf_pack_t *self, uint32_t count);
void hf_put_number (hf_pack_t *self, uint64_t value);

static inline bool
hf_pack_has_room (const hf_pack_t *self)
{
    return self->buffer.size < self->buffer.alloc;
}

static inline void
hf_put_array (hf_pack_t *self, uint32_t count)
{
    if (count < 16 && hf_pack_has_room (self))
        self->buffer.data[self->buffer.size++] = (char)(0x90U | count);
    else
        hf_put_any_array (self, count);
}

static inline void
hf_put_u64 (hf_pack_t *self, uint64_t value)
{
    if (value < 0x80 && hf_pack_has_room (self))
        self->buffer.data[self->buffer.size++] = (char)value;
    else
        hf_put_number (self, value);
}

static inline void
hf_put_u32 (hf_pack_t *self, uint32_t value)
{
    hf_put_u64 (self, value);
}

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
/*  Step over the next COUNT values of any type, nested as they may be. */
void hf_scan_skip (hf_scan_t *self, uint32_t count);

/*  The rest of those below, for what is not short. */
uint64_t hf_scan_number (hf_scan_t *self);
uint32_t hf_scan_any_array (hf_scan_t *self);
uint32_t hf_scan_any_kind (const hf_scan_t *self);
void hf_get_any_bin (hf_scan_t *self, hf_span_t *value);

/*  How many bytes are left of one that is not bad. */
static inline size_t
hf_scan_left (const hf_scan_t *self)
{
    return self->bad ? 0 : (size_t)(self->end - self->at);
}

/*  The element count of an array; it is never more than the bytes left. */
static inline uint32_t
hf_scan_array (hf_scan_t *self)
{
    size_t left = hf_scan_left (self);
    if (left > 0 && *self->at >> 4 == 9 && (*self->at & 15U) < left)
        return *self->at++ & 15U;
    return hf_scan_any_array (self);
}

/*  The kind of the record that comes next, not consumed; 0 when that is no record. */
static inline uint32_t
hf_scan_kind (const hf_scan_t *self)
{
    size_t left = hf_scan_left (self);
    if (left > 1 && *self->at > 0x90 && *self->at < 0xa0 && (*self->at & 15U) < left &&
        self->at[1] < 0x80)
        return self->at[1];
    if (left > 2 && *self->at > 0x90 && *self->at < 0xa0 && (*self->at & 15U) < left &&
        self->at[1] == 0xcc)
        return self->at[2];
    return hf_scan_any_kind (self);
}

static inline void
hf_get_u64 (hf_scan_t *self, uint64_t *value)
{
    if (hf_scan_left (self) > 0 && *self->at < 0x80)
        *value = *self->at++;
    else
        *value = hf_scan_number (self);
}

static inline void
hf_get_u32 (hf_scan_t *self, uint32_t *value)
{
    uint64_t wide;
    hf_get_u64 (self, &wide);
    self->bad |= wide > UINT32_MAX;
    *value = wide > UINT32_MAX ? 0 : (uint32_t)wide;
}

void hf_get_flag (hf_scan_t *self, bool *value);

/*  str and bin are each taken for the other: senders in many languages mix them up. */
static inline void
hf_get_bin (hf_scan_t *self, hf_span_t *value)
{
    size_t left = hf_scan_left (self);
    if (left > 0 && *self->at >> 5 == 5 && (*self->at & 31U) < left) {
        *value = (hf_span_t){.at = self->at + 1, .size = *self->at & 31U};
        self->at += 1 + value->size;
    } else
        hf_get_any_bin (self, value);
}

static inline void
hf_get_str (hf_scan_t *self, hf_span_t *value)
{
    hf_get_bin (self, value);
}

void hf_get_list (hf_scan_t *self, hf_list_t *value);

#endif
