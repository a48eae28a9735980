/*  docs/protocol.md against the code: its bytes are what the codec makes, and its tables hold
 *  every message, status and limit. HF_DOC_PRINT=1 prints the examples as the codec makes them. */
#include "tests/kit/hf_test.h"
#include "msgs/hf_msg.h"

#define SESSION 17

static char *s_doc;

static int
s_read_doc (void **state)
{
    (void)state;
    FILE *file = fopen (HF_DOC, "r");
    size_t room = 0;
    assert_non_null (file);
    assert_true (getdelim (&s_doc, &room, '\0', file) > 0);
    fclose (file);
    return 0;
}

static int
s_free_doc (void **state)
{
    (void)state;
    free (s_doc);
    return 0;
}

//  ---- the examples: one short life of a session -------------------------------------

/*  The bytes of the block ```hex NAME; gives how many. */
static size_t
s_block (const char *name, uint8_t *bytes, size_t room)
{
    char fence[64];
    snprintf (fence, sizeof fence, "```hex %s\n", name);
    const char *at = strstr (s_doc, fence);
    if (!at)
        fail_msg ("docs/protocol.md has no example %s", name);
    at += strlen (fence);
    size_t count = 0;
    while (strncmp (at, "```", 3) != 0) {
        unsigned byte;
        int used = 0;
        if (*at == ' ' || *at == '\n') {
            at++;
        } else if (sscanf (at, "%2x%n", &byte, &used) == 1 && used == 2 && count < room) {
            bytes[count++] = (uint8_t)byte;
            at += 2;
        } else {
            fail_msg ("example %s is not hex: %.20s", name, at);
        }
    }
    return count;
}

/*  FRAME is the example NAME. Both packs are empty afterwards. */
static void
s_example (const char *name, hf_pack_t *frame, hf_pack_t *list)
{
    size_t size = hf_pack_size (frame);
    if (getenv ("HF_DOC_PRINT")) {
        printf ("```hex %s\n", name);
        for (size_t k = 0; k < size; k++)
            printf ("%02x%c", hf_pack_bytes (frame)[k], k % 24 == 23 || k + 1 == size ? '\n' : ' ');
        printf ("```\n\n");
    } else {
        uint8_t bytes[512];
        size_t count = s_block (name, bytes, sizeof bytes);
        assert_int_equal (count, size);
        assert_memory_equal (bytes, hf_pack_bytes (frame), count);
    }
    hf_pack_reset (frame);
    hf_pack_reset (list);
}

#define EXAMPLE(name, message, ...)                                                                \
    hf_##message##_frame (&frame, &(hf_##message##_t){__VA_ARGS__});                               \
    s_example (name, &frame, &list);

HF_TEST (test_examples_are_what_the_codec_makes)
{
    uint8_t bytes[HF_NONCE_SIZE];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    hf_span_t nonce = hf_span (bytes, sizeof bytes), demo = hf_span_text ("demo");
    hf_pack_t frame, list;
    hf_pack_init (&frame);
    hf_pack_init (&list);
    EXAMPLE ("open", open, .nonce = nonce, .ttl_ms = 10000)
    EXAMPLE ("opened", opened, .nonce = nonce, .session = SESSION, .ttl_ms = 10000, .packs = true)
    hf_acquire_put (&list, &(hf_acquire_t){1, demo, HF_MODE_EXCLUSIVE, true});
    EXAMPLE ("acquire", requests, SESSION, 1, hf_pack_list (&list))
    hf_answer_put (&list, &(hf_answer_t){1, HF_QUEUED, 40, 0, 1});
    EXAMPLE ("queued", answers, SESSION, hf_pack_list (&list))
    hf_granted_put (&list, &(hf_granted_t){demo, 9, 52, 0, 0});
    EXAMPLE ("granted", answers, SESSION, hf_pack_list (&list))
    hf_append_put (&list,
                   &(hf_append_t){2, demo, 9, 0, hf_span_text ("log"), hf_span_text ("hi\n")});
    hf_release_put (&list, &(hf_release_t){3, demo, 9, 0});
    EXAMPLE ("append-release", requests, SESSION, 2, hf_pack_list (&list))
    hf_answer_put (&list, &(hf_answer_t){2, HF_OK, 53, 0, 0});
    hf_answer_put (&list, &(hf_answer_t){3, HF_OK, 54, 0, 0});
    EXAMPLE ("done", answers, SESSION, hf_pack_list (&list))
    hf_keep_put (&list, &(hf_keep_t){SESSION, 4});
    hf_keep_put (&list, &(hf_keep_t){SESSION + 1, 1});
    EXAMPLE ("keepalive", keepalive, 123456, hf_pack_list (&list))
    hf_kept_put (&list, &(hf_kept_t){.session = SESSION});
    hf_kept_put (&list, &(hf_kept_t){.session = SESSION + 1, .status = HF_SESSION_EXPIRED});
    EXAMPLE ("alive", alive, 123456, hf_pack_list (&list), 0, true)
    hf_acquire_put (&list, &(hf_acquire_t){4, demo, HF_MODE_EXCLUSIVE, true});
    hf_frame_begin (&frame, 2);
    hf_requests_put (&frame, &(hf_requests_t){SESSION, 4, hf_pack_list (&list)});
    hf_requests_put (&frame, &(hf_requests_t){SESSION + 1, 4, hf_pack_list (&list)});
    s_example ("packed", &frame, &list);
    EXAMPLE ("refused", refused, HF_NOT_LEADER, hf_span_text (hf_status_text (HF_NOT_LEADER)), 1, 7)
    EXAMPLE ("query", query, 1, HF_WHAT_READ, hf_span_text ("log"), 0, 65536, false, 0)
    EXAMPLE ("result", query_result, .id = 1, .index = 54, .total = 3,
             .data = hf_span_text ("hi\n"))
    EXAMPLE ("close", close, .session = SESSION, .echo = 2)
    EXAMPLE ("closed", closed, .session = SESSION, .echo = 2)
    hf_pack_done (&frame);
    hf_pack_done (&list);
}

//  ---- the tables -----------------------------------------------------------------

static void
s_expect_text (const char *text)
{
    if (!strstr (s_doc, text))
        fail_msg ("docs/protocol.md does not have: %s", text);
}

HF_TEST (test_every_status_is_in_the_table)
{
    char row[64];
#define EXPECT(name, ordinal, text)                                                                \
    snprintf (row, sizeof row, "\n| %d | `%s` |", ordinal, #name);                                 \
    s_expect_text (row);
    HF_STATUS_TABLE (EXPECT)
#undef EXPECT
}

HF_TEST (test_every_message_of_clients_is_there_with_its_fields)
{
    char row[256];
    uint32_t left;
    //  The fields in their order, as `name: type`; a ? behind those that may be left out.
#define COUNT(type, name) +1U
#define FIELD(type, name)                                                                          \
    strcat (row, ", " #name ": " #type);                                                           \
    strcat (row, left-- <= may_lack ? "?" : "");
#define EXPECT(kind, ordinal, name)                                                                \
    if ((ordinal) < 128) {                                                                         \
        uint32_t may_lack = hf_optional (ordinal);                                                 \
        left = 0 HF_FIELDS_##name (COUNT);                                                         \
        snprintf (row, sizeof row, "\n    %s = [%d", #kind, ordinal);                              \
        HF_FIELDS_##name (FIELD) strcat (row, "]");                                                \
        s_expect_text (row);                                                                       \
    }
    HF_MSG_TABLE (EXPECT)
#undef EXPECT
#undef FIELD
#undef COUNT
}

HF_TEST (test_every_limit_is_there)
{
    static const struct {
        const char *name;
        unsigned long value;
    } limits[] = {
        {"TTL_MIN_MS", HF_TTL_MIN_MS},
        {"TTL_MAX_MS", HF_TTL_MAX_MS},
        {"TTL_DEFAULT_MS", HF_TTL_DEFAULT_MS},
        {"NONCE_SIZE", HF_NONCE_SIZE},
        {"DATA_MAX", HF_DATA_MAX},
        {"SECTION_BYTES_MAX", HF_SECTION_BYTES_MAX},
        {"SECTION_FILES_MAX", HF_SECTION_FILES_MAX},
        {"STAGED_BYTES_MAX", HF_STAGED_BYTES_MAX},
        {"LABEL_MAX", HF_LABEL_MAX},
        {"NOTE_MAX", HF_NOTE_MAX},
        {"NOTES_PART_MAX", HF_NOTES_PART_MAX},
        {"NOTES_TOTAL_MAX", HF_NOTES_TOTAL_MAX},
        {"DELAY_MIN_MS", HF_DELAY_MIN_MS},
        {"DELAY_MAX_MS", HF_DELAY_MAX_MS},
        {"RING_MAX", HF_RING_MAX},
        {"SESSIONS_MAX", HF_SESSIONS_MAX},
        {"PLACES_MAX", HF_PLACES_MAX},
        {"SET_MAX", HF_SET_MAX},
        {"QUEUE_MAX", HF_QUEUE_MAX},
        {"WINDOW_MAX", HF_WINDOW_MAX},
        {"KEEPS_MAX", HF_KEEPS_MAX},
        {"PACKED_MAX", HF_PACKED_MAX},
        {"ROWS_MAX", HF_ROWS_MAX},
        {"HOLDERS_LISTED", HF_HOLDERS_LISTED},
        {"CLIENT_FRAME_MAX", HF_CLIENT_FRAME_MAX},
        {"FRAME_MAX", HF_FRAME_MAX},
        {"MEMBERS_MAX", HF_MEMBERS_MAX},
        {"HOST_MAX", HF_HOST_MAX},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char row[96];
        snprintf (row, sizeof row, "| `%s` | %lu |", limits[i].name, limits[i].value);
        s_expect_text (row);
    }
}

HF_TEST_MAIN (s_read_doc, s_free_doc)
