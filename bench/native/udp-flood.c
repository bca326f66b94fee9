// Sends datagrams to an address as fast as it can, and prints how many it has sent.
//
//     udp-flood HOST PORT BYTES MILLISECONDS
//
// What the host has no room for is tried again at once.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "load.h"

enum { BATCH = 64, BYTES_MAX = 1472 };

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int bytes = atoi(argv[3]);
    uint64_t for_ns = (uint64_t)atoi(argv[4]) * 1000000u;
    if (bytes < 0 || bytes > BYTES_MAX) return 2;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) return 2;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0) return 1;

    static uint8_t data[BYTES_MAX];
    struct iovec vector = {data, (size_t)bytes};
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        messages[i].msg_hdr.msg_iov = &vector;
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    uint64_t begin = now_ns(), end = begin + for_ns, sent = 0;
    while (now_ns() < end) {
        int done = sendmmsg(fd, messages, BATCH, 0);
        if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED) return 1;
        if (done > 0) sent += (uint64_t)done;
    }
    printf("%llu\n", (unsigned long long)sent);
    return 0;
}
