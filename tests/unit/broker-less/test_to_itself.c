/*  TCP's self-connection: the only port that the kernel has for outgoing connections is the one
 * that is connected to. Needs a network namespace of its own. */
#include "test_mesh.h"

#include "broker-less/hf_door.h"
#include "broker-less/hf_link.h"
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>

#define PORT    40001
#define SKIPPED 77

static bool
write_text (const char *path, const char *text)
{
    int fd = open (path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write (fd, text, strlen (text)) == (ssize_t)strlen (text);
    if (fd >= 0)
        close (fd);
    return written;
}

static bool
set_range (const char *range)
{
    return write_text ("/proc/sys/net/ipv4/ip_local_port_range", range);
}

static bool
enter_namespace (void)
{
    char map[64];
    unsigned user = (unsigned)geteuid ();
    if (unshare (CLONE_NEWNET) != 0) {
        snprintf (map, sizeof (map), "0 %u 1", user);
        if (unshare (CLONE_NEWUSER | CLONE_NEWNET) != 0 || !write_text ("/proc/self/uid_map", map))
            return false;
    }
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = ioctl (fd, SIOCSIFFLAGS, &request) == 0;
    close (fd);
    return up && set_range ("40001 40001");
}

/*  Whether no socket at all has PORT. */
static bool
port_is_free (void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons (PORT),
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = bind (fd, (struct sockaddr *)&address, sizeof (address)) == 0;
    close (fd);
    return bound;
}

static hf_link_t *s_link;
static unsigned s_connected;

static void
link_step (void)
{
    void *sockets[HF_LINK_SOCKETS];
    hf_span_t bytes;
    hf_link_sockets (s_link, sockets);
    zmq_pollitem_t items[] = {{.socket = sockets[0], .events = ZMQ_POLLIN},
                              {.socket = sockets[1], .events = ZMQ_POLLIN}};
    zmq_poll (items, 2, 5);
    hf_link_event_type_t event;
    while ((event = hf_link_next (s_link, test_now_us (), &bytes)) != HF_LINK_NONE)
        s_connected += event == HF_LINK_CONNECTED;
}

HF_TEST_WITH (a_link_lets_go_of_itself, open_context, close_context)
{
    hf_endpoint_t endpoint = {.id = 1, .host = "127.0.0.1", .client_port = PORT};
    hf_listen_t listen = test_listen (&endpoint);
    char error[HF_ERROR_SIZE];
    hf_door_t *door = NULL;
    s_link = hf_link_new (s_context, &endpoint, NULL, 0);
    UNTIL_BY (link_step (), !port_is_free ());
    UNTIL_BY (link_step (), port_is_free ());
    //  Also in a moment in which it has the port again.
    UNTIL_BY (link_step (), !port_is_free ());
    door = hf_door_new (s_context, endpoint.host, &listen, error);
    if (!door)
        fail_msg ("%s", error);
    assert_int_equal (s_connected, 0);
    assert_true (set_range ("40001 40100"));
    UNTIL_BY (link_step (), s_connected == 1);
    assert_true (set_range ("40001 40001"));
    hf_link_destroy (&s_link);
    hf_door_destroy (&door);
}

HF_TEST_WITH (a_mesh_lets_go_of_itself, setup, teardown)
{
    s_list.node[1].node_port = PORT;
    s_list.node[1].client_port = PORT + 1;
    start (1);
    UNTIL (!port_is_free ());
    for (unsigned i = 0; i < 50; i++)
        turn ();
    char error[HF_ERROR_SIZE];
    s_mesh[1] = new_mesh (2, error); //  at the first attempt
    if (!s_mesh[1])
        fail_msg ("%s", error);
    assert_true (set_range ("40001 40100"));
    UNTIL (all_up ());
}

int
main (void)
{
    if (!enter_namespace ()) {
        print_message ("no network namespace here\n");
        return SKIPPED;
    }
    return hf_test_run (NULL, NULL);
}
