/* What is known of a medium, in memory that the block driver writes and clients read. */
#pragma once

#include "../layout.h"

#define BLK_SERIAL_BYTES 64
/* Bytes of a block of this class, whatever the medium's sectors are. */
#define BLK_TRANSFER_BYTES 4096

struct blk_storage_info {
    char serial_number[BLK_SERIAL_BYTES];
    uint8_t read_only;
    /* 1 once the rest is valid. */
    uint8_t ready;
    uint16_t sector_size;
    /* Best size of a request, in blocks; 0: unknown. */
    uint16_t block_size;
    uint16_t queue_depth;
    uint16_t cylinders;
    uint16_t heads;
    uint16_t blocks;
    /* In blocks of BLK_TRANSFER_BYTES. */
    uint64_t capacity;
};

LAYOUT_FIELD(struct blk_storage_info, read_only, 64);
LAYOUT_FIELD(struct blk_storage_info, ready, 65);
LAYOUT_FIELD(struct blk_storage_info, sector_size, 66);
LAYOUT_FIELD(struct blk_storage_info, block_size, 68);
LAYOUT_FIELD(struct blk_storage_info, queue_depth, 70);
LAYOUT_FIELD(struct blk_storage_info, cylinders, 72);
LAYOUT_FIELD(struct blk_storage_info, heads, 74);
LAYOUT_FIELD(struct blk_storage_info, blocks, 76);
LAYOUT_FIELD(struct blk_storage_info, capacity, 80);
LAYOUT_BYTES(struct blk_storage_info, 88);
