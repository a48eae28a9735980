//  Sequences of well-formed commands against the replicated state, as the bytes say (play.h): two
//  replicas and the slow model agree in every outcome and in all that can be read, so a repeated
//  request gets its first answer, tokens rise, and an expiry of another term does nothing.

#include "tests/fuzz/fuzz.h"
#include "tests/unit/locks/play.h"

#define ENTRIES_MAX 200

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const uint8_t none;
    play_t play = play_by_bytes (size > 0 ? data : &none, size);
    for (unsigned i = 0; i < ENTRIES_MAX && play.at < play.end; i++)
        play_entry (&play);
    play_done (&play);
    return 0;
}
