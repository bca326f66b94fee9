// Sends frames with datagrams to an echo client over a UNIX socket, as QEMU's `-netdev stream` frames
// them, keeps so many under way, and prints what has come back.
//
//     stream-load PATH WINDOW BYTES MILLISECONDS
//
// BYTES are those of a datagram's payload. Prints what udp-load prints.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "load.h"

enum { HEADERS = 42, BYTES_MAX = 1472, LOST_MS = 100, ROOM = 1 << 20 };

static uint8_t out[ROOM], in[ROOM];

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

// A datagram without a checksum from 10.0.2.2 to 10.0.2.15, port 1235.
static void fill(uint8_t *frame, int bytes) {
    static const uint8_t head[HEADERS] = {
        0x52, 0x54, 1, 0, 0, 0x0a, 2, 0, 0, 0, 0, 1, 8, 0,
        0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 2, 2, 10, 0, 2, 15,
        0x9c, 0x40, 0x04, 0xd3, 0, 0, 0, 0};
    memcpy(frame, head, HEADERS);
    put16(frame + 16, (uint32_t)(28 + bytes));
    put16(frame + 38, (uint32_t)(8 + bytes));
    uint32_t sum = 0;
    for (int i = 14; i < 34; i += 2) sum += (uint32_t)frame[i] << 8 | frame[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    put16(frame + 24, ~(sum + (sum >> 16)) & 0xffff);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int window = atoi(argv[2]), bytes = atoi(argv[3]);
    uint64_t for_ns = (uint64_t)atoi(argv[4]) * 1000000u;
    if (window < 1 || bytes < 8 || bytes > BYTES_MAX) return 2;
    struct sockaddr_un server = {.sun_family = AF_UNIX};
    strncpy(server.sun_path, argv[1], sizeof server.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0) return 1;
    int packet = 4 + HEADERS + bytes;
    if (packet * window > ROOM) return 2;
    for (int i = 0; i < window; i++) {
        put16(out + i * packet, 0);
        put16(out + i * packet + 2, (uint32_t)(HEADERS + bytes));
        fill(out + i * packet + 4, bytes);
    }
    uint64_t begin = now_ns(), end = begin + for_ns, back = 0, lost = 0;
    int under_way = 0;
    size_t have = 0;
    for (uint64_t now = begin; now < end; now = now_ns()) {
        int count = window - under_way;
        for (int i = 0; i < count; i++) memcpy(out + i * packet + 4 + HEADERS, &now, sizeof now);
        for (ssize_t done = 0; done < (ssize_t)count * packet;) {
            ssize_t sent = write(fd, out + done, (size_t)(count * packet - done));
            if (sent <= 0) return 1;
            done += sent;
        }
        under_way += count;
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, LOST_MS) == 0) {
            lost += (uint64_t)under_way;
            under_way = 0;
            continue;
        }
        ssize_t got = read(fd, in + have, ROOM - have);
        if (got <= 0) return 1;
        have += (size_t)got;
        now = now_ns();
        size_t at = 0;
        while (have - at >= 4) {
            size_t length = (size_t)in[at + 2] << 8 | in[at + 3];
            if (have - at < 4 + length) break;
            const uint8_t *frame = in + at + 4;
            at += 4 + length;
            // What is not an answer (ARP, say) is left out.
            if (length != (size_t)(HEADERS + bytes) || frame[34] != 0x04 || frame[35] != 0xd3) continue;
            uint64_t sent_at;
            memcpy(&sent_at, frame + HEADERS, sizeof sent_at);
            samples[back++ % SAMPLES_MAX] = now - sent_at;
            if (under_way > 0) under_way--;
        }
        memmove(in, in + at, have - at);
        have -= at;
    }
    tell(back, lost, begin);
    return 0;
}
