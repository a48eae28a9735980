//  The host of a node: a name, an IPv4 address, or [IPv6].

#include "msgs/hf_host.h"
#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX      63 //  bytes between two dots of a name
#define TEXT_OF(value) #value
#define TEXT(value)    TEXT_OF (value)

/*  Letters, digits, '-' and '_' in labels of 1 to 63 bytes. */
static bool
s_name_valid (const char *host)
{
    size_t label = 0;
    for (; *host != 0; host++) {
        bool inside = isalnum ((unsigned char)*host) || *host == '-' || *host == '_';
        if ((!inside && *host != '.') || (*host == '.' && label == 0))
            return false;
        label = *host == '.' ? 0 : label + 1;
        if (label > LABEL_MAX || (label == 1 && *host == '-'))
            return false;
    }
    return label > 0;
}

/*  A host whose last label is a number can only be meant as an address. */
static bool
s_looks_like_ipv4 (const char *host)
{
    const char *last = strrchr (host, '.');
    last = last == NULL ? host : last + 1;
    return strspn (last, "0123456789") == strlen (last);
}

static const char *
s_read_ipv6 (char host[HF_HOST_MAX + 1], size_t size)
{
    static const char wrong[] = "the host in [ ] is not an IPv6 address";
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    assert (size > 0 && host[0] == '[');
    if (size < 2 || host[size - 1] != ']' || size - 2 >= sizeof (text))
        return wrong;
    memcpy (text, host + 1, size - 2);
    text[size - 2] = 0;
    if (inet_pton (AF_INET6, text, &address) != 1)
        return wrong;
    inet_ntop (AF_INET6, &address, text, sizeof (text));
    snprintf (host, HF_HOST_MAX + 1, "[%s]", text);
    return NULL;
}

const char *
hf_host_read (hf_span_t text, char host[HF_HOST_MAX + 1])
{
    struct in_addr address;
    if (text.size == 0)
        return "no host";
    if (text.size > HF_HOST_MAX)
        return "the host is longer than " TEXT (HF_HOST_MAX) " bytes";
    if (memchr (text.at, 0, text.size) != NULL)
        return "the host is not a name or an address";
    memcpy (host, text.at, text.size);
    host[text.size] = 0;
    if (host[0] == '[')
        return s_read_ipv6 (host, text.size);
    if (s_looks_like_ipv4 (host) && inet_pton (AF_INET, host, &address) != 1)
        return "the host is not an IPv4 address";
    if (!s_name_valid (host))
        return "the host is not a name or an address; an IPv6 address goes in [ ]";
    for (char *letter = host; *letter != 0; letter++)
        *letter = (char)tolower ((unsigned char)*letter);
    return NULL;
}
