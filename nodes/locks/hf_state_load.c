/*  The state from its rows. They come from a disk or from another node, so nothing in them is
 *  asserted. Rows are collected, within bounds, in any order; at the end they are sorted by key,
 *  which puts sessions in the order of id, claims in the order of born and pieces in the order of
 * their file, and then read: the state's own row, sessions, claims, pieces. The layouts:
 * hf_state_rows.c. */
#include "base/hf_array.h"
#include "nodes/locks/hf_state_private.h"

#define ROWS_COUNT_MAX                                                                             \
    (1 + HF_SESSIONS_MAX + HF_PLACES_TOTAL_MAX + HF_STAGED_BYTES_MAX / HF_STAGED_FILE_COST +       \
     HF_STAGED_BYTES_MAX / HF_ROW_PIECE)
//  An ANSWER is at most 48 bytes, all other rows at most 700 besides staged bytes and notes.
#define ROWS_BYTES_MAX                                                                             \
    ((uint64_t)HF_STAGED_BYTES_MAX + HF_NOTES_TOTAL_MAX + 48ULL * HF_ANSWERS_TOTAL_MAX +           \
     700ULL * ROWS_COUNT_MAX)

typedef struct row {
    uint32_t key_size, value_size;
    uint8_t bytes[];
} row_t;

//  Small rows lie together in blocks of this size; of larger ones each has its own.
#define BLOCK_BYTES (256U << 10)
#define SMALL_BYTES 4096U

typedef struct hf_loading {
    HF_ARRAY (row_t *) rows;
    uint64_t bytes;
    HF_ARRAY (uint8_t *) blocks;         //  small rows in them: all but the last are full
    size_t block_used;                   //  bytes of the last
    HF_ARRAY (hf_state_claim_t *) holds; //  in ascending order of token
    size_t at;                           //  the hold of the last piece
} hf_loading_t;

static size_t
s_row_size (uint64_t key_size, uint64_t value_size)
{
    return (sizeof (row_t) + key_size + value_size + _Alignof(row_t) - 1) / _Alignof(row_t) *
           _Alignof(row_t);
}

static row_t *
s_row_new (hf_loading_t *loading, hf_span_t key, hf_span_t value)
{
    size_t size = s_row_size (key.size, value.size);
    if (size > SMALL_BYTES)
        return hf_alloc (size);
    if (loading->blocks.count == 0 || loading->block_used + size > BLOCK_BYTES) {
        *hf_array_add (&loading->blocks) = hf_alloc (BLOCK_BYTES);
        loading->block_used = 0;
    }
    uint8_t *at = loading->blocks.list[loading->blocks.count - 1] + loading->block_used;
    loading->block_used += size;
    return (row_t *)(void *)at;
}

/*  One in a block goes with the block. */
static void
s_row_free (row_t *row)
{
    if (row && s_row_size (row->key_size, row->value_size) > SMALL_BYTES)
        free (row);
}

void
hf_state_load_done (hf_state_t *self)
{
    hf_loading_t *loading = self->loading;
    if (!loading)
        return;
    for (size_t i = 0; i < loading->rows.count; i++)
        s_row_free (loading->rows.list[i]);
    for (size_t i = 0; i < loading->blocks.count; i++)
        free (loading->blocks.list[i]);
    hf_array_free (&loading->rows);
    hf_array_free (&loading->blocks);
    hf_array_free (&loading->holds);
    free (loading);
    self->loading = NULL;
}

bool
hf_state_load (hf_state_t *self, hf_span_t key, hf_span_t value)
{
    assert (self->applied_index == 0 && hf_sessions_count (&self->sessions) == 0);
    if (key.size == 0 || key.size > HF_ROW_KEY_MAX || value.size > HF_STATE_ROW_MAX)
        return false;
    if (!self->loading)
        self->loading = hf_alloc (sizeof (hf_loading_t));
    hf_loading_t *loading = self->loading;
    uint64_t size = (uint64_t)key.size + value.size;
    if (loading->rows.count >= ROWS_COUNT_MAX || size > ROWS_BYTES_MAX - loading->bytes)
        return false;
    row_t *row = s_row_new (loading, key, value);
    row->key_size = key.size;
    row->value_size = value.size;
    memcpy (row->bytes, key.at, key.size);
    if (value.size > 0)
        memcpy (row->bytes + key.size, value.at, value.size);
    *hf_array_add (&loading->rows) = row;
    loading->bytes += size;
    return true;
}

//  ---- reading ----------------------------------------------------------------------

static int
s_compare_keys (const void *a, const void *b)
{
    const row_t *left = *(row_t *const *)a, *right = *(row_t *const *)b;
    return hf_span_compare (hf_span (left->bytes, left->key_size),
                            hf_span (right->bytes, right->key_size));
}

/*  LIST is of pointers; nearly always it is in order already. */
static void
s_sort_if (void *list, size_t count, int (*compare) (const void *a, const void *b))
{
    const uint8_t *at = list;
    for (size_t i = 1; i < count; i++)
        if (compare (at + (i - 1) * sizeof (void *), at + i * sizeof (void *)) > 0) {
            qsort (list, count, sizeof (void *), compare);
            return;
        }
}

/*  The value as an array of that many fields. */
static hf_scan_t
s_value (const row_t *row, uint32_t fields)
{
    hf_scan_t scan = hf_scan (row->bytes + row->key_size, row->value_size);
    if (hf_scan_array (&scan) != fields)
        scan.bad = true;
    return scan;
}

static bool
s_all_read (const hf_scan_t *scan)
{
    return !scan->bad && hf_scan_at_end (scan);
}

/*  A big-endian number of SIZE bytes in the key; the caller knows that it is there. */
static uint64_t
s_key_number (const row_t *row, uint32_t at, uint32_t size)
{
    assert (at + size <= row->key_size);
    uint64_t number = 0;
    for (uint32_t i = 0; i < size; i++)
        number = number << 8 | row->bytes[at + i];
    return number;
}

static bool
s_load_whole (hf_state_t *self, const row_t *row)
{
    uint64_t version = 0;
    hf_span_t roster = {.size = 0};
    hf_scan_t scan = s_value (row, 11);
    hf_get_u64 (&scan, &version);
    hf_get_u64 (&scan, &self->applied_index);
    hf_get_u64 (&scan, &self->applied_term);
    hf_get_u64 (&scan, &self->command_index);
    hf_get_u64 (&scan, &self->hash);
    hf_get_u64 (&scan, &self->sessions.last_id);
    hf_get_u64 (&scan, &self->locks.last_token);
    hf_get_u64 (&scan, &self->section_index);
    hf_get_u64 (&scan, &self->locks.happened);
    hf_get_u64 (&scan, &self->appended);
    hf_get_bin (&scan, &roster);
    if (row->key_size != 1 || !s_all_read (&scan) || version != HF_STATE_ROWS_VERSION)
        return false;
    if (self->applied_index > HF_STATE_COUNTER_MAX || self->applied_term > HF_STATE_COUNTER_MAX ||
        self->command_index > HF_STATE_COUNTER_MAX || self->locks.happened > HF_STATE_COUNTER_MAX ||
        self->appended > HF_STATE_COUNTER_MAX)
        return false;
    //  Each of these was counted up by a command of its own.
    if (self->sessions.last_id > self->command_index ||
        self->locks.last_token > self->command_index - self->sessions.last_id ||
        self->section_index > self->command_index)
        return false;
    if (self->applied_index == 0 &&
        (self->applied_term > 0 || self->command_index > 0 || self->hash != 0 || roster.size > 0 ||
         self->locks.happened > 0 || self->appended > 0))
        return false;
    if (roster.size > 0 && !hf_roster_valid (roster))
        return false;
    assert (roster.size <= sizeof (self->roster));
    if (roster.size > 0)
        memcpy (self->roster, roster.at, roster.size);
    self->roster_size = roster.size;
    return true;
}

static bool
s_load_answers (hf_state_t *self, hf_state_session_t *session, hf_scan_t *scan)
{
    uint32_t count = hf_scan_array (scan);
    if (count > HF_WINDOW_MAX || count > HF_ANSWERS_TOTAL_MAX - self->sessions.answers)
        return false;
    uint64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        hf_answer_t answer;
        if (!hf_answer_get (scan, &answer))
            return false;
        if (answer.seq <= last || hf_replies_state (&session->replies, answer.seq) != HF_SEQ_NEW)
            return false;
        if (answer.index > self->command_index || answer.token > self->locks.last_token ||
            answer.position > (answer.status == HF_CONFLICT ? UINT32_MAX
                               : answer.status == HF_OK     ? self->locks.last_token
                                                            : HF_QUEUE_MAX))
            return false;
        hf_sessions_keep (&self->sessions, session, &answer);
        last = answer.seq;
    }
    return true;
}

static bool
s_load_session (hf_state_t *self, const row_t *row)
{
    hf_cmd_open_as_t open = {.ttl_ms = 0};
    uint32_t ran_ms = 0;
    uint64_t floor = 0;
    bool gone = false;
    hf_scan_t scan = hf_scan (row->bytes + row->key_size, row->value_size);
    uint32_t fields = hf_scan_array (&scan);
    hf_get_bin (&scan, &open.nonce);
    hf_get_u32 (&scan, &open.ttl_ms);
    hf_get_u32 (&scan, &ran_ms);
    hf_get_u64 (&scan, &floor);
    hf_get_str (&scan, &open.label);
    hf_get_flag (&scan, &open.detect);
    hf_get_u32 (&scan, &open.delay_ms);
    hf_get_flag (&scan, &gone);
    if (fields == 10)
        hf_get_str (&scan, &open.user);
    if (row->key_size != 9 || scan.bad || (fields == 10 && open.user.size == 0) ||
        (fields != 9 && fields != 10) || !hf_sessions_user_valid (open.user) ||
        open.nonce.size != HF_NONCE_SIZE || floor == 0 || open.ttl_ms < HF_TTL_MIN_MS ||
        open.ttl_ms > HF_TTL_MAX_MS || !hf_sessions_delay_valid (open.delay_ms) ||
        (gone && open.delay_ms == 0) || ran_ms > (gone ? open.delay_ms : open.ttl_ms) ||
        !hf_state_label_valid (open.label))
        return false;
    uint64_t id = s_key_number (row, 1, 8);
    if (id == 0 || id > self->sessions.last_id ||
        hf_sessions_count (&self->sessions) >= HF_SESSIONS_MAX ||
        hf_sessions_find_nonce (&self->sessions, open.nonce.at))
        return false;
    hf_state_session_t *session = hf_sessions_load (&self->sessions, id, &open);
    if (gone)
        hf_sessions_depart (&self->sessions, session);
    hf_sessions_run (&self->sessions, session, ran_ms);
    hf_sessions_raise (&self->sessions, session, floor);
    return s_load_answers (self, session, &scan) && s_all_read (&scan) &&
           (!gone || (session->replies.count == 0 && floor == 1));
}

/*  What a claim's row asks for, into ASKS, which has room for HF_SET_MAX; 0: it is not sound. */
static uint32_t
s_load_asks (hf_scan_t *scan, hf_lock_ask_t *asks)
{
    uint32_t count = hf_scan_array (scan);
    if (count > HF_SET_MAX)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        hf_lock_ask_t *ask = &asks[i];
        *ask = (hf_lock_ask_t){.units = 0};
        uint32_t fields = hf_scan_array (scan);
        hf_get_str (scan, &ask->name);
        if (fields == 3) {
            hf_get_u32 (scan, &ask->units);
            hf_get_u32 (scan, &ask->limit);
        }
        if (scan->bad || !hf_name_valid (ask->name) || (fields != 1 && ask->units == 0) ||
            (ask->limit > 0 && ask->units > ask->limit))
            return 0;
    }
    return count;
}

static bool
s_load_claim (hf_state_t *self, hf_loading_t *loading, const row_t *row)
{
    hf_state_extra_t extra = {.replaces = 0};
    hf_state_claim_t like = {.extra = &extra};
    hf_lock_ask_t asks[HF_SET_MAX];
    uint64_t session = 0, acts_for = 0;
    hf_span_t note = {.size = 0};
    hf_scan_t scan = s_value (row, 8);
    hf_get_u64 (&scan, &session);
    hf_get_u64 (&scan, &like.token);
    hf_get_u64 (&scan, &like.index);
    hf_get_u64 (&scan, &extra.replaces);
    uint32_t count = s_load_asks (&scan, asks);
    hf_get_flag (&scan, &like.upgrade);
    hf_get_u64 (&scan, &acts_for);
    hf_get_str (&scan, &note);
    if (row->key_size != 9 || !s_all_read (&scan) || count == 0)
        return false;
    like.born = s_key_number (row, 1, 8);
    if (like.born == 0 || like.born > like.index || like.index > self->command_index ||
        like.token > self->locks.last_token || (like.token == 0 && like.index != like.born))
        return false;
    hf_state_session_t *owner = hf_sessions_find_any (&self->sessions, session);
    if (owner && owner->gone && like.token == 0)
        return false;
    if (extra.replaces > 0 && extra.replaces >= like.token)
        return false;
    extra.acts_for = acts_for != 0 ? hf_sessions_find (&self->sessions, acts_for) : NULL;
    if (acts_for != 0 && (!extra.acts_for || acts_for == session))
        return false;
    hf_state_claim_t *claim =
        owner ? hf_locks_load (&self->locks, owner, &like, asks, count) : NULL;
    if (!claim || hf_locks_note_fits (&self->locks, owner, note) != HF_OK)
        return false;
    hf_locks_note (&self->locks, claim, note);
    if (claim->token > 0)
        *hf_array_add (&loading->holds) = claim;
    return true;
}

static int
s_compare_tokens (const void *a, const void *b)
{
    uint64_t left = (*(hf_state_claim_t *const *)a)->token;
    uint64_t right = (*(hf_state_claim_t *const *)b)->token;
    return (left > right) - (left < right);
}

/*  All claims were read: the holds take their locks, in the order in which they were granted. */
static bool
s_take_holds (hf_state_t *self, hf_loading_t *loading)
{
    s_sort_if (loading->holds.list, loading->holds.count, s_compare_tokens);
    uint64_t last = 0;
    for (size_t i = 0; i < loading->holds.count; i++) {
        hf_state_claim_t *hold = loading->holds.list[i];
        if (hold->token == last || !hf_locks_load_hold (&self->locks, hold))
            return false;
        last = hold->token;
    }
    return hf_locks_loaded (&self->locks);
}

static bool
s_load_piece (hf_state_t *self, hf_loading_t *loading, const row_t *row)
{
    hf_span_t name = {.size = 0}, data = {.size = 0};
    hf_scan_t scan = s_value (row, 2);
    hf_get_str (&scan, &name);
    hf_get_bin (&scan, &data);
    if (row->key_size != 17 || !s_all_read (&scan))
        return false;
    //  Holds and pieces both come in ascending order of token.
    uint64_t token = s_key_number (row, 1, 8);
    while (loading->at < loading->holds.count && loading->holds.list[loading->at]->token < token)
        loading->at++;
    hf_state_claim_t *hold =
        loading->at < loading->holds.count ? loading->holds.list[loading->at] : NULL;
    return hold && hold->token == token && !hold->session->gone &&
           hf_locks_load_piece (&self->locks, hold, (uint32_t)s_key_number (row, 9, 4),
                                (uint32_t)s_key_number (row, 13, 4), name, data);
}

//  ---- all together -------------------------------------------------------------------

/*  Where the rows whose key begins with LETTER or what is behind it begin. */
static size_t
s_first (const hf_loading_t *loading, unsigned letter)
{
    size_t from = 0, behind = loading->rows.count;
    while (from < behind) {
        size_t middle = from + (behind - from) / 2;
        if (loading->rows.list[middle]->bytes[0] < letter)
            from = middle + 1;
        else
            behind = middle;
    }
    return from;
}

/*  Read the rows whose key begins with LETTER: they lie together. */
static bool
s_load_letter (hf_state_t *self, hf_loading_t *loading, uint8_t letter)
{
    size_t behind = s_first (loading, letter + 1U);
    for (size_t i = s_first (loading, letter); i < behind; i++) {
        const row_t *row = loading->rows.list[i];
        bool good = letter == 'm'   ? s_load_whole (self, row)
                    : letter == 's' ? s_load_session (self, row)
                    : letter == 'p' ? s_load_claim (self, loading, row)
                                    : s_load_piece (self, loading, row);
        if (!good)
            return false;
        //  Staged bytes are the bulk: keep one copy in memory.
        if (letter == 'c') {
            s_row_free (loading->rows.list[i]);
            loading->rows.list[i] = NULL;
        }
    }
    return true;
}

/*  Most locks have one claim, and most claims one lock. */
static bool
s_load_claims (hf_state_t *self, hf_loading_t *loading)
{
    size_t count = s_first (loading, 'p' + 1) - s_first (loading, 'p');
    hf_table_reserve (&self->locks.by_name, count);
    return s_load_letter (self, loading, 'p');
}

/*  Sort; no key twice, no unknown letter, one row of the state itself, not too many places. */
static bool
s_sort (hf_loading_t *loading)
{
    row_t **rows = loading->rows.list;
    s_sort_if (rows, loading->rows.count, s_compare_keys);
    size_t wholes = 0, places = 0;
    for (size_t i = 0; i < loading->rows.count; i++) {
        if (!strchr ("mspc", rows[i]->bytes[0]) || rows[i]->bytes[0] == 0)
            return false;
        if (i > 0 && s_compare_keys (&rows[i - 1], &rows[i]) == 0)
            return false;
        wholes += rows[i]->bytes[0] == 'm';
        places += rows[i]->bytes[0] == 'p';
    }
    return wholes == 1 && places <= HF_PLACES_TOTAL_MAX;
}

/*  Whoever is gone still holds. */
static bool
s_gone_hold (const hf_state_t *self)
{
    const hf_state_session_t *session = hf_sessions_next (&self->sessions, 0);
    for (; session; session = hf_sessions_next (&self->sessions, session->id))
        if (session->gone && hf_chain_empty (&session->claims))
            return false;
    return true;
}

bool
hf_state_loaded (hf_state_t *self)
{
    hf_loading_t *loading = self->loading;
    if (!loading)
        return true;
    if (!s_sort (loading) || !s_load_letter (self, loading, 'm') ||
        !s_load_letter (self, loading, 's') || !s_load_claims (self, loading) ||
        !s_take_holds (self, loading) || !s_gone_hold (self) || !s_load_letter (self, loading, 'c'))
        return false;
    hf_state_load_done (self);
    //  These rows were just loaded, so none is dirty.
    hf_state_changes (self, NULL);
    return true;
}
