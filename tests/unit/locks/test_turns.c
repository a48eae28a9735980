//  A line from which anybody may leave, beside one that counts (hf_turns.h).
#include "base/hf_random.h"
#include "nodes/locks/hf_turns.h"
#include "tests/kit/hf_test.h"

enum { ROOM_MAX = 300 };

HF_TEST (as_many_as_are_counted)
{
    hf_random_t random = {.state = 1};
    for (uint32_t room = 1; room <= ROOM_MAX; room += 1 + room / 10) {
        hf_turns_t turns = {.counts = NULL};
        bool there[2 * ROOM_MAX + 1] = {false};
        uint32_t given = 0;
        hf_turns_begin (&turns, room);
        assert_true (turns.room >= room && turns.room < 2 * room);
        for (;;) {
            uint32_t some = 1 + (uint32_t)hf_random_below (&random, given + 1);
            if (hf_random_below (&random, 3) == 0 && there[some]) {
                hf_turns_leave (&turns, some);
                there[some] = false;
            } else if (hf_turns_join (&turns) > 0)
                there[++given] = true;
            else
                break;
            assert_int_equal (turns.last, given);
            uint32_t count = 0;
            for (uint32_t ticket = 1; ticket <= given; ticket++) {
                count += there[ticket];
                assert_int_equal (hf_turns_upto (&turns, ticket), count);
            }
        }
        assert_int_equal (given, turns.room);
        hf_turns_done (&turns);
        assert_null (turns.counts);
    }
}

HF_TEST_MAIN (NULL, NULL)
