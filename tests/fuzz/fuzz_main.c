//  Runs a fuzz target without libFuzzer: fuzz_TARGET [--seconds N] FILE|FOLDER...
//  Every file of the folders, then changes of them: the same ones on every run, for a second.

#include "tests/fuzz/fuzz.h"
#include "base/hf_array.h"
#include "base/hf_random.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHANGES_MAX 20000
#define INPUT_MAX   65536

typedef struct input {
    uint8_t *bytes;
    size_t size;
} input_t;

static HF_ARRAY (input_t) s_inputs;
static input_t s_running;
static const char *s_target;

/*  A crash leaves its input behind, to be run again alone. */
static void
s_crashed (int signal_number)
{
    char path[512];
    //  The process ends here anyway. NOLINTNEXTLINE(bugprone-signal-handler)
    snprintf (path, sizeof path, "/tmp/%s-%d.crash", s_target, (int)getpid ());
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd >= 0 && write (fd, s_running.bytes, s_running.size) == (ssize_t)s_running.size)
        //  NOLINTNEXTLINE(bugprone-signal-handler)
        fprintf (stderr, "%s: the input is in %s\n", s_target, path);
    signal (signal_number, SIG_DFL);
    raise (signal_number);
}

static void
s_run (const uint8_t *bytes, size_t size)
{
    //  An exact copy on the heap: the sanitizer sees a read behind its end.
    uint8_t *copy = hf_alloc (size > 0 ? size : 1);
    memcpy (copy, bytes, size);
    s_running = (input_t){.bytes = copy, .size = size};
    LLVMFuzzerTestOneInput (copy, size);
    free (copy);
}

static void
s_load_file (const char *path)
{
    struct stat info;
    int fd = open (path, O_RDONLY);
    if (fd < 0 || fstat (fd, &info) != 0) {
        fprintf (stderr, "%s: cannot read %s\n", s_target, path);
        exit (2);
    }
    if (S_ISREG (info.st_mode)) {
        size_t size = info.st_size < INPUT_MAX ? (size_t)info.st_size : INPUT_MAX;
        input_t input = {.bytes = hf_alloc (size + 1), .size = size};
        ssize_t found = read (fd, input.bytes, size);
        assert (found == (ssize_t)size);
        *hf_array_add (&s_inputs) = input;
    }
    close (fd);
}

static void
s_load (const char *path)
{
    struct dirent **names;
    int count = scandir (path, &names, NULL, alphasort); //  in the same order everywhere
    if (count < 0)
        s_load_file (path);
    for (int i = 0; i < count; i++) {
        char full[4096];
        snprintf (full, sizeof full, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            s_load_file (full);
        free (names[i]);
    }
    if (count >= 0)
        free (names);
}

//  ---- changes --------------------------------------------------------------------------

/*  A few small changes of one input, or a piece of another one inside it. */
static size_t
s_change (hf_random_t *seed, uint8_t *out)
{
    const input_t *from = &s_inputs.list[hf_random_below (seed, s_inputs.count)];
    const input_t *other = &s_inputs.list[hf_random_below (seed, s_inputs.count)];
    size_t size = from->size;
    memcpy (out, from->bytes, size);
    for (uint64_t left = 1 + hf_random_below (seed, 4); left > 0 && size > 0; left--) {
        size_t at = hf_random_below (seed, size);
        size_t piece = 1 + hf_random_below (seed, size - at < 16 ? size - at : 16);
        switch (hf_random_below (seed, 6)) {
        case 0:
            out[at] ^= (uint8_t)(1U << hf_random_below (seed, 8));
            break;
        case 1:
            out[at] = (uint8_t)hf_random_below (seed, 256);
            break;
        case 2:
            size = at;
            break;
        case 3:
            memmove (out + at, out + at + piece, size - at - piece);
            size -= piece;
            break;
        case 4:
            if (size + piece <= INPUT_MAX) {
                memmove (out + at + piece, out + at, size - at);
                size += piece;
            }
            break;
        default:
            piece = piece < other->size ? piece : other->size;
            if (piece > 0 && at + piece <= size)
                memcpy (out + at, other->bytes + hf_random_below (seed, other->size - piece + 1),
                        piece);
        }
    }
    return size;
}

static double
s_seconds (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int
main (int argc, char **argv)
{
    double limit = 1;
    s_target = strrchr (argv[0], '/') ? strrchr (argv[0], '/') + 1 : argv[0];
    for (int i = 1; i < argc; i++) {
        if (strcmp (argv[i], "--seconds") == 0 && i + 1 < argc)
            limit = atof (argv[++i]);
        else
            s_load (argv[i]);
    }
    if (s_inputs.count == 0) {
        fprintf (stderr, "usage: %s [--seconds N] FILE|FOLDER...\n", s_target);
        return 2;
    }
    signal (SIGABRT, s_crashed);
    for (size_t i = 0; i < s_inputs.count; i++)
        s_run (s_inputs.list[i].bytes, s_inputs.list[i].size);
    hf_random_t seed = {1};
    uint8_t *changed = hf_alloc (INPUT_MAX);
    double end = s_seconds () + limit;
    unsigned changes = 0;
    for (; changes < CHANGES_MAX && s_seconds () < end; changes++)
        s_run (changed, s_change (&seed, changed));
    printf ("%s: %zu inputs, %u changes of them\n", s_target, s_inputs.count, changes);
    free (changed);
    for (size_t i = 0; i < s_inputs.count; i++)
        free (s_inputs.list[i].bytes);
    hf_array_free (&s_inputs);
    return 0;
}
