//  Status codes and their texts.

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
