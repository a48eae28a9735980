/*  hf_one.h - KEEPALIVE and ALIVE of one session, as most tests need them.
 */
#ifndef HF_ONE_H_INCLUDED
#define HF_ONE_H_INCLUDED

#include "msgs/hf_msg.h"

/*  The frame KEEPALIVE of one session. */
static inline void
hf_keepalive_one (hf_pack_t *pack, uint64_t echo, uint64_t session, uint64_t floor)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_keep_put (&list, &(hf_keep_t){session, floor});
    hf_keepalive_frame (pack, &(hf_keepalive_t){echo, hf_pack_list (&list)});
    hf_pack_done (&list);
}

/*  The only session in ALIVE. False: there are none, or more. */
static inline bool
hf_alive_get_one (hf_scan_t *scan, uint64_t *echo, hf_kept_t *kept)
{
    hf_alive_t alive;
    if (!hf_alive_get (scan, &alive) || alive.sessions.count != 1)
        return false;
    *echo = alive.echo;
    hf_scan_t list = hf_scan_list (alive.sessions);
    return hf_kept_get (&list, kept);
}

#endif
