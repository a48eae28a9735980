//  Names on disk: percent-encoded, so that no name leaves the folder.

#include "base/hf_hash.h"
#include "nodes/store/hf_file_internal.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PLAIN_MAX 240 //  encoded names up to this stand as they are
#define LONG_HEAD 200 //  of a longer one so much stays, for people

static bool
s_plain (uint8_t byte, bool first)
{
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= '0' && byte <= '9'))
        return true;
    return byte == '-' || byte == '_' || (byte == '.' && !first);
}

void
hf_file_store_disk_name (hf_span_t name, char *buffer)
{
    char encoded[3 * 255 + 1];
    size_t size = 0;
    assert (name.size <= 255);
    size_t head = 0; //  the longest whole part within LONG_HEAD
    for (uint32_t i = 0; i < name.size; i++) {
        if (s_plain (name.at[i], i == 0))
            encoded[size++] = (char)name.at[i];
        else
            size += (size_t)snprintf (encoded + size, 4, "%%%02X", name.at[i]);
        if (size <= LONG_HEAD)
            head = size;
    }
    encoded[size] = 0;
    //  "%~" comes from no encoding: a long name never meets a short one.
    if (size <= PLAIN_MAX)
        memcpy (buffer, encoded, size + 1);
    else
        snprintf (buffer, HF_DISK_NAME_SIZE, "%.*s%%~%016" PRIx64, (int)head, encoded,
                  hf_hash (0, name.at, name.size));
}
