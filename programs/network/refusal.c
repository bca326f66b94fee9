#include "refusal.h"
#include "../lib/memory.h"
#include "../sddf/timer/config.h"

#define TIME_TO_LIVE 64
/* RFC 792: of the datagram that is complained of, its header and this much. */
#define QUOTED_BYTES 8
/* Errors that may go out at once, and how fast there may be more: as Linux has it. */
#define BURST 50
#define NS_PER_ERROR 1000000

struct refusals refusals_begin(microkit_channel timer, bool leaves_checksums)
{
    return (struct refusals){.timer = timer, .tokens = BURST, .leaves_checksums = leaves_checksums};
}

/* Whether there may be one more error now. */
static bool take_token(struct refusals *refusals)
{
    uint64_t now = timer_time_now(refusals->timer);
    uint64_t fresh = (now - refusals->tokens_at_ns) / NS_PER_ERROR;
    if (fresh > 0) {
        uint64_t tokens = refusals->tokens + fresh;
        refusals->tokens = tokens < BURST ? tokens : BURST;
        refusals->tokens_at_ns = now;
    }
    if (refusals->tokens == 0) {
        return false;
    }
    refusals->tokens--;
    return true;
}

/* RFC 1122 3.2.2: nobody is told who is no single host. */
static bool is_from_one_host(const uint8_t *frame)
{
    uint8_t first = frame[IP_SOURCE];
    return first != 0 && first != 127 && first < 224 && (frame[MAC_SOURCE] & 1) == 0;
}

/* Ethernet and IPv4, back to where the frame came from. Answers how many bytes the answer has. */
static uint32_t write_headers(uint8_t *answer, const uint8_t *frame, uint8_t protocol, uint32_t payload_bytes)
{
    put_mac(answer + MAC_DESTINATION, frame + MAC_SOURCE);
    put_mac(answer + MAC_SOURCE, frame + MAC_DESTINATION);
    put_half(answer + ETHERTYPE, NET16(TYPE_IPV4));
    memset(answer + IP, 0, IP_BYTES);
    answer[IP_VERSION_AND_IHL] = 0x45;
    put_number(answer + IP_TOTAL_LENGTH, (uint16_t)(IP_BYTES + payload_bytes));
    answer[IP_TIME_TO_LIVE] = TIME_TO_LIVE;
    answer[IP_PROTOCOL] = protocol;
    put_ip(answer + IP_SOURCE, frame + IP_DESTINATION);
    put_ip(answer + IP_DESTINATION, frame + IP_SOURCE);
    put_half(answer + IP_CHECKSUM, (half)~header_checksum(answer + IP, IP_BYTES));
    return IP + IP_BYTES + payload_bytes;
}

/* RFC 9293 3.10.7.1: the reset is one that the sender believes. */
static void write_reset(uint8_t *segment, const uint8_t *refused, uint32_t data_bytes)
{
    uint8_t flags = refused[TCP_FLAGS];
    memset(segment, 0, TCP_BYTES);
    put_half(segment + TCP_SOURCE_PORT, half_at(refused + TCP_DESTINATION_PORT));
    put_half(segment + TCP_DESTINATION_PORT, half_at(refused + TCP_SOURCE_PORT));
    segment[TCP_DATA_OFFSET] = TCP_BYTES / 4 << 4;
    if ((flags & TCP_ACK) != 0) {
        put_number32(segment + TCP_SEQUENCE, number32_at(refused + TCP_ACKNOWLEDGEMENT));
        segment[TCP_FLAGS] = TCP_RST;
    } else {
        uint32_t control = ((flags & TCP_SYN) != 0) + ((flags & TCP_FIN) != 0);
        put_number32(segment + TCP_ACKNOWLEDGEMENT, number32_at(refused + TCP_SEQUENCE) + data_bytes + control);
        segment[TCP_FLAGS] = TCP_RST | TCP_ACK;
    }
}

uint32_t reset_segment(const struct refusals *refusals, const uint8_t *frame, struct payload tcp, uint8_t *answer)
{
    const uint8_t *refused = frame + tcp.at;
    if (tcp.bytes < TCP_BYTES || !is_whole(frame, tcp.at, PROTOCOL_TCP, (uint16_t)tcp.bytes)) {
        return 0;
    }
    uint32_t header_bytes = (refused[TCP_DATA_OFFSET] >> 4) * 4u;
    if (header_bytes < TCP_BYTES || header_bytes > tcp.bytes) {
        return 0;
    }
    if ((refused[TCP_FLAGS] & TCP_RST) != 0 || !is_from_one_host(frame)) {
        return 0;
    }
    uint8_t *segment = answer + IP + IP_BYTES;
    write_reset(segment, refused, tcp.bytes - header_bytes);
    uint32_t bytes = write_headers(answer, frame, PROTOCOL_TCP, TCP_BYTES);
    uint64_t pseudo = sum_of_pseudo_header(answer, PROTOCOL_TCP, TCP_BYTES);
    bool is_left = refusals->leaves_checksums;
    put_half(segment + TCP_CHECKSUM, is_left ? fold(pseudo) : (half)~fold(pseudo + sum_of(segment, TCP_BYTES)));
    return bytes;
}

int32_t refuse_datagram(struct refusals *refusals, const uint8_t *frame, struct payload udp, uint8_t *answer)
{
    if (!is_from_one_host(frame)) {
        return 0;
    }
    /* The device may have vouched for it; an error is sent for what is right by our own sum. */
    if (half_at(frame + udp.at + UDP_CHECKSUM) != 0 && !is_whole(frame, udp.at, PROTOCOL_UDP, (uint16_t)udp.bytes)) {
        return 0;
    }
    if (!take_token(refusals)) {
        return -1;
    }
    uint8_t *icmp = answer + IP + IP_BYTES;
    uint32_t quoted_bytes = udp.at - IP + QUOTED_BYTES;
    memset(icmp, 0, ICMP_ERROR_BYTES);
    put_half(icmp + ICMP_TYPE_AND_CODE, NET16(ICMP_PORT_UNREACHABLE));
    memcpy(icmp + ICMP_ERROR_BYTES, frame + IP, quoted_bytes);
    if (!refusals->leaves_checksums) {
        put_half(icmp + ICMP_CHECKSUM, (half)~checksum(icmp, ICMP_ERROR_BYTES + quoted_bytes));
    }
    return (int32_t)write_headers(answer, frame, PROTOCOL_ICMP, ICMP_ERROR_BYTES + quoted_bytes);
}
