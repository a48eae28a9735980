//  The recipes that need no watch, on a real node: mutex, read/write lock, semaphore, election.

#include "client/recipes/hf_election.h"
#include "client/recipes/hf_mutex.h"
#include "client/recipes/hf_rwlock.h"
#include "client/recipes/hf_semaphore.h"
#include "tests/cluster/recipes/stage.h"

//  ---- mutex --------------------------------------------------------------------------

static hf_status_t
s_lock_mutex (void *mutex)
{
    return hf_mutex_lock (mutex, LIMIT_MS, NULL);
}

STAGE_TEST (test_a_mutex_is_free_after_as_many_unlocks_as_locks)
{
    hf_mutex_t *mine = hf_mutex_new (g_stage.session[0], "mutex");
    hf_mutex_t *theirs = hf_mutex_new (g_stage.session[1], "mutex");
    hf_grant_t first, second;
    assert_int_equal (hf_mutex_unlock (mine, LIMIT_MS), HF_NOT_HOLDER);
    assert_int_equal (hf_mutex_lock (mine, LIMIT_MS, &first), HF_OK);
    assert_int_equal (hf_mutex_lock (mine, 0, &second), HF_OK);
    assert_int_equal (second.token, first.token);
    assert_int_equal (hf_mutex_depth (mine), 2);
    assert_int_equal (hf_mutex_lock (theirs, 0, NULL), HF_NOT_GRANTED);
    assert_int_equal (hf_mutex_unlock (mine, LIMIT_MS), HF_OK);
    assert_int_equal (hf_mutex_lock (theirs, 0, NULL), HF_NOT_GRANTED);
    call_t call;
    call_begin (&call, s_lock_mutex, theirs);
    stage_wait_waiters ("mutex", 1);
    assert_int_equal (hf_mutex_unlock (mine, LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&call), HF_OK);
    assert_int_equal (hf_mutex_depth (mine), 0);
    assert_int_equal (hf_mutex_unlock (mine, LIMIT_MS), HF_NOT_HOLDER);
    assert_int_equal (hf_mutex_unlock (theirs, LIMIT_MS), HF_OK);
    hf_mutex_destroy (&mine);
    hf_mutex_destroy (&theirs);
    assert_null (mine);
}

STAGE_TEST (test_a_mutex_of_a_session_that_ended_is_lost_once_for_each_lock)
{
    hf_mutex_t *mutex = hf_mutex_new (g_stage.session[0], "mutex");
    assert_int_equal (hf_mutex_lock (mutex, LIMIT_MS, NULL), HF_OK);
    assert_int_equal (hf_mutex_lock (mutex, LIMIT_MS, NULL), HF_OK);
    uint64_t id = hf_session_id (g_stage.session[0]);
    assert_int_equal (hf_close_session_id (g_stage.client, id, LIMIT_MS), HF_OK);
    assert_true (HF_WAIT (hf_session_remaining_ms (g_stage.session[0]) == 0, LIMIT_MS));
    assert_int_equal (hf_mutex_lock (mutex, LIMIT_MS, NULL), HF_LOST);
    assert_int_equal (hf_mutex_unlock (mutex, LIMIT_MS), HF_LOST);
    assert_int_equal (hf_mutex_unlock (mutex, LIMIT_MS), HF_LOST);
    assert_int_equal (hf_mutex_unlock (mutex, LIMIT_MS), HF_NOT_HOLDER);
    assert_int_equal (hf_mutex_lock (mutex, LIMIT_MS, NULL), HF_SESSION_EXPIRED);
    hf_mutex_destroy (&mutex);
}

STAGE_TEST (test_bad_arguments_are_refused)
{
    char name[257];
    memset (name, 'n', sizeof name - 1);
    name[256] = 0;
    assert_null (hf_mutex_new (NULL, "x"));
    assert_null (hf_rwlock_new (g_stage.session[0], NULL));
    assert_null (hf_semaphore_new (g_stage.session[0], "x", 0));
    assert_null (hf_election_new (NULL, NULL));
    assert_int_equal (hf_mutex_lock (NULL, 0, NULL), HF_INVALID);
    assert_int_equal (hf_rwlock_unlock (NULL, 0), HF_INVALID);
    hf_mutex_t *mutex = hf_mutex_new (g_stage.session[0], name);
    assert_int_equal (hf_mutex_lock (mutex, LIMIT_MS, NULL), HF_BAD_NAME);
    assert_int_equal (hf_mutex_depth (mutex), 0);
    hf_mutex_destroy (&mutex);
    hf_mutex_destroy (&mutex);
}

//  ---- read/write lock ------------------------------------------------------------------

static hf_status_t
s_write (void *lock)
{
    return hf_rwlock_write (lock, LIMIT_MS, NULL);
}

static hf_status_t
s_read (void *lock)
{
    return hf_rwlock_read (lock, LIMIT_MS, NULL);
}

STAGE_TEST (test_readers_share_and_a_writer_is_alone)
{
    hf_rwlock_t *a = hf_rwlock_new (g_stage.session[0], "rw");
    hf_rwlock_t *b = hf_rwlock_new (g_stage.session[1], "rw");
    hf_rwlock_t *writer = hf_rwlock_new (g_stage.session[2], "rw");
    assert_int_equal (hf_rwlock_read (a, LIMIT_MS, NULL), HF_OK);
    assert_int_equal (hf_rwlock_read (a, LIMIT_MS, NULL), HF_OVERLAP);
    assert_int_equal (hf_rwlock_write (writer, 0, NULL), HF_NOT_GRANTED);
    call_t write, read;
    call_begin (&write, s_write, writer);
    stage_wait_waiters ("rw", 1);
    call_begin (&read, s_read, b); //  behind the writer
    stage_wait_waiters ("rw", 2);
    assert_int_equal (hf_rwlock_unlock (a, LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&write), HF_OK);
    stage_wait_waiters ("rw", 1);
    assert_int_equal (hf_rwlock_unlock (writer, LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&read), HF_OK);
    assert_int_equal (hf_rwlock_read (a, 0, NULL), HF_OK);
    assert_int_equal (hf_rwlock_unlock (a, LIMIT_MS), HF_OK);
    assert_int_equal (hf_rwlock_unlock (b, LIMIT_MS), HF_OK);
    assert_int_equal (hf_rwlock_unlock (b, LIMIT_MS), HF_NOT_HOLDER);
    hf_rwlock_destroy (&a);
    hf_rwlock_destroy (&b);
    hf_rwlock_destroy (&writer);
}

STAGE_TEST (test_a_reader_becomes_a_writer_and_a_reader_again)
{
    hf_rwlock_t *a = hf_rwlock_new (g_stage.session[0], "rw");
    hf_rwlock_t *b = hf_rwlock_new (g_stage.session[1], "rw");
    assert_int_equal (hf_rwlock_read (a, LIMIT_MS, NULL), HF_OK);
    assert_int_equal (hf_rwlock_read (b, LIMIT_MS, NULL), HF_OK);
    assert_int_equal (hf_rwlock_write (a, 0, NULL), HF_NOT_GRANTED); //  and reads on
    call_t write;
    call_begin (&write, s_write, a);
    stage_wait_waiters ("rw", 1);
    assert_int_equal (hf_rwlock_write (b, LIMIT_MS, NULL), HF_DEADLOCK);
    assert_int_equal (hf_rwlock_unlock (b, LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&write), HF_OK);
    assert_int_equal (hf_rwlock_read (b, 0, NULL), HF_NOT_GRANTED);
    assert_int_equal (hf_rwlock_read (a, LIMIT_MS, NULL), HF_OK); //  at once
    assert_int_equal (hf_rwlock_read (b, 0, NULL), HF_OK);
    assert_int_equal (hf_rwlock_unlock (a, LIMIT_MS), HF_OK);
    assert_int_equal (hf_rwlock_unlock (b, LIMIT_MS), HF_OK);
    assert_int_equal (hf_rwlock_write (b, 0, NULL), HF_OK); //  nothing of A is left
    hf_rwlock_destroy (&a);
    hf_rwlock_destroy (&b);
}

//  ---- semaphore ------------------------------------------------------------------------

static hf_status_t
s_take_two (void *semaphore)
{
    return hf_semaphore_take (semaphore, 2, LIMIT_MS, NULL);
}

STAGE_TEST (test_a_semaphore_has_so_many_units)
{
    hf_semaphore_t *who[4];
    for (int i = 0; i < 4; i++)
        assert_non_null (who[i] = hf_semaphore_new (g_stage.session[i], "units", 3));
    assert_int_equal (hf_semaphore_take (who[0], 0, 0, NULL), HF_INVALID);
    assert_int_equal (hf_semaphore_take (who[0], 4, 0, NULL), HF_INVALID);
    assert_int_equal (hf_semaphore_take (who[0], 1, LIMIT_MS, NULL), HF_OK);
    assert_int_equal (hf_semaphore_take (who[0], 1, LIMIT_MS, NULL), HF_OVERLAP);
    assert_int_equal (hf_semaphore_take (who[1], 1, LIMIT_MS, NULL), HF_OK);
    assert_int_equal (hf_semaphore_take (who[2], 2, 0, NULL), HF_NOT_GRANTED);
    call_t two;
    call_begin (&two, s_take_two, who[2]);
    stage_wait_waiters ("units", 1);
    assert_int_equal (hf_semaphore_take (who[3], 1, 0, NULL), HF_NOT_GRANTED); //  behind it
    assert_int_equal (hf_semaphore_give (who[0], LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&two), HF_OK);
    assert_int_equal (hf_semaphore_take (who[3], 1, 0, NULL), HF_NOT_GRANTED);
    assert_int_equal (hf_semaphore_give (who[1], LIMIT_MS), HF_OK);
    assert_int_equal (hf_semaphore_take (who[3], 1, 0, NULL), HF_OK);
    hf_semaphore_t *other = hf_semaphore_new (g_stage.session[4], "units", 2);
    assert_int_equal (hf_semaphore_take (other, 1, LIMIT_MS, NULL), HF_CONFLICT);
    hf_semaphore_destroy (&other);
    for (int i = 0; i < 4; i++)
        hf_semaphore_destroy (&who[i]);
}

//  ---- election -------------------------------------------------------------------------

static hf_status_t
s_campaign (void *election)
{
    return hf_election_campaign (election, "b:1", LIMIT_MS, NULL);
}

STAGE_TEST (test_one_leads_and_the_next_one_after_it)
{
    hf_election_t *a = hf_election_new (g_stage.session[0], "leader");
    hf_election_t *b = hf_election_new (g_stage.session[1], "leader");
    hf_grant_t first, second;
    assert_int_equal (hf_election_proclaim (a, "a:0", LIMIT_MS), HF_NOT_HOLDER);
    assert_int_equal (hf_election_resign (a, LIMIT_MS), HF_NOT_HOLDER);
    assert_int_equal (hf_election_campaign (a, "a:1", LIMIT_MS, &first), HF_OK);
    assert_int_equal (hf_election_campaign (a, "a:1", LIMIT_MS, NULL), HF_OVERLAP);
    assert_int_equal (hf_election_campaign (b, "b:1", 0, NULL), HF_NOT_GRANTED);
    assert_int_equal (hf_election_proclaim (a, "a:2", LIMIT_MS), HF_OK);
    assert_int_equal (hf_election_proclaim (a, "a\n", LIMIT_MS), HF_BAD_NOTE);
    call_t call;
    call_begin (&call, s_campaign, b);
    stage_wait_waiters ("leader", 1);
    assert_int_equal (hf_election_resign (a, LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&call), HF_OK);
    assert_int_equal (hf_election_proclaim (a, "a:3", LIMIT_MS), HF_NOT_HOLDER);
    assert_int_equal (hf_election_resign (b, LIMIT_MS), HF_OK);
    assert_int_equal (hf_election_campaign (a, NULL, LIMIT_MS, &second), HF_OK);
    assert_true (second.token > first.token);
    hf_election_destroy (&a);
    hf_election_destroy (&b);
}

HF_TEST_MAIN (stage_begin, stage_end)
