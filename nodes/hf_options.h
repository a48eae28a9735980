/*  hf_options.h - what holdfastd is told: by a file, by its environment and by its command line.
 *
 *  One table (hf_options.c) serves all three, and --help. Later wins: the file (--config, or
 *  HOLDFASTD_CONFIG), then HOLDFASTD_NAME in the environment, then the command line. What is said
 *  once, such as --restore, is for the command line alone.
 */
#ifndef HF_OPTIONS_H_INCLUDED
#define HF_OPTIONS_H_INCLUDED

#include "broker-less/hf_listen.h"
#include "nodes/actors/hf_report.h"
#include <stdbool.h>
#include <stdint.h>

#define HF_COUNT_MAX 1000000 //  of connections, sessions or requests, as a limit

enum { EXIT_OK = 0, EXIT_CANNOT_START = 1, EXIT_USAGE = 64 };

typedef struct hf_options_file hf_options_file_t;

typedef struct hf_options {
    const char *config;  //  the file; NULL: none
    bool check;          //  say whether all is well, instead of running
    unsigned wrong;      //  with that: how many errors were said
    uint32_t id;         //  0: not given
    const char *cluster; //  with recover NULL: not given
    const char
        *join; //  HOST:PORT, where a member of the cluster to join serves clients; NULL: none
    const char *data;
    const char *dump;       //  print what is in this folder, instead of running; NULL: run
    const char *restore;    //  make the data folder from this backup, instead of running; NULL: run
    bool drop_sessions;     //  with that: without its sessions and what they hold
    bool recover;           //  begin a new cluster with the data folder, instead of running
    bool yes;               //  with that: do it
    hf_listen_t listen;     //  not completed; not chosen: where the list says
    hf_listen_t http;       //  its client port is for HTTP; not chosen: no HTTP
    const char *http_admin; //  the file of the token for actions there; NULL: none are taken
    hf_level_t level;
    hf_report_form_t form;     //  of log lines
    bool no_prefer_lowest;     //  who was elected goes on leading
    uint64_t log_keep;         //  bytes
    uint64_t token_floor;      //  0: none
    uint32_t connections;      //  of clients; 0: as many as fit
    uint32_t handshakes;       //  of these, that have not ended them; 0: half of all
    uint32_t user_connections; //  of one user; 0: any number
    uint32_t user_sessions;    //  of one user; 0: any number
    uint32_t user_rate;        //  his requests in a second; 0: any number
    const char *keys;          //  the folder of public keys; NULL: without keys, and without ...
    const char *key;           //  ... the file of the node's own
    const char *rights;        //  the file of rights; NULL: everybody with a key may do everything
    bool insecure;             //  other machines may reach it without keys
    hf_options_file_t *texts;  //  owned: what texts of the file are in
} hf_options_t;

/*  Takes one line without its newline that says what is wrong. */
typedef void (hf_options_say_fn) (const char *line);

/*  Fill in OPTIONS, the defaults first. -1: go on; else the exit code: what was asked for was
 *  printed, or what is wrong was said, each error in one line. With check errors are counted, and
 *  it goes on. May be called again, with the same arguments, for another OPTIONS. In each case the
 *  caller ends with hf_options_done; the environment and ARGV must outlive that. */
int hf_options_parse (hf_options_t *options, int argc, char **argv, hf_options_say_fn *say);
void hf_options_done (hf_options_t *options);

#endif
