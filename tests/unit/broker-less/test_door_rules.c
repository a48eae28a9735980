//  What the door decides. Built twice: against the rules, where every check holds, and against the
//  rules with deliberate mistakes (HF_MUTANTS), where some check catches each.

#include "tests/kit/hf_test.h"
#include "base/hf_mutant.h"
#include "broker-less/hf_door_rules.h"

/*  Each limit that a node can start with leaves room for clients, peers and its own files. */
static bool
s_files_are_divided (void)
{
    hf_door_plan_t plan;
    for (uint32_t nodes = 1; nodes <= 7; nodes++) {
        hf_door_plan (0, nodes, &plan);
        uint32_t least = plan.least;
        if (least > 128 || hf_door_plan (least - 1, nodes, &plan))
            return false;
        for (uint64_t files = least; files < 100000; files += files / 3) {
            if (!hf_door_plan (files, nodes, &plan) || plan.clients < 16 ||
                plan.clients > HF_CONNECTIONS_MAX || plan.clients >= plan.clients_top ||
                plan.clients_top + 4 * (nodes - 1) > plan.peers_top ||
                plan.peers_top + 32 > files || plan.clients_top - plan.clients < 48)
                return false;
        }
        //  More than what is of use changes nothing.
        if (!hf_door_plan (UINT64_MAX, nodes, &plan) || plan.clients != HF_CONNECTIONS_MAX)
            return false;
    }
    return hf_door_fits (0, 1) && !hf_door_fits (1, 1) && !hf_door_fits (-1, 1);
}

/*  Nothing is free, and all clients together stay below the room: whatever sizes they ask for. */
static bool
s_bytes_are_bounded (void)
{
    static const size_t sizes[] = {1, 100, 4000, 4096, 5000, 1U << 20, 4U << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t owed[90] = {0}, all = 0;
        bool more = true;
        for (uint32_t turn = 0; more && turn < 4000000; turn++) {
            more = false;
            for (size_t client = 0; client < 90; client++) {
                if (!hf_door_admits (owed[client], all))
                    continue;
                size_t cost = hf_door_cost (sizes[i]);
                if (cost < sizes[i] + 64) //  libzmq's message itself takes 64
                    return false;
                owed[client] += cost;
                all += cost;
                more = true;
                if (owed[client] > HF_DOOR_CLIENT_BYTES + cost)
                    return false;
            }
        }
        if (all > HF_DOOR_ALL_BYTES + HF_DOOR_SPARE_BYTES + (8U << 20))
            return false;
    }
    return true;
}

/*  A client that reads is served when all the room is taken by others; not without bounds. */
static bool
s_readers_are_served (void)
{
    return hf_door_admits (0, HF_DOOR_ALL_BYTES + 1) &&
           hf_door_admits (HF_DOOR_SMALL_BYTES - 1, HF_DOOR_ALL_BYTES + 1) &&
           !hf_door_admits (HF_DOOR_SMALL_BYTES, HF_DOOR_ALL_BYTES + 1) &&
           hf_door_admits (HF_DOOR_CLIENT_BYTES - 1, HF_DOOR_ALL_BYTES - 1) &&
           !hf_door_admits (HF_DOOR_CLIENT_BYTES, HF_DOOR_CLIENT_BYTES) &&
           !hf_door_admits (0, HF_DOOR_ALL_BYTES + HF_DOOR_SPARE_BYTES);
}

static bool
s_who_is_cut_off (void)
{
    return hf_door_cuts (1, 1, HF_DOOR_STALL_US) && !hf_door_cuts (1, 1, HF_DOOR_STALL_US - 1) &&
           !hf_door_cuts (0, HF_DOOR_ALL_BYTES, HF_DOOR_STALL_US) &&
           hf_door_cuts (1, HF_DOOR_ALL_BYTES / 2, HF_DOOR_HURRY_US) &&
           !hf_door_cuts (1, HF_DOOR_ALL_BYTES / 2, HF_DOOR_HURRY_US - 1) &&
           !hf_door_cuts (1, HF_DOOR_ALL_BYTES / 2 - 1, HF_DOOR_HURRY_US);
}

static bool
s_all_hold (void)
{
    return s_files_are_divided () && s_bytes_are_bounded () && s_readers_are_served () &&
           s_who_is_cut_off ();
}

#ifdef HF_MUTANTS
int hf_mutant = HF_MUTANT_none;

HF_TEST (test_each_mutant_is_caught)
{
    static const int mutants[] = {HF_MUTANT_no_spare_files, HF_MUTANT_small_uncounted,
                                  HF_MUTANT_no_room_for_others, HF_MUTANT_non_reader_kept};
    for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
        hf_mutant = mutants[i];
        assert_false (s_all_hold ());
    }
    hf_mutant = HF_MUTANT_none;
    assert_true (s_all_hold ());
}
#else
HF_TEST (test_rules)
{
    assert_true (s_files_are_divided ());
    assert_true (s_bytes_are_bounded ());
    assert_true (s_readers_are_served ());
    assert_true (s_who_is_cut_off ());
    assert_true (s_all_hold ());
}
#endif

HF_TEST_MAIN (NULL, NULL)
