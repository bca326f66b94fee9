/*
 * The network data path as one C program: what `bench/net.ts` compares the testbed with.
 *
 * Same queues (sDDF 0.7 layout, private cursors, one publication for a batch, signal flags), same
 * stages (NIC with DMA, driver, receive virtualiser, copier, echo client, transmit virtualiser,
 * driver, NIC), same checks, same copies: DMA in, copier, client; the frame generator looks at what
 * was sent, as the testbed's does. No kernel and no protection: a notification is a flag that the
 * main loop looks at, in the order of priorities.
 *
 *     pipeline FRAME BATCH [MILLISECONDS]        see slices.h; what is done are packets
 */
#define _POSIX_C_SOURCE 200809L
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slices.h"

#define BUFFERS 512u
#define CLIENTS 2u
#define BUFFER_BYTES 2048u
#define RING 256u
#define TX_CAPACITY (BUFFERS * CLIENTS)
#define HEADER_BYTES 12u
#define FRAME_MIN 14u
#define FRAME_MAX 1514u
#define MARK_AT 42u
#define MAGIC 0x46447344u
#define PADDR_BASE 0x80000000ull

#define CHECK(condition, what) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "pipeline: %s\n", what); \
      exit(1); \
    } \
  } while (0)

/* ---- memory that domains share ---- */

struct net_buff_desc {
  uint64_t io_or_offset;
  uint16_t len;
  uint8_t oid;
  uint8_t padding[5];
};

struct net_queue {
  _Atomic uint16_t tail;
  _Atomic uint16_t head;
  _Atomic uint32_t consumer_signalled;
  struct net_buff_desc buffers[];
};

#define QUEUE_BYTES(capacity) ((8u + 16u * (capacity) + 4095u) & ~4095u)

static uint8_t *ram;
static size_t ram_used;
static size_t ram_bytes;

static size_t take(size_t bytes) {
  size_t at = ram_used;
  ram_used += (bytes + 4095u) & ~(size_t)4095u;
  CHECK(ram_used <= ram_bytes, "RAM is too small");
  return at;
}

/* ---- net queues: one handle for each side ---- */

struct producer {
  struct net_queue *queue;
  uint16_t tail, published;
  uint32_t room, capacity;
  uint64_t lies;
};

struct consumer {
  struct net_queue *queue;
  uint16_t head, published;
  uint32_t left, capacity;
  uint64_t lies;
};

static uint32_t producer_look(struct producer *p) {
  uint16_t used = (uint16_t)(p->tail - atomic_load_explicit(&p->queue->head, memory_order_acquire));
  if (used > p->capacity) {
    p->lies++;
    p->room = 0;
  } else {
    p->room = p->capacity - used;
  }
  return p->room;
}

static inline bool enqueue(struct producer *p, uint64_t io, uint16_t len, uint8_t oid) {
  if (p->room == 0 && producer_look(p) == 0) return false;
  struct net_buff_desc *d = &p->queue->buffers[p->tail & (p->capacity - 1)];
  d->io_or_offset = io;
  d->len = len;
  d->oid = oid;
  p->tail++;
  p->room--;
  return true;
}

/* Returns whether to notify the consumer. */
static inline bool producer_publish(struct producer *p) {
  if (p->tail == p->published) return false;
  p->published = p->tail;
  atomic_store_explicit(&p->queue->tail, p->tail, memory_order_seq_cst);
  if (atomic_load_explicit(&p->queue->consumer_signalled, memory_order_seq_cst) != 0) return false;
  atomic_store_explicit(&p->queue->consumer_signalled, 1, memory_order_relaxed);
  return true;
}

static uint32_t consumer_look(struct consumer *c) {
  uint16_t tail = atomic_load_explicit(&c->queue->tail, memory_order_acquire);
  uint16_t length = (uint16_t)(tail - c->head);
  if (length > c->capacity) {
    c->lies++;
    length = (uint16_t)c->capacity;
    c->head = (uint16_t)(tail - length);
  }
  c->left = length;
  return length;
}

static inline bool dequeue(struct consumer *c, struct net_buff_desc *out) {
  if (c->left == 0 && consumer_look(c) == 0) return false;
  *out = c->queue->buffers[c->head & (c->capacity - 1)];
  c->head++;
  c->left--;
  return true;
}

static inline bool has_items(struct consumer *c) { return c->left > 0 || consumer_look(c) > 0; }

static inline void consumer_publish(struct consumer *c) {
  if (c->head == c->published) return;
  c->published = c->head;
  atomic_store_explicit(&c->queue->head, c->head, memory_order_seq_cst);
}

static inline void request_signal(struct consumer *c) {
  /* An ordered store costs as much as several looks, and an old wish is as good as a new one. */
  if (atomic_load_explicit(&c->queue->consumer_signalled, memory_order_relaxed) == 0) return;
  atomic_store_explicit(&c->queue->consumer_signalled, 0, memory_order_seq_cst);
}

static inline void cancel_signal(struct consumer *c) {
  atomic_store_explicit(&c->queue->consumer_signalled, 1, memory_order_relaxed);
}

static struct net_queue *make_queue(uint32_t capacity) {
  return (struct net_queue *)(ram + take(QUEUE_BYTES(capacity)));
}

struct connection {
  struct net_queue *free, *active;
  uint32_t capacity;
};

static struct connection connect_pair(uint32_t capacity) {
  return (struct connection){make_queue(capacity), make_queue(capacity), capacity};
}

static struct producer producer_of(struct net_queue *queue, uint32_t capacity) {
  return (struct producer){.queue = queue, .capacity = capacity, .tail = queue->tail, .published = queue->tail};
}

static struct consumer consumer_of(struct net_queue *queue, uint32_t capacity) {
  return (struct consumer){.queue = queue, .capacity = capacity, .head = queue->head, .published = queue->head};
}

/* ---- virtqueue memory ---- */

struct virtq_desc {
  uint64_t addr;
  uint32_t len;
  uint16_t flags, next;
};
struct virtq_avail {
  uint16_t flags;
  _Atomic uint16_t idx;
  uint16_t ring[RING];
  _Atomic uint16_t used_event;
};
struct virtq_used_elem {
  uint32_t id, len;
};
struct virtq_used {
  uint16_t flags;
  _Atomic uint16_t idx;
  struct virtq_used_elem ring[RING];
  _Atomic uint16_t avail_event;
};
struct virtq_memory {
  struct virtq_desc desc[RING];
  struct virtq_avail avail;
  struct virtq_used used __attribute__((aligned(4)));
  struct {
    uint8_t bytes[16];
  } headers[RING] __attribute__((aligned(16)));
  struct virtq_desc tables[RING][2];
};
enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4 };

static inline uint64_t paddr_of(const void *at) { return PADDR_BASE + (uint64_t)((const uint8_t *)at - ram); }

/* ---- virtqueue, the driver's side ---- */

struct driver_queue {
  struct virtq_memory *memory;
  bool device_writes;
  uint16_t free_chains[RING];
  uint32_t free_count;
  uint8_t outstanding[RING];
  uint64_t address[RING];
  uint32_t length[RING];
  uint16_t next_avail, published_avail, next_used;
  uint32_t left;
  uint64_t taken_address;
  uint32_t taken_bytes;
};

static void driver_queue_init(struct driver_queue *q, struct virtq_memory *memory, bool device_writes) {
  uint16_t write = device_writes ? F_WRITE : 0;
  q->memory = memory;
  q->device_writes = device_writes;
  q->free_count = RING;
  for (uint32_t i = 0; i < RING; i++) {
    q->free_chains[i] = (uint16_t)(RING - 1 - i);
    memory->desc[i] = (struct virtq_desc){paddr_of(memory->tables[i]), 32, F_INDIRECT, 0};
    memory->tables[i][0] = (struct virtq_desc){paddr_of(&memory->headers[i]), HEADER_BYTES, F_NEXT | write, 1};
    memory->tables[i][1] = (struct virtq_desc){0, 0, write, 0};
  }
}

static inline void post(struct driver_queue *q, uint64_t address, uint32_t length) {
  CHECK(q->free_count > 0, "no chain is free");
  uint16_t chain = q->free_chains[--q->free_count];
  q->outstanding[chain] = 1;
  /* High half and length are mostly those of the chain's last request: the descriptor has them
   * already. */
  struct virtq_desc *buffer = &q->memory->tables[chain][1];
  uint32_t low = (uint32_t)address, high = (uint32_t)(address >> 32);
  memcpy(&buffer->addr, &low, 4);
  if ((uint32_t)(q->address[chain] >> 32) != high) memcpy((uint8_t *)&buffer->addr + 4, &high, 4);
  q->address[chain] = address;
  if (q->length[chain] != length) {
    q->length[chain] = length;
    buffer->len = length;
  }
  q->memory->avail.ring[q->next_avail & (RING - 1)] = chain;
  q->next_avail++;
}

static inline bool publish_avail(struct driver_queue *q) {
  uint16_t before = q->published_avail, now = q->next_avail;
  if (now == before) return false;
  q->published_avail = now;
  atomic_store_explicit(&q->memory->avail.idx, now, memory_order_seq_cst);
  uint16_t event = atomic_load_explicit(&q->memory->used.avail_event, memory_order_seq_cst);
  return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

/* Returns the chain, or -1 when there is none; a device that lies ends the program, for this one is
 * our own. */
static inline int take_used(struct driver_queue *q) {
  if (q->left == 0) {
    uint16_t pending = (uint16_t)(atomic_load_explicit(&q->memory->used.idx, memory_order_acquire) - q->next_used);
    if (pending == 0) return -1;
    CHECK(pending <= RING - q->free_count, "used index");
    q->left = pending;
  }
  struct virtq_used_elem element = q->memory->used.ring[q->next_used & (RING - 1)];
  CHECK(element.id < RING && q->outstanding[element.id], "used id");
  q->next_used++;
  q->left--;
  q->outstanding[element.id] = 0;
  q->free_chains[q->free_count++] = (uint16_t)element.id;
  q->taken_address = q->address[element.id];
  uint32_t most = q->device_writes ? HEADER_BYTES + q->length[element.id] : 0;
  CHECK(element.len <= most, "used length");
  q->taken_bytes = element.len;
  return (int)element.id;
}

static inline void request_interrupt(struct driver_queue *q) {
  atomic_store_explicit(&q->memory->avail.used_event, q->next_used, memory_order_seq_cst);
}

static inline bool has_used(struct driver_queue *q) {
  return q->left > 0 || atomic_load_explicit(&q->memory->used.idx, memory_order_acquire) != q->next_used;
}

/* ---- virtqueue, the device's side ---- */

struct device_queue {
  struct virtq_memory *memory;
  uint8_t in_flight[RING];
  uint16_t next_avail, observed_avail, next_used, published_used;
  uint64_t segment[2];
  uint32_t segment_length[2];
};

static inline uint8_t *dma(uint64_t address, uint32_t length) {
  uint64_t offset = address - PADDR_BASE;
  if (offset > ram_bytes || length > ram_bytes - offset) return NULL;
  return ram + offset;
}

static inline bool overlaps_rings(const struct device_queue *q, const uint8_t *at, uint32_t length) {
  const uint8_t *begin = (const uint8_t *)q->memory;
  const uint8_t *end = (const uint8_t *)q->memory->headers;
  return at < end && at + length > begin;
}

/* Returns the head, or -1; copies out the two descriptors and checks them. */
static inline int pop(struct device_queue *q, bool writable) {
  if (q->next_avail == q->observed_avail) {
    uint16_t idx = atomic_load_explicit(&q->memory->avail.idx, memory_order_acquire);
    CHECK((uint16_t)(idx - q->next_avail) <= RING, "available index");
    q->observed_avail = idx;
    if (idx == q->next_avail) return -1;
  }
  uint16_t head = q->memory->avail.ring[q->next_avail & (RING - 1)];
  CHECK(head < RING && !q->in_flight[head], "head");
  struct virtq_desc ring = q->memory->desc[head];
  CHECK(ring.flags == F_INDIRECT && ring.len >= 16 && ring.len % 16 == 0, "indirect descriptor");
  const struct virtq_desc *table = (const struct virtq_desc *)dma(ring.addr, ring.len);
  CHECK(table != NULL, "indirect table");
  uint32_t index = 0, entries = ring.len / 16;
  bool seen_writable = false;
  for (uint32_t segment = 0;; segment++) {
    CHECK(segment < 2, "chain length");
    struct virtq_desc d = table[index];
    CHECK((d.flags & F_INDIRECT) == 0 && d.len > 0, "descriptor");
    bool writes = (d.flags & F_WRITE) != 0;
    CHECK(writes || !seen_writable, "readable after writable");
    seen_writable = writes;
    CHECK(writes == writable, "direction");
    uint8_t *at = dma(d.addr, d.len);
    CHECK(at != NULL && !overlaps_rings(q, at, d.len), "buffer");
    q->segment[segment] = (uint64_t)(at - ram);
    q->segment_length[segment] = d.len;
    if ((d.flags & F_NEXT) == 0) break;
    CHECK(d.next < entries, "next");
    index = d.next;
  }
  q->in_flight[head] = 1;
  q->next_avail++;
  return head;
}

static inline void push(struct device_queue *q, uint32_t head, uint32_t bytes) {
  q->in_flight[head] = 0;
  q->memory->used.ring[q->next_used & (RING - 1)] = (struct virtq_used_elem){head, bytes};
  q->next_used++;
}

/* Returns whether to interrupt. */
static inline bool publish_used(struct device_queue *q) {
  uint16_t before = q->published_used, now = q->next_used;
  if (now == before) return false;
  q->published_used = now;
  atomic_store_explicit(&q->memory->used.idx, now, memory_order_seq_cst);
  uint16_t event = atomic_load_explicit(&q->memory->avail.used_event, memory_order_seq_cst);
  return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

static inline bool enable_notify(struct device_queue *q) {
  atomic_store_explicit(&q->memory->used.avail_event, q->next_avail, memory_order_seq_cst);
  return atomic_load_explicit(&q->memory->avail.idx, memory_order_acquire) != q->next_avail;
}

/* ---- who is to run: bits in the order of priorities ---- */

enum { IRQ = 1, DRIVER_RX = 2, DRIVER_TX = 4, VIRT_TX = 8, VIRT_RX = 16, COPIER = 32, CLIENT = 64 };
static uint32_t pending[CLIENTS + 1]; /* [0] is of the shared domains, [1 + i] of client i's */
static bool device_due;

/* ---- NIC and generator ---- */

static struct {
  struct device_queue rx, tx;
  uint32_t frame_bytes, window;
  size_t frames_at;
  uint32_t *queue;
  uint32_t queue_head, queue_count, released, in_flight_count;
  uint8_t *in_flight;
  uint64_t answered;
  bool irq;
} nic;

static void release(void) { nic.released = nic.queue_count; }

static void nic_receive(void) {
  while (nic.released > 0) {
    int head = pop(&nic.rx, true);
    if (head < 0) break;
    uint32_t slot = nic.queue[nic.queue_head];
    nic.queue_head = nic.queue_head + 1 == nic.window ? 0 : nic.queue_head + 1;
    nic.queue_count--;
    nic.released--;
    CHECK(nic.rx.segment_length[0] == HEADER_BYTES && nic.rx.segment_length[1] >= nic.frame_bytes, "rx chain");
    uint8_t *header = ram + nic.rx.segment[0];
    memset(header, 0, HEADER_BYTES);
    header[10] = 1;
    memcpy(ram + nic.rx.segment[1], ram + nic.frames_at + BUFFER_BYTES * (size_t)slot, nic.frame_bytes);
    nic.in_flight[slot] = 1;
    nic.in_flight_count++;
    push(&nic.rx, (uint32_t)head, HEADER_BYTES + nic.frame_bytes);
  }
  if (publish_used(&nic.rx)) nic.irq = true;
}

static inline uint16_t be16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static void generator_take(const uint8_t *frame, uint32_t bytes) {
  uint32_t magic, slot;
  CHECK(bytes == nic.frame_bytes, "answer length");
  CHECK(be16(frame + 12) == 0x0800 && frame[23] == 17 && be16(frame + 34) == 1235 && be16(frame + 36) == 40000, "answer");
  memcpy(&magic, frame + MARK_AT, 4);
  memcpy(&slot, frame + MARK_AT + 4, 4);
  CHECK(magic == MAGIC && slot < nic.window && nic.in_flight[slot], "answer mark");
  nic.in_flight[slot] = 0;
  nic.in_flight_count--;
  uint32_t at = nic.queue_head + nic.queue_count;
  nic.queue[at >= nic.window ? at - nic.window : at] = slot;
  nic.queue_count++;
  nic.answered++;
  if (nic.in_flight_count == 0 && nic.released == 0) release();
}

static void nic_transmit(void) {
  for (;;) {
    int head = pop(&nic.tx, false);
    if (head < 0 && enable_notify(&nic.tx)) head = pop(&nic.tx, false);
    if (head < 0) break;
    CHECK(nic.tx.segment_length[0] == HEADER_BYTES, "tx header");
    uint32_t bytes = nic.tx.segment_length[1];
    CHECK(bytes >= FRAME_MIN && bytes <= FRAME_MAX, "tx length");
    uint32_t first;
    memcpy(&first, ram + nic.tx.segment[0], 4);
    CHECK((first & 0xffff) == 0, "tx offload");
    generator_take(ram + nic.tx.segment[1], bytes);
    push(&nic.tx, (uint32_t)head, 0);
  }
  if (publish_used(&nic.tx)) nic.irq = true;
}

/* ---- driver ---- */

static struct {
  struct driver_queue rx, tx;
  struct consumer rx_free, tx_active;
  struct producer rx_active, tx_free;
  uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, dropped;
} drv;

static void rx_provide(void) {
  struct net_buff_desc d;
  bool any;
  for (;;) {
    any = false;
    while (drv.rx.free_count > 0 && dequeue(&drv.rx_free, &d)) {
      post(&drv.rx, d.io_or_offset, BUFFER_BYTES);
      any = true;
    }
    if (any) {
      consumer_publish(&drv.rx_free);
      if (publish_avail(&drv.rx)) device_due = true;
    }
    if ((RING - drv.rx.free_count) * 2 >= RING) return;
    request_signal(&drv.rx_free);
    if (drv.rx.free_count == 0 || !has_items(&drv.rx_free)) return;
    cancel_signal(&drv.rx_free);
  }
}

static void rx_return(void) {
  do {
    int chain;
    while ((chain = take_used(&drv.rx)) >= 0) {
      uint32_t length = drv.rx.taken_bytes - HEADER_BYTES;
      const uint8_t *header = drv.rx.memory->headers[chain].bytes;
      CHECK(header[10] == 1 && header[11] == 0, "num_buffers");
      if (length < FRAME_MIN || length > FRAME_MAX || !enqueue(&drv.rx_active, drv.rx.taken_address, (uint16_t)length, 0)) {
        post(&drv.rx, drv.rx.taken_address, BUFFER_BYTES);
        drv.dropped++;
      } else {
        drv.rx_packets++;
        drv.rx_bytes += length;
      }
    }
    if (producer_publish(&drv.rx_active)) pending[0] |= VIRT_RX;
    request_interrupt(&drv.rx);
  } while (has_used(&drv.rx));
}

static void tx_provide(void) {
  struct net_buff_desc d;
  for (;;) {
    bool any = false;
    while (drv.tx.free_count > 0 && dequeue(&drv.tx_active, &d)) {
      any = true;
      if (d.len < FRAME_MIN || d.len > FRAME_MAX) {
        enqueue(&drv.tx_free, d.io_or_offset, 0, 0);
        drv.dropped++;
      } else {
        post(&drv.tx, d.io_or_offset, d.len);
        drv.tx_packets++;
        drv.tx_bytes += d.len;
      }
    }
    if (any) {
      consumer_publish(&drv.tx_active);
      if (publish_avail(&drv.tx)) device_due = true;
    }
    request_signal(&drv.tx_active);
    if (drv.tx.free_count == 0 || !has_items(&drv.tx_active)) return;
    cancel_signal(&drv.tx_active);
  }
}

static void tx_return(void) {
  do {
    while (take_used(&drv.tx) >= 0) CHECK(enqueue(&drv.tx_free, drv.tx.taken_address, 0, 0), "tx free queue");
    if (producer_publish(&drv.tx_free)) pending[0] |= VIRT_TX;
    request_interrupt(&drv.tx);
  } while (has_used(&drv.tx));
}

/* ---- receive virtualiser ---- */

static uint64_t dma_paddr;
static size_t dma_at, client_rx_at[CLIENTS], client_tx_at[CLIENTS];
static const uint8_t MACS[CLIENTS][6] = {{0x52, 0x54, 1, 0, 0, 0x0a}, {0x52, 0x54, 1, 0, 0, 0x0b}};

static struct {
  struct consumer active, client_free[CLIENTS];
  struct producer free, client_active[CLIENTS];
  uint8_t refs[BUFFERS], holds[CLIENTS][BUFFERS];
  uint32_t at_driver;
  uint64_t packets, dropped;
} vrx;

static inline int buffer_index(uint64_t offset) {
  return offset < (uint64_t)BUFFERS * BUFFER_BYTES && offset % BUFFER_BYTES == 0 ? (int)(offset / BUFFER_BYTES) : -1;
}

static void to_driver(uint32_t index) {
  CHECK(enqueue(&vrx.free, dma_paddr + (uint64_t)index * BUFFER_BYTES, 0, 0), "rx free queue");
  vrx.at_driver++;
}

static void deliver(uint32_t index, uint16_t length) {
  const uint8_t *frame = ram + dma_at + (size_t)index * BUFFER_BYTES;
  static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
  uint8_t mac[6];
  memcpy(mac, frame, 6);
  if (length >= FRAME_MIN && memcmp(mac, broadcast, 6) == 0) {
    for (uint32_t c = 0; c < CLIENTS; c++) {
      if (!enqueue(&vrx.client_active[c], (uint64_t)index * BUFFER_BYTES, length, 0)) continue;
      vrx.holds[c][index] = 1;
      vrx.refs[index]++;
    }
    if (vrx.refs[index] == 0) to_driver(index);
    return;
  }
  for (uint32_t c = 0; length >= FRAME_MIN && c < CLIENTS; c++) {
    if (memcmp(mac, MACS[c], 6) != 0) continue;
    if (!enqueue(&vrx.client_active[c], (uint64_t)index * BUFFER_BYTES, length, 0)) break;
    vrx.holds[c][index] = 1;
    vrx.refs[index] = 1;
    return;
  }
  vrx.dropped++;
  to_driver(index);
}

static void virt_rx(void) {
  struct net_buff_desc d;
  do {
    bool any = false;
    while (dequeue(&vrx.active, &d)) {
      int index = buffer_index(d.io_or_offset - dma_paddr);
      any = true;
      if (index < 0 || vrx.refs[index] != 0) {
        vrx.dropped++;
        continue;
      }
      vrx.at_driver--;
      vrx.packets++;
      deliver((uint32_t)index, d.len);
    }
    if (any) consumer_publish(&vrx.active);
    request_signal(&vrx.active);
  } while (has_items(&vrx.active));
  for (uint32_t c = 0; c < CLIENTS; c++) {
    if (producer_publish(&vrx.client_active[c])) pending[1 + c] |= COPIER;
  }
  for (uint32_t c = 0; c < CLIENTS; c++) {
    for (;;) {
      bool any = false;
      while (dequeue(&vrx.client_free[c], &d)) {
        int index = buffer_index(d.io_or_offset);
        any = true;
        if (index < 0 || !vrx.holds[c][index]) {
          vrx.dropped++;
          continue;
        }
        vrx.holds[c][index] = 0;
        if (--vrx.refs[index] == 0) to_driver((uint32_t)index);
      }
      if (any) consumer_publish(&vrx.client_free[c]);
      if (vrx.at_driver * 2 >= BUFFERS) break;
      request_signal(&vrx.client_free[c]);
      if (!has_items(&vrx.client_free[c])) break;
      cancel_signal(&vrx.client_free[c]);
    }
  }
  if (producer_publish(&vrx.free)) pending[0] |= DRIVER_RX;
}

/* ---- copier ---- */

static struct copier {
  struct consumer active, client_free;
  struct producer free, client_active;
  uint64_t copies, bytes, dropped;
} copiers[CLIENTS];

static void copier(uint32_t c) {
  struct copier *s = &copiers[c];
  struct net_buff_desc d, b;
  do {
    bool any = false;
    while (dequeue(&s->active, &d)) {
      bool copied = false;
      any = true;
      if (buffer_index(d.io_or_offset) >= 0 && d.len <= BUFFER_BYTES &&
          (s->client_active.room > 0 || producer_look(&s->client_active) > 0)) {
        while (!copied && dequeue(&s->client_free, &b)) {
          if (buffer_index(b.io_or_offset) < 0) continue;
          memcpy(ram + client_rx_at[c] + b.io_or_offset, ram + dma_at + d.io_or_offset, d.len);
          enqueue(&s->client_active, b.io_or_offset, d.len, 0);
          s->copies++;
          s->bytes += d.len;
          copied = true;
        }
      }
      if (!copied) s->dropped++;
      CHECK(enqueue(&s->free, d.io_or_offset, d.len, 0), "copier free queue");
    }
    if (any) {
      consumer_publish(&s->active);
      consumer_publish(&s->client_free);
    }
    request_signal(&s->active);
  } while (has_items(&s->active));
  if (producer_publish(&s->client_active)) pending[1 + c] |= CLIENT;
  if (producer_publish(&s->free)) pending[0] |= VIRT_RX;
}

/* ---- echo client ---- */

static struct client {
  struct consumer active, tx_free;
  struct producer free, tx_active;
  int64_t buffer;
  uint64_t echoed, bytes, dropped;
} clients[CLIENTS];

static inline uint32_t sum16(const uint8_t *at, uint32_t bytes) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i + 1 < bytes; i += 2) {
    uint16_t half;
    memcpy(&half, at + i, 2);
    sum += half;
  }
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16);
}

static bool respond(uint32_t c, const uint8_t *rx, uint32_t length, uint8_t *tx) {
  const uint8_t ip[4] = {10, 0, 2, (uint8_t)(15 + c)};
  if (length < 42 || memcmp(rx, MACS[c], 6) != 0 || be16(rx + 12) != 0x0800) return false;
  uint32_t header = (rx[14] & 15u) * 4, total = be16(rx + 16);
  if (rx[14] < 0x45 || rx[14] > 0x4f || total < header || total > length - 14) return false;
  if (sum16(rx + 14, header) != 0xffff || memcmp(rx + 30, ip, 4) != 0) return false;
  if ((be16(rx + 20) & 0x3fff) != 0 || rx[23] != 17 || total - header < 8) return false;
  uint32_t udp = 14 + header, udp_bytes = be16(rx + udp + 4);
  if (udp_bytes < 8 || udp_bytes > total - header) return false;
  uint16_t port = be16(rx + udp + 2);
  if ((port != 1235 && port != 7) || be16(rx + udp) == 7) return false;
  memcpy(tx, rx, length);
  memcpy(tx, rx + 6, 6);
  memcpy(tx + 6, MACS[c], 6);
  memcpy(tx + 30, rx + 26, 4);
  memcpy(tx + 26, ip, 4);
  memcpy(tx + udp, rx + udp + 2, 2);
  memcpy(tx + udp + 2, rx + udp, 2);
  return true;
}

static bool has_tx_buffer(struct client *s) {
  struct net_buff_desc d;
  while (s->buffer < 0) {
    if (!dequeue(&s->tx_free, &d)) return false;
    if (buffer_index(d.io_or_offset) >= 0) s->buffer = (int64_t)d.io_or_offset;
  }
  return true;
}

static void client(uint32_t c) {
  struct client *s = &clients[c];
  struct net_buff_desc d;
  do {
    bool any = false;
    while (has_tx_buffer(s) && dequeue(&s->active, &d)) {
      any = true;
      if (buffer_index(d.io_or_offset) < 0 || d.len > BUFFER_BYTES) continue;
      if (respond(c, ram + client_rx_at[c] + d.io_or_offset, d.len, ram + client_tx_at[c] + s->buffer)) {
        if (enqueue(&s->tx_active, (uint64_t)s->buffer, d.len, 0)) s->buffer = -1;
        s->echoed++;
        s->bytes += d.len;
      } else {
        s->dropped++;
      }
      enqueue(&s->free, d.io_or_offset, 0, 0);
    }
    if (any) {
      consumer_publish(&s->active);
      consumer_publish(&s->tx_free);
    }
    if (s->buffer < 0) request_signal(&s->tx_free);
    request_signal(&s->active);
  } while (has_tx_buffer(s) && has_items(&s->active));
  if (producer_publish(&s->free)) pending[1 + c] |= COPIER;
  if (producer_publish(&s->tx_active)) pending[0] |= VIRT_TX;
}

/* ---- transmit virtualiser ---- */

static struct {
  struct consumer free, client_active[CLIENTS];
  struct producer active, client_free[CLIENTS];
  uint8_t with_driver[CLIENTS][BUFFERS];
  uint32_t count[CLIENTS];
  uint64_t packets, refused;
} vtx;

static void virt_tx_return(void) {
  struct net_buff_desc d;
  bool any = false;
  while (dequeue(&vtx.free, &d)) {
    any = true;
    for (uint32_t c = 0; c < CLIENTS; c++) {
      int index = buffer_index(d.io_or_offset - PADDR_BASE - client_tx_at[c]);
      if (index < 0) continue;
      CHECK(vtx.with_driver[c][index], "buffer from the driver");
      vtx.with_driver[c][index] = 0;
      vtx.count[c]--;
      CHECK(enqueue(&vtx.client_free[c], (uint64_t)index * BUFFER_BYTES, 0, 0), "client's free queue");
      break;
    }
  }
  if (any) consumer_publish(&vtx.free);
}

static void virt_tx(void) {
  struct net_buff_desc d;
  virt_tx_return();
  for (uint32_t c = 0; c < CLIENTS; c++) {
    for (;;) {
      bool any = false;
      while (dequeue(&vtx.client_active[c], &d)) {
        any = true;
        int index = d.oid == 0 ? buffer_index(d.io_or_offset) : -1;
        bool refused = d.len < FRAME_MIN || d.len > FRAME_MAX || index < 0;
        if (refused || vtx.with_driver[c][index]) {
          vtx.refused++;
          /* A duplicate does not go back: its buffer will, when the driver is done with it. */
          if (refused) enqueue(&vtx.client_free[c], d.io_or_offset, 0, d.oid);
          continue;
        }
        CHECK(enqueue(&vtx.active, PADDR_BASE + client_tx_at[c] + d.io_or_offset, d.len, 0), "driver's queue");
        vtx.with_driver[c][index] = 1;
        vtx.count[c]++;
        vtx.packets++;
      }
      if (any) consumer_publish(&vtx.client_active[c]);
      request_signal(&vtx.client_active[c]);
      if (!has_items(&vtx.client_active[c])) break;
      cancel_signal(&vtx.client_active[c]);
    }
  }
  for (;;) {
    virt_tx_return();
    bool wanted = false;
    for (uint32_t c = 0; c < CLIENTS; c++) wanted |= vtx.count[c] * 2 > BUFFERS;
    if (!wanted) break;
    request_signal(&vtx.free);
    if (!has_items(&vtx.free)) break;
    cancel_signal(&vtx.free);
  }
  for (uint32_t c = 0; c < CLIENTS; c++) {
    if (producer_publish(&vtx.client_free[c])) pending[1 + c] |= CLIENT;
  }
  if (producer_publish(&vtx.active)) pending[0] |= DRIVER_TX;
}

/* ---- putting it together ---- */

static void fill_free(struct net_queue *queue, uint64_t base) {
  for (uint32_t i = 0; i < BUFFERS; i++) {
    queue->buffers[i] = (struct net_buff_desc){.io_or_offset = base + (uint64_t)i * BUFFER_BYTES};
  }
  queue->tail = BUFFERS;
}

static void set_up(void) {
  struct virtq_memory *rx_rings = (struct virtq_memory *)(ram + take(sizeof *rx_rings));
  struct virtq_memory *tx_rings = (struct virtq_memory *)(ram + take(sizeof *tx_rings));
  dma_at = take(BUFFERS * BUFFER_BYTES);
  dma_paddr = PADDR_BASE + dma_at;
  struct connection driver_rx = connect_pair(BUFFERS), driver_tx = connect_pair(TX_CAPACITY);
  fill_free(driver_rx.free, dma_paddr);
  vrx.active = consumer_of(driver_rx.active, BUFFERS);
  vrx.free = producer_of(driver_rx.free, BUFFERS);
  vrx.at_driver = BUFFERS;
  vtx.free = consumer_of(driver_tx.free, TX_CAPACITY);
  vtx.active = producer_of(driver_tx.active, TX_CAPACITY);
  for (uint32_t c = 0; c < CLIENTS; c++) {
    client_rx_at[c] = take(BUFFERS * BUFFER_BYTES);
    client_tx_at[c] = take(BUFFERS * BUFFER_BYTES);
    struct connection rx = connect_pair(BUFFERS), copied = connect_pair(BUFFERS), tx = connect_pair(BUFFERS);
    fill_free(copied.free, 0);
    fill_free(tx.free, 0);
    vrx.client_active[c] = producer_of(rx.active, BUFFERS);
    vrx.client_free[c] = consumer_of(rx.free, BUFFERS);
    copiers[c].active = consumer_of(rx.active, BUFFERS);
    copiers[c].free = producer_of(rx.free, BUFFERS);
    copiers[c].client_active = producer_of(copied.active, BUFFERS);
    copiers[c].client_free = consumer_of(copied.free, BUFFERS);
    clients[c].active = consumer_of(copied.active, BUFFERS);
    clients[c].free = producer_of(copied.free, BUFFERS);
    clients[c].tx_active = producer_of(tx.active, BUFFERS);
    clients[c].tx_free = consumer_of(tx.free, BUFFERS);
    clients[c].buffer = -1;
    vtx.client_active[c] = consumer_of(tx.active, BUFFERS);
    vtx.client_free[c] = producer_of(tx.free, BUFFERS);
    cancel_signal(&copiers[c].client_free);
    cancel_signal(&clients[c].tx_free);
  }
  drv.rx_free = consumer_of(driver_rx.free, BUFFERS);
  drv.rx_active = producer_of(driver_rx.active, BUFFERS);
  drv.tx_free = producer_of(driver_tx.free, TX_CAPACITY);
  drv.tx_active = consumer_of(driver_tx.active, TX_CAPACITY);
  driver_queue_init(&drv.rx, rx_rings, true);
  driver_queue_init(&drv.tx, tx_rings, false);
  nic.rx.memory = rx_rings;
  nic.tx.memory = tx_rings;
  rx_provide();
}

static void put_be16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void build_frames(uint32_t frame_bytes, uint32_t window) {
  nic.frame_bytes = frame_bytes;
  nic.window = window;
  nic.frames_at = take((size_t)window * BUFFER_BYTES);
  nic.queue = calloc(window, sizeof *nic.queue);
  nic.in_flight = calloc(window, 1);
  for (uint32_t slot = 0; slot < window; slot++) {
    uint8_t *f = ram + nic.frames_at + (size_t)slot * BUFFER_BYTES;
    uint32_t magic = MAGIC;
    for (uint32_t i = 42; i < frame_bytes; i++) f[i] = (uint8_t)(i * 7 + slot);
    memcpy(f, MACS[0], 6);
    memcpy(f + 6, (uint8_t[]){2, 0, 0, 0, 0, 1}, 6);
    put_be16(f + 12, 0x0800);
    f[14] = 0x45;
    put_be16(f + 16, frame_bytes - 14);
    f[22] = 64;
    f[23] = 17;
    memcpy(f + 26, (uint8_t[]){10, 0, 2, 99, 10, 0, 2, 15}, 8);
    uint32_t sum = 0;
    for (uint32_t i = 14; i < 34; i += 2) sum += be16(f + i);
    sum = (sum & 0xffff) + (sum >> 16);
    put_be16(f + 24, ~((sum & 0xffff) + (sum >> 16)));
    put_be16(f + 34, 40000);
    put_be16(f + 36, 1235);
    put_be16(f + 38, frame_bytes - 34);
    memcpy(f + MARK_AT, &magic, 4);
    memcpy(f + MARK_AT + 4, &slot, 4);
    nic.queue[slot] = slot;
  }
  nic.queue_count = window;
  release();
}

/* One turn of the board, and all that the domains make of it, highest priority first. */
static void turn(void) {
  device_due = false;
  nic_transmit();
  nic_receive();
  if (nic.irq) {
    nic.irq = false;
    pending[0] |= IRQ;
  }
  for (;;) {
    if (pending[0] & IRQ) {
      pending[0] &= ~(uint32_t)IRQ;
      tx_return();
      rx_return();
      tx_provide();
      rx_provide();
    } else if (pending[0] & DRIVER_RX) {
      pending[0] &= ~(uint32_t)DRIVER_RX;
      rx_provide();
    } else if (pending[0] & DRIVER_TX) {
      pending[0] &= ~(uint32_t)DRIVER_TX;
      tx_provide();
    } else if (pending[0] & VIRT_TX) {
      pending[0] &= ~(uint32_t)VIRT_TX;
      virt_tx();
    } else if (pending[0] & VIRT_RX) {
      pending[0] &= ~(uint32_t)VIRT_RX;
      virt_rx();
    } else {
      bool idle = true;
      for (uint32_t c = 0; c < CLIENTS && idle; c++) {
        if (pending[1 + c] & COPIER) {
          pending[1 + c] &= ~(uint32_t)COPIER;
          copier(c);
          idle = false;
        }
      }
      for (uint32_t c = 0; c < CLIENTS && idle; c++) {
        if (pending[1 + c] & CLIENT) {
          pending[1 + c] &= ~(uint32_t)CLIENT;
          client(c);
          idle = false;
        }
      }
      if (idle) return;
    }
  }
}

static void work(void) {
  for (uint32_t i = 0; i < 64; i++) turn();
}

static uint64_t answered(void) {
  return nic.answered;
}

int main(int argc, char **argv) {
  fix_addresses(argv);
  if (argc != 3 && argc != 4) {
    fprintf(stderr, "usage: pipeline FRAME BATCH [MILLISECONDS]\n");
    return 2;
  }
  long frame = strtol(argv[1], NULL, 10), batch = strtol(argv[2], NULL, 10);
  CHECK(frame >= 50 && frame <= (long)FRAME_MAX, "a frame has 50 to 1514 bytes");
  CHECK(batch >= 1 && batch <= 256, "a batch has 1 to 256 frames");
  ram_bytes = 16u << 20;
  CHECK(posix_memalign((void **)&ram, 4096, ram_bytes) == 0, "no memory");
  memset(ram, 0, ram_bytes);
  build_frames((uint32_t)frame, (uint32_t)batch);
  set_up();
  return run_slices(&(struct workload){work, answered}, argc == 4 ? argv[3] : NULL);
}
