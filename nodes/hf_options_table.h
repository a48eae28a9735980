/*  hf_options_table.h - one option of holdfastd, wherever it is given. For nodes/hf_options*.c. */
#ifndef HF_OPTIONS_TABLE_H_INCLUDED
#define HF_OPTIONS_TABLE_H_INCLUDED

#include "base/hf_error.h"
#include "nodes/hf_options.h"
#include <stddef.h>

typedef enum hf_option_kind {
    HF_OPTION_TEXT,
    HF_OPTION_FLAG,
    HF_OPTION_ID,
    HF_OPTION_PLACE, //  HOST:PORT
    HF_OPTION_LEVEL,
    HF_OPTION_FORM,
    HF_OPTION_LISTEN,
    HF_OPTION_HTTP,
    HF_OPTION_SIZE,
    HF_OPTION_FLOOR,
    HF_OPTION_COUNT, //  up to HF_COUNT_MAX
    HF_OPTION_HELP,
    HF_OPTION_VERSION
} hf_option_kind_t;

typedef struct hf_option {
    const char *name;
    char letter; //  0: none
    hf_option_kind_t kind;
    bool once;            //  for the command line alone
    size_t at;            //  of its field in hf_options_t
    const char *argument; //  as --help calls it; NULL: a flag
    const char *help;     //  lines of at most 72 bytes
} hf_option_t;

extern const hf_option_t hf_option_table[];
extern const unsigned hf_option_count;

/*  NULL: there is none. */
const hf_option_t *hf_option_find (const char *name);
/*  One that NAME may have been meant for; NULL: none is like it. */
const hf_option_t *hf_option_like (const char *name);

/*  Give the option VALUE, which must outlive OPTIONS. NULL; or of what form it must be, and nothing
 *  was changed. A flag takes yes and no, true and false, on and off, 1 and 0. */
const char *hf_option_set (const hf_option_t *option, hf_options_t *options, const char *value);

/*  Read the file at PATH and what it includes, and give OPTIONS what is set there. Errors are
 *  said; their number. TEXTS, for hf_options_file_done, is what the texts are in. */
unsigned hf_options_file_read (hf_options_t *options, const char *path, hf_options_say_fn *say);
void hf_options_file_done (hf_options_file_t **self_p);

/*  The text of --help. */
void hf_options_help (void);

#endif
