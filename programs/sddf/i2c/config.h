/* Configuration sections of the I2C class. */
#pragma once

#include "../resources/region.h"

struct i2c_connection {
    struct region req_queue;
    struct region resp_queue;
    uint16_t num_buffers;
    uint8_t id;
};

LAYOUT_FIELD(struct i2c_connection, req_queue, 0);
LAYOUT_FIELD(struct i2c_connection, resp_queue, 16);
LAYOUT_FIELD(struct i2c_connection, num_buffers, 32);
LAYOUT_FIELD(struct i2c_connection, id, 34);
LAYOUT_BYTES(struct i2c_connection, 40);

/* Section `.i2c_driver_config`. */
struct i2c_driver_config {
    char magic[SDDF_MAGIC_BYTES];
    struct i2c_connection virt;
};

LAYOUT_FIELD(struct i2c_driver_config, virt, 8);
LAYOUT_BYTES(struct i2c_driver_config, 48);

/* The virtualiser translates addresses of a client's data into the driver's. */
struct i2c_virt_client {
    struct i2c_connection conn;
    uint64_t data_size;
    uint64_t driver_data_vaddr;
    uint64_t client_data_vaddr;
};

LAYOUT_FIELD(struct i2c_virt_client, conn, 0);
LAYOUT_FIELD(struct i2c_virt_client, data_size, 40);
LAYOUT_FIELD(struct i2c_virt_client, driver_data_vaddr, 48);
LAYOUT_FIELD(struct i2c_virt_client, client_data_vaddr, 56);
LAYOUT_BYTES(struct i2c_virt_client, 64);

/* Section `.i2c_virt_config`. */
struct i2c_virt_config {
    char magic[SDDF_MAGIC_BYTES];
    uint64_t num_clients;
    struct i2c_connection driver;
    struct i2c_virt_client clients[SDDF_CLIENTS_MAX];
};

LAYOUT_FIELD(struct i2c_virt_config, num_clients, 8);
LAYOUT_FIELD(struct i2c_virt_config, driver, 16);
LAYOUT_FIELD(struct i2c_virt_config, clients, 56);
LAYOUT_BYTES(struct i2c_virt_config, 4152);

/* Section `.i2c_client_config`. */
struct i2c_client_config {
    char magic[SDDF_MAGIC_BYTES];
    struct i2c_connection virt;
    struct region data;
};

LAYOUT_FIELD(struct i2c_client_config, virt, 8);
LAYOUT_FIELD(struct i2c_client_config, data, 48);
LAYOUT_BYTES(struct i2c_client_config, 64);
