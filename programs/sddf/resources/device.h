/* What a driver has of its device: registers, memory for DMA, interrupts. Section
 * `.device_resources`. */
#pragma once

#include "region.h"

#define DEVICE_REGIONS_MAX 64
#define DEVICE_IRQS_MAX 64

struct device_irq {
    uint8_t id;
};

LAYOUT_BYTES(struct device_irq, 1);

struct device_resources {
    char magic[SDDF_MAGIC_BYTES];
    uint8_t num_regions;
    uint8_t num_irqs;
    struct device_region regions[DEVICE_REGIONS_MAX];
    struct device_irq irqs[DEVICE_IRQS_MAX];
};

LAYOUT_FIELD(struct device_resources, num_regions, 5);
LAYOUT_FIELD(struct device_resources, num_irqs, 6);
LAYOUT_FIELD(struct device_resources, regions, 8);
LAYOUT_FIELD(struct device_resources, irqs, 1544);
LAYOUT_BYTES(struct device_resources, 1608);
