/*  The process's id, from memory.
 *
 *  libzmq asks for it whenever it looks for messages of other threads, since a child that was
 * forked must not: that was two fifths of all system calls of a node. The C library itself answered
 * from memory until its release 2.25. This function comes before the C library's when holdfastd is
 * linked. A child of fork asks anew, as only the thread that forked lives in it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int s_pid; //  0: not known

static void
s_forget (void)
{
    atomic_store_explicit (&s_pid, 0, memory_order_relaxed);
}

static void __attribute__ ((constructor)) s_watch_forks (void)
{
    pthread_atfork (NULL, NULL, s_forget);
}

pid_t
getpid (void)
{
    int pid = atomic_load_explicit (&s_pid, memory_order_relaxed);
    if (pid == 0) {
        pid = (int)syscall (SYS_getpid);
        atomic_store_explicit (&s_pid, pid, memory_order_relaxed);
    }
    return pid;
}
