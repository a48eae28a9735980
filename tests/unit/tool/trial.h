/*  trial.h - the tool, linked with the fake library, run by a shell in an empty folder.
 *
 *  In the scripts $T is the tool; "log" in the folder is what it asked of the library
 *  (HF_FAKE_LOG), and each trial begins without it. $D is the folder.
 */
#ifndef TRIAL_H_INCLUDED
#define TRIAL_H_INCLUDED

#include <stddef.h>

#define TRIAL_LIMIT_MS 30000

/*  For cmocka: make the folder and go there; leave and remove it. */
int trial_setup (void **state);
int trial_teardown (void **state);

/*  Run SCRIPT, which must end with CODE, or the test fails. */
void trial_must (int code, const char *script);

/*  Skip the test unless SCRIPT, which tries what the test needs of this machine, ends with 0. */
void trial_need (const char *script);

/*  What the last script wrote to stdout and stderr. */
const char *trial_output (void);
/*  TEXT must be in it. */
void trial_output_has (const char *text);

/*  The log of the last script. */
const char *trial_log (void);

/*  A row of a table: SCRIPT ends with CODE. What is NULL is not looked at. */
typedef struct trial {
    int code;
    const char *script;
    const char *is, *has, *has_too; //  all of the output; what is in it
    const char *json;               //  all of the output, without blanks and with ' for "
    const char *log, *log_has, *log_has_too, *log_lacks;
} trial_t;

/*  Run them in order; the test fails with a line for each row that is not as it says. */
void trial_table (const trial_t *trials, size_t count);

/*  Run some at a time, each in an empty folder of its own inside that folder. */
void trial_table_beside (const trial_t *trials, size_t count);

/*  The table as a test. */
#define TRIAL_TABLE(name, trials)                                                                  \
    HF_TEST (name)                                                                                 \
    {                                                                                              \
        trial_table (trials, sizeof trials / sizeof *trials);                                      \
    }
#define TRIAL_TABLE_BESIDE(name, trials)                                                           \
    HF_TEST (name)                                                                                 \
    {                                                                                              \
        trial_table_beside (trials, sizeof trials / sizeof *trials);                               \
    }

#endif
