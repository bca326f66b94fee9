/* Configuration sections of sDDF's benchmark domains. They have no magic. */
#pragma once

#include "../resources/region.h"

#define BENCHMARK_CHILD_NAME_BYTES 64
#define BENCHMARK_CHILDREN_MAX 64
#define BENCHMARK_PMU_EVENTS 6
#define BENCHMARK_CORES_MAX 1

struct benchmark_child {
    char name[BENCHMARK_CHILD_NAME_BYTES];
    uint8_t id;
};

LAYOUT_FIELD(struct benchmark_child, name, 0);
LAYOUT_FIELD(struct benchmark_child, id, 64);
LAYOUT_BYTES(struct benchmark_child, 65);

/* Section `.benchmark_config` of the domain that measures. */
struct benchmark_config {
    uint8_t rx_start;
    uint8_t tx_start;
    uint8_t rx_stop;
    uint8_t tx_stop;
    uint8_t init_ch;
    uint8_t core;
    uint8_t last_core;
    uint8_t num_children;
    struct benchmark_child children[BENCHMARK_CHILDREN_MAX];
    uint8_t pmu_events[BENCHMARK_PMU_EVENTS];
    uint8_t num_pmu_events;
};

LAYOUT_FIELD(struct benchmark_config, rx_start, 0);
LAYOUT_FIELD(struct benchmark_config, tx_start, 1);
LAYOUT_FIELD(struct benchmark_config, rx_stop, 2);
LAYOUT_FIELD(struct benchmark_config, tx_stop, 3);
LAYOUT_FIELD(struct benchmark_config, init_ch, 4);
LAYOUT_FIELD(struct benchmark_config, core, 5);
LAYOUT_FIELD(struct benchmark_config, last_core, 6);
LAYOUT_FIELD(struct benchmark_config, num_children, 7);
LAYOUT_FIELD(struct benchmark_config, children, 8);
LAYOUT_FIELD(struct benchmark_config, pmu_events, 4168);
LAYOUT_FIELD(struct benchmark_config, num_pmu_events, 4174);
LAYOUT_BYTES(struct benchmark_config, 4175);

/* Section `.benchmark_config` of the domain that counts idle cycles. */
struct benchmark_idle_config {
    void *cycle_counters;
    uint8_t init_channel;
};

LAYOUT_FIELD(struct benchmark_idle_config, cycle_counters, 0);
LAYOUT_FIELD(struct benchmark_idle_config, init_channel, 8);
LAYOUT_BYTES(struct benchmark_idle_config, 16);

/* Section `.benchmark_client_config`, for one core. */
struct benchmark_client_config {
    uint8_t start_ch;
    uint8_t stop_ch;
    uint8_t num_cores;
    void *cycle_counters[BENCHMARK_CORES_MAX];
};

LAYOUT_FIELD(struct benchmark_client_config, start_ch, 0);
LAYOUT_FIELD(struct benchmark_client_config, stop_ch, 1);
LAYOUT_FIELD(struct benchmark_client_config, num_cores, 2);
LAYOUT_FIELD(struct benchmark_client_config, cycle_counters, 8);
LAYOUT_BYTES(struct benchmark_client_config, 16);
