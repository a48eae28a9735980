/*  test_mesh.h - a cluster of meshes in one process, for the tests of the mesh. */
#ifndef TEST_MESH_H_INCLUDED
#define TEST_MESH_H_INCLUDED

#include "test_net.h"

#include "broker-less/hf_mesh.h"
#include <stdlib.h>

#ifndef NODES
#define NODES 3
#endif

//  ---- a cluster in one process ----------------------------------------------------

typedef struct seen {
    unsigned up[8], down[8], broken[8], other[8], frames[8]; //  by the node they are about
    unsigned foreign[8], peers[8];
    unsigned frames_at_break[8];       //  of all nodes together
    char text[HF_ENDPOINTS_TEXT_SIZE]; //  of the last event that has one, but NAMES
    char names[HF_ERROR_SIZE];
    uint8_t last[64];
    uint32_t last_size;
} seen_t;

//  Each test has a list of nodes; a mesh that is not NULL takes part.
static hf_endpoints_t s_list;
static hf_mesh_t *s_mesh[NODES];
static hf_keys_t *s_keys[NODES]; //  NULL: without
static seen_t s_seen[NODES];
static uint64_t s_tick_us[NODES];

static inline hf_mesh_t *
new_mesh (uint32_t id, char *error)
{
    const hf_endpoint_t *own = hf_endpoints_find (&s_list, id);
    hf_listen_t listen = test_listen (own);
    listen.keys = s_keys[id - 1];
    return hf_mesh_new (s_context, &s_list, own, &listen, error);
}

/*  The mesh of node ID on s_list, and begin to note what it sees. */
static inline void
start (uint32_t id)
{
    char error[HF_ERROR_SIZE];
    hf_mesh_t *mesh = NULL;
    //  The port of one that was just destroyed is given back by libzmq a moment later.
    for (uint64_t from = test_now_us (); mesh == NULL && test_now_us () - from < TEST_LIMIT_US;)
        mesh = new_mesh (id, error);
    if (mesh == NULL)
        fail_msg ("%s", error);
    s_mesh[id - 1] = mesh;
    s_seen[id - 1] = (seen_t){.last_size = 0};
    s_tick_us[id - 1] = 0;
}

static inline void
note_text (seen_t *seen, hf_span_t text)
{
    assert_true (text.size < sizeof (seen->text));
    memcpy (seen->text, text.at, text.size);
    seen->text[text.size] = 0;
}

static inline void
note (seen_t *seen, const hf_mesh_event_t *event)
{
    assert_true (event->node > 0 && event->node < 8);
    switch (event->type) {
    case HF_MESH_UP:
        seen->up[event->node]++;
        break;
    case HF_MESH_DOWN:
        seen->down[event->node]++;
        break;
    case HF_MESH_BROKEN:
        seen->broken[event->node]++;
        for (unsigned id = 0; id < 8; id++)
            seen->frames_at_break[event->node] += seen->frames[id];
        break;
    case HF_MESH_OTHER_LIST:
        seen->other[event->node]++;
        note_text (seen, event->text);
        break;
    case HF_MESH_OTHER_CLUSTER:
        seen->foreign[event->node]++;
        note_text (seen, event->text);
        break;
    case HF_MESH_PEERS:
        seen->peers[event->node]++;
        note_text (seen, event->text);
        break;
    case HF_MESH_FRAME:
        seen->frames[event->node]++;
        seen->last_size = event->bytes.size < 64 ? event->bytes.size : 64;
        memcpy (seen->last, event->bytes.at, seen->last_size);
        break;
    case HF_MESH_NAMES:
        assert_true (event->text.size < sizeof (seen->names));
        memcpy (seen->names, event->text.at, event->text.size);
        seen->names[event->text.size] = 0;
        break;
    case HF_MESH_NONE:
        break;
    }
}

/*  Let every mesh do what is due, once, and wait a little for more. */
static inline void
turn (void)
{
    zmq_pollitem_t items[NODES * HF_MESH_SOCKETS];
    int count = 0;
    for (unsigned i = 0; i < NODES; i++) {
        if (s_mesh[i] == NULL)
            continue;
        hf_mesh_event_t event;
        while (hf_mesh_next (s_mesh[i], test_now_us (), &event) != HF_MESH_NONE)
            note (&s_seen[i], &event);
        if (test_now_us () >= s_tick_us[i])
            s_tick_us[i] = hf_mesh_tick (s_mesh[i], test_now_us ());
        void *sockets[HF_MESH_SOCKETS];
        hf_mesh_sockets (s_mesh[i], sockets);
        for (unsigned k = 0; k < HF_MESH_SOCKETS; k++)
            items[count++] = (zmq_pollitem_t){.socket = sockets[k], .events = ZMQ_POLLIN};
    }
    zmq_poll (items, count, 5);
}

#define UNTIL(condition) UNTIL_BY (turn (), condition)

static inline bool
all_up (void)
{
    for (unsigned i = 0; i < NODES; i++) {
        for (uint32_t id = 1; id <= NODES; id++) {
            if (s_mesh[i] != NULL && id != i + 1 && s_mesh[id - 1] != NULL &&
                s_seen[i].up[id] <= s_seen[i].down[id])
                return false;
        }
    }
    return true;
}

static inline void
start_all (void)
{
    for (unsigned id = 1; id <= NODES; id++)
        start (id);
    UNTIL (all_up ());
}

static inline int
setup (void **state)
{
    open_context (state);
    s_list = test_endpoints ("127.0.0.1", NODES);
    return 0;
}

static inline int
teardown (void **state)
{
    for (unsigned i = 0; i < NODES; i++)
        hf_mesh_destroy (&s_mesh[i]);
    return close_context (state);
}

static inline void
send_newer_term (uint32_t from, uint32_t to, uint64_t term)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_newer_term_frame (&pack, &(hf_newer_term_t){.from = from, .to = to, .term = term});
    hf_mesh_send (s_mesh[from - 1], to, hf_pack_bytes (&pack), hf_pack_size (&pack));
    hf_pack_done (&pack);
}

#endif
