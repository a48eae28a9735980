//  Rows of the lock state on disk: what was written is there, all of it or none, and nothing else.

#include "msgs/hf_msg.h"
#include "nodes/store/hf_state_store.h"
#include "store_fixture.h"
#include <stdlib.h>
#include <string.h>

static char s_error[HF_ERROR_SIZE];

static hf_state_store_t *
s_open (const char *dir)
{
    hf_state_store_t *store = hf_state_store_open (dir, s_error);
    if (!store)
        fail_msg ("%s", s_error);
    return store;
}

static hf_state_store_t *
s_reopen (hf_state_store_t *store, const char *dir)
{
    hf_state_store_close (&store);
    assert_null (store);
    return s_open (dir);
}

//  ---- changes, from text ----------------------------------------------------------

/*  "key=value", "-key" (gone) and "-key*" (all that begin with it), by spaces. */
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

static void
s_expect (hf_state_store_t *store, uint64_t index, const char *rows)
{
    char text[1000] = "";
    if (hf_state_store_read (store, s_hear, text) != 0)
        fail_msg ("%s", hf_state_store_error (store));
    assert_string_equal (text, rows);
    assert_int_equal (hf_state_store_index (store), index);
}

//  ---- clean -------------------------------------------------------------------------

static void
test_rows_come_back_at_every_step (void **state)
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
        assert_int_equal (s_write (store, 10 + i, steps[i].changes), 0);
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

static void
test_large_rows_are_kept (void **state)
{
    hf_state_store_t *store = s_open (*state);
    hf_pack_t changes;
    hf_pack_init (&changes);
    uint8_t *bytes = calloc (1, 256 << 10);
    for (uint8_t i = 0; i < 20; i++)
        hf_state_change_put (&changes, &(hf_state_change_t){.key = hf_span (&i, 1),
                                                            .value = hf_span (bytes, 256 << 10)});
    assert_int_equal (hf_state_store_write (store, 1, hf_pack_list (&changes)), 0);
    store = s_reopen (store, *state);
    uint64_t sizes = 0;
    assert_int_equal (hf_state_store_read (store, s_count, &sizes), 0);
    assert_int_equal (sizes, 20 * (256 << 10));
    hf_pack_done (&changes);
    free (bytes);
    hf_state_store_close (&store);
}

static void
test_P12_file_and_wal_stay_flat (void **state)
{
    hf_state_store_t *store = s_open (*state);
    const char *path = fixture_path (*state, "state.db");
    const char *wal = fixture_path (*state, "state.db-wal");
    char value[9000];
    memset (value, 'x', sizeof value);
    for (uint64_t i = 1; i <= 2000; i++) { //  18 MB through 100 rows
        char key[16], gone[16];
        snprintf (key, sizeof key, "k%llu", (unsigned long long)i);
        snprintf (gone, sizeof gone, "k%llu", (unsigned long long)(i > 100 ? i - 100 : 0));
        hf_pack_t changes;
        hf_pack_init (&changes);
        hf_state_change_put (&changes,
                             &(hf_state_change_t){.gone = true, .key = hf_span_text (gone)});
        hf_state_change_put (&changes, &(hf_state_change_t){.key = hf_span_text (key),
                                                            .value = hf_span (value, 9000)});
        assert_int_equal (hf_state_store_write (store, i, hf_pack_list (&changes)), 0);
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

static void
test_a_reader_may_refuse_a_row (void **state)
{
    hf_state_store_t *store = s_open (*state);
    assert_int_equal (s_write (store, 1, "a=1 b=2 c=3"), 0);
    int heard = 0;
    assert_int_equal (hf_state_store_read (store, s_refuse, &heard), -1);
    assert_int_equal (heard, 2);
    assert_contains (hf_state_store_error (store), "makes no sense");
    assert_contains (hf_state_store_error (store), "docs/operating.md");
    s_expect (store, 1, "a=1 b=2 c=3");
    hf_state_store_close (&store);
}

//  ---- damage ------------------------------------------------------------------------

static void
test_damage_is_refused_with_the_way_out (void **state)
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
    const char *path = fixture_path (*state, "state.db");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        hf_state_store_t *store = s_open (*state);
        assert_int_equal (s_write (store, 5, "a=1 b=2 c=3"), 0);
        hf_state_store_close (&store);
        fixture_sql (path, kinds[i].sql);
        char text[1000] = "";
        store = hf_state_store_open (*state, s_error);
        if (store && hf_state_store_read (store, s_hear, text) == 0)
            fail_msg ("%s: was not seen", kinds[i].sql);
        const char *error = store ? hf_state_store_error (store) : s_error;
        assert_contains (error, kinds[i].text);
        if (!strstr (error, "no such table"))
            assert_contains (error, "docs/operating.md");
        hf_state_store_close (&store);
        assert_int_equal (remove (path), 0);
    }
}

/*  A row of old that comes back: its own checksum is right, the sum over all is not. */
static void
test_a_row_of_old_is_refused (void **state)
{
    const char *path = fixture_path (*state, "state.db");
    hf_state_store_t *store = s_open (*state);
    assert_int_equal (s_write (store, 5, "a=1 b=2"), 0);
    hf_state_store_close (&store);
    fixture_sql (path, "CREATE TABLE old AS SELECT * FROM rows");
    store = s_open (*state);
    assert_int_equal (s_write (store, 6, "a=3"), 0);
    hf_state_store_close (&store);
    fixture_sql (path, "INSERT OR REPLACE INTO rows SELECT * FROM old; DROP TABLE old");
    store = s_open (*state);
    char text[1000] = "";
    assert_int_equal (hf_state_store_read (store, s_hear, text), -1);
    assert_contains (hf_state_store_error (store), "not the ones that were written");
    hf_state_store_close (&store);
}

static void
test_flipped_byte_is_refused (void **state)
{
    hf_state_store_t *store = s_open (*state);
    assert_int_equal (s_write (store, 5, "needle=haystackhaystack"), 0);
    hf_state_store_close (&store);
    size_t size;
    const char *path = fixture_path (*state, "state.db");
    char *bytes = fixture_read (path, &size);
    const char *found = memmem (bytes, size, "haystack", 8);
    assert_non_null (found);
    fixture_flip (path, found - bytes);
    free (bytes);
    store = s_open (*state);
    char text[1000] = "";
    assert_int_equal (hf_state_store_read (store, s_hear, text), -1);
    assert_contains (hf_state_store_error (store), "checksum");
    hf_state_store_close (&store);
}

//  ---- failures and kills ------------------------------------------------------------

static void
test_failed_write_leaves_a_store_that_takes_no_more (void **state)
{
    hf_state_store_t *store = s_open (*state);
    assert_int_equal (s_write (store, 5, "a=1"), 0);
    fixture_limit (1);
    int rc = s_write (store, 6, "a=2");
    fixture_unlimit ();
    assert_int_equal (rc, -1);
    assert_true (strlen (hf_state_store_error (store)) > 0);
    assert_int_equal (hf_state_store_index (store), 5);
    assert_int_equal (s_write (store, 7, "a=3"), -1);
    store = s_reopen (store, *state);
    s_expect (store, 5, "a=1");
    hf_state_store_close (&store);
}

/*  Counter rows that move together, until the kill. */
static void
s_count_on (const char *dir, int steps)
{
    hf_state_store_t *store = hf_state_store_open (dir, s_error);
    for (uint64_t i = store ? hf_state_store_index (store) + 1 : 0; store; i++) {
        char text[100];
        snprintf (text, sizeof text, "-x* x%llu=1 a=%llu b=%llu", (unsigned long long)i,
                  (unsigned long long)i, (unsigned long long)i);
        if (s_write (store, i, text) != 0)
            return;
        fixture_step (steps);
    }
}

static void
test_P7_kills_leave_a_write_whole_or_out (void **state)
{
    uint64_t before = 0;
    for (unsigned round = 1; round <= 8; round++) {
        unsigned steps = fixture_kill (s_count_on, *state, 1 + round * 41 % 70);
        hf_state_store_t *store = s_open (*state);
        unsigned long long index = hf_state_store_index (store);
        assert_in_range (index, before + steps, before + steps + 1);
        char rows[100];
        snprintf (rows, sizeof rows, "a=%llu b=%llu x%llu=1", index, index, index);
        s_expect (store, index, rows);
        hf_state_store_close (&store);
        before = index;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, fixture_setup, fixture_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_rows_come_back_at_every_step),
        TEST (test_large_rows_are_kept),
        TEST (test_P12_file_and_wal_stay_flat),
        TEST (test_a_reader_may_refuse_a_row),
        TEST (test_damage_is_refused_with_the_way_out),
        TEST (test_a_row_of_old_is_refused),
        TEST (test_flipped_byte_is_refused),
        TEST (test_failed_write_leaves_a_store_that_takes_no_more),
        TEST (test_P7_kills_leave_a_write_whole_or_out),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
