/*  store_fixture.h - what the tests of the stores share: a folder of their own, children that are
 *  killed, and a way at the bytes on disk behind the store's back.
 */
#ifndef STORE_FIXTURE_H_INCLUDED
#define STORE_FIXTURE_H_INCLUDED

#include "tests/kit/hf_test.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_log_store.h"
#include <sys/types.h>

/*  A cmocka setup and teardown: *state is the path of a new folder. */
int fixture_setup (void **state);
int fixture_teardown (void **state);

/*  DIR/NAME in a static ring of buffers. */
const char *fixture_path (const char *dir, const char *name);

bool fixture_exists (const char *path);
int64_t fixture_size (const char *path); //  -1: not there
void fixture_write (const char *path, const void *bytes, size_t size);
/*  The caller frees; a zero is put behind the end. */
char *fixture_read (const char *path, size_t *size);
/*  Change one byte. */
void fixture_flip (const char *path, int64_t offset);

/*  Run SQL through a connection of its own; the store must be closed. */
void fixture_sql (const char *path, const char *sql);

/*  Run FN in a child, which writes a byte into its descriptor for every step that it counts as
 *  done, and then kill it with SIGKILL. Gives how many bytes came. */
typedef void (fixture_child_fn) (const char *dir, int steps);
unsigned fixture_kill (fixture_child_fn *fn, const char *dir);
void fixture_step (int steps);

/*  No file may grow beyond SIZE until fixture_unlimit: a write fails with EFBIG. */
void fixture_limit (uint64_t size);
void fixture_unlimit (void);

//  ---- steps that the tests of several stores take

/*  A test with a folder of its own, *state. */
#define STORE_TEST(name) HF_TEST_WITH (name, fixture_setup, fixture_teardown)

/*  The store of class CLASS in DIR: opened; closed and opened again; refused with a line that has
 *  TEXT and, if it is not NULL, MORE in it. */
#define STORE_OPEN(class, open, reopen, refused)                                                   \
    static __attribute__ ((unused)) class##_t *open (const char *dir)                              \
    {                                                                                              \
        char error[HF_ERROR_SIZE];                                                                 \
        class##_t *store = class##_open (dir, error);                                              \
        if (!store)                                                                                \
            fail_msg ("%s", error);                                                                \
        return store;                                                                              \
    }                                                                                              \
    static __attribute__ ((unused)) class##_t *reopen (class##_t *store, const char *dir)          \
    {                                                                                              \
        class##_close (&store);                                                                    \
        assert_null (store);                                                                       \
        return open (dir);                                                                         \
    }                                                                                              \
    static __attribute__ ((unused)) void refused (const char *dir, const char *text,               \
                                                  const char *more)                                \
    {                                                                                              \
        char error[HF_ERROR_SIZE];                                                                 \
        assert_null (class##_open (dir, error));                                                   \
        assert_contains (error, text);                                                             \
        assert_contains (error, more ? more : "");                                                 \
        assert_null (strchr (error, '\n'));                                                        \
    }

#define WAY_OUT "wipe this node's data folder" //  of damage

/*  Append an entry of commands. */
static inline int
fixture_append (hf_log_store_t *store, uint64_t index, uint64_t term, const void *at, size_t size)
{
    hf_entry_t entry = {term, HF_ENTRY_COMMANDS, hf_span (at, size)};
    return hf_log_store_append (store, index, &entry);
}

typedef struct fixture_part {
    const char *file;
    const void *data;
    size_t size;
} fixture_part_t;

/*  Write section INDEX; PARTS ends with an empty one. */
#define PARTS(...) ((const fixture_part_t[]){__VA_ARGS__, {NULL, NULL, 0}})
static inline int
fixture_section (hf_file_store_t *store, uint64_t index, const fixture_part_t *parts)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (; parts->file; parts++)
        hf_a_part_put (&pack, &(hf_a_part_t){.file = hf_span_text (parts->file),
                                             .data = hf_span (parts->data, parts->size)});
    int rc = hf_file_store_section (store, index, hf_pack_list (&pack));
    hf_pack_done (&pack);
    return rc;
}

/*  The log is "[term T ][vote NODE:INCARNATION ]FIRST-LAST base BASE_TERM[ runs INDEX:TERM...]
 *  [ rosters INDEX:INCARNATION...]". */
void fixture_expect_log (hf_log_store_t *store, const char *text);
/*  It is, now and when it was closed and opened again: gives the new store. */
hf_log_store_t *fixture_log_kept (hf_log_store_t *store, const char *dir, const char *text);

#define assert_ok(call) assert_int_equal (call, 0)
#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr ((text), (part)))                                                              \
            fail_msg ("\"%s\" does not contain \"%s\"", (text), (part));                           \
    } while (0)

#endif
