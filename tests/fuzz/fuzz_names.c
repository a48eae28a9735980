//  Endpoint lists, names, and names on disk.

#include "broker-less/hf_target.h"
#include "nodes/store/hf_file_store.h"
#include "tests/fuzz/fuzz.h"
#include <stdio.h>

//  ---- endpoint lists -----------------------------------------------------------------

static void
s_endpoints (fuzz_bytes_t *bytes)
{
    size_t size;
    char *text = (char *)fuzz_take (bytes, fuzz_left (bytes), &size);
    text = realloc (text, size + 1);
    assert (text);
    text[size] = 0;
    hf_endpoints_t list, again;
    char error[HF_ERROR_SIZE], canonical[HF_ENDPOINTS_TEXT_SIZE];
    if (hf_endpoints_parse (&list, text, error) != 0) {
        assert (error[0] != 0 && strlen (error) < sizeof error && strchr (error, '\n') == NULL);
        free (text);
        return;
    }
    assert (list.count >= 1 && list.count <= HF_MEMBERS_MAX);
    hf_endpoints_text (&list, canonical);
    int rc = hf_endpoints_parse (&again, canonical, error);
    assert (rc == 0 && again.count == list.count);
    for (uint32_t i = 0; i < list.count; i++) {
        const hf_endpoint_t *a = &list.node[i], *b = &again.node[i];
        assert (a->id == b->id && strcmp (a->host, b->host) == 0);
        assert (a->client_port == b->client_port && a->node_port == b->node_port);
        assert (a->id > 0 && (i == 0 || a->id > list.node[i - 1].id));
        assert (hf_endpoints_find (&list, a->id) == a);
        assert (strpbrk (a->host, " \t\n,;@") == NULL);
        //  What is no name must be short enough for an address.
        assert (hf_host_is_name (a->host) || strlen (a->host) < HF_ADDRESS_SIZE);
    }
    assert ((hf_endpoints_check_cluster (&list, error) == 0) == (list.count % 2 == 1));
    free (text);
}

//  ---- names ----------------------------------------------------------------------------

/*  Encode POINT in its shortest form; 0 when it is no code point. */
static size_t
s_utf8 (uint32_t point, uint8_t out[4])
{
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return 0;
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t mark[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)(mark[size] | point);
    return size;
}

/*  The slow obvious twin of hf_name_valid: what some code points encode to, one after the other. */
static bool
s_valid_slowly (const uint8_t *at, size_t size)
{
    if (size == 0 || size > 255)
        return false;
    while (size > 0) {
        uint8_t want[4];
        size_t found = 0;
        //  The code point that each length would mean; only the right one encodes to these bytes.
        for (size_t n = 1; n <= 4 && n <= size && found == 0; n++) {
            uint32_t point = n == 1 ? at[0] : at[0] & (0x7fU >> n);
            for (size_t i = 1; i < n; i++)
                point = point << 6 | (at[i] & 0x3fU);
            bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
            if (!control && s_utf8 (point, want) == n && memcmp (want, at, n) == 0)
                found = n;
        }
        if (found == 0)
            return false;
        at += found;
        size -= found;
    }
    return true;
}

static void
s_name (fuzz_bytes_t *bytes)
{
    size_t size;
    uint8_t *name = fuzz_take (bytes, fuzz_left (bytes), &size);
    assert (hf_name_valid (hf_span (name, size)) == s_valid_slowly (name, size));
    free (name);
}

//  ---- names on disk ----------------------------------------------------------------------

/*  Decode; a long name, which carries a hash, is given back as it is. */
static size_t
s_decode (const char *disk, uint8_t *out)
{
    size_t size = 0;
    for (; *disk; disk++) {
        unsigned byte = (uint8_t)*disk;
        if (byte == '%') {
            int read = sscanf (disk + 1, "%2X", &byte);
            assert (read == 1 && byte < 256);
            disk += 2;
        }
        out[size++] = (uint8_t)byte;
    }
    return size;
}

static void
s_disk_name (hf_span_t name, char disk[256])
{
    memset (disk, 'x', 256);
    hf_file_store_disk_name (name, disk);
    size_t size = strnlen (disk, 256);
    assert (size < 256 && (size > 0 || name.size == 0));
    assert (disk[0] != '.' && strchr (disk, '/') == NULL);
    for (size_t i = 0; i < size; i++)
        assert (disk[i] > 0x20 && disk[i] < 0x7f);
    uint8_t back[256];
    if (strstr (disk, "%~") == NULL) {
        size_t decoded = s_decode (disk, back);
        assert (hf_span_equal (hf_span (back, decoded), name));
    } else
        assert (name.size > 80); //  what is encoded to 240 bytes or less stands as it is
}

static void
s_disk_names (fuzz_bytes_t *bytes)
{
    char disk[2][256];
    size_t size[2];
    uint8_t *name[2];
    name[0] = fuzz_take (bytes, fuzz_u8 (bytes), &size[0]);
    size_t rest = fuzz_left (bytes) < 255 ? fuzz_left (bytes) : 255;
    name[1] = fuzz_take (bytes, rest, &size[1]);
    for (int i = 0; i < 2; i++)
        s_disk_name (hf_span (name[i], size[i]), disk[i]);
    bool same = hf_span_equal (hf_span (name[0], size[0]), hf_span (name[1], size[1]));
    bool hashed = strstr (disk[0], "%~") != NULL && strstr (disk[1], "%~") != NULL;
    if (same || !hashed)
        assert (same == (strcmp (disk[0], disk[1]) == 0));
    free (name[0]);
    free (name[1]);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_bytes_t bytes = fuzz_bytes (data, size);
    switch (fuzz_u8 (&bytes) % 3) {
    case 0:
        s_endpoints (&bytes);
        break;
    case 1:
        s_name (&bytes);
        break;
    default:
        s_disk_names (&bytes);
        break;
    }
    return 0;
}
