//  Log lines on stderr, and the end of the process.

#include "nodes/actors/hf_report.h"
#include "base/hf_line.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LAST_WORDS_MS 1000 //  so long a dying process waits for room in stderr

static hf_level_t s_level = HF_INFO;
static uint32_t s_node;

static const char *const s_names[] = {"error", "warn", "info", "debug"};

void
hf_report_init (hf_level_t level, uint32_t node_id)
{
    s_level = level;
    s_node = node_id;
}

int
hf_report_level (const char *text, hf_level_t *level)
{
    for (unsigned i = 0; i < sizeof s_names / sizeof *s_names; i++) {
        if (strcmp (text, s_names[i]) == 0) {
            *level = (hf_level_t)i;
            return 0;
        }
    }
    return -1;
}

static void
s_line (hf_level_t level, uint32_t patience_ms, const char *format, va_list args)
{
    struct timespec now;
    struct tm local;
    clock_gettime (CLOCK_REALTIME, &now);
    localtime_r (&now.tv_sec, &local);
    char line[HF_LINE_MAX];
    size_t used = strftime (line, sizeof line, "%Y-%m-%d %H:%M:%S", &local);
    int n =
        snprintf (line + used, sizeof line - used, ".%03ld %-5s node %u: ", now.tv_nsec / 1000000,
                  s_names[level], (unsigned)s_node);
    used += n > 0 ? (size_t)n : 0;
    n = vsnprintf (line + used, sizeof line - used - 1, format, args);
    size_t room = sizeof line - used - 1;
    used += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
    line[used++] = '\n';
    hf_line_write (line, used, patience_ms);
}

void
hf_report (hf_level_t level, const char *format, ...)
{
    if (level > s_level)
        return;
    va_list args;
    va_start (args, format);
    s_line (level, 0, format, args);
    va_end (args);
}

void
hf_die (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_line (HF_ERROR, LAST_WORDS_MS, format, args);
    va_end (args);
    _exit (1);
}
