/*  hf_error.h - one line of text that says what went wrong, for people.
 *
 *  A function that can fail for many reasons fills a buffer of HF_ERROR_SIZE bytes that the caller
 *  gives, and returns -1 or NULL. The line has no newline at its end.
 */
#ifndef HF_ERROR_H_INCLUDED
#define HF_ERROR_H_INCLUDED

#define HF_ERROR_SIZE 512

/*  Write the line, cut to what fits. Gives -1, so that a function can return what it sets. */
int hf_error_set (char error[HF_ERROR_SIZE], const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/*  "cannot VERB FOLDER/NAME: cause", by errno. -1. */
int hf_error_cannot (char error[HF_ERROR_SIZE], const char *verb, const char *folder,
                     const char *name);

#endif
