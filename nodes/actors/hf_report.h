/*  hf_report.h - what a node says to people on stderr, and how it dies.
 *
 *  One line each: time, level, node id, text. Thread-safe.
 */
#ifndef HF_REPORT_H_INCLUDED
#define HF_REPORT_H_INCLUDED

#include "msgs/hf_level.h"
#include "nodes/actors/hf_report_line.h"
#include <stdint.h>

/*  Before the actors start. Lines above LEVEL are not printed. */
void hf_report_init (hf_level_t level, hf_report_form_t form, uint32_t node_id);

/*  From now on, on any thread. */
void hf_report_set_level (hf_level_t level);

/*  HF_REPORT_JOURNAL when stderr is a stream to systemd's journal, which says so in the
 * environment; else HF_REPORT_TEXT. */
hf_report_form_t hf_report_form_here (void);

/*  0, or -1 when the text names no level: error, warn, info, debug. */
int hf_report_level (const char *text, hf_level_t *level);

void hf_report (hf_level_t level, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  Say it and end the process at once (exit code 1): a failed write, a broken disk.
 *  Nothing is flushed or sent any more. */
void hf_die (const char *format, ...) __attribute__ ((format (printf, 1, 2), noreturn));

#endif
