//  The traps of storage that the design names, one test each.
//  A WAL that is damaged in the middle is refused: tests/unit/store/test_damage.c has that one; a
//  cut never looks like it: every refusal after a cut fails the tests here.

#include "tests/kit/hf_test.h"
#include "power_life.h"
#include "nodes/store/hf_log_store.h"
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef power_life_t *(life_fn)(uint64_t seed, unsigned commits);

/*  After a kill inside COMMIT the reopened database shows rows that are not on disk. The store must
 *  not open before they are: it does not open when any operation of that fails, and what it shows
 *  is there after a cut. */
static void
s_open_makes_it_last (life_fn *life_new, const char *database)
{
    power_result_t result = {.runs = 0};
    power_life_t *life = NULL;
    size_t commit = 0;
    long last = 0, version = -1;
    //  The store shows what was not synced: take a life whose last commit does not fold the WAL in.
    for (uint64_t seed = 1; version != last + 1; seed++) {
        assert_true (seed < 50);
        if (life)
            power_life_destroy (&life);
        life = life_new (seed, 3);
        commit = power_find_sync (life, life->versions - 1, "*-wal");
        version = power_kill (life, commit, SIZE_MAX, NULL, &result, &last);
    }
    size_t refused = 0;
    for (size_t i = 0; i < 12; i++)
        refused += power_kill (life, commit, i, NULL, &result, &last) < 0;
    power_expect_kept (life, "killed inside the last commit", &result);
    assert_true (refused >= 3); //  WAL, pages and database: written and synced
    power_result_t lied = {.runs = 0};
    power_kill (life, commit, SIZE_MAX, database, &lied, &last);
    power_expect_broken (life, "killed inside the last commit, syncs of the opening lost", &lied);
    power_life_destroy (&life);
}

HF_TEST (test_opening_makes_what_it_shows_last)
{
    s_open_makes_it_last (life_log_new, "/log.db*");
    s_open_makes_it_last (life_state_new, "/state.db*");
    s_open_makes_it_last (life_files_new, "/files.db*");
}

/*  Exactly one connection, also after another one was tried in this process: closing a file drops
 *  all of a process's locks on it, unless SQLite takes care. */
HF_TEST (test_second_connection_is_refused)
{
    const char *dir = power_folder ();
    char error[HF_ERROR_SIZE] = "";
    mkdir (dir, 0700);
    power_disk_t *disk = power_disk_new (dir);
    power_watched = disk;
    hf_log_store_t *store = hf_log_store_open (dir, error);
    assert_non_null (store);
    assert_int_equal (hf_log_store_vote (store, 1, (hf_member_t){1, 77}), 0);
    size_t count = disk->ops.count;
    assert_null (hf_log_store_open (dir, error));
    assert_non_null (strstr (error, "in use"));
    assert_int_equal (disk->ops.count, count); //  the disk was left alone
    pid_t pid = fork ();
    if (pid == 0)
        _exit (hf_log_store_open (dir, error) ? 1 : 0);
    int status = -1;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_int_equal (status, 0);
    assert_int_equal (hf_log_store_commit (store), 0);
    hf_log_store_close (&store);
    store = hf_log_store_open (dir, error);
    assert_non_null (store);
    assert_int_equal (hf_log_store_state (store)->term, 1);
    hf_log_store_close (&store);
    power_disk_destroy (&disk);
}

/*  A sync that failed has lost its bytes; done again, it would succeed and mean nothing. The life
 *  itself checks that the store leaves the disk alone afterwards. */
HF_TEST (test_failed_sync_is_not_tried_again)
{
    life_fn *const lives[] = {life_log_new, life_state_new, life_files_new};
    for (size_t i = 0; i < 3; i++) {
        power_life_t *life = lives[i](8, 4);
        size_t commit = power_find_sync (life, life->versions - 1, "*-wal");
        power_result_t result = {.runs = 0};
        long acked = power_fail_at (life, POWER_IO_ONCE, commit, &result);
        assert_int_equal (acked, life->versions - 1);
        assert_int_equal (result.refused, 1);
        power_expect_kept (life, "the last commit's sync failed", &result);
        power_life_destroy (&life);
    }
}

/*  Folding the WAL into the database happens inside a commit. When that fails the commit is on
 * disk, but a node that went on would let the WAL grow for ever. */
HF_TEST (test_failed_fold_ends_the_store)
{
    power_life_t *life = life_log_new (1, 12);
    size_t fold = power_find_sync (life, 1, "log.db");
    power_result_t result = {.runs = 0};
    long acked = power_fail_at (life, POWER_IO_ONCE, fold, &result);
    assert_true (acked > 0 && acked < life->versions);
    assert_int_equal (result.refused, 1);
    power_expect_kept (life, "the WAL could not be folded in", &result);
    power_life_destroy (&life);
}

HF_TEST_MAIN (power_begin, power_end)
