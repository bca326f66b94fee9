/*
 * The datagram that an echo client expects: whole, undamaged, without options, for an echo port of
 * ours. It is recognised and answered by words, of which each holds several fields; whatever is
 * otherwise in any way is for `respond`, which finds out what it is.
 *
 * A predicted datagram is answered as `respond` would answer it, byte for byte. Behind its last
 * byte, the buffer's content has no meaning.
 */
#pragma once

#include "../lib/memory.h"
#include "packet.h"
#include "responder.h"

#define HEAD_WORDS 5
#define HEAD_BYTES (8 * HEAD_WORDS)
/* What every frame has, and what is copied without a call. */
#define SHORTEST_BYTES 64

/* A frame up to UDP's length. Word n begins at byte 8 n, and its lowest bits are that byte. */
struct head {
    word64 words[HEAD_WORDS];
};

/* What an answer is made of: our addresses as a frame has them; the hardware address in the upper
 * six bytes. */
struct own_addresses {
    uint64_t mac;
    uint64_t ip;
};

static inline struct own_addresses own_addresses(const struct responder *responder)
{
    /* Beyond what a frame can have, where there is none. */
    struct own_addresses own = {.ip = responder->has_address ? 0 : UINT64_MAX};
    for (unsigned byte = 0; byte < sizeof responder->mac; byte++) {
        own.mac |= (uint64_t)responder->mac[byte] << (16 + 8 * byte);
    }
    for (unsigned byte = 0; byte < sizeof responder->ip; byte++) {
        own.ip |= (uint64_t)responder->ip[byte] << 8 * byte;
    }
    return own;
}

/* The beginning of a frame that may change meanwhile: each word is read once. */
static inline struct head head_of(const uint8_t *frame)
{
    const volatile word64 *from = (const volatile word64 *)(const volatile void *)frame;
    return (struct head){{from[0], from[1], from[2], from[3], from[4]}};
}

/* The four bytes that begin with the fragment field and end with the protocol. */
#define PLAIN_UDP_MASK (NET16(FRAGMENT_MASK) | 0xffu << 24)
#define PLAIN_UDP ((uint32_t)PROTOCOL_UDP << 24)
_Static_assert(IP_FRAGMENT % 8 == 4 && IP_PROTOCOL == IP_FRAGMENT + 3, "the upper half of a word");

/* Bytes from `at` on that lie in one word. */
static inline uint64_t field_of(const struct head *head, unsigned at, unsigned bytes)
{
    return head->words[at / 8] << (64 - 8 * (at % 8 + bytes)) >> (64 - 8 * bytes);
}

/* A number of two bytes, in the order of the network. */
static inline uint32_t number_of(const struct head *head, unsigned at)
{
    return __builtin_bswap16((uint16_t)field_of(head, at, 2));
}

/* The sender's address, and above it the receiver's: they begin in one word and end in the next. */
static inline uint64_t ip_addresses_of(const struct head *head)
{
    return head->words[3] >> 16 | head->words[4] << 48;
}

/* A sum for `fold`: what is carried out of the highest bit counts as one. */
static inline uint64_t add_words(uint64_t left, uint64_t right)
{
    uint64_t sum = left + right;
    return sum + (sum < right);
}

static inline bool is_header_whole(const struct head *head)
{
    uint64_t ends = field_of(head, IP, 2) + field_of(head, IP_DESTINATION + 2, 2);
    return fold(add_words(add_words(head->words[2], head->words[3]), ends)) == 0xffff;
}

/* Whether both lengths agree with each other and with the frame's. */
static inline bool are_lengths_right(const struct head *head, uint32_t len)
{
    uint32_t total_bytes = number_of(head, IP_TOTAL_LENGTH);
    uint32_t udp_bytes = number_of(head, UDP + UDP_LENGTH);
    return udp_bytes >= UDP_BYTES && udp_bytes + IP_BYTES <= total_bytes && total_bytes + IP <= len;
}

static inline bool is_for_echo(const struct head *head)
{
    uint64_t source = field_of(head, UDP + UDP_SOURCE_PORT, 2);
    uint64_t destination = field_of(head, UDP + UDP_DESTINATION_PORT, 2);
    return (destination == NET16(ECHO_PORT_0) || destination == NET16(ECHO_PORT_1)) && source != NET16(ECHO_PORT_1);
}

PER_PACKET bool is_predicted(const struct own_addresses *own, const struct head *head, const struct frame *frame)
{
    return head->words[0] << 16 == own->mac && field_of(head, ETHERTYPE, 3) == TYPE_IPV4_PLAIN &&
           ((uint32_t)(head->words[IP_FRAGMENT / 8] >> 32) & PLAIN_UDP_MASK) == PLAIN_UDP && ip_addresses_of(head) >> 32 == own->ip &&
           is_for_echo(head) && are_lengths_right(head, frame->len) && is_header_whole(head) &&
           (frame->is_checked || half_at(frame->bytes + UDP + UDP_CHECKSUM) == 0);
}

/* The same frame with addresses and ports exchanged. */
PER_PACKET void exchange(const struct own_addresses *own, const struct head *head, struct head *to)
{
    uint64_t sender_mac = head->words[0] >> 48 | head->words[1] << 32 >> 16;
    uint32_t sender_ip = (uint32_t)(head->words[3] >> 16);
    uint32_t ports = (uint32_t)(head->words[4] >> 16);
    uint32_t exchanged_ports = ports >> 16 | ports << 16;
    to->words[0] = sender_mac | own->mac << 32;
    to->words[1] = own->mac >> 32 | head->words[1] >> 32 << 32;
    to->words[2] = head->words[2];
    to->words[3] = (head->words[3] & 0xffff) | own->ip << 16 | (uint64_t)sender_ip << 48;
    to->words[4] = sender_ip >> 16 | (uint64_t)exchanged_ports << 16 | head->words[4] >> 48 << 48;
}

/* Answers a predicted datagram. Answers false, without change, when the frame is something else. */
PER_PACKET bool answer_predicted(const struct own_addresses *own, const struct frame *frame, uint8_t *answer)
{
    struct head head = head_of(frame->bytes);
    if (!is_predicted(own, &head, frame)) {
        return false;
    }
    exchange(own, &head, (struct head *)(void *)answer);
    for (unsigned at = HEAD_BYTES; at < SHORTEST_BYTES; at += 8) {
        *(word64 *)(void *)(answer + at) = *(const word64 *)(const void *)(frame->bytes + at);
    }
    if (frame->len > SHORTEST_BYTES) {
        memcpy(answer + SHORTEST_BYTES, frame->bytes + SHORTEST_BYTES, frame->len - SHORTEST_BYTES);
    }
    return true;
}
