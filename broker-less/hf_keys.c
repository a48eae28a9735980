//  Key files and their folder on the disk.

#include "broker-less/hf_keys.h"
#include "base/hf_alloc.h"
#include "base/hf_array.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define RACY_S 3 //  a file that changed so recently may change again without a later time

typedef struct hf_keys_crowded {
    char name[HF_KEY_NAME_MAX + 1];
} hf_keys_crowded_t;

struct hf_keys {
    hf_key_t own;
    char own_file[PATH_MAX], dir[PATH_MAX];
    pthread_mutex_t mutex; //  for the ring, and those who are crowded
    hf_key_ring_t ring;
    HF_ARRAY (hf_keys_crowded_t) crowded; //  users that have all the connections that they may have
    uint64_t turned_away;
    atomic_uint_fast64_t version;
    //  Of who refreshes.
    uint64_t look;                 //  at the folder: equal if nothing has changed
    char complaint[HF_ERROR_SIZE]; //  told last
};

//  ---- one file --------------------------------------------------------------------------

/*  The file, at most HF_KEY_FILE_MAX bytes and one more, in TEXT. -1: errno. */
static ssize_t
s_read (int folder, const char *path, uint8_t text[HF_KEY_FILE_MAX + 1], struct stat *status)
{
    //  A pipe would hold us up.
    int fd = openat (folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -1;
    ssize_t all = 0, got = 1;
    if (fstat (fd, status) != 0 || !S_ISREG (status->st_mode)) {
        errno = S_ISDIR (status->st_mode) ? EISDIR : EINVAL;
        got = -1;
    }
    while (got > 0 && all <= HF_KEY_FILE_MAX) {
        got = read (fd, text + all, (size_t)(HF_KEY_FILE_MAX + 1 - all));
        all += got > 0 ? got : 0;
    }
    int code = errno;
    close (fd);
    errno = code;
    return got < 0 ? -1 : all;
}

static int
s_load (hf_key_t *key, const char *path, struct stat *status, char *error)
{
    uint8_t text[HF_KEY_FILE_MAX + 1];
    char why[HF_ERROR_SIZE];
    ssize_t size = s_read (AT_FDCWD, path, text, status);
    if (size < 0)
        return hf_error_set (error, "cannot read the key file %s: %s", path, strerror (errno));
    int rc = hf_key_read (key, hf_span (text, (size_t)size), why);
    explicit_bzero (text, sizeof text);
    return rc == 0 ? 0 : hf_error_set (error, "the key file %s: %s", path, why);
}

int
hf_key_load (hf_key_t *key, const char *path, char *error)
{
    struct stat status;
    return s_load (key, path, &status, error);
}

/*  The process's own: it must be whole, and nobody else's. */
static int
s_load_own (hf_key_t *key, const char *path, char *error)
{
    struct stat status;
    char pair[HF_KEY_TEXT + 1];
    if (!zmq_has ("curve"))
        return hf_error_set (error, "this machine's libzmq has no CURVE: keys cannot be used");
    if (s_load (key, path, &status, error) != 0)
        return -1;
    if (key->secret_text[0] == 0)
        return hf_error_set (error,
                             "the key file %s has no secret key: that is the file whose name ends "
                             "with _secret",
                             path);
    if (status.st_mode & S_IRWXO)
        return hf_error_set (error, "the key file %s is open to everybody: chmod 600 %s", path,
                             path);
    if (zmq_curve_public (pair, key->secret_text) != 0 || strcmp (pair, key->public_text) != 0)
        return hf_error_set (error, "the key file %s: its two keys do not belong together", path);
    return 0;
}

//  ---- the folder ------------------------------------------------------------------------

typedef struct listing {
    HF_ARRAY (char *) names;
    uint64_t look;
    bool racy, unread;
} listing_t;

static int
s_compare (const void *a, const void *b)
{
    return strcmp (*(char *const *)a, *(char *const *)b);
}

/*  What DIR has, in the order of names. A folder that is not there has nothing. */
static void
s_list (int folder, listing_t *list)
{
    DIR *dir = fdopendir (folder);
    if (!dir) {
        close (folder);
        list->unread = true;
        return;
    }
    time_t now = time (NULL);
    const struct dirent *entry;
    while ((entry = readdir (dir)) && list->names.count < HF_KEY_FILES_MAX) {
        struct stat status;
        if (!hf_key_ring_wants (entry->d_name) ||
            fstatat (dirfd (dir), entry->d_name, &status, 0) != 0)
            continue;
        *hf_array_add (&list->names) = strdup (entry->d_name);
        const uint64_t of[] = {status.st_ino, (uint64_t)status.st_size,
                               (uint64_t)status.st_ctim.tv_sec, (uint64_t)status.st_ctim.tv_nsec,
                               (uint64_t)status.st_mtim.tv_nsec};
        uint64_t seed = hf_hash (1, entry->d_name, strlen (entry->d_name));
        list->look += hf_hash (seed, of, sizeof of);
        list->racy = list->racy || status.st_ctim.tv_sec + RACY_S >= now;
    }
    closedir (dir);
    if (list->names.count > 0)
        qsort (list->names.list, list->names.count, sizeof *list->names.list, s_compare);
}

static int
s_open (const hf_keys_t *self, hf_key_kind_t kind)
{
    char path[PATH_MAX + 16];
    snprintf (path, sizeof path, "%s/%s", self->dir, hf_key_folder (kind));
    return open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/*  The files of LIST go into RING. */
static void
s_take_all (const hf_keys_t *self, hf_key_kind_t kind, const listing_t *list, hf_key_ring_t *ring,
            char *complaint)
{
    int folder = s_open (self, kind);
    for (size_t i = 0; i < list->names.count; i++) {
        const char *name = list->names.list[i];
        uint8_t text[HF_KEY_FILE_MAX + 1];
        char error[HF_ERROR_SIZE];
        struct stat status;
        ssize_t size = folder < 0 ? -1 : s_read (folder, name, text, &status);
        if (size < 0) {
            hf_key_ring_keep (ring, &self->ring, kind, name);
            hf_error_set (complaint, "cannot read the key file %.200s/%s/%.200s: %s", self->dir,
                          hf_key_folder (kind), name, strerror (errno));
        } else if (hf_key_ring_take (ring, &self->ring, kind, name, hf_span (text, (size_t)size),
                                     error) != 0)
            hf_error_set (complaint, "the key file %.200s/%.300s", self->dir, error);
    }
    if (folder >= 0)
        close (folder);
}

static void
s_free_list (listing_t *list)
{
    for (size_t i = 0; i < list->names.count; i++)
        free (list->names.list[i]);
    hf_array_free (&list->names);
}

/*  RING is the one from now on. */
static void
s_swap (hf_keys_t *self, hf_key_ring_t *ring, hf_keys_say_fn *say, void *arg)
{
    char line[HF_ERROR_SIZE];
    size_t at = 0;
    bool any = false;
    while (hf_key_ring_differs (&self->ring, ring, &at, line)) {
        any = true;
        if (say)
            say (arg, false, line);
    }
    pthread_mutex_lock (&self->mutex);
    hf_key_ring_t old = self->ring;
    self->ring = *ring;
    pthread_mutex_unlock (&self->mutex);
    hf_key_ring_done (&old);
    if (any)
        atomic_fetch_add (&self->version, 1);
}

void
hf_keys_refresh (hf_keys_t *self, hf_keys_say_fn *say, void *arg)
{
    listing_t list[2] = {{.look = 0}, {.look = 0}};
    char complaint[HF_ERROR_SIZE] = "";
    uint64_t look = 1;
    bool racy = false, unread = false;
    for (int kind = 0; kind < 2; kind++) {
        int folder = s_open (self, (hf_key_kind_t)kind);
        bool missing = folder < 0 && (errno == ENOENT || errno == ENOTDIR);
        if (folder >= 0)
            s_list (folder, &list[kind]);
        list[kind].unread = list[kind].unread || (folder < 0 && !missing);
        if (list[kind].unread)
            hf_error_set (complaint, "cannot read the keys in %.300s/%s: %s", self->dir,
                          hf_key_folder ((hf_key_kind_t)kind), strerror (errno));
        look = hf_hash (look, &list[kind].look, sizeof list[kind].look);
        racy = racy || list[kind].racy;
        unread = unread || list[kind].unread;
    }
    //  A folder that cannot be read revokes nothing.
    if (!unread && (racy || look != self->look)) {
        hf_key_ring_t ring = {.keys = {NULL, 0, 0}, .marks = {NULL, 0, 0}};
        for (int kind = 0; kind < 2; kind++)
            s_take_all (self, (hf_key_kind_t)kind, &list[kind], &ring, complaint);
        s_swap (self, &ring, say, arg);
        self->look = look;
    } else if (!unread)
        memcpy (complaint, self->complaint, sizeof complaint);
    if (say && complaint[0] != 0 && strcmp (complaint, self->complaint) != 0)
        say (arg, true, complaint);
    memcpy (self->complaint, complaint, sizeof complaint);
    for (int kind = 0; kind < 2; kind++)
        s_free_list (&list[kind]);
}

//  ---- life ------------------------------------------------------------------------------

hf_keys_t *
hf_keys_new (const char *own_file, const char *folder, char *error)
{
    assert (own_file && folder && error);
    hf_key_t own;
    if (s_load_own (&own, own_file, error) != 0)
        return NULL;
    int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        hf_error_set (error, "cannot read the folder of keys %s: %s", folder, strerror (errno));
        return NULL;
    }
    close (fd);
    hf_keys_t *self = hf_alloc (sizeof *self);
    self->own = own;
    explicit_bzero (&own, sizeof own);
    snprintf (self->own_file, sizeof self->own_file, "%s", own_file);
    snprintf (self->dir, sizeof self->dir, "%s", folder);
    pthread_mutex_init (&self->mutex, NULL);
    hf_keys_refresh (self, NULL, NULL);
    self->complaint[0] = 0; //  whoever refreshes next shall hear of it
    self->look = 0;
    return self;
}

void
hf_keys_destroy (hf_keys_t **self_p)
{
    hf_keys_t *self = *self_p;
    if (!self)
        return;
    hf_key_ring_done (&self->ring);
    hf_array_free (&self->crowded);
    pthread_mutex_destroy (&self->mutex);
    explicit_bzero (&self->own, sizeof self->own);
    free (self);
    *self_p = NULL;
}

const hf_key_t *
hf_keys_own (const hf_keys_t *self)
{
    return &self->own;
}

const char *
hf_keys_own_file (const hf_keys_t *self)
{
    return self->own_file;
}

const char *
hf_keys_dir (const hf_keys_t *self)
{
    return self->dir;
}

//  ---- asking ----------------------------------------------------------------------------

uint64_t
hf_keys_version (const hf_keys_t *self)
{
    return atomic_load_explicit (&self->version, memory_order_acquire);
}

bool
hf_keys_admit (hf_keys_t *self, hf_key_kind_t kind, const char *public_text, hf_key_t *whose)
{
    pthread_mutex_lock (&self->mutex);
    const hf_ring_key_t *key = hf_key_ring_find (&self->ring, kind, public_text);
    if (key && whose)
        *whose = key->key;
    pthread_mutex_unlock (&self->mutex);
    return key != NULL;
}

static size_t
s_crowded (const hf_keys_t *self, const char *name)
{
    size_t at = 0;
    while (at < self->crowded.count && strcmp (self->crowded.list[at].name, name) != 0)
        at++;
    return at;
}

void
hf_keys_crowd (hf_keys_t *self, const char *name, bool crowded)
{
    assert (strlen (name) <= HF_KEY_NAME_MAX);
    pthread_mutex_lock (&self->mutex);
    size_t at = s_crowded (self, name), count = self->crowded.count;
    if (crowded && at == count)
        strcpy (hf_array_add (&self->crowded)->name, name);
    else if (!crowded && at < count)
        self->crowded.list[at] = self->crowded.list[--self->crowded.count];
    pthread_mutex_unlock (&self->mutex);
}

bool
hf_keys_turn_away (hf_keys_t *self, const char *name)
{
    pthread_mutex_lock (&self->mutex);
    bool crowded = s_crowded (self, name) < self->crowded.count;
    self->turned_away += crowded;
    pthread_mutex_unlock (&self->mutex);
    return crowded;
}

uint64_t
hf_keys_turned_away (hf_keys_t *self)
{
    pthread_mutex_lock (&self->mutex);
    uint64_t turned_away = self->turned_away;
    pthread_mutex_unlock (&self->mutex);
    return turned_away;
}

unsigned
hf_keys_count (hf_keys_t *self, uint32_t id)
{
    pthread_mutex_lock (&self->mutex);
    unsigned count = hf_key_ring_count (&self->ring, id);
    pthread_mutex_unlock (&self->mutex);
    return count;
}

bool
hf_keys_of_node (hf_keys_t *self, uint32_t id, unsigned turn, char key[HF_KEY_TEXT + 1])
{
    pthread_mutex_lock (&self->mutex);
    const hf_ring_key_t *found = hf_key_ring_of_node (&self->ring, id, turn);
    if (found)
        memcpy (key, found->key.public_text, HF_KEY_TEXT + 1);
    pthread_mutex_unlock (&self->mutex);
    return found != NULL;
}
