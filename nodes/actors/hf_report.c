//  Log lines on stderr, and the end of the process.

#include "nodes/actors/hf_report.h"
#include "base/hf_line.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LAST_WORDS_MS 1000 //  so long a dying process waits for room in stderr

static _Atomic hf_level_t s_level = HF_INFO; //  the main thread may change it
static hf_report_form_t s_form = HF_REPORT_TEXT;
static uint32_t s_node;

void
hf_report_init (hf_level_t level, hf_report_form_t form, uint32_t node_id)
{
    s_level = level;
    s_form = form;
    s_node = node_id;
}

void
hf_report_set_level (hf_level_t level)
{
    s_level = level;
}

hf_report_form_t
hf_report_form_here (void)
{
    const char *stream = getenv ("JOURNAL_STREAM");
    struct stat err;
    unsigned long long device, inode;
    bool journal = stream != NULL && sscanf (stream, "%llu:%llu", &device, &inode) == 2 &&
                   fstat (STDERR_FILENO, &err) == 0 && err.st_dev == device && err.st_ino == inode;
    return journal ? HF_REPORT_JOURNAL : HF_REPORT_TEXT;
}

int
hf_report_level (const char *text, hf_level_t *level)
{
    for (hf_level_t i = HF_ERROR; i <= HF_DEBUG; i++) {
        if (strcmp (text, hf_report_level_name (i)) == 0) {
            *level = i;
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
    char line[HF_LINE_MAX], text[HF_LINE_MAX];
    vsnprintf (text, sizeof text, format, args);
    size_t size = hf_report_line (line, sizeof line, s_form, level, s_node, &local,
                                  (unsigned)(now.tv_nsec / 1000000), text);
    hf_line_write (line, size, patience_ms);
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
