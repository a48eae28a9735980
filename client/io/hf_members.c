//  The blocking calls about members: who they are, and changes of them.

#include "client/io/hf_io.h"
#include <assert.h>
#include <string.h>
#include <sys/random.h>

//  ---- who they are -----------------------------------------------------------------

static bool
s_row (hf_scan_t *scan, hf_member_info_t *info, char host[HF_HOST_MAX + 1])
{
    hf_member_row_t row;
    if (!hf_member_row_get (scan, &row) || row.host.size > HF_HOST_MAX ||
        !hf_text_valid (row.host) || row.client_port > UINT16_MAX || row.node_port > UINT16_MAX)
        return false;
    if (row.host.size > 0)
        memcpy (host, row.host.at, row.host.size);
    host[row.host.size] = 0;
    *info = (hf_member_info_t){.id = row.node,
                               .host = host,
                               .client_port = (uint16_t)row.client_port,
                               .node_port = (uint16_t)row.node_port,
                               .votes = row.votes,
                               .joins = row.joins,
                               .leaves = row.leaves,
                               .incarnation = row.incarnation,
                               .drained = row.drained};
    return true;
}

/*  What OP brought back. */
static hf_status_t
s_read (const hf_op_t *op, hf_roster_info_t *info, hf_member_info_fn *fn, void *arg)
{
    hf_query_result_t result;
    hf_scan_t scan = hf_scan (op->reply, op->reply_size);
    if (!hf_query_result_get (&scan, &result))
        return HF_MALFORMED;
    scan = hf_scan_list (result.rows);
    for (uint32_t i = 0; i < result.rows.count; i++) {
        hf_member_info_t member;
        char host[HF_HOST_MAX + 1];
        if (!s_row (&scan, &member, host))
            return HF_MALFORMED;
        if (fn)
            fn (arg, &member);
    }
    if (info)
        *info = (hf_roster_info_t){
            .index = result.index, .level = (uint32_t)result.number, .count = result.rows.count};
    return HF_OK;
}

hf_status_t
hf_query_members (hf_client_t *client, const hf_query_options_t *options, hf_roster_info_t *info,
                  hf_member_info_fn *fn, void *arg, uint32_t limit_ms)
{
    hf_query_options_t own = HF_QUERY_OPTIONS_INIT;
    hf_op_t *op;
    if (!client || hf_io_on_thread (client) || !hf_options_take (&own, sizeof own, options))
        return HF_INVALID;
    uint32_t node = own.stale ? HF_NODE_ANY : HF_NODE_LEADER;
    op = hf_op_query (node, HF_WHAT_MEMBERS, "", 0, 0);
    op->limit_us = hf_io_until_us (limit_ms);
    hf_status_t status = hf_io_ask (client, NULL, op, limit_ms, &op);
    if (op && op->reply && status == HF_OK)
        status = s_read (op, info, fn, arg);
    if (op)
        hf_op_free (op);
    return status;
}

//  ---- changes ------------------------------------------------------------------------

hf_status_t
hf_change_members (hf_client_t *client, hf_member_change_t *change, uint64_t *index,
                   uint32_t limit_ms)
{
    hf_member_change_t own = HF_MEMBER_CHANGE_INIT;
    hf_op_t *op;
    if (!client || !change || hf_io_on_thread (client) ||
        !hf_options_take (&own, sizeof own, change) || own.id > INT64_MAX ||
        (own.host && strlen (own.host) > HF_HOST_MAX) || (own.by && strlen (own.by) > HF_LABEL_MAX))
        return HF_INVALID;
    while (own.id == 0) {
        if (getrandom (&own.id, sizeof own.id, 0) != sizeof own.id)
            return HF_INVALID;
        own.id &= INT64_MAX;
    }
    change->id = own.id;
    op = hf_op_change (&(hf_change_request_t){.id = own.id,
                                              .op = own.op,
                                              .node = own.node,
                                              .host = hf_span_text (own.host ? own.host : ""),
                                              .client_port = own.client_port,
                                              .node_port = own.node_port,
                                              .learns = own.learns,
                                              .force = own.force,
                                              .level = own.level,
                                              .by = hf_span_text (own.by ? own.by : "")});
    op->limit_us = hf_io_until_us (limit_ms);
    hf_status_t status = hf_io_ask (client, NULL, op, limit_ms, &op);
    if (op && index)
        *index = op->result.index;
    if (op)
        hf_op_free (op);
    return status;
}
