//  holdfast cat and holdfast ls: what is in the replicated files.

#include "client/tool/tool.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK          HF_DATA_MAX
#define FOLLOW_WAIT_MS 300

static const char s_help_cat[] =
    "usage: holdfast cat [OPTION...] FILE\n"
    "\n"
    "Print FILE to standard output: every section that was released before this command\n"
    "began is in it, whole.\n"
    "\n"
    "options:\n"
    "      --offset N        begin at byte N, counted from 0\n"
    "      --length N        at most N bytes\n"
    "  -f, --follow          go on with what is appended, until interrupted\n"
    "      --json            print JSON: file, offset, size, total, and data as text, or\n"
    "                        data_base64 when it is not UTF-8\n"
    "      --stale           ask any node, which may not have all of it, not the "
    "leader\n" TOOL_HELP_QUERY "  holdfast cat ledger\n"
    "  holdfast cat --offset 4096 --length 100 ledger\n"
    "  holdfast cat -f journal\n";

static const char s_help_ls[] =
    "usage: holdfast ls [OPTION...]\n"
    "\n"
    "List the files with their length in bytes and their XXH64, which is the same on every\n"
    "node, and what `xxhsum -H64` prints for a copy. \"-\": a node of an older release answered.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: files: file, length, xxh64 (null: not told),\n"
    "                        checksum (FNV-1a)\n"
    "      --stale           ask any node, which may be behind, instead of the "
    "leader\n" TOOL_HELP_QUERY "  holdfast ls\n"
    "  holdfast ls --json | jq -r '.files[].file'\n";

typedef struct cat {
    const tool_options_t *options;
    const char *file;
    uint8_t *whole; //  for JSON: everything that was read
    size_t whole_size;
} cat_t;

//  ---- cat -----------------------------------------------------------------------

static int
s_put (cat_t *self, const uint8_t *chunk, size_t size)
{
    if (!self->options->json)
        return fwrite (chunk, 1, size, stdout) == size ? TOOL_OK : tool_flush (TOOL_IO);
    self->whole = tool_alloc_again (self->whole, self->whole_size + size);
    memcpy (self->whole + self->whole_size, chunk, size);
    self->whole_size += size;
    return TOOL_OK;
}

/*  From *at until END, or until the file's end as of the first answer. */
static int
s_print_range (cat_t *self, hf_client_t *client, uint8_t *chunk, uint64_t *at, uint64_t end,
               uint64_t *total)
{
    bool first = true;
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    query.stale = self->options->stale;
    for (;;) {
        size_t size = end - *at < CHUNK ? (size_t)(end - *at) : CHUNK;
        uint64_t now_total = 0;
        hf_status_t status = hf_read_as (client, self->file, &query, *at, chunk, &size, &now_total,
                                         self->options->timeout_ms);
        if (status == HF_NOT_FOUND)
            return tool_error (TOOL_REFUSED, "there is no file %s (see: holdfast ls)", self->file);
        if (status != HF_OK)
            return tool_fail (status, NULL, "cannot read %s", self->file);
        if (first) {
            *total = now_total;
            end = end < now_total ? end : now_total;
            first = false;
        }
        int code = s_put (self, chunk, size);
        if (code != TOOL_OK)
            return code;
        *at += size;
        if (size == 0 || *at >= end)
            return TOOL_OK;
    }
}

static int
s_print_json (cat_t *self, uint64_t total)
{
    json_t *root =
        json_pack ("{s:s, s:o, s:o, s:o}", "file", self->file, "offset",
                   tool_json_number (self->options->offset), "size",
                   tool_json_number (self->whole_size), "total", tool_json_number (total));
    const char *bytes = self->whole ? (const char *)self->whole : "";
    json_t *text = json_stringn (bytes, self->whole_size);
    if (text)
        json_object_set_new (root, "data", text);
    else {
        char *base64 = tool_base64 (bytes, self->whole_size);
        json_object_set_new (root, "data_base64", json_string (base64));
        free (base64);
    }
    return tool_print_json (root, TOOL_OK);
}

/*  Wait for so long. False: standard output is a pipe that nobody reads any more. */
static bool
s_has_reader (int wait_ms)
{
    struct pollfd out = {.fd = STDOUT_FILENO}; //  POLLERR comes unasked
    return poll (&out, 1, wait_ms) <= 0 || (out.revents & POLLERR) == 0;
}

static int
s_follow (cat_t *self, hf_client_t *client, uint8_t *chunk, uint64_t at, uint64_t end)
{
    uint64_t total;
    int code = TOOL_OK;
    while (code == TOOL_OK && at < end) {
        code = tool_flush (code);
        if (!s_has_reader (FOLLOW_WAIT_MS))
            return TOOL_SIGNALLED + SIGPIPE; //  as if it had written
        if (code == TOOL_OK)
            code = s_print_range (self, client, chunk, &at, end, &total);
    }
    return code;
}

static int
s_cat (tool_options_t *options, hf_client_t *client)
{
    if (options->follow && options->json)
        return tool_misuse (options, "--follow and --json do not go together");
    cat_t self = {.options = options, .file = options->args[0]};
    uint8_t *chunk = tool_alloc (CHUNK);
    uint64_t at = options->offset, total = 0;
    uint64_t end = options->length < UINT64_MAX - at ? at + options->length : UINT64_MAX;
    int code = s_print_range (&self, client, chunk, &at, end, &total);
    if (code == TOOL_OK && options->json)
        code = s_print_json (&self, total);
    else if (code == TOOL_OK && options->follow)
        code = s_follow (&self, client, chunk, at, end);
    else
        code = code == TOOL_OK ? tool_flush (code) : code;
    free (chunk);
    free (self.whole);
    return code;
}

const tool_command_t tool_cat = {.name = "cat",
                                 .help = s_help_cat,
                                 .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_STALE | TOOL_CAT,
                                 .least = 1,
                                 .most = 1,
                                 .missing = "which file? FILE is missing",
                                 .many = "one file at a time",
                                 .ask = s_cat};

//  ---- ls ------------------------------------------------------------------------

typedef struct listing {
    tool_table_t *table;
    json_t *files;
} listing_t;

static void
s_on_file (void *arg, const hf_file_info_t *info)
{
    listing_t *self = arg;
    if (self->table) {
        tool_table_number (self->table, info->length);
        tool_table_sum (self->table, info->xxh64);
        tool_table_text (self->table, info->file);
        return;
    }
    json_array_append_new (
        self->files,
        json_pack ("{s:s, s:o, s:o, s:o}", "file", info->file, "length",
                   tool_json_number (info->length), "xxh64", tool_json_sum (info->xxh64),
                   "checksum", json_sprintf ("%016llx", (unsigned long long)info->checksum)));
}

static int
s_ls (tool_options_t *options, hf_client_t *client)
{
    listing_t self = {.files = options->json ? json_array () : NULL};
    if (!options->json)
        self.table = tool_table_new (">LENGTH|XXH64|FILE");
    hf_query_options_t query = HF_QUERY_OPTIONS_INIT;
    query.stale = options->stale;
    hf_status_t status = hf_query_files_as (client, &query, s_on_file, &self, options->timeout_ms);
    int code = status == HF_OK ? tool_print (self.table, "files", self.files)
                               : tool_fail (status, NULL, "cannot list the files");
    tool_table_destroy (&self.table);
    json_decref (self.files);
    return code;
}

const tool_command_t tool_ls = {.name = "ls",
                                .help = s_help_ls,
                                .options = TOOL_TIMEOUT | TOOL_JSON | TOOL_STALE | TOOL_LS,
                                .many = "takes no argument",
                                .ask = s_ls};
