/**
 * The system description: what Microkit's `.system` file says, as immutable plain data. The XML
 * reader and the builder both make it, the validator has passed it, and the initialiser, the
 * runtime, the report and the graph read it.
 *
 * Numbers: whatever may hold 64 bits in a file (addresses, sizes, times) is a `bigint`;
 * identifiers, priorities and counts are numbers. {@link exact} turns a bigint below 2^53 into a
 * number.
 *
 * References are names (of regions, domains, protection domains), as in the file: see
 * {@link regionNamed} and {@link flatten}. Source: Microkit manual, "System Description File".
 */

import { assert } from '../memory/assert.ts';
import type { Program } from './pd.ts';

/** Identifiers of channels, interrupts, children and virtual CPUs are below this. */
export const ID_COUNT = 62;
/** Protection domains that the monitor can tell apart. */
export const PD_COUNT_MAX = 63;
/** Slots of a protection domain's root CNode; 0 is taken, so user capabilities are 1..63. */
export const CSPACE_SLOTS = 64;
export const PRIORITY_MAX = 254;
export const SMALL_PAGE_BYTES = 0x1000;
export const LARGE_PAGE_BYTES = 0x20_0000;

/** A whole system, as `.system` files and the builder say it. Plain data, and validated. */
export interface SystemDescription {
  /** Name of the system: the file's, or what the builder was told. Not part of the file. */
  readonly name: string;
  /** Root protection domains, in order; their children are inside them. */
  readonly protectionDomains: readonly PdDescription[];
  readonly regions: readonly RegionDescription[];
  readonly channels: readonly ChannelDescription[];
  /** The domain scheduler's table, if the system has one. */
  readonly domains?: DomainsDescription;
  readonly ioAddressSpaces: readonly IoAddressSpaceDescription[];
}

/** A protection domain: its program, its time, and what it may use. */
export interface PdDescription {
  readonly name: string;
  readonly image: ImageDescription;
  /** 0..254; a higher number runs first. */
  readonly priority: number;
  /** Microseconds of processor time in each period. */
  readonly budgetUs: bigint;
  readonly periodUs: bigint;
  /** Runs on its callers' scheduling contexts once `init` is over. */
  readonly passive: boolean;
  readonly stackBytes: number;
  /** Core it is pinned to. */
  readonly cpu: number;
  readonly fpu: boolean;
  /** May make secure monitor calls (AArch64). */
  readonly smc: boolean;
  /** Name of its scheduling domain; present exactly when the system has a domain schedule. */
  readonly domain?: string;
  /** Identifier among its parent's children; present exactly on a child. */
  readonly id?: number;
  /** Symbol of the *parent* that receives {@link id}. */
  readonly setvarId?: string;
  readonly maps: readonly MapDescription[];
  readonly irqs: readonly IrqDescription[];
  readonly ioPorts: readonly IoPortDescription[];
  readonly setvars: readonly SetvarDescription[];
  readonly children: readonly PdDescription[];
  readonly virtualMachine?: VirtualMachineDescription;
  readonly cspace: readonly UserCapDescription[];
  /**
   * The typed record that the builder made for the program, or that a rendered system carries as
   * JSON.
   */
  readonly config?: unknown;
}

/**
 * `<program_image>`: a program function from the builder, or a module found along the search path.
 */
export interface ImageDescription {
  readonly path: string;
  readonly pathForSymbols?: string;
  /**
   * The program itself, when the builder was given it; the module at `path` otherwise exports it as
   * `main`.
   */
  readonly program?: Program;
}

/** A set of permissions in the order r, w, x. Write-only is legal for I/O mappings only. */
export type Permissions = '' | 'r' | 'w' | 'x' | 'rw' | 'rx' | 'wx' | 'rwx';

/** `<map>`: a region at an address of a domain. */
export interface MapDescription {
  readonly region: string;
  readonly vaddr: bigint;
  readonly permissions: Permissions;
  readonly cached: boolean;
  /**
   * Symbols that receive the address, the region's size, and the length of the file it was filled
   * from.
   */
  readonly setvarVaddr?: string;
  readonly setvarSize?: string;
  readonly setvarPrefillSize?: string;
}

/** `<memory_region>`: memory that domains map; a whole number of pages. */
export interface RegionDescription {
  readonly name: string;
  readonly size: bigint;
  /**
   * Page size that mappings use: the one asked for, or the largest that everything is aligned to.
   */
  readonly pageBytes: number;
  /** The page size that the description asks for. */
  readonly pageBytesAsked?: number;
  /** Fixed physical address: device registers, or RAM at a given place. */
  readonly physAddr?: bigint;
  readonly prefill?: PrefillDescription;
}

export type PrefillDescription =
  | { readonly kind: 'file'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly kind: 'bootinfo'; readonly item: string };

export type Trigger = 'level' | 'edge';

/** An interrupt delivered on `id`, which is of the same space as channel identifiers. */
export type IrqDescription =
  | ConventionalIrqDescription
  | {
      readonly kind: 'ioapic';
      readonly id: number;
      readonly setvarId?: string;
      readonly ioapic: number;
      readonly pin: number;
      readonly vector: number;
      readonly trigger: Trigger;
      readonly polarity: 'low' | 'high';
    }
  | {
      readonly kind: 'msi';
      readonly id: number;
      readonly setvarId?: string;
      readonly device: PciAddress;
      readonly handle: number;
      readonly vector: number;
    };

/** An interrupt of the platform's controller: GIC or PLIC. */
export interface ConventionalIrqDescription {
  readonly kind: 'conventional';
  readonly id: number;
  readonly setvarId?: string;
  readonly irq: number;
  readonly trigger: Trigger;
}

/** Where a device sits on the PCI bus. */
export interface PciAddress {
  readonly bus: number;
  readonly device: number;
  readonly function: number;
}

/** `<ioport>` (x86): ports that a domain may access. */
export interface IoPortDescription {
  readonly id: number;
  readonly addr: bigint;
  readonly size: bigint;
  readonly setvarId?: string;
  readonly setvarAddr?: string;
}

/** `<setvar>`: the symbol receives the physical address of a region, which is then contiguous. */
export interface SetvarDescription {
  readonly symbol: string;
  readonly region: string;
}

/** `<virtual_machine>`: read and checked; the board runs none. */
export interface VirtualMachineDescription {
  readonly name: string;
  readonly priority: number;
  readonly budgetUs: bigint;
  readonly periodUs: bigint;
  readonly vcpus: readonly {
    readonly id: number;
    readonly cpu: number;
    readonly setvarId?: string;
  }[];
  readonly maps: readonly MapDescription[];
}

/** An extra capability in the domain's root CNode. */
export interface UserCapDescription {
  readonly kind: 'tcb' | 'sc' | 'vspace';
  /** 1..63 */
  readonly slot: number;
  /** The protection domain whose object it is. */
  readonly pd: string;
}

/** `<channel>`: two domains that may signal or call each other. */
export interface ChannelDescription {
  readonly a: ChannelEndDescription;
  readonly b: ChannelEndDescription;
}

/** One end: its domain, the identifier that it has there, and what it may do. */
export interface ChannelEndDescription {
  readonly pd: string;
  readonly id: number;
  /** This end may call the other. */
  readonly pp: boolean;
  /** This end may notify the other. */
  readonly notify: boolean;
  readonly setvarId?: string;
}

/** The domain scheduler: which domains, and in which order, for how long. */
export interface DomainsDescription {
  readonly domains: readonly { readonly name: string; readonly id: number }[];
  readonly schedule: readonly DomainScheduleEntry[];
  readonly startIndex: number;
  readonly indexShift?: number;
}

export type DomainScheduleEntry =
  | {
      readonly kind: 'run';
      readonly domain: string;
      readonly duration: bigint;
      readonly unit: 'us' | 'ticks';
    }
  | { readonly kind: 'end' };

/** What one device may reach through the IOMMU. */
export interface IoAddressSpaceDescription {
  readonly name: string;
  readonly domainId?: number;
  readonly device: PciAddress;
  readonly maps: readonly {
    readonly region: string;
    readonly iovaddr: bigint;
    readonly permissions: Permissions;
  }[];
}

/**
 * @returns the same number, asserted to be exact: for values that a validated system keeps below
 * 2^53
 */
export function exact(value: bigint): number {
  assert(value >= 0n && value <= 0x1f_ffff_ffff_ffffn, 'a 64-bit value fits a number exactly');
  return Number(value);
}

/** A protection domain with its place in the hierarchy. */
export interface FlatPd {
  readonly pd: PdDescription;
  /** Pre-order number: its badge at the monitor is this plus 1. */
  readonly index: number;
  /** Index of its parent; -1 for a root. */
  readonly parent: number;
}

/**
 * @returns every protection domain in pre-order: a parent, then each of its children with theirs
 */
export function flatten(system: SystemDescription): readonly FlatPd[] {
  const flat: FlatPd[] = [];
  const visit = (pd: PdDescription, parent: number): void => {
    const index = flat.length;
    flat.push({ pd, index, parent });
    for (const child of pd.children) visit(child, index);
  };
  for (const pd of system.protectionDomains) visit(pd, -1);
  return flat;
}

/** @returns undefined when there is none of this name */
export function regionNamed(
  system: SystemDescription,
  name: string,
): RegionDescription | undefined {
  return system.regions.find((region) => region.name === name);
}

export type RegionsByName = ReadonlyMap<string, RegionDescription>;

/**
 * For whoever looks up many regions of one system: {@link regionNamed} goes through all of them.
 */
export function regionsByName(system: SystemDescription): RegionsByName {
  return new Map(system.regions.map((region) => [region.name, region]));
}

/** The end of a channel that is this domain's, and the other one. */
export interface OwnChannel {
  readonly own: ChannelEndDescription;
  readonly peer: ChannelEndDescription;
}

/** @returns the channels of one protection domain, seen from it, in the order of the description */
export function channelsOf(system: SystemDescription, pd: string): readonly OwnChannel[] {
  const found: OwnChannel[] = [];
  for (const { a, b } of system.channels) {
    if (a.pd === pd) found.push({ own: a, peer: b });
    if (b.pd === pd) found.push({ own: b, peer: a });
  }
  return found;
}

/** What a symbol of a program receives before its `init` runs. */
export type SetvarValue =
  | { readonly kind: 'value'; readonly value: bigint }
  /** The physical address of a region, known once it has memory. */
  | { readonly kind: 'physAddr'; readonly region: string };

/** A symbol of a program, and what it receives. */
export interface PatchedSymbol {
  readonly symbol: string;
  readonly value: SetvarValue;
}

/**
 * @returns every symbol that the description sets in this domain's program, from all forms of
 * `setvar`
 */
export function symbolsOf(
  system: SystemDescription,
  pd: PdDescription,
  regions: RegionsByName = regionsByName(system),
): readonly PatchedSymbol[] {
  const symbols: PatchedSymbol[] = [];
  const set = (symbol: string | undefined, value: bigint | number): void => {
    if (symbol === undefined) return;
    symbols.push({ symbol, value: { kind: 'value', value: BigInt(value) } });
  };
  for (const map of pd.maps) {
    const region = regions.get(map.region);
    assert(region !== undefined, 'a validated map names a region');
    set(map.setvarVaddr, map.vaddr);
    set(map.setvarSize, region.size);
    if (region.prefill?.kind === 'file') {
      set(map.setvarPrefillSize, region.prefill.bytes.length);
    }
  }
  for (const irq of pd.irqs) set(irq.setvarId, irq.id);
  for (const port of pd.ioPorts) {
    set(port.setvarId, port.id);
    set(port.setvarAddr, port.addr);
  }
  for (const { symbol, region } of pd.setvars) {
    symbols.push({ symbol, value: { kind: 'physAddr', region } });
  }
  for (const child of pd.children) if (child.id !== undefined) set(child.setvarId, child.id);
  for (const vcpu of pd.virtualMachine?.vcpus ?? []) set(vcpu.setvarId, vcpu.id);
  for (const { own } of channelsOf(system, pd.name)) set(own.setvarId, own.id);
  return symbols;
}

/**
 * @returns names of the regions that must be physically contiguous: their physical address is asked
 * for
 */
export function contiguousRegions(system: SystemDescription): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { pd } of flatten(system)) {
    for (const setvar of pd.setvars) names.add(setvar.region);
  }
  for (const region of system.regions) if (region.physAddr !== undefined) names.add(region.name);
  return names;
}
