//  What is asked for: names, a mode, and for whom.

#include "client/tool/tool_wants.h"
#include "base/hf_span.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void
s_title (tool_wants_t *self)
{
    const char *first = self->list[0].lock;
    if (self->count == 1)
        snprintf (self->title, sizeof self->title, "%s", first);
    else if (self->count == 2)
        snprintf (self->title, sizeof self->title, "%s and %s", first, self->list[1].lock);
    else
        snprintf (self->title, sizeof self->title, "%s and %zu more", first, self->count - 1);
}

/*  The mode; -1, or the exit code. */
static int
s_mode (const tool_options_t *options, hf_want_t *want)
{
    bool shared = options->shared || options->limit > 0;
    if (options->units > 0 && options->limit == 0)
        return tool_misuse (options, "--units says how many of --limit: give both");
    if (options->units > options->limit)
        return tool_misuse (options, "--units %" PRIu64 " is more than --limit %" PRIu64,
                            options->units, options->limit);
    if (options->limit > UINT32_MAX)
        return tool_misuse (options, "--limit must be at most %" PRIu32, UINT32_MAX);
    if (shared && options->exclusive)
        return tool_misuse (options, "a lock is exclusive (-x) or shared (-s, --limit), not both");
    if (shared)
        *want = (hf_want_t){.mode = HF_MODE_SHARED,
                            .units = options->units > 0 ? (uint32_t)options->units : 1,
                            .limit = (uint32_t)options->limit};
    return -1;
}

static int
s_note (const tool_options_t *options)
{
    size_t size = options->note ? strlen (options->note) : 0;
    if (size > HF_NOTE_MAX)
        return tool_misuse (options, "--note has %zu bytes; at most %d are kept", size,
                            HF_NOTE_MAX);
    if (size > 0 && !hf_text_valid (hf_span (options->note, size)))
        return tool_misuse (options, "--note must be UTF-8 without control characters");
    return -1;
}

int
tool_wants_read (tool_wants_t *self, const tool_options_t *options, char **names, size_t count)
{
    assert (count > 0);
    hf_want_t want = {.mode = HF_MODE_EXCLUSIVE};
    int code = s_mode (options, &want);
    if (code < 0)
        code = s_note (options);
    if (code >= 0)
        return code;
    if (count > TOOL_NAMES_MAX)
        return tool_misuse (options, "%zu names; at most %u locks are taken at once", count,
                            TOOL_NAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            if (strcmp (names[i], names[j]) == 0)
                return tool_misuse (options, "lock %s is named twice", names[i]);
        self->list[i] = want;
        self->list[i].lock = names[i];
    }
    self->count = count;
    s_title (self);
    return -1;
}

void
tool_wants_one (tool_wants_t *self, const char *name)
{
    self->list[0] = (hf_want_t){.lock = name, .mode = HF_MODE_EXCLUSIVE};
    self->count = 1;
    s_title (self);
}

uint64_t
tool_wants_outer (const tool_options_t *options)
{
    uint64_t session = 0;
    const char *text = options->elsewhere ? NULL : getenv ("HOLDFAST_SESSION");
    return text && tool_parse_number (text, &session) ? session : 0;
}
