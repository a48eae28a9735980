//  The folder of a stopped node, opened as at a start and printed as one JSON object.

#include "nodes/hf_dump.h"
#include "nodes/hf_dump_copy.h"
#include "nodes/hf_dump_internal.h"
#include "nodes/store/hf_dir.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/snapshot/disk/hf_snapshot_stage.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#define ENTRIES_MAX 10000

//  ---- values --------------------------------------------------------------------------

json_t *
hf_dump_number (uint64_t number)
{
    char text[24];
    if (number <= INT64_MAX)
        return json_integer ((json_int_t)number);
    snprintf (text, sizeof text, "%" PRIu64, number);
    return json_string (text);
}

json_t *
hf_dump_hex (uint64_t number)
{
    char text[20];
    snprintf (text, sizeof text, "%016" PRIx64, number);
    return json_string (text);
}

json_t *
hf_dump_text (hf_span_t text)
{
    json_t *json = json_stringn ((const char *)text.at, text.size);
    if (json)
        return json;
    char plain[256];
    text.size = text.size < 255 ? text.size : 255;
    hf_file_store_disk_name (text, plain);
    return json_string (plain);
}

//  ---- the log -------------------------------------------------------------------------

static void
s_add_run (void *arg, uint64_t first_index, uint64_t term)
{
    json_array_append_new (arg, json_pack ("{s:o, s:o}", "first", hf_dump_number (first_index),
                                           "term", hf_dump_number (term)));
}

static json_t *
s_members (hf_span_t payload)
{
    hf_roster_t roster;
    uint32_t count = hf_roster_get (payload, &roster) ? roster.count : 0;
    json_t *members = json_array ();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new (members, json_pack ("{s:i, s:o}", "node",
                                                   (int)roster.members[i].node, "incarnation",
                                                   hf_dump_hex (roster.members[i].incarnation)));
    return members;
}

static void
s_add_roster (void *arg, uint64_t index, hf_span_t payload)
{
    json_array_append_new (arg, json_pack ("{s:o, s:o}", "index", hf_dump_number (index), "members",
                                           s_members (payload)));
}

static json_t *
s_node (const hf_log_store_t *log)
{
    const char *list;
    uint64_t life;
    const hf_log_state_t *state = hf_log_store_state (log);
    uint32_t id = hf_log_store_bound (log, &list);
    return json_pack ("{s:i, s:s, s:o, s:o, s:o, s:i, s:o}", "id", (int)id, "cluster", list,
                      "incarnation", hf_dump_hex (hf_log_store_incarnation (log)), "starts",
                      hf_dump_number (hf_log_store_start (log, &life)), "term",
                      hf_dump_number (state->term), "voted_for", (int)state->voted_for.node,
                      "voted_incarnation", hf_dump_hex (state->voted_for.incarnation));
}

static json_t *
s_log (hf_log_store_t *log)
{
    json_t *runs = json_array ();
    json_t *rosters = json_array ();
    const hf_log_state_t *state = hf_log_store_state (log);
    hf_log_store_spans (log, s_add_run, runs);
    hf_log_store_rosters (log, s_add_roster, rosters);
    return json_pack ("{s:o, s:o, s:o, s:o, s:o, s:o}", "base_index",
                      hf_dump_number (state->base_index), "base_term",
                      hf_dump_number (state->base_term), "first",
                      hf_dump_number (state->base_index + 1), "last",
                      hf_dump_number (state->last_index), "rosters", rosters, "terms", runs);
}

//  ---- entries after the state ----------------------------------------------------------

static json_t *
s_type (uint32_t type)
{
    switch (type) {
    case HF_ENTRY_OPEN_TERM:
        return json_string ("OPEN_TERM");
    case HF_ENTRY_COMMANDS:
        return json_string ("COMMANDS");
    case HF_ENTRY_ROSTER:
        return json_string ("ROSTER");
    default:
        return json_integer (type);
    }
}

static json_t *
s_commands (const hf_entry_t *entry)
{
    json_t *names = json_array ();
    hf_list_t commands = {.count = 0};
    if (entry->type != HF_ENTRY_COMMANDS)
        return names;
    if (hf_payload_get (entry->payload, &commands) != HF_OK)
        json_array_append_new (names, json_string ("MALFORMED"));
    hf_scan_t scan = hf_scan_list (commands);
    for (uint32_t i = 0; i < commands.count && !scan.bad; i++) {
        json_array_append_new (names, json_string (hf_kind_name (hf_scan_kind (&scan))));
        hf_scan_skip (&scan, 1);
    }
    return names;
}

static void
s_add_entries (json_t *entries, uint64_t index, hf_list_t list)
{
    hf_scan_t scan = hf_scan_list (list);
    hf_entry_t entry;
    while (!hf_scan_at_end (&scan) && hf_entry_get (&scan, &entry))
        json_array_append_new (
            entries, json_pack ("{s:o, s:o, s:o, s:o, s:i}", "index", hf_dump_number (index++),
                                "term", hf_dump_number (entry.term), "type", s_type (entry.type),
                                "commands", s_commands (&entry), "bytes", (int)entry.payload.size));
}

/*  The entries after INDEX. One node cannot know whether they are committed. */
static int
s_entries (hf_log_store_t *log, uint64_t index, json_t *json, char *error)
{
    uint64_t next = hf_log_store_state (log)->base_index + 1;
    uint64_t last = hf_log_store_state (log)->last_index;
    next = next > index ? next : index + 1;
    bool more = last >= next && last - next >= ENTRIES_MAX;
    last = more ? next + ENTRIES_MAX - 1 : last;
    json_t *entries = json_array ();
    json_object_set_new (json, "entries_after", entries);
    hf_pack_t pack;
    hf_pack_init (&pack);
    int count = 1;
    while (next <= last && count > 0) {
        hf_pack_reset (&pack);
        count = hf_log_store_read (log, next, last, HF_FRAME_MAX, &pack);
        if (count > 0)
            s_add_entries (entries, next, hf_pack_list (&pack));
        next += count > 0 ? (uint64_t)count : 0;
    }
    hf_pack_done (&pack);
    json_object_set_new (json, "more", json_boolean (more));
    return count < 0 ? hf_error_set (error, "%s", hf_log_store_error (log)) : 0;
}

//  ---- files ---------------------------------------------------------------------------

static json_t *
s_files (hf_file_store_t *store, char *error)
{
    json_t *files = json_array ();
    hf_pack_t rows;
    hf_pack_init (&rows);
    if (hf_file_store_all_rows (store, &rows) != 0) {
        hf_error_set (error, "%s", hf_file_store_error (store));
        json_decref (files);
        files = NULL;
    }
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_file_row_t row;
    while (files && !hf_scan_at_end (&scan) && hf_file_row_get (&scan, &row)) {
        char disk[256];
        if (hf_file_store_recorded_name (store, row.file, disk) != 0)
            snprintf (disk, sizeof disk, "?");
        json_array_append_new (files,
                               json_pack ("{s:o, s:s, s:o, s:o}", "name", hf_dump_text (row.file),
                                          "disk", disk, "length", hf_dump_number (row.length),
                                          "checksum", hf_dump_hex (row.checksum)));
    }
    hf_pack_done (&rows);
    return files;
}

//  ---- the folder ------------------------------------------------------------------------

/*  A missing database is not created. */
static int
s_add_state (const char *dir, json_t *json, uint64_t *index, char *error)
{
    if (!hf_dir_has (dir, "state.db"))
        return json_object_set_new (json, "state", json_null ());
    hf_state_store_t *store = hf_state_store_open (dir, error);
    if (!store)
        return -1;
    *index = hf_state_store_index (store);
    json_t *state = hf_dump_state (store, error);
    hf_state_store_close (&store);
    return state ? json_object_set_new (json, "state", state) : -1;
}

/*  CHECKED: as they are on disk; else as they are recorded. */
static int
s_add_files (const char *dir, json_t *json, bool checked, char *error)
{
    if (!hf_dir_has (dir, "files.db"))
        return json_object_set_new (json, "files", json_array ());
    hf_file_store_t *store =
        checked ? hf_file_store_open (dir, error) : hf_file_store_look (dir, error);
    if (!store)
        return -1;
    json_t *files = s_files (store, error);
    json_object_set_new (json, "files_applied", hf_dump_number (hf_file_store_applied (store)));
    hf_file_store_close (&store);
    return files ? json_object_set_new (json, "files", files) : -1;
}

static int
s_add_all (const char *dir, json_t *json, bool checked, char *error)
{
    hf_log_store_t *log = hf_log_store_open (dir, error);
    if (!log)
        return -1;
    uint64_t index = 0;
    json_object_set_new (json, "node", s_node (log));
    json_object_set_new (json, "log", s_log (log));
    int rc = s_add_state (dir, json, &index, error);
    if (rc == 0)
        rc = s_entries (log, index, json, error);
    if (rc == 0)
        rc = s_add_files (dir, json, checked, error);
    hf_log_store_close (&log);
    return rc;
}

static int
s_print (const json_t *json, FILE *out, char *error)
{
    if (json_dumpf (json, out, JSON_INDENT (2)) == 0 && fputc ('\n', out) != EOF &&
        fflush (out) == 0)
        return 0;
    return hf_error_set (error, "the dump cannot be written");
}

/*  Nothing is written there: the files are not looked at. */
static int
s_add_copy (const char *dir, json_t *json, char *error)
{
    char copy[PATH_MAX];
    int rc = hf_dump_copy (dir, copy, error);
    if (rc == 0)
        rc = s_add_all (copy, json, false, error);
    hf_dump_copy_remove (copy);
    return rc;
}

static int
s_add_here (const char *dir, json_t *json, char *error)
{
    hf_dir_t *lock = hf_dir_open (dir, error);
    int rc = lock ? s_add_all (dir, json, true, error) : -1;
    hf_dir_close (&lock);
    return rc;
}

int
hf_dump (const char *dir, FILE *out)
{
    char error[HF_ERROR_SIZE] = "";
    int rc = -1;
    if (!hf_dir_has (dir, "log.db")) {
        hf_error_set (error, "%s holds no data of a node: there is no log.db in it", dir);
    } else {
        json_t *json = json_object ();
        bool copied = hf_dump_needs_copy (dir);
        rc = copied ? s_add_copy (dir, json, error) : s_add_here (dir, json, error);
        json_object_set_new (json, "files_checked", json_boolean (!copied));
        //  A received snapshot that the next start would swap in.
        json_object_set_new (json, "state_to_install",
                             json_boolean (hf_dir_has (dir, HF_STAGE_READY)));
        if (rc == 0)
            rc = s_print (json, out, error);
        json_decref (json);
    }
    if (rc != 0)
        fprintf (stderr, "holdfastd: %s\n", error);
    return rc == 0 ? 0 : 1;
}
