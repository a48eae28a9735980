/*  hf_report_line.h - how a line of the log looks: pure. */
#ifndef HF_REPORT_LINE_H_INCLUDED
#define HF_REPORT_LINE_H_INCLUDED

#include "msgs/hf_level.h"
#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef enum hf_report_form {
    HF_REPORT_TEXT, //  2026-11-30 03:12:44.310 +0100 warn  node 1: TEXT
    HF_REPORT_JSON, //  {"time":"2026-11-30T03:12:44.310+01:00","level":"warn","node":1,"text":"..."}
    HF_REPORT_JOURNAL //  <4>node 1: TEXT, as systemd's journal wants it, which has its own clock
} hf_report_form_t;

/*  0, or -1 when TEXT names no form: text, json, journal. */
int hf_report_form (const char *text, hf_report_form_t *form);

/*  error, warn, info, debug. */
const char *hf_report_level_name (hf_level_t level);

/*  Write the line with its newline into LINE, of SIZE bytes, at least 128; what does not fit is
 * cut. LOCAL and MS: when. Control characters in TEXT become '?'. Gives its length. */
size_t hf_report_line (char *line, size_t size, hf_report_form_t form, hf_level_t level,
                       uint32_t node, const struct tm *local, unsigned ms, const char *text);

#endif
