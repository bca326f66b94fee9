/**
 * Where Microkit puts things in a protection domain's capability space and address space, and the
 * badges by which a domain tells its events apart. One table for both sides: the initialiser that
 * fills the slots and the runtime that uses them.
 *
 * The space has two levels: a root CNode of 64 slots, whose slot 0 holds the domain's own CNode of
 * 512 slots behind a guard of 49 zero bits. So a capability address below 512 is a slot of the
 * domain's own CNode, and slot s of the root (user capabilities, `cspace` in a description) has the
 * address s << 58.
 */

export const PD_ROOT_CNODE_RADIX = 6;
export const PD_CNODE_RADIX = 9;
export const PD_CNODE_GUARD_BITS = 64 - PD_ROOT_CNODE_RADIX - PD_CNODE_RADIX;

/** The domain's endpoint when somebody may call it or it has children, else its notification. */
export const SLOT_INPUT = 1;
export const SLOT_FAULT_ENDPOINT = 2;
export const SLOT_VSPACE = 3;
export const SLOT_REPLY = 4;
/** Passive domains only: where they ask for their scheduling context to be taken away. */
export const SLOT_MONITOR_ENDPOINT = 5;
/** Benchmark programs only: their own thread. */
export const SLOT_OWN_TCB = 6;
export const SLOT_OUTPUT_NOTIFICATION = 10;
export const SLOT_OUTPUT_ENDPOINT = 74;
export const SLOT_IRQ_HANDLER = 138;
export const SLOT_CHILD_TCB = 202;

/**
 * Identifiers of channels, interrupts and children in a domain are 0..61: bits 62 and 63 of a badge
 * are taken.
 */
export const IDENTIFIER_MAX = 61;

/** Bit 63 of a badge, in its high half: a protected call; the low six bits are the channel. */
export const BADGE_HIGH_CALL = 0x8000_0000;
/** Bit 62: a fault of a child; the low eight bits are the child. */
export const BADGE_HIGH_FAULT = 0x4000_0000;

/**
 * The monitor's slots for domain number n (in the description's order): its TCB, scheduling
 * context, notification.
 */
export const MONITOR_SLOT_TCB = 10;
export const MONITOR_SLOT_SCHED_CONTEXT = 74;
export const MONITOR_SLOT_NOTIFICATION = 138;
export const MONITOR_PRIORITY = 255;
/** Microseconds; budget and period are the same. */
export const MONITOR_BUDGET_US = 1000;

export const PAGE_BYTES = 4096;

/** Where a program image lies: its text, which is not memory here, and behind it its data. */
export const IMAGE_BASE = 0x20_0000;
/**
 * The words that the description patches (`setvar`), eight bytes each in the order of the symbols.
 */
export const IMAGE_DATA = IMAGE_BASE + PAGE_BYTES;
const ENTRY_ALIGNMENT = 64;

/**
 * Where domain number `index` starts. The kernel finds program text by its entry address alone, so
 * that the entries of all images differ; Microkit's are all equal to {@link IMAGE_BASE}.
 */
export function entryAddress(index: number): number {
  return IMAGE_BASE + ENTRY_ALIGNMENT * index;
}

/**
 * Where it starts when its own memory is to be as at boot: a second entry point, as of start-up
 * code in the page before the image that clears the memory and goes on to the first.
 */
export function freshEntryAddress(index: number): number {
  return entryAddress(index) - PAGE_BYTES;
}

/** User address space ends here (Sv39, seL4); the last page below is the IPC buffer. */
export const USER_TOP = 0x3f_ffff_f000;
export const IPC_BUFFER_VADDR = USER_TOP - PAGE_BYTES;
/**
 * The stack of machine code ends here; between it and the IPC buffer is a page that is not mapped.
 */
export const STACK_TOP = IPC_BUFFER_VADDR - PAGE_BYTES;
