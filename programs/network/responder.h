/* What the echo client answers, and with which bytes. */
#pragma once

#include "refusal.h"

#define ECHO_PORT_0 1235
#define ECHO_PORT_1 7

/* What was done with a frame. Counters of the same numbers follow one another in the client's
 * region. */
enum responder_result {
    UDP_ECHOED,
    ICMP_ECHOED,
    ARP_ANSWERED,
    /* Between these, the client counts packets, copies and bytes. */
    DROP_SHORT = 6,
    DROP_NOT_FOR_US,
    DROP_ETHERTYPE,
    DROP_ARP,
    DROP_IP_HEADER,
    DROP_IP_CHECKSUM,
    DROP_FRAGMENT,
    DROP_PROTOCOL,
    DROP_ICMP,
    DROP_UDP_LENGTH,
    DROP_UDP_PORT,
    /* From an echo port: two echo servers would answer each other for ever. */
    DROP_UDP_LOOP,
    DROP_UDP_CHECKSUM,
    /* Between these, bad buffers and full queues. */
    TCP_RESET = 22,
    PORT_UNREACHABLE,
    /* Not answered for want of errors at this time. */
    ERRORS_LIMITED,
    RESPONDER_RESULTS
};

struct responder {
    uint8_t mac[NET_MAC_BYTES] __attribute__((aligned(2)));
    uint8_t ip[4] __attribute__((aligned(2)));
    /* Without one, nothing is for us. */
    bool has_address;
    /* NULL where closed ports are silent. */
    struct refusals *refusals;
};

struct frame {
    const uint8_t *bytes;
    uint32_t len;
    /* The device has found the checksum of the datagram in it right. */
    bool is_checked;
};

struct answer {
    uint8_t *bytes;
    uint32_t len;
    /* Where its checksum is, when that is left to the device, as in a queue's entry; else 0. */
    uint32_t checksum;
};

static inline bool is_answer(enum responder_result result)
{
    return result <= ARP_ANSWERED || result == TCP_RESET || result == PORT_UNREACHABLE;
}

/*
 * Answers one frame, if it is to be answered, and says how long the answer is. Both are buffers of
 * NET_BUFFER_BYTES, and the frame may change while it is looked at: then the answer is as wrong as
 * the frame.
 */
enum responder_result respond(const struct responder *responder, const struct frame *frame, struct answer *answer);
