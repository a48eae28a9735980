/*  hf_web.h - requests to the HTTP port of a node of a test, as bytes.
 *
 *  What an answer is lives until the next one is read. A test fails when no connection is made, or
 *  an answer does not end within HF_WEB_LIMIT_MS.
 */
#ifndef HF_WEB_H_INCLUDED
#define HF_WEB_H_INCLUDED

#include <stdint.h>

#define HF_WEB_LIMIT_MS 10000

/*  A connection to 127.0.0.1:PORT. */
int hf_web_connect (uint16_t port);
void hf_web_say (int fd, const char *text);
/*  All that comes until the other side closes it. FD is closed. */
const char *hf_web_read_all (int fd);

/*  The answer to one request, with its head. HEADERS: lines that end with \r\n, besides Host: x,
 *  Content-Length and Connection; BODY: NULL is none. */
const char *hf_web_ask (uint16_t port, const char *method, const char *path, const char *headers,
                        const char *body);

#endif
