/*  power_life.h - the life of a store, ended at every operation in every way, and looked at again.
 *
 *  A life runs a script on a store and says what was acknowledged; its looks open what is left and
 *  compare it with a model. What must hold after any cut: the store opens; it shows the version
 *  that was acknowledged last, or the one that was under way, whole; and what it has shown stays.
 */
#ifndef POWER_LIFE_H_INCLUDED
#define POWER_LIFE_H_INCLUDED

#include "base/hf_array.h"
#include "base/hf_span.h"
#include "power_disk.h"

#define POWER_WHY      1024
#define POWER_VERSIONS 64 //  of a life of one store

typedef struct power_life power_life_t;
typedef struct power_store power_store_t;

/*  The first member of the life itself. */
struct power_life {
    const char *name;
    /*  Fill DIR, once: what every run finds on its disk. May be NULL. */
    void (*prepare) (power_life_t *self, const char *dir);
    /*  Run the script in DIR; power_ack after every version, the first is 1 (0: nothing was ever
     *  acknowledged). False: the store failed, as a store has to: it took nothing more. A store
     *  that fails otherwise ends the test. */
    bool (*run) (power_life_t *self, const char *dir);
    /*  Open what is in DIR, compare all that it shows with the versions LOW to HIGH, power_shown,
     *  close. Gives the version; -1 with a line in WHY. */
    long (*look) (power_life_t *self, const char *dir, long low, long high, char *why);
    const power_store_t *store; //  of power_store_life
    long versions;              //  a whole run's last one
    uint8_t *bytes;             //  freed with it
    //  ---- the drivers' own
    power_disk_t *prepared;
    HF_ARRAY (uint64_t) seen; //  images that were looked at, with the versions that they may show
};

void power_life_destroy (power_life_t **self_p);

//  ---- lives of one store

struct power_store {
    void *(*open) (const char *dir, char *error);
    void (*close) (void *store); //  NULL: nothing
    const char *(*error) (const void *store);
    /*  After a run has made the store. May be NULL. */
    void (*made) (power_life_t *life, void *store);
    /*  From the version before to VERSION, with the commit. 0 or -1. */
    int (*step) (power_life_t *life, void *store, long version);
    /*  The store has failed: try all that writes, and expect -1. It shows KEPT, the last version
     *  that was acknowledged. */
    void (*refuses) (power_life_t *life, void *store, long kept);
    /*  The version that the store shows, of LOW to HIGH; or -1 with WHY. */
    long (*version) (power_life_t *life, void *store, long low, long high, char *why);
};

/*  s_calls: those of the class CLASS, with s_step, s_refuses, s_version and MADE. */
#define POWER_STORE_CALLS(class, made)                                                             \
    static void *s_open (const char *dir, char *error)                                             \
    {                                                                                              \
        return class##_open (dir, error);                                                          \
    }                                                                                              \
    static void s_close (void *store)                                                              \
    {                                                                                              \
        class##_t *self = store;                                                                   \
        class##_close (&self);                                                                     \
    }                                                                                              \
    static const char *s_error (const void *store)                                                 \
    {                                                                                              \
        return class##_error (store);                                                              \
    }                                                                                              \
    static const power_store_t s_calls = {s_open, s_close,   s_error,  made,                       \
                                          s_step, s_refuses, s_version};

/*  A life in SIZE bytes, zeroed: COMMITS versions behind the first, step by step, the store closed
 *  and opened again every few of them. An error names NAME. */
power_life_t *power_store_life (size_t size, const char *name, const power_store_t *store,
                                unsigned commits);

/*  SIZE bytes that follow from SALT, in a static buffer. */
hf_span_t power_bytes (uint32_t salt, uint32_t size);

//  ---- from within a life

void power_ack (void);
void power_shown (void);

/*  What the drivers found. */
typedef struct power_result {
    size_t cuts;    //  images; the same one is looked at once
    size_t runs;    //  of the script
    size_t struck;  //  of them, that met their fault
    size_t refused; //  runs or looks that ended with an error, as they may under a fault
    size_t broken;  //  promises; must be 0 on an honest disk
    char first[POWER_WHY + 200];
} power_result_t;

/*  Power goes before every STRIDE-th operation of one run: each of the kinds of images, and of the
 *  last SEEDS times. During the looks, and right after them, power goes again. LIE: what the disk
 *  lies about, or NULL. */
power_result_t power_cuts (power_life_t *life, unsigned seeds, size_t stride, const char *lie);
/*  FAULT at every operation; then the node is started again, at once or after a cut. */
power_result_t power_failures (power_life_t *life, power_fault_t fault);
/*  One of those. Gives the version that was acknowledged. */
long power_fail_at (power_life_t *life, power_fault_t fault, size_t n, power_result_t *result);
/*  The process is killed before every operation and started again on the same system; the power
 *  goes when the store has opened. Then the same once more, and while it opens an operation fails:
 *  if it opens all the same, what it shows must stay. LIE: from the restart on. */
power_result_t power_kills (power_life_t *life, const char *lie);

/*  One of those: killed before operation N. FAIL_AT: this operation of the opening fails, SIZE_MAX:
 *  none. Gives the version that was shown; -1: refused. *LAST: that was acknowledged before. */
long power_kill (power_life_t *life, size_t n, size_t fail_at, const char *lie,
                 power_result_t *result, long *last);

/*  The first sync of a file whose name matches PATTERN, after version AFTER was acknowledged and
 *  before the last one was: there must be one. */
size_t power_find_sync (power_life_t *life, long after, const char *pattern);

/*  Print the numbers, and fail the test if a promise was broken. */
void power_expect_kept (const power_life_t *life, const char *how, const power_result_t *result);
/*  A disk that lies must be noticed. */
void power_expect_broken (const power_life_t *life, const char *how, const power_result_t *result);

/*  A new folder's path, not made, in a static ring of buffers; and the folder of all of them, which
 *  power_end removes. */
const char *power_folder (void);
int power_begin (void **state);
int power_end (void **state);

//  ---- the lives: COMMITS transactions by SEED; power_life_destroy ends one -------------------

//  The log: votes, appends, truncations, prunings, new beginnings.
power_life_t *life_log_new (uint64_t seed, unsigned commits);
//  The files: sections over several files.
power_life_t *life_files_new (uint64_t seed, unsigned commits);
//  The lock state: rows put, changed, removed one by one and by prefix.
power_life_t *life_state_new (uint64_t seed, unsigned commits);
/*  A node takes the whole state of another one, and goes on with it: the same whatever the seed.
 *  Versions: 1 the old state; 2 the stream is whole and named ready; 3 swapped in, and an entry
 *  more. A look swaps in what is ready, as a node does at its start. */
power_life_t *life_swap_new (uint64_t seed, unsigned commits);

#endif
