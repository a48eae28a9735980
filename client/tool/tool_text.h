/*  tool_text.h - texts of the command line: times, numbers, quoting, tables. Pure.
 */
#ifndef TOOL_TEXT_H_INCLUDED
#define TOOL_TEXT_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*  "10s", "500ms", "2m", "1h", or plain seconds; fractions allowed, rounded up to a millisecond.
 *  False: not a time, or more than a year. */
bool tool_parse_time (const char *text, uint64_t *ms);

/*  Decimal digits alone, that fit. */
bool tool_parse_number (const char *text, uint64_t *number);

/*  TEXT in single quotes, safe for a POSIX shell's eval; to be freed. */
char *tool_shell_quote (const char *text);

/*  BYTES in base64; to be freed. */
char *tool_base64 (const void *bytes, size_t size);

/*  "WHO WORD WORD ..." in LABEL, which has room for SIZE bytes: cut between two characters. Each
 *  byte of what is no UTF-8, or of a control character, becomes '?'. */
void tool_label (char *label, size_t size, const char *who, char *const *words, size_t count);

/*  How many letters must be changed, added or taken away to make B of A; 255 and more are 255. */
unsigned tool_distance (const char *a, const char *b);

//  ---- a table for people: columns as wide as their widest cell -------------------

#define TOOL_COLUMNS_MAX 16

typedef struct tool_table tool_table_t;

/*  HEADER: the columns' names, separated by '|'; one that begins with '>' is set to the right. */
tool_table_t *tool_table_new (const char *header);
void tool_table_destroy (tool_table_t **self_p);

/*  The next cell, row by row. */
void tool_table_text (tool_table_t *self, const char *text);
void tool_table_number (tool_table_t *self, uint64_t number);
void tool_table_hex (tool_table_t *self, uint64_t number);
/*  A checksum: 16 hexadecimal digits; "-" for 0, which is not known. */
void tool_table_sum (tool_table_t *self, uint64_t sum);
/*  A time: "7s", "2m 5s", "3h 0m", "2d 4h". */
void tool_table_age (tool_table_t *self, uint64_t ms);

/*  On a terminal that is too narrow the columns of text are cut, the last ones first. */
void tool_table_print (tool_table_t *self, FILE *out);

/*  Memory, all zero, or that of AT with room for SIZE bytes; or the end of the process, with a line
 *  on stderr. */
void *tool_alloc (size_t size);
void *tool_alloc_again (void *at, size_t size);
char *tool_copy (const char *text);

#endif
