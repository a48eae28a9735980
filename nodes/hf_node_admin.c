//  The token of --http-admin: who has it may act at the HTTP port.

#include "nodes/hf_node.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
s_refuse (const char *file, const char *why)
{
    fprintf (stderr, "holdfastd: the file of --http-admin %s: %s\n", file, why);
    return -1;
}

/*  Who may read it can act, and who may write it can choose the token. */
static const char *
s_wrong_mode (int fd)
{
    struct stat status;
    if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode))
        return strerror (EINVAL);
    return status.st_mode & (S_IRWXO | S_IWGRP) ? "others may read or write it: chmod 600" : NULL;
}

int
hf_node_admin (hf_node_t *self, const hf_options_t *options)
{
    uint8_t text[2 * HF_HTTP_TOKEN_MAX];
    const char *file = options->http_admin;
    hf_span_t token;
    if (!file)
        return 0;
    //  A pipe would hold us up.
    int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return s_refuse (file, strerror (errno));
    const char *wrong = s_wrong_mode (fd);
    ssize_t size = wrong ? 0 : read (fd, text, sizeof text);
    if (size < 0)
        wrong = strerror (errno);
    close (fd);
    if (!wrong)
        wrong = hf_http_token_read (hf_span (text, (size_t)size), &token);
    if (wrong)
        return s_refuse (file, wrong);
    memcpy (self->token, token.at, token.size);
    self->token_size = token.size;
    return 0;
}
