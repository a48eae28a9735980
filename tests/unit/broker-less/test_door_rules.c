//  What the door decides. Built twice: against the rules, where every check holds, and against the
//  rules with deliberate mistakes (HF_MUTANTS), where some check catches each.

#include "tests/kit/hf_test.h"
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "broker-less/hf_door_rules.h"
#include "broker-less/hf_inflow.h"

/*  Each limit that a node can start with leaves room for clients, peers and its own files. */
static bool
s_files_are_divided (void)
{
    hf_door_plan_t plan;
    for (uint32_t nodes = 1; nodes <= 7; nodes++) {
        hf_door_plan (0, nodes, &plan);
        uint32_t least = plan.least;
        if (least > 128 || hf_door_plan (least - 1, nodes, &plan))
            return false;
        for (uint64_t files = least; files < 100000; files += files / 3) {
            if (!hf_door_plan (files, nodes, &plan) || plan.clients < 16 ||
                plan.clients > HF_CONNECTIONS_MAX || plan.clients >= plan.clients_top ||
                plan.clients_top + 4 * (nodes - 1) > plan.peers_top ||
                plan.peers_top + 32 > files || plan.clients_top - plan.clients < 48)
                return false;
        }
        //  More than what is of use changes nothing.
        if (!hf_door_plan (UINT64_MAX, nodes, &plan) || plan.clients != HF_CONNECTIONS_MAX)
            return false;
    }
    return hf_door_fits (0, 1) && !hf_door_fits (1, 1) && !hf_door_fits (-1, 1);
}

/*  Nothing is free, and all clients together stay below the room: whatever sizes they ask for. */
static bool
s_bytes_are_bounded (void)
{
    static const size_t sizes[] = {1, 100, 4000, 4096, 5000, 1U << 20, 4U << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t owed[90] = {0}, all = 0;
        bool more = true;
        for (uint32_t turn = 0; more && turn < 4000000; turn++) {
            more = false;
            for (size_t client = 0; client < 90; client++) {
                if (!hf_door_admits (owed[client], all))
                    continue;
                size_t cost = hf_door_cost (sizes[i]);
                if (cost < sizes[i] + 64) //  libzmq's message itself takes 64
                    return false;
                owed[client] += cost;
                all += cost;
                more = true;
                if (owed[client] > HF_DOOR_CLIENT_BYTES + cost)
                    return false;
            }
        }
        if (all > HF_DOOR_ALL_BYTES + HF_DOOR_SPARE_BYTES + (8U << 20))
            return false;
    }
    return true;
}

/*  A client that reads is served when all the room is taken by others; not without bounds. */
static bool
s_readers_are_served (void)
{
    return hf_door_admits (0, HF_DOOR_ALL_BYTES + 1) &&
           hf_door_admits (HF_DOOR_SMALL_BYTES - 1, HF_DOOR_ALL_BYTES + 1) &&
           !hf_door_admits (HF_DOOR_SMALL_BYTES, HF_DOOR_ALL_BYTES + 1) &&
           hf_door_admits (HF_DOOR_CLIENT_BYTES - 1, HF_DOOR_ALL_BYTES - 1) &&
           !hf_door_admits (HF_DOOR_CLIENT_BYTES, HF_DOOR_CLIENT_BYTES) &&
           !hf_door_admits (0, HF_DOOR_ALL_BYTES + HF_DOOR_SPARE_BYTES);
}

/*  As many sessions as one client can have may all be granted a lock at once, of the longest name.
 */
static bool
s_answers_at_once_fit (void)
{
    size_t owed = 0;
    for (uint32_t i = 0; i < 50000; i++) {
        if (!hf_door_admits (owed, owed))
            return false;
        owed += hf_door_cost (255 + 45);
    }
    return true;
}

static bool
s_who_is_cut_off (void)
{
    return hf_door_cuts (1, 1, HF_DOOR_STALL_US) && !hf_door_cuts (1, 1, HF_DOOR_STALL_US - 1) &&
           !hf_door_cuts (0, HF_DOOR_ALL_BYTES, HF_DOOR_STALL_US) &&
           hf_door_cuts (1, HF_DOOR_ALL_BYTES / 2, HF_DOOR_HURRY_US) &&
           !hf_door_cuts (1, HF_DOOR_ALL_BYTES / 2, HF_DOOR_HURRY_US - 1) &&
           !hf_door_cuts (1, HF_DOOR_ALL_BYTES / 2 - 1, HF_DOOR_HURRY_US);
}

/*  A client that reads is looked at twenty times a second, by an idle node once: all of that
 * counts. Then the node stands still. */
static bool
s_stalls_cut_nobody_off (void)
{
    uint64_t counts_us = hf_door_watched_us (30000000) + 2 * hf_door_watched_us (50000);
    return hf_door_watched_us (50000) == 50000 && hf_door_watched_us (1000000) == 1000000 &&
           !hf_door_cuts (1, HF_DOOR_ALL_BYTES, counts_us);
}

//  ---- what comes in ------------------------------------------------------------------

static const uint8_t s_greeting[64] = {0xff, [9] = 0x7f, [10] = 3};

/*  A frame's head at *at; gives how much it takes. */
static size_t
s_head (uint8_t *at, unsigned flags, uint64_t size)
{
    at[0] = (uint8_t)(size > 255 ? flags | 2 : flags);
    if (size <= 255) {
        at[1] = (uint8_t)size;
        return 2;
    }
    for (unsigned i = 0; i < 8; i++)
        at[1 + i] = (uint8_t)(size >> 8 * (7 - i));
    return 9;
}

/*  However the stream is cut into pieces, the messages in it cost the same; commands nothing. */
static bool
s_messages_are_counted (void)
{
    static const struct {
        unsigned flags;
        size_t size;
    } frames[] = {{4, 30}, {0, 0}, {0, 1}, {1, 0}, {0, 200}, {4, 9}, {0, 300}, {1, 256}, {0, 255}};
    static uint8_t bytes[4096];
    size_t size = sizeof s_greeting, cost = 0;
    memcpy (bytes, s_greeting, sizeof s_greeting);
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        size += s_head (bytes + size, frames[i].flags, frames[i].size) + frames[i].size;
        cost += frames[i].flags & 4 ? 0 : hf_inflow_cost (frames[i].size);
    }
    for (uint64_t seed = 0; seed < 200; seed++) {
        hf_random_t random = {.state = seed};
        hf_inflow_t flow = {.left = 0};
        size_t ended = 0;
        for (size_t at = 0, part; at < size; at += part) {
            part = seed == 0 ? 1 : 1 + hf_random_below (&random, 400);
            part = part < size - at ? part : size - at;
            if (!hf_inflow_take (&flow, bytes + at, part, &ended))
                return false;
        }
        if (ended != cost || flow.unended != 0 || flow.since_us != 0)
            return false;
    }
    return true;
}

/*  What is no ZMTP 3, or has no end. */
static bool
s_hostile_streams_are_cut (void)
{
    size_t ended = 0;
    uint8_t bytes[128];
    memcpy (bytes, s_greeting, sizeof s_greeting);
    for (unsigned i = 0; i < 3; i++) {
        static const size_t at[] = {0, 9, 10};
        bytes[at[i]] = 1;
        if (hf_inflow_take (&(hf_inflow_t){.left = 0}, bytes, 64, &ended))
            return false;
        bytes[at[i]] = s_greeting[at[i]];
    }
    for (unsigned i = 0; i < 3; i++) { //  parts of nothing, of something; one that is too large
        hf_inflow_t flow = {.left = 0};
        bool good = hf_inflow_take (&flow, bytes, 64, &ended);
        size_t size = s_head (bytes + 64, i < 2, i == 0 ? 0 : i == 1 ? 50 : UINT64_MAX);
        uint64_t parts = 0;
        for (; good && parts < 1000000; parts++)
            good = hf_inflow_take (&flow, bytes + 64, i == 1 ? size + 50 : size, &ended);
        if (good || flow.unended > HF_INFLOW_MESSAGE_BYTES + 256 || (i == 2) != (parts == 1))
            return false;
    }
    return ended == 0;
}

/*  Whether a connection that sends these commands behind its greeting is kept, in one piece and
 * byte by byte. */
static bool
s_kept (const char *first, size_t first_size, const char *second)
{
    uint8_t bytes[512];
    size_t size = sizeof s_greeting, ended = 0, second_size = strlen (second);
    memcpy (bytes, s_greeting, size);
    size += s_head (bytes + size, 4, first_size);
    memcpy (bytes + size, first, first_size);
    size += first_size;
    size += s_head (bytes + size, 4, second_size);
    memcpy (bytes + size, second, second_size);
    size += second_size;
    bool whole = hf_inflow_take (&(hf_inflow_t){.left = 0}, bytes, size, &ended);
    hf_inflow_t flow = {.left = 0};
    bool parts = true;
    for (size_t i = 0; i < size && parts; i++)
        parts = hf_inflow_take (&flow, bytes + i, 1, &ended);
    return whole && parts && ended == 0;
}

/*  What libzmq would take without handing it out, or without its being counted. */
static bool
s_commands_are_looked_at (void)
{
#define KEPT(first, second) s_kept (first, sizeof (first) - 1, second)
#define READY               "\5READY\x0bSocket-Type\0\0\0\6DEALER"
    char endless[256] = READY;
    memset (endless + sizeof READY - 1, 200, sizeof endless - sizeof READY);
    hf_inflow_t flow = {.left = 0};
    size_t ended = 0, size = sizeof s_greeting;
    uint8_t bytes[128];
    memcpy (bytes, s_greeting, size);
    size += s_head (bytes + size, 0, 7); //  libzmq does not look at the flags
    memcpy (bytes + size, "\5READY\0", 7);
    bool first = hf_inflow_take (&flow, bytes, size + 7, &ended) && ended == 0 &&
                 flow.unended == 0 && flow.let_in;
    size = s_head (bytes, 4, 256);
    return first && !hf_inflow_take (&flow, bytes, size, &ended) && KEPT (READY, "\4PING") &&
           KEPT (READY "\x08Identity\0\0\0\0", "\4PONG") &&
           !KEPT (READY "\x08Identity\0\0\0\4same", "\4PING") &&
           !KEPT ("\5READY\x08Identity\0\0\0\1x\x0bSocket-Type\0\0\0\6DEALER", "") &&
           KEPT (READY "\x08Identi", "") && s_kept (endless, 255, "") &&
           !KEPT (READY, "\x09SUBSCRIBEx") && !KEPT (READY, "\6CANCELx");
#undef KEPT
#undef READY
}

/*  The stream of a connection with CURVE: a HELLO, an INITIATE of SIZE bytes, and a frame with
 * FLAGS of 1,000 bytes after that. Whether it is kept; ENDED: as hf_inflow_take. */
static bool
s_secret (size_t initiate, unsigned flags, size_t *ended)
{
    static uint8_t bytes[8192];
    memset (bytes, 7, sizeof bytes);
    memcpy (bytes, s_greeting, sizeof s_greeting);
    memcpy (bytes + 12, "CURVE", 5);
    size_t size = sizeof s_greeting;
    size += s_head (bytes + size, 4, 200) + 200;
    size += s_head (bytes + size, 4, initiate) + initiate;
    size += s_head (bytes + size, flags, 1000) + 1000;
    *ended = 0;
    bool whole = hf_inflow_take (&(hf_inflow_t){.left = 0}, bytes, size, ended);
    size_t again = 0;
    hf_inflow_t flow = {.left = 0};
    bool parts = true;
    for (size_t i = 0; i < size && parts; i++)
        parts = hf_inflow_take (&flow, bytes + i, 1, &again) && flow.let_in == (i + 1 == size);
    return whole && parts && again == *ended && flow.curve;
}

/*  Whatever is in them, frames after the handshake count, and there is no command in the open. Who
 *  has said all of its handshake is let in with the frame that follows, not before. */
static bool
s_secret_streams_are_counted (void)
{
    size_t ended;
    return s_secret (284, 0, &ended) && ended == hf_inflow_cost (1000) &&
           s_secret (HF_INFLOW_SECRET_BYTES, 0, &ended) &&
           !s_secret (HF_INFLOW_SECRET_BYTES + 1, 0, &ended) && !s_secret (284, 4, &ended);
}

static bool
s_who_waits (void)
{
    hf_inflow_t small = {.unended = 100}, late = {.unended = 1, .since_us = 5};
    hf_inflow_t large = {.unended = 64U << 10, .since_us = 5};
    const size_t one = HF_INFLOW_CLIENT_BYTES, all = HF_INFLOW_ALL_BYTES;
    const size_t room = HF_INFLOW_UNENDED_BYTES;
    const uint64_t end_us = 5 + HF_INFLOW_LATE_US;
    return hf_inflow_next (&small, one - 1, all - 1, room, 0) == HF_INFLOW_READ &&
           hf_inflow_next (&small, one, one, 0, 0) == HF_INFLOW_WAIT &&
           hf_inflow_next (&small, HF_INFLOW_SMALL_BYTES, all, 0, 0) == HF_INFLOW_WAIT &&
           hf_inflow_next (&small, HF_INFLOW_SMALL_BYTES - 1, all, 0, 0) == HF_INFLOW_READ &&
           hf_inflow_next (&small, 0, all + HF_INFLOW_SPARE_BYTES, 0, 0) == HF_INFLOW_WAIT &&
           hf_inflow_next (&large, 0, 0, room - 1, end_us - 1) == HF_INFLOW_READ &&
           hf_inflow_next (&large, 0, 0, room, end_us - 1) == HF_INFLOW_WAIT &&
           hf_inflow_next (&late, 0, 0, room / 2 + 1, end_us - 1) == HF_INFLOW_READ &&
           hf_inflow_next (&late, 0, 0, room / 2 + 1, end_us) == HF_INFLOW_CUT &&
           hf_inflow_next (&late, 0, 0, room / 2, end_us) == HF_INFLOW_READ &&
           hf_inflow_next (&small, 0, 0, room, UINT64_MAX) == HF_INFLOW_READ;
}

static bool
s_users_are_bounded (void)
{
    return !hf_door_crowded (2, 3) && hf_door_crowded (3, 3) && hf_door_crowded (4, 3) &&
           !hf_door_crowded (1000000, 0);
}

static bool
s_all_hold (void)
{
    return s_users_are_bounded () && s_files_are_divided () && s_bytes_are_bounded () &&
           s_readers_are_served () && s_answers_at_once_fit () && s_who_is_cut_off () &&
           s_messages_are_counted () && s_hostile_streams_are_cut () &&
           s_commands_are_looked_at () && s_secret_streams_are_counted () && s_who_waits () &&
           s_stalls_cut_nobody_off ();
}

#ifdef HF_MUTANTS
int hf_mutant = HF_MUTANT_none;

HF_TEST (test_each_mutant_is_caught)
{
    static const int mutants[] = {
        HF_MUTANT_no_spare_files,   HF_MUTANT_small_uncounted,   HF_MUTANT_no_room_for_others,
        HF_MUTANT_non_reader_kept,  HF_MUTANT_reads_without_end, HF_MUTANT_endless_kept,
        HF_MUTANT_senders_take_all, HF_MUTANT_few_answers,       HF_MUTANT_any_command,
        HF_MUTANT_stall_counts,     HF_MUTANT_user_connects_all, HF_MUTANT_halves_left_early};
    for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
        hf_mutant = mutants[i];
        assert_false (s_all_hold ());
    }
    hf_mutant = HF_MUTANT_none;
    assert_true (s_all_hold ());
}
#else
HF_TEST (test_rules)
{
    assert_true (s_files_are_divided ());
    assert_true (s_bytes_are_bounded ());
    assert_true (s_readers_are_served ());
    assert_true (s_answers_at_once_fit ());
    assert_true (s_who_is_cut_off ());
    assert_true (s_stalls_cut_nobody_off ());
    assert_true (s_messages_are_counted ());
    assert_true (s_hostile_streams_are_cut ());
    assert_true (s_commands_are_looked_at ());
    assert_true (s_secret_streams_are_counted ());
    assert_true (s_who_waits ());
    assert_true (s_users_are_bounded ());
    assert_true (s_all_hold ());
}
#endif

HF_TEST_MAIN (NULL, NULL)
