//  The state of one peer, by its HELLOs: is the link up, and is it of our cluster?

#include "broker-less/hf_mesh_peer.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <string.h>

uint64_t
hf_since_us (uint64_t then_us, uint64_t now_us)
{
    return now_us > then_us ? now_us - then_us : 0;
}

hf_mesh_peer_t *
hf_mesh_peer_find (hf_mesh_peer_t *peers, uint32_t count, uint32_t id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (peers[i].id == id)
            return &peers[i];
    }
    return NULL;
}

void
hf_mesh_peer_init (hf_mesh_peer_t *self, const hf_endpoint_t *place, uint32_t tag)
{
    *self = (hf_mesh_peer_t){.id = place->id, .tag = tag, .fd = -1};
    hf_target_init (&self->target, place->host, place->node_port);
}

//  ---- HELLOs ------------------------------------------------------------------------

/*  Whether the list can be printed in a log line, and its hash is right. */
static bool
s_list_valid (const hf_hello_t *hello)
{
    if (hello->list.size >= HF_ENDPOINTS_TEXT_SIZE)
        return false;
    for (uint32_t i = 0; i < hello->list.size; i++) {
        if (hello->list.at[i] <= 0x20 || hello->list.at[i] > 0x7e)
            return false;
    }
    return hello->list_hash == hf_hash (0, hello->list.at, hello->list.size);
}

/*  Find our echo among ECHOES; false when they are malformed. */
static bool
s_echoed (const hf_mesh_self_t *me, hf_list_t echoes, bool *echoed)
{
    *echoed = false;
    hf_scan_t scan = hf_scan_list (echoes);
    if (echoes.count > HF_MEMBERS_MAX)
        return false;
    for (uint32_t i = 0; i < echoes.count; i++) {
        hf_echo_t echo;
        if (!hf_echo_get (&scan, &echo))
            return false;
        *echoed = *echoed || (echo.node == me->id && echo.nonce == me->nonce);
    }
    return true;
}

/*  Whether it comes from our cluster: TAKEN, OTHER_LIST, OTHER_CLUSTER or BAD. */
static hf_hello_result_t
s_judge (const hf_mesh_self_t *me, const hf_hello_t *hello)
{
    if (me->cluster != 0 && hello->cluster != 0)
        return me->cluster == hello->cluster ? HF_HELLO_TAKEN : HF_HELLO_OTHER_CLUSTER;
    if (me->list[0] == 0)
        return hello->cluster != 0 ? HF_HELLO_TAKEN : HF_HELLO_OTHER_CLUSTER;
    if (hello->list.size == 0)
        return me->cluster != 0 ? HF_HELLO_TAKEN : HF_HELLO_BAD;
    return hf_span_equal (hello->list, hf_span_text (me->list)) ? HF_HELLO_TAKEN
                                                                : HF_HELLO_OTHER_LIST;
}

static hf_hello_result_t
s_take_foreign (hf_mesh_peer_t *self, const hf_hello_t *hello, hf_hello_result_t as)
{
    uint64_t of = as == HF_HELLO_OTHER_LIST ? hello->list_hash : hello->cluster;
    bool told = self->foreign && self->told_as == as && self->told_of == of;
    self->foreign = true;
    self->told_as = as;
    self->told_of = of;
    self->trusted = false;
    self->up = false;
    return told ? HF_HELLO_TAKEN : as;
}

hf_hello_result_t
hf_mesh_peer_hello (hf_mesh_peer_t *self, hf_mesh_self_t *me, const hf_hello_t *hello, int fd,
                    uint64_t now_us)
{
    assert (me && me->nonce != 0 && hello);
    bool echoed;
    if (self == NULL || !s_list_valid (hello) || !s_echoed (me, hello->echoes, &echoed))
        return HF_HELLO_BAD;
    hf_hello_result_t result = s_judge (me, hello);
    if (result == HF_HELLO_BAD)
        return result;
    assert (self->id == hello->from);
    self->fd = fd;
    self->known = true;
    self->said_us = now_us;
    if (result != HF_HELLO_TAKEN)
        return s_take_foreign (self, hello, result);

    if (me->list[0] == 0 && me->cluster == 0)
        me->cluster = hello->cluster;
    self->foreign = false;
    self->trusted = true;
    self->snub = HF_SNUB_NONE;
    self->tried = 0;
    self->heard_us = now_us;
    bool restarted = self->nonce != hello->nonce;
    self->nonce = hello->nonce;
    if (restarted && self->up) {
        //  The peer restarted: the link goes down first, and the next HELLO may take it up again.
        self->up = false;
        return HF_HELLO_NOT_ECHOED;
    }
    if (!echoed)
        return HF_HELLO_NOT_ECHOED;
    self->echoed_us = now_us;
    self->up = true;
    return HF_HELLO_TAKEN;
}

void
hf_mesh_peer_doubt (hf_mesh_peer_t *self)
{
    self->foreign = false;
    self->trusted = false;
}

//  ---- its link ------------------------------------------------------------------------

bool
hf_mesh_peer_heard (const hf_mesh_peer_t *self, uint64_t now_us)
{
    return self->trusted && hf_since_us (self->heard_us, now_us) <= HF_ECHO_LIFE_US;
}

void
hf_mesh_peer_age (hf_mesh_peer_t *self, uint64_t now_us)
{
    if (self->up && hf_since_us (self->echoed_us, now_us) > HF_ECHO_LIFE_US)
        self->up = false;
}

void
hf_mesh_peer_forget (hf_mesh_peer_t *self)
{
    self->broken = false;
    self->known = false;
    self->trusted = false;
    self->up = false;
    self->fd = -1;
}
