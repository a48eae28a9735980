//  How a line of the log looks.

#include "nodes/actors/hf_report_line.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const s_levels[] = {"error", "warn", "info", "debug"};
static const char *const s_forms[] = {"text", "json", "journal"};
static const int s_priorities[] = {3, 4, 6, 7}; //  of syslog

int
hf_report_form (const char *text, hf_report_form_t *form)
{
    for (unsigned i = 0; i < sizeof s_forms / sizeof *s_forms; i++) {
        if (strcmp (text, s_forms[i]) == 0) {
            *form = (hf_report_form_t)i;
            return 0;
        }
    }
    return -1;
}

const char *
hf_report_level_name (hf_level_t level)
{
    return s_levels[level];
}

/*  TEXT up to the room that is left; with QUOTES, as the inside of a string in JSON. */
static size_t
s_add (char *line, size_t used, size_t size, const char *text, int quotes)
{
    for (; *text != 0 && used + 2 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (quotes && (c == '"' || c == '\\'))
            line[used++] = '\\';
        line[used++] = c < ' ' || c == 127 ? '?' : (char)c;
    }
    //  Cut within a character of several bytes, it would be no text.
    while (*text != 0 && used > 0 && ((unsigned char)*text & 0xc0) == 0x80)
        text--, used--;
    return used;
}

size_t
hf_report_line (char *line, size_t size, hf_report_form_t form, hf_level_t level, uint32_t node,
                const struct tm *local, unsigned ms, const char *text)
{
    char day[24], clock[24], zone[8];
    assert (size >= 128 && level <= HF_DEBUG);
    strftime (day, sizeof day, "%Y-%m-%d", local);
    strftime (clock, sizeof clock, "%H:%M:%S", local);
    strftime (zone, sizeof zone, "%z", local);
    const char *end = form == HF_REPORT_JSON ? "\"}\n" : "\n";
    size_t tail = strlen (end);
    int used = 0;
    if (form == HF_REPORT_JOURNAL)
        used = snprintf (line, size, "<%d>node %u: ", s_priorities[level], (unsigned)node);
    else if (form == HF_REPORT_JSON)
        used = snprintf (line, size,
                         "{\"time\":\"%sT%s.%03u%.3s:%s\",\"level\":\"%s\",\"node\":%u,\"text\":\"",
                         day, clock, ms, zone, zone + 3, s_levels[level], (unsigned)node);
    else
        used = snprintf (line, size, "%s %s.%03u %s %-5s node %u: ", day, clock, ms, zone,
                         s_levels[level], (unsigned)node);
    size_t count = s_add (line, (size_t)used, size - tail, text, form == HF_REPORT_JSON);
    memcpy (line + count, end, tail);
    return count + tail;
}
