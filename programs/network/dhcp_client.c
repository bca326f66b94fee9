#include "dhcp_client.h"
#include "../lib/memory.h"
#include "../sddf/network/data.h"
#include "packet.h"

/* Of a frame without IPv4 options. */
enum { MESSAGE = UDP + UDP_BYTES, UDP_MESSAGE_BYTES = UDP_BYTES + 300 };

/* Bytes of a message (RFC 2131 2), behind the UDP header. */
enum {
    BOOTP_OPERATION = MESSAGE + 0,
    BOOTP_HARDWARE_TYPE = MESSAGE + 1,
    BOOTP_HARDWARE_LENGTH = MESSAGE + 2,
    BOOTP_TRANSACTION = MESSAGE + 4,
    BOOTP_SECONDS = MESSAGE + 8,
    BOOTP_CLIENT_IP = MESSAGE + 12,
    BOOTP_YOUR_IP = MESSAGE + 16,
    BOOTP_MAC = MESSAGE + 28,
    BOOTP_COOKIE = MESSAGE + 236,
    BOOTP_OPTIONS = MESSAGE + 240
};

#define BOOT_REQUEST 1
#define BOOT_REPLY 2
#define ETHERNET_TYPE 1
#define MAGIC_COOKIE 0x63825363
#define SERVER_PORT 67
#define CLIENT_PORT 68
#define TIME_TO_LIVE 64
#define BROADCAST_IP 0xffffffff

enum dhcp_type { TYPE_DISCOVER = 1, TYPE_OFFER = 2, TYPE_REQUEST = 3, TYPE_ACK = 5, TYPE_NAK = 6 };

/* RFC 2132. */
enum dhcp_option {
    OPTION_PAD = 0,
    OPTION_NETMASK = 1,
    OPTION_ROUTER = 3,
    OPTION_REQUESTED_IP = 50,
    OPTION_LEASE_TIME = 51,
    OPTION_MESSAGE_TYPE = 53,
    OPTION_SERVER_ID = 54,
    OPTION_WANTED = 55,
    OPTION_RENEWAL = 58,
    OPTION_REBINDING = 59,
    OPTION_END = 255
};

#define NS_PER_SECOND 1000000000ul
/* Attempts to have an offer confirmed, before all begins again. */
#define REQUESTS_MAX 4
/* RFC 2131 4.4.5: the least wait between attempts to renew. */
#define RENEWAL_RETRY_NS (60 * NS_PER_SECOND)
#define LEASE_FOR_EVER 0xffffffff
#define LEASE_SECONDS_MIN 8

/* RFC 2131 4.1: the waits between attempts, give or take a second; then the last one again. */
static const uint8_t retry_seconds[] = {4, 8, 16, 32, 64};
static const uint8_t broadcast_mac[NET_MAC_BYTES] __attribute__((aligned(2))) = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Options that are read, by their place in an answer; all but the first are numbers. */
enum { ANSWER_TYPE, ANSWER_SERVER_ID, ANSWER_LEASE, ANSWER_RENEWAL, ANSWER_REBINDING, ANSWERS };
static const uint8_t answer_options[ANSWERS] = {
    OPTION_MESSAGE_TYPE, OPTION_SERVER_ID, OPTION_LEASE_TIME, OPTION_RENEWAL, OPTION_REBINDING,
};

/* An answer of a server. */
struct reply {
    uint32_t transaction;
    uint32_t your_ip;
    /* Of each option, whether it came, whether it had its right length, and what it said; else 0. */
    bool came[ANSWERS];
    bool is_there[ANSWERS];
    uint32_t answers[ANSWERS];
};

void dhcp_begin(struct dhcp_client *client, const uint8_t mac[NET_MAC_BYTES], bool leaves_checksums)
{
    *client = (struct dhcp_client){
        .state = DHCP_INIT,
        .leaves_checksums = leaves_checksums,
        /* It numbers transactions, and spreads attempts. */
        .transaction = number32_at(mac + 2),
    };
    put_mac(client->mac, mac);
    put_mac(client->server_mac, broadcast_mac);
}

/* Messages. */

/* Options lie at any address, odd ones too: their numbers go byte by byte. */
static uint32_t option_number_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint8_t *put_option(uint8_t *at, enum dhcp_option option, uint32_t value)
{
    at[0] = (uint8_t)option;
    at[1] = 4;
    for (unsigned byte = 0; byte < 4; byte++) {
        at[2 + byte] = (uint8_t)(value >> (24 - 8 * byte));
    }
    return at + 6;
}

static void write_options(uint8_t *at, enum dhcp_type type, uint32_t requested_ip, uint32_t server_id)
{
    static const uint8_t wanted[] = {OPTION_NETMASK, OPTION_ROUTER, OPTION_LEASE_TIME, OPTION_RENEWAL, OPTION_REBINDING};

    *at++ = OPTION_MESSAGE_TYPE;
    *at++ = 1;
    *at++ = (uint8_t)type;
    if (requested_ip != 0) {
        at = put_option(at, OPTION_REQUESTED_IP, requested_ip);
        at = put_option(at, OPTION_SERVER_ID, server_id);
    }
    *at++ = OPTION_WANTED;
    *at++ = sizeof wanted;
    memcpy(at, wanted, sizeof wanted);
    at[sizeof wanted] = OPTION_END;
}

static void write_headers(const struct dhcp_client *client, uint8_t *frame, uint32_t client_ip)
{
    bool is_to_server = client->state == DHCP_RENEWING;

    memset(frame, 0, DHCP_FRAME_BYTES);
    put_mac(frame + MAC_DESTINATION, is_to_server ? client->server_mac : broadcast_mac);
    put_mac(frame + MAC_SOURCE, client->mac);
    put_half(frame + ETHERTYPE, NET16(TYPE_IPV4));
    frame[IP_VERSION_AND_IHL] = 0x45;
    put_number(frame + IP_TOTAL_LENGTH, DHCP_FRAME_BYTES - IP);
    frame[IP_TIME_TO_LIVE] = TIME_TO_LIVE;
    frame[IP_PROTOCOL] = PROTOCOL_UDP;
    put_number32(frame + IP_SOURCE, client_ip);
    put_number32(frame + IP_DESTINATION, is_to_server ? client->lease.server_id : BROADCAST_IP);
    put_half(frame + IP_CHECKSUM, (half)~header_checksum(frame + IP, IP_BYTES));
    put_number(frame + UDP + UDP_SOURCE_PORT, CLIENT_PORT);
    put_number(frame + UDP + UDP_DESTINATION_PORT, SERVER_PORT);
    put_number(frame + UDP + UDP_LENGTH, UDP_MESSAGE_BYTES);
}

/* The last thing that is written: the sum over all, or over the pseudo-header for the device. */
static void write_checksum(const struct dhcp_client *client, uint8_t *frame)
{
    uint64_t pseudo = sum_of_pseudo_header(frame, PROTOCOL_UDP, UDP_MESSAGE_BYTES);
    half sum = client->leaves_checksums ? fold(pseudo) : (half)~fold(pseudo + sum_of(frame + UDP, UDP_MESSAGE_BYTES));

    put_half(frame + UDP + UDP_CHECKSUM, sum == 0 ? 0xffff : sum);
}

/* `requested_ip`: of an offer that is taken; 0 in other messages. Answers the frame's bytes. */
static uint32_t write_message(const struct dhcp_client *client, uint8_t *frame, enum dhcp_type type, uint64_t now_ns,
                              uint32_t requested_ip)
{
    uint64_t seconds = (now_ns - client->began_at_ns) / NS_PER_SECOND;
    uint32_t client_ip = client->state >= DHCP_BOUND ? client->lease.ip : 0;

    write_headers(client, frame, client_ip);
    frame[BOOTP_OPERATION] = BOOT_REQUEST;
    frame[BOOTP_HARDWARE_TYPE] = ETHERNET_TYPE;
    frame[BOOTP_HARDWARE_LENGTH] = NET_MAC_BYTES;
    put_number32(frame + BOOTP_TRANSACTION, client->transaction);
    put_number(frame + BOOTP_SECONDS, seconds < 0xffff ? (uint16_t)seconds : 0xffff);
    put_number32(frame + BOOTP_CLIENT_IP, client_ip);
    put_mac(frame + BOOTP_MAC, client->mac);
    put_number32(frame + BOOTP_COOKIE, MAGIC_COOKIE);
    write_options(frame + BOOTP_OPTIONS, type, requested_ip, client->offering_server);
    write_checksum(client, frame);
    return DHCP_FRAME_BYTES;
}

/* The first of each option counts. */
static void note_option(struct reply *reply, uint8_t code, const uint8_t *value, uint8_t length)
{
    for (unsigned answer = 0; answer < ANSWERS; answer++) {
        if (code != answer_options[answer] || reply->came[answer]) {
            continue;
        }
        bool is_type = answer == ANSWER_TYPE;
        reply->came[answer] = true;
        if (length == (is_type ? 1 : 4)) {
            reply->is_there[answer] = true;
            reply->answers[answer] = is_type ? value[0] : option_number_at(value);
        }
    }
}

/* Answers false when an option reaches beyond the message. */
static bool read_options(const uint8_t *frame, uint32_t at, uint32_t end, struct reply *reply)
{
    while (at < end && frame[at] != OPTION_END) {
        uint8_t code = frame[at++];
        if (code == OPTION_PAD) {
            continue;
        }
        if (at == end || frame[at] > end - at - 1) {
            return false;
        }
        uint8_t length = frame[at++];
        note_option(reply, code, frame + at, length);
        at += length;
    }
    return true;
}

bool dhcp_is_candidate(const uint8_t *frame, uint32_t len)
{
    return len >= MESSAGE && half_at(frame + UDP + UDP_DESTINATION_PORT) == NET16(CLIENT_PORT) &&
           half_at(frame + UDP + UDP_SOURCE_PORT) == NET16(SERVER_PORT) && frame[IP_PROTOCOL] == PROTOCOL_UDP;
}

/* Whether it is a whole datagram of a server for this client. */
static bool is_from_server(const struct dhcp_client *client, const uint8_t *frame, uint32_t len)
{
    if (!dhcp_is_candidate(frame, len) || half_at(frame + ETHERTYPE) != NET16(TYPE_IPV4) ||
        frame[IP_VERSION_AND_IHL] != 0x45 || (half_at(frame + IP_FRAGMENT) & NET16(FRAGMENT_MASK)) != 0) {
        return false;
    }
    if (!is_mac(frame + MAC_DESTINATION, client->mac) && !is_mac(frame + MAC_DESTINATION, broadcast_mac)) {
        return false;
    }
    uint16_t udp_bytes = number_at(frame + UDP + UDP_LENGTH);
    if (udp_bytes < UDP_BYTES || UDP + (uint32_t)udp_bytes > len || header_checksum(frame + IP, IP_BYTES) != 0xffff) {
        return false;
    }
    return half_at(frame + UDP + UDP_CHECKSUM) == 0 || is_whole(frame, UDP, PROTOCOL_UDP, udp_bytes);
}

/* Answers false for what is no server's answer to this hardware address. */
static bool read_reply(const struct dhcp_client *client, const uint8_t *frame, uint32_t len, struct reply *reply)
{
    if (!is_from_server(client, frame, len)) {
        return false;
    }
    uint32_t end = UDP + number_at(frame + UDP + UDP_LENGTH);
    if (end < BOOTP_OPTIONS || number32_at(frame + BOOTP_COOKIE) != MAGIC_COOKIE ||
        frame[BOOTP_OPERATION] != BOOT_REPLY || !is_mac(frame + BOOTP_MAC, client->mac)) {
        return false;
    }
    *reply = (struct reply){
        .transaction = number32_at(frame + BOOTP_TRANSACTION),
        .your_ip = number32_at(frame + BOOTP_YOUR_IP),
    };
    /* RFC 2131, table 3: a server always says who it is. */
    return read_options(frame, BOOTP_OPTIONS, end, reply) && reply->is_there[ANSWER_TYPE] &&
           reply->is_there[ANSWER_SERVER_ID];
}

/* States. */

static void begin_again(struct dhcp_client *client, uint64_t now_ns)
{
    client->state = DHCP_INIT;
    client->lease = (struct dhcp_lease){0};
    client->offered_ip = 0;
    client->attempts = 0;
    client->began_at_ns = now_ns;
}

static void new_transaction(struct dhcp_client *client)
{
    client->transaction = client->transaction * 1664525u + 1013904223u;
}

/* The next attempt, a second earlier or later, so that clients do not all ask at once. */
static void wait_for_next(struct dhcp_client *client, uint64_t now_ns)
{
    uint32_t last = sizeof retry_seconds - 1;
    uint32_t seconds = retry_seconds[client->attempts < last ? client->attempts : last];
    /* In 128ths of a second: 0 to 255, of which 128 is none. */
    uint32_t spread = client->transaction >> 8 & 0xff;

    client->attempts++;
    client->next_at_ns = now_ns + (seconds * 128 + spread - 128) * (NS_PER_SECOND / 128);
}

static uint32_t discover(struct dhcp_client *client, uint64_t now_ns, uint8_t *message)
{
    if (client->state == DHCP_INIT) {
        client->state = DHCP_SELECTING;
        new_transaction(client);
    }
    wait_for_next(client, now_ns);
    return write_message(client, message, TYPE_DISCOVER, now_ns, 0);
}

static uint32_t confirm(struct dhcp_client *client, uint64_t now_ns, uint8_t *message)
{
    wait_for_next(client, now_ns);
    return write_message(client, message, TYPE_REQUEST, now_ns, client->offered_ip);
}

/* Renewing and rebinding: half of what is left, a minute at least. */
static uint32_t renew(struct dhcp_client *client, uint64_t now_ns, uint8_t *message)
{
    const struct dhcp_lease *lease = &client->lease;

    if (client->state == DHCP_BOUND) {
        new_transaction(client);
        client->began_at_ns = now_ns;
    }
    bool is_late = now_ns >= lease->rebind_at_ns;
    client->state = is_late ? DHCP_REBINDING : DHCP_RENEWING;
    uint64_t until_ns = is_late ? lease->end_at_ns : lease->rebind_at_ns;
    uint64_t half_ns = (until_ns - now_ns) / 2;
    uint64_t wait_ns = half_ns > RENEWAL_RETRY_NS ? half_ns : RENEWAL_RETRY_NS;
    bool is_endless = until_ns == DHCP_NEVER;
    client->next_at_ns = is_endless || until_ns - now_ns < wait_ns ? until_ns : now_ns + wait_ns;
    return write_message(client, message, TYPE_REQUEST, now_ns, 0);
}

/* How long after now; DHCP_NEVER where it has no end. */
static uint64_t later(uint64_t now_ns, uint64_t ns)
{
    return ns == DHCP_NEVER ? DHCP_NEVER : now_ns + ns;
}

/* What the server says, or the standard where it says nothing of use. */
static uint64_t within(uint32_t given_seconds, uint64_t most_ns, uint64_t standard_ns)
{
    uint64_t given_ns = given_seconds * NS_PER_SECOND;

    if (given_ns == 0 || given_ns > most_ns) {
        return standard_ns < most_ns ? standard_ns : most_ns;
    }
    return given_ns;
}

static void bind(struct dhcp_client *client, const struct reply *reply, uint64_t now_ns)
{
    uint64_t lease_ns = DHCP_NEVER, rebind_ns = DHCP_NEVER, renew_ns = DHCP_NEVER;

    uint64_t seconds = reply->answers[ANSWER_LEASE];

    if (reply->is_there[ANSWER_LEASE] && seconds != LEASE_FOR_EVER) {
        lease_ns = (seconds < LEASE_SECONDS_MIN ? LEASE_SECONDS_MIN : seconds) * NS_PER_SECOND;
        /* RFC 2131 4.4.5. */
        rebind_ns = lease_ns / 8 * 7;
        renew_ns = lease_ns / 2;
    }
    rebind_ns = within(reply->answers[ANSWER_REBINDING], lease_ns, rebind_ns);
    renew_ns = within(reply->answers[ANSWER_RENEWAL], rebind_ns, renew_ns);
    client->lease = (struct dhcp_lease){
        .ip = reply->your_ip,
        .server_id = reply->answers[ANSWER_SERVER_ID],
        .rebind_at_ns = later(now_ns, rebind_ns),
        .end_at_ns = later(now_ns, lease_ns),
    };
    client->state = DHCP_BOUND;
    client->attempts = 0;
    client->next_at_ns = later(now_ns, renew_ns);
}

uint32_t dhcp_tick(struct dhcp_client *client, uint64_t now_ns, uint8_t *message)
{
    if (now_ns < client->next_at_ns) {
        return 0;
    }
    if (client->lease.ip != 0 && now_ns >= client->lease.end_at_ns) {
        begin_again(client, now_ns);
    }
    switch (client->state) {
    case DHCP_REQUESTING:
        if (client->attempts < REQUESTS_MAX) {
            return confirm(client, now_ns, message);
        }
        begin_again(client, now_ns);
        return discover(client, now_ns, message);
    case DHCP_BOUND:
    case DHCP_RENEWING:
    case DHCP_REBINDING:
        return renew(client, now_ns, message);
    default:
        return discover(client, now_ns, message);
    }
}

static uint32_t receive(struct dhcp_client *client, const struct reply *reply, uint64_t now_ns, uint8_t *message)
{
    uint32_t type = reply->answers[ANSWER_TYPE];

    if (reply->transaction != client->transaction) {
        return 0;
    }
    if (client->state == DHCP_SELECTING && type == TYPE_OFFER && reply->your_ip != 0) {
        client->state = DHCP_REQUESTING;
        client->offered_ip = reply->your_ip;
        client->offering_server = reply->answers[ANSWER_SERVER_ID];
        client->attempts = 0;
        return confirm(client, now_ns, message);
    }
    bool is_asking =
        client->state == DHCP_REQUESTING || client->state == DHCP_RENEWING || client->state == DHCP_REBINDING;
    if (is_asking && type == TYPE_NAK) {
        begin_again(client, now_ns);
        return discover(client, now_ns, message);
    }
    if (is_asking && type == TYPE_ACK && reply->your_ip != 0) {
        bind(client, reply, now_ns);
    }
    return 0;
}

int32_t dhcp_take(struct dhcp_client *client, const uint8_t *frame, uint32_t len, uint64_t now_ns, uint8_t *message)
{
    /* The frame may change while it is looked at; its copy does not. */
    static uint8_t copy[NET_BUFFER_BYTES] __attribute__((aligned(8)));
    struct reply reply;

    memcpy(copy, frame, len);
    if (!read_reply(client, copy, len, &reply)) {
        return -1;
    }
    bool was_asking = client->state != DHCP_BOUND;
    int32_t sent = (int32_t)receive(client, &reply, now_ns, message);
    /* An answer to another's question, or to an older one of ours, says nothing of our server. */
    if (was_asking && client->state == DHCP_BOUND) {
        put_mac(client->server_mac, copy + MAC_SOURCE);
    }
    return sent;
}
