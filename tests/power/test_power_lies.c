//  Would the tests of power cuts notice? On a disk that says a sync is done and has not done it,
//  what was acknowledged is lost, and they must say so: for each kind of sync that a store does.

#include "tests/kit/hf_test.h"
#include "power_life.h"

#define STRIDE 3

static const struct {
    power_life_t *(*make) (uint64_t seed, unsigned commits);
    unsigned commits;
    const char *lies[8];
} s_lives[] = {
    //  All; of commits; before the WAL begins anew; of the names in the folder.
    {life_log_new, 14, {"*", "/log.db-wal", "/log.db", "/"}},
    //  A length is recorded, its bytes are not there; a file is recorded, its name is not there.
    {life_files_new, 10, {"/files/?*", "/files/", "/files.db-wal", "/files.db", "/"}},
    {life_state_new, 14, {"/state.db-wal", "/state.db", "/"}},
    //  Of the stream, and of its name.
    {life_swap_new,
     0,
     {"/incoming/*", "/incoming/?*", "/state.db", "/files/?*", "/log.db-wal", "/"}},
};

HF_TEST (test_lost_syncs_are_noticed)
{
    for (size_t i = 0; i < sizeof s_lives / sizeof *s_lives; i++) {
        power_life_t *life = s_lives[i].make (5, s_lives[i].commits);
        for (const char *const *lie = s_lives[i].lies; *lie; lie++) {
            power_result_t result = power_cuts (life, 0, STRIDE, *lie);
            power_expect_broken (life, *lie, &result);
        }
        power_life_destroy (&life);
    }
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
