//  The HTTP port: connections are libmicrohttpd's; a request waits in a queue, suspended, until its
//  questions are answered. One question is under way at a time, so that no number of requests asks
//  more of the lock actor than one client does; who has a further one goes to the end of the queue.

#include "nodes/actors/hf_http_server.h"
#include "base/hf_alloc.h"
#include "base/hf_chain.h"
#include "msgs/hf_msg.h"
#include "nodes/actors/hf_report.h"
#include "nodes/http/hf_http_admin.h"
#include "nodes/http/hf_http_request.h"
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG     64
#define IDLE_S      10           //  a connection that says nothing is closed
#define MEMORY      (32U << 10)  //  of one connection: its headers
#define SENDING_MAX (128U << 20) //  bytes of answers at once
#define QUESTION_US (5 * 1000000ULL)
#define STEP_US     (HF_HISTORY_STEP_S * 1000000ULL)
#define BODY_ROOM   (HF_HTTP_BODY_MAX + 1) //  what is longer is known by one byte more
#define BODY_CUT    (256U << 10)           //  bytes of a body after which it is not read any more
#define NO_ACTIONS  "{\"error\": \"this node takes no actions: start it with --http-admin FILE\"}\n"

//  The page loads its own files and asks this node, and no other page may show it.
static const char s_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
static const char s_too_much[] = "others have not read their answers yet\n";
static const hf_http_answer_t s_not_taken = {
    .code = MHD_HTTP_FORBIDDEN,
    .type = "application/json",
    .text = NO_ACTIONS,
    .size = sizeof NO_ACTIONS - 1,
};

typedef struct pending {
    hf_chain_t chain; //  in the queue, from its first question to its answer
    hf_http_server_t *server;
    struct MHD_Connection *connection;
    hf_http_request_t *request;
    bool waits;    //  suspended
    size_t size;   //  of the answer that is being sent
    uint8_t *body; //  of BODY_ROOM bytes; NULL: there was none
    size_t given;  //  bytes of the body
    bool audited;
} pending_t;

struct hf_http_server {
    struct MHD_Daemon *daemon;
    hf_chain_t queue;  //  of pending_t; the first one's question is under way
    uint64_t id;       //  of the last question
    uint64_t until_us; //  for its answer; 0: none is under way
    bool late;         //  the answer to a question before may come yet
    hf_history_t *history;
    pending_t sampler;      //  nobody's: its request is for the history
    uint64_t due_us;        //  when the next is
    size_t sending;         //  bytes of answers that are not read yet
    hf_http_admin_t *admin; //  NULL: it takes no actions
    uint64_t now_us;        //  of this turn
};

//  ---- libmicrohttpd's calls -------------------------------------------------------------------

static enum MHD_Result
s_respond (struct MHD_Connection *connection, const char *url, const hf_http_answer_t *answer)
{
    //  The request lives until it is completed.
    struct MHD_Response *response = MHD_create_response_from_buffer (
        answer->size, (void *)(uintptr_t)answer->text, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    MHD_add_response_header (response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header (response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header (response, "Content-Security-Policy", s_policy);
    MHD_add_response_header (response, "Referrer-Policy", "no-referrer");
    if (answer->code == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header (response, MHD_HTTP_HEADER_ALLOW,
                                 hf_http_action_is (url) ? "POST" : "GET, HEAD");
    if (answer->code == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header (response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    enum MHD_Result queued = MHD_queue_response (connection, answer->code, response);
    MHD_destroy_response (response);
    return queued;
}

static const char *
s_param (struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value (connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *
s_header (struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value (connection, MHD_HEADER_KIND, name);
}

/*  The address of who asks. */
static void
s_from (struct MHD_Connection *connection, char from[HF_HTTP_FROM_MAX])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    socklen_t size = address && address->sa_family == AF_INET6 ? sizeof (struct sockaddr_in6)
                                                               : sizeof (struct sockaddr_in);
    if (!address ||
        getnameinfo (address, size, from, HF_HTTP_FROM_MAX, NULL, 0, NI_NUMERICHOST) != 0)
        strcpy (from, "?");
}

/*  An operator's request: refused, or an action. */
static hf_http_request_t *
s_operate (hf_http_server_t *self, const pending_t *pending, const char *url)
{
    struct MHD_Connection *connection = pending->connection;
    char from[HF_HTTP_FROM_MAX];
    uint8_t nonce[HF_NONCE_SIZE];
    if (!self->admin)
        return hf_http_request_said (&s_not_taken);
    s_from (connection, from);
    const hf_http_answer_t *refusal = hf_http_admin_refuses (
        self->admin,
        &(hf_http_asker_t){.path = url,
                           .from = from,
                           .host = s_header (connection, "Host"),
                           .origin = s_header (connection, "Origin"),
                           .site = s_header (connection, "Sec-Fetch-Site"),
                           .type = s_header (connection, "Content-Type"),
                           .authorization = s_header (connection, "Authorization"),
                           .size = pending->given},
        self->now_us);
    if (refusal)
        return hf_http_request_said (refusal);
    ssize_t got = getrandom (nonce, sizeof nonce, 0);
    assert (got == (ssize_t)sizeof nonce);
    return hf_http_request_act (
        hf_http_action_new (url, hf_span (pending->body, pending->given), from, nonce));
}

/*  What is asked, when all of it is here. */
static hf_http_request_t *
s_request (hf_http_server_t *self, const pending_t *pending, const char *url, const char *method)
{
    struct MHD_Connection *connection = pending->connection;
    if (hf_http_action_is (url) && strcmp (method, "POST") == 0)
        return s_operate (self, pending, url);
    if (strcmp (url, "/v1/actions") == 0 &&
        (strcmp (method, "GET") == 0 || strcmp (method, "HEAD") == 0))
        return hf_http_request_json (hf_http_actions (self->admin != NULL));
    const hf_http_params_t params = {.search = s_param (connection, "search"),
                                     .sort = s_param (connection, "sort"),
                                     .offset = s_param (connection, "offset"),
                                     .limit = s_param (connection, "limit"),
                                     .after = s_param (connection, "after")};
    return hf_http_request_new (method, url, &params, self->history);
}

/*  What came of an action is told once, also when nobody waits for it any more. */
static void
s_audit (pending_t *pending)
{
    const char *line =
        pending->request && !pending->audited ? hf_http_request_audit (pending->request) : NULL;
    if (line)
        hf_report (HF_INFO, "%s", line);
    pending->audited = true;
}

static void
s_audit_refusals (const hf_http_server_t *self)
{
    const char *line = NULL;
    while (self->admin && (line = hf_http_admin_audit (self->admin, self->now_us)) != NULL)
        hf_report (HF_WARN, "%s", line);
}

/*  A piece of a body. False: it is endless. */
static bool
s_take_body (pending_t *pending, const char *piece, size_t size)
{
    size_t room = pending->given < BODY_ROOM ? BODY_ROOM - pending->given : 0;
    if (!pending->body)
        pending->body = hf_alloc (BODY_ROOM);
    memcpy (pending->body + (BODY_ROOM - room), piece, size < room ? size : room);
    pending->given += size;
    return pending->given <= BODY_CUT;
}

/*  Called with the headers, for each piece of a body, at the end, and again when the connection is
 *  resumed. */
static enum MHD_Result
s_on_request (void *arg, struct MHD_Connection *connection, const char *url, const char *method,
              const char *version, const char *upload, size_t *upload_size, void **request_p)
{
    (void)version;
    hf_http_server_t *self = arg;
    pending_t *pending = *request_p;
    if (!pending) {
        *request_p = pending = hf_alloc (sizeof *pending);
        pending->server = self;
        pending->connection = connection;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        bool goes_on = s_take_body (pending, upload, *upload_size);
        *upload_size = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    if (!pending->request) {
        pending->request = s_request (self, pending, url, method);
        if (hf_http_request_asks (pending->request)) {
            hf_chain_append (&self->queue, &pending->chain);
            pending->waits = true;
            MHD_suspend_connection (connection);
            return MHD_YES;
        }
    }
    s_audit (pending);
    hf_http_answer_t answer = hf_http_request_answer (pending->request);
    //  What came of an action is short, and told in any case.
    if (!hf_http_action_is (url) && self->sending + answer.size > SENDING_MAX)
        answer = (hf_http_answer_t){.code = MHD_HTTP_SERVICE_UNAVAILABLE,
                                    .type = "text/plain",
                                    .text = s_too_much,
                                    .size = sizeof s_too_much - 1};
    pending->size = answer.size;
    self->sending += answer.size;
    return s_respond (connection, url, &answer);
}

static void
s_on_completed (void *arg, struct MHD_Connection *connection, void **request_p,
                enum MHD_RequestTerminationCode code)
{
    hf_http_server_t *self = arg;
    (void)connection;
    (void)code;
    pending_t *pending = *request_p;
    if (!pending)
        return;
    self->sending -= pending->size;
    if (pending->chain.next) //  in the queue
        hf_chain_remove (&pending->chain);
    s_audit (pending);
    hf_http_request_destroy (&pending->request);
    free (pending->body);
    free (pending);
    *request_p = NULL;
}

//  ---- the server ------------------------------------------------------------------------------

static int
s_listen (const hf_listen_t *where, char *error)
{
    char host[HF_ADDRESS_SIZE], port[8];
    const char *text = where->at.text[0];
    bool brackets = text[0] == '[';
    snprintf (host, sizeof host, "%.*s", (int)(strlen (text) - (brackets ? 2 : 0)),
              text + (brackets ? 1 : 0));
    snprintf (port, sizeof port, "%u", where->client_port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM},
                    *found = NULL;
    int fd = -1, one = 1;
    if (getaddrinfo (host, port, &hints, &found) == 0)
        fd = socket (found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0)
        setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd >= 0 &&
        (bind (fd, found->ai_addr, found->ai_addrlen) != 0 || listen (fd, BACKLOG) != 0)) {
        hf_error_set (error, "cannot listen on %s:%s for HTTP: %s", text, port, strerror (errno));
        close (fd);
        fd = -1;
    } else if (fd < 0)
        hf_error_set (error, "cannot listen on %s:%s for HTTP", text, port);
    if (found)
        freeaddrinfo (found);
    return fd;
}

hf_http_server_t *
hf_http_server_new (const hf_listen_t *where, hf_span_t token, char *error)
{
    assert (where->at.count > 0 && where->client_port > 0 && error);
    int fd = s_listen (where, error);
    if (fd < 0)
        return NULL;
    hf_http_server_t *self = hf_alloc (sizeof *self);
    hf_chain_init (&self->queue);
    self->daemon = MHD_start_daemon (
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, s_on_request, self,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, s_on_completed, self,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)HF_HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_END);
    self->history = hf_history_new ();
    if (token.size > 0)
        self->admin = hf_http_admin_new (token);
    if (self->daemon)
        return self;
    hf_history_destroy (&self->history);
    hf_http_admin_destroy (&self->admin);
    hf_error_set (error, "cannot serve HTTP");
    close (fd);
    free (self);
    return NULL;
}

static void
s_resume (pending_t *pending)
{
    hf_chain_remove (&pending->chain);
    if (pending->waits)
        MHD_resume_connection (pending->connection);
    pending->waits = false;
}

void
hf_http_server_destroy (hf_http_server_t **self_p)
{
    assert (self_p);
    hf_http_server_t *self = *self_p;
    if (!self)
        return;
    //  One that is suspended must not be when the daemon stops.
    while (!hf_chain_empty (&self->queue))
        s_resume (HF_AROUND (self->queue.next, pending_t, chain));
    MHD_stop_daemon (self->daemon);
    hf_http_request_destroy (&self->sampler.request);
    hf_history_destroy (&self->history);
    hf_http_admin_destroy (&self->admin);
    free (self);
    *self_p = NULL;
}

int
hf_http_server_fd (const hf_http_server_t *self)
{
    return MHD_get_daemon_info (self->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

long
hf_http_server_wait_ms (hf_http_server_t *self, long most)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (MHD_get_timeout (self->daemon, &wait_ms) == MHD_YES && wait_ms < (unsigned long)most)
        return (long)wait_ms;
    return most;
}

/*  The first in the queue has its answer, or was given up. */
static void
s_answered (hf_http_server_t *self, pending_t *first)
{
    s_resume (first);
    if (first == &self->sampler) {
        hf_http_request_destroy (&first->request);
        return;
    }
    //  libmicrohttpd takes it up in its next run, and would not wake its owner for that.
    MHD_run (self->daemon);
}

/*  The question of the first in the queue is over. Nobody waits for all pages of another's list:
 * who YIELDS has more to ask, and does so after the others. */
static void
s_asked (hf_http_server_t *self, pending_t *first, bool yields)
{
    self->until_us = 0;
    if (yields) {
        hf_chain_remove (&first->chain);
        hf_chain_append (&self->queue, &first->chain);
    }
}

static void
s_sample (hf_http_server_t *self, uint64_t now_us)
{
    if (self->sampler.request || now_us < self->due_us)
        return;
    self->sampler.request = hf_http_request_sample (self->history, now_us);
    hf_chain_append (&self->queue, &self->sampler.chain);
    self->due_us = (now_us / STEP_US + 1) * STEP_US;
}

void
hf_http_server_turn (hf_http_server_t *self, uint64_t now_us)
{
    self->now_us = now_us;
    s_sample (self, now_us);
    if (self->until_us != 0 && now_us >= self->until_us) {
        pending_t *first = HF_AROUND (self->queue.next, pending_t, chain);
        hf_http_request_late (first->request);
        self->late = true;
        //  An action that is not known to be done still ends its session.
        bool asks = hf_http_request_asks (first->request);
        s_asked (self, first, asks);
        if (!asks)
            s_answered (self, first);
    }
    MHD_run (self->daemon);
    s_audit_refusals (self);
}

bool
hf_http_server_asks (hf_http_server_t *self, hf_pack_t *frame, uint64_t now_us)
{
    while (self->until_us == 0 && !hf_chain_empty (&self->queue)) {
        pending_t *first = HF_AROUND (self->queue.next, pending_t, chain);
        hf_http_request_strays (first->request, self->late);
        if (hf_http_request_next (first->request, ++self->id, now_us, frame)) {
            self->until_us = now_us + QUESTION_US;
            return true;
        }
        s_answered (self, first);
    }
    return false;
}

/*  A refusal does not say of which question it is. */
static bool
s_is_refusal (hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    return hf_frame_open (frame.at, frame.size, &scan, &kind) == HF_OK && kind == HF_KIND_REFUSED;
}

void
hf_http_server_answer (hf_http_server_t *self, hf_span_t frame)
{
    if (self->until_us == 0)
        return; //  too late
    pending_t *first = HF_AROUND (self->queue.next, pending_t, chain);
    if (!hf_http_request_frame (first->request, frame))
        return;
    //  The lock actor takes questions in their order: nothing comes of those before any more.
    self->late = self->late && s_is_refusal (frame);
    s_asked (self, first, hf_http_request_yields (first->request));
}
