/*
 * The bytes of a frame: where its fields are, how they are read and written, the Internet checksum
 * over them (RFC 1071).
 *
 * Formats: IEEE 802.3 (Ethernet II), RFC 826 (ARP), RFC 791 (IPv4), RFC 792 (ICMP), RFC 768 (UDP),
 * RFC 9293 (TCP).
 */
#pragma once

#include "../sddf/network/config.h"

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
    IP_TIME_TO_LIVE = IP + 8,
    IP_PROTOCOL = IP + 9,
    IP_CHECKSUM = IP + 10,
    IP_SOURCE = IP + 12,
    IP_DESTINATION = IP + 16,
    IP_BYTES = 20,

    /* Without options of IPv4. */
    UDP = IP + IP_BYTES,

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
enum { ICMP_TYPE_AND_CODE = 0, ICMP_CHECKSUM = 2, ICMP_BYTES = 4, ICMP_ERROR_BYTES = 8 };
enum {
    TCP_SOURCE_PORT = 0,
    TCP_DESTINATION_PORT = 2,
    TCP_SEQUENCE = 4,
    TCP_ACKNOWLEDGEMENT = 8,
    /* In words, in the high half of the byte. */
    TCP_DATA_OFFSET = 12,
    TCP_FLAGS = 13,
    TCP_CHECKSUM = 16,
    TCP_BYTES = 20
};
enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

#define TYPE_IPV4 0x0800
#define TYPE_ARP 0x0806
/* The type and the first byte behind it, as memory holds them: version 4, no options. */
#define TYPE_IPV4_PLAIN (NET16(TYPE_IPV4) | 0x45 << 16)
#define ARP_HARDWARE_ETHERNET 1
/* A hardware address has 6 bytes, a protocol address 4. */
#define ARP_SIZES 0x0604
#define ARP_REQUEST 1
#define ARP_REPLY 2
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define ICMP_ECHO_REPLY 0x0000
#define ICMP_ECHO_REQUEST 0x0800
#define ICMP_PORT_UNREACHABLE 0x0303
/* More-fragments flag and fragment offset. */
#define FRAGMENT_MASK 0x3fff

/*
 * Two and eight bytes as memory holds them. Buffers are aligned, and everything in a frame that is
 * looked at begins at an even byte. A number of the network is in the other order of bytes: it is
 * compared with a constant in that order, and turned around only to calculate with it.
 */
typedef uint16_t __attribute__((may_alias)) half;
typedef uint64_t __attribute__((may_alias)) word64;

#define NET16(value) __builtin_bswap16(value)

static inline half half_at(const uint8_t *at)
{
    return *(const half *)(const void *)at;
}

static inline void put_half(uint8_t *at, half value)
{
    *(half *)(void *)at = value;
}

/* The sum of the halves of an aligned word, before it is folded. */
static inline uint64_t sum_of_word(const uint8_t *at)
{
    word64 value = *(const word64 *)(const void *)at;
    return (value & 0xffffffff) + (value >> 32);
}

static inline uint16_t number_at(const uint8_t *at)
{
    return __builtin_bswap16(half_at(at));
}

static inline uint32_t number32_at(const uint8_t *at)
{
    return (uint32_t)number_at(at) << 16 | number_at(at + 2);
}

static inline void put_number(uint8_t *at, uint16_t value)
{
    put_half(at, __builtin_bswap16(value));
}

static inline void put_number32(uint8_t *at, uint32_t value)
{
    put_number(at, (uint16_t)(value >> 16));
    put_number(at + 2, (uint16_t)value);
}

/* To 16 bits. Both halves are added in both places: the upper one then has their sum, and what was
 * carried out of it. */
static inline uint16_t fold(uint64_t sum)
{
    sum += sum >> 32 | sum << 32;
    uint32_t half_sum = (uint32_t)(sum >> 32);
    half_sum += half_sum >> 16 | half_sum << 16;
    return (uint16_t)(half_sum >> 16);
}

/*
 * The one's-complement sum before it is folded, in either order of bytes. An odd last byte counts
 * as the first of two. RFC 1071, 2(B) and 2(C): the order of bytes makes no difference, nor does
 * the width of what is added.
 */
static inline uint64_t sum_of(const uint8_t *at, uint32_t bytes)
{
    const uint8_t *end = at + bytes;
    uint64_t sum = 0;

    for (; end - at >= 2 && ((uintptr_t)at & (sizeof(word64) - 1)) != 0; at += 2) {
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
static inline uint16_t checksum(const uint8_t *at, uint32_t bytes)
{
    return fold(sum_of(at, bytes));
}

/* The same of an IPv4 header in a frame, where words are aligned from its third byte on. */
static inline uint16_t header_checksum(const uint8_t *header, uint32_t bytes)
{
    uint64_t sum = half_at(header) + sum_of_word(header + 2) + sum_of_word(header + 10) + half_at(header + 18);
    for (uint32_t option = IP_BYTES; option < bytes; option += 2) {
        sum += half_at(header + option);
    }
    return fold(sum);
}

/* Addresses by halves, which is what they are aligned to. */
static inline bool is_mac(const uint8_t *at, const uint8_t mac[NET_MAC_BYTES])
{
    return half_at(at) == half_at(mac) && half_at(at + 2) == half_at(mac + 2) && half_at(at + 4) == half_at(mac + 4);
}

static inline bool is_ip(const uint8_t *at, const uint8_t ip[4])
{
    return half_at(at) == half_at(ip) && half_at(at + 2) == half_at(ip + 2);
}

static inline void put_mac(uint8_t *at, const uint8_t *mac)
{
    put_half(at, half_at(mac));
    put_half(at + 2, half_at(mac + 2));
    put_half(at + 4, half_at(mac + 4));
}

static inline void put_ip(uint8_t *at, const uint8_t *ip)
{
    put_half(at, half_at(ip));
    put_half(at + 2, half_at(ip + 2));
}

/* What lies behind a frame's IPv4 header. */
struct payload {
    uint32_t at;
    uint32_t bytes;
};

/* The sum over the pseudo-header (RFC 768, RFC 9293 3.1): addresses, protocol, length. */
static inline uint64_t sum_of_pseudo_header(const uint8_t *frame, uint8_t protocol, uint16_t bytes)
{
    return sum_of(frame + IP_SOURCE, 8) + NET16(protocol) + NET16(bytes);
}

/* Whether a segment or datagram holds its own right checksum. */
static inline bool is_whole(const uint8_t *frame, uint32_t at, uint8_t protocol, uint16_t bytes)
{
    return fold(sum_of_pseudo_header(frame, protocol, bytes) + sum_of(frame + at, bytes)) == 0xffff;
}
