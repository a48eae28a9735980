//  What clients asked for, by client, with turns.

#include "nodes/services/hf_readers.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "base/hf_mutant.h"
#include <stdlib.h>

//  A reading in its queue, with its bytes behind it.
typedef struct item {
    hf_chain_t link;
    hf_reader_t *reader;
    hf_reading_t reading;
} item_t;

static item_t *
s_item (const hf_reading_t *reading)
{
    return HF_AROUND (reading, item_t, reading);
}

static hf_reading_t *
s_first (const hf_chain_t *queue)
{
    return hf_chain_empty (queue) ? NULL : &HF_AROUND (queue->next, item_t, link)->reading;
}

static hf_lane_t
s_lane (const hf_reading_t *reading)
{
    assert (reading->type != HF_READING_CLOSE);
    return reading->type == HF_READING_QUERY ? HF_LANE_QUERIES : HF_LANE_KEEPALIVES;
}

//  ---- readers --------------------------------------------------------------------

void
hf_readers_init (hf_readers_t *self)
{
    *self = (hf_readers_t){.bytes = 0};
    hf_table_init (&self->table);
    hf_chain_init (&self->waiting);
    hf_chain_init (&self->under);
    for (hf_lane_t lane = 0; lane < HF_LANES; lane++)
        hf_chain_init (&self->lanes[lane]);
}

static uint64_t
s_hash (const hf_route_t *route)
{
    return hf_hash (route->delimiter, route->id, route->size);
}

static hf_reader_t *
s_find (const hf_readers_t *self, const hf_route_t *route)
{
    hf_table_node_t *node = hf_table_seek (&self->table, s_hash (route));
    while (node && !hf_route_equal (&HF_AROUND (node, hf_reader_t, by_route)->route, route))
        node = hf_table_again (node);
    return node ? HF_AROUND (node, hf_reader_t, by_route) : NULL;
}

const hf_reader_t *
hf_readers_find (const hf_readers_t *self, const hf_route_t *route)
{
    return s_find (self, route);
}

static hf_reader_t *
s_add (hf_readers_t *self, const hf_route_t *route)
{
    hf_reader_t *reader = hf_alloc (sizeof *reader);
    reader->route = *route;
    for (hf_lane_t lane = 0; lane < HF_LANES; lane++)
        hf_chain_init (&reader->due[lane]);
    hf_table_insert (&self->table, &reader->by_route, s_hash (route));
    return reader;
}

static void
s_count (hf_readers_t *self, hf_reader_t *reader, const hf_reading_t *reading, int sign)
{
    uint64_t one = (uint64_t)sign, size = reading->size * one; //  of -1: modulo 2^64
    bool query = reading->type == HF_READING_QUERY;
    *(query ? &reader->queries : &reader->others) += one;
    *(query ? &self->queries : &self->others) += one;
    reader->bytes += size;
    self->bytes += size;
}

static void
s_forget (hf_readers_t *self, item_t *item)
{
    hf_reader_t *reader = item->reader;
    hf_chain_remove (&item->link);
    s_count (self, reader, &item->reading, -1);
    free (item);
    if (reader->queries + reader->others > 0)
        return;
    hf_table_remove (&self->table, &reader->by_route);
    free (reader);
}

//  ---- before they are due ------------------------------------------------------------

const hf_reading_t *
hf_readers_wait (hf_readers_t *self, const hf_reading_t *reading)
{
    item_t *item = hf_alloc (sizeof *item + reading->size);
    hf_reader_t *reader = s_find (self, &reading->route);
    item->reader = reader ? reader : s_add (self, &reading->route);
    item->reading = *reading;
    item->reading.serial = ++self->last_serial;
    item->reading.bytes = (const uint8_t *)(item + 1);
    if (reading->size > 0)
        memcpy (item + 1, reading->bytes, reading->size);
    hf_chain_append (&self->waiting, &item->link);
    s_count (self, item->reader, reading, 1);
    return &item->reading;
}

void
hf_readers_begin (hf_readers_t *self)
{
    assert (hf_chain_empty (&self->under));
    hf_chain_splice (&self->under, &self->waiting);
}

const hf_reading_t *
hf_readers_under (const hf_readers_t *self)
{
    return s_first (&self->under);
}

//  ---- turns ----------------------------------------------------------------------

void
hf_readers_due (hf_readers_t *self, const hf_reading_t *reading)
{
    item_t *item = s_item (reading);
    hf_lane_t lane = s_lane (reading);
    hf_reader_t *reader = item->reader;
    hf_chain_remove (&item->link);
    if (hf_chain_empty (&reader->due[lane]))
        hf_chain_append (&self->lanes[lane], &reader->turns[lane]);
    hf_chain_append (&reader->due[lane], &item->link);
}

hf_reading_t *
hf_readers_next (const hf_readers_t *self, hf_lane_t lane)
{
    if (hf_chain_empty (&self->lanes[lane]))
        return NULL;
    const hf_reader_t *reader = HF_AROUND (self->lanes[lane].next, hf_reader_t, turns[lane]);
    return s_first (&reader->due[lane]);
}

void
hf_readers_turn (hf_readers_t *self, const hf_reading_t *reading)
{
    hf_lane_t lane = s_lane (reading);
    hf_chain_t *turns = &s_item (reading)->reader->turns[lane];
    if (HF_MUTANT (no_turns))
        return;
    hf_chain_remove (turns);
    hf_chain_append (&self->lanes[lane], turns);
}

void
hf_readers_done (hf_readers_t *self, const hf_reading_t *reading)
{
    item_t *item = s_item (reading);
    hf_reader_t *reader = item->reader;
    //  The last one that is due leaves no turn.
    for (hf_lane_t lane = 0; lane < HF_LANES; lane++)
        if (reader->due[lane].next == &item->link && reader->due[lane].prev == &item->link)
            hf_chain_remove (&reader->turns[lane]);
    s_forget (self, item);
}

//  ---- ends -----------------------------------------------------------------------

void
hf_readers_leave (hf_readers_t *self, const hf_route_t *route)
{
    for (hf_lane_t lane = 0; lane < HF_LANES; lane++) {
        const hf_reader_t *reader; //  freed with its last reading
        while ((reader = s_find (self, route)) && !hf_chain_empty (&reader->due[lane]))
            hf_readers_done (self, s_first (&reader->due[lane]));
    }
}

static void
s_clear (hf_readers_t *self, hf_chain_t *queue)
{
    HF_CHAIN_EACH_SAFE (queue, at)
    {
        s_forget (self, HF_AROUND (at, item_t, link));
    }
}

void
hf_readers_clear (hf_readers_t *self)
{
    s_clear (self, &self->waiting);
    s_clear (self, &self->under);
    hf_table_node_t *node;
    while ((node = hf_table_first (&self->table))) {
        hf_route_t route = HF_AROUND (node, hf_reader_t, by_route)->route;
        hf_readers_leave (self, &route);
    }
    hf_table_done (&self->table);
    assert (self->queries == 0 && self->others == 0 && self->bytes == 0);
}
