/*  hf_recipe.h - what the recipes share; nothing of it is exported.
 *
 *  A recipe keeps what its session holds as a grant; token 0: nothing.
 */
#ifndef HF_RECIPE_H_INCLUDED
#define HF_RECIPE_H_INCLUDED

#include "base/hf_alloc.h"
#include "client/holdfast.h"
#include <stdlib.h>
#include <string.h>

/*  A copy of NAME, for free (). */
static inline char *
hf_recipe_name (const char *name)
{
    size_t size = strlen (name) + 1;
    return memcpy (hf_alloc (size), name, size);
}

/*  Give up the hold of GRANT, and forget it unless the request was refused at once. */
static inline hf_status_t
hf_recipe_release (hf_session_t *session, const char *name, hf_grant_t *grant, uint32_t limit_ms)
{
    if (grant->token == 0)
        return HF_NOT_HOLDER;
    hf_status_t status = hf_release (session, name, grant->token, limit_ms);
    if (status != HF_INVALID && status != HF_LIMIT)
        *grant = (hf_grant_t){0, 0};
    return status;
}

#endif
