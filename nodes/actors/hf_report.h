/*  hf_report.h - what a node says to people on stderr, and how it dies.
 *
 *  One line each: time, level, node id, text. Thread-safe.
 */
#ifndef HF_REPORT_H_INCLUDED
#define HF_REPORT_H_INCLUDED

#include "msgs/hf_level.h"
#include <stdint.h>

/*  Before the actors start. Lines above LEVEL are not printed. */
void hf_report_init (hf_level_t level, uint32_t node_id);

/*  0, or -1 when the text names no level: error, warn, info, debug. */
int hf_report_level (const char *text, hf_level_t *level);

void hf_report (hf_level_t level, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  Say it and end the process at once (exit code 1): a failed write, a broken disk.
 *  Nothing is flushed or sent any more. */
void hf_die (const char *format, ...) __attribute__ ((format (printf, 1, 2), noreturn));

#endif
