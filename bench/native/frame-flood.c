// Sends frames with datagrams to an echo client over a UNIX socket, framed as QEMU's `-netdev stream`
// has it, and prints how many it has sent. What comes back is thrown away.
//
//     frame-flood PATH PER_SECOND MILLISECONDS
//
// PER_SECOND 0: as fast as the other end reads.

#define _GNU_SOURCE
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

// The other end's answers are read by a process of their own, so that neither waits for the other.
static void discard(int fd) {
    static uint8_t bytes[1 << 18];
    while (read(fd, bytes, sizeof bytes) > 0) continue;
}

// @returns frames sent, -1 when nobody listens
static int64_t flood(const char *path, uint64_t per_second, uint64_t for_ns) {
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
    uint64_t begin = now_ns(), now = begin, bytes = 0;
    for (; now - begin < for_ns; now = now_ns()) {
        wait_for_turn(bytes / (LENGTH_BYTES + FRAME_BYTES), per_second, now - begin);
        ssize_t done = write(fd, out + bytes % sizeof out, sizeof out - bytes % sizeof out);
        if (done < 0) break;
        bytes += (uint64_t)done;
    }
    kill(reader, SIGKILL);
    return (int64_t)(bytes / (LENGTH_BYTES + FRAME_BYTES));
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    uint64_t per_second = strtoull(argv[2], NULL, 10), for_ns = strtoull(argv[3], NULL, 10) * 1000000u;
    int64_t sent = flood(argv[1], per_second, for_ns);
    if (sent < 0) {
        perror(argv[1]);
        return 1;
    }
    printf("%lld\n", (long long)sent);
    return 0;
}
