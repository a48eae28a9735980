/*  links_internal.h - what both kinds of links share: troubles, and the thread. */
#ifndef HF_LINKS_INTERNAL_H_INCLUDED
#define HF_LINKS_INTERNAL_H_INCLUDED

#include "base/hf_random.h"
#include "tests/cluster/torture/links.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

/*  What a kind of links does. */
typedef struct hf_links_class {
    hf_links_kind_t kind;
    /*  Makes the cluster, and sets the places of clients. NULL, with the reason in WHY. */
    hf_cluster_t *(*open) (hf_links_t *self, char why[HF_WHY_SIZE]);
    /*  One round of the thread: wait for at most WAIT_MS, forward what arrived. */
    void (*carry) (hf_links_t *self, int wait_ms);
    void (*close) (hf_links_t *self);
} hf_links_class_t;

extern const hf_links_class_t hf_links_switch;
extern const hf_links_class_t hf_links_proxies;

struct hf_links {
    const hf_links_class_t *class;
    unsigned nodes, clients;
    hf_place_t place[HF_CREW_MAX + 1]; //  by client
    void *own;                         //  of the class
    //  Set by the test, read by the thread.
    _Atomic (hf_trouble_t) trouble[HF_ENDS_MAX + 1][HF_ENDS_MAX + 1];
    atomic_bool stop;
    pthread_t thread;
    //  The thread's.
    hf_random_t random;
    atomic_uint_fast64_t count[HF_FATES];
};

/*  Bytes that arrive later, in their order. */
typedef struct hf_parcel {
    struct hf_parcel *next;
    uint64_t due_ms;
    size_t size, sent;
    uint8_t bytes[];
} hf_parcel_t;

typedef struct hf_parcels {
    hf_parcel_t *first, *last;
    size_t held; //  bytes
} hf_parcels_t;

void hf_parcels_add (hf_parcels_t *self, uint64_t due_ms, const void *bytes, size_t size);
/*  Remove the first; remove all. */
void hf_parcels_drop (hf_parcels_t *self);
void hf_parcels_clear (hf_parcels_t *self);
/*  WAIT_MS, or less when the first is due before. */
int hf_parcels_wait (const hf_parcels_t *self, int wait_ms);

/*  A thread that takes no signals: they are for the main thread. */
void hf_thread_start (pthread_t *thread, void *(*run) (void *), void *arg);

/*  Draw what becomes of one packet from FROM to TO; if it is not cut, it would be so late. */
hf_fate_t hf_links_draw (hf_links_t *self, unsigned from, unsigned to, uint32_t *delay_ms);

#endif
