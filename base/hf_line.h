/*  hf_line.h - lines for people on stderr, which never hold up the program that writes them.
 *
 *  A pipe that nobody reads, or a terminal that was stopped, takes no more after a while. A line
 *  that does not fit is then dropped and counted, and the next one that fits says how many were.
 *  Lines of several threads do not mix. A program that must outlive the reader of its stderr
 * ignores SIGPIPE.
 */
#ifndef HF_LINE_H_INCLUDED
#define HF_LINE_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#define HF_LINE_MAX 1200 //  bytes in a line, with the newline at its end

/*  Write LINE, whose last byte is a newline. When it does not fit, wait for room for PATIENCE_MS at
 *  most: 0, but for the last words of a process. */
void hf_line_write (const char *line, size_t size, uint32_t patience_ms);

#endif
