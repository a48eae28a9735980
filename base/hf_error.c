//  One line of text that says what went wrong.

#include "base/hf_error.h"
#include <stdarg.h>
#include <stdio.h>

int
hf_error_set (char error[HF_ERROR_SIZE], const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (error, HF_ERROR_SIZE, format, args);
    va_end (args);
    return -1;
}
