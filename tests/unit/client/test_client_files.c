//  The library in a program whose descriptors are closed or used up. Each case has a process of its
//  own.

#include "tests/kit/hf_test.h"
#include "client/holdfast.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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

/*  The lowest limits first: libzmq would abort with some of them. */
static int
s_few (void)
{
    unsigned refused = 0, made = 0;
    for (rlim_t files = 4; files < 64; files++) {
        setrlimit (RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = files, .rlim_max = 64});
        char error[HF_CLIENT_ERROR_SIZE] = "";
        errno = 0;
        hf_client_t *client = hf_client_new (&s_options, error);
        if (!client && (errno != EMFILE || !strstr (error, "open files") || made > 0))
            return 1;
        refused += !client;
        made += client != NULL;
        hf_client_destroy (&client);
    }
    return refused > 10 && made > 10 ? 0 : 2;
}

HF_TEST (test_too_few_descriptors_are_an_error_not_an_abort)
{
    assert_int_equal (s_apart (s_few), 0);
}

/*  The program uses all of them up while the client tries to connect. */
static int
s_none_left (void)
{
    setrlimit (RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = 128, .rlim_max = 128});
    hf_client_t *client = hf_client_new (&s_options, NULL);
    if (!client)
        return 1;
    int last = -1;
    for (int fd = 0; fd >= 0; fd = dup (2))
        last = fd;
    hf_session_t *session;
    if (hf_session_open (client, NULL, 1500, &session) != HF_UNREACHABLE)
        return 2;
    char error[HF_CLIENT_ERROR_SIZE];
    if (hf_client_new (&s_options, error) || errno != EMFILE || !strstr (error, "open files"))
        return 3;
    close (last);
    if (hf_session_open (client, NULL, 500, &session) != HF_UNREACHABLE)
        return 4;
    hf_client_destroy (&client);
    return 0;
}

HF_TEST (test_a_client_lives_on_when_the_program_has_no_descriptor_left)
{
    assert_int_equal (s_apart (s_none_left), 0);
}

HF_TEST_MAIN (NULL, NULL)
