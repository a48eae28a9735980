/*  hf_notify.h - what a node tells the service manager that started it (systemd's sd_notify).
 *
 *  READY=1 when it knows a leader, another node or itself; STATUS= with who leads; WATCHDOG=1 as
 *  long as all actors turn; STOPPING=1 when it ends. Without NOTIFY_SOCKET in the environment
 *  nothing is told. On the main thread.
 */
#ifndef HF_NOTIFY_H_INCLUDED
#define HF_NOTIFY_H_INCLUDED

#include "nodes/hf_node.h"

typedef struct hf_notify {
    bool ready;
    uint64_t watchdog_us; //  after so long without a sign the manager kills the node; 0: never
} hf_notify_t;

/*  The node begins, and says in TEXT what it waits for. */
void hf_notify_begin (hf_notify_t *self, const char *text);

/*  LEADER leads as far as the node knows; 0: it knows none. */
void hf_notify_leader (hf_notify_t *self, const hf_node_t *node, uint32_t leader);

/*  In how many milliseconds hf_notify_pulse is due, at most MOST. */
long hf_notify_wait_ms (const hf_notify_t *self, long most);
/*  Tell that the node lives, if every actor has turned since that was told last. */
void hf_notify_pulse (hf_notify_t *self, hf_node_t *node);

/*  It ends; or it starts again as another program in this process, which may take its time. */
void hf_notify_stopping (void);
void hf_notify_again (const hf_notify_t *self);

#endif
