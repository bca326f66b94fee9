/* Configuration sections of the network class. */
#pragma once

#include "../resources/region.h"

#define NET_MACS_PER_CLIENT 64
#define NET_REGIONS_PER_CLIENT 64
#define NET_MAC_BYTES 6

/* A free and an active queue between two domains, and the channel that goes with them. */
struct net_connection {
    struct region free_queue;
    struct region active_queue;
    uint16_t num_buffers;
    uint8_t id;
};

LAYOUT_FIELD(struct net_connection, free_queue, 0);
LAYOUT_FIELD(struct net_connection, active_queue, 16);
LAYOUT_FIELD(struct net_connection, num_buffers, 32);
LAYOUT_FIELD(struct net_connection, id, 34);
LAYOUT_BYTES(struct net_connection, 40);

/* Section `.net_driver_config`. */
struct net_driver_config {
    char magic[SDDF_MAGIC_BYTES];
    struct net_connection virt_rx;
    struct net_connection virt_tx;
};

LAYOUT_FIELD(struct net_driver_config, virt_rx, 8);
LAYOUT_FIELD(struct net_driver_config, virt_tx, 48);
LAYOUT_BYTES(struct net_driver_config, 88);

struct net_virt_rx_client {
    struct net_connection conn;
    uint8_t macs[NET_MACS_PER_CLIENT][NET_MAC_BYTES];
    uint8_t num_macs;
};

LAYOUT_FIELD(struct net_virt_rx_client, conn, 0);
LAYOUT_FIELD(struct net_virt_rx_client, macs, 40);
LAYOUT_FIELD(struct net_virt_rx_client, num_macs, 424);
LAYOUT_BYTES(struct net_virt_rx_client, 432);

/* Section `.net_virt_rx_config`. `buffer_metadata` holds a reference count for each buffer. */
struct net_virt_rx_config {
    char magic[SDDF_MAGIC_BYTES];
    struct net_connection driver;
    struct device_region data;
    struct region buffer_metadata;
    struct net_virt_rx_client clients[SDDF_CLIENTS_MAX];
    uint8_t num_clients;
};

LAYOUT_FIELD(struct net_virt_rx_config, driver, 8);
LAYOUT_FIELD(struct net_virt_rx_config, data, 48);
LAYOUT_FIELD(struct net_virt_rx_config, buffer_metadata, 72);
LAYOUT_FIELD(struct net_virt_rx_config, clients, 88);
LAYOUT_FIELD(struct net_virt_rx_config, num_clients, 27736);
LAYOUT_BYTES(struct net_virt_rx_config, 27744);

struct net_tx_data {
    struct device_region data;
    uint32_t num_buffers;
};

LAYOUT_FIELD(struct net_tx_data, data, 0);
LAYOUT_FIELD(struct net_tx_data, num_buffers, 24);
LAYOUT_BYTES(struct net_tx_data, 32);

struct net_virt_tx_client {
    struct net_connection conn;
    struct net_tx_data regions[NET_REGIONS_PER_CLIENT];
    uint8_t num_regions;
};

LAYOUT_FIELD(struct net_virt_tx_client, conn, 0);
LAYOUT_FIELD(struct net_virt_tx_client, regions, 40);
LAYOUT_FIELD(struct net_virt_tx_client, num_regions, 2088);
LAYOUT_BYTES(struct net_virt_tx_client, 2096);

/* Section `.net_virt_tx_config`. */
struct net_virt_tx_config {
    char magic[SDDF_MAGIC_BYTES];
    struct net_connection driver;
    struct net_virt_tx_client clients[SDDF_CLIENTS_MAX];
    uint8_t num_clients;
};

LAYOUT_FIELD(struct net_virt_tx_config, driver, 8);
LAYOUT_FIELD(struct net_virt_tx_config, clients, 48);
LAYOUT_FIELD(struct net_virt_tx_config, num_clients, 134192);
LAYOUT_BYTES(struct net_virt_tx_config, 134200);

/* Section `.net_copy_config`. Without a switch, only the first of `rx_data` is used. */
struct net_copy_config {
    char magic[SDDF_MAGIC_BYTES];
    struct net_connection rx;
    struct region rx_data[SDDF_CLIENTS_MAX];
    struct net_connection client;
    struct region client_data;
};

LAYOUT_FIELD(struct net_copy_config, rx, 8);
LAYOUT_FIELD(struct net_copy_config, rx_data, 48);
LAYOUT_FIELD(struct net_copy_config, client, 1072);
LAYOUT_FIELD(struct net_copy_config, client_data, 1112);
LAYOUT_BYTES(struct net_copy_config, 1128);

/* Section `.net_client_config`. */
struct net_client_config {
    char magic[SDDF_MAGIC_BYTES];
    struct net_connection rx;
    struct region rx_data;
    struct net_connection tx;
    struct region tx_data;
    uint8_t mac_addr[NET_MAC_BYTES];
};

LAYOUT_FIELD(struct net_client_config, rx, 8);
LAYOUT_FIELD(struct net_client_config, rx_data, 48);
LAYOUT_FIELD(struct net_client_config, tx, 64);
LAYOUT_FIELD(struct net_client_config, tx_data, 104);
LAYOUT_FIELD(struct net_client_config, mac_addr, 120);
LAYOUT_BYTES(struct net_client_config, 128);

struct net_vswitch_port {
    struct net_connection rx;
    struct net_connection tx;
    struct region tx_data;
    uint8_t mac_addr[NET_MAC_BYTES];
    uint64_t acl;
};

LAYOUT_FIELD(struct net_vswitch_port, rx, 0);
LAYOUT_FIELD(struct net_vswitch_port, tx, 40);
LAYOUT_FIELD(struct net_vswitch_port, tx_data, 80);
LAYOUT_FIELD(struct net_vswitch_port, mac_addr, 96);
LAYOUT_FIELD(struct net_vswitch_port, acl, 104);
LAYOUT_BYTES(struct net_vswitch_port, 112);

/* Section `.net_vswitch_config`. The last port leads to the virtualisers. */
struct net_vswitch_config {
    char magic[SDDF_MAGIC_BYTES];
    struct net_vswitch_port ports[SDDF_CLIENTS_MAX];
    uint8_t num_ports;
    struct region buffer_metadata;
};

LAYOUT_FIELD(struct net_vswitch_config, ports, 8);
LAYOUT_FIELD(struct net_vswitch_config, num_ports, 7176);
LAYOUT_FIELD(struct net_vswitch_config, buffer_metadata, 7184);
LAYOUT_BYTES(struct net_vswitch_config, 7200);

/* Section `.lib_sddf_lwip_config`. */
struct lib_sddf_lwip_config {
    char magic[SDDF_MAGIC_BYTES];
    struct region pbuf_pool;
    uint64_t num_pbufs;
};

LAYOUT_FIELD(struct lib_sddf_lwip_config, pbuf_pool, 8);
LAYOUT_FIELD(struct lib_sddf_lwip_config, num_pbufs, 24);
LAYOUT_BYTES(struct lib_sddf_lwip_config, 32);
