/*  papers.h - the payloads of ROSTER entries, each once, with a number from 1 on. */
#ifndef MODEL_PAPERS_H_INCLUDED
#define MODEL_PAPERS_H_INCLUDED

#include "nodes/consensus/hf_core_internal.h"

/*  Forget all: the reading of a roster may depend on the mutant. */
void papers_reset (void);
void papers_close (void);
uint8_t papers_number (hf_span_t payload);
/*  As the core reads it. Its hosts and its payload belong to the table. */
const hf_core_roster_t *papers_roster (uint8_t number);
hf_span_t papers_payload (uint8_t number);
/*  The id of the cluster that these disks (as bits) form, and the other way round; 0: none. */
uint64_t papers_cluster (uint8_t disks);
uint8_t papers_formers (uint64_t cluster);
/*  The members: "1 2 3", with + who begins to vote, - who leaves, ' another disk, ~ who learns. */
void papers_text (uint8_t number, char *text, size_t size);

#endif
