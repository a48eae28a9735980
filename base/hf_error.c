//  One line of text that says what went wrong.

#include "base/hf_error.h"
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int
hf_error_set (char error[HF_ERROR_SIZE], const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (error, HF_ERROR_SIZE, format, args);
    va_end (args);
    return -1;
}

int
hf_error_cannot (char error[HF_ERROR_SIZE], const char *verb, const char *folder, const char *name)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    return hf_error_set (error, "cannot %s %s/%s: %s", verb, folder, name,
                         full ? "the disk is full" : strerror (errno));
}
