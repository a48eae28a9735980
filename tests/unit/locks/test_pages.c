//  A page of a list of locks, made in steps between which locks come and go (hf_state.h).
#include "base/hf_mutant.h"
#include "tests/unit/locks/check.h"
#include <stdio.h>

int hf_mutant = HF_MUTANT_none;

enum { LOCKS = 3000, MOST = 100, LIMIT = 20 };

//  ---- locks and steps ----------------------------------------------------------------

/*  Session 1 holds n0000, n0001 and so on. */
static feed_t *
s_feed (unsigned count)
{
    feed_t *feed = feed_new (false);
    feed_open (feed, 1, 10000);
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        snprintf (name, sizeof name, "n%04u", i);
        feed_do_acquire (feed, 1, name, true);
    }
    return feed;
}

static void
s_release (feed_t *feed, unsigned number)
{
    char name[16];
    snprintf (name, sizeof name, "n%04u", number);
    uint64_t token;
    feed_holder (feed, name, &token);
    feed_do_release (feed, 1, name, token);
}

typedef struct list {
    hf_lock_page_t *page;
    hf_pack_t rows;
    bool more;
    unsigned looked, most; //  in this step, and in the longest one
} list_t;

static bool
s_shown (void *arg, hf_span_t name)
{
    (void)name;
    ((list_t *)arg)->looked++;
    return true;
}

static void
s_begin (list_t *self, const char *after)
{
    *self = (list_t){.page = hf_lock_page_new (hf_span_text (after), LIMIT)};
    hf_pack_init (&self->rows);
}

static bool
s_step (list_t *self, const feed_t *feed)
{
    self->looked = 0;
    bool whole = hf_lock_page_step (self->page, feed->state, MOST, &(hf_shown_t){s_shown, self},
                                    &self->rows, &self->more);
    self->most = self->looked > self->most ? self->looked : self->most;
    return whole;
}

static void
s_end (list_t *self)
{
    hf_lock_page_destroy (&self->page);
    hf_pack_done (&self->rows);
}

/*  Whether the page has the locks of FIRST and the numbers behind it, LIMIT of them. */
static bool
s_has (const list_t *self, unsigned first)
{
    hf_scan_t scan = hf_scan_list (hf_pack_list (&self->rows));
    bool all = self->rows.count == 2 * LIMIT;
    for (unsigned i = first; all && i < first + LIMIT; i++) {
        char name[16];
        hf_lock_row_t lock;
        hf_holder_row_t hold;
        snprintf (name, sizeof name, "n%04u", i);
        all = hf_lock_row_get (&scan, &lock) && hf_holder_row_get (&scan, &hold) &&
              hf_span_equal (lock.lock, hf_span_text (name));
    }
    return all;
}

//  ---- a step is short -----------------------------------------------------------------

/*  How many locks the longest step looked at. */
static unsigned
s_longest (int mutant)
{
    feed_t *feed = s_feed (LOCKS);
    list_t list;
    hf_mutant = mutant;
    s_begin (&list, "n0999");
    while (!s_step (&list, feed))
        continue;
    hf_mutant = HF_MUTANT_none;
    assert_true (s_has (&list, 1000) && list.more);
    unsigned most = list.most;
    s_end (&list);
    feed_destroy (&feed);
    return most;
}

HF_TEST (p11_a_step_looks_at_so_many_locks)
{
    //  And at the others of its last bucket.
    assert_in_range (s_longest (HF_MUTANT_none), 1, MOST + 20);
    assert_true (s_longest (HF_MUTANT_page_in_one_step) > MOST + 20);
}

//  ---- what comes and goes meanwhile ------------------------------------------------------

/*  A step, then as many locks come that the table doubles, or go that it is half as large, then the
 *  others. Whether all that were there all the time are in the page. */
static bool
s_survives (int mutant, bool grows)
{
    feed_t *feed = s_feed (grows ? 2000 : LOCKS);
    list_t list;
    hf_mutant = mutant;
    s_begin (&list, "");
    for (unsigned i = 0; i < 10; i++)
        assert_false (s_step (&list, feed));
    for (unsigned i = 2000; i < LOCKS && grows; i++) {
        char name[16];
        snprintf (name, sizeof name, "n%04u", i);
        feed_do_acquire (feed, 1, name, true);
    }
    for (unsigned i = 2 * LIMIT; i < LOCKS && !grows; i++)
        s_release (feed, i);
    while (!s_step (&list, feed))
        continue;
    hf_mutant = HF_MUTANT_none;
    bool all = s_has (&list, 0);
    s_end (&list);
    feed_destroy (&feed);
    return all;
}

HF_TEST (a_lock_that_stays_is_in_the_page)
{
    assert_true (s_survives (HF_MUTANT_none, true));
    assert_true (s_survives (HF_MUTANT_none, false));
    assert_false (s_survives (HF_MUTANT_page_in_moved_table, false));
}

/*  All that the page would have go before its last step. How many rows it has then. */
static uint32_t
s_rows_left (int mutant)
{
    feed_t *feed = s_feed (LOCKS);
    list_t list;
    hf_mutant = mutant;
    s_begin (&list, "");
    unsigned steps = 1;
    while (!s_step (&list, feed))
        steps++;
    s_end (&list);
    s_begin (&list, "");
    while (--steps > 0)
        assert_false (s_step (&list, feed));
    for (unsigned i = 0; i < 2 * LIMIT; i++)
        s_release (feed, i);
    while (!s_step (&list, feed))
        continue;
    hf_mutant = HF_MUTANT_none;
    uint32_t rows = list.rows.count;
    assert_true (list.more && (rows == 0 || s_has (&list, 2 * LIMIT)));
    s_end (&list);
    feed_destroy (&feed);
    return rows;
}

HF_TEST (a_page_behind_which_there_is_more_has_rows)
{
    assert_int_equal (s_rows_left (HF_MUTANT_none), 2 * LIMIT);
    assert_int_equal (s_rows_left (HF_MUTANT_page_empty), 0);
}

/*  All that the page found goes before the last step, each time that it begins anew, for so many
 *  times. Whether it ends soon after. */
static bool
s_ends (int mutant)
{
    enum { TIMES = 8 };
    feed_t *feed = s_feed (LOCKS);
    list_t list, trial;
    unsigned gone = 0;
    bool whole = false;
    hf_mutant = mutant;
    s_begin (&list, "");
    for (unsigned time = 0; time < TIMES && !whole; time++) {
        s_begin (&trial, ""); //  how many steps it takes
        while (!s_step (&trial, feed) && !whole)
            whole = s_step (&list, feed);
        s_end (&trial);
        for (unsigned i = 0; i < 2 * LIMIT && !whole; i++)
            s_release (feed, gone++);
        whole = whole || s_step (&list, feed);
    }
    hf_mutant = HF_MUTANT_none;
    assert_true (!whole || s_has (&list, gone));
    s_end (&list);
    feed_destroy (&feed);
    return whole;
}

HF_TEST (p11_a_page_does_not_begin_again_for_ever)
{
    assert_true (s_ends (HF_MUTANT_none));
    assert_false (s_ends (HF_MUTANT_page_for_ever));
}

HF_TEST_MAIN (NULL, NULL)
