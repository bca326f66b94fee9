/*
 * Driver of a virtio network device: moves buffers between sDDF's queues and the device's
 * virtqueues, and never looks into them. It does not map the packets' memory.
 *
 * Ownership: a receive buffer goes free queue → receive virtqueue → active queue; a transmit buffer
 * goes active queue → transmit virtqueue → free queue. When the device breaks the rules it is
 * reset: receive buffers go into the new virtqueue, transmit buffers back to their senders, each
 * exactly once.
 *
 * With a timer, a watchdog finds what no interrupt has told: one that was lost, a device that has
 * reset itself, that holds on to a frame, or could not be started.
 *
 * The counterpart of drivers/network/virtio/driver.ts: the same batches and signals, so the same
 * traffic on the wire. Regions of the device: [0] its registers, [1] memory for the virtqueues.
 */
#include "../lib/print.h"
#include "../sddf/counters.h"
#include "../sddf/network/config.h"
#include "../sddf/network/end.h"
#include "../sddf/resources/device.h"
#include "../sddf/restart/member.h"
#include "../sddf/signals.h"
#include "../sddf/timer/config.h"
#include "virtio_net_device.h"
#include "virtio_net_regs.h"

#define FRAME_BYTES_MIN 14
/* What the device may write for a frame, header and all. */
#define FILLED_BYTES_MAX (VIRTIO_NET_HDR_BYTES + NET_BUFFER_BYTES)

/* How often the watchdog looks, and how often in a row it sees a device that finishes no
 * transmission. */
#define WATCHDOG_NS 10000000ul
#define TX_STILL_TICKS_MAX 500
/* How often a device that cannot be started is tried. One that is not there at all may be plugged
 * in at any time. */
#define FAILURES_MAX 8
/* How long an interrupt may be on its way. */
#define SUSPECTED_NS 100000ul
/* The watchdog looks this many times less often while no interrupt comes and nothing is being sent:
 * there is little to miss, and each look wakes the host. */
#define QUIET_FACTOR 4

/* In the order of NET_DRIVER_COUNTERS in drivers/network/virtio/counters.ts. */
enum {
    COUNT_RX_PACKETS,
    COUNT_RX_BYTES,
    COUNT_TX_PACKETS,
    COUNT_TX_BYTES,
    COUNT_INTERRUPTS,
    COUNT_INTERRUPTS_SPURIOUS,
    COUNT_LINK_CHANGES,
    COUNT_RX_RUNT,
    COUNT_RX_OVERSIZE,
    COUNT_RX_QUEUE_FULL,
    COUNT_TX_BAD_LENGTH,
    COUNT_TX_NO_DEVICE,
    COUNT_TX_LOST_IN_RESET,
    COUNT_TX_QUEUE_FULL,
    COUNT_RESETS,
    COUNT_USED_INDEX_LIES,
    COUNT_USED_ID_LIES,
    COUNT_USED_LENGTH_LIES,
    COUNT_NUM_BUFFERS_LIES,
    COUNT_NEEDS_RESET,
    COUNT_INTERRUPTS_LOST,
    COUNT_SELF_RESETS,
    COUNT_TX_STUCK,
    COUNT_RX_PARTIAL_CHECKSUM,
    COUNT_TX_CHECKSUMS,
    COUNT_TX_CHECKSUM_REFUSED
};
DEFINE_COUNTERS();

CONFIG_SECTION(".device_resources") struct device_resources device_resources = {0};
CONFIG_SECTION(".net_driver_config") struct net_driver_config config = {0};

/* Not filled in for a driver that is no client of the timer. */
CONFIG_SECTION(".timer_client_config") struct timer_client_config timer = {0};
/* Not filled in where nobody supervises. */
CONFIG_SECTION(".restart_config") struct restart_config restart_config = {0};

static struct virtio_net_device device;
static struct net_consumer rx_free;
static struct net_producer rx_active;
static struct net_producer tx_free;
static struct net_consumer tx_active;
static microkit_channel irq;
static bool is_running;
static bool is_link_up;
/* How often in a row a device that is there could not be started. */
static unsigned failures;
static bool has_watchdog;
/* Interrupts served, and how many it were when a tick last saw something that none had told of; -1
 * when it saw nothing. */
static int64_t served;
static int64_t suspected_after;
/* Interrupts served when the watchdog was armed last. */
static int64_t served_before;
/* Ticks of the watchdog since the device has last finished a transmission, and how many it had
 * finished by then. */
static uint32_t tx_still_ticks;
static size_t tx_taken;
static struct restart_member member;

/* How many frames can be sent now. Without a device, they are not kept waiting but given back. */
static size_t sendable(void)
{
    if (!is_running) {
        return SIZE_MAX;
    }
    return is_link_up ? virtqueue_room(&device.tx) : 0;
}

/* Whether the device has fewer buffers than half of what its queue holds. */
static bool needs_buffers(void)
{
    return is_running && virtqueue_outstanding(&device.rx) * 2 < device.rx.chains;
}

/* Puts a transmit buffer into the free queue; to be published. */
static void to_free(uint64_t addr)
{
    if (!net_enqueue(&tx_free, addr, 0, 0)) {
        count(COUNT_TX_QUEUE_FULL, 1);
    }
}

static void give_back(uint64_t addr, unsigned reason)
{
    count(reason, 1);
    to_free(addr);
}

/* Gives the device a buffer for a frame. */
static void post_for_frame(struct virtqueue *rx, uint64_t addr)
{
    virtqueue_post(rx, addr, NET_BUFFER_BYTES, FILLED_BYTES_MAX);
}

/* Puts a receive buffer that was taken back into the virtqueue. */
static void keep_for_device(uint64_t addr, unsigned reason)
{
    count(reason, 1);
    post_for_frame(&device.rx, addr);
}

static void fail(const char *when, const char *problem)
{
    if (virtio_net_is_present(&device)) {
        failures++;
    }
    print("%s: network device cannot be used%s: %s\n", microkit_name, when, problem);
}

/* Of which side the buffers are no longer ours. */
enum let_go { LET_GO_NONE, LET_GO_RX, LET_GO_TX };

static void reclaim_rx(struct virtqueue *old, bool is_let_go)
{
    struct virtqueue_finished taken;
    while (virtqueue_reclaim(old, &taken)) {
        if (is_let_go) {
            continue;
        }
        if (is_running && virtqueue_room(&device.rx) > 0) {
            post_for_frame(&device.rx, taken.addr);
        } else if (!net_enqueue(&rx_active, taken.addr, 0, 0)) {
            /* An empty frame: the virtualiser drops it and has the buffer. */
            count(COUNT_RX_QUEUE_FULL, 1);
        }
    }
}

static void reclaim_tx(struct virtqueue *old, bool is_let_go)
{
    struct virtqueue_finished taken;
    while (virtqueue_reclaim(old, &taken)) {
        if (!is_let_go) {
            give_back(taken.addr, COUNT_TX_LOST_IN_RESET);
        }
    }
}

/* Resets the device and goes on, with every buffer that it had in a known place. */
static void recover_but(enum let_go let_go)
{
    static struct virtqueue_books old_rx_books, old_tx_books;
    struct virtqueue old_rx, old_tx;

    virtqueue_move(&old_rx, &old_rx_books, &device.rx);
    virtqueue_move(&old_tx, &old_tx_books, &device.tx);
    count(COUNT_RESETS, 1);
    const char *problem = virtio_net_start(&device);
    is_running = problem == NULL;
    tx_still_ticks = 0;
    reclaim_rx(&old_rx, let_go == LET_GO_RX);
    reclaim_tx(&old_tx, let_go == LET_GO_TX);
    if (is_running) {
        failures = 0;
        is_link_up = virtio_net_is_link_up(&device);
        if (virtqueue_publish(&device.rx)) {
            virtio_net_notify_rx(&device);
        }
    } else {
        /* Nothing is outstanding any more, however far the device got. */
        virtqueue_move(&device.rx, &device.rx_books, &old_rx);
        virtqueue_move(&device.tx, &device.tx_books, &old_tx);
        fail(" any more", problem);
    }
    if (net_publish(&rx_active)) {
        microkit_notify(config.virt_rx.id);
    }
    if (net_publish(&tx_free)) {
        microkit_notify(config.virt_tx.id);
    }
}

static void recover(void)
{
    recover_but(LET_GO_NONE);
}

static void count_lie(enum virtqueue_result lie)
{
    count(lie == VIRTQUEUE_LIE_INDEX ? COUNT_USED_INDEX_LIES : COUNT_USED_ID_LIES, 1);
}

/* Gives empty receive buffers to the device, this many at most, as far as queue and ring go on.
 * Answers how many. */
PLAIN_LOOP size_t post_run(size_t most)
{
    most = net_lesser(most, net_items_ahead(&rx_free));
    struct virtqueue_poster to = virtqueue_begin_posting(&device.rx, &most);
    const volatile struct net_slot *empty = rx_free.next;
    for (const volatile struct net_slot *end = empty + most; empty != end; empty++) {
        virtqueue_post_next(&to, empty->io_or_offset, NET_BUFFER_BYTES, FILLED_BYTES_MAX);
    }
    rx_free.next = empty;
    virtqueue_end_posting(&device.rx, &to);
    return most;
}

static void rx_provide_batch(void)
{
    if (!is_running) {
        return;
    }
    size_t most = net_lesser(net_available(&rx_free), virtqueue_room(&device.rx));
    size_t left = most;
    struct net_buff_desc buffer;
    while (left > 0 && net_dequeue(&rx_free, &buffer)) {
        post_for_frame(&device.rx, buffer.io_or_offset);
        left--;
        left -= post_run(left);
    }
    if (most == 0) {
        return;
    }
    net_release(&rx_free);
    if (virtqueue_publish(&device.rx)) {
        virtio_net_notify_rx(&device);
    }
}

static void rx_provide(void)
{
    for (;;) {
        rx_provide_batch();
        /* While the device has plenty of buffers, a new one can wait until the next interrupt comes
         * anyway. */
        if (!needs_buffers()) {
            return;
        }
        net_request_signal(&rx_free);
        if (!net_has_items(&rx_free) || !is_running || virtqueue_room(&device.rx) == 0) {
            return;
        }
        net_cancel_signal(&rx_free);
    }
}

/* Passes received frames on, as far as ring and queue go and nothing is unusual. Answers the bytes of
 * all. */
PLAIN_LOOP uint32_t pass_plain(void)
{
    struct virtqueue_taker from = virtqueue_begin_taking(&device.rx);
    struct net_slot *to = rx_active.next;
    const volatile struct virtq_used_elem *end =
        from.next + net_lesser(virtqueue_used_ahead(&device.rx), net_room_ahead(&rx_active));
    uint32_t most = device.frame_bytes_max;
    uint32_t known_flags = device.rx_flags;
    uint32_t bytes = 0;
    struct virtqueue_finished taken;
    for (; from.next != end; to++) {
        if (!virtqueue_is_next_plain(&from, &taken)) {
            break;
        }
        const volatile uint16_t *header =
            (const volatile uint16_t *)(const void *)(from.headers + taken.chain * VIRTQUEUE_HEADER_STRIDE);
        uint32_t len = taken.bytes - VIRTIO_NET_HDR_BYTES;
        uint32_t flags = header[VIRTIO_NET_HDR_FLAGS / 2] & known_flags;
        if (len - FRAME_BYTES_MIN > most - FRAME_BYTES_MIN || header[VIRTIO_NET_HDR_NUM_BUFFERS / 2] != 1 ||
            (flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
            break;
        }
        virtqueue_take_next(&from, taken.chain);
        to->io_or_offset = taken.addr;
        to->len_and_oid = len | (uint64_t)(flags / VIRTIO_NET_HDR_F_DATA_VALID) * (NET_CHECKED << NET_OID_SHIFT);
        bytes += len;
    }
    virtqueue_end_taking(&device.rx, &from);
    rx_active.next = to;
    return bytes;
}

/* A frame of a good length goes to whoever it is for. Answers its bytes, or 0 when it goes to
 * nobody. */
static uint32_t pass(const struct virtqueue_finished *taken, uint32_t len, uint32_t flags)
{
    uint8_t checked = (flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0 ? NET_CHECKED : 0;

    if ((flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
        /* Its sender has left the checksum to the device: nobody here completes it. */
        keep_for_device(taken->addr, COUNT_RX_PARTIAL_CHECKSUM);
        return 0;
    }
    if (!net_enqueue(&rx_active, taken->addr, (uint16_t)len, checked)) {
        keep_for_device(taken->addr, COUNT_RX_QUEUE_FULL);
        return 0;
    }
    return len;
}

/* One frame that the device has received; `bytes` becomes that of what went on. Answers false when
 * the device has broken the rules. */
static bool receive(const struct virtqueue_finished *taken, uint32_t *bytes)
{
    uint32_t len = taken->bytes - VIRTIO_NET_HDR_BYTES;
    const volatile void *begin = virtqueue_header(&device.rx, taken->chain);
    const volatile uint16_t *header = (const volatile uint16_t *)begin;

    if (taken->bytes < VIRTIO_NET_HDR_BYTES + FRAME_BYTES_MIN) {
        keep_for_device(taken->addr, COUNT_RX_RUNT);
    } else if (len > device.frame_bytes_max) {
        keep_for_device(taken->addr, COUNT_RX_OVERSIZE);
    } else if (header[VIRTIO_NET_HDR_NUM_BUFFERS / 2] != 1) {
        /* A frame that claims to lie in several buffers, or in none. */
        keep_for_device(taken->addr, COUNT_NUM_BUFFERS_LIES);
        return false;
    } else {
        *bytes += pass(taken, len, header[VIRTIO_NET_HDR_FLAGS / 2] & device.rx_flags);
    }
    return true;
}

/* Takes filled receive buffers from the device. */
static void rx_return_batch(void)
{
    if (!is_running) {
        return;
    }
    struct virtqueue_finished taken;
    enum virtqueue_result result;
    uint32_t bytes = 0;
    bool is_honest = true;
    do {
        result = virtqueue_take(&device.rx, &taken);
        if (result == VIRTQUEUE_TAKEN) {
            is_honest = receive(&taken, &bytes);
            bytes += is_honest ? pass_plain() : 0;
        }
    } while (result == VIRTQUEUE_TAKEN && is_honest);
    count(COUNT_RX_PACKETS, net_put_in(&rx_active));
    count(COUNT_RX_BYTES, bytes);
    if (net_publish(&rx_active)) {
        microkit_notify(config.virt_rx.id);
    }
    if (virtqueue_publish(&device.rx)) {
        virtio_net_notify_rx(&device);
    }
    if (result == VIRTQUEUE_NONE) {
        return;
    }
    if (result == VIRTQUEUE_LIE_LENGTH) {
        keep_for_device(taken.addr, COUNT_USED_LENGTH_LIES);
    } else if (is_honest) {
        count_lie(result);
    }
    recover();
}

static void rx_return(void)
{
    do {
        rx_return_batch();
        virtqueue_request_interrupt(&device.rx);
    } while (is_running && virtqueue_has_used(&device.rx));
}

/* Whether the device completes checksums, and the frame's field lies in it (5.1.6.2.1). */
static bool may_complete(const struct net_buff_desc *frame)
{
    return device.makes_checksums && (frame->checksum & 0xffff) + (frame->checksum >> 16) + 2 <= frame->len;
}

/* The words of the header: flags; csum_start, in the high half; csum_offset. */
static void leave_checksum(size_t chain, uint32_t checksum)
{
    const uint32_t header[VIRTQUEUE_HEADER_STRIDE / 4] = {
        VIRTIO_NET_HDR_F_NEEDS_CSUM, checksum << 16, checksum >> 16};
    virtqueue_set_header(&device.tx, chain, header);
    count(COUNT_TX_CHECKSUMS, 1);
}

/* Gives frames to the device, this many at most, as far as queue and ring go on and nothing is
 * unusual; adds up their bytes. Answers how many. */
PLAIN_LOOP size_t send_plain(size_t most, uint32_t *bytes)
{
    most = net_lesser(most, net_items_ahead(&tx_active));
    struct virtqueue_poster to = virtqueue_begin_posting(&device.tx, &most);
    uint32_t frame_bytes_max = device.frame_bytes_max;
    uint32_t sent = 0;
    const volatile struct net_slot *frame = tx_active.next;
    for (const volatile struct net_slot *end = frame + most; frame != end; frame++) {
        uint64_t len = frame->len_and_oid;
        if (!net_is_plain_length(len, FRAME_BYTES_MIN, frame_bytes_max)) {
            break;
        }
        virtqueue_post_next(&to, frame->io_or_offset, (uint32_t)len, 0);
        sent += (uint32_t)len;
    }
    size_t frames = (size_t)(frame - tx_active.next);
    tx_active.next = frame;
    virtqueue_end_posting(&device.tx, &to);
    *bytes += sent;
    return frames;
}

/* One frame to be sent. Answers its bytes, or 0 when the device does not get it. */
static uint32_t send(const struct net_buff_desc *frame)
{
    if (!is_running) {
        give_back(frame->io_or_offset, COUNT_TX_NO_DEVICE);
    } else if (frame->len < FRAME_BYTES_MIN || frame->len > device.frame_bytes_max) {
        give_back(frame->io_or_offset, COUNT_TX_BAD_LENGTH);
    } else if (frame->checksum != 0 && !may_complete(frame)) {
        give_back(frame->io_or_offset, COUNT_TX_CHECKSUM_REFUSED);
    } else {
        size_t chain = virtqueue_post(&device.tx, frame->io_or_offset, frame->len, 0);
        if (frame->checksum != 0) {
            leave_checksum(chain, frame->checksum);
        }
        return frame->len;
    }
    return 0;
}

/* Gives filled transmit buffers to the device. */
static void tx_provide_batch(void)
{
    struct net_buff_desc frame;
    size_t most = sendable();
    size_t left = most;
    uint32_t bytes = 0;

    while (left > 0 && net_dequeue(&tx_active, &frame)) {
        bytes += send(&frame);
        left--;
        left -= is_running ? send_plain(left, &bytes) : 0;
    }
    count(COUNT_TX_PACKETS, virtqueue_unpublished(&device.tx));
    count(COUNT_TX_BYTES, bytes);
    if (left == most) {
        return;
    }
    net_release(&tx_active);
    if (is_running && virtqueue_publish(&device.tx)) {
        virtio_net_notify_tx(&device);
    }
    if (net_publish(&tx_free)) {
        microkit_notify(config.virt_tx.id);
    }
}

static void tx_provide(void)
{
    for (;;) {
        tx_provide_batch();
        net_request_signal(&tx_active);
        if (!net_has_items(&tx_active) || sendable() == 0) {
            return;
        }
        net_cancel_signal(&tx_active);
    }
}

/* Takes sent transmit buffers from the device, as far as ring and queue go on and nothing is
 * unusual. */
PLAIN_LOOP void return_plain(void)
{
    struct virtqueue_taker from = virtqueue_begin_taking(&device.tx);
    struct net_slot *to = tx_free.next;
    const volatile struct virtq_used_elem *end =
        from.next + net_lesser(virtqueue_used_ahead(&device.tx), net_room_ahead(&tx_free));
    struct virtqueue_finished sent;
    for (; from.next != end && virtqueue_is_next_plain(&from, &sent); to++) {
        virtqueue_take_next(&from, sent.chain);
        to->io_or_offset = sent.addr;
        to->len_and_oid = 0;
    }
    virtqueue_end_taking(&device.tx, &from);
    tx_free.next = to;
}

/* Takes sent transmit buffers from the device. */
static void tx_return_batch(void)
{
    if (!is_running) {
        return;
    }
    struct virtqueue_finished taken;
    enum virtqueue_result result;
    while ((result = virtqueue_take(&device.tx, &taken)) == VIRTQUEUE_TAKEN) {
        to_free(taken.addr);
        return_plain();
    }
    if (result == VIRTQUEUE_LIE_LENGTH) {
        give_back(taken.addr, COUNT_USED_LENGTH_LIES);
    }
    if (net_publish(&tx_free)) {
        microkit_notify(config.virt_tx.id);
    }
    if (result == VIRTQUEUE_NONE) {
        return;
    }
    if (result != VIRTQUEUE_LIE_LENGTH) {
        count_lie(result);
    }
    recover();
}

static void tx_return(void)
{
    do {
        tx_return_batch();
        virtqueue_request_interrupt(&device.tx);
    } while (is_running && virtqueue_has_used(&device.tx));
}

static void on_config_change(void)
{
    if (virtio_net_needs_reset(&device)) {
        count(COUNT_NEEDS_RESET, 1);
        recover();
        return;
    }
    bool is_up = virtio_net_is_link_up(&device);
    if (is_up != is_link_up) {
        is_link_up = is_up;
        count(COUNT_LINK_CHANGES, 1);
    }
}

/* The rings are looked at whatever the interrupt's reasons say, so that a lost one costs time
 * only. */
static void handle_irq(void)
{
    served++;
    uint32_t reasons = virtio_net_take_interrupt(&device);
    count(reasons == 0 ? COUNT_INTERRUPTS_SPURIOUS : COUNT_INTERRUPTS, 1);
    if ((reasons & INTERRUPT_CONFIG_CHANGE) != 0) {
        on_config_change();
    }
    if (is_running) {
        tx_return();
        rx_return();
    }
    /* Without a device, what waits to be sent goes back to its senders. */
    if (!net_is_at_rest(&tx_active)) {
        tx_provide();
    }
    if (net_has_items(&rx_free) || needs_buffers()) {
        rx_provide();
    }
}

static void start(void)
{
    const char *problem = virtio_net_start(&device);
    is_running = problem == NULL;
    if (is_running) {
        is_link_up = virtio_net_is_link_up(&device);
        failures = 0;
    } else {
        fail("", problem);
    }
    rx_provide();
    tx_provide();
}

/* An interrupt that is on its way is not lost: it gets another moment. */
static void on_unserved(void)
{
    bool is_lost = suspected_after == served;
    suspected_after = is_lost ? -1 : served;
    if (is_lost) {
        count(COUNT_INTERRUPTS_LOST, 1);
        handle_irq();
    }
}

/* Counts ticks. A buffer that the device keeps to itself while it finishes others is missed only
 * when those are done. */
static bool is_tx_stuck(void)
{
    bool is_moving = virtqueue_outstanding(&device.tx) == 0 || virtqueue_taken_count(&device.tx) != tx_taken;
    tx_taken = virtqueue_taken_count(&device.tx);
    tx_still_ticks = is_moving ? 0 : tx_still_ticks + 1;
    return tx_still_ticks > TX_STILL_TICKS_MAX;
}

/* What has waited for room in the old rings was signalled long ago, so nobody says so again. */
static void recover_unasked(void)
{
    recover();
    rx_provide();
    tx_provide();
}

static void look_for_missed(void)
{
    if (!virtio_net_is_started(&device)) {
        count(COUNT_SELF_RESETS, 1);
        recover_unasked();
    } else if (virtio_net_has_interrupt(&device) || virtqueue_has_used(&device.rx) || virtqueue_has_used(&device.tx)) {
        on_unserved();
    } else if (is_tx_stuck()) {
        count(COUNT_TX_STUCK, 1);
        recover_unasked();
    }
}

static uint64_t next_look_ns(void)
{
    if (suspected_after == served) {
        return SUSPECTED_NS;
    }
    bool is_sending = is_running && virtqueue_outstanding(&device.tx) > 0;
    bool is_quiet = served == served_before && !is_sending;
    return is_quiet ? QUIET_FACTOR * WATCHDOG_NS : WATCHDOG_NS;
}

static void arm_watchdog(void)
{
    if (has_watchdog && failures < FAILURES_MAX) {
        timer_set_timeout(timer.driver_id, next_look_ns());
        served_before = served;
    }
}

/*
 * A lost interrupt is the last one: the device sends the next when its used index passes what the
 * driver has asked for, which the driver moves on when it has been interrupted. So somebody has to
 * look, now and then.
 */
static void tick(void)
{
    if (is_running) {
        look_for_missed();
    } else if (virtio_net_is_present(&device)) {
        start();
    }
    arm_watchdog();
}

static uint32_t close_end(microkit_channel channel)
{
    return channel == config.virt_tx.id ? net_close_end(&config.virt_tx, &tx_free, &tx_active)
                                        : net_close_end(&config.virt_rx, &rx_active, &rx_free);
}

/*
 * What the device has of this connection is to be let go, and a device has no way to do that but a
 * reset. It takes frames with it that were on their way.
 */
static void close_connection(microkit_channel channel)
{
    bool is_tx = channel == config.virt_tx.id;
    /* What has been received and sent already need not be lost. */
    rx_return_batch();
    tx_return_batch();
    size_t had = is_running ? virtqueue_outstanding(is_tx ? &device.tx : &device.rx) : 0;
    if (had > 0) {
        recover_but(is_tx ? LET_GO_TX : LET_GO_RX);
    }
    restart_took_back(&member, (int32_t)had + (int32_t)close_end(channel));
}

static void open_connection(microkit_channel channel)
{
    if (channel == config.virt_tx.id) {
        net_open_end(&tx_free, &tx_active);
        tx_provide();
    } else {
        net_open_end(&rx_active, &rx_free);
        rx_provide();
    }
}

static const struct restart_connections connections = {.close = close_connection, .open = open_connection};

static void join_restarts(void)
{
    const microkit_channel channels[] = {config.virt_rx.id, config.virt_tx.id};
    restart_join(&member, &restart_config, &connections);
    for (unsigned index = 0; index < 2; index++) {
        if (restart_is_abandoned(&member, channels[index])) {
            close_end(channels[index]);
        }
    }
}

static void check_config(void)
{
    require(sddf_has_magic(device_resources.magic, SDDF_CLASS_DEVICE), "section .device_resources is not filled in");
    require(sddf_has_magic(config.magic, SDDF_CLASS_NET), "section .net_driver_config is not filled in");
    require(device_resources.num_regions >= 2 && device_resources.num_irqs >= 1, "the device lacks regions or interrupt");
    require(net_is_capacity(config.virt_rx.num_buffers), "the receive queues' capacity is no power of two");
    require(net_is_capacity(config.virt_tx.num_buffers), "the transmit queues' capacity is no power of two");
}

void init(void)
{
    check_config();
    irq = device_resources.irqs[0].id;
    const struct net_connection *rx = &config.virt_rx;
    const struct net_connection *tx = &config.virt_tx;
    rx_free = net_consumer(rx->free_queue.vaddr, rx->num_buffers);
    rx_active = net_producer(rx->active_queue.vaddr, rx->num_buffers);
    tx_free = net_producer(tx->free_queue.vaddr, tx->num_buffers);
    tx_active = net_consumer(tx->active_queue.vaddr, tx->num_buffers);
    const struct device_region *rings = &device_resources.regions[1];
    device.registers = device_resources.regions[0].region.vaddr;
    device.rings = rings->region.vaddr;
    device.rings_io_addr = rings->io_addr;
    device.rings_bytes = rings->region.size;

    has_watchdog = sddf_has_magic(timer.magic, SDDF_CLASS_TIMER);
    failures = 0;
    served = 0;
    suspected_after = -1;
    served_before = -1;
    tx_still_ticks = 0;
    tx_taken = 0;
    join_restarts();
    start();
    microkit_irq_ack(irq);
    arm_watchdog();
    restart_begin(&member);
}

void notified(microkit_channel ch)
{
    flush_deferred_signal();
    if (ch == irq) {
        handle_irq();
        microkit_deferred_irq_ack(irq);
    } else if (ch == config.virt_tx.id) {
        tx_provide();
    } else if (ch == config.virt_rx.id) {
        rx_provide();
    } else if (!restart_notified(&member, ch)) {
        tick();
    }
    restart_proceed(&member);
}
