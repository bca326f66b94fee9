/*
 * Answers to ARP, ICMP echo, and UDP on ports 1235 (sDDF's example) and 7 (RFC 862). A frame is
 * judged where it was received; if there is an answer, it is the same frame, copied once, with
 * addresses exchanged.
 *
 * Exchanging source and destination changes no one's-complement sum, so the checksums of IPv4 and
 * UDP stay right as they are: a datagram that was damaged on its way returns with the checksum that
 * tells. The checksum of the IPv4 header is verified first, that of an ICMP echo verified and
 * adapted (RFC 1624).
 *
 * Formats: IEEE 802.3 (Ethernet II), RFC 826 (ARP), RFC 791 (IPv4), RFC 792 (ICMP), RFC 768 (UDP).
 */
#include "responder.h"
#include "../lib/memory.h"

#define ECHO_PORT_0 1235
#define ECHO_PORT_1 7

/* Bytes of a frame. */
enum {
    MAC_DESTINATION = 0,
    MAC_SOURCE = 6,
    ETHERTYPE = 12,
    ETHERNET_BYTES = 14,

    IP = ETHERNET_BYTES,
    IP_VERSION_AND_IHL = IP + 0,
    IP_TOTAL_LENGTH = IP + 2,
    IP_FRAGMENT = IP + 6,
    IP_PROTOCOL = IP + 9,
    IP_SOURCE = IP + 12,
    IP_DESTINATION = IP + 16,
    IP_BYTES = 20,

    ARP = ETHERNET_BYTES,
    ARP_HARDWARE_TYPE = ARP + 0,
    ARP_PROTOCOL_TYPE = ARP + 2,
    ARP_ADDRESS_BYTES = ARP + 4,
    ARP_OPERATION = ARP + 6,
    ARP_SENDER_MAC = ARP + 8,
    ARP_SENDER_IP = ARP + 14,
    ARP_TARGET_MAC = ARP + 18,
    ARP_TARGET_IP = ARP + 24,
    ARP_BYTES = 28
};

/* Bytes behind the IPv4 header. */
enum { UDP_SOURCE_PORT = 0, UDP_DESTINATION_PORT = 2, UDP_LENGTH = 4, UDP_BYTES = 8 };
enum { ICMP_TYPE_AND_CODE = 0, ICMP_CHECKSUM = 2, ICMP_BYTES = 4 };

#define TYPE_IPV4 0x0800
#define TYPE_ARP 0x0806
#define ARP_HARDWARE_ETHERNET 1
/* A hardware address has 6 bytes, a protocol address 4. */
#define ARP_SIZES 0x0604
#define ARP_REQUEST 1
#define ARP_REPLY 2
#define PROTOCOL_ICMP 1
#define PROTOCOL_UDP 17
#define ICMP_ECHO_REPLY 0x0000
#define ICMP_ECHO_REQUEST 0x0800
/* More-fragments flag and fragment offset. */
#define FRAGMENT_MASK 0x3fff

/* A 16-bit number of the network. */
static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint16_t fold(uint32_t sum)
{
    uint32_t once = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((once & 0xffff) + (once >> 16));
}

/* Two bytes as memory holds them. Buffers are aligned, and everything in a frame that is looked at
 * begins at an even byte. */
typedef uint16_t __attribute__((may_alias)) half;

static half half_at(const uint8_t *at)
{
    return *(const half *)(const void *)at;
}

/*
 * The one's-complement sum, in either order of bytes; 0xffff when the bytes hold their own right
 * checksum. An odd last byte counts as the first of two.
 */
static uint16_t checksum(const uint8_t *at, uint32_t bytes)
{
    uint32_t sum = 0;
    for (; bytes >= 2; bytes -= 2, at += 2) {
        sum += half_at(at);
    }
    if (bytes != 0) {
        sum += *at;
    }
    return fold(sum);
}

/* `bytes` is even. */
static bool is_equal(const uint8_t *left, const uint8_t *right, uint32_t bytes)
{
    for (uint32_t byte = 0; byte < bytes; byte += 2) {
        if (half_at(left + byte) != half_at(right + byte)) {
            return false;
        }
    }
    return true;
}

static void write_macs(const struct responder *responder, const uint8_t *frame, uint8_t *answer)
{
    memcpy(answer + MAC_DESTINATION, frame + MAC_SOURCE, NET_MAC_BYTES);
    memcpy(answer + MAC_SOURCE, responder->mac, NET_MAC_BYTES);
}

/* The frame, with MAC and IP addresses exchanged. */
static void copy_exchanged(const struct responder *responder, const uint8_t *frame, uint32_t len, uint8_t *answer)
{
    memcpy(answer, frame, len);
    write_macs(responder, frame, answer);
    memcpy(answer + IP_DESTINATION, frame + IP_SOURCE, 4);
    memcpy(answer + IP_SOURCE, responder->ip, 4);
}

static enum responder_result respond_arp(const struct responder *responder, const uint8_t *frame, uint32_t len,
                                         uint8_t *answer)
{
    if (len < ARP + ARP_BYTES || get16(frame + ARP_HARDWARE_TYPE) != ARP_HARDWARE_ETHERNET ||
        get16(frame + ARP_PROTOCOL_TYPE) != TYPE_IPV4 || get16(frame + ARP_ADDRESS_BYTES) != ARP_SIZES ||
        get16(frame + ARP_OPERATION) != ARP_REQUEST || !is_equal(frame + ARP_TARGET_IP, responder->ip, 4)) {
        return DROP_ARP;
    }
    memcpy(answer, frame, len);
    write_macs(responder, frame, answer);
    put16(answer + ARP_OPERATION, ARP_REPLY);
    /* The asker becomes the target: MAC and IP lie in one run. */
    memcpy(answer + ARP_TARGET_MAC, frame + ARP_SENDER_MAC, NET_MAC_BYTES + 4);
    memcpy(answer + ARP_SENDER_MAC, responder->mac, NET_MAC_BYTES);
    memcpy(answer + ARP_SENDER_IP, responder->ip, 4);
    return ARP_ANSWERED;
}

/* What lies behind the IPv4 header. */
struct payload {
    uint32_t at;
    uint32_t bytes;
};

static enum responder_result respond_icmp(const struct responder *responder, const uint8_t *frame, uint32_t len,
                                          uint8_t *answer, struct payload icmp)
{
    if (icmp.bytes < ICMP_BYTES || get16(frame + icmp.at + ICMP_TYPE_AND_CODE) != ICMP_ECHO_REQUEST ||
        checksum(frame + icmp.at, icmp.bytes) != 0xffff) {
        return DROP_ICMP;
    }
    uint16_t old = get16(frame + icmp.at + ICMP_CHECKSUM);
    copy_exchanged(responder, frame, len, answer);
    put16(answer + icmp.at + ICMP_TYPE_AND_CODE, ICMP_ECHO_REPLY);
    /* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'). */
    uint32_t changed = (uint16_t)~old + (uint32_t)(uint16_t)~ICMP_ECHO_REQUEST + ICMP_ECHO_REPLY;
    put16(answer + icmp.at + ICMP_CHECKSUM, (uint16_t)~fold(changed));
    return ICMP_ECHOED;
}

static enum responder_result respond_udp(const struct responder *responder, const uint8_t *frame, uint32_t len,
                                         uint8_t *answer, struct payload udp)
{
    if (udp.bytes < UDP_BYTES) {
        return DROP_UDP_LENGTH;
    }
    uint16_t udp_bytes = get16(frame + udp.at + UDP_LENGTH);
    if (udp_bytes < UDP_BYTES || udp_bytes > udp.bytes) {
        return DROP_UDP_LENGTH;
    }
    uint16_t source_port = get16(frame + udp.at + UDP_SOURCE_PORT);
    uint16_t destination_port = get16(frame + udp.at + UDP_DESTINATION_PORT);
    if (destination_port != ECHO_PORT_0 && destination_port != ECHO_PORT_1) {
        return DROP_UDP_PORT;
    }
    if (source_port == ECHO_PORT_1) {
        return DROP_UDP_LOOP;
    }
    copy_exchanged(responder, frame, len, answer);
    put16(answer + udp.at + UDP_SOURCE_PORT, destination_port);
    put16(answer + udp.at + UDP_DESTINATION_PORT, source_port);
    return UDP_ECHOED;
}

static enum responder_result respond_ip(const struct responder *responder, const uint8_t *frame, uint32_t len,
                                        uint8_t *answer)
{
    if (len < IP + IP_BYTES) {
        return DROP_IP_HEADER;
    }
    uint8_t version_and_ihl = frame[IP_VERSION_AND_IHL];
    uint32_t header_bytes = (version_and_ihl & 0x0fu) * 4;
    uint32_t total_bytes = get16(frame + IP_TOTAL_LENGTH);
    if (version_and_ihl < 0x45 || version_and_ihl > 0x4f || total_bytes < header_bytes || total_bytes > len - IP) {
        return DROP_IP_HEADER;
    }
    if (checksum(frame + IP, header_bytes) != 0xffff) {
        return DROP_IP_CHECKSUM;
    }
    if (!is_equal(frame + IP_DESTINATION, responder->ip, 4)) {
        return DROP_NOT_FOR_US;
    }
    if ((get16(frame + IP_FRAGMENT) & FRAGMENT_MASK) != 0) {
        return DROP_FRAGMENT;
    }
    struct payload payload = {.at = IP + header_bytes, .bytes = total_bytes - header_bytes};
    switch (frame[IP_PROTOCOL]) {
    case PROTOCOL_ICMP:
        return respond_icmp(responder, frame, len, answer, payload);
    case PROTOCOL_UDP:
        return respond_udp(responder, frame, len, answer, payload);
    default:
        return DROP_PROTOCOL;
    }
}

enum responder_result respond(const struct responder *responder, const uint8_t *frame, uint32_t len, uint8_t *answer)
{
    static const uint8_t broadcast[NET_MAC_BYTES] __attribute__((aligned(2))) = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    if (len < ETHERNET_BYTES) {
        return DROP_SHORT;
    }
    uint16_t type = get16(frame + ETHERTYPE);
    if (is_equal(frame + MAC_DESTINATION, responder->mac, NET_MAC_BYTES)) {
        if (type == TYPE_IPV4) {
            return respond_ip(responder, frame, len, answer);
        }
    } else if (!is_equal(frame + MAC_DESTINATION, broadcast, NET_MAC_BYTES) || type == TYPE_IPV4) {
        return DROP_NOT_FOR_US;
    }
    return type == TYPE_ARP ? respond_arp(responder, frame, len, answer) : DROP_ETHERTYPE;
}
