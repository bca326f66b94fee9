/* Configuration sections of the serial class. */
#pragma once

#include "../resources/region.h"

#define SERIAL_NAME_BYTES 64
#define SERIAL_BEGIN_BYTES 128

struct serial_connection {
    struct region queue;
    struct region data;
    uint8_t id;
};

LAYOUT_FIELD(struct serial_connection, queue, 0);
LAYOUT_FIELD(struct serial_connection, data, 16);
LAYOUT_FIELD(struct serial_connection, id, 32);
LAYOUT_BYTES(struct serial_connection, 40);

/* Section `.serial_driver_config`. */
struct serial_driver_config {
    char magic[SDDF_MAGIC_BYTES];
    struct serial_connection rx;
    struct serial_connection tx;
    uint64_t default_baud;
    uint8_t rx_enabled;
};

LAYOUT_FIELD(struct serial_driver_config, rx, 8);
LAYOUT_FIELD(struct serial_driver_config, tx, 48);
LAYOUT_FIELD(struct serial_driver_config, default_baud, 88);
LAYOUT_FIELD(struct serial_driver_config, rx_enabled, 96);
LAYOUT_BYTES(struct serial_driver_config, 104);

/* Section `.serial_virt_rx_config`. */
struct serial_virt_rx_config {
    char magic[SDDF_MAGIC_BYTES];
    struct serial_connection driver;
    struct serial_connection clients[SDDF_CLIENTS_MAX];
    uint8_t num_clients;
    char switch_char;
    char terminate_num_char;
};

LAYOUT_FIELD(struct serial_virt_rx_config, driver, 8);
LAYOUT_FIELD(struct serial_virt_rx_config, clients, 48);
LAYOUT_FIELD(struct serial_virt_rx_config, num_clients, 2608);
LAYOUT_FIELD(struct serial_virt_rx_config, switch_char, 2609);
LAYOUT_FIELD(struct serial_virt_rx_config, terminate_num_char, 2610);
LAYOUT_BYTES(struct serial_virt_rx_config, 2616);

struct serial_virt_tx_client {
    struct serial_connection conn;
    char name[SERIAL_NAME_BYTES];
};

LAYOUT_FIELD(struct serial_virt_tx_client, conn, 0);
LAYOUT_FIELD(struct serial_virt_tx_client, name, 40);
LAYOUT_BYTES(struct serial_virt_tx_client, 104);

/* Section `.serial_virt_tx_config`. */
struct serial_virt_tx_config {
    char magic[SDDF_MAGIC_BYTES];
    struct serial_connection driver;
    struct serial_virt_tx_client clients[SDDF_CLIENTS_MAX];
    uint8_t num_clients;
    char begin_str[SERIAL_BEGIN_BYTES];
    uint8_t enable_colour;
    uint8_t enable_rx;
};

LAYOUT_FIELD(struct serial_virt_tx_config, driver, 8);
LAYOUT_FIELD(struct serial_virt_tx_config, clients, 48);
LAYOUT_FIELD(struct serial_virt_tx_config, num_clients, 6704);
LAYOUT_FIELD(struct serial_virt_tx_config, begin_str, 6705);
LAYOUT_FIELD(struct serial_virt_tx_config, enable_colour, 6833);
LAYOUT_FIELD(struct serial_virt_tx_config, enable_rx, 6834);
LAYOUT_BYTES(struct serial_virt_tx_config, 6840);

/* Section `.serial_client_config`. A client that only writes has no receive queue. */
struct serial_client_config {
    char magic[SDDF_MAGIC_BYTES];
    struct serial_connection rx;
    struct serial_connection tx;
};

LAYOUT_FIELD(struct serial_client_config, rx, 8);
LAYOUT_FIELD(struct serial_client_config, tx, 48);
LAYOUT_BYTES(struct serial_client_config, 88);
