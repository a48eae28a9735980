//  When memory that was freed goes back to the machine.

#include "nodes/services/hf_give_back.h"
#include "base/hf_mutant.h"

bool
hf_give_back_look (hf_give_back_t *self, size_t resident, size_t used)
{
    if (resident <= used || resident - used <= HF_GIVE_BACK_SPARE + used / 4 ||
        HF_MUTANT (kept_after_flood)) {
        *self = (hf_give_back_t){.wait = 0};
        return false;
    }
    if (self->wait > 0) {
        self->wait--;
        return false;
    }
    //  A page goes only when nothing on it is in use: later there may be more.
    self->wait = self->next;
    self->next =
        2 * self->next + 1 < HF_GIVE_BACK_WAIT ? 2 * self->next + 1 : HF_GIVE_BACK_WAIT - 1;
    return true;
}
