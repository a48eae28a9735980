//  The kernel's ports for connections that go out, as it says in /proc.

#include "broker-less/hf_ephemeral.h"
#include "broker-less/hf_names.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static hf_ephemeral_t s_first;
static pthread_once_t s_once = PTHREAD_ONCE_INIT;

static void
s_read (const char *name, char *text, size_t size)
{
    char path[128];
    snprintf (path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    FILE *file = fopen (path, "re");
    size_t got = file ? fread (text, 1, size - 1, file) : 0;
    text[got] = 0;
    text[strcspn (text, "\n")] = 0;
    if (file)
        fclose (file);
}

void
hf_ephemeral_read (hf_ephemeral_t *self)
{
    s_read ("ip_local_port_range", self->range, sizeof self->range);
    s_read ("ip_local_reserved_ports", self->reserved, sizeof self->reserved);
}

static void
s_read_first (void)
{
    hf_ephemeral_read (&s_first);
}

bool
hf_ephemeral_has (uint16_t port)
{
    pthread_once (&s_once, s_read_first);
    return s_first.range[0] == 0 || hf_port_is_ephemeral (port, s_first.range, s_first.reserved);
}
