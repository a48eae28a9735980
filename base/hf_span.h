/*  hf_span.h - bytes that somebody else owns.
 *
 *  A span holds no terminating zero and frees nothing; it is valid as long as the bytes are.
 */
#ifndef HF_SPAN_H_INCLUDED
#define HF_SPAN_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hf_span {
    const uint8_t *at;
    uint32_t size;
} hf_span_t;

hf_span_t hf_span (const void *at, size_t size);
hf_span_t hf_span_text (const char *text);
bool hf_span_equal (hf_span_t a, hf_span_t b);
/*  The order of bytes, a prefix first: below, at or above 0. */
int hf_span_compare (hf_span_t a, hf_span_t b);

/*  Whether this can name a lock or a file: 1 to 255 bytes of UTF-8, no control characters. */
bool hf_name_valid (hf_span_t name);
/*  Whether it is UTF-8 without control characters; also when it is empty. */
bool hf_text_valid (hf_span_t text);
/*  Whether it can name a user: 1 to HF_USER_MAX letters, digits and . _ - @ + */
#define HF_USER_MAX 64
bool hf_user_valid (hf_span_t user);

#endif
