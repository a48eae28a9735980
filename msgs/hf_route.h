/*  hf_route.h - where an answer to a client goes: what the ROUTER socket calls it. */
#ifndef HF_ROUTE_H_INCLUDED
#define HF_ROUTE_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HF_ROUTE_MAX 32

/*  It has no pointers. Compare with hf_route_equal, which does not look at the user: a connection
 *  has one. */
typedef struct hf_route {
    uint8_t size; //  0: nowhere
    bool delimiter;
    uint8_t id[HF_ROUTE_MAX];
    uint32_t user; //  by whose key the connection was let in: see hf_door_user; 0: no user's
} hf_route_t;

static inline bool
hf_route_equal (const hf_route_t *a, const hf_route_t *b)
{
    return a->size == b->size && a->delimiter == b->delimiter &&
           memcmp (a->id, b->id, a->size) == 0;
}

/*  The HTTP actor asks the lock actor as a client does. No client has this route: libzmq's begin
 *  with a zero and are 5 bytes long, and a name that a client gives itself does not begin with one.
 */
static inline hf_route_t
hf_route_http (void)
{
    return (hf_route_t){.size = 6, .id = {0, 'h', 't', 't', 'p', 0}};
}

static inline bool
hf_route_is_http (const hf_route_t *route)
{
    hf_route_t http = hf_route_http ();
    return hf_route_equal (route, &http);
}

#endif
