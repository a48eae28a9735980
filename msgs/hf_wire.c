//  msgpack in and out.

#include "msgs/hf_wire.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES (1U << 20) //  of memory that an empty pack may keep

//  ---- writing ---------------------------------------------------------------

static void
s_must (int rc)
{
    if (rc != 0) {
        fputs ("holdfast: out of memory\n", stderr);
        abort ();
    }
}

/*  Where SIZE more bytes go. */
static uint8_t *
s_room (hf_pack_t *self, size_t size)
{
    msgpack_sbuffer *buffer = &self->buffer;
    if (buffer->alloc - buffer->size < size) {
        size_t room = buffer->alloc > 0 ? 2 * buffer->alloc : MSGPACK_SBUFFER_INIT_SIZE;
        while (room < buffer->size + size)
            room *= 2;
        buffer->data = hf_alloc_again (buffer->data, room);
        buffer->alloc = room;
    }
    uint8_t *at = (uint8_t *)buffer->data + buffer->size;
    buffer->size += size;
    return at;
}

void
hf_pack_init (hf_pack_t *self)
{
    msgpack_sbuffer_init (&self->buffer);
    msgpack_packer_init (&self->packer, &self->buffer, msgpack_sbuffer_write);
    self->count = 0;
}

void
hf_pack_done (hf_pack_t *self)
{
    msgpack_sbuffer_destroy (&self->buffer);
    msgpack_sbuffer_init (&self->buffer);
}

void
hf_pack_reset (hf_pack_t *self)
{
    msgpack_sbuffer_clear (&self->buffer);
    self->count = 0;
}

void
hf_pack_trim (hf_pack_t *self)
{
    if (self->buffer.size > 0 || self->buffer.alloc <= KEPT_BYTES)
        return;
    hf_pack_done (self);
    hf_pack_init (self);
}

size_t
hf_pack_size (const hf_pack_t *self)
{
    return self->buffer.size;
}

const uint8_t *
hf_pack_bytes (const hf_pack_t *self)
{
    return (const uint8_t *)self->buffer.data;
}

uint8_t *
hf_pack_take (hf_pack_t *self, size_t *size)
{
    *size = self->buffer.size;
    self->count = 0;
    return (uint8_t *)msgpack_sbuffer_release (&self->buffer);
}

hf_list_t
hf_pack_list (const hf_pack_t *self)
{
    return (hf_list_t){.at = (const uint8_t *)self->buffer.data,
                       .size = (uint32_t)self->buffer.size,
                       .count = self->count};
}

void
hf_pack_raw (hf_pack_t *self, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy (s_room (self, size), bytes, size);
}

/*  Numbers, short arrays and short strings are most of what is written: they do not take the way
 *  through msgpack-c, which writes head and body one after the other. */

void
hf_put_any_array (hf_pack_t *self, uint32_t count)
{
    if (count < 16)
        *s_room (self, 1) = (uint8_t)(0x90 | count);
    else
        s_must (msgpack_pack_array (&self->packer, count));
}

void
hf_put_number (hf_pack_t *self, uint64_t value)
{
    if (value < 0x80) {
        *s_room (self, 1) = (uint8_t)value;
        return;
    }
    //  In 1, 2, 4 or 8 bytes, most significant first. Eight are written at once, and some given
    //  back.
    unsigned width = 1U << ((value > UINT8_MAX) + (value > UINT16_MAX) + (value > UINT32_MAX));
    uint64_t big = htobe64 (value << 8 * (8 - width));
    uint8_t *at = s_room (self, 9);
    *at = (uint8_t)(0xcc + (value > UINT8_MAX) + (value > UINT16_MAX) + (value > UINT32_MAX));
    memcpy (at + 1, &big, sizeof big);
    self->buffer.size -= 8 - width;
}

void
hf_put_flag (hf_pack_t *self, bool value)
{
    *s_room (self, 1) = value ? 0xc3 : 0xc2;
}

void
hf_put_str (hf_pack_t *self, hf_span_t value)
{
    if (value.size >= 32) {
        s_must (msgpack_pack_str (&self->packer, value.size));
        hf_pack_raw (self, value.at, value.size);
        return;
    }
    uint8_t *at = s_room (self, 1 + (size_t)value.size);
    *at = (uint8_t)(0xa0 | value.size);
    if (value.size > 0)
        memcpy (at + 1, value.at, value.size);
}

void
hf_put_bin (hf_pack_t *self, hf_span_t value)
{
    s_must (msgpack_pack_bin (&self->packer, value.size));
    hf_pack_raw (self, value.at, value.size);
}

void
hf_put_list (hf_pack_t *self, hf_list_t value)
{
    hf_put_array (self, value.count);
    hf_pack_raw (self, value.at, value.size);
}

//  ---- reading ---------------------------------------------------------------

hf_scan_t
hf_scan (const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    return (hf_scan_t){.at = at, .end = size > 0 ? at + size : at, .bad = false};
}

hf_scan_t
hf_scan_list (hf_list_t list)
{
    return hf_scan (list.at, list.size);
}

bool
hf_scan_at_end (const hf_scan_t *self)
{
    return self->bad || self->at == self->end;
}

static size_t
s_left (const hf_scan_t *self)
{
    return (size_t)(self->end - self->at);
}

static uint64_t
s_two (const uint8_t *at)
{
    return (uint64_t)at[0] << 8 | at[1];
}

static uint64_t
s_four (const uint8_t *at)
{
    return s_two (at) << 16 | s_two (at + 2);
}

/*  WIDTH bytes, 1, 2, 4 or 8, most significant first; bad when there are fewer. */
static uint64_t
s_big_endian (hf_scan_t *self, unsigned width)
{
    if (self->bad || s_left (self) < width) {
        self->bad = true;
        return 0;
    }
    const uint8_t *at = self->at;
    self->at += width;
    switch (width) { //  written out, a compiler makes one load of each
    case 1:
        return at[0];
    case 2:
        return s_two (at);
    case 4:
        return s_four (at);
    default:
        return s_four (at) << 32 | s_four (at + 4);
    }
}

/*  What a msgpack value is made of, as far as its head says. */
typedef struct head {
    enum { HEAD_NONE, HEAD_UINT, HEAD_FLAG, HEAD_BYTES, HEAD_ARRAY, HEAD_OTHER } type;
    uint64_t value; //  the number, or the size in bytes, or the count of elements inside
    uint64_t inner; //  values nested inside: what a skip has to go on with
    uint64_t bytes; //  bytes that follow the head and belong to it
} head_t;

static head_t
s_head_fixed (uint8_t lead)
{
    if (lead < 0x80)
        return (head_t){.type = HEAD_UINT, .value = lead};
    if (lead < 0x90)
        return (head_t){.type = HEAD_OTHER, .inner = 2 * (uint64_t)(lead & 0x0f)};
    if (lead < 0xa0)
        return (head_t){.type = HEAD_ARRAY, .value = lead & 0x0f, .inner = lead & 0x0f};
    if (lead < 0xc0)
        return (head_t){.type = HEAD_BYTES, .value = lead & 0x1f, .bytes = lead & 0x1f};
    return (head_t){.type = HEAD_OTHER}; //  negative fixint
}

/*  Values whose first byte gives their size. */
static head_t
s_head_plain (uint8_t lead)
{
    if (lead == 0xc2 || lead == 0xc3) //  false, true
        return (head_t){.type = HEAD_FLAG, .value = lead & 1};
    if (lead == 0xca || lead == 0xcb) //  float 32, 64
        return (head_t){.type = HEAD_OTHER, .bytes = 4U << (lead - 0xca)};
    if (lead >= 0xd0 && lead <= 0xd3) //  int 8, 16, 32, 64: we send no signed numbers
        return (head_t){.type = HEAD_OTHER, .bytes = 1U << (lead - 0xd0)};
    if (lead >= 0xd4 && lead <= 0xd8) //  fixext 1, 2, 4, 8, 16
        return (head_t){.type = HEAD_OTHER, .bytes = 1 + (1U << (lead - 0xd4))};
    if (lead == 0xc0) //  nil
        return (head_t){.type = HEAD_OTHER};
    return (head_t){.type = HEAD_NONE}; //  0xc1 is used by nobody
}

static head_t
s_head_sized (hf_scan_t *self, uint8_t lead)
{
    head_t head = {.type = HEAD_OTHER};
    switch (lead) {
    case 0xc4: //  bin 8, 16, 32
    case 0xc5:
    case 0xc6:
        head.type = HEAD_BYTES;
        head.value = head.bytes = s_big_endian (self, 1U << (lead - 0xc4));
        break;
    case 0xc7: //  ext 8, 16, 32
    case 0xc8:
    case 0xc9:
        head.bytes = 1 + s_big_endian (self, 1U << (lead - 0xc7));
        break;
    case 0xcc: //  uint 8, 16, 32, 64
    case 0xcd:
    case 0xce:
    case 0xcf:
        head.type = HEAD_UINT;
        head.value = s_big_endian (self, 1U << (lead - 0xcc));
        break;
    case 0xd9: //  str 8, 16, 32
    case 0xda:
    case 0xdb:
        head.type = HEAD_BYTES;
        head.value = head.bytes = s_big_endian (self, 1U << (lead - 0xd9));
        break;
    case 0xdc: //  array 16, 32
    case 0xdd:
        head.type = HEAD_ARRAY;
        head.value = head.inner = s_big_endian (self, 2U << (lead - 0xdc));
        break;
    case 0xde: //  map 16, 32
    case 0xdf:
        head.inner = 2 * s_big_endian (self, 2U << (lead - 0xde));
        break;
    default:
        return s_head_plain (lead);
    }
    return head;
}

/*  Read one head. It is bad when what it promises cannot fit in the bytes left. */
static head_t
s_head (hf_scan_t *self)
{
    head_t none = {.type = HEAD_NONE};
    if (self->bad || s_left (self) == 0) {
        self->bad = true;
        return none;
    }
    uint8_t lead = *self->at++;
    bool fixed = lead < 0xc0 || lead >= 0xe0;
    head_t head = fixed ? s_head_fixed (lead) : s_head_sized (self, lead);
    if (self->bad || head.type == HEAD_NONE || head.bytes > s_left (self) ||
        head.inner > s_left (self)) {
        self->bad = true;
        return none;
    }
    return head;
}

static head_t
s_expect (hf_scan_t *self, int type)
{
    head_t head = s_head (self);
    if ((int)head.type != type) {
        self->bad = true;
        return (head_t){.type = HEAD_NONE};
    }
    return head;
}

uint64_t
hf_scan_number (hf_scan_t *self)
{
    size_t left = hf_scan_left (self);
    unsigned size = left > 0 ? *self->at - 0xccU : 4; //  uint 8, 16, 32, 64: 0 to 3
    if (size < 4 && left > sizeof (uint64_t)) {       //  eight bytes are read at once
        uint64_t big;
        memcpy (&big, self->at + 1, sizeof big);
        self->at += 1 + (1U << size);
        return be64toh (big) >> (64 - (8U << size));
    }
    if (left > 0 && *self->at < 0x80)
        return *self->at++;
    if (size < 4) {
        self->at++;
        return s_big_endian (self, 1U << size);
    }
    self->bad = true;
    return 0;
}

uint32_t
hf_scan_any_array (hf_scan_t *self)
{
    head_t head = s_expect (self, HEAD_ARRAY);
    return (uint32_t)head.value;
}

/*  What a skip needs to know of a value whose first byte says it: numbers, short strings and short
 *  arrays, most of what is skipped. Its bytes, and 256 for each value that it holds besides; 0: it
 *  needs its head. A table, as a branch for each type is guessed wrong too often. */
#define FOUR(n)    n, n, n, n
#define SIXTEEN(n) FOUR (n), FOUR (n), FOUR (n), FOUR (n)
#define FROM(n)    n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define HOLDS(n)   1 + 256 * (n), 257 + 256 * (n), 513 + 256 * (n), 769 + 256 * (n)
#define WHOLE_MOST 32 //  bytes
//  clang-format off
static const uint16_t s_whole[256] = {
    SIXTEEN (1), SIXTEEN (1), SIXTEEN (1), SIXTEEN (1),           //  00: the number itself
    SIXTEEN (1), SIXTEEN (1), SIXTEEN (1), SIXTEEN (1),           //  40
    SIXTEEN (0),                                                  //  80: maps
    HOLDS (0),   HOLDS (4),   HOLDS (8),   HOLDS (12),            //  90: arrays
    FROM (1),    FROM (9),    FROM (17),   FROM (25),             //  a0: strings
    0,           0,           1,           1,           FOUR (0), //  c2, c3: flags
    FOUR (0),    2,           3,           5,           9,        //  cc: uint 8, 16, 32, 64
};
//  clang-format on

void
hf_scan_skip (hf_scan_t *self, uint32_t count)
{
    //  Every value takes a byte at least, so this loop ends after at most as many turns as bytes.
    const uint8_t *at = self->at, *end = self->end;
    uint64_t pending = self->bad ? 0 : count;
    while (pending > 0) {
        unsigned whole;
        for (; end - at >= WHOLE_MOST && (whole = s_whole[*at]) > 0 && pending > 0; pending--) {
            at += whole & 255;
            pending += whole >> 8;
        }
        if (pending == 0)
            break;
        pending--;
        whole = at < end ? s_whole[*at] : 0;
        if (whole > 0 && (whole & 255) <= (size_t)(end - at)) { //  near the end
            at += whole & 255;
            pending += whole >> 8;
            continue;
        }
        self->at = at;
        head_t head = s_head (self);
        if (self->bad)
            return;
        at = self->at + head.bytes;
        pending += head.inner;
    }
    self->at = at;
}

uint32_t
hf_scan_any_kind (const hf_scan_t *self)
{
    hf_scan_t peek = *self;
    uint32_t kind = 0;
    if (hf_scan_array (&peek) > 0)
        hf_get_u32 (&peek, &kind);
    return peek.bad ? 0 : kind;
}

void
hf_get_flag (hf_scan_t *self, bool *value)
{
    if (!self->bad && s_left (self) > 0 && *self->at >> 1 == 0xc2 >> 1) {
        *value = *self->at++ & 1;
        return;
    }
    *value = s_expect (self, HEAD_FLAG).value != 0;
}

void
hf_get_any_bin (hf_scan_t *self, hf_span_t *value)
{
    head_t head = s_expect (self, HEAD_BYTES);
    *value = (hf_span_t){.at = self->at, .size = (uint32_t)head.value};
    if (head.bytes > 0) //  an empty scan may have no address at all
        self->at += head.bytes;
}

void
hf_get_list (hf_scan_t *self, hf_list_t *value)
{
    uint32_t count = hf_scan_array (self);
    const uint8_t *start = self->at;
    hf_scan_skip (self, count);
    if (self->bad)
        *value = (hf_list_t){.at = start, .size = 0, .count = 0};
    else
        *value = (hf_list_t){.at = start, .size = (uint32_t)(self->at - start), .count = count};
}
