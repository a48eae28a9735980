/*  hf_target.h - one remote end of connections: which address to connect to, and when. Pure.
 *
 *  libzmq looks names up on its I/O thread, where a name server that does not answer stops all
 *  connections. So it is given numbers only. A target asks its owner for look-ups, keeps the
 *  addresses of the last one that found any, and tries them in turn: each for HF_TARGET_TRY_US.
 *  While there is no connection the name is looked up again, less and less often.
 *
 *  TCP's self-connection: when nobody listens on a port of this machine, and the kernel picks the
 *  same port as the source, a socket is connected to itself, and a node cannot listen there. Such a
 *  connection is closed, and the port is left alone for HF_TARGET_HOLD_US.
 *
 *  The owner reports what it sees, then calls hf_target_next until it rests. Times in microseconds.
 */
#ifndef HF_TARGET_H_INCLUDED
#define HF_TARGET_H_INCLUDED

#include "broker-less/hf_endpoints.h"
#include <stdbool.h>

#define HF_TARGET_TRY_US  2000000 //  without a connection: the next address, or the same again
#define HF_TARGET_HOLD_US 1000000
#define HF_LOOK_FIRST_US  1000000 //  between two look-ups; doubled ...
#define HF_LOOK_MOST_US   32000000
#define HF_LOOK_LONG_US   1000000 //  a look-up that takes so long is reported

#define HF_ADDRESSES_MAX 8
#define HF_ADDRESS_SIZE  64

/*  What a name stands for, the best first: IPv4 addresses, and IPv6 in brackets. */
typedef struct hf_addresses {
    uint32_t count;
    char text[HF_ADDRESSES_MAX][HF_ADDRESS_SIZE];
} hf_addresses_t;

/*  Whether HOST is a name, and not the number that it stands for. */
bool hf_host_is_name (const char *host);

typedef struct hf_target {
    char host[HF_HOST_MAX + 1];
    uint16_t port;
    bool named;
    hf_addresses_t found;              //  by the last look-up that found any
    char address[HF_ADDRESS_SIZE + 8]; //  where libzmq connects to, with the port; "": nowhere
    uint32_t at;                       //  the address to try next
    bool connected;
    bool drop;         //  the address is to be left
    bool looking;      //  a look-up is under way ...
    uint64_t began_us; //  ... since then
    uint64_t look_us;  //  not before this
    uint64_t every_us;
    uint64_t try_us;  //  since when the address is tried
    uint64_t hold_us; //  connect nowhere before this
    char why[128];    //  the last look-up failed; "": it did not
} hf_target_t;

void hf_target_init (hf_target_t *self, const char *host, uint16_t port);

typedef enum hf_target_step {
    HF_TARGET_REST,
    HF_TARGET_LOOK, //  look self->host up, and report what was found
    HF_TARGET_CONNECT,
    HF_TARGET_DISCONNECT
} hf_target_step_t;

/*  What to do now; ADDRESS: of CONNECT and DISCONNECT, host:port. */
hf_target_step_t hf_target_next (hf_target_t *self, uint64_t now_us,
                                 char address[HF_ADDRESS_SIZE + 8]);
/*  When hf_target_next has something to do at the latest, if nothing is reported. */
uint64_t hf_target_due_us (const hf_target_t *self);

/*  The look-up ended: with one address at least, or with the reason. */
void hf_target_found (hf_target_t *self, const hf_addresses_t *found, uint64_t now_us);
void hf_target_failed (hf_target_t *self, const char *why, uint64_t now_us);

/*  The other end speaks. */
void hf_target_connected (hf_target_t *self);
/*  The connection broke, and libzmq makes it again. */
void hf_target_broken (hf_target_t *self, uint64_t now_us);
/*  The other end does not speak, whether there is a connection or not: start over at once. */
void hf_target_silent (hf_target_t *self, uint64_t now_us);
/*  This process was held up: what is tried has had no time yet. */
void hf_target_held_up (hf_target_t *self, uint64_t now_us);
/*  The socket is connected to itself. */
void hf_target_to_itself (hf_target_t *self, uint64_t now_us);

/*  Why no address is known, for people: "cannot resolve HOST: ..."; false: it is known, or was
 * asked for a moment ago. */
bool hf_target_trouble (const hf_target_t *self, uint64_t now_us, char *text, size_t size);

#endif
