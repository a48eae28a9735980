/*  hf_alloc.h - memory, or a clear end of the process.
 *
 *  Replicated state that could not be built in full must not go on.
 */
#ifndef HF_ALLOC_H_INCLUDED
#define HF_ALLOC_H_INCLUDED

#include <stddef.h>

/*  SIZE bytes, all zero. The caller frees them with free (). */
void *hf_alloc (size_t size);

/*  The same memory with room for SIZE bytes; what is new in it is not set. */
void *hf_alloc_again (void *memory, size_t size);

/*  Set SIZE bytes at AT to zero. For what is larger than some fields and made for every request: a
 *  compiler that knows the size does it with an instruction that is slow to start. */
void hf_zero (void *at, size_t size);

/*  The object that MEMBER at AT is a part of. */
#define HF_AROUND(at, type, member) ((type *)(void *)((char *)(at)-offsetof (type, member)))

#endif
