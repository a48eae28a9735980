/*  hf_dump.h - a stopped node's whole state as JSON: holdfastd --dump DIR. */
#ifndef HF_DUMP_H_INCLUDED
#define HF_DUMP_H_INCLUDED

#include <stdio.h>

/*  Print one JSON object of what is in the data folder DIR to OUT (holdfastd(8) names its
 *  members). The folder is locked meanwhile; it is checked as at a start, and nothing is
 *  changed in it that a start would not change. 0; or 1 with one line on stderr: it is in use, it
 *  is no node's folder, it is damaged, or OUT cannot be written. */
int hf_dump (const char *dir, FILE *out);

#endif
