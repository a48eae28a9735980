/*  Connections whose handshake has not ended: the list against a slow one, and who goes when they
 *  are too many. */
#include "tests/kit/hf_test.h"
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "broker-less/hf_halves.h"

#define MS    1000ULL
#define YOUNG HF_HALF_YOUNG_US

int hf_mutant = HF_MUTANT_none;

/*  In the order of their coming, whatever leaves from where. */
HF_TEST (test_order)
{
    enum { FILES = 40 };
    hf_halves_t halves;
    hf_random_t random = {.state = 3};
    int order[FILES];
    uint32_t count = 0;
    hf_halves_init (&halves);
    for (unsigned step = 0; step < 20000; step++) {
        int fd = (int)hf_random_below (&random, FILES), oldest;
        uint32_t at = 0;
        while (at < count && order[at] != fd)
            at++;
        if (at == count) {
            hf_halves_add (&halves, fd, step);
            order[count++] = fd;
        } else {
            hf_halves_drop (&halves, fd);
            memmove (order + at, order + at + 1, (--count - at) * sizeof *order);
            hf_halves_drop (&halves, fd); //  it is closed later
        }
        assert_int_equal (halves.count, count);
        if (count == 0)
            continue;
        assert_int_equal (hf_halves_next (&halves, count, 0, step, &oldest), HF_HALF_CUT);
        assert_int_equal (oldest, order[0]);
        assert_int_equal (hf_halves_next (&halves, count + 1, 0, step, &oldest), HF_HALF_TAKE);
    }
    hf_halves_drop (&halves, -1);
    hf_halves_drop (&halves, 9999);
    hf_array_free (&halves.list);
}

//  ---- who goes ---------------------------------------------------------------------------

/*  STRANGERS come each millisecond and never end their handshake, of which 20 are kept at most; a
 *  client comes each 10 ms and takes 5 ms for its own. How many of 100 clients are served. */
static unsigned
s_served (int mutant, unsigned strangers)
{
    hf_halves_t halves;
    int next = 0, client = -1, oldest;
    unsigned served = 0;
    hf_halves_init (&halves);
    hf_mutant = mutant;
    for (uint64_t ms = 1; ms <= 1000; ms++) {
        for (unsigned i = 0; i < strangers + (ms % 10 == 0); i++) {
            hf_half_step_t step = hf_halves_next (&halves, 20, 0, ms * MS, &oldest);
            if (step == HF_HALF_REFUSE)
                continue;
            if (step == HF_HALF_CUT) {
                hf_halves_drop (&halves, oldest);
                client = client == oldest ? -1 : client;
            }
            client = i == strangers ? next : client;
            hf_halves_add (&halves, next++, ms * MS);
        }
        if (ms % 10 == 5 && client >= 0) {
            hf_halves_drop (&halves, client);
            client = -1;
            served++;
        }
    }
    hf_mutant = HF_MUTANT_none;
    hf_array_free (&halves.list);
    return served;
}

HF_TEST (test_strangers_make_room_for_a_client)
{
    assert_int_equal (s_served (HF_MUTANT_none, 3), 99);
    assert_int_equal (s_served (HF_MUTANT_youngest_cut, 3), 0);
}

enum { CLIENTS = 100, WORK = 2 };

typedef struct crowd {
    hf_halves_t halves;
    uint64_t comes_ms[CLIENTS]; //  when it comes next; UINT64_MAX: it is served
    unsigned work[CLIENTS];     //  what is left of its handshake; 0: it is not there
} crowd_t;

static void
s_come (crowd_t *self, int client, uint64_t ms)
{
    int oldest;
    if (self->work[client] > 0 || ms < self->comes_ms[client])
        return;
    hf_half_step_t step = hf_halves_next (&self->halves, 20, YOUNG, ms * MS, &oldest);
    self->comes_ms[client] = ms + 20;
    if (step == HF_HALF_REFUSE)
        return;
    if (step == HF_HALF_CUT) {
        hf_halves_drop (&self->halves, oldest);
        self->work[oldest] = 0;
    }
    hf_halves_add (&self->halves, client, ms * MS);
    self->work[client] = WORK;
}

/*  100 clients come at once, and 20 fit; who is refused or cut off comes again soon. The node works
 * on their handshakes in turn, 1 ms each time, 2 ms in all. After how many milliseconds all are
 *  served; 0: not within ten seconds. */
static unsigned
s_crowd (int mutant)
{
    crowd_t crowd = {.comes_ms = {0}};
    unsigned served = 0, ms = 1;
    hf_halves_init (&crowd.halves);
    hf_mutant = mutant;
    for (int at = 0; ms < 10000 && served < CLIENTS; ms++) {
        for (int i = 0; i < CLIENTS; i++)
            s_come (&crowd, i, ms);
        for (int i = 0; i < CLIENTS; i++)
            if (crowd.work[(at = (at + 1) % CLIENTS)] > 0)
                break;
        if (crowd.work[at] == 0 || --crowd.work[at] > 0)
            continue;
        hf_halves_drop (&crowd.halves, at);
        crowd.comes_ms[at] = UINT64_MAX;
        served++;
    }
    hf_mutant = HF_MUTANT_none;
    hf_array_free (&crowd.halves.list);
    return served == CLIENTS ? ms : 0;
}

HF_TEST (test_a_crowd_of_clients_ends_its_handshakes)
{
    assert_in_range (s_crowd (HF_MUTANT_none), CLIENTS * WORK, CLIENTS * WORK + 200);
    assert_int_equal (s_crowd (HF_MUTANT_young_cut), 0);
}

HF_TEST (test_the_limit)
{
    hf_halves_t halves;
    int oldest;
    hf_halves_init (&halves);
    for (int fd = 5; fd < 8; fd++)
        hf_halves_add (&halves, fd, 100 * MS);
    assert_int_equal (hf_halves_next (&halves, 4, YOUNG, 100 * MS, &oldest), HF_HALF_TAKE);
    assert_int_equal (hf_halves_next (&halves, 0, YOUNG, 100 * MS, &oldest), HF_HALF_TAKE);
    assert_int_equal (hf_halves_next (&halves, 3, YOUNG, 100 * MS + YOUNG - 1, &oldest),
                      HF_HALF_REFUSE);
    assert_int_equal (hf_halves_next (&halves, 3, YOUNG, 100 * MS + YOUNG, &oldest), HF_HALF_CUT);
    assert_int_equal (oldest, 5);
    hf_mutant = HF_MUTANT_halves_unlimited;
    hf_half_step_t step = hf_halves_next (&halves, 3, YOUNG, 100 * MS, &oldest);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (step, HF_HALF_TAKE);
    hf_array_free (&halves.list);
}

HF_TEST_MAIN (NULL, NULL)
