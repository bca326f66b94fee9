/**
 * The CSpace of a test process: what the driver has put where. Those of the initial thread keep
 * their places.
 */

export const SLOT_TCB = 1;
export const SLOT_CNODE = 2;
export const SLOT_VSPACE = 3;
export const SLOT_IRQ_CONTROL = 4;
export const SLOT_ASID_CONTROL = 5;
export const SLOT_ASID_POOL = 6;
export const SLOT_IPC_BUFFER = 10;
export const SLOT_DOMAIN = 11;
export const SLOT_SCHED_CONTEXT = 14;
export const SLOT_SCHED_CONTROL = 16;
export const SLOT_UNTYPED = 17;
export const SLOT_DEVICE_UNTYPED = 18;
export const SLOT_TIMER_HANDLER = 19;
export const SLOT_REPLY = 20;
/** Where the process reports that the test is over. */
export const SLOT_REPORT = 21;
/** An untyped of 2 MiB beside the large one. */
export const SLOT_SPARE_UNTYPED = 22;
export const SLOT_FIRST_FREE = 32;

export const PROCESS_CNODE_BITS = 12;
/** Depth of a slot named by its number: the CNode's guard takes up the rest. */
export const DEPTH = 64;

/** The driver's initial thread has 255; the test process comes directly below. */
export const OUR_PRIORITY = 254;
/** Addresses where buffers and pages of the process are mapped from. */
export const PROCESS_VADDR = 0x1000_0000;
export const PAGE_BYTES = 4096;
/** Budget and period, in microseconds, of threads that have not asked for others: round robin. */
export const TIME_SLICE_US = 5_000;
