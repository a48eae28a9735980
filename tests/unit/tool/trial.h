/*  trial.h - the tool, linked with the fake library, run by a shell in an empty folder.
 *
 *  In the scripts $T is the tool; "log" in the folder is what it asked of the library
 *  (HF_FAKE_LOG), and each trial begins without it.
 */
#ifndef TRIAL_H_INCLUDED
#define TRIAL_H_INCLUDED

#include <stddef.h>

#define TRIAL_LIMIT_MS 30000

/*  For cmocka: make the folder and go there; leave and remove it. */
int trial_setup (void **state);
int trial_teardown (void **state);

/*  Run SCRIPT. Its exit code; -1 when it did not end. */
int trial_run (const char *script);

/*  Run SCRIPT, which must end with CODE, or the test fails. */
void trial_must (int code, const char *script);

/*  What the last script wrote to stdout and stderr. */
const char *trial_output (void);
/*  TEXT must be in it. */
void trial_output_has (const char *text);

/*  The log of the last script. */
const char *trial_log (void);

#endif
