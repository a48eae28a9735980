#include "bench/local.h"
#include "msgs/hf_limits.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define S_STOP_LIMIT_MS 5000

//  Below the range from which systems take ports for outgoing connections: there, a client that
//  tries the port of a dead node could be given the same port and be connected to itself.
#define S_PORT_FIRST 15000
#define S_PORT_LAST  31999

struct hf_local {
    uint32_t count;
    pid_t pid[HF_MEMBERS_MAX + 1]; //  by id; 0: not running
    char log_keep[64];             //  empty: the nodes' default
    char program[PATH_MAX];
    char folder[PATH_MAX];
    char endpoints[512];
};

//  ---- finding a place ----------------------------------------------------------

static bool
s_port_is_free (uint16_t port)
{
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons (port),
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    int rc = bind (fd, (struct sockaddr *)&address, sizeof address);
    close (fd);
    return rc == 0;
}

/*  The next free port from *at on; 0 when there is none. */
static uint16_t
s_next_port (uint16_t *at)
{
    for (uint32_t tries = 0; tries < S_PORT_LAST - S_PORT_FIRST; tries++) {
        *at = *at >= S_PORT_LAST ? S_PORT_FIRST : (uint16_t)(*at + 1);
        if (s_port_is_free (*at))
            return *at;
    }
    return 0;
}

static int
s_choose_ports (hf_local_t *self)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    uint32_t spread = (uint32_t)getpid () * 131 + (uint32_t)now.tv_nsec / 1000;
    uint16_t at = (uint16_t)(S_PORT_FIRST + spread % (S_PORT_LAST - S_PORT_FIRST));
    size_t used = 0;
    for (uint32_t id = 1; id <= self->count; id++) {
        uint16_t client = s_next_port (&at), node = s_next_port (&at);
        if (client == 0 || node == 0)
            return -1;
        int n = snprintf (self->endpoints + used, sizeof self->endpoints - used,
                          "%s%u@127.0.0.1:%u:%u", id > 1 ? "," : "", id, client, node);
        used += (size_t)n;
        assert (used < sizeof self->endpoints);
    }
    return 0;
}

/*  The node's program: as told, beside this one, or where the build puts it. */
static int
s_find_program (hf_local_t *self, const char *told)
{
    if (told)
        return realpath (told, self->program) && access (self->program, X_OK) == 0 ? 0 : -1;
    static const char *const places[] = {"holdfastd", "../nodes/holdfastd",
                                         "../nodes/actors/holdfastd"};
    char own[PATH_MAX];
    ssize_t n = readlink ("/proc/self/exe", own, sizeof own - 1);
    if (n < 0)
        return -1;
    own[n] = 0;
    char *slash = strrchr (own, '/');
    assert (slash);
    slash[1] = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[PATH_MAX + 64];
        snprintf (path, sizeof path, "%s%s", own, places[i]);
        if (realpath (path, self->program) && access (self->program, X_OK) == 0)
            return 0;
    }
    errno = ENOENT;
    return -1;
}

static int
s_make_folder (hf_local_t *self, const char *root)
{
    char real[PATH_MAX];
    if (!root)
        root = getenv ("TMPDIR");
    if (!root || !*root)
        root = "/tmp";
    if (!realpath (root, real))
        return -1;
    int n = snprintf (self->folder, sizeof self->folder, "%s/holdfast-bench-XXXXXX", real);
    if (n < 0 || (size_t)n >= sizeof self->folder - 32) {
        errno = ENAMETOOLONG;
        self->folder[0] = 0;
        return -1;
    }
    if (!mkdtemp (self->folder)) {
        self->folder[0] = 0;
        return -1;
    }
    return 0;
}

static int
s_remove_one (const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove (path);
}

//  ---- processes ----------------------------------------------------------------

/*  In the child: never returns. */
static void
s_become_node (const hf_local_t *self, uint32_t id)
{
    char number[16], data[PATH_MAX + 32], log[PATH_MAX + 32];
    snprintf (number, sizeof number, "%u", id);
    hf_local_data (self, id, data, sizeof data);
    snprintf (log, sizeof log, "%s/node-%u.log", self->folder, id);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    setpgid (0, 0); //  Ctrl-C is for the parent, which ends the nodes in order
    sigset_t none;
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    int fd = open (log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int nothing = open ("/dev/null", O_RDONLY);
    if (fd < 0 || nothing < 0 || dup2 (nothing, 0) < 0 || dup2 (fd, 1) < 0 || dup2 (fd, 2) < 0)
        _exit (126);
    //  Without a size to keep, the list ends early.
    execl (self->program, self->program, "--id", number, "--cluster", self->endpoints, "--data",
           data, *self->log_keep ? "--log-keep" : (char *)NULL, self->log_keep, (char *)NULL);
    dprintf (2, "cannot run %s: %s\n", self->program, strerror (errno));
    _exit (127);
}

static int
s_start (hf_local_t *self, uint32_t id)
{
    assert (id >= 1 && id <= self->count && self->pid[id] == 0);
    fflush (NULL);
    pid_t pid = fork ();
    if (pid == 0)
        s_become_node (self, id);
    if (pid < 0)
        return -1;
    self->pid[id] = pid;
    return 0;
}

/*  Ask it to end; gives it some time, then kills it. */
static void
s_stop (hf_local_t *self, uint32_t id)
{
    pid_t pid = self->pid[id];
    for (uint32_t waited_ms = 0; waited_ms < S_STOP_LIMIT_MS; waited_ms += 10) {
        pid_t rc = waitpid (pid, NULL, WNOHANG);
        if (rc == pid || (rc < 0 && errno == ECHILD)) {
            self->pid[id] = 0;
            return;
        }
        struct timespec pause = {.tv_nsec = 10000000};
        nanosleep (&pause, NULL);
    }
    hf_local_kill (self, id);
}

void
hf_local_kill (hf_local_t *self, uint32_t id)
{
    assert (id >= 1 && id <= self->count);
    pid_t pid = self->pid[id];
    if (pid == 0)
        return;
    kill (pid, SIGKILL);
    while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    self->pid[id] = 0;
}

int
hf_local_restart (hf_local_t *self, uint32_t id)
{
    return s_start (self, id);
}

int
hf_local_wipe (hf_local_t *self, uint32_t id)
{
    assert (id >= 1 && id <= self->count && self->pid[id] == 0);
    char data[PATH_MAX + 32];
    hf_local_data (self, id, data, sizeof data);
    return nftw (data, s_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/*  The last line or two of a node's log. */
static void
s_log_end (const hf_local_t *self, uint32_t id, char *text, size_t size)
{
    char path[PATH_MAX + 32];
    snprintf (path, sizeof path, "%s/node-%u.log", self->folder, id);
    text[0] = 0;
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t end = lseek (fd, 0, SEEK_END);
    off_t from = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
    ssize_t n = pread (fd, text, size - 1, from);
    close (fd);
    if (n < 0)
        n = 0;
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = 0;
}

bool
hf_local_check (hf_local_t *self, char *error)
{
    for (uint32_t id = 1; id <= self->count; id++) {
        int status;
        if (self->pid[id] == 0 || waitpid (self->pid[id], &status, WNOHANG) != self->pid[id])
            continue;
        self->pid[id] = 0;
        char tail[500];
        s_log_end (self, id, tail, sizeof tail);
        snprintf (error, HF_ERROR_SIZE, "node %u ended by itself (%s %d); its log ends:\n%s", id,
                  WIFSIGNALED (status) ? "signal" : "exit code",
                  WIFSIGNALED (status) ? WTERMSIG (status) : WEXITSTATUS (status), tail);
        return false;
    }
    return true;
}

//  ---- the cluster --------------------------------------------------------------

hf_local_t *
hf_local_new (const hf_local_config_t *config, char *error)
{
    assert (config->count >= 1 && config->count <= HF_MEMBERS_MAX);
    hf_local_t *self = calloc (1, sizeof *self);
    assert (self);
    self->count = config->count;
    snprintf (self->log_keep, sizeof self->log_keep, "%s",
              config->log_keep ? config->log_keep : "");
    const char *what = NULL;
    if (s_find_program (self, config->holdfastd))
        what = config->holdfastd ? config->holdfastd
                                 : "holdfastd is not beside this program; give --holdfastd";
    else if (s_make_folder (self, config->data_root))
        what = config->data_root ? config->data_root : "the folder for temporary files";
    else if (s_choose_ports (self))
        what = "no free ports on 127.0.0.1";
    for (uint32_t id = 1; id <= self->count && !what; id++) {
        if (s_start (self, id))
            what = "cannot start a process";
    }
    if (what) {
        snprintf (error, HF_ERROR_SIZE, "%s: %s", what, strerror (errno));
        hf_local_destroy (&self);
    }
    return self;
}

void
hf_local_destroy (hf_local_t **self_p)
{
    assert (self_p);
    hf_local_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t id = 1; id <= self->count; id++) {
        if (self->pid[id])
            kill (self->pid[id], SIGTERM);
    }
    for (uint32_t id = 1; id <= self->count; id++) {
        if (self->pid[id])
            s_stop (self, id);
    }
    if (self->folder[0])
        nftw (self->folder, s_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free (self);
    *self_p = NULL;
}

const char *
hf_local_endpoints (const hf_local_t *self)
{
    return self->endpoints;
}

pid_t
hf_local_pid (const hf_local_t *self, uint32_t id)
{
    assert (id >= 1 && id <= self->count);
    return self->pid[id];
}

void
hf_local_data (const hf_local_t *self, uint32_t id, char *path, size_t size)
{
    assert (id >= 1 && id <= self->count);
    int n = snprintf (path, size, "%s/node-%u", self->folder, id);
    assert (n > 0 && (size_t)n < size);
}
