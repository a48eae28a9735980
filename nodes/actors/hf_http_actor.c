/*  hf_http_actor.c - the actor that answers HTTP: a server, and a pipe to the lock actor.
 *
 *  It takes "$TERM" on its own pipe, and on the other the lock actor's answers: frames as clients
 *  get them, to the questions that it sends, which are QUERY frames.
 */
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"

#define WAIT_MS 1000

static void
s_hear (const hf_http_args_t *args)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    while (zmq_msg_recv (&message, zsock_resolve (args->lock), ZMQ_DONTWAIT) >= 0)
        hf_http_server_answer (args->server,
                               hf_span (zmq_msg_data (&message), zmq_msg_size (&message)));
    zmq_msg_close (&message);
}

void
hf_http_actor (zsock_t *pipe, void *arg)
{
    hf_http_args_t *args = arg;
    hf_pack_t frame;
    hf_pack_init (&frame);
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve (pipe), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (args->lock), .events = ZMQ_POLLIN},
        {.fd = hf_http_server_fd (args->server), .events = ZMQ_POLLIN},
    };
    hf_pulse_name ("hf-http");
    zsock_signal (pipe, 0);
    do {
        hf_pulse_beat (&args->pulse);
        zmq_poll (items, 3, hf_http_server_wait_ms (args->server, WAIT_MS));
        s_hear (args);
        hf_http_server_turn (args->server, hf_clock_us ());
        if (hf_http_server_asks (args->server, &frame, hf_clock_us ()))
            hf_pipe_send (args->lock, &frame);
    } while (!hf_pipe_ends (pipe, NULL));
    hf_pack_done (&frame);
    hf_http_server_destroy (&args->server);
    zsock_destroy (&args->lock);
}
