// Sends datagrams to an echo server, keeps so many under way, and prints what has come back.
//
//     udp-load HOST PORT WINDOW BYTES MILLISECONDS
//
// Prints: datagrams back, datagrams lost, time in ns, round trip in ns (median, 99th percentile).

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "load.h"

enum { BATCH = 64, BYTES_MAX = 1472, LOST_MS = 100 };

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    int window = atoi(argv[3]), bytes = atoi(argv[4]);
    uint64_t for_ns = (uint64_t)atoi(argv[5]) * 1000000u;
    if (window < 1 || bytes < 8 || bytes > BYTES_MAX) return 2;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) return 2;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int room = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0) return 1;

    static uint8_t data[BATCH][BYTES_MAX];
    struct iovec vectors[BATCH];
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    uint64_t begin = now_ns(), end = begin + for_ns, back = 0, lost = 0;
    int under_way = 0;
    for (uint64_t now = begin; now < end; now = now_ns()) {
        while (under_way < window) {
            int count = window - under_way < BATCH ? window - under_way : BATCH;
            for (int i = 0; i < count; i++) {
                memcpy(data[i], &now, sizeof now);
                vectors[i] = (struct iovec){data[i], (size_t)bytes};
            }
            int sent = sendmmsg(fd, messages, (unsigned)count, 0);
            if (sent <= 0) return 1;
            under_way += sent;
        }
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, LOST_MS) == 0) {
            lost += (uint64_t)under_way;
            under_way = 0;
            continue;
        }
        for (int i = 0; i < BATCH; i++) vectors[i] = (struct iovec){data[i], BYTES_MAX};
        int received = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
        if (received < 0) return 1;
        now = now_ns();
        for (int i = 0; i < received; i++) {
            uint64_t sent_at;
            memcpy(&sent_at, data[i], sizeof sent_at);
            samples[back++ % SAMPLES_MAX] = now - sent_at;
        }
        under_way = under_way > received ? under_way - received : 0;
    }
    tell(back, lost, begin);
    return 0;
}
