//  holdfastd --recover. What is appended is decided in nodes/services/hf_survivor.h.

#include "nodes/hf_recover.h"
#include "nodes/services/hf_survivor.h"
#include "nodes/snapshot/disk/hf_snapshot_stage.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct recover {
    hf_node_t *node;
    const hf_options_t *options;
    hf_survivor_t survivor;
    hf_roster_t roster;  //  the last one in the log
    uint64_t committed;  //  at least up to this entry
    uint32_t files;      //  how many
    hf_endpoint_t place; //  where the node is called from now on
} recover_t;

static int
s_say (const char *text)
{
    fprintf (stderr, "holdfastd: %s\n", text);
    return -1;
}

//  ---- what is there -------------------------------------------------------------------

/*  A folder without data is not made one with data. */
static int
s_check_folder (const char *path)
{
    char error[HF_ERROR_SIZE];
    if (!hf_dir_has (path, "log.db"))
        hf_error_set (error, "%s holds no data of a node: there is no log.db in it", path);
    else if (hf_dir_has (path, HF_STAGE_READY))
        hf_error_set (error,
                      "a state that a leader has sent waits in %s to be taken over: start this "
                      "node once, end it, then recover it",
                      path);
    else
        return 0;
    return s_say (error);
}

/*  Messages about damage tell to wipe the folder, which is right when there are others. */
static int
s_say_keep (void)
{
    return s_say ("if this is the last disk, do NOT wipe it: keep a copy, and try the disk of "
                  "another member");
}

static int
s_open (recover_t *self)
{
    char error[HF_ERROR_SIZE];
    const char *list, *path = self->options->data;
    hf_node_t *node = self->node;
    if (s_check_folder (path) != 0)
        return -1;
    node->dir = hf_dir_open (path, error);
    if (!node->dir)
        return s_say (error);
    node->election.store = hf_log_store_open (path, error);
    if (!node->election.store) {
        s_say (error);
        return s_say_keep ();
    }
    node->id = hf_log_store_bound (node->election.store, &list);
    if (node->id == 0) {
        hf_error_set (error, "%s holds no data of a node: none was ever started with it", path);
        return s_say (error);
    }
    if (self->options->id != 0 &&
        hf_log_store_bind (node->election.store, self->options->id, NULL) != 0)
        return s_say (hf_log_store_error (node->election.store));
    return 0;
}

static void
s_note_roster (void *arg, uint64_t index, hf_span_t payload)
{
    hf_survivor_t *survivor = arg;
    (void)index;
    survivor->roster = payload;
}

static void
s_note_term (void *arg, uint64_t first_index, uint64_t term)
{
    hf_survivor_t *survivor = arg;
    (void)first_index;
    survivor->last_term = term;
}

static hf_survival_t
s_judge (recover_t *self)
{
    hf_log_store_t *log = self->node->election.store;
    hf_survivor_t *survivor = &self->survivor;
    survivor->self = self->node->id;
    survivor->incarnation = hf_log_store_incarnation (log);
    survivor->log = *hf_log_store_state (log);
    survivor->last_term = survivor->log.base_term;
    hf_log_store_spans (log, s_note_term, survivor);
    hf_log_store_rosters (log, s_note_roster, survivor);
    return hf_survivor_judge (survivor, &self->roster);
}

/*  A list of this node alone says where it is from now on; otherwise its roster does, or at feature
 *  level 0 the list that it was first started with. */
static int
s_find_place (recover_t *self, bool moves)
{
    char error[HF_ERROR_SIZE];
    hf_endpoints_t named = {.count = 0}, known = {.count = 0};
    const char *bound;
    uint32_t id = hf_log_store_bound (self->node->election.store, &bound);
    if (self->options->cluster && hf_endpoints_parse (&named, self->options->cluster, error) != 0)
        return s_say (error);
    moves = moves && named.count == 1;
    if (moves && named.node[0].id != id) {
        hf_error_set (error, "the list names node %u alone, and the data are of node %u",
                      named.node[0].id, id);
        return s_say (error);
    }
    if (self->roster.level > 0)
        hf_endpoints_of_roster (&known, &self->roster);
    else if (hf_endpoints_parse (&known, bound, error) != 0)
        known.count = 0;
    const hf_endpoint_t *place = moves ? &named.node[0] : hf_endpoints_find (&known, id);
    if (!place)
        return 0;
    self->place = *place;
    self->survivor.host = hf_span_text (self->place.host);
    self->survivor.client_port = place->client_port;
    self->survivor.node_port = place->node_port;
    return 0;
}

static int
s_refuse (const recover_t *self, hf_survival_t survival)
{
    char error[HF_ERROR_SIZE] = "it is not known where this node is: say it with --cluster "
                                "ID@HOST:CLIENT-PORT:NODE-PORT, this node alone";
    const char *path = self->options->data;
    if (survival == HF_SURVIVAL_UNFORMED)
        hf_error_set (error,
                      "%s holds no data of a member: the log of node %u names no members, since "
                      "its cluster was never formed",
                      path, self->node->id);
    else if (survival == HF_SURVIVAL_STRANGER)
        hf_error_set (error, "%s holds no data of a member: node %u was removed from its cluster",
                      path, self->node->id);
    else if (survival == HF_SURVIVAL_NEWER)
        hf_error_set (error,
                      "%s is of a cluster of feature level %" PRIu32
                      "; this holdfastd speaks level %d: recover it with the release that it ran",
                      path, self->roster.level, HF_LEVEL_NEWEST);
    return s_say (error);
}

//  ---- its state as of the last entry -----------------------------------------------------

static void
s_apply (hf_state_t *state, hf_list_t list)
{
    hf_scan_t scan = hf_scan_list (list);
    hf_outcomes_t outcomes;
    hf_entry_t entry;
    hf_outcomes_init (&outcomes);
    while (!hf_scan_at_end (&scan) && hf_entry_get (&scan, &entry)) {
        hf_state_apply (state, hf_state_applied_index (state) + 1, &entry, &outcomes);
        hf_outcomes_reset (&outcomes);
    }
    hf_outcomes_done (&outcomes);
}

/*  In memory alone: apply what the log has behind the state on disk. The new cluster begins with
 *  that. */
static int
s_replay (recover_t *self)
{
    hf_log_store_t *log = self->node->election.store;
    hf_state_t *state = self->node->lock.state;
    uint64_t last = hf_log_store_state (log)->last_index;
    hf_pack_t pack;
    int count = 1;
    self->committed = hf_state_applied_index (state);
    hf_pack_init (&pack);
    while (count > 0 && hf_state_applied_index (state) < last) {
        hf_pack_reset (&pack);
        count =
            hf_log_store_read (log, hf_state_applied_index (state) + 1, last, HF_FRAME_MAX, &pack);
        if (count > 0)
            s_apply (state, hf_pack_list (&pack));
    }
    hf_pack_reset (&pack);
    if (count >= 0 && hf_file_store_all_rows (self->node->file.store, &pack) != 0)
        count = s_say (hf_file_store_error (self->node->file.store));
    else if (count < 0)
        s_say (hf_log_store_error (log));
    self->files = pack.count;
    hf_pack_done (&pack);
    return count < 0 ? -1 : 0;
}

//  ---- what is said -------------------------------------------------------------------------

static void
s_print_facts (const recover_t *self)
{
    const hf_state_t *state = self->node->lock.state;
    const hf_log_state_t *log = &self->survivor.log;
    printf ("%s has the data of node %u of a cluster", self->options->data, self->node->id);
    if (self->roster.level > 0)
        printf (", %016" PRIx64, self->roster.cluster);
    printf (":\n  members      ");
    for (uint32_t i = 0; i < self->roster.count; i++)
        printf ("%s%u", i > 0 ? " " : "", self->roster.members[i].node);
    printf ("\n  last entry   %" PRIu64 " of term %" PRIu64 "\n", log->last_index,
            self->survivor.last_term);
    printf ("  committed    up to entry %" PRIu64 " at least; of %" PRIu64
            " more it is not known here\n",
            self->committed, log->last_index - self->committed);
    printf ("  last command %" PRIu64 "\n", hf_state_command_index (state));
    printf ("  sessions     %zu\n  locks        %zu\n  files        %u\n",
            hf_state_sessions_count (state), hf_state_locks_count (state), self->files);
    printf ("  last token   %" PRIu64 "\n", hf_state_last_token (state));
}

static int
s_print_meaning (const recover_t *self)
{
    printf (
        "With --yes it becomes a new cluster of node %u alone, at %s:%u:%u:\n"
        "- What the others have committed and this disk does not have is lost: grants, releases "
        "and\n"
        "  appends that clients were told are done. This disk cannot say how much that is.\n"
        "- All entries of its log become committed, also those that no client was told of.\n"
        "- Tokens, session ids and indexes leave out the next %llu numbers, so that none\n"
        "  is given out again.\n"
        "- Its sessions live for one more TTL, and on if their clients find it by then; what they\n"
        "  hold stays held until they end.\n"
        "- The other nodes must not run on their old folders again: enough of them would go on as\n"
        "  the old cluster. They are refused here; empty their folders and add them.\n"
        "- There is no way back, nor to release 0.9.\n"
        "If a majority of the nodes can come back with their disks, start these instead. If other\n"
        "disks are left, but no majority, take the one whose last entry is of the highest term, "
        "of\n"
        "these the one with the highest entry.\n",
        self->node->id, self->place.host, (unsigned)self->place.client_port,
        (unsigned)self->place.node_port, HF_SKIP_MAX);
    fflush (stdout);
    return s_say ("nothing was changed; with --yes it will be");
}

static void
s_print_start (const recover_t *self)
{
    printf ("Start it:\n  holdfastd --id %u --cluster %u@%s:%u:%u --data %s\n", self->node->id,
            self->node->id, self->place.host, (unsigned)self->place.client_port,
            (unsigned)self->place.node_port, self->options->data);
}

//  ---- what is done -------------------------------------------------------------------------

/*  One transaction: the incarnation, the term and the vote in it, the entries. */
static int
s_write (recover_t *self)
{
    hf_log_store_t *log = self->node->election.store;
    uint64_t index = self->survivor.log.last_index;
    hf_entry_t entry;
    hf_pack_t entries;
    int rc = hf_log_store_renew (log);
    if (rc != 0)
        return s_say (hf_log_store_error (log));
    uint64_t incarnation = hf_log_store_incarnation (log);
    hf_pack_init (&entries);
    hf_survivor_entries (&self->survivor, incarnation, &entries);
    rc = hf_log_store_vote (log, hf_survivor_term (&self->survivor),
                            (hf_member_t){.node = self->node->id, .incarnation = incarnation});
    hf_scan_t scan = hf_scan_list (hf_pack_list (&entries));
    while (rc == 0 && !hf_scan_at_end (&scan)) {
        bool good = hf_entry_get (&scan, &entry);
        assert (good); //  packed above
        rc = hf_log_store_append (log, ++index, &entry);
    }
    if (rc != 0 || hf_log_store_commit (log) != 0)
        rc = s_say (hf_log_store_error (log));
    else
        s_apply (self->node->lock.state, hf_pack_list (&entries));
    hf_pack_done (&entries);
    return rc;
}

static int
s_recover (recover_t *self)
{
    if (s_open (self) != 0)
        return -1;
    hf_survival_t survival = s_judge (self);
    if (survival != HF_SURVIVAL_UNFORMED && s_find_place (self, survival != HF_SURVIVAL_ALONE) != 0)
        return -1;
    survival = hf_survivor_judge (&self->survivor, &self->roster); //  with the place
    if (survival == HF_SURVIVAL_ALONE) {
        printf ("node %u needs no other node, as it is: nothing was changed. ", self->node->id);
        s_print_start (self);
        return 0;
    }
    if (survival != HF_SURVIVAL_CAN)
        return s_refuse (self, survival);
    if (hf_node_load_stores (self->node, self->options) != 0)
        return s_say_keep ();
    if (s_replay (self) != 0)
        return -1;
    s_print_facts (self);
    if (!self->options->yes)
        return s_print_meaning (self);
    if (s_write (self) != 0)
        return -1;
    uint64_t incarnation = hf_log_store_incarnation (self->node->election.store);
    hf_roster_t now = hf_survivor_roster (&self->survivor, incarnation);
    printf ("It is node %u of the new cluster %016" PRIx64 " now; tokens go on after %" PRIu64
            ".\n",
            self->node->id, now.cluster, hf_state_last_token (self->node->lock.state));
    s_print_start (self);
    printf ("Empty the folders of the others before they start again, and add them: 'holdfast "
            "members add'.\n");
    return 0;
}

int
hf_recover (hf_node_t *node, const hf_options_t *options)
{
    recover_t self = {.node = node, .options = options};
    int rc = s_recover (&self);
    hf_node_close (node);
    hf_dir_close (&node->dir);
    return rc;
}
