//  holdfast locks: holders and waiters.

#include "client/tool/tool.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const char s_help_locks[] =
    "usage: holdfast locks [OPTION...] [NAME]\n"
    "\n"
    "List the locks that are held: the token, session and mode of each holder (of the first\n"
    "8), how many wait, and how many bytes are staged. With NAME: that lock, its holders, and\n"
    "its queue in order. Exit code 2 when nobody holds NAME.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: locks: lock, waiters, and holders: session, mode,\n"
    "                        token, staged; with NAME these fields, held, and queue:\n"
    "                        session, mode, position\n"
    "      --timeout TIME    how long to wait for an answer (default 10s)\n"
    "      --endpoints LIST  the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  holdfast locks\n"
    "  holdfast locks backup\n";

static const char s_help_leader[] =
    "usage: holdfast leader [OPTION...]\n"
    "\n"
    "Say which node leads the cluster, in which term, and where. A majority stands behind\n"
    "the answer.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: id, term, endpoint\n"
    "      --timeout TIME    how long to wait for an answer (default 10s)\n"
    "      --endpoints LIST  the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  holdfast leader\n"
    "  holdfast leader --json | jq .id\n";

//  ---- holders and waiters ---------------------------------------------------------

typedef struct listing {
    tool_table_t *table; //  for people
    json_t *locks;       //  for JSON: an object for each lock
    hf_lock_info_t info; //  of the last place; its lock is not valid
} listing_t;

/*  Add PLACE to its lock, the last one in the list. */
static void
s_add_json (json_t *locks, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    json_t *last = json_array_get (locks, json_array_size (locks) - 1);
    if (!last || strcmp (json_string_value (json_object_get (last, "lock")), lock->lock) != 0) {
        last = json_pack ("{s:s, s:o, s:[], s:[]}", "lock", lock->lock, "waiters",
                          tool_json_number (lock->waiters), "holders", "queue");
        json_array_append_new (locks, last);
    }
    json_t *json = json_pack ("{s:o, s:s}", "session", tool_json_number (place->session), "mode",
                              hf_mode_name (place->mode));
    if (place->position > 0)
        json_object_set_new (json, "position", tool_json_number (place->position));
    else {
        json_object_set_new (json, "token", tool_json_number (place->token));
        json_object_set_new (json, "staged", tool_json_number (place->staged));
    }
    json_array_append_new (json_object_get (last, place->position > 0 ? "queue" : "holders"), json);
}

//  ---- all locks -----------------------------------------------------------------

static void
s_on_lock (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    listing_t *self = arg;
    if (self->locks) {
        s_add_json (self->locks, lock, place);
        json_object_del (json_array_get (self->locks, json_array_size (self->locks) - 1), "queue");
        return;
    }
    tool_table_number (self->table, place->token);
    tool_table_number (self->table, place->session);
    tool_table_text (self->table, hf_mode_name (place->mode));
    tool_table_number (self->table, lock->waiters);
    tool_table_number (self->table, place->staged);
    tool_table_text (self->table, lock->lock);
}

static int
s_list (const tool_options_t *options, hf_client_t *client)
{
    listing_t self = {.table = NULL};
    if (options->json)
        self.locks = json_array ();
    else
        self.table = tool_table_new (">TOKEN|>SESSION|MODE|>WAITERS|>STAGED|LOCK");
    hf_status_t status = hf_query_locks (client, s_on_lock, &self, options->timeout_ms);
    int code;
    if (status != HF_OK)
        code = tool_fail (status, NULL, "cannot list the locks");
    else if (options->json)
        code = tool_print_json (json_pack ("{s:O}", "locks", self.locks), TOOL_OK);
    else {
        tool_table_print (self.table, stdout);
        code = tool_flush (TOOL_OK);
    }
    tool_table_destroy (&self.table);
    json_decref (self.locks);
    return code;
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
    tool_table_text (self->table, holds ? token : "");
    tool_table_text (self->table, holds ? staged : "");
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
    printf ("lock     %s\nholders  %" PRIu64 "\nwaiters  %" PRIu64 "\n\n", lock, self->info.holders,
            self->info.waiters);
    tool_table_print (self->table, stdout);
    return tool_flush (TOOL_OK);
}

static int
s_show (const tool_options_t *options, hf_client_t *client, const char *lock)
{
    listing_t self = {.table = NULL};
    if (options->json)
        self.locks = json_array ();
    else
        self.table = tool_table_new (">PLACE|>SESSION|MODE|>TOKEN|>STAGED");
    hf_status_t status = hf_query_lock (client, lock, s_on_place, &self, options->timeout_ms);
    int code;
    if (status == HF_NOT_FOUND)
        code = s_not_held (options, lock);
    else if (status != HF_OK)
        code = tool_fail (status, lock, "cannot show lock %s", lock);
    else
        code = s_print_lock (options, lock, &self);
    tool_table_destroy (&self.table);
    json_decref (self.locks);
    return code;
}

int
tool_locks (int argc, char **argv)
{
    static const struct option options[] = {
        TOOL_OPTIONS_COMMON, TOOL_OPTIONS_QUERY, {NULL, 0, NULL, 0}};
    tool_options_t self;
    tool_options_init (&self, "locks", s_help_locks);
    for (int option; (option = getopt_long (argc, argv, ":hV", options, NULL)) != -1;) {
        int code = tool_options_take (&self, option, argv);
        if (code >= 0)
            return code;
    }
    if (argc - optind > 1)
        return tool_misuse ("locks", "one lock at a time");
    hf_client_t *client = tool_client_new ();
    if (!client)
        return TOOL_USAGE;
    int code = argc > optind ? s_show (&self, client, argv[optind]) : s_list (&self, client);
    hf_client_destroy (&client);
    return code;
}

//  ---- leader --------------------------------------------------------------------

static int
s_print_leader (const tool_options_t *options, const hf_leader_info_t *info)
{
    if (!options->json) {
        printf ("node %" PRIu32 " leads in term %" PRIu64 " at %s\n", info->id, info->term,
                info->endpoint);
        return tool_flush (TOOL_OK);
    }
    json_t *root = json_object ();
    json_object_set_new (root, "id", json_integer (info->id));
    json_object_set_new (root, "term", tool_json_number (info->term));
    json_object_set_new (root, "endpoint", json_string (info->endpoint));
    return tool_print_json (root, TOOL_OK);
}

int
tool_leader (int argc, char **argv)
{
    static const struct option options[] = {
        TOOL_OPTIONS_COMMON, TOOL_OPTIONS_QUERY, {NULL, 0, NULL, 0}};
    tool_options_t self;
    tool_options_init (&self, "leader", s_help_leader);
    for (int option; (option = getopt_long (argc, argv, ":hV", options, NULL)) != -1;) {
        int code = tool_options_take (&self, option, argv);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return tool_misuse ("leader", "takes no argument");
    hf_client_t *client = tool_client_new ();
    if (!client)
        return TOOL_USAGE;
    hf_leader_info_t info;
    hf_status_t status = hf_query_leader (client, &info, self.timeout_ms);
    int code = status == HF_OK ? s_print_leader (&self, &info)
                               : tool_fail (status, NULL, "cannot ask for the leader");
    hf_client_destroy (&client);
    return code;
}
