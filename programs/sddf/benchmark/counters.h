/* What the domain that counts idle cycles shares with those who ask how much of the time the
 * processor had nothing to do. */
#pragma once

#include "../resources/region.h"

struct bench {
    /* The cycle counter when it was last read, and before that. */
    uint64_t core_ccount;
    uint64_t prev_ccount;
    /* Cycles in which this domain alone has run. */
    uint64_t idle_ccount;
};

LAYOUT_FIELD(struct bench, core_ccount, 0);
LAYOUT_FIELD(struct bench, prev_ccount, 8);
LAYOUT_FIELD(struct bench, idle_ccount, 16);
LAYOUT_BYTES(struct bench, 24);
