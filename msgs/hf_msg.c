//  Writing and reading every message, made from the table.

#include "msgs/hf_msg.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>

#define COUNT_FIELD(type, field) +1U
#define PUT_FIELD(type, field)   hf_put_##type (pack, message->field);
#define GET_FIELD(type, field)                                                                     \
    if (left > 0) {                                                                                \
        hf_get_##type (scan, &message->field);                                                     \
        left--;                                                                                    \
    } else                                                                                         \
        memset (&message->field, 0, sizeof message->field);

void
hf_frame_begin (hf_pack_t *pack, uint32_t records)
{
    assert (records > 0);
    hf_put_array (pack, 1 + records);
    hf_put_u32 (pack, HF_VERSION_WIRE);
}

#define DEFINE(kind, ordinal, name)                                                                \
    enum { FIELDS_##name = 1 HF_FIELDS_##name (COUNT_FIELD) };                                     \
                                                                                                   \
    void hf_##name##_put (hf_pack_t *pack, const hf_##name##_t *message)                           \
    {                                                                                              \
        hf_put_array (pack, FIELDS_##name);                                                        \
        hf_put_u32 (pack, ordinal);                                                                \
        HF_FIELDS_##name (PUT_FIELD) pack->count++;                                                \
    }                                                                                              \
                                                                                                   \
    void hf_##name##_frame (hf_pack_t *pack, const hf_##name##_t *message)                         \
    {                                                                                              \
        hf_frame_begin (pack, 1);                                                                  \
        hf_##name##_put (pack, message);                                                           \
    }                                                                                              \
                                                                                                   \
    bool hf_##name##_get (hf_scan_t *scan, hf_##name##_t *message)                                 \
    {                                                                                              \
        uint32_t left = hf_scan_array (scan);                                                      \
        uint32_t found = 0;                                                                        \
        hf_get_u32 (scan, &found);                                                                 \
        if (left < FIELDS_##name - hf_optional (ordinal) || found != ordinal)                      \
            scan->bad = true;                                                                      \
        left -= left > 0;                                                                          \
        HF_FIELDS_##name (GET_FIELD) if (left > 0) hf_scan_skip (scan, left);                      \
        return !scan->bad;                                                                         \
    }
HF_MSG_TABLE (DEFINE)

/*  Of a request that is not as a kind of the table wants it: step over it all the same. */
static bool
s_step_over (hf_scan_t *scan, hf_request_t *request, hf_status_t status)
{
    hf_scan_t head = *scan;
    uint32_t fields = hf_scan_array (&head);
    hf_get_u32 (&head, &request->kind);
    hf_get_u64 (&head, &request->seq);
    bool good = !head.bad && fields >= 2;
    hf_scan_skip (scan, 1);
    request->status = scan->bad && good ? HF_MALFORMED : status;
    return good;
}

bool
hf_request_get (hf_scan_t *scan, hf_request_t *request)
{
    hf_scan_t start = *scan;
    request->status = HF_OK;
    request->kind = hf_scan_kind (scan);
    switch (request->kind) {
#define REQUEST_GET(KIND, name)                                                                    \
    case HF_KIND_##KIND:                                                                           \
        hf_##name##_get (scan, &request->name);                                                    \
        request->seq = request->name.seq;                                                          \
        break;
        HF_REQUEST_TABLE (REQUEST_GET)
    default:
        return s_step_over (scan, request, HF_UNKNOWN);
    }
    if (!scan->bad)
        return true;
    *scan = start;
    return s_step_over (scan, request, HF_MALFORMED);
}

_Static_assert((int)FIELDS_requests == (int)FIELDS_cmd_requests,
               "REQUESTS and CMD_REQUESTS have the same fields");
#define SAME_FIELD(type, field)                                                                    \
    _Static_assert(offsetof (hf_requests_t, field) == offsetof (hf_cmd_requests_t, field),         \
                   "REQUESTS and CMD_REQUESTS have the same fields");
HF_FIELDS_requests (SAME_FIELD)
#undef SAME_FIELD

    bool hf_requests_begin (hf_scan_t *scan, uint32_t kind, hf_requests_t *message, uint32_t *more)
{
    uint32_t fields = hf_scan_array (scan), found = 0;
    hf_get_u32 (scan, &found);
    hf_get_u64 (scan, &message->session);
    hf_get_u64 (scan, &message->floor);
    uint32_t count = hf_scan_array (scan);
    if (fields < FIELDS_requests || found != kind)
        scan->bad = true;
    message->requests = (hf_list_t){.at = scan->at, .count = scan->bad ? 0 : count};
    *more = scan->bad ? 0 : fields - FIELDS_requests;
    return !scan->bad;
}

bool
hf_requests_end (hf_scan_t *scan, hf_requests_t *message, uint32_t more)
{
    if (scan->bad)
        return false;
    message->requests.size = (uint32_t)(scan->at - message->requests.at);
    hf_scan_skip (scan, more);
    return !scan->bad;
}

void
hf_cmd_requests_copy (hf_pack_t *pack, const uint8_t *record, const uint8_t *end)
{
    hf_scan_t scan = hf_scan (record, (size_t)(end - record));
    uint32_t found = 0;
    hf_scan_array (&scan);
    hf_get_u32 (&scan, &found);
    assert (!scan.bad && found == HF_KIND_REQUESTS);
    hf_put_array (pack, FIELDS_cmd_requests);
    hf_put_u32 (pack, HF_KIND_CMD_REQUESTS);
    hf_pack_raw (pack, scan.at, (size_t)(end - scan.at));
    pack->count++;
}

/*  Enter [version, ...], of at least two parts: *rest without the version. */
static hf_status_t
s_versioned (hf_scan_t *scan, uint32_t *rest)
{
    uint32_t found = hf_scan_array (scan), version;
    hf_get_u32 (scan, &version);
    *rest = found > 0 ? found - 1 : 0;
    if (scan->bad || *rest == 0)
        return HF_MALFORMED;
    return version == HF_VERSION_WIRE ? HF_OK : HF_BAD_VERSION;
}

hf_status_t
hf_frame_open_packed (const void *bytes, size_t size, hf_scan_t *scan, uint32_t *kind,
                      uint32_t *records)
{
    *kind = *records = 0;
    *scan = hf_scan (bytes, size);
    if (size > HF_FRAME_MAX)
        return HF_TOO_LARGE;
    hf_status_t status = s_versioned (scan, records);
    if (status != HF_OK)
        return status;
    *kind = hf_scan_kind (scan);
    return *kind == 0 ? HF_MALFORMED : HF_OK;
}

hf_status_t
hf_frame_open (const void *bytes, size_t size, hf_scan_t *scan, uint32_t *kind)
{
    uint32_t records;
    return hf_frame_open_packed (bytes, size, scan, kind, &records);
}

hf_scan_t
hf_frame_own (const void *bytes, size_t size, uint32_t *kind)
{
    uint32_t records;
    hf_scan_t scan = hf_scan (bytes, size);
    hf_status_t status = s_versioned (&scan, &records);
    *kind = hf_scan_kind (&scan);
    assert (status == HF_OK && *kind != 0);
    return scan;
}

#define PEER_CHECK(kind, name)                                                                     \
    _Static_assert(offsetof (hf_peer_message_t, name.term) ==                                      \
                       offsetof (hf_peer_message_t, head.term),                                    \
                   #name " begins with from, to, term");
HF_PEER_TABLE (PEER_CHECK)
#undef PEER_CHECK

bool
hf_peer_get (hf_scan_t *scan, uint32_t kind, hf_peer_message_t *message)
{
    message->kind = kind;
    switch (kind) {
#define PEER_GET(KIND, name)                                                                       \
    case HF_KIND_##KIND:                                                                           \
        return hf_##name##_get (scan, &message->name);
        HF_PEER_TABLE (PEER_GET)
#undef PEER_GET
    default:
        return false;
    }
}

void
hf_peer_frame (hf_pack_t *pack, const hf_peer_message_t *message)
{
    switch (message->kind) {
#define PEER_FRAME(KIND, name)                                                                     \
    case HF_KIND_##KIND:                                                                           \
        hf_##name##_frame (pack, &message->name);                                                  \
        break;
        HF_PEER_TABLE (PEER_FRAME)
#undef PEER_FRAME
    default:
        assert (false);
    }
}

void
hf_alive_one (hf_pack_t *pack, uint64_t echo, const hf_kept_t *kept, uint64_t roster)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_kept_put (&list, kept);
    hf_alive_frame (
        pack, &(hf_alive_t){
                  .echo = echo, .sessions = hf_pack_list (&list), .roster = roster, .packs = true});
    hf_pack_done (&list);
}

const char *
hf_kind_name (uint32_t kind)
{
    switch (kind) {
#define NAME_CASE(kind, ordinal, name)                                                             \
    case ordinal:                                                                                  \
        return #kind;
        HF_MSG_TABLE (NAME_CASE)
    default:
        return "UNKNOWN";
    }
}

void
hf_payload_put (hf_pack_t *pack, hf_list_t commands)
{
    hf_put_array (pack, 2);
    hf_put_u32 (pack, HF_VERSION_WIRE);
    hf_put_list (pack, commands);
}

hf_status_t
hf_payload_get (hf_span_t payload, hf_list_t *commands)
{
    uint32_t lists;
    hf_scan_t scan = hf_scan (payload.at, payload.size);
    hf_status_t status = s_versioned (&scan, &lists);
    if (status != HF_OK)
        return status;
    hf_get_list (&scan, commands);
    return scan.bad ? HF_MALFORMED : HF_OK;
}
