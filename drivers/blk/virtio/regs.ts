/**
 * Registers and numbers of a virtio block device behind virtio-mmio version 2, as a driver needs
 * them. Source: virtio 1.2, §4.2.2 (registers), §2.1 (status), §6 (features), §5.2 (block device).
 */

/** §4.2.2, table of MMIO registers; all are 32 bits wide. */
export const REG_MAGIC_VALUE = 0x000; // "virt"
export const REG_VERSION = 0x004;
export const REG_DEVICE_ID = 0x008;
export const REG_DEVICE_FEATURES = 0x010;
export const REG_DEVICE_FEATURES_SEL = 0x014;
export const REG_DRIVER_FEATURES = 0x020;
export const REG_DRIVER_FEATURES_SEL = 0x024;
export const REG_QUEUE_SEL = 0x030;
export const REG_QUEUE_SIZE_MAX = 0x034;
export const REG_QUEUE_SIZE = 0x038;
export const REG_QUEUE_READY = 0x044;
export const REG_QUEUE_NOTIFY = 0x050;
export const REG_INTERRUPT_STATUS = 0x060;
export const REG_INTERRUPT_ACK = 0x064;
export const REG_STATUS = 0x070;
export const REG_QUEUE_DESC_LOW = 0x080;
export const REG_QUEUE_DESC_HIGH = 0x084;
export const REG_QUEUE_DRIVER_LOW = 0x090;
export const REG_QUEUE_DRIVER_HIGH = 0x094;
export const REG_QUEUE_DEVICE_LOW = 0x0a0;
export const REG_QUEUE_DEVICE_HIGH = 0x0a4;
export const REG_CONFIG_GENERATION = 0x0fc;
export const REG_CONFIG = 0x100;

export const MAGIC_VALUE = 0x7472_6976;
export const VERSION = 2;
export const DEVICE_ID_BLOCK = 2;

/** §2.1 device status. */
export const STATUS_ACKNOWLEDGE = 1;
export const STATUS_DRIVER = 2;
export const STATUS_DRIVER_OK = 4;
export const STATUS_FEATURES_OK = 8;
export const STATUS_NEEDS_RESET = 64;
export const STATUS_FAILED = 128;

/** §4.2.2 InterruptStatus. */
export const INTERRUPT_USED_BUFFER = 1;
export const INTERRUPT_CONFIG_CHANGE = 2;

/** §5.2.3 and §6, feature bits: of word 0, except VERSION_1, which is bit 0 of word 1. */
export const F_SIZE_MAX = 1 << 1;
export const F_SEG_MAX = 1 << 2;
export const F_RO = 1 << 5;
export const F_BLK_SIZE = 1 << 6;
export const F_FLUSH = 1 << 9;
export const F_DISCARD = 1 << 13;
export const F_WRITE_ZEROES = 1 << 14;
export const F_INDIRECT_DESC = 1 << 28;
export const F_EVENT_IDX = 1 << 29;
export const F_WORD1_VERSION_1 = 1;

/** §5.2.4, fields of the configuration space. */
export const CONFIG_CAPACITY_LOW = REG_CONFIG + 0;
export const CONFIG_CAPACITY_HIGH = REG_CONFIG + 4;
export const CONFIG_SIZE_MAX = REG_CONFIG + 8;
export const CONFIG_SEG_MAX = REG_CONFIG + 12;
export const CONFIG_BLK_SIZE = REG_CONFIG + 20;
export const CONFIG_MAX_DISCARD_SECTORS = REG_CONFIG + 36;
export const CONFIG_MAX_WRITE_ZEROES_SECTORS = REG_CONFIG + 48;

/** §5.2.6, request types and status. */
export const T_IN = 0;
export const T_OUT = 1;
export const T_FLUSH = 4;
export const T_GET_ID = 8;
export const T_DISCARD = 11;
export const T_WRITE_ZEROES = 13;
export const S_OK = 0;
export const S_IOERR = 1;
export const S_UNSUPP = 2;

export const SECTOR_BYTES = 512;
export const ID_BYTES = 20;
