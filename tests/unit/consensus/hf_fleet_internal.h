/*  hf_fleet_internal.h - shared by the files of the fleet: nodes, network, promises. */
#ifndef HF_FLEET_INTERNAL_H_INCLUDED
#define HF_FLEET_INTERNAL_H_INCLUDED

#include "hf_fleet.h"
#include "base/hf_random.h"
#include <assert.h>
#include <stdlib.h>

typedef struct item {
    uint64_t term;
    uint32_t type;
    uint64_t value; //  0: the core's own entry
    uint8_t size;   //  of what that holds
    uint8_t payload[HF_ROSTER_MAX];
} item_t;

typedef struct disk {
    uint64_t term;
    hf_member_t voted_for;
    HF_ARRAY (item_t) items; //  of index 1 and up
    size_t base;             //  items up to here are pruned: kept for the checks, never read
} disk_t;

typedef struct node {
    uint32_t id;
    hf_core_t *core; //  NULL: it is down
    hf_effects_t effects;
    size_t early_done; //  messages that were looked through for early ones
    disk_t written;    //  with the open transaction
    disk_t durable;
    size_t written_from; //  items before this are the same in both
    bool dirty;          //  a transaction is open
    bool stalled;
    uint64_t flush_us; //  when it will be committed
    uint64_t reported; //  the commit index handed on
    hf_core_view_t seen;
    uint64_t incarnation;
    bool told_leading; //  by the notices
    uint32_t told_leader;
    uint64_t told_term;
} node_t;

typedef struct packet {
    uint64_t deliver_us;
    uint64_t order;
    uint32_t from, to;
    uint32_t kind;
    size_t size;
    uint8_t *bytes;
} packet_t;

#define RULES_MAX 16
#define TERMS_MAX 65536

typedef struct rule {
    uint32_t kind, from, to, count;
} rule_t;

typedef struct asked {
    uint64_t id;
    uint64_t committed; //  when it was asked for
    bool passed;
} asked_t;

struct hf_fleet {
    hf_fleet_options_t options;
    uint64_t now_us;
    hf_random_t random;
    uint64_t order;
    uint64_t value; //  of the last entry proposed
    node_t nodes[HF_MEMBERS_MAX + 1];
    bool cut[HF_MEMBERS_MAX + 1][HF_MEMBERS_MAX + 1];
    HF_ARRAY (packet_t) packets;
    rule_t rules[RULES_MAX]; //  what is lost
    size_t rules_count;
    rule_t doubles[RULES_MAX]; //  what comes once more, when hf_fleet_arrive says so
    size_t doubles_count;
    uint64_t wiped_us; //  when a disk was last lost
    //  The promises.
    uint32_t leaders[TERMS_MAX]; //  of each term
    HF_ARRAY (item_t) committed;
    HF_ARRAY (asked_t) asked;
};

uint64_t hf_fleet_random (hf_fleet_t *self, uint64_t limit);
void hf_fleet_tell (const hf_fleet_t *self, uint32_t what, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

//  Nodes.
node_t *hf_fleet_node (hf_fleet_t *self, uint32_t id);
void hf_fleet_step (hf_fleet_t *self, node_t *node, hf_event_t *event);
void hf_fleet_flush (hf_fleet_t *self, node_t *node);

hf_span_t hf_fleet_payload (const item_t *item);
bool hf_fleet_same (const item_t *a, const item_t *b);

//  The network.
void hf_fleet_send (hf_fleet_t *self, const node_t *node, const hf_outgoing_t *out);
void hf_fleet_deliver (hf_fleet_t *self, size_t at);
void hf_fleet_set_link (hf_fleet_t *self, uint32_t a, uint32_t b);

//  The promises.
void hf_fleet_watch_step (hf_fleet_t *self, node_t *node);
void hf_fleet_watch_commit (hf_fleet_t *self, node_t *node, uint64_t index);
void hf_fleet_watch_notice (hf_fleet_t *self, node_t *node, const hf_notice_t *notice);

#endif
