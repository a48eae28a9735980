/*  hf_http_answer.h - what a request at the HTTP port is answered. */
#ifndef HF_HTTP_ANSWER_H_INCLUDED
#define HF_HTTP_ANSWER_H_INCLUDED

#include <stddef.h>

typedef struct hf_http_answer {
    unsigned code;
    const char *type; //  Content-Type
    const char *text; //  its maker's
    size_t size;
} hf_http_answer_t;

#endif
