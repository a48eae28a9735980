//  Makes histories that are true, by playing a service and its clients in memory.

#include "tests/cluster/check/story.h"
#include "base/hf_hash.h"
#include "base/hf_random.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STORY_LOCKS   5
#define STORY_CLIENTS 12

#define TTL_US     1000000
#define MARGIN_US  100000
#define STAGED_MAX 8
#define TEXT_SIZE  64

static const char *const s_locks[STORY_LOCKS] = {"door", "well", "mill", "ford", "kiln"};
const char *const story_files[STORY_FILES] = {"ledger", "diary", "also a diary"};

typedef enum client_state { NO_SESSION, IDLE, WAITING, HOLDING, DYING } client_state_t;

typedef struct staged {
    uint32_t file;
    char text[TEXT_SIZE];
} staged_t;

typedef struct client {
    client_state_t state;
    uint32_t number;
    uint64_t session;
    uint64_t start;       //  of what it does next
    uint64_t at;          //  when that takes effect; UINT64_MAX: it waits
    uint64_t heard;       //  by the service, last
    uint64_t acked_start; //  of the last operation that was answered
    uint32_t lock;
    uint32_t to_write;
    uint64_t old_token;
    hf_record_t grant; //  written down when its end has come
    staged_t staged[STAGED_MAX];
    uint32_t staged_count;
} client_t;

typedef struct lock {
    client_t *holder;
    client_t *queue[STORY_CLIENTS];
    uint32_t waiters;
} lock_t;

typedef struct play {
    story_t *story;
    hf_random_t seed;
    uint64_t index, token, session, lines;
    client_t client[STORY_CLIENTS];
    lock_t lock[STORY_LOCKS];
} play_t;

static uint64_t
s_delay (play_t *self)
{
    return 20 + hf_random_below (&self->seed, 300);
}

static bool
s_chance (play_t *self, uint64_t one_in)
{
    return hf_random_below (&self->seed, one_in) == 0;
}

static void
s_write (play_t *self, const hf_record_t *record)
{
    *hf_array_add (&self->story->records) = *record;
}

/*  The client goes on after END. */
static void
s_schedule (play_t *self, client_t *client, uint64_t end)
{
    client->start = end + s_delay (self);
    client->at = client->start + s_delay (self);
}

/*  What the client does now, answered with OK. */
static hf_record_t
s_record (play_t *self, const client_t *client, const char *op)
{
    return (hf_record_t){.op = op,
                         .client = client->number,
                         .session = client->session,
                         .start_us = client->start,
                         .end_us = client->at + s_delay (self),
                         .status = "OK"};
}

/*  The answer is written down, and the client goes on after it. */
static void
s_answer (play_t *self, client_t *client, const hf_record_t *record)
{
    s_write (self, record);
    s_schedule (self, client, record->end_us);
}

/*  The same about the lock that the client holds or held. */
static hf_record_t
s_lock_record (play_t *self, const client_t *client, const char *op, uint64_t token, uint64_t index)
{
    hf_record_t record = s_record (self, client, op);
    record.lock = s_locks[client->lock];
    record.token = token;
    record.index = index;
    return record;
}

static void
s_acked (client_t *client)
{
    client->heard = client->at;
    client->acked_start = client->start;
}

//  ---- the service --------------------------------------------------------------------

static void
s_granted (play_t *self, client_t *client, uint64_t now)
{
    client->grant.token = ++self->token;
    client->grant.index = self->index;
    client->grant.end_us = now + s_delay (self);
    client->grant.status = "OK";
    client->state = HOLDING;
    client->staged_count = 0;
    client->to_write = (uint32_t)hf_random_below (&self->seed, STAGED_MAX);
    client->heard = client->acked_start = now; //  keepalives, which are not written down
    self->lock[client->lock].holder = client;
    s_schedule (self, client, client->grant.end_us);
}

static void
s_leave (lock_t *lock, uint32_t place)
{
    lock->waiters--;
    memmove (lock->queue + place, lock->queue + place + 1,
             (lock->waiters - place) * sizeof *lock->queue);
}

static void
s_hand_on (play_t *self, uint32_t number, uint64_t now)
{
    lock_t *lock = &self->lock[number];
    lock->holder = NULL;
    if (lock->waiters == 0)
        return;
    client_t *next = lock->queue[0];
    s_leave (lock, 0);
    s_granted (self, next, now);
}

static void
s_commit (play_t *self, const client_t *client)
{
    for (uint32_t i = 0; i < client->staged_count; i++) {
        for (const char *at = client->staged[i].text; *at; at++)
            *hf_array_add (&self->story->file[client->staged[i].file]) = *at;
    }
}

//  ---- what clients do ------------------------------------------------------------------

static void
s_open (play_t *self, client_t *client)
{
    self->index++;
    client->session = ++self->session;
    hf_record_t record = s_record (self, client, "open");
    record.ttl_ms = TTL_US / 1000;
    s_acked (client);
    client->state = IDLE;
    s_answer (self, client, &record);
}

static void
s_close (play_t *self, client_t *client)
{
    self->index++;
    hf_record_t record = s_record (self, client, "close");
    client->state = NO_SESSION;
    s_answer (self, client, &record);
}

static void
s_read (play_t *self, client_t *client)
{
    uint32_t number = (uint32_t)hf_random_below (&self->seed, STORY_FILES);
    const char *bytes = self->story->file[number].list;
    hf_record_t record = s_record (self, client, "read");
    record.session = 0;
    record.file = story_files[number];
    record.index = self->index;
    record.total = self->story->file[number].count;
    record.size = record.total < 200 ? record.total : 200;
    record.offset = record.total - record.size;
    record.hash = hf_fnv (HF_FNV_EMPTY, bytes + record.offset, record.size);
    s_answer (self, client, &record);
}

static void
s_acquire (play_t *self, client_t *client)
{
    self->index++;
    client->lock = (uint32_t)hf_random_below (&self->seed, STORY_LOCKS);
    lock_t *lock = &self->lock[client->lock];
    client->grant = s_record (self, client, "acquire");
    client->grant.lock = s_locks[client->lock];
    client->grant.index = self->index;
    s_acked (client);
    if (!lock->holder)
        s_granted (self, client, client->at);
    else if (s_chance (self, 8)) {
        client->grant.status = "NOT_GRANTED";
        s_answer (self, client, &client->grant);
    } else {
        lock->queue[lock->waiters++] = client;
        client->grant.queued_index = self->index;
        client->grant.queued_us = client->grant.end_us;
        client->state = WAITING;
        client->at = s_chance (self, 20)
                         ? client->grant.end_us + hf_random_below (&self->seed, 5000)
                         : UINT64_MAX;
    }
}

static void
s_give_up (play_t *self, client_t *client)
{
    self->index++;
    lock_t *lock = &self->lock[client->lock];
    uint32_t place = 0;
    while (lock->queue[place] != client)
        place++;
    s_leave (lock, place);
    client->grant.status = "TIMEOUT";
    client->grant.index = 0;
    client->grant.end_us = client->at + s_delay (self);
    client->state = IDLE;
    s_answer (self, client, &client->grant);
}

static void
s_append (play_t *self, client_t *client)
{
    staged_t *staged = &client->staged[client->staged_count];
    staged->file = (uint32_t)hf_random_below (&self->seed, STORY_FILES);
    snprintf (staged->text, sizeof staged->text, "line %" PRIu64 " of client %u\n", ++self->lines,
              client->number);
    hf_record_t record = s_lock_record (self, client, "append", client->grant.token, 0);
    record.file = story_files[staged->file];
    record.size = strlen (staged->text);
    record.hash = hf_fnv (HF_FNV_EMPTY, staged->text, record.size);
    bool unknown = s_chance (self, 60);
    if (unknown)
        record.status = "TIMEOUT";
    if (!unknown || s_chance (self, 2)) {
        uint64_t index = ++self->index;
        record.index = unknown ? 0 : index;
        client->staged_count++;
        client->heard = client->at;
        client->acked_start = unknown ? client->acked_start : client->start;
    }
    client->to_write--;
    s_answer (self, client, &record);
}

static void
s_late_release (play_t *self, client_t *client)
{
    hf_record_t record = s_lock_record (self, client, "release", client->old_token, ++self->index);
    record.status = "NOT_HOLDER";
    client->old_token = 0;
    s_acked (client);
    s_answer (self, client, &record);
}

static void
s_end (play_t *self, client_t *client, bool cancel)
{
    client->old_token = client->grant.token;
    hf_record_t record = s_lock_record (self, client, cancel ? "cancel" : "release",
                                        client->old_token, ++self->index);
    client->grant.until_us = client->start;
    s_acked (client);
    s_write (self, &client->grant);
    s_write (self, &record);
    if (!cancel)
        s_commit (self, client);
    client->state = IDLE;
    s_hand_on (self, client->lock, client->at);
    s_schedule (self, client, record.end_us);
}

/*  No answer comes any more: to a release, perhaps, that took effect or did not. */
static void
s_die (play_t *self, client_t *client, bool releasing)
{
    uint64_t deadline = client->acked_start + TTL_US - MARGIN_US;
    client->grant.until_us = releasing ? client->start : deadline;
    s_write (self, &client->grant);
    bool applied = releasing && s_chance (self, 2);
    if (releasing) {
        hf_record_t record = s_lock_record (self, client, "release", client->grant.token, 0);
        record.end_us = s_chance (self, 2) ? 0 : deadline;
        record.status = record.end_us ? "UNDECIDED" : NULL;
        s_write (self, &record);
    }
    hf_record_t ended = {
        .op = "ended", .client = client->number, .session = client->session, .start_us = deadline};
    s_write (self, &ended);
    if (applied) {
        self->index++;
        client->heard = client->at;
        s_commit (self, client);
        s_hand_on (self, client->lock, client->at);
    }
    client->state = DYING;
    client->at = client->heard + TTL_US + s_delay (self);
}

static void
s_expire (play_t *self, client_t *client)
{
    self->index++;
    uint64_t now = client->at;
    if (self->lock[client->lock].holder == client)
        s_hand_on (self, client->lock, now);
    client->state = NO_SESSION;
    client->old_token = 0;
    s_schedule (self, client, now);
}

static void
s_hold (play_t *self, client_t *client)
{
    if (s_chance (self, 300))
        s_die (self, client, false);
    else if (client->to_write > 0)
        s_append (self, client);
    else if (client->old_token && s_chance (self, 50))
        s_late_release (self, client);
    else if (s_chance (self, 100))
        s_die (self, client, true);
    else
        s_end (self, client, s_chance (self, 12));
}

static void
s_act (play_t *self, client_t *client)
{
    if (client->state == NO_SESSION)
        s_open (self, client);
    else if (client->state == WAITING)
        s_give_up (self, client);
    else if (client->state == HOLDING)
        s_hold (self, client);
    else if (client->state == DYING)
        s_expire (self, client);
    else if (s_chance (self, 6))
        s_read (self, client);
    else if (s_chance (self, 100))
        s_close (self, client);
    else
        s_acquire (self, client);
}

void
story_play (story_t *self, uint64_t seed, size_t operations)
{
    *self = (story_t){0};
    play_t *play = hf_alloc (sizeof *play);
    play->story = self;
    play->seed = (hf_random_t){seed};
    for (uint32_t i = 0; i < STORY_FILES; i++)
        hf_array_reserve (&self->file[i], 1);
    for (uint32_t i = 0; i < STORY_CLIENTS; i++) {
        play->client[i].number = i + 1;
        s_schedule (play, &play->client[i], 1000000);
    }
    while (self->records.count < operations) {
        client_t *first = &play->client[0];
        for (uint32_t i = 1; i < STORY_CLIENTS; i++) {
            if (play->client[i].at < first->at)
                first = &play->client[i];
        }
        assert (first->at != UINT64_MAX);
        s_act (play, first);
    }
    //  Grants whose end was not reached.
    for (uint32_t i = 0; i < STORY_CLIENTS; i++) {
        if (play->client[i].state == HOLDING)
            s_write (play, &play->client[i].grant);
    }
    free (play);
}

void
story_done (story_t *self)
{
    for (uint32_t i = 0; i < STORY_FILES; i++)
        hf_array_free (&self->file[i]);
    hf_array_free (&self->records);
}
