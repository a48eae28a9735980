//  Requests to the HTTP port of a node, as bytes.

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_web.h"
#include "tests/kit/hf_ports.h"
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define TEXT_SIZE (1U << 20)

int
hf_web_connect (uint16_t port)
{
    struct timeval limit = {.tv_sec = HF_WEB_LIMIT_MS / 1000};
    int fd = hf_port_connect (port, 0);
    assert_true (fd >= 0);
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

void
hf_web_say (int fd, const char *text)
{
    assert_int_equal (send (fd, text, strlen (text), MSG_NOSIGNAL), strlen (text));
}

const char *
hf_web_read_all (int fd)
{
    static char s_text[TEXT_SIZE];
    size_t count = 0;
    for (ssize_t size = 1; size > 0 && count < TEXT_SIZE - 1; count += (size_t)size) {
        size = recv (fd, s_text + count, TEXT_SIZE - 1 - count, 0);
        if (size < 0)
            fail_msg ("no end after %zu bytes", count);
    }
    s_text[count] = 0;
    close (fd);
    return s_text;
}

const char *
hf_web_ask (uint16_t port, const char *method, const char *path, const char *headers,
            const char *body)
{
    char head[1024];
    int fd = hf_web_connect (port);
    snprintf (head, sizeof head,
              "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n",
              method, path, headers, body ? strlen (body) : 0);
    hf_web_say (fd, head);
    if (body)
        hf_web_say (fd, body);
    return hf_web_read_all (fd);
}
