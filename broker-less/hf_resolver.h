/*  hf_resolver.h - looks names up on threads of its own, so that nobody waits for a name server.
 *
 *  Each look-up has its own thread: one that hangs delays no other. hf_resolver_destroy does not
 * wait for them. The rest is not thread-safe: one thread asks and takes the answers.
 */
#ifndef HF_RESOLVER_H_INCLUDED
#define HF_RESOLVER_H_INCLUDED

#include "base/hf_error.h"
#include "broker-less/hf_target.h"

typedef struct hf_resolver hf_resolver_t;

/*  NULL: errno. */
hf_resolver_t *hf_resolver_new (void);
void hf_resolver_destroy (hf_resolver_t **self_p);

/*  Readable while answers wait. */
int hf_resolver_fd (const hf_resolver_t *self);

typedef struct hf_looked {
    uint32_t tag;         //  as given to hf_resolver_ask
    hf_addresses_t found; //  count 0: none, and why
    char why[128];
} hf_looked_t;

void hf_resolver_ask (hf_resolver_t *self, uint32_t tag, const char *host);
/*  The next answer, without waiting; false: none. */
bool hf_resolver_next (hf_resolver_t *self, hf_looked_t *answer);

#endif
