/*  hf_files.h - how many descriptors a process may still open.
 *
 *  libzmq and czmq abort the process when they get no descriptor for what they need themselves, so
 *  it is looked up before they are called.
 */
#ifndef HF_FILES_H_INCLUDED
#define HF_FILES_H_INCLUDED

#include "base/hf_error.h"
#include <stdint.h>

/*  Open COUNT descriptors and close them again. 0; or -1: so many cannot be opened, and ERROR says
 *  so, as a whole sentence that begins with WHO. */
int hf_files_check (uint32_t count, const char *who, char error[HF_ERROR_SIZE]);

/*  Raise the limit on open files to the hard limit, or to MOST if that is less. Gives the limit. */
uint64_t hf_files_raise (uint64_t most);

#endif
