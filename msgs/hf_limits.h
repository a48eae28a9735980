/*  hf_limits.h - the limits of protocol version 1: the same on every node and client.
 *
 *  What apply checks is part of the replicated history: a change of one of
 *  these is a new version of the entries, never a local setting.
 */
#ifndef HF_LIMITS_H_INCLUDED
#define HF_LIMITS_H_INCLUDED

#define HF_VERSION_WIRE 1
#define HF_LEVEL_NEWEST 1 //  feature level: 0: members are those of the list; 1: they change

#define HF_MEMBERS_MAX 7   //  nodes in a cluster
#define HF_HOST_MAX    255 //  bytes in the name of a host

#define HF_TTL_MIN_MS     1000
#define HF_TTL_MAX_MS     600000
#define HF_TTL_DEFAULT_MS 10000

#define HF_NONCE_SIZE        16           //  bytes that make the opening of a session idempotent
#define HF_DATA_MAX          (1U << 20)   //  bytes in one APPEND, and in one answer to READ
#define HF_SECTION_BYTES_MAX (16U << 20)  //  staged bytes in one section
#define HF_SECTION_FILES_MAX 256          //  files in one section
#define HF_STAGED_BYTES_MAX  (512U << 20) //  staged bytes in all sections together
#define HF_STAGED_FILE_COST                                                                        \
    512                          //  a staged file counts this much there besides its bytes,
                                 //  so that many small ones cannot fill the memory
#define HF_LABEL_MAX         255 //  bytes of a session's label
#define HF_DELAY_MIN_MS      100 //  what a session lost by expiry stays closed at least, if at all
#define HF_DELAY_MAX_MS      600000      //  what a session lost by expiry stays closed at most
#define HF_NOTE_MAX          1024        //  bytes of the note of a hold or a wait
#define HF_NOTES_PART_MAX    (1U << 20)  //  bytes in all notes of one session
#define HF_NOTES_TOTAL_MAX   (64U << 20) //  and of all sessions together
#define HF_RING_MAX          64          //  who is named of a ring of waits
#define HF_SESSIONS_MAX      250000      //  live sessions in a cluster
#define HF_PLACES_MAX        10000       //  holds and places in queues of one session
#define HF_SET_MAX           64          //  locks in one ACQUIRE
#define HF_QUEUE_MAX         100000      //  waiters for one lock
#define HF_PLACES_TOTAL_MAX  1000000     //  holds and places in queues of all sessions together
#define HF_ANSWERS_TOTAL_MAX 4000000     //  answers kept for all sessions together
#define HF_ANSWERS_PART      256  //  one session keeps at most this part of what is left of them
#define HF_WINDOW_MAX        4096 //  seq of a request < floor + this
#define HF_KEEPS_MAX         4096 //  sessions in one KEEPALIVE
#define HF_PACKED_MAX        1024 //  REQUESTS in one frame
#define HF_ROWS_MAX          1000 //  rows in one answer to a query: locks, places or files
#define HF_HOLDERS_LISTED    8    //  holders of each lock in an answer to LOCKS

#define HF_SKIP_MAX                                                                                \
    1000000000000ULL //  numbers that a cluster which begins with one disk leaves out: see CMD_SKIP

#define HF_FRAME_MAX      (4U << 20)  //  bytes in one frame between nodes; more is refused
#define HF_STATE_PART_MAX (64U << 10) //  bytes in one part of a state: heartbeats pass between two
#define HF_CLIENT_FRAME_MAX                                                                        \
    (2U << 20) //  bytes in one frame from a client: its entry must fit a peer's frame
#define HF_ENTRY_TARGET                                                                            \
    (64U << 10) //  a leader closes an entry at this size; one command may pass it

#endif
