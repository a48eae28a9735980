//  holdfast locks: holders and waiters.

#include "client/tool/tool_events.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const char s_help_locks[] =
    "usage: holdfast locks [OPTION...] [NAME | PREFIX/]\n"
    "\n"
    "List the locks that are held: the token, session and mode of each holder (of the first\n"
    "8), the units that it has of the lock's limit, how many wait, how many bytes are staged,\n"
    "for how long it has held, who it is, and its note. With NAME: that lock, its holders, and\n"
    "its queue in order. Exit code 2 when nobody holds NAME. A name that ends with / lists what\n"
    "is below it.\n"
    "\n"
    "AGE is how long it has held or waited at least: the node that answers counts from when it\n"
    "was started, or learned of it.\n"
    "\n"
    "options:\n"
    "      --watch           again whenever something changes, until interrupted\n"
    "      --json            print JSON: locks: lock, limit, waiters, and holders: session,\n"
    "                        mode, units, label, note, age_ms, token, staged; with NAME these\n"
    "                        fields, held, and queue: session, mode, units, label, note,\n"
    "                        age_ms, position\n"
    "      --stale           ask any node, which may be behind, instead of the "
    "leader\n" TOOL_HELP_QUERY "  holdfast locks\n"
    "  holdfast locks backup\n";

static const char s_help_leader[] =
    "usage: holdfast leader [OPTION...]\n"
    "\n"
    "Say which node leads the cluster, in which term, and where. A majority stands behind\n"
    "the answer.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: id, term, endpoint\n" TOOL_HELP_QUERY "  holdfast leader\n"
    "  holdfast leader --json | jq .id\n";

//  ---- holders and waiters ---------------------------------------------------------

typedef struct listing {
    tool_table_t *table; //  for people
    json_t *locks;       //  for JSON: an object for each lock
    hf_lock_info_t info; //  of the last place; its lock is not valid
    const char *prefix;  //  of the locks that are listed
} listing_t;

/*  Add PLACE to its lock, the last one in the list. */
static void
s_add_json (json_t *locks, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    json_t *last = json_array_get (locks, json_array_size (locks) - 1);
    if (!last || strcmp (json_string_value (json_object_get (last, "lock")), lock->lock) != 0) {
        last = json_pack ("{s:s, s:o, s:o, s:[], s:[]}", "lock", lock->lock, "limit",
                          tool_json_number (lock->limit), "waiters",
                          tool_json_number (lock->waiters), "holders", "queue");
        json_array_append_new (locks, last);
    }
    json_t *json = json_pack ("{s:o, s:s, s:o, s:s, s:s, s:o}", "session",
                              tool_json_number (place->session), "mode", hf_mode_name (place->mode),
                              "units", tool_json_number (place->units), "label", place->label,
                              "note", place->note, "age_ms", tool_json_number (place->age_ms));
    if (place->position > 0)
        json_object_set_new (json, "position", tool_json_number (place->position));
    else {
        json_object_set_new (json, "token", tool_json_number (place->token));
        json_object_set_new (json, "staged", tool_json_number (place->staged));
    }
    json_array_append_new (json_object_get (last, place->position > 0 ? "queue" : "holders"), json);
}

/*  "2/5" of a lock with a limit, "2" of one without; "" where a place is EXCLUSIVE. */
static void
s_add_units (tool_table_t *table, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    char units[32] = "";
    if (place->units > 0 && lock->limit > 0)
        snprintf (units, sizeof units, "%" PRIu32 "/%" PRIu32, place->units, lock->limit);
    else if (place->units > 0)
        snprintf (units, sizeof units, "%" PRIu32, place->units);
    tool_table_text (table, units);
}

//  ---- all locks -----------------------------------------------------------------

static void
s_on_lock (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    listing_t *self = arg;
    if (strncmp (lock->lock, self->prefix, strlen (self->prefix)) != 0)
        return;
    if (self->locks) {
        s_add_json (self->locks, lock, place);
        json_object_del (json_array_get (self->locks, json_array_size (self->locks) - 1), "queue");
        return;
    }
    tool_table_number (self->table, place->token);
    tool_table_number (self->table, place->session);
    tool_table_text (self->table, hf_mode_name (place->mode));
    s_add_units (self->table, lock, place);
    tool_table_number (self->table, lock->waiters);
    tool_table_number (self->table, place->staged);
    tool_table_age (self->table, place->age_ms);
    tool_table_text (self->table, lock->lock);
    tool_table_text (self->table, place->label);
    tool_table_text (self->table, place->note);
}

//  ---- one lock and its queue ------------------------------------------------------

static void
s_on_place (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    listing_t *self = arg;
    self->info = *lock;
    if (self->locks) {
        s_add_json (self->locks, lock, place);
        return;
    }
    char position[24], token[24], staged[24];
    snprintf (position, sizeof position, "%" PRIu64, place->position);
    snprintf (token, sizeof token, "%" PRIu64, place->token);
    snprintf (staged, sizeof staged, "%" PRIu64, place->staged);
    bool holds = place->position == 0;
    tool_table_text (self->table, holds ? "holds" : position);
    tool_table_number (self->table, place->session);
    tool_table_text (self->table, hf_mode_name (place->mode));
    s_add_units (self->table, lock, place);
    tool_table_text (self->table, holds ? token : "");
    tool_table_text (self->table, holds ? staged : "");
    tool_table_age (self->table, place->age_ms);
    tool_table_text (self->table, place->label);
    tool_table_text (self->table, place->note);
}

static int
s_not_held (const tool_options_t *options, const char *lock)
{
    if (options->json) {
        json_t *root = json_pack ("{s:s, s:b}", "lock", lock, "held", 0);
        int code = tool_print_json (root, TOOL_OK);
        if (code != TOOL_OK)
            return code;
    }
    return tool_error (TOOL_REFUSED, "nobody holds lock %s", lock);
}

static int
s_print_lock (const tool_options_t *options, const char *lock, const listing_t *self)
{
    if (options->json) {
        json_t *root = json_incref (json_array_get (self->locks, 0));
        json_object_set_new (root, "held", json_true ());
        return tool_print_json (root, TOOL_OK);
    }
    printf ("lock     %s\nholders  %" PRIu64 "\nwaiters  %" PRIu64 "\n", lock, self->info.holders,
            self->info.waiters);
    if (self->info.limit > 0)
        printf ("limit    %" PRIu32 " units\n", self->info.limit);
    putchar ('\n');
    tool_table_print (self->table, stdout);
    return tool_flush (TOOL_OK);
}

static bool
s_is_prefix (const char *name)
{
    return name && name[0] && name[strlen (name) - 1] == '/';
}

static int
s_list (tool_options_t *options, hf_client_t *client)
{
    const char *lock = options->count ? options->args[0] : NULL;
    bool below = s_is_prefix (lock);
    listing_t self = {.locks = options->json ? json_array () : NULL, .prefix = below ? lock : ""};
    lock = below ? NULL : lock;
    if (!options->json)
        self.table = tool_table_new (
            lock ? ">PLACE|>SESSION|MODE|>UNITS|>TOKEN|>STAGED|>AGE|LABEL|NOTE"
                 : ">TOKEN|>SESSION|MODE|>UNITS|>WAITERS|>STAGED|>AGE|LOCK|LABEL|NOTE");
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    query.stale = options->stale;
    hf_status_t status =
        lock ? hf_query_lock_as (client, lock, &query, s_on_place, &self, options->timeout_ms)
             : hf_query_locks_as (client, &query, s_on_lock, &self, options->timeout_ms);
    int code;
    if (lock && status == HF_NOT_FOUND)
        code = s_not_held (options, lock);
    else if (status != HF_OK)
        code =
            tool_fail (status, lock, lock ? "cannot show lock %s" : "cannot list the locks", lock);
    else if (lock)
        code = s_print_lock (options, lock, &self);
    else
        code = tool_print (self.table, "locks", self.locks);
    tool_table_destroy (&self.table);
    json_decref (self.locks);
    return code;
}

static int
s_locks (tool_options_t *options, hf_client_t *client)
{
    const char *lock = options->count ? options->args[0] : NULL;
    bool exact = lock && !s_is_prefix (lock);
    return options->watch ? tool_repeat (options, client, lock, exact, s_list)
                          : s_list (options, client);
}

const tool_command_t tool_locks = {.name = "locks",
                                   .help = s_help_locks,
                                   .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_STALE | TOOL_LOCKS,
                                   .most = 1,
                                   .many = "one lock at a time",
                                   .ask = s_locks};

//  ---- leader --------------------------------------------------------------------

static int
s_leader (tool_options_t *self, hf_client_t *client)
{
    hf_leader_info_t info;
    hf_status_t status = hf_query_leader (client, &info, self->timeout_ms);
    if (status != HF_OK)
        return tool_fail (status, NULL, "cannot ask for the leader");
    if (self->json)
        return tool_print_json (json_pack ("{s:I, s:o, s:s}", "id", (json_int_t)info.id, "term",
                                           tool_json_number (info.term), "endpoint", info.endpoint),
                                TOOL_OK);
    printf ("node %" PRIu32 " leads in term %" PRIu64 " at %s\n", info.id, info.term,
            info.endpoint);
    return tool_flush (TOOL_OK);
}

const tool_command_t tool_leader = {.name = "leader",
                                    .help = s_help_leader,
                                    .options = TOOL_TIMEOUT | TOOL_JSON,
                                    .many = "takes no argument",
                                    .ask = s_leader};
