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
    assert_non_null (file);
    fseek (file, 0, SEEK_END);
    size_t size = (size_t)ftell (file);
    rewind (file);
    s_doc = calloc (1, size + 1);
    assert_int_equal (fread (s_doc, 1, size, file), size);
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

static void
s_open (hf_pack_t *pack)
{
    uint8_t nonce[HF_NONCE_SIZE];
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)i;
    hf_open_frame (pack, &(hf_open_t){hf_span (nonce, sizeof nonce), 10000});
}

static void
s_opened (hf_pack_t *pack)
{
    uint8_t nonce[HF_NONCE_SIZE];
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)i;
    hf_opened_frame (pack, &(hf_opened_t){hf_span (nonce, sizeof nonce), HF_OK, SESSION, 10000});
}

static void
s_acquire (hf_pack_t *pack)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_acquire_put (&list, &(hf_acquire_t){1, hf_span_text ("demo"), HF_MODE_EXCLUSIVE, true});
    hf_requests_frame (pack, &(hf_requests_t){SESSION, 1, hf_pack_list (&list)});
    hf_pack_done (&list);
}

static void
s_answers (hf_pack_t *pack, const hf_answer_t *answers, size_t count)
{
    hf_pack_t list;
    hf_pack_init (&list);
    for (size_t i = 0; i < count; i++)
        hf_answer_put (&list, &answers[i]);
    hf_answers_frame (pack, &(hf_answers_t){SESSION, hf_pack_list (&list)});
    hf_pack_done (&list);
}

static void
s_queued (hf_pack_t *pack)
{
    s_answers (pack, &(hf_answer_t){1, HF_QUEUED, 40, 0, 1}, 1);
}

static void
s_granted (hf_pack_t *pack)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_granted_put (&list, &(hf_granted_t){hf_span_text ("demo"), 9, 52});
    hf_answers_frame (pack, &(hf_answers_t){SESSION, hf_pack_list (&list)});
    hf_pack_done (&list);
}

static void
s_append_release (hf_pack_t *pack)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_append_put (&list, &(hf_append_t){2, hf_span_text ("demo"), 9, 0, hf_span_text ("log"),
                                         hf_span_text ("hi\n")});
    hf_release_put (&list, &(hf_release_t){3, hf_span_text ("demo"), 9, 0});
    hf_requests_frame (pack, &(hf_requests_t){SESSION, 2, hf_pack_list (&list)});
    hf_pack_done (&list);
}

static void
s_done (hf_pack_t *pack)
{
    s_answers (pack, (hf_answer_t[]){{2, HF_OK, 53, 0, 0}, {3, HF_OK, 54, 0, 0}}, 2);
}

static void
s_keepalive (hf_pack_t *pack)
{
    hf_keepalive_frame (pack, &(hf_keepalive_t){SESSION, 123456});
}

static void
s_alive (hf_pack_t *pack)
{
    hf_alive_frame (pack, &(hf_alive_t){.session = SESSION, .echo = 123456, .status = HF_OK});
}

static void
s_refused (hf_pack_t *pack)
{
    hf_refused_frame (
        pack, &(hf_refused_t){HF_NOT_LEADER, hf_span_text (hf_status_text (HF_NOT_LEADER)), 1, 7});
}

static void
s_query (hf_pack_t *pack)
{
    hf_query_frame (pack, &(hf_query_t){1, HF_WHAT_READ, hf_span_text ("log"), 0, 65536});
}

static void
s_result (hf_pack_t *pack)
{
    hf_query_result_frame (
        pack,
        &(hf_query_result_t){
            .id = 1, .status = HF_OK, .index = 54, .total = 3, .data = hf_span_text ("hi\n")});
}

static void
s_close (hf_pack_t *pack)
{
    hf_close_frame (pack, &(hf_close_t){SESSION, 2});
}

static void
s_closed (hf_pack_t *pack)
{
    hf_closed_frame (pack, &(hf_closed_t){SESSION, 2, HF_OK});
}

static const struct example {
    const char *name;
    void (*make) (hf_pack_t *);
} s_examples[] = {
    {"open", s_open},       {"opened", s_opened},       {"acquire", s_acquire},
    {"queued", s_queued},   {"granted", s_granted},     {"append-release", s_append_release},
    {"done", s_done},       {"keepalive", s_keepalive}, {"alive", s_alive},
    {"refused", s_refused}, {"query", s_query},         {"result", s_result},
    {"close", s_close},     {"closed", s_closed},
};

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

HF_TEST (test_examples_are_what_the_codec_makes)
{
    for (size_t i = 0; i < sizeof s_examples / sizeof *s_examples; i++) {
        hf_pack_t pack;
        hf_pack_init (&pack);
        s_examples[i].make (&pack);
        if (getenv ("HF_DOC_PRINT")) {
            printf ("```hex %s\n", s_examples[i].name);
            for (size_t k = 0; k < hf_pack_size (&pack); k++)
                printf ("%02x%c", hf_pack_bytes (&pack)[k],
                        k % 24 == 23 || k + 1 == hf_pack_size (&pack) ? '\n' : ' ');
            printf ("```\n\n");
        } else {
            uint8_t bytes[512];
            size_t count = s_block (s_examples[i].name, bytes, sizeof bytes);
            assert_int_equal (count, hf_pack_size (&pack));
            assert_memory_equal (bytes, hf_pack_bytes (&pack), count);
        }
        hf_pack_done (&pack);
    }
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
    //  The fields in their order, as `name: type`.
#define FIELD(type, name) strcat (row, ", " #name ": " #type);
#define EXPECT(kind, ordinal, name)                                                                \
    if ((ordinal) < 128) {                                                                         \
        snprintf (row, sizeof row, "\n    %s = [%d", #kind, ordinal);                              \
        HF_FIELDS_##name (FIELD) strcat (row, "]");                                                \
        s_expect_text (row);                                                                       \
    }
    HF_MSG_TABLE (EXPECT)
#undef EXPECT
#undef FIELD
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
        {"SESSIONS_MAX", HF_SESSIONS_MAX},
        {"PLACES_MAX", HF_PLACES_MAX},
        {"QUEUE_MAX", HF_QUEUE_MAX},
        {"WINDOW_MAX", HF_WINDOW_MAX},
        {"ROWS_MAX", HF_ROWS_MAX},
        {"HOLDERS_LISTED", HF_HOLDERS_LISTED},
        {"CLIENT_FRAME_MAX", HF_CLIENT_FRAME_MAX},
        {"FRAME_MAX", HF_FRAME_MAX},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char row[96];
        snprintf (row, sizeof row, "| `%s` | %lu |", limits[i].name, limits[i].value);
        s_expect_text (row);
    }
}

HF_TEST_MAIN (s_read_doc, s_free_doc)
