/**
 * What has been read so far: the model's parts, each with the element that it came from, so that
 * checks that come later can say where. A part that was malformed may be incomplete (`undefined`)
 * or absent.
 */

import type {
  ChannelEndDescription,
  DomainsDescription,
  ImageDescription,
  IrqDescription,
  IoPortDescription,
  MapDescription,
  PciAddress,
  Permissions,
  PrefillDescription,
  SetvarDescription,
  UserCapDescription,
} from '../model.ts';
import type { Target } from '../target.ts';
import type { Element } from '../xml/element.ts';
import type { Reporter } from './reporter.ts';

export interface Sourced<T> {
  readonly value: T;
  readonly element: Element;
}

export interface PdDraft {
  readonly element: Element;
  /** Undefined when the attribute is missing. */
  readonly name: string | undefined;
  readonly id: number | undefined;
  readonly setvarId: string | undefined;
  readonly priority: number;
  readonly budgetUs: bigint;
  readonly periodUs: bigint;
  readonly passive: boolean;
  readonly stackBytes: number;
  readonly cpu: number;
  readonly fpu: boolean;
  readonly smc: boolean;
  readonly domain: string | undefined;
  image: ImageDescription | undefined;
  readonly maps: Sourced<MapDescription>[];
  readonly irqs: Sourced<IrqDescription>[];
  readonly ioPorts: Sourced<IoPortDescription>[];
  readonly setvars: Sourced<SetvarDescription>[];
  readonly children: PdDraft[];
  virtualMachine: VmDraft | undefined;
  readonly caps: Sourced<UserCapDescription>[];
  /** Children of which there may be one only, once they have been read. */
  readonly single: Set<string>;
  /** Every symbol that is set in its program. */
  readonly symbols: Set<string>;
}

export interface VmDraft {
  readonly element: Element;
  readonly name: string | undefined;
  readonly priority: number;
  readonly budgetUs: bigint;
  readonly periodUs: bigint;
  readonly vcpus: { readonly id: number; readonly cpu: number; readonly setvarId?: string }[];
  readonly maps: Sourced<MapDescription>[];
}

export interface RegionDraft {
  readonly element: Element;
  readonly name: string;
  /** Undefined when it is missing or malformed: checks that need it are left out. */
  readonly size: bigint | undefined;
  readonly pageBytes: number;
  readonly pageBytesAsked: number | undefined;
  readonly physAddr: bigint | undefined;
  readonly prefill: PrefillDescription | undefined;
}

export interface ChannelDraft {
  readonly element: Element;
  readonly a: ChannelEndDescription;
  readonly b: ChannelEndDescription;
}

export interface IoMapDraft {
  readonly region: string;
  readonly iovaddr: bigint;
  readonly permissions: Permissions;
}

export interface IoAddressSpaceDraft {
  readonly element: Element;
  readonly name: string | undefined;
  readonly domainId: number | undefined;
  readonly device: PciAddress | undefined;
  readonly maps: Sourced<IoMapDraft>[];
}

export interface SystemDraft {
  readonly pds: PdDraft[];
  readonly regions: RegionDraft[];
  readonly channels: ChannelDraft[];
  readonly ioAddressSpaces: IoAddressSpaceDraft[];
  domains: DomainsDescription | undefined;
  domainNames: ReadonlySet<string> | undefined;
}

/** How the reader gets the files that a description names; the path is as written there. */
export interface PrefillFiles {
  read(path: string): Uint8Array | 'missing' | 'unreadable';
}

/** What every reading function is given. */
export interface Reading {
  readonly target: Target;
  readonly report: Reporter;
  readonly files: PrefillFiles;
}

/** @returns every domain in pre-order */
export function flattenDrafts(pds: readonly PdDraft[]): PdDraft[] {
  return pds.flatMap((pd) => [pd, ...flattenDrafts(pd.children)]);
}
