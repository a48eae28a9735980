/*  plan.h - what goes wrong next, drawn from a seed and nothing else. */
#ifndef HF_PLAN_H_INCLUDED
#define HF_PLAN_H_INCLUDED

#include "base/hf_random.h"
#include <stdbool.h>
#include <stdint.h>

/*  name, text, weight of 100 or so */
#define HF_FAULTS(X)                                                                               \
    X (KILL, "kills", 22)                                                                          \
    X (STOP, "stops", 16)                                                                          \
    X (CUT_WAY, "one-way cuts", 10)                                                                \
    X (CUT_PAIR, "pair cuts", 8)                                                                   \
    X (ISOLATE, "isolations", 12)                                                                  \
    X (LOSS, "losses", 8)                                                                          \
    X (DELAY, "delays", 8)                                                                         \
    X (FULL, "full disks", 6)                                                                      \
    X (MAJORITY, "majority kills", 3)                                                              \
    X (ALL, "kills of all", 2)                                                                     \
    X (WIPE, "wiped nodes", 5)                                                                     \
    X (CLIENT_KILL, "client kills", 7)                                                             \
    X (CLIENT_STOP, "client stops", 8)                                                             \
    X (CLIENT_CUT, "client cuts", 7)

typedef enum hf_fault_kind {
#define HF_FAULT_ENUM(name, text, weight) HF_FAULT_##name,
    HF_FAULTS (HF_FAULT_ENUM)
#undef HF_FAULT_ENUM
        HF_FAULT_KINDS
} hf_fault_kind_t;

const char *hf_fault_text (hf_fault_kind_t kind);

/*  One fault. Every field is drawn for every kind: what one fault needs does not shift the
 *  next one. */
typedef struct hf_fault {
    hf_fault_kind_t kind;
    uint32_t after_ms;    //  since the fault before
    bool leader;          //  the victim is the leader, if there is one
    uint32_t node, other; //  numbers to choose from what there is
    uint32_t client;
    uint32_t share; //  of 1,000: how long it lasts in the range of its kind
    uint32_t way;   //  0: towards the victim, 1: from it, 2: both
    uint32_t loss_percent, delay_ms;
} hf_fault_t;

typedef struct hf_plan {
    hf_random_t seed;
    uint32_t pause_ms; //  between two faults, on average
} hf_plan_t;

hf_fault_t hf_plan_next (hf_plan_t *self);

/*  How long a fault lasts. */
uint32_t hf_fault_duration_ms (const hf_fault_t *fault);

#endif
