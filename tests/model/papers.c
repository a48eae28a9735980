//  The payloads of ROSTER entries. A core reads them, so that a mutant of the reading shows.

#include "papers.h"
#include "world.h"
#include <stdio.h>

static HF_ARRAY (hf_core_roster_t) s_papers;
static hf_core_t *s_reader;

void
papers_close (void)
{
    for (size_t i = 0; i < s_papers.count; i++)
        free (s_papers.list[i].payload);
    hf_array_free (&s_papers);
    hf_core_destroy (&s_reader);
}

void
papers_reset (void)
{
    papers_close ();
    hf_core_config_t config;
    hf_core_config_defaults (&config);
    config.self = UINT8_MAX;
    config.incarnation = UINT8_MAX;
    s_reader = hf_core_new (&config, &(hf_restored_t){.term = 0}, 1, NULL, NULL);
    assert (s_reader != NULL);
}

uint8_t
papers_number (hf_span_t payload)
{
    for (size_t i = 0; i < s_papers.count; i++) {
        if (hf_span_equal (papers_payload ((uint8_t)(i + 1)), payload))
            return (uint8_t)(i + 1);
    }
    assert (s_papers.count < UINT8_MAX);
    hf_entry_t entry = {.type = HF_ENTRY_ROSTER, .payload = payload};
    hf_core_roster_append (s_reader, 1, &entry);
    assert (s_reader->rosters.count == 1);
    *hf_array_add (&s_papers) = s_reader->rosters.list[0];
    s_reader->rosters.count = 0;
    return (uint8_t)s_papers.count;
}

const hf_core_roster_t *
papers_roster (uint8_t number)
{
    assert (number > 0 && number <= s_papers.count);
    return &s_papers.list[number - 1];
}

hf_span_t
papers_payload (uint8_t number)
{
    const hf_core_roster_t *roster = papers_roster (number);
    return hf_span (roster->payload, roster->size);
}

uint64_t
papers_cluster (uint8_t disks)
{
    hf_roster_t first = {.count = 0};
    for (uint8_t node = 1; node <= NODES; node++) {
        for (uint8_t disk = node; disk <= DISKS; disk += NODES) {
            if ((disks >> (disk - 1) & 1) != 0)
                first.members[first.count++] =
                    (hf_seat_t){.node = node, .incarnation = world_incarnation (disk)};
        }
    }
    assert (first.count <= NODES);
    return first.count > 0 ? hf_core_cluster_id (&first) : 0;
}

uint8_t
papers_formers (uint64_t cluster)
{
    unsigned disks = (1U << DISKS) - 1;
    //  No node forms a cluster with two disks.
    while (disks > 0 &&
           ((disks & disks >> NODES) != 0 || papers_cluster ((uint8_t)disks) != cluster))
        disks--;
    return (uint8_t)disks;
}

void
papers_text (uint8_t number, char *text, size_t size)
{
    const hf_roster_t *is = &papers_roster (number)->is;
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < is->count && used < size; i++) {
        const hf_seat_t *seat = &is->members[i];
        bool votes = (seat->flags & HF_SEAT_VOTES) != 0, voted = (seat->flags & HF_SEAT_VOTED) != 0;
        bool changed = (seat->flags & HF_SEAT_CHANGED) != 0;
        bool second = seat->incarnation > world_incarnation (NODES);
        const char *mark = votes && !voted ? "+" : voted && !votes ? "-" : changed ? "+-" : "";
        used += (size_t)snprintf (text + used, size - used, "%s%s%u%s", i > 0 ? " " : "",
                                  votes || voted ? mark : "~", seat->node, second ? "'" : "");
    }
}
