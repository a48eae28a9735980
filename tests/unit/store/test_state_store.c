//  Rows of the lock state on disk: what was written is there, all of it or none, and nothing else.

#include "msgs/hf_msg.h"
#include "nodes/store/hf_state_store.h"
#include "store_fixture.h"
#include <stdlib.h>
#include <string.h>

STORE_OPEN (hf_state_store, s_open, s_reopen, s_refused)

//  ---- changes, from text ----------------------------------------------------------

/*  "key=value", "-key" (removed) and "-key*" (all that begin with it removed), by spaces. */
static void
s_pack (hf_pack_t *changes, const char *text)
{
    while (*text) {
        size_t size = strcspn (text, " ");
        const char *equals = memchr (text, '=', size);
        hf_state_change_t change = {.gone = *text == '-', .prefix = text[size - 1] == '*'};
        if (change.gone) {
            change.key = hf_span (text + 1, size - 1 - change.prefix);
        } else {
            size_t key = (size_t)(equals - text);
            change.prefix = false;
            change.key = hf_span (text, key);
            change.value = hf_span (equals + 1, size - key - 1);
        }
        hf_state_change_put (changes, &change);
        text += size;
        text += strspn (text, " ");
    }
}

static int
s_write (hf_state_store_t *store, uint64_t index, const char *text)
{
    hf_pack_t changes;
    hf_pack_init (&changes);
    s_pack (&changes, text);
    int rc = hf_state_store_write (store, index, hf_pack_list (&changes));
    hf_pack_done (&changes);
    return rc;
}

static bool
s_hear (void *arg, hf_span_t key, hf_span_t value)
{
    char *text = arg;
    size_t used = strlen (text);
    snprintf (text + used, 1000 - used, "%s%.*s=%.*s", used > 0 ? " " : "", (int)key.size,
              (const char *)key.at, (int)value.size, (const char *)value.at);
    return true;
}

/*  All rows, in pages of BYTES. */
static void
s_read_pages (hf_state_store_t *store, size_t bytes, char *text)
{
    hf_pack_t page;
    hf_pack_init (&page);
    bool begin = true, more;
    do {
        hf_pack_reset (&page);
        assert_ok (hf_state_store_page (store, begin, bytes, &page, &more));
        hf_scan_t scan = hf_scan (hf_pack_bytes (&page), hf_pack_size (&page));
        hf_state_row_t row;
        assert_true (!more || !hf_scan_at_end (&scan));
        while (!hf_scan_at_end (&scan) && hf_state_row_get (&scan, &row))
            s_hear (text, row.key, row.value);
        begin = false;
    } while (more);
    hf_pack_done (&page);
}

static void
s_expect (hf_state_store_t *store, uint64_t index, const char *rows)
{
    static const size_t pages[] = {1, 20, 1000};
    for (size_t i = 0; i < 3; i++) {
        char text[1000] = "";
        s_read_pages (store, pages[i], text);
        assert_string_equal (text, rows);
    }
    char text[1000] = "";
    if (hf_state_store_read (store, s_hear, text) != 0)
        fail_msg ("%s", hf_state_store_error (store));
    assert_string_equal (text, rows);
    assert_int_equal (hf_state_store_index (store), index);
}

//  ---- clean -------------------------------------------------------------------------

STORE_TEST (test_rows_come_back_at_every_step)
{
    static const struct {
        const char *changes, *rows;
    } steps[] = {
        {"", ""},
        {"b=1 a=22 c=", "a=22 b=1 c="},
        {"a=3 b=1", "a=3 b=1 c="},
        {"-a -nothing", "b=1 c="},
        {"p1=x p2=y p22=z q=w o=v", "b=1 c= o=v p1=x p2=y p22=z q=w"},
        {"-p2*", "b=1 c= o=v p1=x q=w"},
        {"p3=1 -p* p4=1 -p4 p5=1 p5=2", "b=1 c= o=v p5=2 q=w"}, //  in order
        {"-*", ""},
        {"=root \xff=1 \xff\xff=2 \xfe=3 \xfe\xff=4", "=root \xfe=3 \xfe\xff=4 \xff=1 \xff\xff=2"},
        {"-\xfe\xff*", "=root \xfe=3 \xff=1 \xff\xff=2"},
        {"-\xff*", "=root \xfe=3"},
        {"- k=1", "k=1 \xfe=3"},
    };
    hf_state_store_t *store = s_open (*state);
    s_expect (store, 0, "");
    for (uint64_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_ok (s_write (store, 10 + i, steps[i].changes));
        s_expect (store, 10 + i, steps[i].rows);
        store = s_reopen (store, *state);
        s_expect (store, 10 + i, steps[i].rows);
    }
    hf_state_store_close (&store);
    hf_state_store_close (&store);
}

static bool
s_count (void *arg, hf_span_t key, hf_span_t value)
{
    uint64_t *sizes = arg;
    assert_true (key.size > 0);
    *sizes += value.size;
    return true;
}

STORE_TEST (test_large_rows_are_kept)
{
    hf_state_store_t *store = s_open (*state);
    hf_pack_t changes;
    hf_pack_init (&changes);
    uint8_t *bytes = calloc (1, 256 << 10);
    for (uint8_t i = 0; i < 20; i++)
        hf_state_change_put (&changes, &(hf_state_change_t){.key = hf_span (&i, 1),
                                                            .value = hf_span (bytes, 256 << 10)});
    assert_ok (hf_state_store_write (store, 1, hf_pack_list (&changes)));
    store = s_reopen (store, *state);
    uint64_t sizes = 0;
    assert_ok (hf_state_store_read (store, s_count, &sizes));
    assert_int_equal (sizes, 20 * (256 << 10));
    hf_pack_done (&changes);
    free (bytes);
    hf_state_store_close (&store);
}

STORE_TEST (test_P12_file_and_wal_stay_flat)
{
    hf_state_store_t *store = s_open (*state);
    const char *path = fixture_path (*state, "state.db");
    const char *wal = fixture_path (*state, "state.db-wal");
    char value[9000];
    memset (value, 'x', sizeof value);
    for (uint64_t i = 1; i <= 2000; i++) { //  18 MB through 100 rows
        char key[16], old[16];
        snprintf (key, sizeof key, "k%llu", (unsigned long long)i);
        snprintf (old, sizeof old, "k%llu", (unsigned long long)(i > 100 ? i - 100 : 0));
        hf_pack_t changes;
        hf_pack_init (&changes);
        hf_state_change_put (&changes,
                             &(hf_state_change_t){.gone = true, .key = hf_span_text (old)});
        hf_state_change_put (&changes, &(hf_state_change_t){.key = hf_span_text (key),
                                                            .value = hf_span (value, 9000)});
        assert_ok (hf_state_store_write (store, i, hf_pack_list (&changes)));
        hf_pack_done (&changes);
        assert_in_range (fixture_size (path), 1, 2 << 20);
        assert_in_range (fixture_size (wal), 1, 4 << 20);
    }
    hf_state_store_close (&store);
}

static bool
s_refuse (void *arg, hf_span_t key, hf_span_t value)
{
    (void)value;
    ++*(int *)arg;
    return key.at[0] != 'b';
}

STORE_TEST (test_a_reader_may_refuse_a_row)
{
    hf_state_store_t *store = s_open (*state);
    assert_ok (s_write (store, 1, "a=1 b=2 c=3"));
    int heard = 0;
    assert_int_equal (hf_state_store_read (store, s_refuse, &heard), -1);
    assert_int_equal (heard, 2);
    assert_contains (hf_state_store_error (store), "makes no sense");
    assert_contains (hf_state_store_error (store), "docs/operating.md");
    s_expect (store, 1, "a=1 b=2 c=3");
    hf_state_store_close (&store);
}

//  ---- damage ------------------------------------------------------------------------

/*  A store with ROWS as of entry 5, closed. */
static const char *
s_make (const char *dir, const char *rows)
{
    hf_state_store_t *store = s_open (dir);
    assert_ok (s_write (store, 5, rows));
    hf_state_store_close (&store);
    return fixture_path (dir, "state.db");
}

/*  Opening or reading fails, with a line that has TEXT in it. */
static void
s_expect_damage (const char *dir, const char *text)
{
    char rows[1000] = "", error[HF_ERROR_SIZE];
    hf_state_store_t *store = hf_state_store_open (dir, error);
    if (store && hf_state_store_read (store, s_hear, rows) == 0)
        fail_msg ("\"%s\" was not seen", text);
    assert_contains (store ? hf_state_store_error (store) : error, text);
    if (!strstr (text, "no such table"))
        assert_contains (store ? hf_state_store_error (store) : error, "docs/operating.md");
    hf_state_store_close (&store);
}

STORE_TEST (test_damage_is_refused_with_the_way_out)
{
    static const struct {
        const char *sql, *text;
    } kinds[] = {
        {"DELETE FROM rows WHERE key = CAST ('b' AS BLOB)", "2 rows of 3"},
        {"INSERT INTO rows VALUES (x'00', x'00', 7)", "a row does not match its checksum"},
        {"UPDATE rows SET value = x'33' WHERE key = CAST ('b' AS BLOB)", "checksum"},
        {"UPDATE rows SET key = x'33' WHERE key = CAST ('b' AS BLOB)", "checksum"},
        {"UPDATE rows SET sum = sum + 1 WHERE key = CAST ('b' AS BLOB)", "checksum"},
        {"UPDATE meta SET idx = 6", "index and sum"},
        {"UPDATE meta SET count = 2", "index and sum"},
        {"UPDATE meta SET sum = sum + 1", "index and sum"},
        {"UPDATE meta SET row_sum = 0", "index and sum"},
        {"DELETE FROM meta", "are missing"},
        {"DROP TABLE rows", "no such table"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *path = s_make (*state, "a=1 b=2 c=3");
        fixture_sql (path, kinds[i].sql);
        s_expect_damage (*state, kinds[i].text);
        assert_int_equal (remove (path), 0);
    }
}

/*  An earlier row that comes back: its own checksum is right, the sum over all is not. */
STORE_TEST (test_an_earlier_row_is_refused)
{
    const char *path = s_make (*state, "a=1 b=2");
    fixture_sql (path, "CREATE TABLE old AS SELECT * FROM rows");
    hf_state_store_t *store = s_open (*state);
    assert_ok (s_write (store, 6, "a=3"));
    hf_state_store_close (&store);
    fixture_sql (path, "INSERT OR REPLACE INTO rows SELECT * FROM old; DROP TABLE old");
    s_expect_damage (*state, "not the ones that were written");
}

STORE_TEST (test_flipped_byte_is_refused)
{
    const char *path = s_make (*state, "needle=haystackhaystack");
    size_t size;
    char *bytes = fixture_read (path, &size);
    const char *found = memmem (bytes, size, "haystack", 8);
    assert_non_null (found);
    fixture_flip (path, found - bytes);
    free (bytes);
    s_expect_damage (*state, "checksum");
}

HF_TEST_MAIN (NULL, NULL)
