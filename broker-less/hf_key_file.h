/*  hf_key_file.h - the text of a key file, as czmq's zcert writes it (ZPL, rfc.zeromq.org/spec/4).
 *  Pure.
 *
 *      metadata
 *          name = "alice"
 *      curve
 *          public-key = "..."
 *          secret-key = "..."
 *
 *  Keys are 40 characters of Z85 (rfc.zeromq.org/spec/32). The file of a client names its user,
 * that of a node its id, as "node". Other names are skipped.
 */
#ifndef HF_KEY_FILE_H_INCLUDED
#define HF_KEY_FILE_H_INCLUDED

#include "base/hf_error.h"
#include "base/hf_span.h"
#include <stdbool.h>
#include <stdint.h>

#define HF_KEY_TEXT      40 //  characters of a key
#define HF_KEY_NAME_MAX  HF_USER_MAX
#define HF_KEY_FILE_MAX  8192 //  bytes of a file
#define HF_KEY_FILE_ROOM 1024 //  enough for hf_key_write

typedef struct hf_key {
    char public_text[HF_KEY_TEXT + 1];
    char secret_text[HF_KEY_TEXT + 1]; //  "": the file has none
    char name[HF_KEY_NAME_MAX + 1];    //  of the user; "": none
    uint32_t node;                     //  0: not that of a node
} hf_key_t;

/*  A user's name: letters, digits and . _ - @ + */
bool hf_key_name_valid (const char *name);

/*  Read TEXT, of which nothing is taken for granted. 0, or -1 with what is wrong in ERROR. */
int hf_key_read (hf_key_t *self, hf_span_t text, char *error);

/*  The text of a file with or without the secret key, in TEXT of HF_KEY_FILE_ROOM bytes. */
void hf_key_write (const hf_key_t *self, bool secret, char *text);

#endif
