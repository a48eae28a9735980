/*  store_wrap.h - end the process at the n-th call that changes the disk: of the stores' own ones
 *  (by the linker's --wrap: CMakeLists.txt names them) and of SQLite's (by its table of calls).
 */
#ifndef STORE_WRAP_H_INCLUDED
#define STORE_WRAP_H_INCLUDED

#define WRAP_EXIT_CODE 77

/*  From now on, the CALL-th one ends the process with WRAP_EXIT_CODE instead of being made. */
void wrap_exit_at (unsigned call);

#endif
