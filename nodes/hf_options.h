/*  hf_options.h - the command line of holdfastd. */
#ifndef HF_OPTIONS_H_INCLUDED
#define HF_OPTIONS_H_INCLUDED

#include "broker-less/hf_listen.h"
#include "nodes/actors/hf_report.h"
#include <stdbool.h>
#include <stdint.h>

enum { EXIT_OK = 0, EXIT_CANNOT_START = 1, EXIT_USAGE = 64 };

typedef struct hf_options {
    uint32_t id;         //  0: not given
    const char *cluster; //  with recover NULL: not given
    const char
        *join; //  HOST:PORT, where a member of the cluster to join serves clients; NULL: none
    const char *data;
    const char *dump;    //  print what is in this folder, instead of running; NULL: run
    const char *restore; //  make the data folder from this backup, instead of running; NULL: run
    bool drop_sessions;  //  with that: without its sessions and what they hold
    bool recover;        //  begin a new cluster with the data folder, instead of running
    bool yes;            //  with that: do it
    hf_listen_t listen;  //  not completed; not chosen: where the list says
    hf_listen_t http;    //  its client port is for HTTP; not chosen: no HTTP
    hf_level_t level;
    hf_report_form_t form; //  of log lines
    bool prefer_lowest;
    uint64_t log_keep;    //  bytes
    uint64_t token_floor; //  0: none
    const char *keys;     //  the folder of public keys; NULL: without keys, and without ...
    const char *key;      //  ... the file of the node's own
    const char *rights;   //  the file of rights; NULL: everybody with a key may do everything
    bool check;           //  look whether it could run, instead of running
    bool insecure;        //  other machines may reach it without keys
} hf_options_t;

/*  Fill in OPTIONS, the defaults first. -1: go on; else the exit code: what was asked for was
 *  printed, or what is wrong. */
int hf_options_parse (hf_options_t *options, int argc, char **argv);

#endif
