//  Options whose structs may grow: a program built with an older or newer holdfast.h is understood.

#include "client/io/hf_io.h"
#include <string.h>

bool
hf_options_take (void *ours, size_t size, const void *theirs)
{
    size_t their_size;
    if (!theirs)
        return true;
    memcpy (&their_size, theirs, sizeof their_size);
    if (their_size < sizeof their_size)
        return false;
    for (size_t i = size; i < their_size; i++)
        if (((const unsigned char *)theirs)[i] != 0)
            return false;
    memcpy (ours, theirs, their_size < size ? their_size : size);
    return true;
}
