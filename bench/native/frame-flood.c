// Sends frames with datagrams to an echo client as fast as it can, and prints how many it has sent.
// What comes back is thrown away.
//
//     frame-flood tap NAME MILLISECONDS        to a TAP device, as the host, below its IP stack
//     frame-flood stream PATH MILLISECONDS     over a UNIX socket, as QEMU's `-netdev stream` frames them
//
// What the host has no room for is tried again at once.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "load.h"

enum { FRAME_BYTES = 60, LENGTH_BYTES = 4, BATCH = 256 };

// A datagram of 18 bytes without a checksum, from 10.0.2.99, which nobody has, to 10.0.2.15, port 1235.
static const uint8_t frame[FRAME_BYTES] = {
    0x52, 0x54, 1, 0, 0, 0x0a, 2, 0, 0, 0, 0, 1, 8, 0,
    0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0x22, 0x4e, 10, 0, 2, 99, 10, 0, 2, 15,
    0x9c, 0x40, 0x04, 0xd3, 0, 26, 0, 0};

static int open_tap(const char *name, struct sockaddr_ll *to) {
    int fd = socket(AF_PACKET, SOCK_RAW, 0), bypass = 1;
    *to = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
    // Straight to the device: no queue of the host's before it.
    if (fd < 0 || to->sll_ifindex == 0) return -1;
    if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof bypass) < 0) return -1;
    return fd;
}

static int64_t flood_tap(const char *name, uint64_t end) {
    struct sockaddr_ll to;
    int fd = open_tap(name, &to);
    if (fd < 0) return -1;
    struct iovec vector = {(void *)(uintptr_t)frame, FRAME_BYTES};
    static struct mmsghdr messages[BATCH];
    for (int i = 0; i < BATCH; i++) {
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &vector, .msg_iovlen = 1};
    }
    int64_t sent = 0;
    while (now_ns() < end) {
        int done = sendmmsg(fd, messages, BATCH, 0);
        if (done > 0) sent += done;
        // A frame that the device drops for want of room has been sent all the same.
        else if (errno == ENOBUFS) sent += 1;
        else if (errno != EAGAIN) return -1;
    }
    return sent;
}

// The other end's answers are read by a process of their own, so that neither waits for the other.
static void discard(int fd) {
    static uint8_t bytes[1 << 18];
    while (read(fd, bytes, sizeof bytes) > 0) continue;
}

static int64_t flood_stream(const char *path, uint64_t end) {
    struct sockaddr_un server = {.sun_family = AF_UNIX};
    strncpy(server.sun_path, path, sizeof server.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0) return -1;
    pid_t reader = fork();
    if (reader == 0) {
        discard(fd);
        _exit(0);
    }
    static uint8_t out[BATCH * (LENGTH_BYTES + FRAME_BYTES)];
    for (int i = 0; i < BATCH; i++) {
        uint8_t *at = out + i * (LENGTH_BYTES + FRAME_BYTES);
        at[3] = FRAME_BYTES;
        memcpy(at + LENGTH_BYTES, frame, FRAME_BYTES);
    }
    uint64_t bytes = 0;
    while (now_ns() < end) {
        ssize_t done = write(fd, out + bytes % sizeof out, sizeof out - bytes % sizeof out);
        if (done < 0) break;
        bytes += (uint64_t)done;
    }
    kill(reader, SIGKILL);
    return (int64_t)(bytes / (LENGTH_BYTES + FRAME_BYTES));
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    uint64_t end = now_ns() + (uint64_t)atoi(argv[3]) * 1000000u;
    int is_tap = strcmp(argv[1], "tap") == 0;
    int64_t sent = is_tap ? flood_tap(argv[2], end) : flood_stream(argv[2], end);
    if (sent < 0) {
        perror(argv[2]);
        return 1;
    }
    printf("%lld\n", (long long)sent);
    return 0;
}
