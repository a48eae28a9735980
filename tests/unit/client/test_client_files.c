//  The library in a program whose descriptors are closed or used up. Each case has a process of its
//  own.

#include "tests/kit/hf_test.h"
#include "client/holdfast.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const hf_client_options_t s_options = {.size = sizeof (hf_client_options_t),
                                              .endpoints = "1@127.0.0.1:9:10"};

/*  Run PART in a child: its exit code, or 128 and the signal. */
static int
s_apart (int (*part) (void))
{
    pid_t pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0)
        _exit (part ());
    int status;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

static int
s_closed (void)
{
    for (int fd = 0; fd <= 2; fd++)
        close (fd);
    hf_client_t *client = hf_client_new (&s_options, NULL);
    if (!client)
        return 1;
    for (int fd = 0; fd <= 2; fd++) {
        struct stat st;
        if (fstat (fd, &st) != 0 || !S_ISCHR (st.st_mode) || fcntl (fd, F_GETFD) != FD_CLOEXEC)
            return 10 + fd;
    }
    if (write (1, "x", 1) >= 0 || write (2, "x", 1) >= 0 || read (0, &client, 1) >= 0)
        return 2;
    hf_client_destroy (&client);
    return 0;
}

HF_TEST (test_no_socket_takes_the_place_of_a_closed_descriptor)
{
    assert_int_equal (s_apart (s_closed), 0);
}

HF_TEST_MAIN (NULL, NULL)
