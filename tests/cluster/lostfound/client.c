//  One client of the test, in a thread of its own.

#include "tests/cluster/lostfound/client.h"
#include "tests/kit/hf_wait.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define S_OPEN_LIMIT_MS 30000
#define S_WAIT_LIMIT_MS 8000  //  then it leaves the queue and asks again
#define S_CALL_LIMIT_MS 30000 //  longer than any fault
#define S_LINES_MAX     6     //  of a section
#define S_READ_SIZE     4096
#define S_LINE_SIZE     96

const char *const hf_file_names[HF_FILES] = {"found", "also found"};

//  ---- what is written down -------------------------------------------------------

static hf_record_t
s_record (const hf_test_client_t *self, const char *op)
{
    return (hf_record_t){.op = op,
                         .client = self->number,
                         .session = self->session ? hf_session_id (self->session) : 0,
                         .start_us = hf_recorder_now_us ()};
}

/*  A request is about to be sent: written down now, since the process may not live to its answer.
 */
static void
s_begins (hf_test_client_t *self, const hf_record_t *record)
{
    if (self->early)
        hf_recorder_write (self->recorder, record);
}

static void
s_step (hf_test_client_t *self)
{
    if (self->gate)
        self->gate (self->gate_arg);
}

static void
s_answered (hf_test_client_t *self, hf_record_t *record, hf_status_t status)
{
    record->end_us = hf_recorder_now_us ();
    record->status = hf_status_name (status);
    hf_recorder_write (self->recorder, record);
    atomic_fetch_add (&self->failures, status != HF_OK);
}

/*  The result of call ID; results of earlier calls, which timed out, are skipped. */
static hf_status_t
s_outcome (hf_test_client_t *self, uint64_t id, hf_status_t submitted, hf_record_t *record)
{
    hf_result_t result = {.status = submitted};
    uint64_t end_us = hf_recorder_now_us () + (uint64_t)S_CALL_LIMIT_MS * 1000;
    bool mine = submitted != HF_OK;
    while (!mine && hf_recorder_now_us () < end_us)
        mine = hf_client_poll (self->client, &result, 1000) && (uintptr_t)result.arg == id;
    if (!mine)
        result.status = HF_TIMEOUT;
    record->index = mine ? result.index : 0;
    if (strcmp (record->op, "read") == 0 && result.status == HF_OK) {
        record->data = result.data;
        record->size = result.size;
        record->total = result.total;
    }
    s_answered (self, record, result.status);
    return result.status;
}

/*  On the library's thread. */
static void
s_on_event (void *arg, const hf_session_event_t *event)
{
    hf_test_client_t *self = arg;
    uint64_t now_us = hf_recorder_now_us ();
    if (event->type == HF_SESSION_MOVED) {
        unsigned lock;
        uint_fast64_t none = 0;
        if (sscanf (event->lock, "lost/%u", &lock) == 1 && lock + 1 == atomic_load (&self->asked))
            atomic_compare_exchange_strong (&self->moved_us, &none, now_us);
        return;
    }
    if (event->type == HF_SESSION_WANTED)
        return;
    bool lost = event->type == HF_SESSION_LOST;
    atomic_fetch_add (&self->failures, lost);
    hf_recorder_write (self->recorder, &(hf_record_t){.op = lost ? "lost" : "ended",
                                                      .client = self->number,
                                                      .session = event->session,
                                                      .start_us = now_us,
                                                      .lock = lost ? event->lock : NULL,
                                                      .token = lost ? event->token : 0});
}

/*  The end of a file, as it is now. */
static void
s_read (hf_test_client_t *self)
{
    s_step (self);
    uint32_t file = hf_random_u32 (&self->seed, HF_FILES);
    hf_record_t record = s_record (self, "read");
    record.session = 0;
    record.file = hf_file_names[file];
    record.offset = self->length[file] > 100 ? self->length[file] - 100 : 0;
    s_begins (self, &record);
    uint64_t id = ++self->calls;
    hf_status_t status =
        s_outcome (self, id,
                   hf_submit_read (self->client, record.file, record.offset, S_READ_SIZE,
                                   S_WAIT_LIMIT_MS, NULL, (void *)(uintptr_t)id),
                   &record);
    if (status == HF_OK)
        self->length[file] = record.total;
}

//  ---- a section ----------------------------------------------------------------

typedef struct s_section {
    uint32_t lock;      //  0: the shared one; otherwise the client's own number
    const char *name;   //  of the first lock
    hf_want_t wants[3]; //  what is asked for
    char names[3][32];
    size_t count;
    char places[160]; //  the same, for the history
    hf_record_t grant;
    uint64_t deadline_us; //  the lease was good until then at least
    bool broken;          //  a request was not answered with HF_OK
} s_section_t;

/*  How long the lease is good, as the library says now. */
static void
s_note_lease (hf_test_client_t *self, s_section_t *section)
{
    uint64_t now_us = hf_recorder_now_us (); //  before the question, so that it is not too late
    uint64_t until_us = now_us + (uint64_t)hf_session_remaining_ms (self->session) * 1000;
    if (until_us > now_us && until_us > section->deadline_us)
        section->deadline_us = until_us;
}

/*  At NOW_US the client relies on the lock, if its lease is still good then. */
static void
s_note_until (s_section_t *section, uint64_t now_us)
{
    uint64_t until_us = now_us < section->deadline_us ? now_us : section->deadline_us;
    section->grant.until_us = until_us > section->grant.end_us ? until_us : section->grant.end_us;
}

/*  The grant, as it is so far. */
static void
s_note_grant (hf_test_client_t *self, s_section_t *section)
{
    s_note_lease (self, section);
    s_note_until (section, hf_recorder_now_us ());
    s_begins (self, &section->grant);
}

static hf_record_t
s_section_record (const hf_test_client_t *self, const s_section_t *section, const char *op)
{
    hf_record_t record = s_record (self, op);
    record.lock = section->name;
    record.token = section->grant.token;
    return record;
}

/*  Hold the lock a while: mostly not at all, sometimes longer than a short lease lasts. */
static void
s_dwell (hf_test_client_t *self, s_section_t *section)
{
    uint32_t draw = hf_random_u32 (&self->seed, 200);
    uint32_t ms = draw == 0 ? 2500 : draw < 20 ? hf_random_u32 (&self->seed, 100) : 0;
    for (uint32_t past_ms = 0; past_ms < ms; past_ms += 100) {
        HF_WAIT (atomic_load (self->stop), ms - past_ms < 100 ? ms - past_ms : 100);
        s_note_lease (self, section);
    }
}

/*  Bytes that no other append to any file has. */
static size_t
s_line (hf_test_client_t *self, const s_section_t *section, char text[S_LINE_SIZE])
{
    int size = snprintf (text, S_LINE_SIZE, "client %u line %llu of lock %u, token %llu\n",
                         self->number, (unsigned long long)++self->counter, section->lock,
                         (unsigned long long)section->grant.token);
    assert (size > 0 && size < S_LINE_SIZE);
    return (size_t)size;
}

static void
s_append (hf_test_client_t *self, s_section_t *section, uint32_t file)
{
    s_step (self);
    s_note_grant (self, section);
    char text[S_LINE_SIZE];
    size_t size = s_line (self, section, text);
    hf_record_t record = s_section_record (self, section, "append");
    record.file = hf_file_names[file];
    record.data = text;
    record.size = size;
    s_begins (self, &record);
    uint64_t id = ++self->calls;
    hf_status_t status =
        s_outcome (self, id,
                   hf_submit_append (self->session, section->name, record.token, record.file, text,
                                     size, NULL, (void *)(uintptr_t)id),
                   &record);
    section->broken = section->broken || status != HF_OK;
    s_note_lease (self, section);
}

/*  True: it was released or cancelled, and that was acknowledged. */
static bool
s_end (hf_test_client_t *self, s_section_t *section, bool cancel)
{
    s_step (self);
    s_note_lease (self, section);
    uint64_t now_us = hf_recorder_now_us ();
    hf_record_t record = s_section_record (self, section, cancel ? "cancel" : "release");
    s_begins (self, &record);
    void *arg = (void *)(uintptr_t)++self->calls;
    hf_status_t status =
        cancel ? hf_submit_cancel (self->session, section->name, record.token, NULL, arg)
               : hf_submit_release (self->session, section->name, record.token, NULL, arg);
    status = s_outcome (self, (uintptr_t)arg, status, &record);
    s_note_until (section, now_us);
    hf_recorder_write (self->recorder, &section->grant);
    return status == HF_OK && !section->broken;
}

//  ---- sessions -----------------------------------------------------------------

static void
s_close (hf_test_client_t *self)
{
    if (!self->session)
        return;
    hf_record_t record = s_record (self, "close");
    s_begins (self, &record);
    s_answered (self, &record, hf_session_close (&self->session, S_CALL_LIMIT_MS));
}

static bool
s_open (hf_test_client_t *self)
{
    if (self->session)
        return true;
    uint32_t chance_ms = 1000 + 500 * hf_random_u32 (&self->seed, 9);
    uint32_t ttl_ms = self->ttl_ms > 0 ? self->ttl_ms : chance_ms;
    hf_record_t record = s_record (self, "open");
    record.ttl_ms = ttl_ms;
    record.delay_ms =
        hf_random_u32 (&self->seed, 3) == 0 ? 200 + hf_random_u32 (&self->seed, 1500) : 0;
    s_begins (self, &record);
    hf_session_options_t options = {.size = sizeof options,
                                    .ttl_ms = ttl_ms,
                                    .fn = s_on_event,
                                    .arg = self,
                                    .label = "a client of the test",
                                    .detect = hf_random_u32 (&self->seed, 3) > 0,
                                    .delay_ms = (uint32_t)record.delay_ms};
    hf_status_t status = hf_session_open (self->client, &options, S_OPEN_LIMIT_MS, &self->session);
    record.session = self->session ? hf_session_id (self->session) : 0;
    s_answered (self, &record, status);
    self->sessions += status == HF_OK;
    return status == HF_OK;
}

//  ---- what is asked for ----------------------------------------------------------

/*  One more lock; UNITS 0: EXCLUSIVE. */
static void
s_want (s_section_t *section, const char *kind, uint32_t number, uint32_t units, uint32_t limit)
{
    size_t i = section->count++, used = strlen (section->places);
    assert (i < sizeof section->wants / sizeof *section->wants);
    snprintf (section->names[i], sizeof section->names[i], "%s/%u", kind, number);
    section->name = section->names[0];
    section->wants[i] = (hf_want_t){.lock = section->names[i],
                                    .mode = units > 0 ? HF_MODE_SHARED : HF_MODE_EXCLUSIVE,
                                    .units = units,
                                    .limit = units > 0 ? limit : 0};
    snprintf (section->places + used, sizeof section->places - used, "%s%s %u %u",
              used > 0 ? "\n" : "", section->names[i], units, section->wants[i].limit);
}

/*  One of the locks that all share. */
static uint32_t
s_shared (hf_test_client_t *self)
{
    uint32_t draw = self->shared ? hf_random_u32 (&self->seed, self->shared + 1) : 0;
    return draw ? HF_CLIENTS_MAX + draw : 0;
}

#define S_POOL  3 //  units of "pool/0"
#define S_RINGS 3 //  locks that clients hold while they wait for another of them

/*  Some lock in some mode, or several of them in some order. */
static void
s_choose (hf_test_client_t *self, s_section_t *section)
{
    uint32_t draw = hf_random_u32 (&self->seed, 12), shared = hf_random_u32 (&self->seed, 2);
    section->lock = hf_random_u32 (&self->seed, 4) == 0 ? self->number : s_shared (self);
    if (draw < 4)
        s_want (section, "lost", section->lock, 0, 0);
    else if (draw < 6)
        s_want (section, "lost", section->lock, 1, 0);
    else if (draw < 8)
        s_want (section, "pool", 0, draw == 6 ? 0 : 1 + hf_random_u32 (&self->seed, 2), S_POOL);
    else if (draw < 10)
        s_want (section, "ring", hf_random_u32 (&self->seed, S_RINGS), 0, 0);
    else
        for (uint32_t i = 0, first = hf_random_u32 (&self->seed, 3); i < 2 + shared; i++) {
            uint32_t which = (first + i * (1 + draw % 2)) % 3;
            if (which == 0)
                s_want (section, "lost", section->lock, shared, 0);
            else if (which == 1)
                s_want (section, "pool", 0, hf_random_u32 (&self->seed, S_POOL + 1), S_POOL);
            else
                s_want (section, "ring", hf_random_u32 (&self->seed, S_RINGS), 0, 0);
        }
}

/*  Wait for what the section wants, at most LIMIT_MS. What the record says else is the caller's. */
static hf_status_t
s_acquire (hf_test_client_t *self, s_section_t *section, uint64_t acts_for, uint32_t limit_ms)
{
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    options.acts_for = acts_for;
    options.note = section->name;
    hf_grant_t grant = {0};
    section->grant.lock = section->name;
    section->grant.places = section->places;
    section->grant.acts_for = acts_for;
    s_begins (self, &section->grant);
    hf_status_t status =
        hf_acquire_set (self->session, section->wants, section->count, &options, limit_ms, &grant);
    section->grant.end_us = hf_recorder_now_us ();
    section->grant.status = hf_status_name (status);
    if (status != HF_OK) {
        hf_recorder_write (self->recorder, &section->grant);
        atomic_fetch_add (&self->failures, status != HF_TIMEOUT && status != HF_DEADLOCK);
        return status;
    }
    section->grant.token = grant.token;
    section->grant.index = grant.index;
    s_note_grant (self, section);
    return status;
}

//  ---- while it is held -----------------------------------------------------------

/*  SHARED to EXCLUSIVE: a new grant takes the place of the old one, unless it is refused. */
static void
s_upgrade (hf_test_client_t *self, s_section_t *section)
{
    s_step (self);
    s_section_t upgrade = {.lock = section->lock, .deadline_us = section->deadline_us};
    s_want (&upgrade, "lost", section->lock, 0, 0);
    upgrade.grant = s_record (self, "acquire");
    upgrade.grant.replaces = section->grant.token;
    hf_status_t status = s_acquire (self, &upgrade, 0, S_WAIT_LIMIT_MS);
    if (status == HF_DEADLOCK)
        return;
    section->broken = status != HF_OK;
    if (status != HF_OK)
        return;
    s_note_lease (self, section);
    s_note_until (section, hf_recorder_now_us ());
    hf_recorder_write (self->recorder, &section->grant);
    *section = upgrade;
    section->name = section->names[0];
    section->wants[0].lock = section->names[0];
    section->grant.lock = section->name;
    section->grant.places = section->places;
}

/*  EXCLUSIVE to SHARED. */
static void
s_share (hf_test_client_t *self, s_section_t *section)
{
    s_step (self);
    s_section_t less = {0};
    s_want (&less, "lost", section->lock, 1, 0);
    hf_record_t record = s_section_record (self, section, "share");
    record.places = less.places;
    s_begins (self, &record);
    hf_grant_t grant;
    hf_status_t status =
        hf_acquire_set (self->session, less.wants, 1, NULL, S_CALL_LIMIT_MS, &grant);
    s_answered (self, &record, status);
    section->broken = status != HF_OK;
}

static void
s_annotate (hf_test_client_t *self, s_section_t *section)
{
    s_step (self);
    hf_record_t record = s_section_record (self, section, "note");
    s_begins (self, &record);
    uint64_t id = ++self->calls;
    hf_status_t status = s_outcome (self, id,
                                    hf_submit_note (self->session, section->name, record.token,
                                                    "changed", NULL, (void *)(uintptr_t)id),
                                    &record);
    section->broken = status != HF_OK;
}

/*  Wait for another of the ring's locks, and let go of it. */
static void
s_nest (hf_test_client_t *self, uint32_t but, uint64_t acts_for)
{
    s_section_t inner = {.lock = (but + 1 + hf_random_u32 (&self->seed, S_RINGS - 1)) % S_RINGS};
    s_want (&inner, "ring", inner.lock, hf_random_u32 (&self->seed, 4) == 0, 0);
    inner.grant = s_record (self, "acquire");
    hf_status_t status = s_acquire (self, &inner, acts_for, 1000);
    self->deadlocks += status == HF_DEADLOCK;
    if (status == HF_OK)
        s_end (self, &inner, false);
}

/*  The same by a session of its own, on behalf of the one that holds. */
static void
s_nest_for (hf_test_client_t *self, uint32_t but)
{
    hf_session_t *outer = self->session;
    self->session = NULL;
    if (s_open (self))
        s_nest (self, but, hf_session_id (outer));
    s_close (self);
    self->session = outer;
}

/*  What can be done with a lock of this kind, now and then. */
static void
s_turn (hf_test_client_t *self, s_section_t *section)
{
    uint32_t draw = hf_random_u32 (&self->seed, 4), number = 0;
    bool shared = section->wants[0].mode == HF_MODE_SHARED, one = section->count == 1;
    if (one && sscanf (section->name, "lost/%u", &number) == 1 && draw < 2) {
        if (shared)
            s_upgrade (self, section);
        else
            s_share (self, section);
    } else if (one && sscanf (section->name, "ring/%u", &number) == 1 && draw < 3) {
        if (draw == 0)
            s_nest_for (self, number);
        else
            s_nest (self, number, 0);
        s_note_lease (self, section);
    } else if (draw == 3)
        s_annotate (self, section);
}

/*  Take a lock or several, write, and let go. True: all of it was acknowledged. */
static bool
s_once (hf_test_client_t *self, bool plain)
{
    if (hf_random_u32 (&self->seed, 4) == 0)
        s_read (self);
    s_step (self);
    if (!s_open (self))
        return false;
    s_section_t section = {0};
    s_choose (self, &section);
    bool lost = section.count == 1 && strncmp (section.name, "lost/", 5) == 0;
    atomic_store (&self->moved_us, 0);
    atomic_store (&self->asked, lost ? section.lock + 1 : 0);
    section.grant = s_record (self, "acquire");
    hf_status_t status = s_acquire (self, &section, 0, S_WAIT_LIMIT_MS);
    atomic_store (&self->asked, 0);
    section.grant.queued_us = atomic_load (&self->moved_us);
    if (status != HF_OK) {
        self->timeouts++;
        if (status != HF_TIMEOUT)
            s_close (self);
        return false;
    }
    if (!plain)
        s_turn (self, &section);
    uint32_t rounds = 1 + hf_random_u32 (&self->seed, S_LINES_MAX / HF_FILES);
    bool both = hf_random_u32 (&self->seed, 2) == 0;
    for (uint32_t i = 0; i < rounds && !section.broken; i++) {
        s_append (self, &section, 0);
        if (both && !section.broken)
            s_append (self, &section, 1);
        if (!plain)
            s_dwell (self, &section);
    }
    bool whole = s_end (self, &section, !plain && hf_random_u32 (&self->seed, 12) == 0);
    atomic_fetch_add (&self->sections, whole);
    if (!whole) {
        self->losses++;
        s_close (self);
    }
    return whole;
}

static void *
s_live (void *arg)
{
    hf_test_client_t *self = arg;
    char error[HF_CLIENT_ERROR_SIZE];
    //  They may be those of proxies.
    hf_client_options_t options = {
        .size = sizeof options, .endpoints = self->endpoints, .fixed = !self->follows};
    self->client = hf_client_new (&options, error);
    if (!self->client) {
        fprintf (stderr, "client %u: %s\n", self->number, error);
        return NULL;
    }
    while (!atomic_load (self->stop))
        s_once (self, false);
    //  The faults are over. One try may still meet their end: a lease that ran out meanwhile.
    for (uint32_t tries = 0; tries < 5 && !self->finished; tries++)
        self->finished = s_once (self, true);
    s_close (self);
    hf_client_destroy (&self->client);
    return NULL;
}

void
hf_test_client_start (hf_test_client_t *self)
{
    int rc = pthread_create (&self->thread, NULL, s_live, self);
    assert (rc == 0);
}
