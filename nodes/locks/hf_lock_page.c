//  A page of a list of locks, made in steps (hf_state.h).
#include "nodes/locks/hf_state_private.h"

#define BEGUN_MOST 4 //  times in short steps; what is asked meanwhile waits

//  A copy: the lock may go between two steps. What the page comes after may be longer than a name.
typedef struct name {
    uint32_t size;
    uint8_t bytes[];
} name_t;

/*  Up to twice LIMIT names are kept, then the higher half goes: no page sorts all of them. */
struct hf_lock_page {
    name_t *after;
    uint32_t limit;
    HF_ARRAY (name_t *) kept;
    const name_t *highest; //  of the LIMIT lowest so far; NULL: there are not so many yet
    size_t matching;
    size_t part, parts; //  of the table: the next one, and how many there are. 0: not begun
    unsigned begun;     //  how often it was
};

static name_t *
s_name_new (hf_span_t text)
{
    name_t *name = hf_alloc (sizeof *name + text.size);
    name->size = text.size;
    if (text.size > 0)
        memcpy (name->bytes, text.at, text.size);
    return name;
}

static hf_span_t
s_text (const name_t *name)
{
    return hf_span (name->bytes, name->size);
}

static int
s_compare (const void *a, const void *b)
{
    return hf_span_compare (s_text (*(name_t *const *)a), s_text (*(name_t *const *)b));
}

hf_lock_page_t *
hf_lock_page_new (hf_span_t after, uint32_t limit)
{
    hf_lock_page_t *self = hf_alloc (sizeof *self);
    self->after = s_name_new (after);
    self->limit = limit;
    return self;
}

/*  The highest go, until COUNT are left. */
static void
s_cut (hf_lock_page_t *self, size_t count)
{
    while (self->kept.count > count)
        free (self->kept.list[--self->kept.count]);
}

static void
s_begin (hf_lock_page_t *self, size_t parts)
{
    s_cut (self, 0);
    self->highest = NULL;
    self->matching = self->part = 0;
    self->parts = parts;
    self->begun++;
}

void
hf_lock_page_destroy (hf_lock_page_t **self_p)
{
    hf_lock_page_t *self = *self_p;
    if (!self)
        return;
    s_cut (self, 0);
    hf_array_free (&self->kept);
    free (self->after);
    free (self);
    *self_p = NULL;
}

static void
s_sort (hf_lock_page_t *self)
{
    if (self->kept.count > 0)
        qsort (self->kept.list, self->kept.count, sizeof *self->kept.list, s_compare);
    if (self->kept.count >= self->limit && self->limit > 0) {
        s_cut (self, self->limit);
        self->highest = self->kept.list[self->limit - 1];
    }
}

static void
s_look (hf_lock_page_t *self, hf_span_t name, const hf_shown_t *shown)
{
    if (hf_span_compare (name, s_text (self->after)) <= 0 ||
        (shown && !shown->fn (shown->arg, name)))
        return;
    self->matching++;
    if (self->limit == 0 || (self->highest && hf_span_compare (s_text (self->highest), name) < 0))
        return;
    *hf_array_add (&self->kept) = s_name_new (name);
    if (self->kept.count == 2 * (size_t)self->limit)
        s_sort (self);
}

/*  Those that are there still. */
static void
s_put (hf_lock_page_t *self, const hf_state_t *state, hf_pack_t *rows)
{
    s_sort (self);
    for (size_t i = 0; i < self->kept.count; i++) {
        const hf_state_lock_t *lock = hf_locks_find (&state->locks, s_text (self->kept.list[i]));
        if (lock)
            hf_state_put_lock (state, lock, rows);
    }
}

/*  How many rows and buckets there were. */
static size_t
s_look_at_part (hf_lock_page_t *self, const hf_table_t *table, const hf_shown_t *shown)
{
    size_t looked = 0;
    for (size_t at = self->part; at < table->buckets_count; at += self->parts, looked++) {
        hf_table_node_t *node = hf_table_bucket (table, at);
        for (; node; node = node->next, looked++)
            s_look (self, hf_state_lock_name (HF_AROUND (node, hf_state_lock_t, by_name)), shown);
    }
    return looked;
}

bool
hf_lock_page_step (hf_lock_page_t *self, const hf_state_t *state, size_t most,
                   const hf_shown_t *shown, hf_pack_t *rows, bool *more)
{
    const hf_table_t *table = &state->locks.by_name;
    size_t looked = 0, parts = hf_table_parts (table);
    //  A smaller table has its rows elsewhere: begin again.
    if (self->parts == 0 || (parts < self->parts && !HF_MUTANT (page_in_moved_table)))
        s_begin (self, parts);
    if (self->begun > BEGUN_MOST && !HF_MUTANT (page_for_ever))
        most = SIZE_MAX; //  nothing goes within one step
    for (; self->part < self->parts; self->part++) {
        if (looked >= most && !HF_MUTANT (page_in_one_step))
            return false;
        looked += s_look_at_part (self, table, shown);
    }
    uint32_t before = rows->count;
    s_put (self, state, rows);
    *more = self->matching > self->limit;
    if (!*more || self->limit == 0 || rows->count > before || HF_MUTANT (page_empty))
        return true;
    //  All of them have gone meanwhile, and who asks would not know where to go on.
    self->parts = 0;
    return false;
}

bool
hf_state_lock_rows (const hf_state_t *self, hf_span_t after, uint32_t limit,
                    const hf_shown_t *shown, hf_pack_t *rows)
{
    hf_lock_page_t *page = hf_lock_page_new (after, limit);
    bool more, whole = hf_lock_page_step (page, self, SIZE_MAX, shown, rows, &more);
    assert (whole); //  nothing went meanwhile
    hf_lock_page_destroy (&page);
    return more;
}
