/* Destination addresses, and whose they are. */
#pragma once

#include "../sddf/network/config.h"

#define MAC_NOBODY (-1)
#define MAC_BITS 48
#define MAC_MASK ((1ul << MAC_BITS) - 1)
#define MAC_BROADCAST MAC_MASK
/* No frame has it. */
#define MAC_NONE UINT64_MAX
#define MAC_ENTRIES_MAX (SDDF_CLIENTS_MAX * NET_MACS_PER_CLIENT)

struct mac_table {
    /* The address as memory holds it, and its owner above it. */
    uint64_t entries[MAC_ENTRIES_MAX];
    uint64_t *end;
};

static inline void mac_table_clear(struct mac_table *table)
{
    table->end = table->entries;
}

static inline void mac_table_add(struct mac_table *table, const uint8_t mac[NET_MAC_BYTES], unsigned owner)
{
    uint64_t address = 0;
    for (unsigned byte = 0; byte < NET_MAC_BYTES; byte++) {
        address |= (uint64_t)mac[byte] << (8 * byte);
    }
    *table->end++ = address | (uint64_t)owner << MAC_BITS;
}

/* Answers the owner's number, or MAC_NOBODY. */
static inline int mac_table_find(const struct mac_table *table, uint64_t address)
{
    for (const uint64_t *entry = table->entries; entry != table->end; entry++) {
        if ((*entry & MAC_MASK) == address) {
            return (int)(*entry >> MAC_BITS);
        }
    }
    return MAC_NOBODY;
}
