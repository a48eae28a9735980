//  What the door decides, as pure functions.

#include "broker-less/hf_door_rules.h"
#include "base/hf_mutant.h"
#include <assert.h>

#define OWN_FILES   48 //  of a running node without its peers: measured 38
#define MOMENTARY   32 //  opened for a moment: syncs of folders, a snapshot that is received, names
#define PEER_FILES  4  //  one connection each way, and again while an old one is not closed yet
#define CLIENTS_MIN 16

bool
hf_door_plan (uint64_t files, uint32_t nodes, hf_door_plan_t *plan)
{
    assert (nodes > 0);
    uint32_t peers = PEER_FILES * (nodes - 1);
    uint32_t own = OWN_FILES + peers + MOMENTARY;
    *plan = (hf_door_plan_t){.files = own + HF_CONNECTIONS_MAX, .least = own + CLIENTS_MIN};
    if (files < plan->least)
        return false;
    uint32_t top = (uint32_t)(files < plan->files ? files : plan->files);
    uint32_t kept = HF_MUTANT (no_spare_files) ? 0 : MOMENTARY;
    plan->peers_top = top - kept;
    plan->clients_top = plan->peers_top - peers;
    plan->clients = top - own;
    return true;
}

bool
hf_door_fits (int fd, uint32_t top)
{
    return fd >= 0 && (uint32_t)fd < top;
}

bool
hf_door_crowded (uint32_t has, uint32_t most)
{
    return most > 0 && has >= most && !HF_MUTANT (user_connects_all);
}

//  ---- answers that wait ----------------------------------------------------------------

#define LOOK_US    1250000 //  an idle node looks once a second
#define FRAME_COST 224     //  libzmq's messages, of a delimiter, too, and two allocations

size_t
hf_door_cost (size_t size)
{
    if (HF_MUTANT (small_uncounted) && size <= 4096)
        return 0;
    return size + FRAME_COST;
}

bool
hf_door_admits (size_t owed, size_t all)
{
    if (owed >= HF_DOOR_CLIENT_BYTES || (HF_MUTANT (few_answers) && owed >= 4096 * FRAME_COST))
        return false;
    size_t room = HF_DOOR_ALL_BYTES;
    if (owed < HF_DOOR_SMALL_BYTES && !HF_MUTANT (no_room_for_others))
        room += HF_DOOR_SPARE_BYTES;
    return all < room;
}

uint64_t
hf_door_watched_us (uint64_t since_us)
{
    return since_us < LOOK_US || HF_MUTANT (stall_counts) ? since_us : LOOK_US;
}

bool
hf_door_cuts (size_t owed, size_t all, uint64_t stalled_us)
{
    bool hurry = all >= HF_DOOR_ALL_BYTES / 2;
    return owed > 0 && !HF_MUTANT (non_reader_kept) &&
           stalled_us >= (hurry ? HF_DOOR_HURRY_US : HF_DOOR_STALL_US);
}
