/*  hf_tsan.h - memory that a library hands from one thread to another.
 *
 *  libzmq and czmq are not instrumented, so the thread sanitizer cannot see that what one thread
 * sent another has received. The sender marks the memory with HF_TSAN_GIVE before it hands it over,
 * the receiver with HF_TSAN_TAKE. Both are nothing in other builds.
 */
#ifndef HF_TSAN_H_INCLUDED
#define HF_TSAN_H_INCLUDED

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define HF_TSAN_GIVE(memory) __tsan_release (memory)
#define HF_TSAN_TAKE(memory) __tsan_acquire (memory)
#else
#define HF_TSAN_GIVE(memory) (void)(memory)
#define HF_TSAN_TAKE(memory) (void)(memory)
#endif

#endif
