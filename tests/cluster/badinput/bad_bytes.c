//  Hostile bytes, by seed, and plain TCP.

#include "tests/kit/hf_one.h"
#include "tests/cluster/badinput/bad_bytes.h"
#include "tests/kit/hf_ports.h"
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

//  ---- random ----------------------------------------------------------------------

void
bad_fill (hf_random_t *self, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)hf_random_next (self);
}

//  ---- values and frames of no sense ---------------------------------------------------

static void
s_put_text (hf_pack_t *pack, hf_random_t *random)
{
    static const uint32_t sizes[] = {0, 1, 15, 17, 255, 256, 300};
    uint8_t bytes[300];
    uint32_t size = sizes[hf_random_u32 (random, sizeof sizes / sizeof sizes[0])];
    bad_fill (random, bytes, size);
    if (hf_random_u32 (random, 2) == 0)
        hf_put_str (pack, hf_span (bytes, size));
    else
        hf_put_bin (pack, hf_span (bytes, size));
}

void
bad_value (hf_pack_t *pack, hf_random_t *random, unsigned depth)
{
    uint32_t count = hf_random_u32 (random, 5);
    switch (hf_random_u32 (random, depth > 0 ? 8 : 6)) {
    case 0:
        hf_put_u64 (pack, hf_random_next (random) | 1ULL << 48);
        break;
    case 1:
        msgpack_pack_nil (&pack->packer);
        break;
    case 2:
        msgpack_pack_double (&pack->packer, 1.5);
        break;
    case 3:
        msgpack_pack_int64 (&pack->packer, -(int64_t)hf_random_u32 (random, 1000000) - 1);
        break;
    case 4:
        hf_put_flag (pack, count > 2);
        break;
    case 5:
        s_put_text (pack, random);
        break;
    case 6:
        hf_put_array (pack, count);
        for (uint32_t i = 0; i < count; i++)
            bad_value (pack, random, depth - 1);
        break;
    default:
        msgpack_pack_map (&pack->packer, count);
        for (uint32_t i = 0; i < 2 * count; i++)
            bad_value (pack, random, depth - 1);
        break;
    }
}

void
bad_frame (hf_pack_t *pack, hf_random_t *random, uint32_t kind, uint32_t from)
{
    uint32_t more = hf_random_u32 (random, 8);
    hf_put_array (pack, 2);
    hf_put_u32 (pack, HF_VERSION_WIRE);
    hf_put_array (pack, (from != 0 ? 3U : 2U) + more);
    hf_put_u32 (pack, kind);
    if (from != 0)
        hf_put_u32 (pack, from);
    msgpack_pack_nil (&pack->packer);
    for (uint32_t i = 0; i < more; i++)
        bad_value (pack, random, 4);
}

//  ---- good frames ------------------------------------------------------------------------

void
bad_client_frames (hf_pack_t frames[BAD_CLIENT_FRAMES], uint64_t session)
{
    for (unsigned i = 0; i < BAD_CLIENT_FRAMES; i++)
        hf_pack_init (&frames[i]);
    hf_span_t lock = hf_span_text ("some lock");
    hf_open_frame (frames++, &(hf_open_t){.nonce = hf_span_text ("0123456789abcdef"),
                                          .ttl_ms = HF_TTL_MIN_MS});
    hf_keepalive_one (frames++, 7, session, 1);
    hf_close_frame (frames++, &(hf_close_t){.session = session, .echo = 7});
    hf_query_frame (frames++,
                    &(hf_query_t){.id = 7, .what = HF_WHAT_LOCK, .name = lock, .limit = 10});
    hf_watch_request_t watch = {.id = 7, .what = HF_WATCH_LOCKS, .prefix = lock, .room = 1000};
    hf_watch_request_frame (frames++, &watch);
    hf_pack_t request, places;
    hf_pack_init (&request);
    hf_pack_init (&places);
    hf_place_put (&places, &(hf_place_t){.lock = lock});
#define LOCK_acquire .lock = lock
#define LOCK_claim   .places = hf_pack_list (&places)
#define LOCK_release .lock = lock
#define LOCK_cancel  .lock = lock
#define LOCK_abandon .lock = lock
#define LOCK_append  .lock = lock
#define LOCK_note    .lock = lock
#define REQUEST(kind, name_of)                                                                     \
    hf_pack_reset (&request);                                                                      \
    hf_##name_of##_put (&request, &(hf_##name_of##_t){.seq = 1, LOCK_##name_of});                  \
    hf_requests_frame (                                                                            \
        frames++,                                                                                  \
        &(hf_requests_t){.session = session, .floor = 1, .requests = hf_pack_list (&request)});
    HF_REQUEST_TABLE (REQUEST)
#undef REQUEST
    hf_pack_done (&places);
    hf_pack_done (&request);
}

void
bad_peer_frames (hf_pack_t frames[BAD_PEER_FRAMES], uint32_t from)
{
    for (unsigned i = 0; i < BAD_PEER_FRAMES; i++)
        hf_pack_init (&frames[i]);
    const uint64_t term = 1ULL << 40;
    hf_pack_t entry;
    hf_pack_init (&entry);
    hf_entry_put (&entry, &(hf_entry_t){term, HF_ENTRY_COMMANDS, hf_span_text ("payload")});
    hf_entries_frame (
        frames++, &(hf_entries_t){.from = from, .term = term, .entries = hf_pack_list (&entry)});
    hf_pack_done (&entry);
#define PEER(kind, name) hf_##name##_frame (frames++, &(hf_##name##_t){.from = from, .term = term});
    HF_PEER_TABLE (PEER)
#undef PEER
}

//  ---- heads that promise too much -----------------------------------------------------------

bool
bad_promise (hf_pack_t *pack, unsigned i)
{
    static const struct {
        size_t size;
        uint8_t bytes[24];
    } heads[] = {
        {5, {0xdd, 0xff, 0xff, 0xff, 0xff}},                         //  array of 2^32 - 1
        {7, {0xdd, 0xff, 0xff, 0xff, 0xff, 0x01, 0x91}},             //  the same, begun
        {7, {0x92, 0x01, 0xdd, 0xff, 0xff, 0xff, 0xff}},             //  a record of that size
        {8, {0x92, 0x01, 0xdd, 0xff, 0xff, 0xff, 0xff, 0x03}},       //  a REQUESTS of that size
        {9, {0x92, 0x01, 0x93, 0x01, 0xc6, 0xff, 0xff, 0xff, 0xff}}, //  a nonce of 4 GiB
        {9, {0x92, 0x01, 0x93, 0x01, 0xdb, 0x7f, 0xff, 0xff, 0xff}}, //  of 2 GiB, as a string
        {11, {0x92, 0x01, 0x94, 0x03, 0x05, 0x01, 0xdd, 0xff, 0xff, 0xff, 0xff}}, //  requests
        {11, {0x92, 0x01, 0x94, 0x03, 0x05, 0x01, 0xdf, 0xff, 0xff, 0xff, 0xff}}, //  a map
        {12, {0x92, 0x01, 0x94, 0x03, 0x05, 0x01, 0x91, 0xdd, 0xff, 0xff, 0xff, 0xff}},
        {14, {0x92, 0x01, 0x94, 0x03, 0x05, 0x01, 0x91, 0x95, 0x40, 0x01, 0xdb, 0xff, 0xff, 0xff}},
        {4, {0x92, 0x01, 0x91, 0xc1}}, //  a byte that msgpack does not use
    };
    enum { HEADS = sizeof heads / sizeof heads[0] };
    if (i < HEADS) {
        hf_pack_raw (pack, heads[i].bytes, heads[i].size);
        return true;
    }
    if (i > HEADS)
        return false;
    //  Arrays in arrays, a million deep.
    static uint8_t deep[1000000];
    memset (deep, 0x91, sizeof deep);
    static const uint8_t before[] = {0x92, 0x01, 0x94, 0x03, 0x05, 0x01};
    hf_pack_raw (pack, before, sizeof before);
    hf_pack_raw (pack, deep, sizeof deep);
    return true;
}

//  ---- plain TCP --------------------------------------------------------------------------

static void
s_push (int fd, hf_span_t bytes)
{
    ssize_t sent = 1;
    for (size_t done = 0; done < bytes.size && sent > 0; done += (size_t)sent)
        sent = send (fd, bytes.at + done, bytes.size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    //  Closing with unread input would send a reset, which could overtake our bytes.
    shutdown (fd, SHUT_WR);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char unread[4096];
    while (poll (&wait, 1, 20) > 0 && recv (fd, unread, sizeof unread, MSG_DONTWAIT) > 0)
        continue;
    close (fd);
}

void
bad_throw (uint16_t port, hf_span_t bytes)
{
    int fd = hf_port_connect (port, 0);
    if (fd >= 0)
        s_push (fd, bytes);
}

bool
bad_answer (int fd, hf_span_t bytes, uint32_t limit_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int caller = poll (&wait, 1, (int)limit_ms) > 0 ? accept (fd, NULL, NULL) : -1;
    if (caller >= 0)
        s_push (caller, bytes);
    return caller >= 0;
}
