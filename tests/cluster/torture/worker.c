/*  torture-client - one client, in a process that can be stopped and killed.
 *
 *      torture-client "NUMBER LIFE SEED SHARED GATED FOLLOWS" LIST
 *
 *  What it does, and the answers, go to stdout as lines of a history; what it is about
 *  to do, too, as a line without an end, for the case that it never gets to write down the answer.
 *  GATED 1: it takes one step for each byte on stdin. The end of stdin: one last
 *  section, which must succeed, and the end. Exit codes: 0; 3 the last section failed.
 */
#include "tests/cluster/lostfound/client.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define S_LINES_A_LIFE 1000000

static sem_t s_steps;
static atomic_bool s_stop;

static void
s_gate (void *arg)
{
    (void)arg;
    while (!atomic_load (&s_stop) && sem_wait (&s_steps) != 0)
        assert (errno == EINTR);
}

int
main (int argc, char **argv)
{
    int gated, follows;
    uint64_t life;
    hf_test_client_t client = {.early = true, .stop = &s_stop};
    if (argc != 3 || sscanf (argv[1], "%u %" SCNu64 " %" SCNu64 " %u %d %d", &client.number, &life,
                             &client.seed.state, &client.shared, &gated, &follows) != 6)
        return 64;
    client.follows = follows != 0;
    signal (SIGINT, SIG_IGN); //  from a terminal; the parent ends us
    static char room[1 << 16];
    setvbuf (stdout, room, _IOLBF, sizeof room); //  a line is one write: whole or not there
    sem_init (&s_steps, 0, 0);
    client.counter = life * S_LINES_A_LIFE;
    client.gate = gated ? s_gate : NULL;
    client.endpoints = argv[2];
    client.recorder = hf_recorder_new_stream (stdout);
    hf_test_client_start (&client);
    char bytes[256];
    ssize_t size;
    while ((size = read (STDIN_FILENO, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < size; i++)
            sem_post (&s_steps);
    }
    atomic_store (&s_stop, true);
    sem_post (&s_steps);
    pthread_join (client.thread, NULL);
    bool written = hf_recorder_destroy (&client.recorder);
    sem_destroy (&s_steps);
    return client.finished && written ? 0 : 3;
}
