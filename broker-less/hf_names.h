/*  hf_names.h - what is wrong with the names of a cluster list, seen from one machine. Pure.
 *
 *  The common mistake: the line "127.0.1.1 HOST" in /etc/hosts, by which a node listens on its own
 *  machine only and no other node reaches it.
 */
#ifndef HF_NAMES_H_INCLUDED
#define HF_NAMES_H_INCLUDED

#include "broker-less/hf_target.h"

#define HF_NAMES_TEXT_SIZE 480 //  a fact's text in the library is below 512

/*  The addresses of each node in the order of the list; count 0: not known. SELF's own are those
 *  that it listens on; CHOSEN: by an option, not by its name. One line in TEXT
 * (HF_NAMES_TEXT_SIZE), empty when nothing is wrong. */
void hf_names_judge (const hf_endpoints_t *list, const hf_addresses_t *addresses, uint32_t self,
                     bool chosen, char *text);

/*  Add a sentence to TEXT, behind "; " if it is not the first. */
void hf_names_add (char *text, const char *sentence);

/*  Whether the kernel may give PORT to any program as the source of a connection. RANGE and
 * RESERVED are the contents of ip_local_port_range and ip_local_reserved_ports below
 *  /proc/sys/net/ipv4. */
bool hf_port_is_ephemeral (uint16_t port, const char *range, const char *reserved);

#endif
