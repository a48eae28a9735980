/*  hf_msg.h - every message of the system, in one table.
 *
 *  A record is a msgpack array: its kind, then its fields in the order of the
 *  table. Kinds are explicit and never reused. Fields may be added at the end
 *  in a later version; a reader steps over more fields than it knows.
 *
 *  A frame is what travels as one ZeroMQ message part: the array
 *  [version, record]; or it is packed, [version, record, record, ...], with several REQUESTS or
 *  several ANSWERS. docs/protocol.md tells clients what each message means.
 *
 *  For each row of the table there are
 *      hf_NAME_t                                   the fields as a struct
 *      void hf_NAME_put (pack, &message)           write the record
 *      bool hf_NAME_get (scan, &message)           read it; false: malformed
 *      void hf_NAME_frame (pack, &message)         write the whole frame
 *  Spans and lists in a struct that was read point into the bytes read.
 */
#ifndef HF_MSG_H_INCLUDED
#define HF_MSG_H_INCLUDED

#include "msgs/hf_limits.h"
#include "msgs/hf_status.h"
#include "msgs/hf_wire.h"
#include <assert.h>

//  ---- fields: F (type, name) --------------------------------------------------

//  Client to node. SESSION 0 means none.
#define HF_FIELDS_open(F)                                                                          \
    F (bin, nonce) F (u32, ttl_ms) F (str, label) F (flag, detect) F (u32, delay_ms)
#define HF_FIELDS_keepalive(F) F (u64, echo) F (list, sessions)
#define HF_FIELDS_requests(F)  F (u64, session) F (u64, floor) F (list, requests)
//  BY: who asks to end a session of somebody else, for the audit.
#define HF_FIELDS_close(F) F (u64, session) F (u64, echo) F (str, by)
#define HF_FIELDS_query(F)                                                                         \
    F (u64, id)                                                                                    \
    F (u32, what) F (str, name) F (u64, offset) F (u32, limit) F (flag, stale) F (u64, number)

//  What happens to locks or files whose names begin with PREFIX, after number AFTER (2^64 - 1: from
//  now on), as long as it is not more than ROOM bytes; 0: no more.
#define HF_FIELDS_watch_request(F)                                                                 \
    F (u64, id) F (u32, what) F (str, prefix) F (u64, after) F (u32, room)
//  A change of the members (hf_change_op_t). ID: random, the same in every repetition. BY: who
//  asks, for the audit.
#define HF_FIELDS_change_request(F)                                                                \
    F (u64, id)                                                                                    \
    F (u32, op)                                                                                    \
    F (u32, node)                                                                                  \
    F (str, host)                                                                                  \
    F (u32, client_port)                                                                           \
    F (u32, node_port) F (flag, learns) F (flag, force) F (u32, level) F (str, by)

//  Node to client. ROSTER: the index of the roster in force; 0: the members do not change. CLUSTER:
//  the id of the cluster, with the members; 0: it has none. PACKS: the node takes packed frames.
#define HF_FIELDS_opened(F)                                                                        \
    F (bin, nonce)                                                                                 \
    F (u32, status) F (u64, session) F (u32, ttl_ms) F (u64, roster) F (str, text) F (flag, packs)
#define HF_FIELDS_alive(F)   F (u64, echo) F (list, sessions) F (u64, roster) F (flag, packs)
#define HF_FIELDS_answers(F) F (u64, session) F (list, items)
//  TEXT, in CLOSED_REPLY and EVENTS: of DENIED, why; in OPENED: of LIMIT, which, and what to do.
//  INDEX: of the command that ended the session; 0: none did.
#define HF_FIELDS_closed(F)                                                                        \
    F (u64, session) F (u64, echo) F (u32, status) F (str, text) F (u64, index)
#define HF_FIELDS_query_result(F)                                                                  \
    F (u64, id)                                                                                    \
    F (u32, status)                                                                                \
    F (u64, index)                                                                                 \
    F (u64, total) F (flag, more) F (list, rows) F (bin, data) F (u64, number) F (u64, cluster)
//  All that happened after number AFTER up to UPTO and was asked for; INDEX: as of this command.
#define HF_FIELDS_events(F)                                                                        \
    F (u64, id)                                                                                    \
    F (u32, status) F (u64, after) F (u64, upto) F (u64, index) F (list, events) F (str, text)
#define HF_FIELDS_refused(F) F (u32, status) F (str, text) F (u32, leader) F (u64, term)

//  Requests in REQUESTS. OWNER: the session that holds the lock, 0 for the one that asks.
#define HF_FIELDS_acquire(F) F (u64, seq) F (str, lock) F (u32, mode) F (flag, wait)
#define HF_FIELDS_claim(F)                                                                         \
    F (u64, seq) F (list, places) F (flag, wait) F (u64, acts_for) F (str, note)
#define HF_FIELDS_release(F) F (u64, seq) F (str, lock) F (u64, token) F (u64, owner)
#define HF_FIELDS_cancel(F)  F (u64, seq) F (str, lock) F (u64, token) F (u64, owner)
#define HF_FIELDS_abandon(F) F (u64, seq) F (str, lock)
#define HF_FIELDS_append(F)                                                                        \
    F (u64, seq) F (str, lock) F (u64, token) F (u64, owner) F (str, file) F (bin, data)

//  Of a hold, by its token; token 0: of what the session itself waits for.
#define HF_FIELDS_note(F) F (u64, seq) F (str, lock) F (u64, token) F (u64, owner) F (str, note)

//  One session in KEEPALIVE, and in ALIVE.
#define HF_FIELDS_keep(F) F (u64, session) F (u64, floor)
#define HF_FIELDS_kept(F) F (u64, session) F (u32, status) F (list, held) F (list, queued)

//  In the list of a CLAIM: what is asked for at one lock. EXCLUSIVE: no units, no limit.
#define HF_FIELDS_place(F) F (str, lock) F (u32, mode) F (u32, units) F (u32, limit)

//  Items in ANSWERS; GRANTED and MOVED also in the lists of KEPT. WAITERS: who waits for what is
//  held, where most do; WANTED says so of a hold that nobody waited for. RING comes behind the
//  ANSWER DEADLOCK to request SEQ, and has RING_ROWs.
#define HF_FIELDS_answer(F)                                                                        \
    F (u64, seq) F (u32, status) F (u64, index) F (u64, token) F (u64, position)
#define HF_FIELDS_granted(F)                                                                       \
    F (str, lock) F (u64, token) F (u64, index) F (u64, waiters) F (u64, replaces)
#define HF_FIELDS_moved(F)  F (str, lock) F (u64, position)
#define HF_FIELDS_wanted(F) F (str, lock) F (u64, token) F (u64, waiters)
//  A hold that session BY ended: its section was committed, or DROPPED.
#define HF_FIELDS_taken(F)                                                                         \
    F (str, lock) F (u64, token) F (u64, index) F (u64, by) F (str, label) F (flag, dropped)
#define HF_FIELDS_ring(F) F (u64, seq) F (list, rows)
//  Behind the ANSWER DENIED to request SEQ: which right is missing for what, in one line for
//  people.
#define HF_FIELDS_denial(F) F (u64, seq) F (str, text)
//  HOLDS: the lock that the one before it waits for; empty: it only waits there, before that one.
#define HF_FIELDS_ring_row(F) F (u64, session) F (str, label) F (str, holds) F (str, waits)

//  What happened to a lock, NUMBER being 1 for the first that ever did: WHAT is an
//  hf_what_happened_t. TOKEN: of a hold; UNITS: of a SHARED place; SIZE: for how many ms what was
//  LOST stays closed; how many bytes were APPENDED to a file.
#define HF_FIELDS_happened(F)                                                                      \
    F (u64, number)                                                                                \
    F (u64, index)                                                                                 \
    F (u32, what)                                                                                  \
    F (str, name)                                                                                  \
    F (u64, session) F (u64, token) F (u32, units) F (u64, size) F (str, label) F (str, note)

//  Rows in RESULT. AGE_MS: at least so long it holds or waits, as the node that answers saw it; it
//  is no part of the state, and other on each node.
#define HF_FIELDS_lock_row(F) F (str, lock) F (u64, holders) F (u64, waiters) F (u32, limit)
#define HF_FIELDS_holder_row(F)                                                                    \
    F (u64, session)                                                                               \
    F (u64, token)                                                                                 \
    F (u32, mode) F (u64, staged) F (u32, units) F (str, label) F (str, note) F (u64, age_ms)
#define HF_FIELDS_waiter_row(F)                                                                    \
    F (u64, session)                                                                               \
    F (u64, position) F (u32, mode) F (u32, units) F (str, label) F (str, note) F (u64, age_ms)
#define HF_FIELDS_session_row(F)                                                                   \
    F (u64, session)                                                                               \
    F (str, label)                                                                                 \
    F (u32, ttl_ms)                                                                                \
    F (u32, delay_ms)                                                                              \
    F (flag, detect) F (flag, gone) F (u64, held) F (u64, queued) F (str, user)
#define HF_FIELDS_file_row(F) F (str, file) F (u64, length) F (u64, checksum) F (u64, xxh64)
#define HF_FIELDS_fact_row(F) F (str, key) F (str, text) F (u64, number)
//  Of a lock that is used a lot: since it came into the list of the busiest.
#define HF_FIELDS_busy_row(F) F (str, lock) F (u64, holds) F (u64, wait_us) F (u64, hold_us)
//  JOINS: it is to vote when it has caught up; LEAVES: it is a member no more in a moment.
#define HF_FIELDS_member_row(F)                                                                    \
    F (u32, node)                                                                                  \
    F (str, host)                                                                                  \
    F (u32, client_port)                                                                           \
    F (u32, node_port)                                                                             \
    F (flag, votes) F (flag, joins) F (flag, leaves) F (u64, incarnation) F (flag, drained)

//  Node to node. TO 0 means everybody. Every one carries the sender's term. INCARNATION is the
//  sender's; CANDIDATE is that of the node whose VOTE_REQUEST the VOTE answers. SYNC_US: how long
//  the sender's disk takes for a sync.
//
//  START: how often the sender's disk was opened, 0: not said; LIFE: a random number of this
//  opening; OPEN_...: its term, whether it had voted in it, and its last entry, as it was opened.
//  MARKS: what members have promised, as far as the leader knows. See hf_core_seen.c.
//
//  In HELLO, CLUSTER: the id of the sender's cluster, 0: not known to it; LIST: empty when it
//  joins.
#define HF_FIELDS_hello(F)                                                                         \
    F (u32, from) F (u64, nonce) F (u64, list_hash) F (str, list) F (list, echoes) F (u64, cluster)
#define HF_FIELDS_echo(F) F (u32, node) F (u64, nonce)
#define HF_FIELDS_heartbeat(F)                                                                     \
    F (u32, from)                                                                                  \
    F (u32, to)                                                                                    \
    F (u64, term)                                                                                  \
    F (u64, round)                                                                                 \
    F (u64, commit) F (u64, last_index) F (u64, last_term) F (u64, keep) F (list, marks)
//  In its list: NODE, with the disk INCARNATION, opened for at least the START-th time, has
//  acknowledged in TERM entries up to INDEX, and if VOTED voted in it.
#define HF_FIELDS_mark(F)                                                                          \
    F (u32, node)                                                                                  \
    F (u64, incarnation)                                                                           \
    F (u64, start) F (u64, life) F (u64, term) F (flag, voted) F (u64, index)
#define HF_FIELDS_entries(F)                                                                       \
    F (u32, from)                                                                                  \
    F (u32, to)                                                                                    \
    F (u64, term) F (u64, commit) F (u64, prev_index) F (u64, prev_term) F (list, entries)
#define HF_FIELDS_LIFE(F)                                                                          \
    F (u64, start) F (u64, life) F (u64, open_term) F (flag, open_voted) F (u64, open_index)
#define HF_FIELDS_ack(F)                                                                           \
    F (u32, from)                                                                                  \
    F (u32, to)                                                                                    \
    F (u64, term)                                                                                  \
    F (u64, index)                                                                                 \
    F (u64, round)                                                                                 \
    F (u32, hears)                                                                                 \
    F (u64, incarnation) F (u32, sync_us) F (u32, speaks) HF_FIELDS_LIFE (F)
#define HF_FIELDS_need(F)                                                                          \
    F (u32, from) F (u32, to) F (u64, term) F (u64, probe_index) F (u64, probe_term)
#define HF_FIELDS_vote_request(F)                                                                  \
    F (u32, from)                                                                                  \
    F (u32, to)                                                                                    \
    F (u64, term)                                                                                  \
    F (u64, last_index)                                                                            \
    F (u64, last_term) F (flag, pre) F (u64, incarnation) HF_FIELDS_LIFE (F)
#define HF_FIELDS_vote(F)                                                                          \
    F (u32, from)                                                                                  \
    F (u32, to)                                                                                    \
    F (u64, term)                                                                                  \
    F (flag, pre)                                                                                  \
    F (flag, granted)                                                                              \
    F (u64, incarnation) F (u64, candidate) F (u32, speaks) HF_FIELDS_LIFE (F)
//  The node with the disk INCARNATION, in this opening, has an old copy of its folder.
#define HF_FIELDS_old_copy(F)                                                                      \
    F (u32, from)                                                                                  \
    F (u32, to) F (u64, term) F (u64, incarnation) F (u64, start) F (u64, life)
//  The ROSTER entry at INDEX, which is committed and not joint.
#define HF_FIELDS_members(F) F (u32, from) F (u32, to) F (u64, term) F (u64, index) F (bin, roster)
//  ASKED: an operator wants it so, and the new leader keeps the lead.
#define HF_FIELDS_transfer(F)                                                                      \
    F (u32, from) F (u32, to) F (u64, term) F (u64, last_index) F (u64, last_term) F (flag, asked)
#define HF_FIELDS_newer_term(F) F (u32, from) F (u32, to) F (u64, term)

//  State transfer. OFFER: the log of the leader begins at FIRST_INDEX, behind what the node asked
//  from. ASK: PARTs of the stream ID (0: begin one) from OFFSET on. PART: TOTAL is the stream's
//  size; it is the state as of (INDEX, INDEX_TERM).
#define HF_FIELDS_state_offer(F) F (u32, from) F (u32, to) F (u64, term) F (u64, first_index)
#define HF_FIELDS_state_ask(F)                                                                     \
    F (u32, from) F (u32, to) F (u64, term) F (u64, id) F (u64, offset) F (u32, size)
#define HF_FIELDS_state_part(F)                                                                    \
    F (u32, from)                                                                                  \
    F (u32, to)                                                                                    \
    F (u64, term)                                                                                  \
    F (u64, id) F (u64, index) F (u64, index_term) F (u64, total) F (u64, offset) F (bin, data)

//  A member of the cluster, and which disk it has: in the list of a ROSTER entry.
#define HF_FIELDS_member(F) F (u32, node) F (u64, incarnation)
//  A member in a ROSTER entry of version 2. FLAGS: HF_SEAT_... below.
#define HF_FIELDS_seat(F)                                                                          \
    F (u32, node)                                                                                  \
    F (u64, incarnation)                                                                           \
    F (u32, slot) F (u32, flags) F (str, host) F (u32, client_port) F (u32, node_port)

//  Rows of the lock state, as state.db keeps them and as a state stream carries them; a stream's
//  head. PREFIX: (of a change that takes away) every key that begins with KEY.
#define HF_FIELDS_state_row(F)    F (bin, key) F (bin, value)
#define HF_FIELDS_state_change(F) F (flag, gone) F (flag, prefix) F (bin, key) F (bin, value)
#define HF_FIELDS_state_head(F)                                                                    \
    F (u64, index)                                                                                 \
    F (u64, term)                                                                                  \
    F (bin, roster) F (u64, section) F (u64, rows_size) F (u64, rows_sum) F (list, files)

//  An entry of the log, in ENTRIES and between actors. TYPE is an hf_entry_type_t.
#define HF_FIELDS_entry(F) F (u64, term) F (u32, type) F (bin, payload)

//  Commands, in the list of a COMMANDS entry.
#define HF_FIELDS_cmd_open(F)                                                                      \
    F (bin, nonce) F (u32, ttl_ms) F (str, label) F (flag, detect) F (u32, delay_ms)
//  The same of a client with a key, from feature level 1 on: the session belongs to USER.
#define HF_FIELDS_cmd_open_as(F)  HF_FIELDS_cmd_open (F) F (str, user)
#define HF_FIELDS_cmd_close(F)    F (u64, session) F (str, by)
#define HF_FIELDS_cmd_requests(F) F (u64, session) F (u64, floor) F (list, requests)
#define HF_FIELDS_cmd_expire(F)   F (u64, session) F (u64, term)
#define HF_FIELDS_cmd_silence(F)  F (u64, term) F (list, sessions)
#define HF_FIELDS_silence(F)      F (u64, session) F (u32, ran_ms)
//  Alone in its entry, of a cluster that begins with the one disk that is left of another: what
//  that one gave out last is not known. Of tokens, sessions and what happened the next BY are left
//  out.
#define HF_FIELDS_cmd_skip(F) F (u64, by)

//  Between the actors of one node.
#define HF_FIELDS_a_start(F)     F (u64, applied)
#define HF_FIELDS_a_propose(F)   F (list, entries)
#define HF_FIELDS_a_barrier(F)   F (u64, id)
#define HF_FIELDS_a_applied(F)   F (u64, index) F (u64, bytes)
#define HF_FIELDS_a_facts(F)     F (u64, id)
#define HF_FIELDS_a_watched(F)   F (flag, watched)
#define HF_FIELDS_a_committed(F) F (u64, first) F (list, entries)
#define HF_FIELDS_a_leading(F)   F (u64, term) F (u64, index)
#define HF_FIELDS_a_following(F) F (u64, term) F (u32, leader)
#define HF_FIELDS_a_passed(F)    F (u64, id) F (u64, index)
#define HF_FIELDS_a_change(F)    HF_FIELDS_change_request (F)
#define HF_FIELDS_a_verdict(F)   F (u64, id) F (u32, verdict)
#define HF_FIELDS_a_roster(F)    F (u64, index) F (bin, roster)
#define HF_FIELDS_a_told(F)      F (u64, id) F (list, rows)
#define HF_FIELDS_a_section(F)   F (u64, index) F (list, parts)
#define HF_FIELDS_a_sections(F)  F (list, sections)
#define HF_FIELDS_a_part(F)      F (str, file) F (bin, data)
#define HF_FIELDS_a_file_query(F)                                                                  \
    F (u64, id) F (u32, what) F (str, name) F (u64, offset) F (u32, limit) F (u64, number)
//  INDEX and NUMBER: of a backup.
#define HF_FIELDS_a_file_result(F)                                                                 \
    F (u64, id)                                                                                    \
    F (u32, status)                                                                                \
    F (u64, total) F (flag, more) F (list, rows) F (bin, data) F (u64, index) F (u64, number)
#define HF_FIELDS_a_files_durable(F) F (u64, index)
#define HF_FIELDS_a_flushed(F)       F (u64, index)
#define HF_FIELDS_a_needs_state(F)   F (u64, term) F (u32, leader)
//  NODE 0: for a backup.
#define HF_FIELDS_a_want_state(F) F (u32, node)
#define HF_FIELDS_a_snapshot(F)                                                                    \
    F (u32, node)                                                                                  \
    F (u64, index) F (u64, term) F (u64, command) F (u64, section) F (bin, roster)
#define HF_FIELDS_a_rows(F)    F (u64, index) F (u64, section) F (list, changes)
#define HF_FIELDS_a_restart(F) F (u64, index)
//  From main: a file of rights that was read and found good.
#define HF_FIELDS_a_rights(F) F (bin, text)

//  ---- the table: M (KIND, ordinal, name) -------------------------------------

#define HF_MSG_TABLE(M)                                                                            \
    M (OPEN, 1, open)                                                                              \
    M (KEEPALIVE, 2, keepalive)                                                                    \
    M (REQUESTS, 3, requests)                                                                      \
    M (CLOSE, 4, close)                                                                            \
    M (QUERY, 5, query)                                                                            \
    M (WATCH, 6, watch_request)                                                                    \
    M (CHANGE, 7, change_request)                                                                  \
    M (OPENED, 33, opened)                                                                         \
    M (ALIVE, 34, alive)                                                                           \
    M (ANSWERS, 35, answers)                                                                       \
    M (CLOSED_REPLY, 36, closed)                                                                   \
    M (RESULT, 37, query_result)                                                                   \
    M (REFUSED, 38, refused)                                                                       \
    M (EVENTS, 39, events)                                                                         \
    M (ACQUIRE, 64, acquire)                                                                       \
    M (RELEASE, 65, release)                                                                       \
    M (CANCEL, 66, cancel)                                                                         \
    M (ABANDON, 67, abandon)                                                                       \
    M (APPEND, 68, append)                                                                         \
    M (KEEP, 69, keep)                                                                             \
    M (CLAIM, 70, claim)                                                                           \
    M (NOTE, 71, note)                                                                             \
    M (PLACE, 79, place)                                                                           \
    M (ANSWER, 80, answer)                                                                         \
    M (GRANTED, 81, granted)                                                                       \
    M (MOVED, 82, moved)                                                                           \
    M (KEPT, 83, kept)                                                                             \
    M (RING, 84, ring)                                                                             \
    M (RING_ROW, 85, ring_row)                                                                     \
    M (WANTED, 86, wanted)                                                                         \
    M (HAPPENED, 87, happened)                                                                     \
    M (TAKEN, 88, taken)                                                                           \
    M (DENIAL, 89, denial)                                                                         \
    M (LOCK_ROW, 90, lock_row)                                                                     \
    M (WAITER_ROW, 91, waiter_row)                                                                 \
    M (FILE_ROW, 92, file_row)                                                                     \
    M (FACT_ROW, 93, fact_row)                                                                     \
    M (SESSION_ROW, 95, session_row)                                                               \
    M (HOLDER_ROW, 94, holder_row)                                                                 \
    M (MEMBER_ROW, 96, member_row)                                                                 \
    M (BUSY_ROW, 97, busy_row)                                                                     \
    M (HELLO, 128, hello)                                                                          \
    M (ECHO, 129, echo)                                                                            \
    M (HEARTBEAT, 130, heartbeat)                                                                  \
    M (ENTRIES, 131, entries)                                                                      \
    M (ACK, 132, ack)                                                                              \
    M (NEED, 133, need)                                                                            \
    M (VOTE_REQUEST, 134, vote_request)                                                            \
    M (VOTE, 135, vote)                                                                            \
    M (TRANSFER, 136, transfer)                                                                    \
    M (NEWER_TERM, 137, newer_term)                                                                \
    M (STATE_OFFER, 138, state_offer)                                                              \
    M (STATE_ASK, 139, state_ask)                                                                  \
    M (ENTRY, 140, entry)                                                                          \
    M (STATE_PART, 141, state_part)                                                                \
    M (MEMBERS, 142, members)                                                                      \
    M (OLD_COPY, 143, old_copy)                                                                    \
    M (MEMBER, 150, member)                                                                        \
    M (STATE_ROW, 151, state_row)                                                                  \
    M (STATE_CHANGE, 152, state_change)                                                            \
    M (STATE_HEAD, 153, state_head)                                                                \
    M (SEAT, 154, seat)                                                                            \
    M (MARK, 155, mark)                                                                            \
    M (CMD_OPEN, 160, cmd_open)                                                                    \
    M (CMD_CLOSE, 161, cmd_close)                                                                  \
    M (CMD_REQUESTS, 162, cmd_requests)                                                            \
    M (CMD_EXPIRE, 163, cmd_expire)                                                                \
    M (CMD_SILENCE, 164, cmd_silence)                                                              \
    M (SILENCE, 165, silence)                                                                      \
    M (CMD_SKIP, 166, cmd_skip)                                                                    \
    M (CMD_OPEN_AS, 167, cmd_open_as)                                                              \
    M (A_START, 192, a_start)                                                                      \
    M (A_PROPOSE, 193, a_propose)                                                                  \
    M (A_BARRIER, 194, a_barrier)                                                                  \
    M (A_APPLIED, 195, a_applied)                                                                  \
    M (A_FACTS, 196, a_facts)                                                                      \
    M (A_FLUSHED, 197, a_flushed)                                                                  \
    M (A_CHANGE, 198, a_change)                                                                    \
    M (A_WATCHED, 199, a_watched)                                                                  \
    M (A_COMMITTED, 208, a_committed)                                                              \
    M (A_LEADING, 209, a_leading)                                                                  \
    M (A_FOLLOWING, 210, a_following)                                                              \
    M (A_PASSED, 211, a_passed)                                                                    \
    M (A_TOLD, 212, a_told)                                                                        \
    M (A_NEEDS_STATE, 213, a_needs_state)                                                          \
    M (A_VERDICT, 214, a_verdict)                                                                  \
    M (A_ROSTER, 215, a_roster)                                                                    \
    M (A_SECTION, 224, a_section)                                                                  \
    M (A_PART, 225, a_part)                                                                        \
    M (A_FILE_QUERY, 226, a_file_query)                                                            \
    M (A_FILE_RESULT, 227, a_file_result)                                                          \
    M (A_FILES_DURABLE, 228, a_files_durable)                                                      \
    M (A_SECTIONS, 229, a_sections)                                                                \
    M (A_WANT_STATE, 230, a_want_state)                                                            \
    M (A_SNAPSHOT, 231, a_snapshot)                                                                \
    M (A_ROWS, 232, a_rows)                                                                        \
    M (A_RESTART, 233, a_restart)                                                                  \
    M (A_RIGHTS, 240, a_rights)

typedef enum hf_kind {
#define HF_MSG_ENUM(kind, ordinal, name) HF_KIND_##kind = (ordinal),
    HF_MSG_TABLE (HF_MSG_ENUM)
#undef HF_MSG_ENUM
} hf_kind_t;

//  ---- fields that may be left out: O (KIND, how many at its end)
//
//  They came later. Who does not know them leaves them out; they are read as 0, false or empty.

#define HF_OPTIONAL_TABLE(O)                                                                       \
    O (OPEN, 3)                                                                                    \
    O (CMD_OPEN, 3)                                                                                \
    O (CLOSE, 1)                                                                                   \
    O (CMD_CLOSE, 1)                                                                               \
    O (QUERY, 2)                                                                                   \
    O (CLAIM, 2)                                                                                   \
    O (GRANTED, 2)                                                                                 \
    O (RESULT, 2)                                                                                  \
    O (OPENED, 3)                                                                                  \
    O (ALIVE, 2)                                                                                   \
    O (HOLDER_ROW, 3)                                                                              \
    O (WAITER_ROW, 3)                                                                              \
    O (FILE_ROW, 1)                                                                                \
    O (SESSION_ROW, 1)                                                                             \
    O (CLOSED_REPLY, 2)                                                                            \
    O (EVENTS, 1)                                                                                  \
    O (HELLO, 1)                                                                                   \
    O (HEARTBEAT, 1)                                                                               \
    O (ACK, 6)                                                                                     \
    O (VOTE_REQUEST, 5)                                                                            \
    O (VOTE, 6)                                                                                    \
    O (CHANGE, 1)                                                                                  \
    O (A_CHANGE, 1)                                                                                \
    O (MEMBER_ROW, 1)                                                                              \
    O (TRANSFER, 1)

static inline uint32_t
hf_optional (uint32_t kind)
{
    switch (kind) {
#define HF_OPTIONAL_CASE(KIND, count)                                                              \
    case HF_KIND_##KIND:                                                                           \
        return count;
        HF_OPTIONAL_TABLE (HF_OPTIONAL_CASE)
#undef HF_OPTIONAL_CASE
    default:
        return 0;
    }
}

//  ---- requests: R (KIND, name), what the list of REQUESTS may hold ------------

#define HF_REQUEST_TABLE(R)                                                                        \
    R (ACQUIRE, acquire)                                                                           \
    R (CLAIM, claim)                                                                               \
    R (RELEASE, release)                                                                           \
    R (CANCEL, cancel)                                                                             \
    R (ABANDON, abandon)                                                                           \
    R (APPEND, append)                                                                             \
    R (NOTE, note)

//  ---- peer messages: P (KIND, name), what the consensus of one node says to another's
//
//  Their fields begin with FROM, TO and TERM. A handler hf_core_on_NAME takes each.

#define HF_PEER_TABLE(P)                                                                           \
    P (HEARTBEAT, heartbeat)                                                                       \
    P (ENTRIES, entries)                                                                           \
    P (ACK, ack)                                                                                   \
    P (NEED, need)                                                                                 \
    P (VOTE_REQUEST, vote_request)                                                                 \
    P (VOTE, vote)                                                                                 \
    P (TRANSFER, transfer)                                                                         \
    P (NEWER_TERM, newer_term)                                                                     \
    P (STATE_OFFER, state_offer)                                                                   \
    P (MEMBERS, members)                                                                           \
    P (OLD_COPY, old_copy)

//  What an entry of the log is. Of another type, it changes nothing.
typedef enum hf_entry_type {
    HF_ENTRY_OPEN_TERM = 1, //  the first of a leader's term; no payload
    HF_ENTRY_COMMANDS = 2,  //  hf_payload_put: CMD records
    HF_ENTRY_ROSTER = 3,    //  hf_roster_put: who the members are
} hf_entry_type_t;

//  What a QUERY asks for.
enum {
    HF_WHAT_LEADER = 1, //  FACT_ROWs of the leader: leader, term, endpoint
    HF_WHAT_STATUS = 2, //  FACT_ROWs of the node that is asked; answered by any node, no barrier
    HF_WHAT_LOCKS = 3,  //  LOCK_ROWs by name, after NAME ("" from the start), at most LIMIT; behind
                        //  each the HOLDER_ROWs of its first HF_HOLDERS_LISTED holders
    HF_WHAT_LOCK = 4,   //  the LOCK_ROW of NAME, then its places from number OFFSET (1: the first)
                        //  on, at most LIMIT: HOLDER_ROWs by token, then WAITER_ROWs
    HF_WHAT_FILES = 5,  //  FILE_ROWs by name, after NAME
    HF_WHAT_READ = 6,   //  LIMIT bytes of file NAME from OFFSET; total: the file's length
    HF_WHAT_SESSIONS = 7, //  SESSION_ROWs by id, after OFFSET, at most LIMIT
    HF_WHAT_BACKUP = 8,   //  LIMIT bytes from OFFSET of snapshot NUMBER (0: begin one) of the node
                          //  that is asked; total: its size; number: its own
    HF_WHAT_MEMBERS = 9,  //  MEMBER_ROWs as the node that is asked knows them, no barrier; total:
                          //  how many; index: of the roster; number: the feature level
    HF_WHAT_BUSY = 10,    //  BUSY_ROWs of the busiest locks, as the node that is asked counted them
                          //  while it led
    HF_WHAT_END           //  one more than the last
};

//  What a CHANGE of the members is.
typedef enum hf_change_op {
    HF_CHANGE_ADD = 1,    //  PLACE: as one that learns; LEARNS: and does not vote when caught up
    HF_CHANGE_REMOVE = 2, //  PLACE.node; FORCE: even if those who stay have not caught up
    HF_CHANGE_MOVE = 3,   //  PLACE: its new place. With another disk it is admitted when caught up.
                          //  FORCE: even if the others are no majority
    HF_CHANGE_PROMOTE = 4, //  PLACE.node, which learns, is to vote when it has caught up
    HF_CHANGE_RAISE = 5,   //  the feature level to LEVEL
    HF_CHANGE_LEAD = 6,    //  PLACE.node is to lead now; no roster is made
    HF_CHANGE_DRAIN = 7,   //  PLACE.node leads only when no other member can
    HF_CHANGE_UNDRAIN = 8, //  and again as any other
} hf_change_op_t;

//  ---- what the table makes ----------------------------------------------------

typedef uint64_t hf_field_u64_t;
typedef uint32_t hf_field_u32_t;
typedef bool hf_field_flag_t;
typedef hf_span_t hf_field_str_t;
typedef hf_span_t hf_field_bin_t;
typedef hf_list_t hf_field_list_t;

#define HF_MSG_FIELD(type, field) hf_field_##type##_t field;
#define HF_MSG_DECLARE(kind, ordinal, name)                                                        \
    typedef struct hf_##name {                                                                     \
        HF_FIELDS_##name (HF_MSG_FIELD)                                                            \
    } hf_##name##_t;                                                                               \
    void hf_##name##_put (hf_pack_t *pack, const hf_##name##_t *message);                          \
    void hf_##name##_frame (hf_pack_t *pack, const hf_##name##_t *message);                        \
    bool hf_##name##_get (hf_scan_t *scan, hf_##name##_t *message);
HF_MSG_TABLE (HF_MSG_DECLARE)
#undef HF_MSG_DECLARE
#undef HF_MSG_FIELD

/*  The frame ALIVE of one session. */
void hf_alive_one (hf_pack_t *pack, uint64_t echo, const hf_kept_t *kept, uint64_t roster);

/*  One request of any kind: the member of the union that KIND names. */
typedef struct hf_request {
    uint32_t kind;
    uint64_t seq;
    hf_status_t status; //  how the reading went: HF_OK; HF_UNKNOWN: a kind that is not in the
                        //  table; HF_MALFORMED: the fields are not those of its kind
    union {
#define HF_REQUEST_MEMBER(kind, name) hf_##name##_t name;
        HF_REQUEST_TABLE (HF_REQUEST_MEMBER)
#undef HF_REQUEST_MEMBER
    };
} hf_request_t;

/*  Read the record at SCAN, which moves behind it. False: it has no kind or no seq. */
bool hf_request_get (hf_scan_t *scan, hf_request_t *request);

/*  hf_requests_get, and of KIND CMD_REQUESTS hf_cmd_requests_get, in two halves, for those who read
 *  the requests anyway: nothing is walked through twice. After the first half SCAN stands at the
 *  first of message->requests.count requests, whose size is not known yet. Read them, then call the
 *  second: it steps over MORE fields, which this release does not know. False: malformed. */
bool hf_requests_begin (hf_scan_t *scan, uint32_t kind, hf_requests_t *message, uint32_t *more);
bool hf_requests_end (hf_scan_t *scan, hf_requests_t *message, uint32_t more);
/*  The REQUESTS that was read from RECORD up to END, with no MORE fields, becomes a CMD_REQUESTS:
 *  its bytes are copied. */
void hf_cmd_requests_copy (hf_pack_t *pack, const uint8_t *record, const uint8_t *end);

/*  One peer message of any kind: the member of the union that KIND names, whose first fields HEAD
 *  shows. */
typedef struct hf_peer_message {
    uint32_t kind;
    union {
        struct {
            uint32_t from, to;
            uint64_t term;
        } head;
#define HF_PEER_MEMBER(kind, name) hf_##name##_t name;
        HF_PEER_TABLE (HF_PEER_MEMBER)
#undef HF_PEER_MEMBER
    };
} hf_peer_message_t;

/*  Read the record of KIND at SCAN. False: it is malformed, or of no kind in the table. */
bool hf_peer_get (hf_scan_t *scan, uint32_t kind, hf_peer_message_t *message);
/*  Write the whole frame. The kind must be in the table. */
void hf_peer_frame (hf_pack_t *pack, const hf_peer_message_t *message);

/*  Open a frame: the cursor of its record in SCAN, and its kind.
 *  Gives HF_OK; HF_MALFORMED; HF_BAD_VERSION; HF_TOO_LARGE beyond HF_FRAME_MAX. */
hf_status_t hf_frame_open (const void *bytes, size_t size, hf_scan_t *scan, uint32_t *kind);

/*  The same of a frame that may be packed: of *records records, at least one. */
hf_status_t hf_frame_open_packed (const void *bytes, size_t size, hf_scan_t *scan, uint32_t *kind,
                                  uint32_t *records);
/*  Begin a frame of so many RECORDS, which are put behind that. */
void hf_frame_begin (hf_pack_t *pack, uint32_t records);

/*  The same for a frame of another actor of this node, of any size: one that does not open is a
 * bug, and an assertion. Gives the cursor. */
hf_scan_t hf_frame_own (const void *bytes, size_t size, uint32_t *kind);

/*  A case of a switch over the kind of such a frame: CALL with the message IN. One that is
 * malformed is an assertion. */
#define HF_OWN_CASE(scan, KIND, name, call)                                                        \
    case HF_KIND_##KIND: {                                                                         \
        hf_##name##_t in;                                                                          \
        bool good = hf_##name##_get (scan, &in);                                                   \
        assert (good);                                                                             \
        call;                                                                                      \
    } break

/*  The name of a kind as in the table; "UNKNOWN" when it is not there. */
const char *hf_kind_name (uint32_t kind);

/*  The payload of a COMMANDS entry: [version, [command, ...]].
 *  Reading gives HF_OK, HF_MALFORMED or HF_BAD_VERSION. */
void hf_payload_put (hf_pack_t *pack, hf_list_t commands);
hf_status_t hf_payload_get (hf_span_t payload, hf_list_t *commands);

/*  The payload of a ROSTER entry: who the members are, in ascending order of their ids.
 *
 *  Version 1: [1, [MEMBER, ...], joins]. All vote; slots go by the order. Level 0.
 *  Version 2: [2, [SEAT, ...], level, cluster, [request id, ...]].
 *
 *  A roster is JOINT while it changes who votes: then it names the voters before and after, and
 * both must make a majority (see hf_core_roster.c). */
#define HF_ROSTER_MAX      2304 //  bytes
#define HF_ROSTER_DONE_MAX 16   //  requests of which it is known that they were carried out

//  Of a seat. It votes; voted before; and that was another disk of it.
#define HF_SEAT_VOTES   1U
#define HF_SEAT_VOTED   2U
#define HF_SEAT_CHANGED 4U
#define HF_SEAT_JOINS   8U  //  it is to vote as soon as it has caught up
#define HF_SEAT_LEAVES  16U //  it is a member no more, once this roster is committed
#define HF_SEAT_DRAINED 32U //  it leads only when no other member can
#define HF_SEAT_ALL     63U

typedef struct hf_roster {
    uint32_t count;
    uint32_t joins; //  version 1: the member whose disk this entry admits; 0: none
    hf_seat_t members[HF_MEMBERS_MAX];
    uint32_t level;   //  feature level; 0: version 1
    uint64_t cluster; //  its random id; 0: version 1
    uint64_t done[HF_ROSTER_DONE_MAX];
    uint32_t done_count;
} hf_roster_t;

/*  In version 1 with level 0: who changed is named by JOINS alone. */
void hf_roster_put (hf_pack_t *pack, const hf_roster_t *roster);
/*  Hosts point into PAYLOAD. Of version 1 the slots and flags are filled in. False: malformed, it
 *  names nobody, nodes do not ascend, a slot is taken twice, flags that contradict each other, a
 *  voter without incarnation, no voter, or the one that joins is no member. */
bool hf_roster_get (hf_span_t payload, hf_roster_t *roster);
bool hf_roster_valid (hf_span_t payload);
bool hf_roster_joint (const hf_roster_t *roster);
/*  Whether a newer roster that names a node with disk NAMED means its disk OWN: that is the one, or
 *  one that is still to be admitted in the place of disk RECORDED, which its own log names. */
bool hf_roster_means (uint64_t named, uint64_t own, uint64_t recorded);
/*  NULL: NODE is no member. */
const hf_seat_t *hf_roster_seat (const hf_roster_t *roster, uint32_t node);

/*  A node's vote and the ends of its log, whose entries are those behind base_index. */
typedef struct hf_log_state {
    uint64_t term; //  the current one
    hf_member_t voted_for;
    uint64_t base_index, base_term; //  of the last entry that was pruned; 0: none was
    uint64_t last_index;            //  base_index when there is no entry
} hf_log_state_t;

#endif
