/*  hf_folder.h - temporary folders of tests and benchmarks. */
#ifndef HF_FOLDER_H_INCLUDED
#define HF_FOLDER_H_INCLUDED

#include <limits.h>

/*  Make a folder under ROOT (NULL: TMPDIR, or /tmp) whose name begins with PREFIX; its real path
 * goes into PATH. 0, or -1 with errno and an empty PATH. */
int hf_folder_make (const char *root, const char *prefix, char path[PATH_MAX]);

/*  Remove it with all that is in it. 0, or -1 with errno. */
int hf_folder_remove (const char *path);

#endif
