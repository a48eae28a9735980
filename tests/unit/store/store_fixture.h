/*  store_fixture.h - what the tests of the stores share: a folder of their own, children that are
 *  killed, and a way at the bytes on disk behind the store's back.
 */
#ifndef STORE_FIXTURE_H_INCLUDED
#define STORE_FIXTURE_H_INCLUDED

#include "tests/kit/hf_test.h"
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
 *  done. It is killed with SIGKILL after KILL_AFTER of them (0: it kills itself, or ends by
 *  itself). Gives how many bytes came in all. */
typedef void (fixture_child_fn) (const char *dir, int steps);
unsigned fixture_kill (fixture_child_fn *fn, const char *dir, unsigned kill_after);
void fixture_step (int steps);

/*  No file may grow beyond SIZE until fixture_unlimit: a write fails with EFBIG. */
void fixture_limit (uint64_t size);
void fixture_unlimit (void);

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (!strstr ((text), (part)))                                                              \
            fail_msg ("\"%s\" does not contain \"%s\"", (text), (part));                           \
    } while (0)

#endif
