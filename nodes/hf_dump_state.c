//  The lock state of a stopped node, as JSON.

#include "nodes/hf_dump_internal.h"
#include "nodes/store/hf_tx.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

//  ---- sessions ----------------------------------------------------------------------

static json_t *
s_places (const hf_state_t *state, uint64_t session, json_t *waits)
{
    json_t *holds = json_array ();
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    hf_state_session_places (state, session, &held, &queued);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&held));
    hf_granted_t granted;
    while (!hf_scan_at_end (&scan) && hf_granted_get (&scan, &granted))
        json_array_append_new (holds,
                               json_pack ("{s:o, s:o, s:o}", "lock", hf_dump_text (granted.lock),
                                          "token", hf_dump_number (granted.token), "index",
                                          hf_dump_number (granted.index)));
    scan = hf_scan_list (hf_pack_list (&queued));
    hf_moved_t moved;
    while (!hf_scan_at_end (&scan) && hf_moved_get (&scan, &moved))
        json_array_append_new (waits, json_pack ("{s:o, s:o}", "lock", hf_dump_text (moved.lock),
                                                 "position", hf_dump_number (moved.position)));
    hf_pack_done (&held);
    hf_pack_done (&queued);
    return holds;
}

static json_t *
s_session (const hf_state_t *state, const hf_session_row_t *row)
{
    json_t *waits = json_array ();
    json_t *holds = s_places (state, row->session, waits);
    return json_pack ("{s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o}", "id",
                      hf_dump_number (row->session), "label", hf_dump_text (row->label), "user",
                      hf_dump_text (row->user), "ttl_ms", hf_dump_number (row->ttl_ms), "delay_ms",
                      hf_dump_number (row->delay_ms), "detect", row->detect, "gone", row->gone,
                      "holds", holds, "waits", waits);
}

static json_t *
s_sessions (const hf_state_t *state)
{
    json_t *sessions = json_array ();
    uint64_t after = 0;
    hf_pack_t rows;
    hf_pack_init (&rows);
    for (bool more = true; more;) {
        hf_pack_reset (&rows);
        more = hf_state_session_rows (state, after, HF_ROWS_MAX, NULL, &rows);
        hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
        hf_session_row_t row;
        while (!hf_scan_at_end (&scan) && hf_session_row_get (&scan, &row)) {
            json_array_append_new (sessions, s_session (state, &row));
            after = row.session;
        }
    }
    hf_pack_done (&rows);
    return sessions;
}

//  ---- locks -------------------------------------------------------------------------

static json_t *
s_staged (const hf_state_t *state, hf_span_t lock, uint64_t session)
{
    json_t *staged = json_object ();
    hf_pack_t parts;
    hf_pack_init (&parts);
    hf_state_staged (state, lock, session, &parts);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&parts));
    hf_file_row_t part;
    while (!hf_scan_at_end (&scan) && hf_file_row_get (&scan, &part)) {
        //  A key ends at a zero byte for jansson; a valid name has none.
        char *name;
        if (asprintf (&name, "%.*s", (int)part.file.size, (const char *)part.file.at) < 0)
            abort ();
        json_object_set_new (staged, name, hf_dump_number (part.length));
        free (name);
    }
    hf_pack_done (&parts);
    return staged;
}

static json_t *
s_holder (const hf_holder_row_t *hold, json_t *staged)
{
    return json_pack ("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "session",
                      hf_dump_number (hold->session), "token", hf_dump_number (hold->token), "mode",
                      hf_mode_name (hold->mode), "units", hf_dump_number (hold->units), "label",
                      hf_dump_text (hold->label), "note", hf_dump_text (hold->note), "staged",
                      staged);
}

static json_t *
s_waiter (const hf_waiter_row_t *waiter)
{
    return json_pack ("{s:o, s:s, s:o, s:o, s:o}", "session", hf_dump_number (waiter->session),
                      "mode", hf_mode_name (waiter->mode), "units", hf_dump_number (waiter->units),
                      "label", hf_dump_text (waiter->label), "note", hf_dump_text (waiter->note));
}

static json_t *
s_lock (const hf_state_t *state, hf_span_t lock)
{
    json_t *holders = json_array (), *queue = json_array ();
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more = false;
    hf_state_lock_detail (state, lock, 1, UINT32_MAX, &rows, &more);
    assert (!more);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_lock_row_t row;
    bool good = hf_lock_row_get (&scan, &row);
    assert (good); //  the state packed it
    while (!hf_scan_at_end (&scan)) {
        hf_holder_row_t hold;
        hf_waiter_row_t waiter;
        if (hf_scan_kind (&scan) == HF_KIND_HOLDER_ROW && hf_holder_row_get (&scan, &hold))
            json_array_append_new (holders, s_holder (&hold, s_staged (state, lock, hold.session)));
        else if (hf_waiter_row_get (&scan, &waiter))
            json_array_append_new (queue, s_waiter (&waiter));
    }
    hf_pack_done (&rows);
    return json_pack ("{s:o, s:o, s:o, s:o}", "name", hf_dump_text (lock), "limit",
                      hf_dump_number (row.limit), "holders", holders, "queue", queue);
}

static json_t *
s_locks (const hf_state_t *state)
{
    json_t *locks = json_array ();
    uint8_t name[256];
    hf_span_t after = hf_span (name, 0);
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more = true;
    while (more) {
        hf_pack_reset (&rows);
        more = hf_state_lock_rows (state, after, HF_ROWS_MAX, NULL, &rows);
        hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
        while (!hf_scan_at_end (&scan)) {
            hf_lock_row_t row;
            if (hf_scan_kind (&scan) != HF_KIND_LOCK_ROW || !hf_lock_row_get (&scan, &row)) {
                hf_scan_skip (&scan, 1);
                continue;
            }
            json_array_append_new (locks, s_lock (state, row.lock));
            assert (row.lock.size <= sizeof name);
            memcpy (name, row.lock.at, row.lock.size);
            after = hf_span (name, row.lock.size);
        }
    }
    hf_pack_done (&rows);
    return locks;
}

//  ---- all of it -----------------------------------------------------------------------

static bool
s_load (void *arg, hf_span_t key, hf_span_t value)
{
    return hf_state_load (arg, key, value);
}

json_t *
hf_dump_state (hf_state_store_t *store, char *error)
{
    hf_state_t *state = hf_state_new ();
    json_t *json = NULL;
    if (hf_state_store_read (store, s_load, state) != 0)
        hf_error_set (error, "%s", hf_state_store_error (store));
    else if (!hf_state_loaded (state) ||
             hf_state_applied_index (state) != hf_state_store_index (store))
        hf_error_set (error, "state.db is damaged: its rows contradict each other; %s", HF_WAY_OUT);
    else
        json = json_pack ("{s:o, s:o, s:o, s:o, s:o, s:o}", "index",
                          hf_dump_number (hf_state_applied_index (state)), "term",
                          hf_dump_number (hf_state_applied_term (state)), "command_index",
                          hf_dump_number (hf_state_command_index (state)), "hash",
                          hf_dump_hex (hf_state_hash (state)), "sessions", s_sessions (state),
                          "locks", s_locks (state));
    hf_state_destroy (&state);
    return json;
}
