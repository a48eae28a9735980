/*  hf_backup_service.h - this node's whole state for clients that back it up, as a part of the file
 *  service.
 *
 *  A client asks for the first bytes of backup 0: a snapshot is made, of the state as it is then,
 *  and gets a number. The client asks for the rest by that number and an offset, as often as it
 *  likes. Rows and files are as of the same command: after a start the files may be ahead of the
 *  rows, and until the rows have caught up there is no backup (BUSY). Nor is there one while the
 *  node has not applied the command that the client wants to be in it, or sooner than
 *  HF_BACKUP_AGAIN_US after the state was asked for last, or was made.
 *
 *  There is one snapshot at a time, whose rows are in memory. Who asks for a backup while it is
 *  fresh (config.fresh_us) shares it. Later another one takes its place if its end was read, or if
 *  nobody read it for as long; otherwise the answer is BUSY. When nobody has read it for
 *  config.forget_us it is forgotten. Who asks for one that is gone gets NOT_FOUND.
 */
#ifndef HF_BACKUP_SERVICE_H_INCLUDED
#define HF_BACKUP_SERVICE_H_INCLUDED

#include "nodes/services/hf_making.h"

#define HF_BACKUP_AGAIN_US    500000 //  between two requests for the state; sooner: BUSY
#define HF_BACKUP_WAITING_MAX 16     //  clients that wait for a snapshot to be made; beyond: BUSY

/*  A query that is answered when the snapshot is made. */
typedef struct hf_backup_waiting {
    uint64_t id;
    uint64_t least; //  command that must be in it; 0: any
    uint32_t limit;
} hf_backup_waiting_t;

typedef struct hf_backup_service {
    const hf_file_config_t *config;
    const hf_file_disk_t *disk;
    hf_outbox_t *out;

    hf_snapshot_send_t *send; //  NULL: none
    uint64_t number;          //  of the last one that was made
    uint64_t command;         //  as of which command it is
    hf_making_t making;       //  the next one; as of which command; and when it was so
    uint64_t making_command;
    uint64_t begun_us;
    uint64_t made_us, asked_us;
    uint64_t want_again_us; //  no request for the state before
    bool ended;             //  who asked last has read its end
    hf_backup_waiting_t waiting[HF_BACKUP_WAITING_MAX];
    uint32_t waiting_count;
} hf_backup_service_t;

/*  CONFIG, DISK and OUT must outlive it. */
void hf_backup_service_init (hf_backup_service_t *self, const hf_file_config_t *config,
                             const hf_file_disk_t *disk, hf_outbox_t *out);
void hf_backup_service_done (hf_backup_service_t *self);

/*  A QUERY of HF_WHAT_BACKUP: any fields. Gives how many bytes were read for it. */
uint64_t hf_backup_service_asked (hf_backup_service_t *self, const hf_a_file_query_t *query,
                                  uint64_t now_us);

/*  A_SNAPSHOT for node 0. WRITTEN: the last section that was appended to the files. */
void hf_backup_service_begin (hf_backup_service_t *self, const hf_a_snapshot_t *snapshot,
                              uint64_t written, uint64_t now_us);

/*  self->making has become WHOLE, which is the service's from here on. */
void hf_backup_service_made (hf_backup_service_t *self, hf_snapshot_send_t *whole, uint64_t now_us);

/*  Timers, and when they are due next. */
void hf_backup_service_tick (hf_backup_service_t *self, uint64_t now_us);
uint64_t hf_backup_service_wake_us (const hf_backup_service_t *self);

#endif
