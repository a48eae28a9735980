/*  hf_endpoints.h - the one list that names a cluster: 1@host:client:node,2@...
 *
 *  The same on every node and every client. Ports may be left out: 8080 for
 *  clients, 8081 for nodes. A host is a name (kept in lower case),
 *  an IPv4 address, or [IPv6] (kept with its brackets, in its shortest form). Ids
 *  are 1 to 65535, in any order in the text, ascending here; 1, 3, 5 or 7 of them.
 */
#ifndef HF_ENDPOINTS_H_INCLUDED
#define HF_ENDPOINTS_H_INCLUDED

#include "base/hf_error.h"
#include "msgs/hf_msg.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_ENDPOINTS_TEXT_SIZE 2048
#define HF_ENDPOINTS_DEFAULT   "1@127.0.0.1:8080:8081"

typedef struct hf_endpoint {
    uint32_t id;
    char host[HF_HOST_MAX + 1];
    uint16_t client_port;
    uint16_t node_port;
} hf_endpoint_t;

typedef struct hf_endpoints {
    hf_endpoint_t node[HF_MEMBERS_MAX]; //  by ascending id
    uint32_t count;
} hf_endpoints_t;

/*  0, or -1 with one line in ERROR that names the part that is wrong. A client may
 *  use a list of any count from 1 to 7, so the check for an odd one is apart. */
int hf_endpoints_parse (hf_endpoints_t *self, const char *text, char *error);

/*  0, or -1 with one line in ERROR when this cannot be a cluster: not 1, 3, 5 or 7 nodes. */
int hf_endpoints_check_cluster (const hf_endpoints_t *self, char *error);

/*  Read HOST[:CLIENT-PORT[:NODE-PORT]] into SELF; a port that is left out stays as it was there.
 *  False: TEXT is of another form, and SELF is as it was. */
bool hf_endpoint_parse_place (hf_endpoint_t *self, const char *text);

/*  The members that ROSTER, of level 1 or more, names. Gives how many were left out because their
 *  place cannot be read. */
uint32_t hf_endpoints_of_roster (hf_endpoints_t *self, const hf_roster_t *roster);

/*  Add a copy of ENDPOINT, if its id is not in the list and there is room for it. */
void hf_endpoints_add (hf_endpoints_t *self, const hf_endpoint_t *endpoint);

/*  NULL when ID is not in the list. */
const hf_endpoint_t *hf_endpoints_find (const hf_endpoints_t *self, uint32_t id);

/*  The list in its one canonical form, all ports written (HF_ENDPOINTS_TEXT_SIZE bytes). */
void hf_endpoints_text (const hf_endpoints_t *self, char *text);

#endif
