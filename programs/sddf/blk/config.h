/* Configuration sections of the block class. */
#pragma once

#include "../resources/region.h"

/* A request queue, a response queue and what is known of the medium, between two domains. */
struct blk_connection {
    struct region storage_info;
    struct region req_queue;
    struct region resp_queue;
    uint16_t num_buffers;
    uint8_t id;
};

LAYOUT_FIELD(struct blk_connection, storage_info, 0);
LAYOUT_FIELD(struct blk_connection, req_queue, 16);
LAYOUT_FIELD(struct blk_connection, resp_queue, 32);
LAYOUT_FIELD(struct blk_connection, num_buffers, 48);
LAYOUT_FIELD(struct blk_connection, id, 50);
LAYOUT_BYTES(struct blk_connection, 56);

/* Section `.blk_driver_config`. */
struct blk_driver_config {
    char magic[SDDF_MAGIC_BYTES];
    struct blk_connection virt;
};

LAYOUT_FIELD(struct blk_driver_config, virt, 8);
LAYOUT_BYTES(struct blk_driver_config, 64);

struct blk_virt_driver {
    struct blk_connection conn;
    struct device_region data;
};

LAYOUT_FIELD(struct blk_virt_driver, conn, 0);
LAYOUT_FIELD(struct blk_virt_driver, data, 56);
LAYOUT_BYTES(struct blk_virt_driver, 80);

struct blk_virt_client {
    struct blk_connection conn;
    struct device_region data;
    uint32_t partition;
};

LAYOUT_FIELD(struct blk_virt_client, conn, 0);
LAYOUT_FIELD(struct blk_virt_client, data, 56);
LAYOUT_FIELD(struct blk_virt_client, partition, 80);
LAYOUT_BYTES(struct blk_virt_client, 88);

/* Section `.blk_virt_config`. */
struct blk_virt_config {
    char magic[SDDF_MAGIC_BYTES];
    uint64_t num_clients;
    struct blk_virt_driver driver;
    struct blk_virt_client clients[SDDF_CLIENTS_MAX];
};

LAYOUT_FIELD(struct blk_virt_config, num_clients, 8);
LAYOUT_FIELD(struct blk_virt_config, driver, 16);
LAYOUT_FIELD(struct blk_virt_config, clients, 96);
LAYOUT_BYTES(struct blk_virt_config, 5728);

/* Section `.blk_client_config`. */
struct blk_client_config {
    char magic[SDDF_MAGIC_BYTES];
    struct blk_connection virt;
    struct region data;
};

LAYOUT_FIELD(struct blk_client_config, virt, 8);
LAYOUT_FIELD(struct blk_client_config, data, 64);
LAYOUT_BYTES(struct blk_client_config, 80);
