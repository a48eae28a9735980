/*  holdfast-check - are histories of clients, and the files they wrote, what was promised?
 *
 *  Exit codes: 0: all promises were kept; 4: one was broken; 64: usage; 65: input that cannot
 *  be read or understood.
 */
#include "tests/cluster/check/check.h"
#include "base/hf_std.h"
#include <errno.h>
#include <getopt.h>
#include <string.h>

#define EXIT_BROKEN   4
#define EXIT_USAGE    64
#define EXIT_BAD_DATA 65

static const char s_usage[] =
    "usage: holdfast-check [--files FOLDER]... HISTORY...\n"
    "\n"
    "Check histories (JSON lines, see tests/cluster/check/hf_history.h; - is stdin) against the\n"
    "promises of holdfast. All HISTORY files together are one history.\n"
    "\n"
    "  --files FOLDER   the final files of a node: its DATA/files; once for each node\n"
    "  --help           this text\n"
    "\n"
    "Exit codes: 0 clean, 4 a promise was broken, 64 usage, 65 unreadable input.\n";

static bool
s_read (hf_check_t *check, const char *path, char error[HF_ERROR_SIZE])
{
    FILE *stream = strcmp (path, "-") == 0 ? stdin : fopen (path, "r");
    if (!stream)
        return hf_error_set (error, "%s: %s", path, strerror (errno)) == 0;
    bool good = hf_check_read (check, stream, path, error);
    if (stream != stdin)
        fclose (stream);
    return good;
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    static const struct option options[] = {{"files", required_argument, NULL, 'f'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    hf_check_t *check = hf_check_new (stdout);
    char error[HF_ERROR_SIZE] = "";
    int option, code = 0;
    while (code == 0 && (option = getopt_long (argc, argv, "f:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs (s_usage, stdout);
            hf_check_destroy (&check);
            return 0;
        }
        if (option != 'f')
            code = EXIT_USAGE;
        else if (!hf_check_folder (check, optarg, error))
            code = EXIT_BAD_DATA;
    }
    if (code == 0 && optind == argc)
        code = EXIT_USAGE;
    for (; code == 0 && optind < argc; optind++) {
        if (!s_read (check, argv[optind], error))
            code = EXIT_BAD_DATA;
    }
    if (code == EXIT_USAGE)
        fputs (s_usage, stderr);
    else if (code == EXIT_BAD_DATA)
        fprintf (stderr, "holdfast-check: %s\n", error);
    else {
        code = hf_check_run (check) > 0 ? EXIT_BROKEN : 0;
        hf_check_summary (check, stdout);
    }
    hf_check_destroy (&check);
    return code;
}
