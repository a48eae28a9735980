//  The base that every room stands on: heap, array, random numbers, error lines.

#include "tests/kit/hf_test.h"
#include "base/hf_array.h"
#include "base/hf_error.h"
#include "base/hf_heap.h"
#include "base/hf_random.h"

#define NODES 64

/*  Against a search through all: set, moved, removed and taken at random. */
static void
s_heap_gives_the_smallest (void **state)
{
    (void)state;
    hf_random_t random = {.state = 7};
    hf_heap_t heap = {0};
    hf_heap_node_t nodes[NODES] = {0};
    for (int round = 0; round < 20000; round++) {
        hf_heap_node_t *node = &nodes[hf_random_below (&random, NODES)];
        switch (hf_random_below (&random, 4)) {
        case 0:
            hf_heap_remove (&heap, node);
            assert_int_equal (node->slot, 0);
            break;
        case 1:
            hf_heap_take (&heap, hf_random_below (&random, 40));
            break;
        default:
            hf_heap_set (&heap, node, hf_random_below (&random, 20));
        }
        const hf_heap_node_t *first = NULL;
        size_t count = 0;
        for (size_t i = 0; i < NODES; i++) {
            const hf_heap_node_t *at = &nodes[i];
            if (at->slot == 0)
                continue;
            count++;
            if (!first || at->key < first->key ||
                (at->key == first->key && at->order < first->order))
                first = at;
        }
        assert_int_equal (heap.count, count);
        assert_ptr_equal (hf_heap_top (&heap), first);
        assert_true (hf_heap_key (&heap) == (first ? first->key : HF_NEVER));
    }
    hf_heap_set (&heap, &nodes[0], HF_NEVER);
    assert_int_equal (nodes[0].slot, 0);
    hf_heap_done (&heap);
}

static void
s_equal_keys_keep_their_order (void **state)
{
    (void)state;
    hf_heap_t heap = {0};
    hf_heap_node_t nodes[NODES] = {0};
    for (size_t i = 0; i < NODES; i++)
        hf_heap_set (&heap, &nodes[i], 5);
    assert_null (hf_heap_take (&heap, 4));
    for (size_t i = 0; i < NODES; i++)
        assert_ptr_equal (hf_heap_take (&heap, 5), &nodes[i]);
    assert_null (hf_heap_take (&heap, HF_NEVER));
    hf_heap_done (&heap);
}

static void
s_array_grows_and_drops (void **state)
{
    (void)state;
    HF_ARRAY (int) numbers = {0};
    for (int i = 0; i < 1000; i++)
        *hf_array_add (&numbers) = i;
    assert_int_equal (numbers.count, 1000);
    hf_array_drop (&numbers, 990);
    assert_int_equal (numbers.count, 10);
    assert_int_equal (numbers.list[0], 990);
    hf_array_reserve (&numbers, 5000);
    assert_true (numbers.room >= 5010 && numbers.list[9] == 999);
    hf_array_free (&numbers);
    assert_null (numbers.list);
}

static void
s_random_follows_the_seed (void **state)
{
    (void)state;
    hf_random_t random = {.state = 0};
    assert_true (hf_random_next (&random) == 0xe220a8397b1dcdafU); //  the published first number
    assert_int_equal (hf_random_below (&random, 0), 0);
    unsigned hits = 0;
    for (int i = 0; i < 10000; i++) {
        assert_true (hf_random_below (&random, 10) < 10);
        hits += hf_random_odds (&random, 250);
    }
    assert_in_range (hits, 2300, 2700);
}

static void
s_error_is_cut_to_fit (void **state)
{
    (void)state;
    char error[HF_ERROR_SIZE];
    assert_int_equal (hf_error_set (error, "%2000d", 1), -1);
    assert_int_equal (strlen (error), HF_ERROR_SIZE - 1);
    hf_error_set (error, "node %u", 7U);
    assert_string_equal (error, "node 7");
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (s_heap_gives_the_smallest),
        cmocka_unit_test (s_equal_keys_keep_their_order),
        cmocka_unit_test (s_array_grows_and_drops),
        cmocka_unit_test (s_random_follows_the_seed),
        cmocka_unit_test (s_error_is_cut_to_fit),
    };
    return cmocka_run_group_tests_name ("base", tests, NULL, NULL);
}
