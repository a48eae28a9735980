/*  rwlock.c - many read; the first that finds nothing writes it.
 *
 *  Whoever finds the file "settings" empty becomes a writer. When several want to, all but one get
 *  HF_DEADLOCK, because each would wait for the other to stop reading: they let go and look again.
 *
 *      holdfast-example-rwlock [endpoints]
 */
#include "client/examples/example.h"
#include "client/recipes/hf_rwlock.h"

static uint64_t
s_settings (void)
{
    size_t none = 0;
    uint64_t total = 0;
    hf_status_t status = hf_read (g_client, "settings", 0, NULL, &none, &total, LIMIT_MS);
    example_must ("read", status == HF_NOT_FOUND ? HF_OK : status);
    return total;
}

int
main (int argc, char **argv)
{
    example_begin (argc > 1 ? argv[1] : NULL, "settings");
    hf_rwlock_t *settings = hf_rwlock_new (g_session, "settings");
    example_must ("read", hf_rwlock_read (settings, LIMIT_MS, NULL));
    while (s_settings () == 0) {
        hf_grant_t grant;
        hf_status_t status = hf_rwlock_write (settings, LIMIT_MS, &grant);
        if (status == HF_DEADLOCK) {
            example_must ("unlock", hf_rwlock_unlock (settings, LIMIT_MS));
            example_must ("read", hf_rwlock_read (settings, LIMIT_MS, NULL));
            continue;
        }
        example_must ("write", status);
        example_must ("append", hf_append (g_session, "settings", grant.token, "settings",
                                           "colour blue\n", 12, LIMIT_MS));
        example_must ("unlock", hf_rwlock_unlock (settings, LIMIT_MS));
        puts ("written");
        example_must ("read", hf_rwlock_read (settings, LIMIT_MS, NULL));
    }
    printf ("%u bytes of settings\n", (unsigned)s_settings ());
    example_must ("unlock", hf_rwlock_unlock (settings, LIMIT_MS));
    hf_rwlock_destroy (&settings);
    return example_end ();
}
