/*  hf_mutant.h - deliberate mistakes, to test the tests: each must be caught.
 *
 *  Only the libraries that tests/sim builds for its mutants define HF_MUTANTS; everywhere else
 *  HF_MUTANT (NAME) is the constant false. hf_mutant selects one mistake; 0: none.
 */
#ifndef HF_MUTANT_H_INCLUDED
#define HF_MUTANT_H_INCLUDED

//  M (name, the promise that it breaks, what is wrong)
//
//  Conditions under which mutants of the lock service show: answer_old_route: a client comes back
//  under another route; expires_in_flood: turns leave frames at the door for longer than a TTL;
//  heard_at_turn_start, served_at_turn_start: time passes within a turn; busy_for_ever, never_busy:
//  a small undecided_max; credit_unpaid: a small unwritten_max and a slow file actor;
//  steps_overlap: a file actor that acknowledges late (an assertion fails). A client does not see
//  end_before_answers, watcher_untold, never_busy and credit_unpaid at once: check what is sent.
#define HF_MUTANT_TABLE(M)                                                                         \
    M (making_holds_nothing, "P4", "newer rows are written while those of a snapshot are read")    \
    M (making_reads_early, "P4", "rows are read for a snapshot before its last step is written")   \
    M (snapshot_without_step, "P4", "a snapshot names an entry that the rows on disk lack")        \
    M (copy_acks, "P3 P7", "a commit counts a node whose folder is an old copy")                   \
    M (any_life_renews, "P11", "a late answer to the life before makes a node give up its disk")   \
    M (promoted_early, "P11", "a member that has not caught up is made a voter")                   \
    M (commits_by_new, "P3 P7", "a commit needs a majority of the new voters only")                \
    M (replaced_counts_early, "P1 P3", "a new disk counts as the one that voted before")           \
    M (roster_at_commit, "P1 P3", "a roster is in force from its commit, not from its append")     \
    M (old_majority_alone, "P1 P3", "while a roster is joint, the voters before it decide alone")  \
    M (learner_votes, "P1 P3", "a member that learns counts as a voter")                           \
    M (truncated_roster_kept, "P1 P3", "a roster that was cut from the log stays in force")        \
    M (closed_early, "P1 P3", "a joint roster is closed before it is committed")                   \
    M (two_changes, "P1 P3", "a change begins before the last one is committed")                   \
    M (removed_leads, "P11", "a leader that was removed goes on leading")                          \
    M (roster_untold, "P11", "a node that was removed while it was away never learns it")          \
    M (change_told_early, "P7", "a change of the members is told as done before it is committed")  \
    M (change_twice, "P9", "a change of the members that is asked for again is made again")        \
    M (joins_alone, "P1", "a node that is to join a cluster forms one of its own")                 \
    M (level_not_asked, "P4", "the level is raised above what a member speaks")                    \
    M (told_before_durable, "P6", "a watcher is told of a section before it has reached the file") \
    M (gap_ignored, "P10", "a node that has not kept what a watch asks for tells what it has")     \
    M (moved_to_now, "P10", "a watch that goes to another node begins anew there")                 \
    M (hole_taken, "P10", "a client does not notice that events before those told are missing")    \
    M (told_twice, "P10", "a client reports what it was told before, when it is told again")       \
    M (gap_untold, "P10", "a client does not report that events are not kept any more")            \
    M (silence_watched, "P11", "a watch never leaves a silent node")                               \
    M (prune_by_follower, "P11",                                                                   \
       "only the leader keeps the log that a member which is away lacks")                          \
    M (unclamped_commit, "P3 P4", "a follower commits what it has not verified")                   \
    M (verified_kept, "P3 P4", "what one leader's log verified counts for the next leader")        \
    M (ack_before_durable, "P7", "a follower acknowledges what is not on its disk")                \
    M (count_before_durable, "P7", "a leader counts itself before its own disk")                   \
    M (send_before_durable, "P1 P7", "the driver sends before it commits")                         \
    M (vote_twice, "P1", "two votes in a term")                                                    \
    M (vote_names_id_only, "P1 P2",                                                                \
       "a vote counts although the node lost the disk that it voted with")                         \
    M (vote_for_older, "P3", "a candidate with an older log gets the vote")                        \
    M (counted_old_term, "P3", "an entry of an earlier term is committed by counting")             \
    M (prev_unchecked, "P2 P4", "entries are taken without the check of the term before them")     \
    M (unknown_votes, "P1 P3", "the vote of a node that lost its disk counts")                     \
    M (unknown_counts, "P7", "a commit counts a node that lost its disk")                          \
    M (formed_by_majority, "P3 P7", "a majority forms a cluster that was never formed")            \
    M (admitted_at_once, "P1 P3", "a member counts from the entry that admits it, not its commit") \
    M (barrier_old_round, "P10", "a barrier passes with a round that began before it")             \
    M (keepalive_unbarred, "P9", "a keepalive is answered without a barrier")                      \
    M (read_unbarred, "P10", "a read is answered without a barrier")                               \
    M (serves_early, "P10", "a leader serves before its term's first entry is applied")            \
    M (ttl_not_restarted, "P9", "a new leader does not restart every TTL")                         \
    M (expiry_any_term, "P9", "an expiry that an earlier leader decided is honoured")              \
    M (deadline_from_answer, "P5b", "a client counts its deadline from the answer")                \
    M (grant_past_deadline, "P5b", "a client takes a grant past its deadline")                     \
    M (dead_waiter, "P8", "the waiter of a session that ended stays in the queue")                 \
    M (queue_backwards, "P8", "the youngest waiter is granted first")                              \
    M (token_again, "P5a", "tokens start anew when no lock is held")                               \
    M (replies_forgotten, "once", "an answer is dropped before the client confirmed it")           \
    M (stale_executed, "once", "a request below the floor is executed")                            \
    M (cancel_commits, "P6", "a cancelled section is committed")                                   \
    M (section_again, "P6", "sections are written again after a restart")                          \
    M (section_torn, "P6", "a section's last file is left out when it has several")                \
    M (never_expires, "P11", "a silent session never expires")                                     \
    M (alive_without_holds, "P5b P11", "ALIVE leaves out what the session holds")                  \
    M (heard_at_turn_start, "P5b P9",                                                              \
       "a message counts from the begin of the turn, not its arrival")                             \
    M (expires_early, "P9", "a session is due before its TTL has passed")                          \
    M (sections_of_leader, "P6", "only a leader hands sections to its files")                      \
    M (steps_overlap, "P12", "changed rows are handed over while others are not on disk yet")      \
    M (busy_for_ever, "P11", "what was applied still counts as undecided")                         \
    M (never_hands_over, "P11", "a leader never hands over to a lower id")                         \
    M (no_slowing, "P11", "a member that is as slow as the load never catches up")                 \
    M (ttl_marks_lost, "P11", "a new leader restarts every TTL in full")                           \
    M (disk_not_looked_at, "P11", "the lead goes to a lower id whose disk is slow")                \
    M (no_backoff, "P11", "the lead goes to a lower id again at once when it did not last")        \
    M (leaves_behind, "P11", "a leader hands over to a node that does not hear all that it hears") \
    M (any_term, "P1 P11", "a term is taken that no honest node can have reached")                 \
    M (never_repairs, "P11", "a follower does not request the entries that it lacks")              \
    M (row_forgotten, "P4 P7", "a row of the state that changed again is not flushed")             \
    M (gone_forgotten, "P4 P7", "a deleted row of the state leaves no tombstone")                  \
    M (roster_not_kept, "P1 P7", "the roster is not kept with the state")                          \
    M (pruned_before_flushed, "P7", "the log is pruned before the state is on disk")               \
    M (flushed_before_files, "P6", "the state is on disk before the files are")                    \
    M (swap_keeps_log, "P4 P7", "a snapshot is swapped in without its log")                        \
    M (swap_drops_vote, "P1", "a swap forgets the term and the vote")                              \
    M (transfer_mixed, "P4", "a snapshot is put together from parts of two")                       \
    M (transfer_any_order, "P4", "a part of a snapshot is taken out of order")                     \
    M (transfer_file_start, "P4 P11", "a part of a file is read from the file's start")            \
    M (transfer_term, "P2", "a snapshot names the leader's term, not its entry's")                 \
    M (transfer_files_early, "P6", "a snapshot's files are listed before the rows are ready")      \
    M (transfer_rows_unchecked, "P4", "a snapshot's rows are not compared with their sum")         \
    M (transfer_file_unchecked, "P6", "a received file is not compared with its checksum")         \
    M (restart_unstaged, "P11", "a node restarts before the received snapshot is durable")         \
    M (part_asked_once, "P11", "a lost part of a snapshot is not requested again")                 \
    M (stale_state_shared, "P11", "an old snapshot is served for ever")                            \
    M (delivered_uncommitted, "P4 P7", "entries are delivered when they are on this node's disk")  \
    M (delivery_skips, "P4", "a batch of committed entries leaves out its first entry")            \
    M (tail_keeps_cut, "P2 P4", "entries that were cut from the log stay in the tail in memory")   \
    M (barrier_unasked, "P10", "a barrier passes without an ack of any peer")                      \
    M (pruned_past_flushed, "P7", "the log is pruned by one entry more than is on disk")           \
    M (needs_state_once, "P11", "a node that needs a snapshot requests it only once")              \
    M (credit_forgotten, "P11", "the lock actor's credit for deliveries is never given again")     \
    M (handover_endless, "P11", "a handover that is not answered never ends")                      \
    M (margin_left_out, "P5b", "a lease has no margin for clocks of different rates")              \
    M (old_grant_taken, "P5b", "a grant of an earlier hold is given to a waiter")                  \
    M (loss_unreported, "P5b", "the locks of a session that expired are not reported lost")        \
    M (other_session, "once", "an answer to an old session counts for the new one")                \
    M (locks_overtake, "P6", "requests for one lock overtake each other")                          \
    M (push_unhealed, "P11", "a grant whose push was lost is not taken from ALIVE")                \
    M (grant_kept, "P11", "a place or grant that the client gave up is not released")              \
    M (answer_old_route, "P11", "a session is answered on its first route, not its present one")   \
    M (watcher_untold, "P11", "a client that was refused is not notified of the leader")           \
    M (close_unanswered, "P11", "a CLOSE is never answered")                                       \
    M (end_before_answers, "once", "a session's end is sent before its answers")                   \
    M (expires_in_flood, "P9", "a session expires while its messages wait at the door")            \
    M (served_at_turn_start, "P5b P9",                                                             \
       "a new leader restarts every TTL from the begin of its turn")                               \
    M (barrier_joined, "P10", "a read joins the barrier that is under way")                        \
    M (credit_unpaid, "P12", "the log is delivered though the files are far behind")               \
    M (never_busy, "P12", "there is no limit on what is proposed and undecided")                   \
    M (unlisted_kept, "P5b", "a hold that ALIVE does not list is kept")                            \
    M (seq_anew, "once", "an undecided request is sent again under a new seq")                     \
    M (floor_early, "once", "the floor rises before the answers arrived")                          \
    M (undecided_lost, "once", "an undecided request of an ended session is reported as lost")     \
    M (upgrade_is_loss, "P5b", "a hold that an upgrade replaces is taken for lost")                \
    M (upgrade_kept, "P11", "an upgrade whose limit has passed waits on")                          \
    M (mixed_reused, "once",                                                                       \
       "the place of an acquire that was given up is kept for one in another mode")                \
    M (sets_overtake, "P7", "a set's acquire overtakes earlier requests for its locks")            \
    M (silent_leader_kept, "P11", "a client never leaves a silent leader")                         \
    M (barrier_before_reads, "P11",                                                                \
       "the next barrier is asked for before the last one's reads are answered")                   \
    M (repair_waits, "P11", "repair waits for the leader's commit and comes after newer entries")  \
    M (prune_under_repair, "P11", "the log that a member under repair lacks is pruned")

//  Of claims: sets, shared and counted locks, changes of mode. test_state_mutants catches them.
#define HF_MUTANT_CLAIMS_TABLE(M)                                                                  \
    M (taken_untold, "P5", "who held what another session released is not told of it")             \
    M (turn_kept, "P8", "who leaves a long queue is counted before those behind")                  \
    M (happened_uncounted, "P4", "what happens is counted anew after a start")                     \
    M (happened_once, "P5", "of a set the first lock alone is told to watchers")                   \
    M (replaced_untold, "P5", "a watcher is not told that an upgrade ends the hold before it")     \
    M (wanted_untold, "P11", "a holder is not told that somebody waits")                           \
    M (replaces_lost, "P4", "a claim's row does not say which token it replaces")                  \
    M (note_lost, "P4", "a claim's row has no note")                                               \
    M (delay_after_close, "P11", "the locks of a session that was closed stay closed for a while") \
    M (delay_cut_short, "P5", "the locks of a session that expired are not closed")                \
    M (delay_lost, "P4 P5", "a session's row does not say that it is gone")                        \
    M (delay_keeps_section, "P6", "what was staged under a lock is released by its reopening")     \
    M (rings_unseen, "P11", "no ring of waits is found")                                           \
    M (acts_for_nobody, "P11", "a wait on behalf of another session closes no ring")               \
    M (detects_all, "P5a", "a session that did not ask for it is taken to hold while it waits")    \
    M (unfair_neighbour, "P8", "a SHARED claim passes those that wait")                            \
    M (limit_ignored, "P5", "SHARED holders take more units than the limit")                       \
    M (limit_kept, "P5", "a lock keeps its limit when nobody uses it SHARED any more")             \
    M (set_in_parts, "P5 P8", "a set is granted when its first place can be")                      \
    M (set_place_lost, "P4 P7", "a set's row has its first place alone")                           \
    M (set_grants_once, "P11", "who came behind a granted set is not looked at again")             \
    M (one_neighbour, "P11", "of neighbours in a queue that fit together one is granted")          \
    M (upgrade_starves, "P8", "an upgrade waits at the end of the queue")                          \
    M (two_upgrades, "P11", "two holders wait for each other to upgrade")                          \
    M (upgrade_keeps_token, "P5a", "an upgraded hold keeps the token that it had")                 \
    M (upgrade_drops_section, "P6", "an upgrade drops what the hold has staged")                   \
    M (downgrade_alone, "P11", "neighbours are not granted when a holder becomes SHARED")

//  For unit tests alone. The lock actor answers nothing before it has applied it, so that no client
//  can see the difference; the tool's guard, names and addresses are not in the simulator.
#define HF_MUTANT_UNIT_TABLE(M)                                                                    \
    M (who_left_is_told, "P11", "clients that left long ago keep others from hearing who leads")   \
    M (asked_again_goes, "P11", "who asks who leads again and again is as one that asked once")    \
    M (fit_before_stall, "P11", "a leader that stood still hands over by what was said before")    \
    M (far_as_often, "P12", "places far behind in a queue are told as often as the first ones")    \
    M (foreign_fields_logged, "P4", "fields that this release does not know go into the log")      \
    M (packed_uncounted, "P12", "a packed frame may have any number of requests proposed")         \
    M (put_off_forgotten, "P9", "of many sessions one that asked is not kept alive any more")      \
    M (alives_unbounded, "P11", "a turn answers 16 keepalives first, whatever their sizes")        \
    M (packed_unasked, "P11", "a client packs frames for a node that has not said it takes them")  \
    M (packed_for_all, "P11", "a node packs frames for a client that has not packed any")          \
    M (refused_goes_on, "P12", "each of the requests in a packed frame is refused by itself")      \
    M (packs_kept, "P11", "a client packs for ever for a node that once took it")                  \
    M (promoted_by_old_ack, "P11", "a member is made a voter by what its lost disk acknowledged")  \
    M (page_for_ever, "P11", "a page of locks begins again as long as what it found has gone")     \
    M (page_of_old_rights, "rights", "a page of locks has what may not be read any more")          \
    M (halves_left_early, "P12", "who is not let in yet counts as one that shook hands")           \
    M (answered_charged, "P12", "what is answered already counts as asked, again and again")       \
    M (heard_is_ready, "P12", "one answer ends the back-off of a client that is refused all else") \
    M (last_stays_last, "P11",                                                                     \
       "what is refused goes out again in the same order: the last never gets its turn")           \
    M (debt_ends_credit, "P11",                                                                    \
       "who owes for what he asked is lent nothing for what he gives back")                        \
    M (lent_without_bound, "P11", "what is lent for one large frame is owed for minutes")          \
    M (guesses_shut_out, "P11", "wrong tokens keep the right one of their address out")            \
    M (notice_is_answer, "-", "that this node leads now is taken for an action's refusal")         \
    M (stray_is_answer, "-", "the refusal of a question before is taken for an action's")          \
    M (replaced_twice_lost, "P7", "a hold whose token is replaced twice unseen is taken for lost") \
    M (floor_left_out, "P5a",                                                                      \
       "a leader that the level is raised under gives tokens below a floor")                       \
    M (loaded_is_old, "P12", "a hold from a row is as old as the clock of the node")               \
    M (age_stands_still, "P12", "ages are as of the last command")                                 \
    M (any_token_taken, "rights", "whoever has any token acts over HTTP")                          \
    M (any_site_acts, "rights", "a page of another site acts over HTTP")                           \
    M (any_type_acts, "rights", "a form of another site acts over HTTP")                           \
    M (guesses_unbounded, "rights", "guesses at the HTTP port are never told to end")              \
    M (acts_anywhere, "rights", "a node that does not lead acts over HTTP")                        \
    M (any_hold_ended, "P5", "of several holders any one is ended over HTTP")                      \
    M (asker_stays, "P12", "the session that ended a hold over HTTP is left to its time to live")  \
    M (http_told_twice, "-", "what was done over HTTP is two lines of the audit")                  \
    M (user_connects_all, "P12", "a user may have any number of connections")                      \
    M (halves_unlimited, "P12", "any number of connections may not have ended their handshake")    \
    M (youngest_cut, "P11", "of these the last one that came is cut off, who may be a client")     \
    M (young_cut, "P11", "a crowd of clients that comes at once cuts one another off")             \
    M (rate_without_end, "P12", "a user may ask as often as he likes")                             \
    M (silence_saved, "P12", "a user who was silent for long may ask for all of it at once")       \
    M (nothing_lent, "P11",                                                                        \
       "who asks and gives back in one frame is refused for asking too often")                     \
    M (releases_limited, "P11", "a release is refused for its user having asked too often")        \
    M (user_opens_all, "P12", "a user may have any number of sessions")                            \
    M (openings_uncounted, "P12", "sessions that a user is opening are not counted")               \
    M (keepalive_backs_off, "P9", "a client that was told BUSY does not keep its sessions alive")  \
    M (released_in_the_crowd, "P11", "a release is in one frame with what a busy node refuses")    \
    M (idle_hurries, "P11", "a client without work looks for a leader as fast as it can")          \
    M (works_at_rest, "P11", "a client with work looks for a leader as seldom as one without")     \
    M (lease_at_rest, "P9", "a client without work looks for a leader seldom till its lease ends") \
    M (all_kept_again, "P12", "after BUSY keepalives that were answered are sent again")           \
    M (steps_unbounded, "P12", "changed rows wait for their second, however many they are")        \
    M (rows_pile_up, "P12", "credit is given however many rows the file actor has not written")    \
    M (page_in_one_step, "P11", "a page of a list of locks is made in one step, however long")     \
    M (page_in_moved_table, "lists", "a page goes on in a table that has become small")            \
    M (page_empty, "lists", "a page has no row and says that there are more")                      \
    M (page_of_another, "lists", "a page that was begun for one query goes on for the next")       \
    M (queued_alone_never, "P11", "a request that can only wait waits for another one for ever")   \
    M (lags_for_ever, "P11", "a follower applies nothing as long as entries come")                 \
    M (first_waits_too, "P11", "a request for a lock that nobody waits for is held back")          \
    M (ring_told_unseen, "rights", "a ring names locks that the user may not read")                \
    M (owner_told, "rights", "who is denied learns whose a session is")                            \
    M (uncovered_allowed, "rights", "what no row speaks of is allowed")                            \
    M (spoken_for_ever, "rights", "who spoke in another's session does without the right")         \
    M (floor_forgotten, "P5a", "tokens of a new cluster begin below the floor that it was given")  \
    M (lead_not_kept, "P11", "a lead that an operator asked for is handed on to a lower id")       \
    M (drained_leads, "P11", "a leader that is drained does not hand over")                        \
    M (drained_stands_first, "P11", "a member that is drained stands for election in its turn")    \
    M (handed_to_drained, "P11", "the lead is handed to a member that is drained")                 \
    M (drain_lost, "P11", "a drained member is drained no more when its new disk is admitted")     \
    M (taken_by_name, "P5", "a hold is reported taken that came after the one that was")           \
    M (unasked_acquire, "rights", "a lock is taken without the right")                             \
    M (unasked_shared, "rights", "a lock is shared without the right")                             \
    M (unasked_place, "rights", "a lock of a set is taken without the right")                      \
    M (unasked_shared_place, "rights", "a lock of a set is shared without the right")              \
    M (unasked_append, "rights", "a file is appended to without the right")                        \
    M (unasked_append_for, "rights", "a file is appended to in another user's section")            \
    M (unasked_note_for, "rights", "another user's hold gets a note")                              \
    M (unasked_release, "rights", "another user's hold is released")                               \
    M (unasked_cancel, "rights", "another user's section is dropped")                              \
    M (unasked_speak, "rights", "requests come in another user's session")                         \
    M (unasked_keep, "rights", "another user's session is kept alive")                             \
    M (unasked_close, "rights", "another user's session is closed")                                \
    M (unasked_look, "rights", "who holds a lock is told without the right")                       \
    M (unasked_read, "rights", "a file is read without the right")                                 \
    M (unasked_busy, "rights", "the busiest locks are told without the right")                     \
    M (unasked_backup, "rights", "a backup is taken without the right")                            \
    M (unasked_watch, "rights", "a watch begins without the right")                                \
    M (unasked_change, "rights", "the members are changed without the right")                      \
    M (listed_locks, "rights", "a list of locks has those that the user may not see")              \
    M (listed_files, "rights", "a list of files has those that the user may not read")             \
    M (listed_sessions, "rights", "a list of sessions has those of other users")                   \
    M (told_unseen, "rights", "a watch tells of locks that the user may not watch")                \
    M (watched_for_ever, "rights", "a watch goes on when its right was taken away")                \
    M (session_awaited, "rights",                                                                  \
       "who names the next session speaks for it when another user opens it")                      \
    M (refusals_flood, "rights", "each refusal of a user is a line in the log")                    \
    M (opened_by_another, "rights", "who repeats another user's OPEN gets his session")            \
    M (acts_for_anybody, "rights", "a claim acts for the session of another user")                 \
    M (owner_lost, "P4 rights", "a session that is read from disk is everybody's")                 \
    M (name_as_prefix, "rights", "a right for one name holds for all names that begin with it")    \
    M (busy_for_life, "P12", "a lock that was busy once stays in the list of the busiest")         \
    M (newcomers_lose, "P12", "a lock that becomes busy does not get into that list")              \
    M (slow_said_each_time, "P12", "each slow sync, turn and jump of the clock is a line")         \
    M (each_end_flaps, "P12", "of a link that flaps, each end is a line")                          \
    M (drift_is_a_jump, "P12", "a clock that drifts slowly is reported as one that was set")       \
    M (moved_is_stuck, "P12", "a queue that moves is reported when its head has waited for long")  \
    M (stuck_said_each_time, "P12", "a queue that does not move is a line at each look")           \
    M (held_since_asked, "P12", "the time that a claim waited is counted as held, too")            \
    M (measured_everywhere, "P12", "each node counts waits and holds, so they are counted thrice") \
    M (asked_last, "P12", "the time of a request runs from the last of its entry")                 \
    M (cut_is_committed, "P12", "an entry that was cut from the log is measured as committed")     \
    M (outdated_counts, "P1 P3", "a node of an older release than the level in force counts")      \
    M (stranger_unaware, "P11", "a node whose log is empty is not told that it is no member")      \
    M (strange_hold_kept, "P11",                                                                   \
       "a client keeps a hold that it knows nothing of: the cluster forgot its release")           \
    M (tokens_given_again, "P5a",                                                                  \
       "a cluster that begins with one disk gives out tokens that the old one gave")               \
    M (sessions_given_again, "P5",                                                                 \
       "a cluster that begins with one disk gives out session ids that the old one gave")          \
    M (numbers_told_again, "P10",                                                                  \
       "a cluster that begins with one disk numbers what happens as the old one did")              \
    M (skip_untold, "P10", "who watches is not told that numbers are left out")                    \
    M (survivor_keeps_cluster, "P1 P3",                                                            \
       "a cluster that begins with one disk has the old one's id")                                 \
    M (survivor_keeps_term, "P1 P2", "a cluster that begins with one disk has the old one's term") \
    M (shorter_is_old, "P11",                                                                      \
       "a node whose log was truncated in a later term is taken for a copy")                       \
    M (copy_votes, "P1", "the vote of a node whose folder is an old copy counts")                  \
    M (copy_raises_term, "P11", "an old copy that stands for election raises the term of others")  \
    M (lost_vote_unseen, "P1", "a copy that lacks only the vote of its term is not noticed")       \
    M (life_unread, "P1 P7", "a copy that was opened as often as the folder is not noticed")       \
    M (earlier_start_taken, "P7", "what an opening before the last one says counts")               \
    M (marks_not_told, "P1 P7", "only who got an ack or a vote itself notices an old copy")        \
    M (roster_kept_back, "P11",                                                                    \
       "a node that lacks the place of the leader is not told it by those who know")               \
    M (any_host_taken, "P11", "a member goes to a host that no node can read, and is lost to all") \
    M (any_key_admitted, "security",                                                               \
       "the key of a client opens the mesh, that of a node the door")                              \
    M (first_key_only, "P11", "of a node with an old and a new key only one is tried")             \
    M (bad_file_revokes, "P11", "a key file that is being written cuts its owner off")             \
    M (vote_forgotten, "P1", "a vote is not durable")                                              \
    M (votes_by_new, "P1 P3", "an election needs a majority of the new voters only")               \
    M (removed_never_stands, "P11", "a removed member with the longest log does not stand")        \
    M (stranger_tells, "P11", "a node that is no member keeps watches and answers what is stale")  \
    M (formed_by_new_disk, "P1 P7",                                                                \
       "a disk that is newer than the candidacy votes for who forms the cluster")                  \
    M (slot_inherited, "P7", "what a removed member acknowledged counts for who has its slot now") \
    M (majority_not_looked_at, "P11", "a member is removed though no majority is left")            \
    M (roster_unasked, "P11", "a client that is told of another roster does not ask for it")       \
    M (gone_node_kept, "P11", "a client goes on with nodes that are members no more")              \
    M (change_by_follower, "P11", "a node that does not lead takes a change of the members")       \
    M (change_left_waiting, "P11",                                                                 \
       "who asked for a change is not told that the node leads no more")                           \
    M (roster_index_untold, "P11", "clients are not told which roster is in force")                \
    M (backup_packed_always, "P12",                                                                \
       "each request for a backup makes the lock actor pack its state")                            \
    M (left_forgotten, "once",                                                                     \
       "a place that passed to an acquire which was never sent is not given up with it")           \
    M (left_out_untold, "P11",                                                                     \
       "EVENTS begins behind what was left out since the last one: a hole for the client")         \
    M (watched_alone, "P11", "a node that knows no leader keeps its watches")                      \
    M (pushed_to_all, "P12", "in a queue of any length all are told their positions at once")      \
    M (queue_walked, "P12", "for a position in a queue all that is before it is counted")          \
    M (ring_of_another, "P11", "a refusal is explained with the ring of another request")          \
    M (conflict_of_last, "P11", "of a set, the last lock is blamed for a limit that is another's") \
    M (heard_alone, "P11", "sessions of one KEEPALIVE that waited for the log are answered alone") \
    M (stall_counts, "P11",                                                                        \
       "after a stall of the node clients are cut off that could not show that they read")         \
    M (waits_in_line, "P11",                                                                       \
       "a slowed leader makes a part of what waits at a time, however long it waits")              \
    M (slow_disk_forgotten, "P11", "a quiet time makes a slow disk fit to lead again")             \
    M (told_again, "P10", "a watcher that comes from a node that was ahead is told again")         \
    M (no_turns, "P11", "all that is due for one client is answered before the others' turn")      \
    M (queries_starve, "P11", "queries wait while any keepalive does")                             \
    M (packed_for_nobody, "P12", "answers are packed for a client that has left")                  \
    M (looks_once, "P11",                                                                          \
       "holdfast run ends a command whose lease is renewed after the guard has asked")             \
    M (any_holder_waited_for, "P5a",                                                               \
       "a wait for units waits for every holder: rings that are none")                             \
    M (kept_after_flood, "P12", "what was freed after a flood is not given back to the machine")   \
    M (largest_said, "P11", "the largest numbers of a leader's heartbeats count, not the last")    \
    M (transfer_section, "P6", "a snapshot names the state's last section, not the files'")        \
    M (started_late, "P5", "holdfast run starts a command whose lease is over")                    \
    M (opening_given_up, "P11", "an opening answered after its TTL fails before its limit")        \
    M (waits_for_ever, "P11", "a member that never catches up slows the cluster for ever")         \
    M (holder_marked_late, "P11", "a new leader logs what has run of a holder's TTL after 2.5 s")  \
    M (marks_far_apart, "P11", "what has run of a TTL is logged again after an eighth of it only") \
    M (any_command, "P12",                                                                         \
       "a client may name a routing id: what it sends under another one's waits for ever")         \
    M (client_takes_all, "P12", "one client may use up what has a limit for all")                  \
    M (answers_take_all, "P12", "sessions with many answers leave no room for others")             \
    M (few_answers, "P11", "of many answers to one client at once a few thousand are sent")        \
    M (reads_without_end, "P12", "a node reads all that a client sends before it handles it")      \
    M (senders_take_all, "P12", "clients that send much use up the room of those that do not")     \
    M (endless_kept, "P12", "who does not end what it sends keeps the room of all")                \
    M (mark_outlives_request, "P9", "a request does not clear how long its session was silent")    \
    M (mark_any_term, "P9", "what an earlier leader said of a session's silence is honoured")      \
    M (alive_while_ending, "P9", "a keepalive is answered after its session's end was proposed")   \
    M (leader_pinned, "P11", "a leader that a forged message named shuts out the term's real one") \
    M (ending_heard, "P5b P9", "a session whose end was proposed lives on when it is heard")       \
    M (renewed_from_repeat, "P5b", "an answer renews the lease from the request's last repeat")    \
    M (term_at_deadline, "P5b", "a command is asked to end when its lock is lost, not before")     \
    M (grace_past_deadline, "P5b", "a command has its time to end also past the lease's deadline") \
    M (alone_goes_on, "P5b", "the guard of a command does not care whether the tool lives")        \
    M (guard_trusted, "P5b", "the tool does not end the command when its guard is stopped")        \
    M (mark_acknowledged, "P9", "a session is acknowledged while the log says that it is silent")  \
    M (read_unapplied, "P10", "a read is answered before its barrier's index is applied")          \
    M (keepalives_alone, "P11", "each session has a KEEPALIVE frame of its own")                   \
    M (floor_not_kept, "P12", "the floor in a KEEPALIVE frees no answers")                         \
    M (reader_takes_all, "P12", "one client may use up the room for queries")                      \
    M (unsent_unseen, "P11", "what a link did not take is not sent again")                         \
    M (no_spare_files, "P12", "clients may take every descriptor")                                 \
    M (small_uncounted, "P12", "small answers that wait for a client are not counted")             \
    M (no_room_for_others, "P12", "clients that do not read use up the room of those that do")     \
    M (non_reader_kept, "P12", "a client that does not read is never cut off")                     \
    M (old_address_kept, "P11", "an address that the name no longer has is tried for ever")        \
    M (first_address_only, "P11", "only the first address of a name is tried")                     \
    M (last_address_forgotten, "P11", "a look-up that fails takes the last good address away")     \
    M (looked_up_once, "P11", "a name is not looked up again")                                     \
    M (to_itself_kept, "P11", "a connection to itself is kept")                                    \
    M (loopback_unseen, "P11", "a node that listens on loopback among others is not noticed")      \
    M (reserved_unread, "-", "a reserved port is taken for one that the kernel gives away")        \
    M (backup_files_ahead, "P6", "a backup is made although the files are ahead of the rows")      \
    M (backup_mixed, "P4", "a part of a backup is read from whichever snapshot there is")          \
    M (backup_unchecked, "P4", "a block of a backup is not compared with its checksum")            \
    M (backup_blocks_swap, "P4", "blocks of a backup may change places")                           \
    M (backup_kept, "P12", "the snapshot of a backup that nobody reads any more is kept")          \
    M (state_sends_all, "P11", "the whole state is sent, also what the receiver's files have")     \
    HF_MUTANT_CLAIMS_TABLE (M)

#define HF_MUTANT_ENUM(name, promise, text) HF_MUTANT_##name,
enum {
    HF_MUTANT_none,
    HF_MUTANT_TABLE (HF_MUTANT_ENUM) HF_MUTANT_COUNT, //  of those for the simulator
    HF_MUTANT_UNIT_TABLE (HF_MUTANT_ENUM)
};
#undef HF_MUTANT_ENUM

#ifdef HF_MUTANTS
extern int hf_mutant;
#define HF_MUTANT(name)      (hf_mutant == HF_MUTANT_##name)
#define HF_MUTANT_IS(number) (hf_mutant == (number)) //  one of a table in the product
#else
#define HF_MUTANT(name)      0
#define HF_MUTANT_IS(number) ((void)(number), false)
#endif

#endif
