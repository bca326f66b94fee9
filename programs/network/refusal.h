/*
 * What a closed port is answered with: a TCP segment with a reset (RFC 9293 3.10.7.1), a datagram
 * with an ICMP "port unreachable" (RFC 792), at a limited rate (RFC 1812 4.3.2.8).
 *
 * A frame is judged by the responder first: it is for us, whole, and its IPv4 header is good. The
 * counterpart of clients/echo/refusal.ts: the same bytes.
 */
#pragma once

#include "packet.h"
#include <microkit.h>

/* Errors that may still go out, by the timer's clock. */
struct refusals {
    microkit_channel timer;
    uint64_t tokens;
    uint64_t tokens_at_ns;
    /* Checksums of TCP and ICMP are left to the device. */
    bool leaves_checksums;
};

struct refusals refusals_begin(microkit_channel timer, bool leaves_checksums);

/* Bytes of the answer; 0 for a segment that gets none: damaged, or a reset itself. */
uint32_t reset_segment(const struct refusals *refusals, const uint8_t *frame, struct payload tcp, uint8_t *answer);

/* Bytes of the answer; 0 for a datagram that gets none, -1 when there were too many. */
int32_t refuse_datagram(struct refusals *refusals, const uint8_t *frame, struct payload udp, uint8_t *answer);
