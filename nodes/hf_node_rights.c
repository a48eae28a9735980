//  The file of rights: read at the start, and again when it changes.

#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "nodes/actors/hf_report.h"
#include "nodes/hf_node.h"
#include "nodes/services/hf_rights.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RACY_S 3 //  a file that changed so recently may change again without a later time

//  ---- mistakes -----------------------------------------------------------------------------

typedef struct listener {
    const char *file;
    bool logs; //  to the log, not to stderr as it is
} listener_t;

static void
s_say (void *arg, uint32_t line, const char *what)
{
    const listener_t *listener = arg;
    char where[16] = "";
    if (line > 0)
        snprintf (where, sizeof where, ":%u", line);
    if (listener->logs)
        hf_report (HF_WARN, "rights: %s%s: %s", listener->file, where, what);
    else
        fprintf (stderr, "holdfastd: %s%s: %s\n", listener->file, where, what);
}

static void
s_ignore (void *arg, uint32_t line, const char *what)
{
    (void)arg;
    (void)line;
    (void)what;
}

static bool
s_good (const uint8_t *text, size_t size, hf_rights_say_fn *say, void *arg)
{
    hf_rights_t *rights = hf_rights_read (hf_span (text, size), say, arg);
    bool good = rights != NULL;
    hf_rights_destroy (&rights);
    return good;
}

//  ---- the file -----------------------------------------------------------------------------

/*  What the file has, at most one byte more than is allowed; NULL: errno. */
static uint8_t *
s_read (int fd, size_t *size)
{
    uint8_t *text = hf_alloc (HF_RIGHTS_BYTES_MAX + 1);
    ssize_t got = 1;
    for (*size = 0; got > 0 && *size <= HF_RIGHTS_BYTES_MAX; *size += got > 0 ? (size_t)got : 0)
        got = read (fd, text + *size, HF_RIGHTS_BYTES_MAX + 1 - *size);
    if (got >= 0)
        return text;
    free (text);
    return NULL;
}

/*  Whether others than the owner of the file may write it, and so give themselves rights. */
static bool
s_open_to_others (const struct stat *status)
{
    return (status->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/*  Open it, and see how it looks from outside. -1: WHY. */
static int
s_open (const char *file, uint64_t *look, bool *racy, const char **why)
{
    struct stat status;
    //  A pipe would hold us up.
    int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        *why = strerror (errno);
        return -1;
    }
    if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode))
        *why = strerror (EINVAL);
    else if (s_open_to_others (&status))
        *why = "others may write it: chmod go-w";
    else
        *why = NULL;
    if (*why) {
        close (fd);
        return -1;
    }
    const uint64_t of[] = {status.st_ino, (uint64_t)status.st_size, (uint64_t)status.st_ctim.tv_sec,
                           (uint64_t)status.st_ctim.tv_nsec, (uint64_t)status.st_mtim.tv_nsec};
    *look = hf_hash (1, of, sizeof of);
    *racy = status.st_ctim.tv_sec + RACY_S >= time (NULL);
    return fd;
}

static int
s_refuse (const char *file, const char *why)
{
    fprintf (stderr, "holdfastd: cannot read the file of rights %s: %s\n", file, why);
    return -1;
}

int
hf_node_rights (hf_node_t *self, const hf_options_t *options)
{
    hf_node_rights_t *rights = &self->rights;
    listener_t listener = {.file = options->rights};
    const char *why;
    bool racy;
    if (!options->rights)
        return 0;
    int fd = s_open (options->rights, &rights->look, &racy, &why);
    if (fd < 0)
        return s_refuse (options->rights, why);
    rights->text = s_read (fd, &rights->size);
    why = strerror (errno);
    close (fd);
    if (!rights->text)
        return s_refuse (options->rights, why);
    if (!s_good (rights->text, rights->size, s_say, &listener))
        return -1;
    rights->file = options->rights;
    self->lock.rights = hf_span (rights->text, rights->size);
    return 0;
}

//  ---- again --------------------------------------------------------------------------------

/*  Whether this is another mistake than the last one. 0: there is none. */
static bool
s_news (hf_node_rights_t *self, uint64_t complaint)
{
    bool news = complaint != 0 && complaint != self->complaint;
    self->complaint = complaint;
    return news;
}

static void
s_complain (hf_node_rights_t *self, const char *why)
{
    if (s_news (self, hf_hash (2, why, strlen (why))))
        hf_report (HF_WARN, "cannot read the file of rights %s: %s; keeps the rights that it had",
                   self->file, why);
}

/*  It may be in the middle of being written: then the next look is at the whole of it. */
static bool
s_take (hf_node_rights_t *self, uint8_t *text, size_t size)
{
    bool same = size == self->size && memcmp (text, self->text, size) == 0;
    listener_t listener = {.file = self->file, .logs = true};
    if (!same && !s_good (text, size, s_ignore, NULL)) {
        if (s_news (self, hf_hash (3, text, size))) {
            s_good (text, size, s_say, &listener);
            hf_report (HF_WARN, "rights: %s is not good: keeps the rights that it had", self->file);
        }
        free (text);
        return false;
    }
    s_news (self, 0);
    free (same ? text : self->text);
    if (same)
        return false;
    self->text = text;
    self->size = size;
    hf_report (HF_INFO, "goes by new rights in %s", self->file);
    return true;
}

bool
hf_node_rights_look (hf_node_t *self)
{
    hf_node_rights_t *rights = &self->rights;
    const char *why;
    uint64_t look;
    bool racy;
    size_t size;
    if (!rights->file)
        return false;
    int fd = s_open (rights->file, &look, &racy, &why);
    if (fd < 0) {
        s_complain (rights, why);
        return false;
    }
    bool looks = racy || look != rights->look || rights->complaint != 0;
    uint8_t *text = looks ? s_read (fd, &size) : NULL;
    if (looks && !text)
        s_complain (rights, strerror (errno));
    close (fd);
    if (!text)
        return false;
    rights->look = look;
    return s_take (rights, text, size);
}
