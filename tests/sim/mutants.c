//  holdfast-mutants: does the simulator catch each deliberate mistake?
//
//      holdfast-mutants [--seeds N] [--table] [NAME...]
//
//  Every mutant of base/hf_mutant.h, or those named, runs until a seed catches it; the
//  seeds that once did come first. --table: from seed 1 on, and how many were needed.
//  Exit code 0: all were caught within N seeds (2000).

#include "tests/sim/sim.h"
#include "base/hf_mutant.h"
#include "base/hf_std.h"
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int hf_mutant = HF_MUTANT_none;

typedef struct mutant {
    const char *name, *promise, *text;
} mutant_t;

#define ROW(name, promise, text) {#name, promise, text},
static const mutant_t s_mutants[] = {{"none", "", ""}, HF_MUTANT_TABLE (ROW)};
#undef ROW

/*  A seed that once caught the mutant: saves the search. When it does so no more, the search goes
 * on. */
typedef struct known {
    int mutant;
    uint64_t seed;
} known_t;

static const known_t s_known[] = {
    {HF_MUTANT_making_holds_nothing, 7},
    {HF_MUTANT_making_reads_early, 10},
    {HF_MUTANT_snapshot_without_step, 10},
    {HF_MUTANT_copy_acks, 5},
    {HF_MUTANT_any_life_renews, 13},
    {HF_MUTANT_promoted_early, 49},
    {HF_MUTANT_commits_by_new, 27},
    {HF_MUTANT_replaced_counts_early, 27},
    {HF_MUTANT_roster_at_commit, 13},
    {HF_MUTANT_old_majority_alone, 14},
    {HF_MUTANT_learner_votes, 27},
    {HF_MUTANT_truncated_roster_kept, 101},
    {HF_MUTANT_closed_early, 99},
    {HF_MUTANT_two_changes, 61},
    {HF_MUTANT_removed_leads, 60},
    {HF_MUTANT_roster_untold, 157},
    {HF_MUTANT_change_told_early, 10},
    {HF_MUTANT_change_twice, 764},
    {HF_MUTANT_joins_alone, 2},
    {HF_MUTANT_level_not_asked, 22},
    {HF_MUTANT_told_before_durable, 3},
    {HF_MUTANT_gap_ignored, 4},
    {HF_MUTANT_moved_to_now, 3},
    {HF_MUTANT_hole_taken, 5},
    {HF_MUTANT_told_twice, 17},
    {HF_MUTANT_gap_untold, 5},
    {HF_MUTANT_silence_watched, 7},
    {HF_MUTANT_prune_by_follower, 50},
    {HF_MUTANT_unclamped_commit, 5},
    {HF_MUTANT_verified_kept, 23},
    {HF_MUTANT_send_before_durable, 2},
    {HF_MUTANT_vote_twice, 24},
    {HF_MUTANT_vote_names_id_only, 180},
    {HF_MUTANT_vote_for_older, 2},
    {HF_MUTANT_counted_old_term, 85},
    {HF_MUTANT_unknown_votes, 237},
    {HF_MUTANT_formed_by_majority, 2},
    {HF_MUTANT_admitted_at_once, 27},
    {HF_MUTANT_barrier_old_round, 2289},
    {HF_MUTANT_keepalive_unbarred, 50},
    {HF_MUTANT_read_unbarred, 5},
    {HF_MUTANT_serves_early, 25},
    {HF_MUTANT_ttl_not_restarted, 3},
    {HF_MUTANT_expiry_any_term, 35},
    {HF_MUTANT_deadline_from_answer, 89},
    {HF_MUTANT_grant_past_deadline, 8},
    {HF_MUTANT_dead_waiter, 2},
    {HF_MUTANT_queue_backwards, 2},
    {HF_MUTANT_token_again, 3},
    {HF_MUTANT_replies_forgotten, 14},
    {HF_MUTANT_stale_executed, 172},
    {HF_MUTANT_cancel_commits, 2},
    {HF_MUTANT_section_again, 5},
    {HF_MUTANT_section_torn, 3},
    {HF_MUTANT_alive_without_holds, 3},
    {HF_MUTANT_heard_at_turn_start, 162},
    {HF_MUTANT_expires_early, 2},
    {HF_MUTANT_sections_of_leader, 3},
    {HF_MUTANT_steps_overlap, 6},
    {HF_MUTANT_busy_for_ever, 3},
    {HF_MUTANT_never_hands_over, 2},
    {HF_MUTANT_no_slowing, 9},
    {HF_MUTANT_ttl_marks_lost, 2},
    {HF_MUTANT_disk_not_looked_at, 1014},
    {HF_MUTANT_no_backoff, 3},
    {HF_MUTANT_leaves_behind, 248},
    {HF_MUTANT_any_term, 4},
    {HF_MUTANT_roster_not_kept, 68},
    {HF_MUTANT_pruned_before_flushed, 10},
    {HF_MUTANT_flushed_before_files, 352},
    {HF_MUTANT_swap_keeps_log, 7},
    {HF_MUTANT_swap_drops_vote, 7},
    {HF_MUTANT_transfer_mixed, 294},
    {HF_MUTANT_transfer_any_order, 10},
    {HF_MUTANT_transfer_file_start, 349},
    {HF_MUTANT_transfer_term, 7},
    {HF_MUTANT_transfer_files_early, 2485},
    {HF_MUTANT_transfer_rows_unchecked, 77},
    {HF_MUTANT_transfer_file_unchecked, 79},
    {HF_MUTANT_restart_unstaged, 7},
    {HF_MUTANT_part_asked_once, 221},
    {HF_MUTANT_stale_state_shared, 913},
    {HF_MUTANT_tail_keeps_cut, 10},
    {HF_MUTANT_barrier_unasked, 13},
    {HF_MUTANT_pruned_past_flushed, 7},
    {HF_MUTANT_needs_state_once, 14},
    {HF_MUTANT_handover_endless, 7},
    {HF_MUTANT_margin_left_out, 68},
    {HF_MUTANT_old_grant_taken, 3},
    {HF_MUTANT_loss_unreported, 3},
    {HF_MUTANT_other_session, 3},
    {HF_MUTANT_locks_overtake, 6},
    {HF_MUTANT_push_unhealed, 56},
    {HF_MUTANT_grant_kept, 3},
    {HF_MUTANT_answer_old_route, 20},
    {HF_MUTANT_end_before_answers, 3},
    {HF_MUTANT_expires_in_flood, 56},
    {HF_MUTANT_served_at_turn_start, 312},
    {HF_MUTANT_barrier_joined, 786},
    {HF_MUTANT_credit_unpaid, 279},
    {HF_MUTANT_never_busy, 3},
    {HF_MUTANT_unlisted_kept, 500},
    {HF_MUTANT_seq_anew, 9},
    {HF_MUTANT_floor_early, 2},
    {HF_MUTANT_undecided_lost, 9},
    {HF_MUTANT_upgrade_is_loss, 3},
    {HF_MUTANT_upgrade_kept, 282},
    {HF_MUTANT_mixed_reused, 6},
    {HF_MUTANT_sets_overtake, 14},
    {HF_MUTANT_silent_leader_kept, 141},
    {HF_MUTANT_repair_waits, 16},
    {HF_MUTANT_prune_under_repair, 50},
};

typedef struct found {
    volatile uint64_t seed;
    char text[200];
} found_t;

/*  The child's exit code tells how it went: as holdfast-sim's. */
static int
s_try (int mutant, uint64_t first, uint64_t count, found_t *found)
{
    fflush (stdout);
    pid_t pid = fork ();
    if (pid == 0) {
        hf_mutant = mutant;
        if (!freopen ("/dev/null", "w", stderr))
            _exit (1);
        for (uint64_t seed = first; seed < first + count; seed++) {
            found->seed = seed;
            alarm (60); //  as it may hang
            sim_result_t result;
            sim_run (seed, false, &result);
            if (result.verdict == SIM_GOOD)
                continue;
            memcpy (found->text, result.text, sizeof found->text);
            _exit ((int)result.verdict);
        }
        _exit (0);
    }
    int status;
    if (waitpid (pid, &status, 0) != pid)
        return 1;
    //  A sanitizer that finds something ends it with 1.
    if (WIFEXITED (status) && WEXITSTATUS (status) <= SIM_BROKEN && WEXITSTATUS (status) != 1)
        return WEXITSTATUS (status);
    bool hangs = WIFSIGNALED (status) && WTERMSIG (status) == SIGALRM;
    snprintf (found->text, sizeof found->text, hangs ? "it hangs" : "an assertion fails");
    return SIM_CRASHED;
}

static bool
s_caught (int mutant, uint64_t seeds, bool table, found_t *found)
{
    found->text[0] = 0;
    for (size_t i = 0; i < sizeof s_known / sizeof *s_known && !table; i++)
        if (s_known[i].mutant == mutant && s_try (mutant, s_known[i].seed, 1, found) >= 2)
            return true;
    return s_try (mutant, 1, seeds, found) >= 2;
}

static bool
s_named (const char *name, int argc, char **argv, int first)
{
    for (int i = first; i < argc; i++)
        if (strcmp (argv[i], name) == 0)
            return true;
    return first == argc;
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    uint64_t seeds = 2000;
    bool table = false;
    int first = 1;
    for (; first < argc && strncmp (argv[first], "--", 2) == 0; first++) {
        if (strcmp (argv[first], "--table") == 0)
            table = true;
        else if (strcmp (argv[first], "--seeds") == 0 && first + 1 < argc)
            seeds = strtoull (argv[++first], NULL, 10);
    }
    found_t *found =
        mmap (NULL, sizeof *found, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (found == MAP_FAILED)
        return 1;
    int missed = 0;
    for (int mutant = 1; mutant < HF_MUTANT_COUNT; mutant++) {
        const mutant_t *row = &s_mutants[mutant];
        if (!s_named (row->name, argc, argv, first))
            continue;
        bool caught = s_caught (mutant, seeds, table, found);
        missed += !caught;
        printf ("| `%s` | %s | %s | %s %" PRIu64 " | %s |\n", row->name, row->text, row->promise,
                caught ? "seed" : "MISSED in", caught ? found->seed : seeds, found->text);
        fflush (stdout);
    }
    if (missed > 0)
        printf ("%d mutants were not caught. Their seeds in s_known are stale: put in those that "
                "--seeds 20000 NAME finds\n",
                missed);
    return missed > 0 ? 1 : 0;
}
