//  holdfast locks: holders and waiters.

#include "client/tool/tool.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const char s_help_locks[] =
    "usage: holdfast locks [OPTION...] [NAME]\n"
    "\n"
    "List the locks that are held: the token and session of the holder, how many wait, and\n"
    "how many bytes are staged. With NAME: that lock, and its queue in order. Exit code 2\n"
    "when nobody holds NAME.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: locks: lock, token, session, waiters, staged; with\n"
    "                        NAME these fields, held, and queue: position, session\n"
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

static json_t *
s_lock_json (const hf_lock_info_t *info, const char *lock)
{
    json_t *json = json_object ();
    json_object_set_new (json, "lock", json_string (lock));
    json_object_set_new (json, "token", tool_json_number (info->token));
    json_object_set_new (json, "session", tool_json_number (info->session));
    json_object_set_new (json, "waiters", tool_json_number (info->waiters));
    json_object_set_new (json, "staged", tool_json_number (info->staged));
    return json;
}

//  ---- all locks -----------------------------------------------------------------

typedef struct listing {
    tool_table_t *table;
    json_t *list;
} listing_t;

static void
s_on_lock (void *arg, const hf_lock_info_t *info)
{
    listing_t *self = arg;
    if (self->list) {
        json_array_append_new (self->list, s_lock_json (info, info->lock));
        return;
    }
    tool_table_number (self->table, info->token);
    tool_table_number (self->table, info->session);
    tool_table_number (self->table, info->waiters);
    tool_table_number (self->table, info->staged);
    tool_table_text (self->table, info->lock);
}

static int
s_list (const tool_options_t *options, hf_client_t *client)
{
    listing_t self = {NULL, NULL};
    if (options->json)
        self.list = json_array ();
    else
        self.table = tool_table_new (">TOKEN|>SESSION|>WAITERS|>STAGED|LOCK");
    hf_status_t status = hf_query_locks (client, s_on_lock, &self, options->timeout_ms);
    int code;
    if (status != HF_OK)
        code = tool_fail (status, NULL, "cannot list the locks");
    else if (options->json)
        code = tool_print_json (json_pack ("{s:O}", "locks", self.list), TOOL_OK);
    else {
        tool_table_print (self.table, stdout);
        code = tool_flush (TOOL_OK);
    }
    tool_table_destroy (&self.table);
    json_decref (self.list);
    return code;
}

//  ---- one lock and its queue ------------------------------------------------------

static void
s_on_waiter (void *arg, uint64_t session, uint64_t position)
{
    listing_t *self = arg;
    if (self->list) {
        json_t *waiter = json_object ();
        json_object_set_new (waiter, "position", tool_json_number (position));
        json_object_set_new (waiter, "session", tool_json_number (session));
        json_array_append_new (self->list, waiter);
        return;
    }
    tool_table_number (self->table, position);
    tool_table_number (self->table, session);
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
s_print_lock (const tool_options_t *options, const char *lock, const hf_lock_info_t *info,
              const listing_t *queue)
{
    if (options->json) {
        json_t *root = s_lock_json (info, lock);
        json_object_set_new (root, "held", json_true ());
        json_object_set (root, "queue", queue->list);
        return tool_print_json (root, TOOL_OK);
    }
    printf ("lock     %s\ntoken    %" PRIu64 "\nsession  %" PRIu64 "\nwaiters  %" PRIu64
            "\nstaged   %" PRIu64 " bytes\n",
            lock, info->token, info->session, info->waiters, info->staged);
    if (tool_table_rows (queue->table) > 0) {
        putchar ('\n');
        tool_table_print (queue->table, stdout);
    }
    return tool_flush (TOOL_OK);
}

static int
s_show (const tool_options_t *options, hf_client_t *client, const char *lock)
{
    listing_t queue = {NULL, NULL};
    if (options->json)
        queue.list = json_array ();
    else
        queue.table = tool_table_new (">PLACE|>SESSION");
    hf_lock_info_t info = {.lock = NULL};
    hf_status_t status =
        hf_query_lock (client, lock, &info, s_on_waiter, &queue, options->timeout_ms);
    int code;
    if (status == HF_NOT_FOUND)
        code = s_not_held (options, lock);
    else if (status != HF_OK)
        code = tool_fail (status, lock, "cannot show lock %s", lock);
    else
        code = s_print_lock (options, lock, &info, &queue);
    tool_table_destroy (&queue.table);
    json_decref (queue.list);
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
