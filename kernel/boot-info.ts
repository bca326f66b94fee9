/** What the kernel tells the initial thread: seL4_BootInfo, in memory and as a typed object. */

/** A run of capability slots of the initial thread's CSpace: `start <= slot < end`. */
export interface SlotRegion {
  readonly start: number;
  readonly end: number;
}

/** One entry of the list of untypeds. */
export interface UntypedDescription {
  /** Its slot, which is also its cptr. */
  readonly slot: number;
  readonly paddr: number;
  readonly sizeBits: number;
  /** Device untypeds hold registers: only frames and untypeds can be made of them. */
  readonly isDevice: 'yes' | 'no';
}

/**
 * The boot information. The same values lie in a frame at `bootInfoVaddr` in seL4's layout; this
 * object saves a root task written in TypeScript from parsing it.
 */
export interface BootInfo {
  /** Virtual address of the initial thread's IPC buffer; register tp holds it too. */
  readonly ipcBufferVaddr: number;
  readonly bootInfoVaddr: number;
  /** Slots without a capability. */
  readonly empty: SlotRegion;
  readonly userImageFrames: SlotRegion;
  readonly userImagePaging: SlotRegion;
  /** One slot: the scheduling control capability of the only core. */
  readonly schedControl: SlotRegion;
  readonly untyped: SlotRegion;
  /** Entry i is in slot `untyped.start + i`. */
  readonly untypedList: readonly UntypedDescription[];
  /**
   * log2 of the slots of the root CNode. Its guard is 0, so that a slot number is a cptr of depth
   * 64.
   */
  readonly initThreadCNodeSizeBits: number;
  readonly initThreadDomain: number;
}

const UNTYPED_LIST_OFFSET = 184;
const UNTYPED_ENTRY_BYTES = 16;

/** Writes the boot information in seL4's layout: 64-bit words, then the list of untypeds. */
export function writeBootInfo(view: DataView, at: number, info: BootInfo): void {
  const none: SlotRegion = { start: 0, end: 0 };
  const words = [
    0, // bytes of extra boot information
    0, // node
    1, // nodes
    0, // levels of input-output page tables
    info.ipcBufferVaddr,
    ...region(info.empty),
    ...region(none), // shared frames
    ...region(info.userImageFrames),
    ...region(info.userImagePaging),
    ...region(none), // input-output spaces
    ...region(none), // pages of extra boot information
    info.initThreadCNodeSizeBits,
    info.initThreadDomain,
    ...region(info.schedControl),
    ...region(info.untyped),
  ];
  words.forEach((word, i) => view.setUint32(at + 8 * i, word, true));
  info.untypedList.forEach((untyped, i) => {
    const entry = at + UNTYPED_LIST_OFFSET + UNTYPED_ENTRY_BYTES * i;
    view.setUint32(entry, untyped.paddr, true);
    view.setUint8(entry + 8, untyped.sizeBits);
    view.setUint8(entry + 9, untyped.isDevice === 'yes' ? 1 : 0);
  });
}

function region({ start, end }: SlotRegion): [number, number] {
  return [start, end];
}
