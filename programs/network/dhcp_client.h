/*
 * Keeps an address by DHCP: a client's states (RFC 2131 4.4, figure 5), without network and clock:
 * it is told the time and what has come, and says what to send.
 *
 *     init ─DISCOVER─▶ selecting ─OFFER/REQUEST─▶ requesting ─ACK─▶ bound ─T1/REQUEST─▶ renewing
 *      ▲                                              │ NAK           ▲ ACK  ◀────────────┤ T2
 *      └──────────────── NAK, lease over ─────────────┴───────────────┴──── rebinding ◀───┘
 *
 * Not here: DECLINE, INFORM, RELEASE, INIT-REBOOT. The counterpart of clients/echo/dhcp-client.ts
 * and lease-keeper.ts: the same bytes at the same times.
 */
#pragma once

#include "../sddf/network/config.h"

/* Of each message: Ethernet, IPv4, UDP, and the least that old servers take (RFC 951). */
#define DHCP_FRAME_BYTES (14 + 20 + 8 + 300)
/* For ever: no message is due. */
#define DHCP_NEVER UINT64_MAX

enum dhcp_state { DHCP_INIT, DHCP_SELECTING, DHCP_REQUESTING, DHCP_BOUND, DHCP_RENEWING, DHCP_REBINDING };

struct dhcp_lease {
    /* 0: none. */
    uint32_t ip;
    uint32_t server_id;
    /* When to ask all, and when it is over. */
    uint64_t rebind_at_ns;
    uint64_t end_at_ns;
};

struct dhcp_client {
    enum dhcp_state state;
    uint8_t mac[NET_MAC_BYTES] __attribute__((aligned(2)));
    /* Where the lease came from: the server, or whoever relays it. */
    uint8_t server_mac[NET_MAC_BYTES] __attribute__((aligned(2)));
    /* UDP's checksum is left to the device. */
    bool leaves_checksums;
    uint32_t transaction;
    uint32_t attempts;
    /* Since it began to ask. */
    uint64_t began_at_ns;
    /* When `dhcp_tick` has something to do. */
    uint64_t next_at_ns;
    uint32_t offered_ip;
    uint32_t offering_server;
    struct dhcp_lease lease;
};

void dhcp_begin(struct dhcp_client *client, const uint8_t mac[NET_MAC_BYTES], bool leaves_checksums);

/* Time has passed. Answers the bytes of a message to send, 0 for none. */
uint32_t dhcp_tick(struct dhcp_client *client, uint64_t now_ns, uint8_t *message);

/* Whether a frame may be a server's answer, at a glance: `dhcp_take` looks closely. */
bool dhcp_is_candidate(const uint8_t *frame, uint32_t len);

/* A frame has come. Answers the bytes of a message to send, 0 for none, -1 when it is no server's
 * answer to us. */
int32_t dhcp_take(struct dhcp_client *client, const uint8_t *frame, uint32_t len, uint64_t now_ns, uint8_t *message);
