/*  Is SQLite's write-ahead log whole? (https://www.sqlite.org/fileformat2.html, "The Write-Ahead
 *  Log".)
 *
 *  SQLite takes the first frame that does not match its checksum for the torn end of the log and
 *  drops it with all that follows, silently. After a power cut that is right: what was torn was
 *  not synced, so it was not acknowledged. After damage in the middle it would drop commits that
 *  were acknowledged. The two differ: we write no commit before the one before it is
 *  synced, so behind a torn frame there is the end of its own transaction at most. Two commits or
 *  more behind a bad frame are damage.
 *  (Damage of the very last commit looks like a torn one, and is taken for it.)
 */
#include "nodes/store/hf_tx.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_SIZE 32
#define FRAME_SIZE  24 //  of a frame's head; the page follows
#define MAGIC       0x377f0682U
#define PAGE_MIN    512U
#define PAGE_MAX    65536U

typedef struct wal {
    const uint8_t *bytes;
    size_t size;
    size_t frame_size; //  head and page
    bool big_endian;   //  the words that are summed
} wal_t;

typedef struct sum {
    uint32_t a, b;
} sum_t;

static uint32_t
s_big (const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t
s_little (const uint8_t *at)
{
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static sum_t
s_sum (const wal_t *self, sum_t sum, const uint8_t *at, size_t size)
{
    for (const uint8_t *end = at + size; at < end; at += 8) {
        sum.a += (self->big_endian ? s_big (at) : s_little (at)) + sum.b;
        sum.b += (self->big_endian ? s_big (at + 4) : s_little (at + 4)) + sum.a;
    }
    return sum;
}

static sum_t
s_stored (const uint8_t *at)
{
    return (sum_t){.a = s_big (at), .b = s_big (at + 4)};
}

/*  Whether the frame follows on from SUM, in this generation of the WAL. */
static bool
s_follows (const wal_t *self, sum_t sum, const uint8_t *frame)
{
    if (memcmp (frame + 8, self->bytes + 16, 8) != 0) //  salts: of the frame, of the header
        return false;
    sum = s_sum (self, sum, frame, 8);
    sum = s_sum (self, sum, frame + FRAME_SIZE, self->frame_size - FRAME_SIZE);
    sum_t stored = s_stored (frame + 16);
    return sum.a == stored.a && sum.b == stored.b;
}

/*  Read the header. 1: frames may follow; 0: there are none; -1: it is damaged. */
static int
s_header (wal_t *self)
{
    static const uint8_t zeros[HEADER_SIZE];
    if (self->size < HEADER_SIZE || memcmp (self->bytes, zeros, HEADER_SIZE) == 0)
        return 0; //  never written: a header is synced before its first frame
    uint32_t page = s_big (self->bytes + 8);
    self->frame_size = FRAME_SIZE + page;
    self->big_endian = (s_big (self->bytes) & 1) != 0;
    if ((s_big (self->bytes) & ~1U) != MAGIC || page < PAGE_MIN || page > PAGE_MAX || page % 8 != 0)
        return -1;
    sum_t sum = s_sum (self, (sum_t){0}, self->bytes, 24);
    sum_t stored = s_stored (self->bytes + 24);
    return sum.a == stored.a && sum.b == stored.b ? 1 : -1;
}

/*  How many commits there are behind the first frame that is bad. */
static unsigned
s_commits_behind (const wal_t *self)
{
    sum_t sum = s_stored (self->bytes + 24);
    bool whole = true;
    unsigned commits = 0;
    for (size_t at = HEADER_SIZE; at + self->frame_size <= self->size; at += self->frame_size) {
        const uint8_t *frame = self->bytes + at;
        bool follows = s_follows (self, sum, frame);
        bool commit = s_big (frame + 4) != 0;
        if (!whole && follows && commit)
            commits++;
        whole = whole && follows;
        sum = s_stored (frame + 16); //  of a bad frame too: what is behind it may follow on
    }
    return commits;
}

static int
s_check (wal_t *self, const char *wal, char *error)
{
    int header = s_header (self);
    if (header == 0 || (header == 1 && s_commits_behind (self) < 2))
        return 0;
    return hf_error_set (error,
                         "%s is damaged in the middle: acknowledged commits would be lost; %s", wal,
                         HF_WAY_OUT);
}

int
hf_wal_check (const char *path, char *error)
{
    char wal[PATH_MAX];
    snprintf (wal, sizeof wal, "%s-wal", path);
    int fd = open (wal, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : hf_error_set (error, "%s: %s", wal, strerror (errno));
    struct stat st;
    int rc = fstat (fd, &st);
    void *bytes = MAP_FAILED;
    if (rc == 0 && st.st_size > 0)
        bytes = mmap (NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (rc != 0 || (st.st_size > 0 && bytes == MAP_FAILED))
        rc = hf_error_set (error, "%s: %s", wal, strerror (errno));
    close (fd);
    if (bytes == MAP_FAILED)
        return rc;
    wal_t self = {.bytes = bytes, .size = (size_t)st.st_size};
    rc = s_check (&self, wal, error);
    munmap (bytes, (size_t)st.st_size);
    return rc;
}
