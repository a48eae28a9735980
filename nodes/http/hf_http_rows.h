/*  hf_http_rows.h - rows of a RESULT as JSON, and facts as metrics. */
#ifndef HF_HTTP_ROWS_H_INCLUDED
#define HF_HTTP_ROWS_H_INCLUDED

#include "msgs/hf_msg.h"
#include <jansson.h>

/*  Where the next page begins. */
typedef struct hf_http_page {
    char name[256]; //  after this one
    uint64_t offset;
} hf_http_page_t;

/*  Add the ROWS of an answer to the question WHAT to LIST (an array; of HF_WHAT_STATUS an object),
 *  and move PAGE behind them. False: they are none of this protocol. */
bool hf_http_rows (uint32_t what, hf_list_t rows, json_t *list, hf_http_page_t *page);

/*  Add HAPPENED records to LIST. False: they are none of this protocol. */
bool hf_http_events (hf_list_t events, json_t *list);

/*  The facts in STATUS and the locks in BUSY, which hf_http_rows made, in Prometheus's text format.
 *  The caller frees. */
char *hf_http_metrics (const json_t *status, const json_t *busy);

#endif
