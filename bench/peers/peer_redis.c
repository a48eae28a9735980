/*  Locks of Redis: SET NX PX with a value of one's own, and a script that deletes it only if it is
 *  still that. With several servers in --places, Redlock: held when a majority gave it.
 *
 *  There is no queue: who does not get it asks again after a short time, drawn at random.
 */
#include "base/hf_alloc.h"
#include "bench/peers/peer.h"
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define S_SERVERS_MAX 7
#define S_RETRY_US    1000 //  at most
#define S_DRIFT_MS    102  //  of clocks: a hundredth of the time to live, and 2 ms

static const char s_script[] = "if redis.call('get', KEYS[1]) == ARGV[1] then "
                               "return redis.call('del', KEYS[1]) else return 0 end";

struct peer_worker {
    const peer_options_t *options;
    redisContext *server[S_SERVERS_MAX];
    uint32_t servers;
    char lock[48], value[48], sha[48], ttl[16];
    uint64_t turn;
    uint64_t seed;
    uint32_t number;
};

static bool
s_connect (peer_worker_t *self, const char *places)
{
    char host[64];
    unsigned port;
    int size;
    while (*places && self->servers < S_SERVERS_MAX) {
        if (sscanf (places, "%63[^:,]:%u%n", host, &port, &size) != 2) {
            peer_say ("a place is HOST:PORT, not \"%s\"", places);
            return false;
        }
        places += size;
        places += *places == ',';
        redisContext *server = redisConnect (host, (int)port);
        self->server[self->servers++] = server;
        if (!server || server->err) {
            peer_say ("redis at %s:%u: %s", host, port, server ? server->errstr : "no memory");
            return false;
        }
        redisReply *reply = redisCommand (server, "SCRIPT LOAD %s", s_script);
        bool good = reply && reply->type == REDIS_REPLY_STRING;
        if (good)
            snprintf (self->sha, sizeof self->sha, "%s", reply->str);
        else
            peer_say ("redis at %s:%u: %s", host, port, reply ? reply->str : server->errstr);
        freeReplyObject (reply);
        if (!good)
            return false;
    }
    return self->servers > 0;
}

peer_worker_t *
peer_open (const peer_options_t *options, uint32_t number, const char *lock)
{
    peer_worker_t *self = hf_alloc (sizeof *self);
    self->options = options;
    self->number = number;
    self->seed = options->run + number * 0x9e3779b97f4a7c15ULL;
    snprintf (self->lock, sizeof self->lock, "%s", lock);
    snprintf (self->ttl, sizeof self->ttl, "%u", options->ttl_ms);
    if (!s_connect (self, options->places))
        peer_close (&self);
    return self;
}

/*  Send what is in the buffers to all servers before any answer is waited for; *yes counts those
 *  that did it. False: a server failed, which is reported. */
static bool
s_ask_all (peer_worker_t *self, uint32_t *yes)
{
    *yes = 0;
    for (uint32_t i = 0; i < self->servers; i++) {
        int done = 0;
        while (!done && redisBufferWrite (self->server[i], &done) == REDIS_OK)
            ;
    }
    bool good = true;
    for (uint32_t i = 0; i < self->servers; i++) {
        void *answer = NULL;
        redisReply *reply = redisGetReply (self->server[i], &answer) == REDIS_OK ? answer : NULL;
        if (!reply || reply->type == REDIS_REPLY_ERROR) {
            peer_say ("redis: %s", reply ? reply->str : self->server[i]->errstr);
            good = false;
        } else
            *yes += reply->type == REDIS_REPLY_STATUS ||
                    (reply->type == REDIS_REPLY_INTEGER && reply->integer == 1);
        if (reply)
            freeReplyObject (reply);
    }
    return good;
}

static bool
s_delete (peer_worker_t *self, uint32_t *yes)
{
    for (uint32_t i = 0; i < self->servers; i++)
        redisAppendCommand (self->server[i], "EVALSHA %s 1 %s %s", self->sha, self->lock,
                            self->value);
    return s_ask_all (self, yes);
}

/*  Some time up to S_RETRY_US. */
static void
s_pause (peer_worker_t *self)
{
    self->seed = self->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    struct timespec wait = {.tv_nsec = (long)((self->seed >> 33) % S_RETRY_US) * 1000};
    nanosleep (&wait, NULL);
}

bool
peer_acquire (peer_worker_t *self)
{
    uint32_t majority = self->servers / 2 + 1, yes;
    for (;;) {
        snprintf (self->value, sizeof self->value, "%u-%llu", self->number,
                  (unsigned long long)++self->turn);
        uint64_t asked_ns = peer_now_ns ();
        for (uint32_t i = 0; i < self->servers; i++)
            redisAppendCommand (self->server[i], "SET %s %s NX PX %s", self->lock, self->value,
                                self->ttl);
        if (!s_ask_all (self, &yes))
            return false;
        uint64_t took_ms = (peer_now_ns () - asked_ns) / 1000000;
        if (yes >= majority && took_ms + S_DRIFT_MS < self->options->ttl_ms)
            return true;
        if (yes > 0 && !s_delete (self, &yes))
            return false;
        s_pause (self);
    }
}

bool
peer_release (peer_worker_t *self)
{
    uint32_t yes;
    if (!s_delete (self, &yes))
        return false;
    if (yes < self->servers / 2 + 1)
        peer_say ("redis: a lock was lost while it was held");
    return yes >= self->servers / 2 + 1;
}

void
peer_close (peer_worker_t **self_p)
{
    peer_worker_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->servers; i++)
        if (self->server[i])
            redisFree (self->server[i]);
    free (self);
    *self_p = NULL;
}
