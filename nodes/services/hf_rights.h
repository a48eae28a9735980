/*  hf_rights.h - who may do what: the text of a file of rights, read into a table, and what the
 *  table says. Pure.
 *
 *      # USER   PATTERN    RIGHT[,RIGHT...]
 *      kim      db/x       acquire,append
 *      *        public.*   shared,read,watch
 *      ops      *          release,close,members,backup
 *
 *  A line is three words between blanks; what follows a # at the begin of a word is a comment. USER
 *  is the name in a key file, or * for everybody. PATTERN is the name of a lock or a file, or with
 *  a * at its end every name that begins so. A byte that cannot stand there is written as in the
 *  names of files on disk: %20 is a blank, %23 a #, %2A a *, %25 a %. Lines only add: a user may do
 *  what any line allows.
 */
#ifndef HF_RIGHTS_H_INCLUDED
#define HF_RIGHTS_H_INCLUDED

#include "base/hf_error.h"
#include "base/hf_span.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_RIGHTS_BYTES_MAX (1U << 20) //  of a file
#define HF_RIGHTS_LINE_MAX  1000       //  bytes
#define HF_RIGHTS_MAX       10000      //  lines that allow something
#define HF_RIGHTS_ERRORS    20         //  that are told

//  R (RIGHT, name in the file, whether it is for names; the pattern of the others is *)
#define HF_RIGHT_TABLE(R)                                                                          \
    R (ACQUIRE, "acquire", true)  /*  take a lock exclusively */                                   \
    R (SHARED, "shared", true)    /*  take a lock with others */                                   \
    R (APPEND, "append", true)    /*  append to a file */                                          \
    R (READ, "read", true)        /*  read a file; see who holds a lock */                         \
    R (WATCH, "watch", true)      /*  be told what happens to a lock or a file */                  \
    R (RELEASE, "release", true)  /*  release a lock that somebody else holds */                   \
    R (CLOSE, "close", false)     /*  close other users' sessions, and speak for them */           \
    R (MEMBERS, "members", false) /*  change the members, and the feature level */                 \
    R (BACKUP, "backup", false)   /*  take a copy of everything */

typedef enum hf_right {
#define HF_RIGHT_ENUM(right, name, named) HF_RIGHT_##right,
    HF_RIGHT_TABLE (HF_RIGHT_ENUM)
#undef HF_RIGHT_ENUM
        HF_RIGHTS_COUNT
} hf_right_t;

/*  As the file calls it. */
const char *hf_right_name (hf_right_t right);

typedef struct hf_rights hf_rights_t;

/*  SAY is told what is wrong with LINE, from 1 on; 0: with the whole. */
typedef void (hf_rights_say_fn) (void *arg, uint32_t line, const char *what);

/*  Read TEXT, of which nothing is taken for granted. NULL: something is wrong, and SAY was told
 *  each mistake, up to HF_RIGHTS_ERRORS. */
hf_rights_t *hf_rights_read (hf_span_t text, hf_rights_say_fn *say, void *arg);
void hf_rights_destroy (hf_rights_t **self_p);

/*  The lines that are for one user: valid as long as the table. */
typedef struct hf_rules {
    const struct hf_rule *own, *all; //  with that name; with *
    uint32_t own_count, all_count;
} hf_rules_t;

/*  Those of USER, who may be named nowhere. */
hf_rules_t hf_rights_of (const hf_rights_t *self, const char *user);

/*  Whether they allow it. NAME: of a lock or file; empty for a right that is not for names. */
bool hf_rules_allow (const hf_rules_t *self, hf_right_t right, hf_span_t name);
/*  Whether they allow it for any name that begins with PREFIX. */
bool hf_rules_reach (const hf_rules_t *self, hf_right_t right, hf_span_t prefix);

#endif
