/*  What a lock takes of memory: every allocation is counted, with what the allocator adds to it, so
 *  the number is the same in every run, with sanitizers or without.
 */
#include "tests/kit/hf_test.h"
#include "tests/unit/locks/feed.h"
#include <malloc.h>
#include <stdio.h>

enum { LOCKS = 20000, SESSIONS = 4, HELD_MAX = 250, QUEUED_MAX = 560 };

//  ---- counting ---------------------------------------------------------------------

void *__real_calloc (size_t count, size_t size);
void *__real_realloc (void *memory, size_t size);
void __real_free (void *memory);
void *__wrap_calloc (size_t count, size_t size);
void *__wrap_realloc (void *memory, size_t size);
void __wrap_free (void *memory);

static size_t s_bytes; //  that are allocated

/*  As glibc counts: 8 bytes in front, then a multiple of 16, at least 32. */
static size_t
s_cost (void *memory)
{
    size_t size = memory ? (malloc_usable_size (memory) + 8 + 15) / 16 * 16 : 0;
    return memory && size < 32 ? 32 : size;
}

void *
__wrap_calloc (size_t count, size_t size)
{
    void *memory = __real_calloc (count, size);
    s_bytes += s_cost (memory);
    return memory;
}

void *
__wrap_realloc (void *memory, size_t size)
{
    s_bytes -= s_cost (memory);
    memory = __real_realloc (memory, size);
    s_bytes += s_cost (memory);
    return memory;
}

void
__wrap_free (void *memory)
{
    s_bytes -= s_cost (memory);
    __real_free (memory);
}

//  ---- a state with many locks ----------------------------------------------------------

/*  SESSIONS sessions that hold LOCKS locks, and when QUEUED as many that wait for one each. Names
 * of 30 bytes, as the tree of a program has them. */
static feed_t *
s_fill (bool queued)
{
    feed_t *feed = feed_new (false);
    for (uint64_t i = 1; i <= 2 * SESSIONS; i++)
        feed_open (feed, i, 10000);
    for (uint64_t i = 0; i < (queued ? 2 : 1) * LOCKS; i++) {
        char name[64];
        snprintf (name, sizeof name, "some/name/of/30/bytes/%08u", (unsigned)(i % LOCKS));
        feed_do_acquire (feed, i / (LOCKS / SESSIONS) + 1, name, true);
    }
    assert_int_equal (hf_state_locks_count (feed->state), LOCKS);
    assert_int_equal (hf_state_waiting_count (feed->state), queued ? LOCKS : 0);
    return feed;
}

/*  Bytes for each lock that are given back with STATE. */
static size_t
s_each (hf_state_t *state)
{
    size_t with = s_bytes;
    hf_state_changes (state, NULL); //  as if its rows had been written: what that took is no lock's
    assert_true (s_bytes < with || hf_state_changed_rows (state) == 0);
    with = s_bytes;
    hf_state_destroy (&state);
    return (with - s_bytes) / LOCKS;
}

static void
s_at_most (bool queued, size_t most)
{
    feed_t *feed = s_fill (queued);
    hf_state_t *copy = hf_state_new ();
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_state_rows (feed->state, &rows);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_state_row_t row;
    while (!hf_scan_at_end (&scan))
        assert_true (hf_state_row_get (&scan, &row) && hf_state_load (copy, row.key, row.value));
    assert_true (hf_state_loaded (copy));
    hf_pack_done (&rows);
    size_t made = s_each (feed->state), loaded = s_each (copy);
    feed->state = NULL;
    feed_destroy (&feed);
    print_message ("%zu bytes a lock; %zu after a restart\n", made, loaded);
    assert_in_range (made, 1, most);
    assert_in_range (loaded, 1, most);
    assert_int_equal (s_bytes, 0);
}

HF_TEST (a_lock_that_is_held)
{
    s_at_most (false, HELD_MAX);
}

HF_TEST (a_lock_that_is_held_and_waited_for)
{
    s_at_most (true, QUEUED_MAX);
}

HF_TEST_MAIN (NULL, NULL)
