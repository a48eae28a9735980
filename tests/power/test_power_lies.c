//  Would the tests of power cuts notice? On a disk that says a sync is done and has not done it,
//  what was acknowledged is lost, and they must say so: for each kind of sync that a store does.

#include "tests/kit/hf_test.h"
#include "lives.h"

#define STRIDE 3

static void
s_notice (power_life_t *life, const char *lie)
{
    power_result_t result = power_cuts (life, 0, STRIDE, lie);
    power_expect_broken (life, lie, &result);
}

HF_TEST (test_lost_syncs_of_the_log_are_noticed)
{
    power_life_t *life = life_log_new (5, 14);
    s_notice (life, "*");           //  all
    s_notice (life, "/log.db-wal"); //  of commits
    s_notice (life, "/log.db");     //  before the WAL begins anew
    s_notice (life, "/");           //  of the names in the folder
    power_life_destroy (&life);
}

HF_TEST (test_lost_syncs_of_the_files_are_noticed)
{
    power_life_t *life = life_files_new (5, 10);
    s_notice (life, "/files/?*"); //  a length is recorded, its bytes are not there
    s_notice (life, "/files/");   //  a file is recorded, its name is not there
    s_notice (life, "/files.db-wal");
    s_notice (life, "/files.db");
    s_notice (life, "/");
    power_life_destroy (&life);
}

HF_TEST (test_lost_syncs_of_the_state_are_noticed)
{
    power_life_t *life = life_state_new (5, 14);
    s_notice (life, "/state.db-wal");
    s_notice (life, "/state.db");
    s_notice (life, "/");
    power_life_destroy (&life);
}

HF_TEST (test_lost_syncs_of_the_swap_are_noticed)
{
    power_life_t *life = life_swap_new (0, 0);
    s_notice (life, "/incoming/*"); //  of the stream, and of its name
    s_notice (life, "/incoming/?*");
    s_notice (life, "/state.db");
    s_notice (life, "/files/?*");
    s_notice (life, "/log.db-wal");
    s_notice (life, "/");
    power_life_destroy (&life);
}

/*  What a restart shows after a kill was not yet on the disk: only the syncs of the opening make it
 *  last. */
HF_TEST (test_lost_syncs_of_the_opening_are_noticed)
{
    power_life_t *life = life_log_new (6, 5);
    power_result_t result = power_kills (life, "*");
    power_expect_broken (life, "kills, opened on a disk that lies", &result);
    power_life_destroy (&life);
}

HF_TEST_MAIN (power_begin, power_end)
