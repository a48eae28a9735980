/*  fake_names.c - loaded into a program, it answers for the name server.
 *
 *  HF_NAMES names a file of lines "NAME ADDRESS[,ADDRESS]...", "NAME fail" or "NAME hang". It is
 *  read at each look-up, so that a test can change it while the program runs. A look-up that hangs
 *  ends when the line has changed. Names without a line are resolved as usual.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 20

typedef int (s_look_fn) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int
s_next (const char *host, const char *service, const struct addrinfo *hints,
        struct addrinfo **found)
{
    s_look_fn *next = NULL;
    void *symbol = dlsym (RTLD_NEXT, "getaddrinfo");
    memcpy (&next, &symbol, sizeof next);
    return next (host, service, hints, found);
}

/*  What the file says of HOST; 0: nothing. */
static int
s_line (const char *host, char answer[256])
{
    char name[256];
    const char *path = getenv ("HF_NAMES");
    FILE *file = path && host ? fopen (path, "re") : NULL;
    int found = 0;
    while (file && !found)
        if (fscanf (file, "%255s %255s", name, answer) != 2)
            break;
        else
            found = strcmp (name, host) == 0;
    if (file)
        fclose (file);
    return found;
}

int
getaddrinfo (const char *host, const char *service, const struct addrinfo *hints,
             struct addrinfo **found)
{
    char answer[256];
    if (!s_line (host, answer))
        return s_next (host, service, hints, found);
    while (strcmp (answer, "hang") == 0) {
        poll (NULL, 0, AGAIN_MS);
        if (!s_line (host, answer))
            return EAI_AGAIN;
    }
    if (strcmp (answer, "fail") == 0)
        return EAI_AGAIN;
    //  The C library's answers for numbers, one behind another.
    *found = NULL;
    int rc = 0;
    char *rest = NULL;
    for (char *at = strtok_r (answer, ",", &rest); at && rc == 0;
         at = strtok_r (NULL, ",", &rest)) {
        struct addrinfo **last = found;
        while (*last)
            last = &(*last)->ai_next;
        rc = s_next (at, service, hints, last);
        if (rc == EAI_ADDRFAMILY && !strtok_r (NULL, "", &rest) && *found)
            rc = 0; //  of a family that was not asked for
    }
    return rc;
}
