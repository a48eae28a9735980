//  Threads that each ask the C library for one name.

#include "broker-less/hf_resolver.h"
#include "base/hf_alloc.h"
#include "base/hf_array.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct hf_resolver {
    pthread_mutex_t mutex; //  for the rest
    unsigned refs;         //  the owner, and every thread
    int fd;
    HF_ARRAY (hf_looked_t) answers;
};

typedef struct look {
    hf_resolver_t *resolver;
    uint32_t tag;
    char host[HF_HOST_MAX + 1];
} look_t;

//  ---- one look-up ------------------------------------------------------------------

/*  Add the addresses of one family. */
static void
s_add (hf_addresses_t *found, const struct addrinfo *list, int family)
{
    for (const struct addrinfo *at = list; at && found->count < HF_ADDRESSES_MAX;
         at = at->ai_next) {
        char *text = found->text[found->count];
        if (at->ai_family != family)
            continue;
        if (family == AF_INET6)
            text[0] = '[';
        int rc = getnameinfo (at->ai_addr, at->ai_addrlen, text + (family == AF_INET6),
                              HF_ADDRESS_SIZE - 2, NULL, 0, NI_NUMERICHOST);
        if (family == AF_INET6)
            strcat (text, "]");
        found->count += rc == 0;
    }
}

static void
s_look (const char *host, hf_looked_t *answer)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo (host, NULL, &hints, &list);
    if (rc == 0) {
        s_add (&answer->found, list, AF_INET);
        s_add (&answer->found, list, AF_INET6);
        freeaddrinfo (list);
    }
    const char *why = rc == 0            ? "it has no address"
                      : rc == EAI_SYSTEM ? strerror (errno)
                                         : gai_strerror (rc);
    if (answer->found.count == 0)
        snprintf (answer->why, sizeof answer->why, "%s", why);
}

/*  Drop a reference, with the mutex held. */
static void
s_unlock_and_drop (hf_resolver_t *self)
{
    assert (self->refs > 0);
    bool last = --self->refs == 0;
    pthread_mutex_unlock (&self->mutex);
    if (!last)
        return;
    close (self->fd);
    hf_array_free (&self->answers);
    pthread_mutex_destroy (&self->mutex);
    free (self);
}

/*  With the mutex held. */
static void
s_give (hf_resolver_t *self, const hf_looked_t *answer)
{
    uint64_t one = 1;
    *hf_array_add (&self->answers) = *answer;
    ssize_t size = write (self->fd, &one, sizeof one);
    assert (size == sizeof one);
    (void)size;
}

static void *
s_run (void *arg)
{
    look_t *look = arg;
    hf_looked_t answer = {.tag = look->tag};
    s_look (look->host, &answer);
    pthread_mutex_lock (&look->resolver->mutex);
    s_give (look->resolver, &answer);
    s_unlock_and_drop (look->resolver);
    free (look);
    return NULL;
}

//  ---- the owner's side -----------------------------------------------------------------

hf_resolver_t *
hf_resolver_new (void)
{
    int fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return NULL;
    hf_resolver_t *self = hf_alloc (sizeof *self);
    self->fd = fd;
    self->refs = 1;
    pthread_mutex_init (&self->mutex, NULL);
    return self;
}

void
hf_resolver_destroy (hf_resolver_t **self_p)
{
    hf_resolver_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock (&self->mutex);
    s_unlock_and_drop (self);
}

int
hf_resolver_fd (const hf_resolver_t *self)
{
    return self->fd;
}

void
hf_resolver_ask (hf_resolver_t *self, uint32_t tag, const char *host)
{
    look_t *look = hf_alloc (sizeof *look);
    *look = (look_t){.resolver = self, .tag = tag};
    snprintf (look->host, sizeof look->host, "%s", host);
    pthread_mutex_lock (&self->mutex);
    self->refs++;
    pthread_mutex_unlock (&self->mutex);
    //  Signals are the program's, not ours.
    sigset_t all, before;
    sigfillset (&all);
    pthread_attr_t detached;
    pthread_attr_init (&detached);
    pthread_attr_setdetachstate (&detached, PTHREAD_CREATE_DETACHED);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    pthread_t thread;
    int rc = pthread_create (&thread, &detached, s_run, look);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    pthread_attr_destroy (&detached);
    if (rc == 0)
        return;
    hf_looked_t answer = {.tag = tag};
    snprintf (answer.why, sizeof answer.why, "no thread for the look-up: %s", strerror (rc));
    free (look);
    pthread_mutex_lock (&self->mutex);
    s_give (self, &answer);
    s_unlock_and_drop (self);
}

bool
hf_resolver_next (hf_resolver_t *self, hf_looked_t *answer)
{
    pthread_mutex_lock (&self->mutex);
    bool found = self->answers.count > 0;
    if (found) {
        *answer = self->answers.list[0];
        hf_array_drop (&self->answers, 1);
    } else {
        uint64_t count;
        ssize_t size = read (self->fd, &count, sizeof count);
        (void)size;
    }
    pthread_mutex_unlock (&self->mutex);
    return found;
}
