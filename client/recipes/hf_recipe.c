//  What the recipes share: names, limits in time, files of numbers.

#include "client/recipes/hf_recipe.h"
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

char *
hf_recipe_name (const char *name, const char *suffix)
{
    size_t size = strlen (name), more = strlen (suffix) + 1;
    char *copy = hf_alloc (size + more);
    memcpy (copy, name, size);
    memcpy (copy + size, suffix, more);
    return copy;
}

static uint64_t
s_now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t
hf_recipe_until_ms (uint32_t limit_ms)
{
    return limit_ms == HF_FOREVER ? UINT64_MAX : s_now_ms () + limit_ms;
}

uint32_t
hf_recipe_left_ms (uint64_t until_ms)
{
    if (until_ms == UINT64_MAX)
        return HF_FOREVER;
    uint64_t now_ms = s_now_ms ();
    return now_ms < until_ms ? (uint32_t)(until_ms - now_ms) : 0;
}

hf_status_t
hf_recipe_release (hf_session_t *session, const char *name, hf_grant_t *grant, uint32_t limit_ms)
{
    if (grant->token == 0)
        return HF_NOT_HOLDER;
    hf_status_t status = hf_release (session, name, grant->token, limit_ms);
    if (status != HF_INVALID && status != HF_LIMIT)
        *grant = (hf_grant_t){0, 0};
    return status;
}

static void
s_ignore (void *arg, const hf_result_t *result)
{
    (void)arg;
    (void)result;
}

void
hf_recipe_drop (hf_session_t *session, const char *name, uint64_t token)
{
    hf_submit_cancel (session, name, token, s_ignore, NULL);
}

hf_status_t
hf_recipe_lines (hf_client_t *client, const char *file, uint64_t *lines, uint32_t limit_ms)
{
    size_t none = 0;
    uint64_t total = 0;
    hf_status_t status = hf_read (client, file, 0, NULL, &none, &total, limit_ms);
    *lines = status == HF_OK ? total / HF_LINE_SIZE : 0;
    return status == HF_NOT_FOUND ? HF_OK : status;
}

hf_status_t
hf_recipe_write (hf_session_t *session, const char *lock, uint64_t token, const char *file,
                 uint64_t number, uint64_t until_ms)
{
    char line[HF_LINE_SIZE + 1];
    snprintf (line, sizeof line, "%020" PRIu64 "\n", number);
    hf_status_t status =
        hf_append (session, lock, token, file, line, HF_LINE_SIZE, hf_recipe_left_ms (until_ms));
    if (status == HF_OK)
        return hf_release (session, lock, token, hf_recipe_left_ms (until_ms));
    hf_recipe_drop (session, lock, token);
    return status;
}
