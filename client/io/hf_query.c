//  The blocking questions: pages are fetched and read on the caller's thread.

#include "client/io/hf_io.h"
#include <string.h>

#define PAGE_ROWS  256
#define NAME_SIZE  256
#define LABEL_SIZE (HF_LABEL_MAX + 1)
#define NOTE_SIZE  (HF_NOTE_MAX + 1)

//  ---- one question -----------------------------------------------------------

/*  One query on its way; RESULT points into the op. */
typedef struct question {
    hf_client_t *client;
    uint32_t node;
    bool stale;
    uint64_t backup; //  its number
    uint64_t end_us; //  HF_NEVER: no limit
    hf_op_t *op;
    hf_query_result_t result;
    uint64_t number;           //  of what HAPPENED: no page is as of an earlier one
    hf_lock_info_fn *on_place; //  of lists
    hf_session_info_fn *on_session;
    hf_file_info_fn *on_file;
    void *arg;
} question_t;

static bool
s_begin (question_t *self, hf_client_t *client, uint32_t node, uint32_t limit_ms)
{
    *self = (question_t){.client = client, .node = node, .number = UINT64_MAX};
    if (!client || hf_io_on_thread (client))
        return false;
    self->end_us = hf_io_until_us (limit_ms);
    return true;
}

/*  Of the leader, or as THEIRS say. OURS begins with the defaults and is what they say. */
static bool
s_begin_as (question_t *self, hf_client_t *client, hf_query_options_t *ours,
            const hf_query_options_t *theirs, uint32_t limit_ms)
{
    *ours = (hf_query_options_t)HF_QUERY_OPTIONS_INIT;
    if (!hf_options_take (ours, sizeof *ours, theirs))
        return false;
    uint32_t node = ours->stale ? HF_NODE_ANY : HF_NODE_LEADER;
    bool begun = s_begin (self, client, node, limit_ms);
    self->stale = ours->stale;
    return begun;
}

static bool
s_knows (const hf_client_t *client, uint32_t node)
{
    uint32_t ids[HF_MEMBERS_MAX], count = hf_client_core_nodes (client->core, ids);
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] == node)
            return true;
    }
    return false;
}

static void
s_end (question_t *self)
{
    if (self->op)
        hf_op_free (self->op);
    self->op = NULL;
}

/*  The same, after an answer of STATUS to a question that was asked as OPTIONS say. */
static hf_status_t
s_end_as (question_t *self, const hf_query_options_t *options, hf_status_t status)
{
    if ((status == HF_OK || status == HF_NOT_FOUND) && options->number)
        *options->number = self->number;
    s_end (self);
    return status;
}

static uint32_t
s_left_ms (const question_t *self)
{
    if (self->end_us == HF_NEVER)
        return HF_FOREVER;
    uint64_t now = hf_io_now_us ();
    return now < self->end_us ? (uint32_t)((self->end_us - now + 999) / 1000) : 0;
}

static hf_status_t
s_ask (question_t *self, uint32_t what, const char *name, uint64_t offset, uint32_t limit)
{
    s_end (self);
    hf_op_t *op = hf_op_query (self->node, what, name, offset, limit);
    op->limit_us = self->end_us;
    op->stale = self->stale;
    op->number = self->backup;
    hf_status_t status = hf_io_ask (self->client, NULL, op, s_left_ms (self), &self->op);
    if (!self->op || !self->op->reply)
        return status;
    hf_scan_t scan = hf_scan (self->op->reply, self->op->reply_size);
    if (!hf_query_result_get (&scan, &self->result))
        return HF_MALFORMED;
    //  Of pages from several nodes some may be older than the first: a watch after the lowest
    //  number misses nothing of any.
    if (self->result.number < self->number)
        self->number = self->result.number;
    return status;
}

/*  A name from a row, as text; false when it is none. */
static bool
s_name (char text[NAME_SIZE], hf_span_t name)
{
    if (!hf_name_valid (name))
        return false;
    memcpy (text, name.at, name.size);
    text[name.size] = 0;
    return true;
}

/*  The same for a label or a note, which may be empty. */
static bool
s_words (char *text, size_t room, hf_span_t words)
{
    if (words.size >= room || !hf_text_valid (words))
        return false;
    if (words.size > 0)
        memcpy (text, words.at, words.size);
    text[words.size] = 0;
    return true;
}

//  ---- facts ----------------------------------------------------------------------

static void
s_text (char *buffer, size_t room, hf_span_t text)
{
    size_t size = text.size < room - 1 ? text.size : room - 1;
    if (size > 0)
        memcpy (buffer, text.at, size);
    buffer[size] = 0;
}

/*  Ask for facts; ends QUESTION, whose result's numbers stay. */
static hf_status_t
s_facts (question_t *question, uint32_t what, hf_fact_fn *fn, void *arg)
{
    hf_status_t status = s_ask (question, what, "", 0, 0);
    hf_scan_t scan = hf_scan_list (question->result.rows);
    for (uint32_t i = 0; status == HF_OK && i < question->result.rows.count; i++) {
        hf_fact_row_t row;
        char key[64], text[512];
        if (!hf_fact_row_get (&scan, &row)) {
            status = HF_MALFORMED;
            break;
        }
        s_text (key, sizeof key, row.key);
        s_text (text, sizeof text, row.text);
        if (fn)
            fn (arg, key, row.text.size > 0 ? text : NULL, row.number);
    }
    s_end (question);
    return status;
}

static void
s_leader_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    hf_leader_info_t *info = arg;
    if (strcmp (key, "leader") == 0)
        info->id = (uint32_t)number;
    else if (strcmp (key, "term") == 0)
        info->term = number;
    else if (strcmp (key, "endpoint") == 0 && text)
        s_text (info->endpoint, sizeof info->endpoint, hf_span_text (text));
}

hf_status_t
hf_query_leader (hf_client_t *client, hf_leader_info_t *info, uint32_t limit_ms)
{
    question_t question;
    if (!info || !s_begin (&question, client, HF_NODE_LEADER, limit_ms))
        return HF_INVALID;
    memset (info, 0, sizeof *info);
    hf_status_t status = s_facts (&question, HF_WHAT_LEADER, s_leader_fact, info);
    info->index = question.result.index;
    return status;
}

hf_status_t
hf_query_status (hf_client_t *client, uint32_t id, hf_fact_fn *fn, void *arg, uint32_t limit_ms)
{
    question_t question;
    if (!s_begin (&question, client, id == 0 ? HF_NODE_ANY : id, limit_ms) ||
        (id != 0 && !s_knows (client, id)))
        return HF_INVALID;
    return s_facts (&question, HF_WHAT_STATUS, fn, arg);
}

//  ---- locks and files --------------------------------------------------------------

/*  Fetch every page of a list by names, each with what follows the last NAME that TAKE read. */
static hf_status_t
s_list (question_t *question, uint32_t what,
        hf_status_t (*take) (const question_t *, char name[NAME_SIZE]))
{
    char name[NAME_SIZE] = "";
    hf_status_t status = HF_OK;
    for (bool more = true; status == HF_OK && more;) {
        status = s_ask (question, what, name, 0, PAGE_ROWS);
        more = status == HF_OK && question->result.more && question->result.rows.count > 0;
        if (status == HF_OK)
            status = take (question, name);
    }
    return status;
}

static bool
s_lock_row (hf_scan_t *scan, char name[NAME_SIZE], hf_lock_info_t *info)
{
    hf_lock_row_t row;
    if (!hf_lock_row_get (scan, &row) || !s_name (name, row.lock))
        return false;
    *info = (hf_lock_info_t){
        .lock = name, .holders = row.holders, .waiters = row.waiters, .limit = row.limit};
    return true;
}

/*  What the strings of a hf_place_info_t point to. */
typedef struct words {
    char label[LABEL_SIZE], note[NOTE_SIZE];
} words_t;

/*  A HOLDER_ROW or a WAITER_ROW. */
static bool
s_place_row (hf_scan_t *scan, words_t *words, hf_place_info_t *place)
{
    hf_holder_row_t hold;
    hf_waiter_row_t waiter;
    *place = (hf_place_info_t){.label = words->label, .note = words->note};
    if (hf_scan_kind (scan) == HF_KIND_HOLDER_ROW) {
        if (!hf_holder_row_get (scan, &hold) || hold.token == 0)
            return false;
        place->session = hold.session;
        place->mode = hold.mode;
        place->token = hold.token;
        place->staged = hold.staged;
        place->units = hold.units;
        place->age_ms = hold.age_ms;
        return s_words (words->label, LABEL_SIZE, hold.label) &&
               s_words (words->note, NOTE_SIZE, hold.note);
    }
    if (!hf_waiter_row_get (scan, &waiter) || waiter.position == 0)
        return false;
    place->session = waiter.session;
    place->mode = waiter.mode;
    place->position = waiter.position;
    place->units = waiter.units;
    place->age_ms = waiter.age_ms;
    return s_words (words->label, LABEL_SIZE, waiter.label) &&
           s_words (words->note, NOTE_SIZE, waiter.note);
}

/*  Report each place on a page. NAME: of the last lock on it. */
static hf_status_t
s_places (const question_t *question, char name[NAME_SIZE])
{
    hf_scan_t scan = hf_scan_list (question->result.rows);
    hf_lock_info_t info = {.lock = NULL};
    for (uint32_t i = 0; i < question->result.rows.count; i++) {
        words_t words;
        hf_place_info_t place;
        if (hf_scan_kind (&scan) == HF_KIND_LOCK_ROW) {
            if (!s_lock_row (&scan, name, &info))
                return HF_MALFORMED;
        } else if (!info.lock || !s_place_row (&scan, &words, &place))
            return HF_MALFORMED;
        else
            question->on_place (question->arg, &info, &place);
    }
    return HF_OK;
}

hf_status_t
hf_query_locks_as (hf_client_t *client, const hf_query_options_t *options, hf_lock_info_fn *fn,
                   void *arg, uint32_t limit_ms)
{
    question_t question;
    hf_query_options_t own;
    if (!fn || !s_begin_as (&question, client, &own, options, limit_ms))
        return HF_INVALID;
    question.on_place = fn;
    question.arg = arg;
    return s_end_as (&question, &own, s_list (&question, HF_WHAT_LOCKS, s_places));
}

hf_status_t
hf_query_locks (hf_client_t *client, hf_lock_info_fn *fn, void *arg, uint32_t limit_ms)
{
    return hf_query_locks_as (client, NULL, fn, arg, limit_ms);
}

hf_status_t
hf_query_lock_as (hf_client_t *client, const char *lock, const hf_query_options_t *options,
                  hf_lock_info_fn *fn, void *arg, uint32_t limit_ms)
{
    question_t question;
    hf_query_options_t own;
    if (!lock || !fn || !s_begin_as (&question, client, &own, options, limit_ms))
        return HF_INVALID;
    if (!hf_name_valid (hf_span (lock, strnlen (lock, NAME_SIZE))))
        return HF_BAD_NAME;
    question.on_place = fn;
    question.arg = arg;
    hf_status_t status = HF_OK;
    uint64_t from = 1;
    for (bool more = true; status == HF_OK && more;) {
        char name[NAME_SIZE];
        status = s_ask (&question, HF_WHAT_LOCK, lock, from, PAGE_ROWS);
        //  Everybody has left since the page before.
        if (status == HF_NOT_FOUND && from > 1) {
            status = HF_OK;
            break;
        }
        uint32_t rows = question.result.rows.count; //  the LOCK_ROW, then places
        if (status == HF_OK)
            status = rows > 0 ? s_places (&question, name) : HF_MALFORMED;
        more = question.result.more && rows > 1;
        from += rows - 1;
    }
    return s_end_as (&question, &own, status);
}

hf_status_t
hf_query_lock (hf_client_t *client, const char *lock, hf_lock_info_fn *fn, void *arg,
               uint32_t limit_ms)
{
    return hf_query_lock_as (client, lock, NULL, fn, arg, limit_ms);
}

/*  Report the sessions on a page; *after becomes the last one. Each comes after the one before. */
static hf_status_t
s_sessions (const question_t *question, uint64_t *after)
{
    hf_scan_t scan = hf_scan_list (question->result.rows);
    for (uint32_t i = 0; i < question->result.rows.count; i++) {
        hf_session_row_t row;
        char label[LABEL_SIZE], user[HF_USER_MAX + 1];
        if (!hf_session_row_get (&scan, &row) || row.session <= *after ||
            !s_words (label, sizeof label, row.label) || !s_words (user, sizeof user, row.user))
            return HF_MALFORMED;
        *after = row.session;
        question->on_session (question->arg, &(hf_session_info_t){.session = row.session,
                                                                  .label = label,
                                                                  .ttl_ms = row.ttl_ms,
                                                                  .delay_ms = row.delay_ms,
                                                                  .detect = row.detect,
                                                                  .gone = row.gone,
                                                                  .held = row.held,
                                                                  .queued = row.queued,
                                                                  .user = user});
    }
    return HF_OK;
}

hf_status_t
hf_query_sessions (hf_client_t *client, const hf_query_options_t *options, hf_session_info_fn *fn,
                   void *arg, uint32_t limit_ms)
{
    question_t question;
    hf_query_options_t own;
    if (!fn || !s_begin_as (&question, client, &own, options, limit_ms))
        return HF_INVALID;
    question.on_session = fn;
    question.arg = arg;
    hf_status_t status = HF_OK;
    uint64_t after = 0;
    for (bool more = true; status == HF_OK && more;) {
        status = s_ask (&question, HF_WHAT_SESSIONS, "", after, PAGE_ROWS);
        more = status == HF_OK && question.result.more && question.result.rows.count > 0;
        if (status == HF_OK)
            status = s_sessions (&question, &after);
    }
    return s_end_as (&question, &own, status);
}

static hf_status_t
s_files (const question_t *question, char name[NAME_SIZE])
{
    hf_scan_t scan = hf_scan_list (question->result.rows);
    for (uint32_t i = 0; i < question->result.rows.count; i++) {
        hf_file_row_t row;
        if (!hf_file_row_get (&scan, &row) || !s_name (name, row.file))
            return HF_MALFORMED;
        question->on_file (question->arg,
                           &(hf_file_info_t){name, row.length, row.checksum, row.xxh64});
    }
    return HF_OK;
}

hf_status_t
hf_query_files_as (hf_client_t *client, const hf_query_options_t *options, hf_file_info_fn *fn,
                   void *arg, uint32_t limit_ms)
{
    question_t question;
    hf_query_options_t own;
    if (!fn || !s_begin_as (&question, client, &own, options, limit_ms))
        return HF_INVALID;
    question.on_file = fn;
    question.arg = arg;
    return s_end_as (&question, &own, s_list (&question, HF_WHAT_FILES, s_files));
}

hf_status_t
hf_query_files (hf_client_t *client, hf_file_info_fn *fn, void *arg, uint32_t limit_ms)
{
    return hf_query_files_as (client, NULL, fn, arg, limit_ms);
}

hf_status_t
hf_read_as (hf_client_t *client, const char *file, const hf_query_options_t *options,
            uint64_t offset, void *buffer, size_t *size, uint64_t *total, uint32_t limit_ms)
{
    question_t question;
    hf_query_options_t own;
    if (!file || !size || (!buffer && *size > 0) ||
        !s_begin_as (&question, client, &own, options, limit_ms))
        return HF_INVALID;
    if (!hf_name_valid (hf_span (file, strnlen (file, NAME_SIZE))))
        return HF_BAD_NAME;
    uint32_t room = *size < HF_DATA_MAX ? (uint32_t)*size : HF_DATA_MAX;
    *size = 0;
    hf_status_t status = s_ask (&question, HF_WHAT_READ, file, offset, room);
    if (status == HF_OK && question.result.data.size > room)
        status = HF_MALFORMED;
    if (status == HF_OK) {
        *size = question.result.data.size;
        if (*size > 0)
            memcpy (buffer, question.result.data.at, *size);
        if (total)
            *total = question.result.total;
    }
    return s_end_as (&question, &own, status);
}

hf_status_t
hf_read (hf_client_t *client, const char *file, uint64_t offset, void *buffer, size_t *size,
         uint64_t *total, uint32_t limit_ms)
{
    return hf_read_as (client, file, NULL, offset, buffer, size, total, limit_ms);
}

//  ---- backups ----------------------------------------------------------------------

/*  Whether a result to a question for OFFSET of backup INFO, for ROOM bytes, is what was asked. */
static bool
s_backup_fits (const hf_query_result_t *result, const hf_backup_info_t *info, uint64_t offset,
               uint32_t room)
{
    if (info->number == 0 ? result->number == 0 || result->index < offset
                          : result->number != info->number || result->total != info->total)
        return false;
    uint64_t from = info->number == 0 ? 0 : offset;
    return from <= result->total && result->data.size <= result->total - from &&
           result->data.size <= room;
}

hf_status_t
hf_backup_read (hf_client_t *client, uint32_t node, hf_backup_info_t *info, uint64_t offset,
                void *buffer, size_t *size, uint32_t limit_ms)
{
    question_t question;
    if (!info || !size || !buffer || *size == 0 || !s_begin (&question, client, node, limit_ms) ||
        !s_knows (client, node))
        return HF_INVALID;
    question.stale = true; //  whether it leads or not
    question.backup = info->number;
    uint32_t room = *size < HF_DATA_MAX ? (uint32_t)*size : HF_DATA_MAX;
    *size = 0;
    hf_status_t status = s_ask (&question, HF_WHAT_BACKUP, "", offset, room);
    const hf_query_result_t *result = &question.result;
    if (status == HF_OK && !s_backup_fits (result, info, offset, room))
        status = HF_MALFORMED;
    if (status == HF_OK) {
        *size = result->data.size;
        if (*size > 0)
            memcpy (buffer, result->data.at, *size);
        *info = (hf_backup_info_t){
            .number = result->number, .index = result->index, .total = result->total};
    }
    s_end (&question);
    return status;
}
