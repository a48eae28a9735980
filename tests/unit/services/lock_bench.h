/*  lock_bench.h - a lock service on the bench: the clock, the other actors and the clients are
 *  played here, in virtual time.
 *
 *  What the service proposes is committed, barriers pass, facts are given and what goes to the
 * files is durable, all in the next turn, unless the test stops that.
 */
#ifndef LOCK_BENCH_H_INCLUDED
#define LOCK_BENCH_H_INCLUDED

#include "base/hf_array.h"
#include "nodes/services/hf_lock_service.h"
#include "tests/kit/hf_test.h"

#define MS     1000ULL
#define SECOND 1000000ULL
#define TERM   3

typedef struct bench_frame {
    uint32_t route, kind;
    uint8_t *bytes;
    size_t size;
} bench_frame_t;

typedef struct bench {
    hf_lock_service_t *service;
    uint64_t now_us;
    uint64_t index; //  of the log that is played
    uint64_t term;
    bool in_turn;

    //  What does not happen for now.
    bool no_commits, no_barriers, no_files, no_rows;
    bool no_time;      //  for hf_lock_service_more
    bool late_commits; //  until bench_commit_late

    HF_ARRAY (bench_frame_t) frames; //  to clients, not looked at yet
    HF_ARRAY (bench_frame_t) said;   //  by other actors, for the next turn
    HF_ARRAY (bench_frame_t) late;   //  COMMITTED, while commits are late
    uint64_t late_entries;           //  of them
    HF_ARRAY (uint32_t) asked;       //  kinds of messages to the other actors, in order
    hf_pack_t pack;                  //  pack a client's frame here

    uint32_t user_of[8]; //  of a client's number
    char log[16384];     //  lines that the service said, each with a newline; those that fit

    //  What the service asked for so far.
    unsigned proposals, entries, commands, expiries, barriers, queries, credits, steps;
    bool watched;            //  as last told
    uint64_t barrier, query; //  the last of each
    uint64_t section;        //  the last that the files were given
    hf_a_rows_t rows;        //  the last step, without its rows
    uint64_t started, credited;
    hf_a_snapshot_t snapshot;   //  without its bytes
    hf_a_change_t change;       //  the last, without its host ...
    char host[HF_HOST_MAX + 1]; //  ... which is here
    unsigned changes;
} bench_t;

/*  BENCH_TEST (name, bench) { ... } is a test on BENCH, whose service leads. BENCH_TEST_WITH: it
 *  leads or not, and these fields of its configuration are set. */
#define BENCH_TEST(name, bench) BENCH_TEST_WITH (name, bench, true, .self = 1)
#define BENCH_TEST_WITH(name, bench, leads, ...)                                                   \
    static void name##_on (bench_t *bench);                                                        \
    HF_TEST (name)                                                                                 \
    {                                                                                              \
        bench_t on;                                                                                \
        bench_init (&on, (hf_lock_config_t){__VA_ARGS__}, leads);                                  \
        name##_on (&on);                                                                           \
        bench_done (&on);                                                                          \
    }                                                                                              \
    static void name##_on (bench_t *bench)

/*  A service that leads, at 1,000 s; or one that follows nobody, without LEADS. */
void bench_init (bench_t *self, hf_lock_config_t config, bool leads);
void bench_done (bench_t *self);

/*  What another actor answers to a message of the service goes to self->said. */
void bench_asked (bench_t *self, hf_scan_t *scan, uint32_t kind);

/*  A message of another actor: what was packed into self->pack. Begins a turn. */
void bench_begin (bench_t *self);
void bench_say (bench_t *self);
void bench_lead (bench_t *self, uint64_t term, uint64_t index);
void bench_follow (bench_t *self, uint64_t term, uint32_t leader);
void bench_commit_late (bench_t *self);
/*  The barrier that was asked for last passes now, in the next turn. */
void bench_pass (bench_t *self, uint64_t index);

/*  The members by another roster. */
void bench_roster (bench_t *self, const hf_roster_t *roster, uint64_t index);

/*  What the client of this number, of 1 to 7, says is said by the user of that NUMBER from now on.
 */
void bench_user (bench_t *self, uint32_t route, uint32_t number);

/*  The client of this number; the HTTP port. */
#define BENCH_HTTP 0xffff
hf_route_t bench_route (uint32_t number);
/*  A client's frame, from self->pack, now. Begins a turn. */
void bench_send (bench_t *self, uint32_t route);
/*  End the turn, and begin and end others until nothing is left to be said. */
void bench_turn (bench_t *self, bool drained);
void bench_settle (bench_t *self);

/*  The next frame that ROUTE got, which must be of KIND; valid until the next call. When inputs
 *  wait, what follows from them is settled first. */
hf_scan_t bench_take (bench_t *self, uint32_t route, uint32_t kind);
/*  Its kind; 0: none waits. */
uint32_t bench_kind (const bench_t *self, uint32_t route);
void bench_drop_frames (bench_t *self);

//  ---- what clients do ----------------------------------------------------------------

uint64_t bench_open (bench_t *self, uint32_t route, uint8_t mark, uint32_t ttl_ms);
/*  A session of client 1 that has so many places that its KEPT fills a frame. */
uint64_t bench_open_fat (bench_t *self);
void bench_keepalive (bench_t *self, uint32_t route, uint64_t session, uint64_t echo);
/*  OPEN, with a nonce of MARK, without waiting for its answer. */
void bench_send_open (bench_t *self, uint32_t route, uint8_t mark, uint32_t ttl_ms);
void bench_close (bench_t *self, uint32_t route, uint64_t session, uint64_t echo);
void bench_acquire (bench_t *self, uint32_t route, uint64_t session, uint64_t seq,
                    const char *lock);
/*  APPEND of BYTES to "file" under "L", with TOKEN; OWNER 0: the session's own. */
void bench_append (bench_t *self, uint32_t route, uint64_t session, uint64_t seq, uint64_t token,
                   uint64_t owner, size_t bytes);
void bench_release (bench_t *self, uint32_t route, uint64_t session, uint64_t seq, const char *lock,
                    uint64_t token);
void bench_query (bench_t *self, uint32_t route, uint64_t id, uint32_t what, const char *name);

/*  Frames that must have come: the one record in ANSWERS, and others. */
hf_answer_t bench_answer (bench_t *self, uint32_t route);
hf_moved_t bench_moved (bench_t *self, uint32_t route);
hf_granted_t bench_granted (bench_t *self, uint32_t route);
hf_answers_t bench_answers (bench_t *self, uint32_t route);
hf_opened_t bench_opened (bench_t *self, uint32_t route);
/*  ALIVE of one session. */
hf_kept_t bench_alive (bench_t *self, uint32_t route);
hf_closed_t bench_closed (bench_t *self, uint32_t route);
hf_refused_t bench_refused (bench_t *self, uint32_t route);
hf_query_result_t bench_result (bench_t *self, uint32_t route);

#endif
