/*  tool_cluster.h - every member of the cluster, asked at once what it knows of itself.
 */
#ifndef TOOL_CLUSTER_H_INCLUDED
#define TOOL_CLUSTER_H_INCLUDED

#include "client/tool/tool.h"
#include <pthread.h>

/*  One node, asked on a thread of its own: the silent ones cost their time together. */
typedef struct tool_node {
    struct tool_cluster *cluster;
    uint32_t id;
    bool votes, drained;
    char place[HF_HOST_MAX + 16]; //  host:client-port, as the members know it; "": only the list
    hf_status_t status;           //  HF_OK: it answered, and:
    json_t *facts;                //  an object
    pthread_t thread;
    bool threaded;
} tool_node_t;

typedef struct tool_cluster {
    tool_node_t node[HF_MEMBERS_MAX];
    size_t count;
    size_t reachable;
    uint32_t leader; //  0: no majority agrees on one
    uint64_t term;   //  likewise
    uint64_t roster; //  the index of who the members are; 0: the list says it
    //  The threads' own.
    hf_client_t *client;
    uint32_t timeout_ms;
    bool whole;
    uint64_t began_ms, agreed_ms; //  how long it took until a majority agreed; 0: not yet
    pthread_mutex_t mutex;
} tool_cluster_t;

/*  Ask them all. Each has TIMEOUT_MS; but unless WHOLE, once a majority of those that vote and the
 *  leader that it names have answered, the others are waited for only a little longer. */
void tool_cluster_ask (tool_cluster_t *self, hf_client_t *client, uint32_t timeout_ms, bool whole);
void tool_cluster_done (tool_cluster_t *self);

/*  A number that the node said of itself; 0: it did not. */
uint64_t tool_node_number (const tool_node_t *self, const char *key);
/*  A text; "". */
const char *tool_node_text (const tool_node_t *self, const char *key);

/*  HOST:CLIENT_PORT of a node. */
void tool_node_endpoint (const tool_node_t *self, char *text, size_t size);

/*  What it does, for people: its role, or that it did not answer. */
const char *tool_node_role (const tool_node_t *self);

/*  The next cell: a number or text; "-" for none. */
void tool_cell (tool_table_t *table, const json_t *fact);

#endif
