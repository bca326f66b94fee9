/* A client of the block class: writes four blocks, reads them back, and says whether they are the
 * same. When the virtualiser dies meanwhile, it begins once more. */
#include "../lib/print.h"
#include "../sddf/blk/config.h"
#include "../sddf/blk/end.h"
#include "../sddf/blk/queue.h"
#include "../sddf/blk/storage_info.h"
#include "../sddf/restart/member.h"

#define BLOCKS 4
#define FIRST_BLOCK 3
#define WORDS (BLOCKS * BLK_TRANSFER_BYTES / sizeof(uint64_t))
/* Read blocks go behind written ones. */
#define READ_OFFSET (BLOCKS * BLK_TRANSFER_BYTES)

CONFIG_SECTION(".blk_client_config") struct blk_client_config config = {0};
CONFIG_SECTION(".restart_config") struct restart_config restart_config = {0};

static enum { NOT_READY, WRITING, READING, DONE } state;
static bool is_virt_down;
static struct restart_member member;

static uint64_t pattern(uint64_t word)
{
    return (word + 1) * 0x9e3779b97f4a7c15ul;
}

static void request(enum blk_code code, uint64_t offset)
{
    struct blk_request wanted = {
        .code = code, .io_or_offset = offset, .block_number = FIRST_BLOCK, .count = BLOCKS, .id = code};
    require(blk_enqueue_request(config.virt.req_queue.vaddr, config.virt.num_buffers, &wanted), "the queue is full");
    microkit_notify(config.virt.id);
}

static void begin(void)
{
    const struct blk_storage_info *info = config.virt.storage_info.vaddr;
    uint64_t *words = config.data.vaddr;

    if (is_virt_down || __atomic_load_n(&info->ready, __ATOMIC_ACQUIRE) == 0) {
        return;
    }
    print("blk: %lu blocks, sectors of %u bytes\n", info->capacity, info->sector_size);
    for (uint64_t word = 0; word < WORDS; word++) {
        words[word] = pattern(word);
    }
    state = WRITING;
    request(BLK_WRITE, 0);
}

static void compare(void)
{
    const uint64_t *words = (const uint64_t *)config.data.vaddr + READ_OFFSET / sizeof(uint64_t);
    uint64_t different = 0;
    for (uint64_t word = 0; word < WORDS; word++) {
        different += words[word] != pattern(word);
    }
    print("blk: read back, %lu words are different\n", different);
    state = DONE;
}

static void handle(const struct blk_response *response)
{
    require(response->status == BLK_OK && response->success_count == BLOCKS, "a request has failed");
    if (state == WRITING && response->id == BLK_WRITE) {
        state = READING;
        request(BLK_READ, READ_OFFSET);
    } else if (state == READING && response->id == BLK_READ) {
        compare();
    }
}

static void close_connection(microkit_channel channel)
{
    (void)channel;
    is_virt_down = true;
    blk_empty_queues(&config.virt);
}

/* What was under way has failed, as far as we can know: it is all made again. */
static void open_connection(microkit_channel channel)
{
    (void)channel;
    is_virt_down = false;
    if (state == WRITING || state == READING) {
        print("blk: another virtualiser: once more\n");
        state = NOT_READY;
    }
    if (state == NOT_READY) {
        begin();
    }
}

static const struct restart_connections connections = {.close = close_connection, .open = open_connection};

void init(void)
{
    require(sddf_has_magic(config.magic, SDDF_CLASS_BLK), "section .blk_client_config is not filled in");
    require(config.data.size >= 2 * READ_OFFSET, "the data region is too small");
    state = NOT_READY;
    is_virt_down = false;
    restart_join(&member, &restart_config, &connections);
    if (restart_is_abandoned(&member, config.virt.id)) {
        close_connection(config.virt.id);
    }
    begin();
    restart_begin(&member);
}

void notified(microkit_channel ch)
{
    struct blk_response response;

    if (restart_notified(&member, ch) || ch != config.virt.id) {
        return;
    }
    if (state == NOT_READY) {
        begin();
    }
    while (blk_dequeue_response(config.virt.resp_queue.vaddr, config.virt.num_buffers, &response)) {
        handle(&response);
    }
}
