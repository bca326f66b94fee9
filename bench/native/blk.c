/*
 * The block data path as one C program: what `bench/blk.ts` compares the testbed with.
 *
 * Same queues (sDDF 0.7 layout, private cursors, one publication for a batch), same stages (client,
 * virtualiser, driver, virtqueue with indirect descriptors and EVENT_IDX, device with DMA to a disk
 * in memory, and back), same checks, the same one copy of the data. No kernel and no protection: a
 * notification is a flag that the main loop looks at, in the order of priorities.
 *
 *     blk BYTES DEPTH random|sequential [MILLISECONDS]        see slices.h; what is done are requests
 */
#define _POSIX_C_SOURCE 200809L
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slices.h"

#define BLOCK 4096u
#define SECTOR 512u
#define DISK_BYTES (64u * 1024 * 1024)
#define CAPACITY 128u
#define DRIVER_CAPACITY 256u
#define WINDOW 128u
#define RING 128u
#define PADDR_BASE 0x80000000ull
#define RAM_BYTES (96u * 1024 * 1024)

#define CHECK(condition, what) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "blk: %s\n", what); \
      exit(1); \
    } \
  } while (0)

/* ---- memory that domains share ---- */

static uint8_t *ram;
static size_t ram_used;
static uint8_t *disk;

static size_t take(size_t bytes) {
  size_t at = ram_used;
  ram_used += (bytes + 4095u) & ~(size_t)4095u;
  CHECK(ram_used <= RAM_BYTES, "RAM is too small");
  return at;
}

struct request {
  uint32_t code, hole0;
  uint64_t io_or_offset, block_number;
  uint16_t count, hole1;
  uint32_t id;
};

struct response {
  uint32_t status;
  uint16_t success_count, hole;
  uint32_t id;
};

struct request_queue {
  _Atomic uint32_t head, tail;
  uint8_t plugged, hole[7];
  struct request entries[];
};

struct response_queue {
  _Atomic uint32_t head, tail;
  struct response entries[];
};

_Static_assert(sizeof(struct request) == 32, "sDDF's request");
_Static_assert(sizeof(struct response) == 12, "sDDF's response");

/* One connection as both ends see it: queues in shared memory, cursors that are private. */
struct connection {
  struct request_queue *requests;
  struct response_queue *responses;
  uint32_t capacity;
  uint32_t request_tail, request_head, response_tail, response_head;
};

static void connect_queues(struct connection *c, uint32_t capacity) {
  c->requests = (void *)(ram + take(sizeof(struct request_queue) + 32u * capacity));
  c->responses = (void *)(ram + take(sizeof(struct response_queue) + 12u * capacity));
  c->capacity = capacity;
}

static uint32_t request_room(const struct connection *c) {
  uint32_t used = c->request_tail - atomic_load_explicit(&c->requests->head, memory_order_acquire);
  return used > c->capacity ? 0 : c->capacity - used;
}

static void send_request(struct connection *c, struct request request) {
  c->requests->entries[c->request_tail++ & (c->capacity - 1)] = request;
}

static uint32_t requests_waiting(const struct connection *c) {
  uint32_t n = atomic_load_explicit(&c->requests->tail, memory_order_acquire) - c->request_head;
  return n > c->capacity ? c->capacity : n;
}

static uint32_t response_room(const struct connection *c) {
  uint32_t used = c->response_tail - atomic_load_explicit(&c->responses->head, memory_order_acquire);
  return used > c->capacity ? 0 : c->capacity - used;
}

static void send_response(struct connection *c, uint32_t status, uint16_t count, uint32_t id) {
  c->responses->entries[c->response_tail++ & (c->capacity - 1)] =
      (struct response){.status = status, .success_count = count, .id = id};
}

static uint32_t responses_waiting(const struct connection *c) {
  uint32_t n = atomic_load_explicit(&c->responses->tail, memory_order_acquire) - c->response_head;
  return n > c->capacity ? c->capacity : n;
}

/* ---- virtqueue ---- */

struct desc {
  uint64_t addr;
  uint32_t len;
  uint16_t flags, next;
};

struct header {
  uint32_t type, reserved;
  uint64_t sector;
};

struct used_elem {
  uint32_t id, len;
};

static struct desc *ring, *tables;
static struct header *headers;
static uint8_t *status_bytes;
static _Atomic uint16_t *avail_idx, *used_idx;
static uint16_t *avail_ring, *used_event, *avail_event;
static struct used_elem *used_ring;

static uint64_t paddr_of(const void *at) { return PADDR_BASE + (uint64_t)((const uint8_t *)at - ram); }

/* ---- what runs when ---- */

static bool client_due, virt_due, driver_due, device_due, irq_due;
static struct connection client_virt, virt_driver;

/* ---- client ---- */

static uint32_t request_bytes, depth, places, next_place, prng = 1;
static bool is_random;
static uint64_t answered;

static void client_send(uint32_t slot) {
  uint32_t place = next_place;
  if (is_random) {
    prng = prng * 1664525u + 1013904223u;
    place = (prng >> 8) % places;
  } else {
    next_place = (next_place + 1) % places;
  }
  uint32_t blocks = request_bytes / BLOCK;
  send_request(&client_virt, (struct request){.code = 0,
                                              .io_or_offset = (uint64_t)slot * request_bytes,
                                              .block_number = (uint64_t)place * blocks,
                                              .count = (uint16_t)blocks,
                                              .id = slot});
}

static void client_publish(void) {
  atomic_store(&client_virt.requests->tail, client_virt.request_tail);
  virt_due = true;
}

static void client_notified(void) {
  uint32_t n = responses_waiting(&client_virt);
  if (n == 0) return;
  answered += n;
  for (; n > 0; n--) {
    struct response r = client_virt.responses->entries[client_virt.response_head++ & (CAPACITY - 1)];
    CHECK(r.status == 0, "a request has failed");
    client_send(r.id);
  }
  atomic_store(&client_virt.responses->head, client_virt.response_head);
  client_publish();
}

/* ---- virtualiser ---- */

struct in_flight {
  int32_t client;
  uint32_t id;
};

static struct in_flight table[WINDOW];
static uint32_t free_ids[WINDOW], free_count;
static uint64_t data_bytes, data_paddr;

static void virt_notified(void) {
  uint32_t n = responses_waiting(&virt_driver);
  bool told = false, sent = false;
  for (; n > 0; n--) {
    struct response r = virt_driver.responses->entries[virt_driver.response_head++ & (DRIVER_CAPACITY - 1)];
    if (r.id >= WINDOW || table[r.id].client < 0) continue;
    send_response(&client_virt, r.status, r.success_count, table[r.id].id);
    table[r.id].client = -1;
    free_ids[free_count++] = r.id;
    told = true;
  }
  atomic_store(&virt_driver.responses->head, virt_driver.response_head);
  uint32_t waiting = requests_waiting(&client_virt);
  while (waiting > 0 && free_count > 0 && request_room(&virt_driver) > 0 &&
         response_room(&client_virt) > WINDOW - free_count) {
    struct request r = client_virt.requests->entries[client_virt.request_head++ & (CAPACITY - 1)];
    waiting--;
    uint64_t blocks = DISK_BYTES / BLOCK, bytes = (uint64_t)r.count * BLOCK;
    bool fits = r.code <= 1 && r.count != 0 && r.block_number <= blocks &&
                r.count <= blocks - r.block_number && r.io_or_offset <= data_bytes &&
                bytes <= data_bytes - r.io_or_offset && r.io_or_offset % BLOCK == 0;
    if (!fits) {
      send_response(&client_virt, 2, 0, r.id);
      told = true;
      continue;
    }
    uint32_t id = free_ids[--free_count];
    table[id] = (struct in_flight){.client = 0, .id = r.id};
    r.io_or_offset += data_paddr;
    r.id = id;
    send_request(&virt_driver, r);
    sent = true;
  }
  atomic_store(&client_virt.requests->head, client_virt.request_head);
  if (told) {
    atomic_store(&client_virt.responses->tail, client_virt.response_tail);
    client_due = true;
  }
  if (sent) {
    atomic_store(&virt_driver.requests->tail, virt_driver.request_tail);
    driver_due = true;
  }
}

/* ---- driver ---- */

static uint16_t chains[RING], chain_count, next_avail, published_avail, next_used;
static uint8_t outstanding[RING];
static struct request flights[RING];

static void driver_provide(void) {
  uint32_t waiting = requests_waiting(&virt_driver);
  while (waiting > 0 && chain_count > 0 &&
         response_room(&virt_driver) > (uint32_t)(RING - chain_count)) {
    struct request r = virt_driver.requests->entries[virt_driver.request_head++ & (DRIVER_CAPACITY - 1)];
    waiting--;
    uint16_t chain = chains[--chain_count];
    struct desc *t = tables + 3u * chain;
    headers[chain] = (struct header){.type = r.code, .sector = r.block_number * (BLOCK / SECTOR)};
    status_bytes[chain] = 0xff;
    t[0] = (struct desc){paddr_of(&headers[chain]), 16, 1, 1};
    t[1] = (struct desc){r.io_or_offset, r.count * BLOCK, (uint16_t)(r.code == 0 ? 3 : 1), 2};
    t[2] = (struct desc){paddr_of(&status_bytes[chain]), 1, 2, 0};
    ring[chain].len = 48;
    outstanding[chain] = 1;
    flights[chain] = r;
    avail_ring[next_avail++ & (RING - 1)] = chain;
  }
  atomic_store(&virt_driver.requests->head, virt_driver.request_head);
  if (next_avail == published_avail) return;
  atomic_store(avail_idx, next_avail);
  uint16_t event = *avail_event;
  bool kick = (uint16_t)(next_avail - event - 1) < (uint16_t)(next_avail - published_avail);
  published_avail = next_avail;
  if (kick) device_due = true;
}

static void driver_irq(void) {
  bool told = false;
  do {
    uint16_t pending = (uint16_t)(atomic_load(used_idx) - next_used);
    CHECK(pending <= RING - chain_count, "a used index that cannot be");
    for (; pending > 0; pending--) {
      struct used_elem e = used_ring[next_used++ & (RING - 1)];
      CHECK(e.id < RING && outstanding[e.id], "a used id that cannot be");
      struct request *r = &flights[e.id];
      outstanding[e.id] = 0;
      chains[chain_count++] = (uint16_t)e.id;
      uint8_t status = status_bytes[e.id];
      send_response(&virt_driver, status == 0 ? 0 : 3, status == 0 ? r->count : 0, r->id);
      told = true;
    }
    *used_event = next_used;
    atomic_thread_fence(memory_order_seq_cst);
  } while (atomic_load(used_idx) != next_used);
  if (told) {
    atomic_store(&virt_driver.responses->tail, virt_driver.response_tail);
    virt_due = true;
  }
  driver_provide();
}

/* ---- device ---- */

static uint16_t device_avail, device_used, device_published;

/* Offset in RAM of what the driver has named, if the device may reach it. */
static size_t translate(uint64_t addr, uint32_t len) {
  uint64_t at = addr - PADDR_BASE;
  CHECK(at <= RAM_BYTES && len <= RAM_BYTES - at, "DMA outside RAM");
  return at;
}

static void device_request(uint16_t head) {
  CHECK(head < RING, "a head that cannot be");
  struct desc outer = ring[head];
  CHECK((outer.flags & 4) != 0 && outer.len % 16 == 0, "an indirect table that cannot be");
  const struct desc *t = (const void *)(ram + translate(outer.addr, outer.len));
  uint32_t n = outer.len / 16, at = 0, data_count = 0, written = 0;
  size_t header_at = 0, status_at = 0, data_at[8];
  uint32_t data_len[8];
  for (uint32_t i = 0; i < n; i++) {
    struct desc d = t[at];
    size_t where = translate(d.addr, d.len);
    if (i == 0) header_at = where;
    else if ((d.flags & 1) == 0) status_at = where;
    else if (data_count < 8) {
      data_at[data_count] = where;
      data_len[data_count++] = d.len;
    }
    if ((d.flags & 2) != 0) written += d.len;
    if ((d.flags & 1) == 0) break;
    CHECK(d.next < n, "a next that cannot be");
    at = d.next;
  }
  struct header h;
  memcpy(&h, ram + header_at, sizeof h);
  uint64_t place = h.sector * SECTOR;
  uint8_t status = 0;
  for (uint32_t i = 0; i < data_count; i++) {
    if (place > DISK_BYTES || data_len[i] > DISK_BYTES - place || data_len[i] % SECTOR != 0) {
      status = 1;
      break;
    }
    if (h.type == 0) memcpy(ram + data_at[i], disk + place, data_len[i]);
    else memcpy(disk + place, ram + data_at[i], data_len[i]);
    place += data_len[i];
  }
  ram[status_at] = status;
  used_ring[device_used++ & (RING - 1)] = (struct used_elem){head, written};
}

static void device_turn(void) {
  do {
    uint16_t index = atomic_load(avail_idx);
    CHECK((uint16_t)(index - device_avail) <= RING, "an available index that cannot be");
    while (device_avail != index) device_request(avail_ring[device_avail++ & (RING - 1)]);
    *avail_event = device_avail;
    atomic_thread_fence(memory_order_seq_cst);
  } while (atomic_load(avail_idx) != device_avail);
  if (device_used == device_published) return;
  atomic_store(used_idx, device_used);
  uint16_t event = *used_event;
  if ((uint16_t)(device_used - event - 1) < (uint16_t)(device_used - device_published)) irq_due = true;
  device_published = device_used;
}

/* ---- all of it ---- */

static void set_up(void) {
  ram = aligned_alloc(4096, RAM_BYTES);
  disk = aligned_alloc(4096, DISK_BYTES);
  CHECK(ram != NULL && disk != NULL, "no memory");
  memset(ram, 0, RAM_BYTES);
  memset(disk, 7, DISK_BYTES);
  connect_queues(&client_virt, CAPACITY);
  connect_queues(&virt_driver, DRIVER_CAPACITY);
  ring = (void *)(ram + take(16u * RING));
  tables = (void *)(ram + take(48u * RING));
  headers = (void *)(ram + take(16u * RING));
  status_bytes = ram + take(RING);
  uint8_t *avail = ram + take(6 + 2u * RING), *used = ram + take(6 + 8u * RING);
  avail_idx = (void *)(avail + 2);
  avail_ring = (void *)(avail + 4);
  used_event = (void *)(avail + 4 + 2u * RING);
  used_idx = (void *)(used + 2);
  used_ring = (void *)(used + 4);
  avail_event = (void *)(used + 4 + 8u * RING);
  for (uint16_t i = 0; i < RING; i++) {
    ring[i] = (struct desc){paddr_of(tables + 3u * i), 48, 4, 0};
    chains[chain_count++] = (uint16_t)(RING - 1 - i);
  }
  for (uint32_t i = 0; i < WINDOW; i++) {
    free_ids[free_count++] = i;
    table[i].client = -1;
  }
  data_bytes = (uint64_t)request_bytes * depth;
  data_paddr = PADDR_BASE + take(data_bytes);
  places = DISK_BYTES / request_bytes;
}

static void work(void) {
  for (int i = 0; i < 200; i++) {
    if (irq_due) irq_due = false, driver_irq();
    else if (driver_due) driver_due = false, driver_provide();
    else if (virt_due) virt_due = false, virt_notified();
    else if (client_due) client_due = false, client_notified();
    else if (device_due) device_due = false, device_turn();
    else CHECK(false, "nothing is left to do");
  }
}

static uint64_t requests_answered(void) {
  return answered;
}

int main(int argc, char **argv) {
  fix_addresses(argv);
  CHECK(argc == 4 || argc == 5, "usage: blk BYTES DEPTH random|sequential [MILLISECONDS]");
  request_bytes = (uint32_t)atoi(argv[1]);
  depth = (uint32_t)atoi(argv[2]);
  is_random = strcmp(argv[3], "random") == 0;
  CHECK(request_bytes >= BLOCK && request_bytes % BLOCK == 0, "BYTES is a multiple of 4096");
  CHECK(depth >= 1 && depth <= CAPACITY, "DEPTH is 1 to 128");
  set_up();
  for (uint32_t slot = 0; slot < depth; slot++) client_send(slot);
  client_publish();
  return run_slices(&(struct workload){work, requests_answered}, argc == 5 ? argv[4] : NULL);
}
