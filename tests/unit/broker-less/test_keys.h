/*  test_keys.h - a folder of keys on the disk, and a ZAP handler that looks at it. */
#ifndef TEST_KEYS_H_INCLUDED
#define TEST_KEYS_H_INCLUDED

#include "test_net.h"

#include "broker-less/hf_zap.h"
#include "tests/kit/hf_folder.h"
#include <pthread.h>
#include <sys/stat.h>

#define KEY_PATH_SIZE (PATH_MAX + 256)

static char s_dir[PATH_MAX];
static hf_zap_t *s_zap;

static pthread_mutex_t s_said_mutex = PTHREAD_MUTEX_INITIALIZER;
static char s_said[16384]; //  by the handler

static inline void
keys_say (void *arg, bool bad, const char *line)
{
    (void)arg;
    (void)bad;
    pthread_mutex_lock (&s_said_mutex);
    size_t used = strlen (s_said);
    snprintf (s_said + used, sizeof (s_said) - used, "%s\n", line);
    pthread_mutex_unlock (&s_said_mutex);
}

static inline bool
keys_said (const char *text)
{
    pthread_mutex_lock (&s_said_mutex);
    bool said = strstr (s_said, text) != NULL;
    pthread_mutex_unlock (&s_said_mutex);
    return said;
}

static inline void
key_path (const char *file, char path[KEY_PATH_SIZE])
{
    snprintf (path, KEY_PATH_SIZE, "%s/%s", s_dir, file);
}

static inline void
key_put (const char *file, const char *text)
{
    char path[KEY_PATH_SIZE];
    key_path (file, path);
    mode_t old = umask (077);
    FILE *out = fopen (path, "w");
    umask (old);
    assert_non_null (out);
    fputs (text, out);
    assert_int_equal (fclose (out), 0);
}

static inline void
key_remove (const char *file)
{
    char path[KEY_PATH_SIZE];
    key_path (file, path);
    assert_int_equal (unlink (path), 0);
}

/*  A new pair of node NODE or of user NAME: NAME_secret, and the public file PUBLIC (NULL: none).
 */
static inline hf_key_t
key_make (const char *name, uint32_t node, const char *public)
{
    hf_key_t key = {.node = node};
    char text[HF_KEY_FILE_ROOM], file[128];
    if (node == 0)
        snprintf (key.name, sizeof (key.name), "%s", name);
    assert_int_equal (zmq_curve_keypair (key.public_text, key.secret_text), 0);
    snprintf (file, sizeof (file), "%s_secret", name);
    hf_key_write (&key, true, text);
    key_put (file, text);
    hf_key_write (&key, false, text);
    if (public)
        key_put (public, text);
    return key;
}

/*  The keys of who has NAME_secret. */
static inline hf_keys_t *
keys_of (const char *name)
{
    char path[KEY_PATH_SIZE], file[128], error[HF_ERROR_SIZE] = "";
    snprintf (file, sizeof (file), "%s_secret", name);
    key_path (file, path);
    hf_keys_t *keys = hf_keys_new (path, s_dir, error);
    if (keys == NULL)
        fail_msg ("%s", error);
    return keys;
}

static inline void
keys_folder (void)
{
    char path[KEY_PATH_SIZE];
    assert_int_equal (hf_folder_make (NULL, "holdfast-keys", s_dir), 0);
    key_path ("nodes", path);
    mkdir (path, 0700);
    key_path ("clients", path);
    mkdir (path, 0700);
    s_said[0] = 0;
}

#endif
