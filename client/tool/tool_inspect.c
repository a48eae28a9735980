//  holdfast inspect: is a backup whole, and what is in it?

#include "client/tool/tool.h"
#include "client/tool/tool_backup_file.h"
#include "nodes/locks/hf_state.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char s_help[] =
    "usage: holdfast inspect [OPTION...] FILE\n"
    "\n"
    "Check every checksum in FILE, a backup, and say what is in it. Asks no node.\n"
    "\n"
    "Exit code 0: it is whole. 2: it is damaged, and the place is said, or it is no backup.\n"
    "74: it cannot be read.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: version, bytes, index, term, command,\n"
    "                        state_hash, members, sessions, locks, files: file, length, xxh64,\n"
    "                        checksum\n"
    "\n"
    "examples:\n"
    "  holdfast inspect /backups/holdfast\n"
    "  holdfast inspect --json /backups/holdfast | jq .command\n";

//  ---- reading ---------------------------------------------------------------------

/*  The state in the rows; NULL: they contradict each other. */
static hf_state_t *
s_load (const uint8_t *rows, size_t size)
{
    hf_state_t *state = hf_state_new ();
    hf_scan_t scan = hf_scan (rows, size);
    bool good = true;
    while (good && !hf_scan_at_end (&scan)) {
        hf_state_row_t row;
        good = hf_state_row_get (&scan, &row) && hf_state_load (state, row.key, row.value);
    }
    if (!good || !hf_state_loaded (state))
        hf_state_destroy (&state);
    return state;
}

/*  Check all of it. The state, or NULL after a line on stderr, with the exit code. */
static hf_state_t *
s_check (tool_backup_in_t *self, const char *path, int *code)
{
    uint8_t *rows = NULL;
    int rc = tool_backup_in_open (self, path);
    if (rc == 0)
        rc = tool_backup_in_check (self);
    if (rc != 0) {
        *code = tool_error (rc > 0 ? TOOL_REFUSED : TOOL_IO, "%s", self->error);
        return NULL;
    }
    if (hf_snapshot_rows (&self->snapshot, &rows) != 0) {
        *code = tool_error (TOOL_IO, "%s", self->snapshot.error);
        return NULL;
    }
    hf_state_t *state = s_load (rows, (size_t)self->snapshot.head.rows_size);
    free (rows);
    *code = state
                ? TOOL_OK
                : tool_error (TOOL_REFUSED, "%s is damaged: its rows contradict each other", path);
    return state;
}

//  ---- printing --------------------------------------------------------------------

static json_t *
s_members (const hf_state_head_t *head)
{
    json_t *members = json_array ();
    hf_roster_t roster = {.count = 0};
    bool good = head->roster.size == 0 || hf_roster_get (head->roster, &roster);
    assert (good); //  checked with the head
    for (uint32_t i = 0; i < roster.count; i++)
        json_array_append_new (members, json_integer (roster.members[i].node));
    return members;
}

static void
s_number (json_t *json, const char *key, uint64_t number)
{
    json_object_set_new (json, key, tool_json_number (number));
}

static int
s_print_json (const tool_backup_in_t *self, const hf_state_t *state)
{
    const hf_state_head_t *head = &self->snapshot.head;
    json_t *json = json_object (), *files = json_array ();
    s_number (json, "version", self->backup.version);
    s_number (json, "bytes", self->backup.file.total);
    s_number (json, "index", head->index);
    s_number (json, "term", head->term);
    s_number (json, "command", hf_state_command_index (state));
    json_object_set_new (json, "state_hash",
                         json_sprintf ("%016llx", (unsigned long long)hf_state_hash (state)));
    json_object_set_new (json, "members", s_members (head));
    s_number (json, "sessions", hf_state_sessions_count (state));
    s_number (json, "locks", hf_state_locks_count (state));
    hf_scan_t scan = hf_scan_list (head->files);
    for (uint32_t i = 0; i < head->files.count; i++) {
        hf_file_row_t row;
        bool good = hf_file_row_get (&scan, &row);
        assert (good); //  checked with the head
        json_t *name = json_stringn ((const char *)row.file.at, row.file.size);
        json_array_append_new (
            files,
            json_pack ("{s:o, s:o, s:o, s:o}", "file", name, "length",
                       tool_json_number (row.length), "xxh64", tool_json_sum (row.xxh64),
                       "checksum", json_sprintf ("%016llx", (unsigned long long)row.checksum)));
    }
    json_object_set_new (json, "files", files);
    return tool_print_json (json, TOOL_OK);
}

static void
s_print_files (const hf_state_head_t *head)
{
    tool_table_t *table = tool_table_new (">LENGTH|XXH64|FILE");
    hf_scan_t scan = hf_scan_list (head->files);
    for (uint32_t i = 0; i < head->files.count; i++) {
        hf_file_row_t row;
        bool good = hf_file_row_get (&scan, &row);
        assert (good); //  checked with the head
        char name[256] = "";
        memcpy (name, row.file.at, row.file.size); //  a valid name is shorter
        tool_table_number (table, row.length);
        tool_table_sum (table, row.xxh64);
        tool_table_text (table, name);
    }
    if (head->files.count > 0)
        tool_table_print (table, stdout);
    tool_table_destroy (&table);
}

static int
s_print (const tool_backup_in_t *self, const hf_state_t *state)
{
    const hf_state_head_t *head = &self->snapshot.head;
    hf_roster_t roster = {.count = 0};
    bool good = head->roster.size == 0 || hf_roster_get (head->roster, &roster);
    assert (good); //  checked with the head
    printf ("format     %" PRIu32 "\n", self->backup.version);
    printf ("bytes      %" PRIu64 "\n", self->backup.file.total);
    printf ("entry      %" PRIu64 " of term %" PRIu64 "\n", head->index, head->term);
    printf ("command    %" PRIu64 "\n", hf_state_command_index (state));
    printf ("state hash %016" PRIx64 "\n", hf_state_hash (state));
    printf ("members   ");
    for (uint32_t i = 0; i < roster.count; i++)
        printf (" %" PRIu32, roster.members[i].node);
    printf ("%s\n", roster.count == 0 ? " none" : "");
    printf ("sessions   %zu\n", hf_state_sessions_count (state));
    printf ("locks      %zu\n", hf_state_locks_count (state));
    printf ("files      %" PRIu32 "\n", head->files.count);
    s_print_files (head);
    return tool_flush (TOOL_OK);
}

static int
s_inspect (tool_options_t *options)
{
    int code;
    tool_backup_in_t *self = tool_alloc (sizeof *self);
    hf_state_t *state = s_check (self, options->args[0], &code);
    if (state)
        code = options->json ? s_print_json (self, state) : s_print (self, state);
    hf_state_destroy (&state);
    tool_backup_in_done (self);
    free (self);
    return code;
}

const tool_command_t tool_inspect = {.name = "inspect",
                                     .help = s_help,
                                     .options = TOOL_JSON,
                                     .least = 1,
                                     .most = 1,
                                     .missing = "which file? FILE is missing",
                                     .many = "one file at a time",
                                     .run = s_inspect};
