//  The payload of a ROSTER entry: who the members are.

#include "msgs/hf_limits.h"
#include "msgs/hf_msg.h"
#include <assert.h>

#define VERSION_SEATS 2

//  ---- writing -------------------------------------------------------------------------

static void
s_put_members (hf_pack_t *pack, const hf_roster_t *roster)
{
    hf_pack_t list;
    hf_pack_init (&list);
    for (uint32_t i = 0; i < roster->count; i++)
        hf_member_put (&list,
                       &(hf_member_t){roster->members[i].node, roster->members[i].incarnation});
    hf_put_array (pack, 3);
    hf_put_u32 (pack, HF_VERSION_WIRE);
    hf_put_list (pack, hf_pack_list (&list));
    hf_put_u32 (pack, roster->joins);
    hf_pack_done (&list);
}

static void
s_put_seats (hf_pack_t *pack, const hf_roster_t *roster)
{
    hf_pack_t list;
    hf_pack_init (&list);
    for (uint32_t i = 0; i < roster->count; i++)
        hf_seat_put (&list, &roster->members[i]);
    hf_put_array (pack, 5);
    hf_put_u32 (pack, VERSION_SEATS);
    hf_put_list (pack, hf_pack_list (&list));
    hf_put_u32 (pack, roster->level);
    hf_put_u64 (pack, roster->cluster);
    hf_put_array (pack, roster->done_count);
    for (uint32_t i = 0; i < roster->done_count; i++)
        hf_put_u64 (pack, roster->done[i]);
    hf_pack_done (&list);
}

void
hf_roster_put (hf_pack_t *pack, const hf_roster_t *roster)
{
    if (roster->level == 0)
        s_put_members (pack, roster);
    else
        s_put_seats (pack, roster);
}

//  ---- reading -------------------------------------------------------------------------

static bool
s_get_members (hf_scan_t *scan, hf_list_t list, hf_roster_t *roster)
{
    hf_scan_t records = hf_scan_list (list);
    hf_get_u32 (scan, &roster->joins);
    bool named = roster->joins == 0;
    for (uint32_t i = 0; i < list.count; i++) {
        hf_member_t member;
        if (!hf_member_get (&records, &member) || member.incarnation == 0)
            return false;
        bool joins = member.node == roster->joins;
        named = named || joins;
        roster->members[i] =
            (hf_seat_t){.node = member.node,
                        .incarnation = member.incarnation,
                        .slot = i,
                        .flags = HF_SEAT_VOTES | HF_SEAT_VOTED | (joins ? HF_SEAT_CHANGED : 0)};
    }
    return !scan->bad && named;
}

/*  Whether the flags say one thing: a member that votes, one whose disk was changed, one that is on
 *  its way in or out, or one that learns. */
static bool
s_flags_sound (const hf_seat_t *seat)
{
    bool votes = (seat->flags & HF_SEAT_VOTES) != 0, voted = (seat->flags & HF_SEAT_VOTED) != 0;
    bool changed = (seat->flags & HF_SEAT_CHANGED) != 0, joins = (seat->flags & HF_SEAT_JOINS) != 0;
    bool leaves = (seat->flags & HF_SEAT_LEAVES) != 0;
    return (seat->flags & ~HF_SEAT_ALL) == 0 && (seat->incarnation != 0 || (!votes && !voted)) &&
           (!changed || (votes && voted)) && (!joins || (!votes && !voted)) &&
           leaves == (voted && !votes);
}

static bool
s_get_seats (hf_scan_t *scan, hf_list_t list, hf_roster_t *roster)
{
    hf_scan_t records = hf_scan_list (list);
    uint32_t slots = 0, flags = 0;
    hf_get_u32 (scan, &roster->level);
    hf_get_u64 (scan, &roster->cluster);
    roster->done_count = hf_scan_array (scan);
    if (scan->bad || roster->level == 0 || roster->cluster == 0 ||
        roster->done_count > HF_ROSTER_DONE_MAX)
        return false;
    for (uint32_t i = 0; i < roster->done_count; i++)
        hf_get_u64 (scan, &roster->done[i]);
    for (uint32_t i = 0; i < list.count; i++) {
        hf_seat_t *seat = &roster->members[i];
        if (!hf_seat_get (&records, seat) || seat->slot >= HF_MEMBERS_MAX ||
            (slots >> seat->slot & 1) != 0 || !s_flags_sound (seat) || seat->host.size == 0 ||
            seat->host.size > HF_HOST_MAX || !hf_text_valid (seat->host) ||
            seat->client_port == 0 || seat->client_port > UINT16_MAX || seat->node_port == 0 ||
            seat->node_port > UINT16_MAX)
            return false;
        slots |= 1U << seat->slot;
        flags |= seat->flags;
    }
    return !scan->bad && (flags & HF_SEAT_VOTES) != 0 && (flags & HF_SEAT_VOTED) != 0;
}

bool
hf_roster_get (hf_span_t payload, hf_roster_t *roster)
{
    hf_scan_t scan = hf_scan (payload.at, payload.size);
    hf_list_t list;
    uint32_t version;
    *roster = (hf_roster_t){.count = 0};
    uint32_t parts = payload.size > HF_ROSTER_MAX ? 0 : hf_scan_array (&scan);
    hf_get_u32 (&scan, &version);
    hf_get_list (&scan, &list);
    if (scan.bad || list.count == 0 || list.count > HF_MEMBERS_MAX)
        return false;
    roster->count = list.count;
    bool sound = false;
    if (version == HF_VERSION_WIRE && parts >= 3)
        sound = s_get_members (&scan, list, roster);
    else if (version == VERSION_SEATS && parts >= 5)
        sound = s_get_seats (&scan, list, roster);
    for (uint32_t i = 0; sound && i < roster->count; i++)
        sound = roster->members[i].node > (i > 0 ? roster->members[i - 1].node : 0);
    return sound;
}

bool
hf_roster_valid (hf_span_t payload)
{
    hf_roster_t roster;
    return hf_roster_get (payload, &roster);
}

bool
hf_roster_joint (const hf_roster_t *roster)
{
    bool joint = false;
    for (uint32_t i = 0; i < roster->count; i++) {
        uint32_t flags = roster->members[i].flags;
        joint = joint || (flags & HF_SEAT_CHANGED) != 0 ||
                ((flags & HF_SEAT_VOTES) != 0) != ((flags & HF_SEAT_VOTED) != 0);
    }
    return joint;
}

bool
hf_roster_means (uint64_t named, uint64_t own, uint64_t recorded)
{
    return named == own || named == recorded;
}

const hf_seat_t *
hf_roster_seat (const hf_roster_t *roster, uint32_t node)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        if (roster->members[i].node == node)
            return &roster->members[i];
    }
    return NULL;
}
