/* Memory as configuration sections name it, and what every section begins with. All of them are
 * little-endian. */
#pragma once

#include "../layout.h"

#define SDDF_MAGIC_BYTES 5
#define SDDF_CLIENTS_MAX 64

/* The byte behind "sDDF" says which class a section is of. */
enum sddf_class {
    SDDF_CLASS_DEVICE = 1,
    SDDF_CLASS_BLK = 2,
    SDDF_CLASS_SERIAL = 3,
    SDDF_CLASS_I2C = 4,
    SDDF_CLASS_NET = 5,
    SDDF_CLASS_TIMER = 6,
    SDDF_CLASS_LWIP = 8
};

/* Where a region is mapped, and its bytes. */
struct region {
    void *vaddr;
    uint64_t size;
};

LAYOUT_FIELD(struct region, vaddr, 0);
LAYOUT_FIELD(struct region, size, 8);
LAYOUT_BYTES(struct region, 16);

/* A region that devices see at `io_addr`. */
struct device_region {
    struct region region;
    uint64_t io_addr;
};

LAYOUT_FIELD(struct device_region, region, 0);
LAYOUT_FIELD(struct device_region, io_addr, 16);
LAYOUT_BYTES(struct device_region, 24);

static inline bool sddf_has_magic(const char magic[SDDF_MAGIC_BYTES], enum sddf_class class)
{
    return magic[0] == 's' && magic[1] == 'D' && magic[2] == 'D' && magic[3] == 'F' && magic[4] == (char)class;
}

/* Puts a global into the section that the build of a system replaces; zero until then. */
#define CONFIG_SECTION(name) __attribute__((section(name), used))
