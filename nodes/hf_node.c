//  Opening a node: its stores, loaded and checked against each other, and its sockets.

#include "nodes/hf_node.h"
#include "base/hf_files.h"
#include "broker-less/hf_door_rules.h"
#include "broker-less/hf_gate.h"
#include "nodes/actors/hf_follow.h"
#include "nodes/store/hf_tx.h"
#include "nodes/snapshot/disk/hf_snapshot_install.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OPENED      4  //  descriptors: standard input, output and error, signals
#define PEER_HALVES 64 //  connections of other nodes that have not ended their handshake

static int
s_refuse (const char *text)
{
    fprintf (stderr, "holdfastd: %s\n", text);
    return -1;
}

int
hf_node_find (hf_node_t *self, const hf_options_t *options)
{
    char error[HF_ERROR_SIZE];
    self->joins = options->join != NULL;
    if (self->joins) {
        self->id = options->id;
        snprintf (self->list, sizeof self->list, "%s", options->join);
        return self->id != 0 ? 0 : s_refuse ("--id is needed: which member is this node to be?");
    }
    if (hf_endpoints_parse (&self->endpoints, options->cluster, error) != 0 ||
        hf_endpoints_check_cluster (&self->endpoints, error) != 0)
        return s_refuse (error);
    self->id = options->id;
    if (self->id == 0 && self->endpoints.count == 1)
        self->id = self->endpoints.node[0].id;
    if (self->id == 0)
        return s_refuse ("--id is needed: which node of the cluster list is this one?");
    hf_endpoints_text (&self->endpoints, self->list);
    const hf_endpoint_t *own = hf_endpoints_find (&self->endpoints, self->id);
    if (own)
        self->own = *own;
    else {
        snprintf (error, sizeof error, "id %u is not in the cluster list; it has", self->id);
        for (uint32_t i = 0; i < self->endpoints.count; i++) {
            size_t used = strlen (error);
            snprintf (error + used, sizeof error - used, " %u", self->endpoints.node[i].id);
        }
        return s_refuse (error);
    }
    return 0;
}

static bool
s_load_row (void *arg, hf_span_t key, hf_span_t value)
{
    return hf_state_load (arg, key, value);
}

static int
s_load_state (hf_node_t *self, const hf_options_t *options)
{
    char error[HF_ERROR_SIZE];
    self->file.state_store = hf_state_store_open (options->data, error);
    if (!self->file.state_store)
        return s_refuse (error);
    self->lock.state = hf_state_new ();
    if (hf_state_store_read (self->file.state_store, s_load_row, self->lock.state) != 0)
        return s_refuse (hf_state_store_error (self->file.state_store));
    if (hf_state_loaded (self->lock.state) &&
        hf_state_applied_index (self->lock.state) == hf_state_store_index (self->file.state_store))
        return 0;
    snprintf (error, sizeof error,
              "%s/state.db is damaged: its rows contradict each other; " HF_WAY_OUT, options->data);
    return s_refuse (error);
}

/*  The three stores must belong together: the state is as of an entry of the log, or of its base,
 *  and the files have every section before it. Otherwise one store was lost or restored from an
 *  older copy. Sections are numbered by the log: with another log, new ones would look like old. */
static int
s_check_stores (const hf_node_t *self, const hf_options_t *options)
{
    char error[HF_ERROR_SIZE];
    uint64_t base = hf_log_store_state (self->election.store)->base_index;
    uint64_t last = hf_log_store_state (self->election.store)->last_index;
    uint64_t applied = hf_state_applied_index (self->lock.state);
    uint64_t sections = hf_file_store_applied (self->file.store);
    const char *what = NULL;
    if (sections > 0 && last == 0)
        what = "files.db holds sections and log.db holds nothing: the log was lost";
    else if (applied > last)
        what = "state.db is further on than log.db: the log was lost";
    else if (applied < base)
        what = "log.db begins behind what state.db holds: the state was lost";
    else if (sections < hf_state_section_index (self->lock.state))
        what = "state.db is further on than files.db: the files were lost";
    if (!what)
        return 0;
    snprintf (error, sizeof error, "%s: %s; " HF_WAY_OUT, options->data, what);
    return s_refuse (error);
}

/*  Swap in a snapshot that was received before the process started again. */
static int
s_swap_in (const hf_options_t *options)
{
    char error[HF_ERROR_SIZE];
    uint64_t index;
    int rc = hf_snapshot_install (options->data, &index, error);
    if (rc < 0)
        return s_refuse (error);
    if (rc > 0)
        hf_report (HF_INFO, "took over the state of entry %" PRIu64, index);
    return 0;
}

/*  Raise the limit on open files as far as it is of use, and divide what there is: neither clients
 *  nor other nodes may take the descriptors that this node's own files need. The members may become
 *  as many as can be. */
static int
s_divide_files (hf_node_t *self, const hf_options_t *options)
{
    char error[HF_ERROR_SIZE] = "the limit on open files is too low";
    hf_door_plan_t *plan = &self->plan;
    hf_door_plan (0, HF_MEMBERS_MAX, plan);
    uint64_t http = options->http.chosen ? HF_HTTP_FILES : 0;
    uint64_t files = hf_files_raise (plan->files + http);
    files -= files > http ? http : 0;
    if (hf_files_check (plan->least + (uint32_t)http - OPENED, "a node", error) != 0 ||
        !hf_door_plan (files, HF_MEMBERS_MAX, plan))
        return s_refuse (error);
    bool chosen = options->connections > 0 && options->connections < plan->clients;
    self->lock.connections_max = chosen ? options->connections : plan->clients;
    return 0;
}

typedef struct last {
    uint32_t self;
    bool named; //  this node, by any of them
    uint64_t index;
    hf_span_t payload;
} last_t;

static void
s_note_roster (void *arg, uint64_t index, hf_span_t payload)
{
    last_t *last = arg;
    hf_roster_t roster;
    last->named = last->named || (hf_roster_get (payload, &roster) &&
                                  hf_roster_seat (&roster, last->self) != NULL);
    last->index = index;
    last->payload = payload;
}

/*  Who the members are by the last roster of the log. False: it has none, or one without places. */
static bool
s_find_roster (hf_node_t *self, hf_roster_t *roster)
{
    last_t last = {.self = self->id};
    hf_log_store_rosters (self->election.store, s_note_roster, &last);
    if (last.index == 0 || !hf_roster_get (last.payload, roster) || roster->level == 0)
        return false;
    hf_endpoints_of_roster (&self->told, roster);
    self->roster_index = self->told_index = last.index;
    const hf_seat_t *seat = hf_roster_seat (roster, self->id);
    self->left = last.named && seat == NULL;
    self->recorded = seat ? seat->incarnation : hf_log_store_incarnation (self->election.store);
    return true;
}

typedef struct named {
    hf_follow_id_t id;
    uint64_t applied;
} named_t;

static void
s_note_cluster (void *arg, uint64_t index, hf_span_t payload)
{
    named_t *named = arg;
    hf_roster_t roster;
    if (hf_roster_get (payload, &roster))
        hf_follow_id_take (&named->id, &roster, index <= named->applied);
}

/*  Which cluster the log is of, if that is sure. */
static void
s_find_cluster (hf_node_t *self)
{
    named_t named = {.applied = hf_state_applied_index (self->lock.state)};
    hf_log_store_rosters (self->election.store, s_note_cluster, &named);
    self->cluster = named.id.cluster;
}

static int
s_refuse_level (const hf_options_t *options, uint32_t level)
{
    char error[HF_ERROR_SIZE];
    snprintf (error, sizeof error,
              "%s/log.db is of a cluster of feature level %" PRIu32
              "; this holdfastd speaks level %d: start the release that the other nodes run, the "
              "data are sound",
              options->data, level, HF_LEVEL_NEWEST);
    return s_refuse (error);
}

/*  A cluster that was begun anew with one disk: the list may name what is left of the old one, and
 *  nodes of that must neither be asked nor, at feature level 0, be let in for having the same list.
 */
static void
s_leave_list (hf_node_t *self)
{
    const char *list;
    hf_log_store_bound (self->election.store, &list);
    if (self->joins || strcmp (list, HF_LOG_RENEWED) != 0)
        return;
    self->endpoints = self->told;
    hf_endpoints_text (&self->endpoints, self->list);
}

/*  The log belongs to this node, and says who the members are and where this node is; before it has
 *  a roster with places, the list says it, which must be that of the first start. */
static int
s_bind_log (hf_node_t *self, const hf_options_t *options)
{
    hf_roster_t roster;
    char text[HF_ENDPOINTS_TEXT_SIZE];
    bool known = s_find_roster (self, &roster);
    //  Levels only rise, so those before are lower.
    if (known && roster.level > HF_LEVEL_NEWEST)
        return s_refuse_level (options, roster.level);
    const char *list = known || self->joins ? NULL : self->list;
    if (hf_log_store_bind (self->election.store, self->id, list) != 0)
        return s_refuse (hf_log_store_error (self->election.store));
    if (!known)
        return 0;
    const hf_endpoint_t *own = hf_endpoints_find (&self->told, self->id);
    if (own)
        self->own = *own;
    hf_endpoints_text (&self->told, text);
    if (!self->joins && strcmp (text, self->list) != 0)
        hf_report (HF_INFO, "goes by the members in its log, not by the list: %s", text);
    s_leave_list (self);
    return 0;
}

int
hf_node_load_stores (hf_node_t *self, const hf_options_t *options)
{
    char error[HF_ERROR_SIZE];
    self->file.store = hf_file_store_open (options->data, error);
    if (!self->file.store)
        return s_refuse (error);
    return s_load_state (self, options) != 0 ? -1 : s_check_stores (self, options);
}

int
hf_node_load (hf_node_t *self, const hf_options_t *options)
{
    char error[HF_ERROR_SIZE];
    if (s_divide_files (self, options) != 0)
        return -1;
    self->dir = hf_dir_open (options->data, error);
    if (!self->dir)
        return s_refuse (error);
    if (s_swap_in (options) != 0)
        return -1;
    self->election.store = hf_log_store_open (options->data, error);
    if (!self->election.store)
        return s_refuse (error);
    if (s_bind_log (self, options) != 0)
        return -1;
    if (hf_log_store_begin (self->election.store) != 0)
        return s_refuse (hf_log_store_error (self->election.store));
    if (hf_node_load_stores (self, options) != 0)
        return -1;
    hf_log_store_applied (self->election.store, hf_state_applied_index (self->lock.state));
    s_find_cluster (self);
    return 0;
}

int
hf_node_bind (hf_node_t *self, const hf_options_t *options)
{
    char error[HF_ERROR_SIZE];
    uint32_t halves =
        options->handshakes > 0 ? options->handshakes : self->lock.connections_max / 2;
    hf_gate_set (self->listen.client_port, &(hf_gate_limits_t){.top = self->plan.clients_top,
                                                               .most = options->connections,
                                                               .halves = halves > 0 ? halves : 1,
                                                               .held_back = true});
    hf_gate_set (self->listen.node_port,
                 &(hf_gate_limits_t){.top = self->plan.peers_top, .halves = PEER_HALVES});
    zsys_set_io_threads (1); //  whatever the environment says: hf_intake counts on one thread
    void *context = zsys_init ();
    if (hf_node_guard (self, context) != 0)
        return -1;
    self->election.mesh = hf_mesh_new (context, &self->endpoints, &self->own, &self->listen, error);
    if (!self->election.mesh)
        return s_refuse (error);
    self->listen.user_connections = options->user_connections;
    self->lock.door = hf_door_new (context, self->own.host, &self->listen, error);
    if (!self->lock.door)
        return s_refuse (error);
    if (!options->http.chosen)
        return 0;
    self->http.server =
        hf_http_server_new (&options->http, hf_span (self->token, self->token_size), error);
    if (self->token_size > 0 && !hf_listen_is_loopback (&options->http))
        hf_report (HF_WARN, "other machines reach the HTTP port, and what they say is not "
                            "encrypted: the token of --http-admin can be read on the network, but "
                            "behind a proxy that speaks TLS");
    return self->http.server ? 0 : s_refuse (error);
}

void
hf_node_close (hf_node_t *self)
{
    hf_state_destroy (&self->lock.state);
    hf_state_store_close (&self->file.state_store);
    hf_mesh_destroy (&self->election.mesh);
    hf_door_destroy (&self->lock.door);
    hf_http_server_destroy (&self->http.server);
    hf_file_store_close (&self->file.store);
    hf_log_store_close (&self->election.store);
}
