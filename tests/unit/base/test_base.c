//  The base of all rooms: heap, table, array, random numbers, error lines.

#include "tests/kit/hf_test.h"
#include "base/hf_array.h"
#include "base/hf_error.h"
#include "base/hf_hash.h"
#include "base/hf_heap.h"
#include "base/hf_random.h"
#include "base/hf_spare.h"
#include "base/hf_table.h"

#define NODES 64

/*  Against a search through all: set, moved, removed and taken at random. */
HF_TEST (heap_gives_the_smallest)
{
    hf_random_t random = {.state = 7};
    hf_heap_t heap = {0};
    hf_heap_node_t nodes[NODES] = {0};
    int set_in[NODES] = {0};
    for (int round = 0; round < 20000; round++) {
        size_t which = hf_random_below (&random, NODES);
        hf_heap_node_t *node = &nodes[which];
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
            set_in[which] = round;
        }
        const hf_heap_node_t *first = NULL;
        size_t count = 0;
        for (size_t i = 0; i < NODES; i++) {
            const hf_heap_node_t *at = &nodes[i];
            if (at->slot == 0)
                continue;
            count++;
            if (!first || at->key < first->key ||
                (at->key == first->key && set_in[i] < set_in[first - nodes]))
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

HF_TEST (equal_keys_keep_their_order)
{
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

HF_TEST (array_grows_and_drops)
{
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

HF_TEST (random_follows_the_seed)
{
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

HF_TEST (error_is_cut_to_fit)
{
    char error[HF_ERROR_SIZE];
    assert_int_equal (hf_error_set (error, "%2000d", 1), -1);
    assert_int_equal (strlen (error), HF_ERROR_SIZE - 1);
    hf_error_set (error, "node %u", 7U);
    assert_string_equal (error, "node 7");
}

//  ---- the table ----------------------------------------------------------------------

typedef struct row {
    hf_table_node_t node;
    bool in;
} row_t;

#define ROWS 30000
#define KEYS 10000

/*  As names have it, or as numbers that were given one after the other. */
static uint64_t
s_hash (size_t at, bool mixed)
{
    return mixed ? hf_hash_u64 (0, at % KEYS) : at % KEYS;
}

/*  Few hashes for many rows, so that rows share them; grown and shrunk several times. */
static void
s_compare (bool mixed)
{
    row_t *rows = calloc (ROWS, sizeof (row_t));
    hf_table_t table;
    hf_table_init (&table);
    assert_null (hf_table_seek (&table, 5));
    assert_null (hf_table_first (&table));
    hf_random_t random = {.state = 1};
    size_t count = 0;
    for (int step = 0; step < 120000; step++) {
        size_t at = hf_random_below (&random, ROWS);
        bool some = hf_random_below (&random, 8) == 0;
        bool growing = (step / 20000) % 2 == 0;
        if (!rows[at].in && (growing || some)) {
            hf_table_insert (&table, &rows[at].node, s_hash (at, mixed));
            rows[at].in = true;
            count++;
        } else if (rows[at].in && (!growing || some)) {
            hf_table_remove (&table, &rows[at].node);
            rows[at].in = false;
            count--;
        }
        assert_int_equal (table.count, count);
        size_t found = 0, expected = 0;
        hf_table_node_t *node = hf_table_seek (&table, s_hash (at, mixed));
        for (; node; node = hf_table_again (node), found++) {
            assert_true (HF_AROUND (node, row_t, node)->in);
            assert_int_equal ((HF_AROUND (node, row_t, node) - rows) % KEYS, at % KEYS);
        }
        for (size_t i = at % KEYS; i < ROWS; i += KEYS)
            expected += rows[i].in;
        assert_int_equal (found, expected);
    }
    size_t walked = 0;
    for (hf_table_node_t *node = hf_table_first (&table); node;
         node = hf_table_next (&table, node), walked++)
        assert_true (HF_AROUND (node, row_t, node)->in);
    assert_int_equal (walked, count);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].in)
            hf_table_remove (&table, &rows[i].node);
    assert_int_equal (table.count, 0);
    assert_true (table.buckets_count <= 64); //  what a burst took is given back
    hf_table_done (&table);
    free (rows);
}

HF_TEST (the_table_is_as_its_slow_twin)
{
    s_compare (true);
    s_compare (false);
}

/*  By how many buckets a large table changes when one row comes or goes, at most. */
HF_TEST (a_row_moves_few_others)
{
    enum { MANY = 200000, AT_ONCE = 4096, FEW = 16 };
    row_t *rows = calloc (MANY, sizeof (row_t));
    hf_table_t table;
    hf_table_init (&table);
    for (size_t i = 0; i < MANY; i++) {
        size_t before = table.buckets_count;
        hf_table_insert (&table, &rows[i].node, hf_hash_u64 (0, i));
        assert_true (table.buckets_count <= AT_ONCE || table.buckets_count - before <= FEW);
        assert_true (table.buckets_count >= table.count);
    }
    for (size_t i = 0; i < MANY; i++) {
        size_t before = table.buckets_count;
        hf_table_remove (&table, &rows[i].node);
        assert_true (before <= AT_ONCE + FEW || before - table.buckets_count <= FEW);
        assert_true (table.buckets_count <= AT_ONCE || table.buckets_count < 16 * table.count);
    }
    hf_table_done (&table);
    free (rows);
}

/*  A walk begins, then the table becomes many times as large: the rows that were there are each in
 *  one of the parts, once. */
HF_TEST (a_walk_in_parts_finds_what_stays)
{
    enum { FIRST = 6000 };
    row_t *rows = calloc (ROWS, sizeof (row_t));
    hf_table_t table;
    hf_table_init (&table);
    for (size_t i = 0; i < FIRST; i++)
        hf_table_insert (&table, &rows[i].node, hf_hash_u64 (0, i));
    size_t parts = hf_table_parts (&table), come = FIRST, found = 0;
    for (size_t part = 0; part < parts; part++) {
        for (size_t at = part; at < table.buckets_count; at += parts)
            for (hf_table_node_t *node = hf_table_bucket (&table, at); node; node = node->next) {
                row_t *row = HF_AROUND (node, row_t, node);
                assert_false (row->in);
                row->in = true;
                found += row < rows + FIRST;
            }
        for (int i = 0; i < 8 && come < ROWS; i++, come++)
            hf_table_insert (&table, &rows[come].node, hf_hash_u64 (0, come));
        assert_true (hf_table_parts (&table) >= parts);
    }
    assert_int_equal (come, ROWS);
    assert_int_equal (found, FIRST);
    hf_table_done (&table);
    free (rows);
}

/*  Blocks of all sizes come and go: each is zero when it is taken, nobody else's, and what is kept
 *  has a limit. */
HF_TEST (spare_blocks_are_zero_and_bounded)
{
    enum { BLOCKS = 5000, SIZE_MAX_SEEN = 320 };
    hf_random_t random = {.state = 17};
    hf_spare_t spare = {.bytes = 0};
    struct {
        uint8_t *at;
        size_t size;
    } *blocks = hf_alloc (BLOCKS * sizeof *blocks);
    for (unsigned round = 0; round < 100000; round++) {
        size_t at = (size_t)hf_random_below (&random, BLOCKS);
        if (blocks[at].at) {
            for (size_t i = 0; i < blocks[at].size; i++)
                assert_int_equal (blocks[at].at[i], (uint8_t)at);
            hf_spare_give (&spare, blocks[at].at, blocks[at].size);
            blocks[at].at = NULL;
        } else {
            blocks[at].size = 1 + (size_t)hf_random_below (&random, SIZE_MAX_SEEN);
            blocks[at].at = hf_spare_take (&spare, blocks[at].size);
            for (size_t i = 0; i < blocks[at].size; i++)
                assert_int_equal (blocks[at].at[i], 0);
            memset (blocks[at].at, (int)at, blocks[at].size);
        }
    }
    for (size_t i = 0; i < BLOCKS; i++)
        if (blocks[i].at)
            hf_spare_give (&spare, blocks[i].at, blocks[i].size);
    assert_true (spare.bytes <= HF_SPARE_BYTES + 16 * HF_SPARE_SIZES);
    hf_spare_done (&spare);
    assert_int_equal (spare.bytes, 0);
    free (blocks);
}

HF_TEST_MAIN (NULL, NULL)
