//  The parts of the core on their own, in virtual time: choice of the leader, lease, window.

#include "tests/kit/hf_test.h"
#include "client/core/hf_choice.h"
#include "client/core/hf_lease.h"
#include "client/core/hf_window.h"

#define MS 1000ULL

//  ---- the choice -----------------------------------------------------------------

static const uint32_t s_ids[] = {1, 2, 3};

/*  Three nodes, of which the first leads. */
static hf_choice_t
s_choice_with_leader (void)
{
    hf_choice_t choice;
    hf_choice_init (&choice, s_ids, 3, 42);
    for (uint32_t i = 0; i < 3; i++)
        hf_choice_connected (&choice, i);
    hf_choice_tick (&choice, 0);
    hf_choice_answered (&choice, 0);
    assert_int_equal (choice.target, 0);
    return choice;
}

HF_TEST (test_choice_probes_what_connects)
{
    hf_choice_t choice;
    hf_choice_init (&choice, s_ids, 3, 1);
    assert_int_equal (hf_choice_due_us (&choice), HF_NEVER);
    hf_choice_connected (&choice, 2);
    assert_int_equal (hf_choice_due_us (&choice), 0);
    assert_int_equal (hf_choice_tick (&choice, 5), 4);
    uint64_t due = hf_choice_due_us (&choice);
    assert_in_range (due, 5 + 10 * MS, 5 + 40 * MS);
    assert_int_equal (hf_choice_tick (&choice, due - 1), 0);
    assert_int_equal (hf_choice_tick (&choice, due), 4);
    hf_choice_answered (&choice, 2);
    assert_int_equal (choice.target, 2);
    assert_int_equal (choice.epoch, 1);
    assert_int_equal (hf_choice_due_us (&choice), HF_NEVER);
}

HF_TEST (test_choice_follows_a_redirect_once)
{
    hf_choice_t choice = s_choice_with_leader ();
    uint64_t epoch = choice.epoch;
    hf_choice_refused (&choice, 0, 2, 5, 100);
    assert_int_equal (choice.target, 1);
    assert_int_equal (choice.epoch, epoch + 1);
    //  The rest of what the old one refuses changes nothing.
    hf_choice_refused (&choice, 0, 3, 5, 101);
    assert_int_equal (choice.target, 1);
    //  The new one points back in the same term: ask around, after a while.
    hf_choice_refused (&choice, 1, 1, 5, 102);
    assert_int_equal (choice.target, -1);
    assert_int_equal (choice.epoch, epoch + 1);
    //  Neither of the two is believed when named again in that term; in the next, yes.
    hf_choice_refused (&choice, 2, 1, 5, 103);
    hf_choice_refused (&choice, 2, 2, 5, 104);
    assert_int_equal (choice.target, -1);
    hf_choice_refused (&choice, 2, 1, 6, 105);
    assert_int_equal (choice.target, 0);
}

HF_TEST (test_choice_asks_at_once_when_the_leader_breaks)
{
    hf_choice_t choice = s_choice_with_leader ();
    hf_choice_broken (&choice, 0, 700);
    assert_int_equal (choice.target, -1);
    assert_true (hf_choice_due_us (&choice) <= 700);
    assert_int_equal (hf_choice_tick (&choice, 700), 6);
    //  They still name the node that broke, or none.
    hf_choice_refused (&choice, 1, 1, 1, 800);
    hf_choice_refused (&choice, 2, 0, 1, 800);
    hf_choice_refused (&choice, 2, 99, 1, 800);
    assert_int_equal (choice.target, -1);
    hf_choice_refused (&choice, 1, 3, 2, 900);
    assert_int_equal (choice.target, 2);
}

HF_TEST (test_choice_leaves_the_silent_one_until_it_speaks)
{
    hf_choice_t choice = s_choice_with_leader ();
    hf_choice_refused (&choice, 1, 1, 4, 10); //  heard by the way: the term is 4
    hf_choice_silent (&choice, 1000);
    assert_int_equal (choice.target, -1);
    assert_int_equal (hf_choice_tick (&choice, 1000), 7);
    hf_choice_refused (&choice, 1, 1, 4, 1001);
    assert_int_equal (choice.target, -1);
    hf_choice_answered (&choice, 0);
    assert_int_equal (choice.target, 0);
}

HF_TEST (test_choice_takes_a_node_at_its_word)
{
    hf_choice_t choice = s_choice_with_leader ();
    hf_choice_broken (&choice, 0, 0);
    hf_choice_tick (&choice, 0);
    hf_choice_refused (&choice, 1, 0, 3, 1);
    hf_choice_refused (&choice, 2, 0, 3, 1);
    assert_int_equal (choice.target, -1);
    //  A node that refused reports when it leads at last.
    hf_choice_refused (&choice, 1, 2, 4, 2);
    assert_int_equal (choice.target, 1);
    //  A second report is no reason to send everything again.
    uint64_t epoch = choice.epoch;
    hf_choice_refused (&choice, 1, 2, 4, 3);
    assert_int_equal (choice.target, 1);
    assert_int_equal (choice.epoch, epoch);
}

HF_TEST (test_choice_in_doubt_believes_a_later_term)
{
    hf_choice_t choice = s_choice_with_leader ();
    hf_choice_refused (&choice, 1, 1, 4, 10);
    hf_choice_refused (&choice, 2, 3, 5, 11); //  no doubt: not asked for
    assert_int_equal (choice.target, 0);
    hf_choice_doubt (&choice);
    assert_int_equal (hf_choice_due_us (&choice), 0);
    assert_int_equal (hf_choice_tick (&choice, 12), 6); //  all but the target, once
    assert_int_equal (hf_choice_tick (&choice, 12), 0);
    hf_choice_refused (&choice, 1, 1, 6, 13); //  it still believes in it
    hf_choice_refused (&choice, 2, 2, 6, 14); //  not a later term than that
    assert_int_equal (choice.target, 0);
    hf_choice_refused (&choice, 1, 3, 7, 15);
    assert_int_equal (choice.target, 2);
    //  An answer of the target ends the doubt; without doubt no other's answer counts.
    hf_choice_doubt (&choice);
    hf_choice_answered (&choice, 2);
    hf_choice_answered (&choice, 0);
    assert_int_equal (choice.target, 2);
    hf_choice_doubt (&choice);
    hf_choice_answered (&choice, 0);
    assert_int_equal (choice.target, 0);
}

HF_TEST (test_choice_backs_off)
{
    hf_choice_t choice = s_choice_with_leader ();
    hf_choice_broken (&choice, 0, 0);
    uint64_t now = 0;
    int rounds = 0;
    for (; now < 600 * MS; rounds++) {
        assert_int_equal (hf_choice_tick (&choice, now), 6);
        uint64_t due = hf_choice_due_us (&choice);
        assert_in_range (due - now, 10 * MS, 1000 * MS);
        if (rounds < 15)
            assert_true (due - now <= 40 * MS);
        now = due;
    }
    assert_true (rounds >= 15);
    //  In the long run about two a second, never more than one a second apart.
    uint64_t start = now;
    for (rounds = 0; rounds < 200; rounds++) {
        hf_choice_tick (&choice, now);
        now = hf_choice_due_us (&choice);
    }
    assert_in_range ((now - start) / 200, 300 * MS, 700 * MS);
}

/*  The leader breaks at 0, and nothing is under way. */
static hf_choice_t
s_choice_at_rest (uint64_t rest_us)
{
    hf_choice_t choice = s_choice_with_leader ();
    hf_choice_broken (&choice, 0, 0);
    hf_choice_pace (&choice, rest_us, 0);
    return choice;
}

HF_TEST (test_choice_at_rest_asks_seldom)
{
    hf_choice_t choice = s_choice_at_rest (HF_NEVER);
    assert_int_equal (hf_choice_tick (&choice, 0), 0); //  even the first round is put off
    static const uint64_t apart_ms[][2] = {{10, 300},   {150, 300},  {300, 600},
                                           {500, 1000}, {500, 1000}, {500, 1000}};
    uint64_t now = 0;
    for (size_t i = 0; i < sizeof apart_ms / sizeof *apart_ms; i++) {
        uint64_t due = hf_choice_due_us (&choice);
        assert_in_range (due - now, apart_ms[i][0] * MS, apart_ms[i][1] * MS);
        now = due;
        assert_int_equal (hf_choice_tick (&choice, now - 1), 0);
        assert_int_equal (hf_choice_tick (&choice, now), 6);
    }
    //  No more apart than is said, and who connects is asked at once.
    hf_choice_pace (&choice, 100 * MS, now);
    hf_choice_connected (&choice, 0);
    assert_int_equal (hf_choice_tick (&choice, now), 1);
    assert_in_range (hf_choice_due_us (&choice) - now, 50 * MS, 100 * MS);
    //  The next search begins like the first one.
    hf_choice_answered (&choice, 1);
    hf_choice_broken (&choice, 1, now);
    hf_choice_pace (&choice, HF_NEVER, now);
    assert_int_equal (hf_choice_tick (&choice, now), 0);
    assert_in_range (hf_choice_due_us (&choice) - now, 10 * MS, 300 * MS);
}

HF_TEST (test_choice_is_called_from_its_rest)
{
    hf_choice_t choice = s_choice_at_rest (HF_NEVER);
    hf_choice_tick (&choice, 0);
    hf_choice_pace (&choice, 0, 5 * MS);
    assert_int_equal (hf_choice_due_us (&choice), 5 * MS);
    //  All quick rounds are still to come; what is said again changes nothing.
    uint64_t now = 5 * MS;
    for (int i = 0; i < 20; i++) {
        assert_int_equal (hf_choice_tick (&choice, now), 6);
        uint64_t due = hf_choice_due_us (&choice);
        hf_choice_pace (&choice, 0, now);
        assert_int_equal (hf_choice_due_us (&choice), due);
        assert_in_range (due - now, 10 * MS, 40 * MS);
        now = due;
    }
    //  They come once in a search.
    hf_choice_pace (&choice, HF_NEVER, now);
    hf_choice_tick (&choice, now);
    hf_choice_pace (&choice, 0, now + 1);
    assert_true (hf_choice_due_us (&choice) > now + 1);
}

/*  Nobody leads for a minute. Every 40 ms there is something to do for 2 ms. */
HF_TEST (test_choice_that_is_called_often_backs_off)
{
    hf_choice_t choice = s_choice_at_rest (HF_NEVER);
    uint32_t rounds = 0;
    for (uint64_t now = 0; now < 60000 * MS; now += MS) {
        hf_choice_pace (&choice, now % (40 * MS) < 2 * MS ? 0 : HF_NEVER, now);
        bool asks = hf_choice_tick (&choice, now) != 0;
        rounds += asks && now >= 10000 * MS;
    }
    assert_in_range (rounds, 50, 300); //  of 50 s: about four a second
}

/*  A node breaks and connects every 50 ms, and knows nothing. */
HF_TEST (test_choice_at_rest_asks_others_beside_one_that_flaps)
{
    hf_choice_t choice = s_choice_at_rest (HF_NEVER);
    uint32_t asked = 0;
    uint64_t now = 0;
    for (; now < 1000 * MS && (asked & 6) != 6; now += MS) {
        if (now % (50 * MS) == 0) {
            hf_choice_connected (&choice, 0);
            hf_choice_pace (&choice, HF_NEVER, now);
            asked |= hf_choice_tick (&choice, now);
            hf_choice_broken (&choice, 0, now);
        }
        hf_choice_pace (&choice, HF_NEVER, now);
        asked |= hf_choice_tick (&choice, now);
    }
    assert_in_range (now, 10 * MS, 400 * MS);
}

/*  What 1,000 clients at rest ask in a second of three nodes, of which one has died. */
HF_TEST (test_choice_at_rest_is_little_to_do_for_nodes)
{
    uint32_t asked = 0, hasty = 0;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        uint64_t rest_us = seed % 2 == 0 ? HF_NEVER : 0;
        hf_choice_t choice = s_choice_with_leader ();
        choice.random.state = seed;
        hf_choice_broken (&choice, 0, 0);
        for (uint64_t now = 0; now < 1000 * MS; now = hf_choice_due_us (&choice)) {
            hf_choice_pace (&choice, rest_us, now);
            *(rest_us > 0 ? &asked : &hasty) += hf_choice_tick (&choice, now) != 0 ? 2 : 0;
        }
    }
    print_message ("%u questions at rest, %u in haste\n", asked, hasty);
    assert_in_range (asked, 4000, 8000);
    assert_in_range (hasty, 40000, 60000);
}

HF_TEST (test_choice_holds_under_any_events)
{
    hf_random_t random = {7};
    hf_choice_t choice;
    hf_choice_init (&choice, s_ids, 3, 9);
    uint64_t epoch = 0;
    for (uint64_t now = 0; now < 200000; now++) {
        uint32_t node = (uint32_t)hf_random_below (&random, 3);
        uint64_t term =
            hf_random_below (&random, 5) == 0 ? UINT64_MAX : hf_random_below (&random, 9);
        hf_choice_pace (&choice, hf_random_below (&random, 2) * 50 * MS, now);
        switch (hf_random_below (&random, 7)) {
        case 0:
            hf_choice_connected (&choice, node);
            break;
        case 1:
            hf_choice_broken (&choice, node, now);
            break;
        case 2:
            hf_choice_refused (&choice, node, (uint32_t)hf_random_below (&random, 5), term, now);
            break;
        case 3:
            if (choice.connected[node])
                hf_choice_answered (&choice, node);
            break;
        case 4:
            hf_choice_silent (&choice, now);
            break;
        case 5:
            hf_choice_doubt (&choice);
            break;
        default:
            hf_choice_tick (&choice, now);
        }
        assert_true (choice.target < 3 && choice.epoch >= epoch);
        assert_true (choice.target < 0 || choice.connected[choice.target]);
        //  While it looks for a leader and a node is there, something is due.
        bool any = choice.connected[0] || choice.connected[1] || choice.connected[2];
        if (choice.target < 0 && any)
            assert_true (hf_choice_due_us (&choice) != HF_NEVER);
        epoch = choice.epoch;
    }
}

//  ---- the lease --------------------------------------------------------------------

HF_TEST (test_lease_runs_from_the_sending)
{
    hf_lease_t lease;
    hf_lease_init (&lease, 10000, 50 * MS);
    assert_int_equal (hf_lease_deadline_us (&lease), 50 * MS + 9000 * MS);
    assert_int_equal (hf_lease_interval_us (&lease), 10000 * MS / 3);
    assert_true (hf_lease_alive (&lease, 9049 * MS));
    //  Sent at 4 s and acknowledged at 8 s: it counts from 4 s. An older one takes nothing back.
    assert_true (hf_lease_renew (&lease, 4000 * MS, 8000 * MS));
    assert_true (hf_lease_renew (&lease, 3000 * MS, 8001 * MS));
    assert_int_equal (hf_lease_remaining_us (&lease, 8000 * MS), 5000 * MS);
    //  From the future: not ours.
    assert_true (hf_lease_renew (&lease, 9000 * MS, 8002 * MS));
    assert_int_equal (hf_lease_deadline_us (&lease), 13000 * MS);
}

HF_TEST (test_lease_once_over_stays_over)
{
    hf_lease_t lease;
    hf_lease_init (&lease, 10000, 0);
    assert_false (hf_lease_alive (&lease, 9000 * MS));
    assert_false (hf_lease_renew (&lease, 8000 * MS, 9000 * MS));
    assert_false (hf_lease_alive (&lease, 0));
    assert_int_equal (hf_lease_remaining_us (&lease, 0), 0);
    hf_lease_init (&lease, 10000, 0);
    hf_lease_end (&lease);
    assert_false (hf_lease_alive (&lease, 1));
}

HF_TEST (test_lease_saved_by_an_answer_that_was_here_in_time)
{
    //  The process slept past its deadline with the acknowledgement in its socket.
    hf_lease_t lease;
    hf_lease_init (&lease, 10000, 0);
    assert_true (hf_lease_renew (&lease, 3000 * MS, 9500 * MS));
    assert_true (hf_lease_alive (&lease, 9501 * MS));
    assert_false (hf_lease_renew (&lease, 3100 * MS, 12500 * MS));
    assert_false (hf_lease_alive (&lease, 12500 * MS));
}

HF_TEST (test_lease_margins)
{
    static const struct {
        uint32_t ttl_ms;
        uint64_t margin_ms;
    } rows[] = {{600000, 60000}, {10000, 1000}, {2000, 200}, {1000, 100}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hf_lease_t lease;
        hf_lease_init (&lease, rows[i].ttl_ms, 0);
        assert_int_equal (hf_lease_deadline_us (&lease), (rows[i].ttl_ms - rows[i].margin_ms) * MS);
    }
}

//  ---- the window -------------------------------------------------------------------

HF_TEST (test_window_against_a_slow_twin)
{
    enum { MOST = 40000 };
    static int items[MOST];
    static bool out[MOST + 1];
    memset (out, 0, sizeof out);
    hf_window_t window;
    hf_window_init (&window);
    hf_random_t random = {3};
    uint64_t next = 1, floor = 1, filled = 0;
    while (next < MOST) {
        bool put = hf_random_below (&random, 3) > 0 && !hf_window_full (&window);
        if (put) {
            assert_int_equal (hf_window_put (&window, &items[next]), next);
            out[next++] = true;
        } else {
            uint64_t seq = floor + hf_random_below (&random, next - floor + 3);
            void *item = hf_window_take (&window, seq);
            bool there = seq < next && out[seq];
            assert_ptr_equal (item, there ? &items[seq] : NULL);
            if (there)
                out[seq] = false;
        }
        while (floor < next && !out[floor])
            floor++;
        assert_int_equal (window.floor, floor);
        //  The floor is what counts, not how many are out.
        bool full = window.next - window.floor >= HF_WINDOW_MAX - 1;
        assert_int_equal (hf_window_full (&window), full);
        filled += full;
        assert_null (hf_window_get (&window, window.next));
    }
    assert_true (filled > 0);
    hf_window_done (&window);
}

HF_TEST_MAIN (NULL, NULL)
