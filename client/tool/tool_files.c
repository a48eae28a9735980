//  holdfast files and holdfast read: what is in the replicated files.

#include "client/tool/tool.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK          HF_DATA_MAX
#define FOLLOW_WAIT_MS 300

enum { OPT_OFFSET = TOOL_OPT_OWN, OPT_LENGTH };

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
    "      --timeout TIME    how long to wait for an answer (default 10s)\n"
    "      --endpoints LIST  the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  holdfast cat ledger\n"
    "  holdfast cat --offset 4096 --length 100 ledger\n"
    "  holdfast cat -f journal\n";

static const char s_help_ls[] =
    "usage: holdfast ls [OPTION...]\n"
    "\n"
    "List the files with their length in bytes and their checksum, which is the same on\n"
    "every node.\n"
    "\n"
    "options:\n"
    "      --json            print JSON: files: file, length, checksum\n"
    "      --timeout TIME    how long to wait for an answer (default 10s)\n"
    "      --endpoints LIST  the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  holdfast ls\n"
    "  holdfast ls --json | jq -r '.files[].file'\n";

typedef struct cat {
    tool_options_t options;
    const char *file;
    uint64_t offset;
    uint64_t length; //  UINT64_MAX: to the end
    bool follow;
    uint8_t *whole; //  for JSON: everything that was read
    size_t whole_size;
} cat_t;

//  ---- cat -----------------------------------------------------------------------

static int
s_put (cat_t *self, const uint8_t *chunk, size_t size)
{
    if (!self->options.json)
        return fwrite (chunk, 1, size, stdout) == size ? TOOL_OK : tool_flush (TOOL_IO);
    uint8_t *whole = tool_alloc (self->whole_size + size);
    if (self->whole_size > 0)
        memcpy (whole, self->whole, self->whole_size);
    memcpy (whole + self->whole_size, chunk, size);
    free (self->whole);
    self->whole = whole;
    self->whole_size += size;
    return TOOL_OK;
}

/*  From *at until END, or until the file's end as of the first answer. */
static int
s_print_range (cat_t *self, hf_client_t *client, uint8_t *chunk, uint64_t *at, uint64_t end,
               uint64_t *total)
{
    bool first = true;
    for (;;) {
        size_t size = end - *at < CHUNK ? (size_t)(end - *at) : CHUNK;
        uint64_t now_total = 0;
        hf_status_t status =
            hf_read (client, self->file, *at, chunk, &size, &now_total, self->options.timeout_ms);
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
    json_t *root = json_object ();
    json_object_set_new (root, "file", json_string (self->file));
    json_object_set_new (root, "offset", tool_json_number (self->offset));
    json_object_set_new (root, "size", tool_json_number (self->whole_size));
    json_object_set_new (root, "total", tool_json_number (total));
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

static int
s_follow (cat_t *self, hf_client_t *client, uint8_t *chunk, uint64_t at, uint64_t end)
{
    const struct timespec wait = {.tv_nsec = FOLLOW_WAIT_MS * 1000000L};
    uint64_t total;
    int code = TOOL_OK;
    while (code == TOOL_OK && at < end) {
        code = tool_flush (code);
        nanosleep (&wait, NULL);
        if (code == TOOL_OK)
            code = s_print_range (self, client, chunk, &at, end, &total);
    }
    return code;
}

static int
s_cat (cat_t *self)
{
    hf_client_t *client = tool_client_new ();
    if (!client)
        return TOOL_USAGE;
    uint8_t *chunk = tool_alloc (CHUNK);
    uint64_t at = self->offset;
    uint64_t total = 0;
    uint64_t end = self->length < UINT64_MAX - at ? at + self->length : UINT64_MAX;
    int code = s_print_range (self, client, chunk, &at, end, &total);
    if (code == TOOL_OK && self->options.json)
        code = s_print_json (self, total);
    else if (code == TOOL_OK && self->follow)
        code = s_follow (self, client, chunk, at, end);
    else
        code = code == TOOL_OK ? tool_flush (code) : code;
    free (chunk);
    free (self->whole);
    hf_client_destroy (&client);
    return code;
}

static int
s_cat_number (const char *what, uint64_t *number)
{
    if (tool_parse_number (optarg, number))
        return -1;
    return tool_misuse ("cat", "%s: '%s' is not a number", what, optarg);
}

static int
s_cat_option (cat_t *self, int option, char **argv)
{
    switch (option) {
    case OPT_OFFSET:
        return s_cat_number ("--offset", &self->offset);
    case OPT_LENGTH:
        return s_cat_number ("--length", &self->length);
    case 'f':
        self->follow = true;
        return -1;
    default:
        return tool_options_take (&self->options, option, argv);
    }
}

int
tool_cat (int argc, char **argv)
{
    static const struct option options[] = {TOOL_OPTIONS_COMMON,
                                            TOOL_OPTIONS_QUERY,
                                            {"offset", required_argument, NULL, OPT_OFFSET},
                                            {"length", required_argument, NULL, OPT_LENGTH},
                                            {"follow", no_argument, NULL, 'f'},
                                            {NULL, 0, NULL, 0}};
    cat_t self = {.length = UINT64_MAX};
    tool_options_init (&self.options, "cat", s_help_cat);
    for (int option; (option = getopt_long (argc, argv, ":hVf", options, NULL)) != -1;) {
        int code = s_cat_option (&self, option, argv);
        if (code >= 0)
            return code;
    }
    if (argc - optind != 1)
        return tool_misuse ("cat",
                            argc == optind ? "which file? FILE is missing" : "one file at a time");
    if (self.follow && self.options.json)
        return tool_misuse ("cat", "--follow and --json do not go together");
    self.file = argv[optind];
    return s_cat (&self);
}

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
        tool_table_hex (self->table, info->checksum);
        tool_table_text (self->table, info->file);
        return;
    }
    json_t *file = json_object ();
    json_object_set_new (file, "file", json_string (info->file));
    json_object_set_new (file, "length", tool_json_number (info->length));
    json_object_set_new (file, "checksum",
                         json_sprintf ("%016llx", (unsigned long long)info->checksum));
    json_array_append_new (self->files, file);
}

static int
s_ls (const tool_options_t *options)
{
    hf_client_t *client = tool_client_new ();
    if (!client)
        return TOOL_USAGE;
    listing_t self = {NULL, NULL};
    if (options->json)
        self.files = json_array ();
    else
        self.table = tool_table_new (">LENGTH|CHECKSUM|FILE");
    hf_status_t status = hf_query_files (client, s_on_file, &self, options->timeout_ms);
    int code = TOOL_OK;
    if (status != HF_OK)
        code = tool_fail (status, NULL, "cannot list the files");
    else if (options->json)
        code = tool_print_json (json_pack ("{s:O}", "files", self.files), TOOL_OK);
    else {
        tool_table_print (self.table, stdout);
        code = tool_flush (TOOL_OK);
    }
    tool_table_destroy (&self.table);
    json_decref (self.files);
    hf_client_destroy (&client);
    return code;
}

int
tool_ls (int argc, char **argv)
{
    static const struct option options[] = {
        TOOL_OPTIONS_COMMON, TOOL_OPTIONS_QUERY, {NULL, 0, NULL, 0}};
    tool_options_t self;
    tool_options_init (&self, "ls", s_help_ls);
    for (int option; (option = getopt_long (argc, argv, ":hVl", options, NULL)) != -1;) {
        int code = option == 'l' ? -1 : tool_options_take (&self, option, argv);
        if (code >= 0)
            return code;
    }
    if (optind < argc)
        return tool_misuse ("ls", "takes no argument");
    return s_ls (&self);
}
