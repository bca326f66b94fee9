// Sends datagrams to an address, and prints how many it has sent.
//
//     udp-flood HOST PORT BYTES PER_SECOND MILLISECONDS
//
// PER_SECOND 0: as fast as it can. Many datagrams go to the kernel as one, which it takes apart
// (UDP_SEGMENT, udp(7)), and many of these in a system call; so one core sends some millions a
// second. What the host has no room for is lost, as on a wire.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

#include "load.h"

enum { BATCH = 8, SEGMENTS_MAX = 64, BYTES_MAX = 1472, MESSAGE_BYTES_MAX = 65507 };

// A kernel before 4.18 does not take datagrams apart: it gets them one by one.
static int segments_of(int fd, int bytes) {
    int segments = MESSAGE_BYTES_MAX / bytes;
    if (segments > SEGMENTS_MAX) segments = SEGMENTS_MAX;
    return setsockopt(fd, SOL_UDP, UDP_SEGMENT, &bytes, sizeof bytes) < 0 ? 1 : segments;
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    int bytes = atoi(argv[3]);
    uint64_t per_second = strtoull(argv[4], NULL, 10), for_ns = strtoull(argv[5], NULL, 10) * 1000000u;
    if (bytes < 1 || bytes > BYTES_MAX) return 2;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) return 2;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0) return 1;

    static uint8_t data[MESSAGE_BYTES_MAX];
    uint64_t segments = (uint64_t)segments_of(fd, bytes);
    struct iovec vector = {data, (size_t)bytes * segments};
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        messages[i].msg_hdr.msg_iov = &vector;
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    uint64_t begin = now_ns(), now = begin, sent = 0;
    for (; now - begin < for_ns; now = now_ns()) {
        wait_for_turn(sent, per_second, now - begin);
        int done = sendmmsg(fd, messages, BATCH, 0);
        if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED) {
            perror(argv[1]);
            return 1;
        }
        if (done > 0) sent += (uint64_t)done * segments;
    }
    printf("%llu\n", (unsigned long long)sent);
    return 0;
}
