/*
 * Answers to ARP, ICMP echo, and UDP on ports 1235 (sDDF's example) and 7 (RFC 862). A frame is
 * judged where it was received; if there is an answer, it is the same frame, copied once, with
 * addresses exchanged.
 *
 * Exchanging source and destination changes no one's-complement sum, so the checksums of IPv4 and
 * UDP stay right as they are. All are verified: that of a UDP datagram, where it has one, unless the
 * device has done so (RFC 1122 4.1.3.4); that of an ICMP echo is adapted (RFC 1624).
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
enum { UDP_SOURCE_PORT = 0, UDP_DESTINATION_PORT = 2, UDP_LENGTH = 4, UDP_CHECKSUM = 6, UDP_BYTES = 8 };
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

/*
 * Two and eight bytes as memory holds them. Buffers are aligned, and everything in a frame that is
 * looked at begins at an even byte. A number of the network is in the other order of bytes: it is
 * compared with a constant in that order, and turned around only to calculate with it.
 */
typedef uint16_t __attribute__((may_alias)) half;
typedef uint64_t __attribute__((may_alias)) word;

#define NET16(value) __builtin_bswap16(value)

static half half_at(const uint8_t *at)
{
    return *(const half *)(const void *)at;
}

static void put_half(uint8_t *at, half value)
{
    *(half *)(void *)at = value;
}

/* The sum of the halves of an aligned word, before it is folded. */
static uint64_t sum_of_word(const uint8_t *at)
{
    word value = *(const word *)(const void *)at;
    return (value & 0xffffffff) + (value >> 32);
}

static uint16_t number_at(const uint8_t *at)
{
    return __builtin_bswap16(half_at(at));
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/*
 * The one's-complement sum before it is folded, in either order of bytes. An odd last byte counts
 * as the first of two. RFC 1071, 2(B) and 2(C): the order of bytes makes no difference, nor does
 * the width of what is added.
 */
static uint64_t sum_of(const uint8_t *at, uint32_t bytes)
{
    const uint8_t *end = at + bytes;
    uint64_t sum = 0;

    for (; end - at >= 2 && ((uintptr_t)at & (sizeof(word) - 1)) != 0; at += 2) {
        sum += half_at(at);
    }
    for (; end - at >= 8; at += 8) {
        sum += sum_of_word(at);
    }
    for (; end - at >= 2; at += 2) {
        sum += half_at(at);
    }
    return at == end ? sum : sum + *at;
}

/* 0xffff when the bytes hold their own right checksum. */
static uint16_t checksum(const uint8_t *at, uint32_t bytes)
{
    return fold(sum_of(at, bytes));
}

/* The same of an IPv4 header in a frame, where words are aligned from its third byte on. */
static uint16_t header_checksum(const uint8_t *header, uint32_t bytes)
{
    uint64_t sum = half_at(header) + sum_of_word(header + 2) + sum_of_word(header + 10) + half_at(header + 18);
    for (uint32_t option = IP_BYTES; option < bytes; option += 2) {
        sum += half_at(header + option);
    }
    return fold(sum);
}

/* Addresses by halves, which is what they are aligned to. */
static bool is_mac(const uint8_t *at, const uint8_t mac[NET_MAC_BYTES])
{
    return half_at(at) == half_at(mac) && half_at(at + 2) == half_at(mac + 2) && half_at(at + 4) == half_at(mac + 4);
}

static bool is_ip(const uint8_t *at, const uint8_t ip[4])
{
    return half_at(at) == half_at(ip) && half_at(at + 2) == half_at(ip + 2);
}

static void put_mac(uint8_t *at, const uint8_t *mac)
{
    put_half(at, half_at(mac));
    put_half(at + 2, half_at(mac + 2));
    put_half(at + 4, half_at(mac + 4));
}

static void put_ip(uint8_t *at, const uint8_t *ip)
{
    put_half(at, half_at(ip));
    put_half(at + 2, half_at(ip + 2));
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
        half_at(frame + ARP_OPERATION) != NET16(ARP_REQUEST) || !is_ip(frame + ARP_TARGET_IP, responder->ip)) {
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

/* What lies behind the IPv4 header. */
struct payload {
    uint32_t at;
    uint32_t bytes;
};

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

/* Over the pseudo-header, too: addresses, protocol and length (RFC 768). A sender may have made no
 * checksum. */
static bool is_udp_right(const uint8_t *frame, uint32_t at, uint16_t udp_bytes)
{
    if (half_at(frame + at + UDP_CHECKSUM) == 0) {
        return true;
    }
    uint64_t pseudo = sum_of(frame + IP_SOURCE, 8) + NET16(PROTOCOL_UDP) + half_at(frame + at + UDP_LENGTH);
    return fold(pseudo + sum_of(frame + at, udp_bytes)) == 0xffff;
}

static enum responder_result respond_udp(const struct responder *responder, const struct frame *received,
                                         uint8_t *answer, struct payload udp)
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
        return DROP_UDP_PORT;
    }
    if (source_port == NET16(ECHO_PORT_1)) {
        return DROP_UDP_LOOP;
    }
    if (!received->is_checked && !is_udp_right(frame, udp.at, udp_bytes)) {
        return DROP_UDP_CHECKSUM;
    }
    copy_exchanged(responder, frame, received->len, answer);
    put_half(answer + udp.at + UDP_SOURCE_PORT, destination_port);
    put_half(answer + udp.at + UDP_DESTINATION_PORT, source_port);
    return UDP_ECHOED;
}

static enum responder_result respond_ip(const struct responder *responder, const struct frame *received,
                                        uint8_t *answer)
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
    if (!is_ip(frame + IP_DESTINATION, responder->ip)) {
        return DROP_NOT_FOR_US;
    }
    if ((half_at(frame + IP_FRAGMENT) & NET16(FRAGMENT_MASK)) != 0) {
        return DROP_FRAGMENT;
    }
    struct payload payload = {.at = IP + header_bytes, .bytes = total_bytes - header_bytes};
    switch (frame[IP_PROTOCOL]) {
    case PROTOCOL_ICMP:
        return respond_icmp(responder, frame, len, answer, payload);
    case PROTOCOL_UDP:
        return respond_udp(responder, received, answer, payload);
    default:
        return DROP_PROTOCOL;
    }
}

enum responder_result respond(const struct responder *responder, const struct frame *received, uint8_t *answer)
{
    const uint8_t *frame = received->bytes;
    uint32_t len = received->len;
    static const uint8_t broadcast[NET_MAC_BYTES] __attribute__((aligned(2))) = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

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
    return type == NET16(TYPE_ARP) ? respond_arp(responder, frame, len, answer) : DROP_ETHERTYPE;
}
