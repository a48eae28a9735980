/*  hf_std.h - standard input, output and error when the caller has closed them.
 *
 *  A program that is started with one of the descriptors 0 to 2 closed gets that number for the
 * next file or socket that it opens, and what is meant for stderr is written into it.
 */
#ifndef HF_STD_H_INCLUDED
#define HF_STD_H_INCLUDED

/*  Occupy those of the descriptors 0 to 2 that are closed, before anything else is opened. Reading
 *  and writing them fails with EBADF as before, and a program that is executed finds them closed.
 */
void hf_std_open (void);

#endif
