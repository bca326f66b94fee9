/**
 * What a description is checked against: the architecture and the kernel's configuration. The
 * reader and the validator are parametric in it, so that descriptions for other boards can be
 * checked here too.
 */

/** RAM that belongs to somebody before any region gets some. */
export interface ReservedRam {
  /** As messages call it. */
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
}

export interface Target {
  readonly name: string;
  readonly arch: 'aarch64' | 'riscv64' | 'x86_64';
  /** The kernel can run virtual machines. */
  readonly hypervisor: boolean;
  /** The kernel controls an IOMMU. */
  readonly iommu: boolean;
  /** The kernel forwards secure monitor calls; absent where the architecture has none. */
  readonly armSmc?: boolean;
  readonly cores: number;
  /** Scheduling domains: identifiers are below this. */
  readonly domains: number;
  /** Entries of the domain schedule, end markers included, are below this. */
  readonly domainScheduleEntries: number;
  /** First address that user threads cannot use. */
  readonly userTop: bigint;
  /** No region may be placed there; none where boards differ. */
  readonly reservedRam?: readonly ReservedRam[];
}

const COMMON = { cores: 1, domains: 16, domainScheduleEntries: 100 } as const;

/** The board of this testbed: RISC-V 64 with Sv39 page tables. */
export const RISCV64: Target = {
  ...COMMON,
  name: 'riscv64',
  arch: 'riscv64',
  hypervisor: false,
  iommu: false,
  userTop: 0x3f_ffff_f000n,
  // qemu_virt_riscv64: OpenSBI has the first 2 MiB, and the kernel is linked behind it, in pages of
  // 2 MiB, of which its image has one at least.
  reservedRam: [
    { name: "the firmware's RAM", start: 0x8000_0000n, end: 0x8020_0000n },
    { name: "the kernel's RAM", start: 0x8020_0000n, end: 0x8040_0000n },
  ],
};

export const AARCH64: Target = {
  ...COMMON,
  name: 'aarch64',
  arch: 'aarch64',
  hypervisor: true,
  iommu: false,
  armSmc: false,
  userTop: 0xff_ffff_ffffn,
};

export const X86_64: Target = {
  ...COMMON,
  name: 'x86_64',
  arch: 'x86_64',
  hypervisor: true,
  iommu: true,
  userTop: 0x7fff_ffff_efffn,
};

export const TARGETS: readonly Target[] = [RISCV64, AARCH64, X86_64];

/** @returns the lowest address of a protection domain's stack: mappings end at or below it */
export function stackBottom(target: Target, stackBytes: bigint): bigint {
  const ipcBuffer = target.userTop & ~0xfffn;
  const guardBytes = 0x1000n;
  return ipcBuffer - guardBytes - stackBytes;
}
