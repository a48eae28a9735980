//  holdfast backup: the whole state of the cluster, from one node, into a file.

#include "client/tool/tool.h"
#include "client/tool/tool_backup_file.h"
#include "msgs/hf_limits.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHUNK       HF_DATA_MAX
#define AGAIN_MS    50   //  after BUSY
#define PROGRESS_MS 500  //  between two lines
#define TRY_MS      2000 //  for a node, when there are others

static const char s_help[] =
    "usage: holdfast backup [OPTION...] FILE\n"
    "\n"
    "Write the whole state of the cluster to FILE: locks, sessions and files, all as of one\n"
    "command, with everything in it that was complete before this command began. The cluster\n"
    "serves meanwhile; a node that does not lead is asked, if there is one.\n"
    "\n"
    "FILE has that name only when it is whole, on disk and checked; until then it is FILE.part.\n"
    "One that was there is replaced. '-' is standard output, which is not checked again.\n"
    "\n"
    "Exit code 0: the backup is there, whole. 69: no node gave it. 74: it could not be written.\n"
    "See inspect, and holdfastd --restore.\n"
    "\n"
    "options:\n"
    "      --node ID         ask this node\n"
    "      --stale           what the node has, even if it is behind or there is no leader\n"
    "      --progress        say how far it is, on standard error, also when that is no\n"
    "                        terminal\n" TOOL_HELP_QUERY "  holdfast backup /backups/holdfast\n"
    "  holdfast backup --node 3 - | gzip > holdfast.gz\n";

typedef struct backup {
    const tool_options_t *options;
    hf_client_t *client;
    const char *path;
    uint64_t least; //  the command that must be in it
    uint32_t node;
    hf_backup_info_t info;
    uint8_t *chunk;
    size_t size; //  of what is in it
    tool_backup_out_t out;
    bool terminal; //  of the progress
    uint64_t said_ms;
} backup_t;

//  ---- progress --------------------------------------------------------------------

static void
s_progress (backup_t *self, uint64_t done)
{
    char line[160];
    bool whole = done == self->info.total;
    uint64_t now = tool_now_ms ();
    if ((!self->terminal && !self->options->progress) ||
        (now < self->said_ms + PROGRESS_MS && !whole))
        return;
    self->said_ms = now;
    double percent = self->info.total > 0 ? 100.0 * (double)done / (double)self->info.total : 100;
    snprintf (line, sizeof line,
              "%sholdfast: backup of node %" PRIu32 " as of command %" PRIu64 ": %" PRIu64
              " of %" PRIu64 " bytes, %.0f %%%s",
              self->terminal ? "\r" : "", self->node, self->info.index, done, self->info.total,
              percent, self->terminal && !whole ? "" : "\n");
    tool_line (line);
}

//  ---- which node ------------------------------------------------------------------

/*  Ask NODE to begin, again while it is BUSY. */
static hf_status_t
s_begin (backup_t *self, uint32_t node, uint32_t limit_ms)
{
    const struct timespec wait = {.tv_nsec = AGAIN_MS * 1000000L};
    uint64_t end = tool_now_ms () + limit_ms;
    for (;;) {
        uint64_t now = tool_now_ms ();
        self->info.number = 0;
        self->size = CHUNK;
        hf_status_t status =
            hf_backup_read (self->client, node, &self->info, self->least, self->chunk, &self->size,
                            now < end ? (uint32_t)(end - now) : 1);
        self->node = node;
        if (status != HF_BUSY || now >= end)
            return status;
        nanosleep (&wait, NULL);
    }
}

/*  Nodes that do not lead first, then the leader. */
static hf_status_t
s_begin_any (backup_t *self, uint32_t leader)
{
    uint32_t ids[HF_MEMBERS_MAX];
    size_t count = hf_client_nodes (self->client, ids);
    hf_status_t status = HF_UNREACHABLE;
    for (size_t i = count; i-- > 0 && status != HF_OK;)
        if (ids[i] != leader)
            status = s_begin (self, ids[i], TRY_MS);
    if (status != HF_OK && leader > 0)
        status = s_begin (self, leader, self->options->timeout_ms);
    return status;
}

static bool
s_known (const backup_t *self, uint64_t node)
{
    uint32_t ids[HF_MEMBERS_MAX];
    size_t count = hf_client_nodes (self->client, ids);
    for (size_t i = 0; i < count; i++)
        if (ids[i] == node)
            return true;
    return false;
}

/*  The list may be old: the client goes by what it is told. If nobody tells it, the list must do.
 */
static void
s_learn_members (const backup_t *self)
{
    hf_query_options_t any = HF_QUERY_OPTIONS_INIT;
    any.stale = true;
    hf_query_members (self->client, &any, NULL, NULL, NULL, TRY_MS);
}

static int
s_choose (backup_t *self)
{
    hf_leader_info_t leader = {.id = 0};
    hf_status_t status = HF_OK;
    if (!self->options->stale)
        status = hf_query_leader (self->client, &leader, self->options->timeout_ms);
    if (status != HF_OK)
        return tool_fail (status, NULL, "no backup");
    s_learn_members (self);
    if (self->options->node > 0 && !s_known (self, self->options->node))
        return tool_misuse (self->options, "--node: the nodes do not include %" PRIu64,
                            self->options->node);
    self->least = leader.index;
    if (self->options->node > 0)
        status = s_begin (self, (uint32_t)self->options->node, self->options->timeout_ms);
    else
        status = s_begin_any (self, leader.id);
    if (status == HF_BUSY)
        return tool_error (TOOL_UNREACHABLE,
                           "no backup: node %" PRIu32 " is far behind, or another client backs it "
                           "up; try again later, or another --node",
                           self->node);
    return status == HF_OK ? TOOL_OK : tool_fail (status, NULL, "no backup");
}

//  ---- the bytes -------------------------------------------------------------------

static int
s_next (backup_t *self, uint64_t offset)
{
    self->size = CHUNK;
    hf_status_t status = hf_backup_read (self->client, self->node, &self->info, offset, self->chunk,
                                         &self->size, self->options->timeout_ms);
    if (status == HF_OK && self->size > 0)
        return TOOL_OK;
    if (status == HF_NOT_FOUND)
        return tool_error (TOOL_UNREACHABLE,
                           "the backup is not finished: node %" PRIu32
                           " started again, or was asked for nothing for some seconds; begin anew",
                           self->node);
    if (status == HF_OK)
        status = HF_MALFORMED;
    return tool_fail (status, NULL, "the backup is not finished: node %" PRIu32, self->node);
}

static int
s_write (backup_t *self)
{
    if (tool_backup_out_begin (&self->out, self->path, self->info.total) != 0)
        return tool_error (TOOL_IO, "%s", self->out.error);
    for (uint64_t done = 0;;) {
        if (tool_backup_out_put (&self->out, self->chunk, self->size) != 0)
            return tool_error (TOOL_IO, "%s", self->out.error);
        done += self->size;
        s_progress (self, done);
        if (done == self->info.total)
            break;
        int code = s_next (self, done);
        if (code != TOOL_OK)
            return code;
    }
    return tool_backup_out_finish (&self->out) == 0 ? TOOL_OK
                                                    : tool_error (TOOL_IO, "%s", self->out.error);
}

static int
s_backup (tool_options_t *options, hf_client_t *client)
{
    backup_t *self = tool_alloc (sizeof *self);
    self->options = options;
    self->client = client;
    self->path = options->args[0];
    self->terminal = isatty (STDERR_FILENO);
    int code = TOOL_OK;
    if (strcmp (self->path, "-") == 0 && isatty (STDOUT_FILENO))
        code = tool_misuse (options, "standard output is a terminal: name a file");
    self->chunk = tool_alloc (CHUNK);
    if (code == TOOL_OK)
        code = s_choose (self);
    if (code == TOOL_OK) {
        code = s_write (self);
        tool_backup_out_done (&self->out);
    }
    free (self->chunk);
    free (self);
    return code;
}

const tool_command_t tool_backup = {.name = "backup",
                                    .help = s_help,
                                    .options = TOOL_TIMEOUT | TOOL_STALE | TOOL_BACKUP,
                                    .least = 1,
                                    .most = 1,
                                    .missing = "to which file? FILE is missing",
                                    .many = "one file at a time",
                                    .ask = s_backup};
