/*
 * Answers to ARP, ICMP echo, and UDP on ports 1235 (sDDF's example) and 7 (RFC 862); what is for
 * other ports is refused, see refusal.h. A frame is
 * judged where it was received; if there is an answer, it is the same frame, copied once, with
 * addresses exchanged.
 *
 * Exchanging source and destination changes no one's-complement sum, so the checksums of IPv4 and
 * UDP stay right as they are. All are verified: that of a UDP datagram, where it has one, unless the
 * device has done so (RFC 1122 4.1.3.4); that of an ICMP echo is adapted (RFC 1624).
 */
#include "responder.h"
#include "../lib/memory.h"
#include "packet.h"

static bool is_own_ip(const struct responder *responder, const uint8_t *at)
{
    return responder->has_address && is_ip(at, responder->ip);
}

static void write_macs(const struct responder *responder, const uint8_t *frame, uint8_t *answer)
{
    put_mac(answer + MAC_DESTINATION, frame + MAC_SOURCE);
    put_mac(answer + MAC_SOURCE, responder->mac);
}

/* The frame, with MAC and IP addresses exchanged. */
static void copy_exchanged(const struct responder *responder, const uint8_t *frame, uint32_t len, uint8_t *answer)
{
    memcpy(answer, frame, len);
    write_macs(responder, frame, answer);
    put_ip(answer + IP_DESTINATION, frame + IP_SOURCE);
    put_ip(answer + IP_SOURCE, responder->ip);
}

static enum responder_result respond_arp(const struct responder *responder, const uint8_t *frame, uint32_t len,
                                         uint8_t *answer)
{
    if (len < ARP + ARP_BYTES || half_at(frame + ARP_HARDWARE_TYPE) != NET16(ARP_HARDWARE_ETHERNET) ||
        half_at(frame + ARP_PROTOCOL_TYPE) != NET16(TYPE_IPV4) ||
        half_at(frame + ARP_ADDRESS_BYTES) != NET16(ARP_SIZES) ||
        half_at(frame + ARP_OPERATION) != NET16(ARP_REQUEST) || !is_own_ip(responder, frame + ARP_TARGET_IP)) {
        return DROP_ARP;
    }
    memcpy(answer, frame, len);
    write_macs(responder, frame, answer);
    put_half(answer + ARP_OPERATION, NET16(ARP_REPLY));
    /* The asker becomes the target. */
    put_mac(answer + ARP_TARGET_MAC, frame + ARP_SENDER_MAC);
    put_ip(answer + ARP_TARGET_IP, frame + ARP_SENDER_IP);
    put_mac(answer + ARP_SENDER_MAC, responder->mac);
    put_ip(answer + ARP_SENDER_IP, responder->ip);
    return ARP_ANSWERED;
}

static enum responder_result respond_icmp(const struct responder *responder, const uint8_t *frame, uint32_t len,
                                          uint8_t *answer, struct payload icmp)
{
    if (icmp.bytes < ICMP_BYTES || half_at(frame + icmp.at + ICMP_TYPE_AND_CODE) != NET16(ICMP_ECHO_REQUEST) ||
        checksum(frame + icmp.at, icmp.bytes) != 0xffff) {
        return DROP_ICMP;
    }
    half old = half_at(frame + icmp.at + ICMP_CHECKSUM);
    copy_exchanged(responder, frame, len, answer);
    put_half(answer + icmp.at + ICMP_TYPE_AND_CODE, NET16(ICMP_ECHO_REPLY));
    /* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'). */
    uint32_t changed = (half)~old + (uint32_t)(half)~NET16(ICMP_ECHO_REQUEST) + NET16(ICMP_ECHO_REPLY);
    put_half(answer + icmp.at + ICMP_CHECKSUM, (half)~fold(changed));
    return ICMP_ECHOED;
}

/* A sender may have made no checksum (RFC 768). */
static bool is_udp_right(const uint8_t *frame, uint32_t at, uint16_t udp_bytes)
{
    return half_at(frame + at + UDP_CHECKSUM) == 0 || is_whole(frame, at, PROTOCOL_UDP, udp_bytes);
}

static void set_refusal(const struct responder *responder, struct answer *answer, uint32_t len, uint32_t field)
{
    answer->len = len;
    answer->checksum = responder->refusals->leaves_checksums ? (IP + IP_BYTES) | field << 16 : 0;
}

/* A damaged datagram may never have been for this port: that is dropped, and not refused. */
static enum responder_result refuse_udp(const struct responder *responder, const struct frame *received,
                                        struct answer *answer, struct payload udp)
{
    if (responder->refusals == NULL) {
        return DROP_UDP_PORT;
    }
    if (!received->is_checked && !is_udp_right(received->bytes, udp.at, (uint16_t)udp.bytes)) {
        return DROP_UDP_CHECKSUM;
    }
    int32_t bytes = refuse_datagram(responder->refusals, received->bytes, udp, answer->bytes);
    if (bytes <= 0) {
        return bytes == 0 ? DROP_UDP_PORT : ERRORS_LIMITED;
    }
    set_refusal(responder, answer, (uint32_t)bytes, ICMP_CHECKSUM);
    return PORT_UNREACHABLE;
}

static enum responder_result reset_tcp(const struct responder *responder, const uint8_t *frame, struct answer *answer,
                                       struct payload tcp)
{
    const struct refusals *refusals = responder->refusals;
    uint32_t bytes = refusals == NULL ? 0 : reset_segment(refusals, frame, tcp, answer->bytes);
    if (bytes == 0) {
        return DROP_PROTOCOL;
    }
    set_refusal(responder, answer, bytes, TCP_CHECKSUM);
    return TCP_RESET;
}

static enum responder_result respond_udp(const struct responder *responder, const struct frame *received,
                                         struct answer *answer, struct payload udp)
{
    const uint8_t *frame = received->bytes;
    if (udp.bytes < UDP_BYTES) {
        return DROP_UDP_LENGTH;
    }
    uint16_t udp_bytes = number_at(frame + udp.at + UDP_LENGTH);
    if (udp_bytes < UDP_BYTES || udp_bytes > udp.bytes) {
        return DROP_UDP_LENGTH;
    }
    half source_port = half_at(frame + udp.at + UDP_SOURCE_PORT);
    half destination_port = half_at(frame + udp.at + UDP_DESTINATION_PORT);
    if (destination_port != NET16(ECHO_PORT_0) && destination_port != NET16(ECHO_PORT_1)) {
        return refuse_udp(responder, received, answer, (struct payload){.at = udp.at, .bytes = udp_bytes});
    }
    if (source_port == NET16(ECHO_PORT_1)) {
        return DROP_UDP_LOOP;
    }
    if (!received->is_checked && !is_udp_right(frame, udp.at, udp_bytes)) {
        return DROP_UDP_CHECKSUM;
    }
    copy_exchanged(responder, frame, received->len, answer->bytes);
    put_half(answer->bytes + udp.at + UDP_SOURCE_PORT, destination_port);
    put_half(answer->bytes + udp.at + UDP_DESTINATION_PORT, source_port);
    return UDP_ECHOED;
}

static enum responder_result respond_ip(const struct responder *responder, const struct frame *received,
                                        struct answer *answer)
{
    const uint8_t *frame = received->bytes;
    uint32_t len = received->len;
    if (len < IP + IP_BYTES) {
        return DROP_IP_HEADER;
    }
    uint8_t version_and_ihl = frame[IP_VERSION_AND_IHL];
    uint32_t header_bytes = (version_and_ihl & 0x0fu) * 4;
    uint32_t total_bytes = number_at(frame + IP_TOTAL_LENGTH);
    if (version_and_ihl < 0x45 || version_and_ihl > 0x4f || total_bytes < header_bytes || total_bytes > len - IP) {
        return DROP_IP_HEADER;
    }
    if (header_checksum(frame + IP, header_bytes) != 0xffff) {
        return DROP_IP_CHECKSUM;
    }
    if (!is_own_ip(responder, frame + IP_DESTINATION)) {
        return DROP_NOT_FOR_US;
    }
    if ((half_at(frame + IP_FRAGMENT) & NET16(FRAGMENT_MASK)) != 0) {
        return DROP_FRAGMENT;
    }
    struct payload payload = {.at = IP + header_bytes, .bytes = total_bytes - header_bytes};
    switch (frame[IP_PROTOCOL]) {
    case PROTOCOL_ICMP:
        return respond_icmp(responder, frame, len, answer->bytes, payload);
    case PROTOCOL_TCP:
        return reset_tcp(responder, frame, answer, payload);
    case PROTOCOL_UDP:
        return respond_udp(responder, received, answer, payload);
    default:
        return DROP_PROTOCOL;
    }
}

enum responder_result respond(const struct responder *responder, const struct frame *received, struct answer *answer)
{
    const uint8_t *frame = received->bytes;
    uint32_t len = received->len;
    static const uint8_t broadcast[NET_MAC_BYTES] __attribute__((aligned(2))) = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    /* Of all but refusals. */
    answer->len = len;
    answer->checksum = 0;
    if (len < ETHERNET_BYTES) {
        return DROP_SHORT;
    }
    half type = half_at(frame + ETHERTYPE);
    if (is_mac(frame + MAC_DESTINATION, responder->mac)) {
        if (type == NET16(TYPE_IPV4)) {
            return respond_ip(responder, received, answer);
        }
    } else if (!is_mac(frame + MAC_DESTINATION, broadcast) || type == NET16(TYPE_IPV4)) {
        return DROP_NOT_FOR_US;
    }
    return type == NET16(TYPE_ARP) ? respond_arp(responder, frame, len, answer->bytes) : DROP_ETHERTYPE;
}
