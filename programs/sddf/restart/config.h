/* Configuration of the restart protocol (docs/restart.md), and its two pages. Of this project. */
#pragma once

#include "../resources/region.h"

#define RESTART_CHILDREN_MAX 64

struct restart_neighbour {
    /* Our channel to it, and its number among the supervisor's children. */
    uint8_t channel;
    uint8_t child;
};

/* Section `.restart_config`; all zeros where nobody supervises. */
struct restart_config {
    /* The supervisor's page, read-only here, and our own. */
    struct region epochs;
    struct region answers;
    struct restart_neighbour neighbours[RESTART_CHILDREN_MAX];
    uint8_t num_neighbours;
    /* Channel of the supervisor, and our number among its children. */
    uint8_t supervisor;
    uint8_t self;
};

LAYOUT_FIELD(struct restart_config, epochs, 0);
LAYOUT_FIELD(struct restart_config, answers, 16);
LAYOUT_FIELD(struct restart_config, neighbours, 32);
LAYOUT_FIELD(struct restart_config, num_neighbours, 160);
LAYOUT_FIELD(struct restart_config, supervisor, 161);
LAYOUT_FIELD(struct restart_config, self, 162);
LAYOUT_BYTES(struct restart_config, 168);

/* Even while a child runs, odd while it is down; modulo 2^32. */
struct restart_epochs {
    uint32_t epochs[RESTART_CHILDREN_MAX];
    /* How long each has been down in all, ns. */
    uint64_t down_ns[RESTART_CHILDREN_MAX];
    /* Counts up; whoever sees it repeats it, and so is known to answer. */
    uint32_t round;
};

LAYOUT_FIELD(struct restart_epochs, down_ns, 256);
LAYOUT_FIELD(struct restart_epochs, round, 768);

struct restart_answers {
    /* Of each neighbour, the last epoch for which we have let go of it; at our own number, the last
     * that we have come out of. */
    uint32_t answers[RESTART_CHILDREN_MAX];
    /* Buffers taken back from neighbours that were down. */
    uint32_t taken_back;
    /* Epochs that went back. */
    uint32_t refused;
    /* Left by a program for itself. */
    uint32_t note;
    /* The last round that we have seen. */
    uint32_t round;
};

LAYOUT_FIELD(struct restart_answers, taken_back, 256);
LAYOUT_FIELD(struct restart_answers, refused, 260);
LAYOUT_FIELD(struct restart_answers, note, 264);
LAYOUT_FIELD(struct restart_answers, round, 268);
