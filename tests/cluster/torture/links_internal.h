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
    /*  False, with the reason in WHY. */
    bool (*open) (hf_links_t *self, char why[HF_WHY_SIZE]);
    hf_cluster_t *(*cluster) (hf_links_t *self);
    const char *(*list) (hf_links_t *self, unsigned client);
    int (*network) (const hf_links_t *self, unsigned client);
    /*  One round of the thread: wait for at most WAIT_MS, carry what there is. */
    void (*carry) (hf_links_t *self, int wait_ms);
    void (*close) (hf_links_t *self);
} hf_links_class_t;

extern const hf_links_class_t hf_links_switch;
extern const hf_links_class_t hf_links_proxies;

struct hf_links {
    const hf_links_class_t *class;
    unsigned nodes, clients;
    hf_cluster_t *cluster; //  not ours
    void *own;             //  of the class
    //  Set by the test, read by the thread.
    atomic_uint_fast64_t trouble[HF_ENDS_MAX + 1][HF_ENDS_MAX + 1];
    atomic_bool stop;
    pthread_t thread;
    bool started;
    //  The thread's.
    hf_random_t random;
    atomic_uint_fast64_t passed, cut, lost, delayed;
};

/*  A thread that takes no signals: they are for the main thread. */
void hf_thread_start (pthread_t *thread, void *(*run) (void *), void *arg);

/*  Draw what becomes of one packet from FROM to TO. */
typedef struct hf_passage {
    bool cut, lost;
    uint32_t delay_ms;
} hf_passage_t;
hf_passage_t hf_links_draw (hf_links_t *self, unsigned from, unsigned to);

#endif
