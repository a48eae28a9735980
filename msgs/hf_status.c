//  Texts of status codes, modes and what happens.

#include "msgs/hf_status.h"

const char *
hf_status_text (hf_status_t status)
{
    switch (status) {
#define HF_STATUS_CASE(name, ordinal, text)                                                        \
    case HF_##name:                                                                                \
        return text;
        HF_STATUS_TABLE (HF_STATUS_CASE)
#undef HF_STATUS_CASE
    }
    return "unknown status";
}

const char *
hf_status_name (hf_status_t status)
{
    switch (status) {
#define HF_STATUS_CASE(name, ordinal, text)                                                        \
    case HF_##name:                                                                                \
        return #name;
        HF_STATUS_TABLE (HF_STATUS_CASE)
#undef HF_STATUS_CASE
    }
    return "UNKNOWN_STATUS";
}

const char *
hf_mode_name (uint32_t mode)
{
    switch (mode) {
#define HF_MODE_CASE(name, ordinal, text)                                                          \
    case ordinal:                                                                                  \
        return text;
        HF_MODE_TABLE (HF_MODE_CASE)
#undef HF_MODE_CASE
    }
    return "unknown";
}

const char *
hf_happened_name (uint32_t what)
{
    switch (what) {
#define HF_HAPPENED_CASE(name, ordinal, text)                                                      \
    case ordinal:                                                                                  \
        return text;
        HF_HAPPENED_TABLE (HF_HAPPENED_CASE)
#undef HF_HAPPENED_CASE
    }
    return "unknown";
}
