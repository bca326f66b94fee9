/**
 * A description as a graph to be drawn: who talks to whom, over what, and who shares which memory.
 * What two domains share goes onto the line between them, what one has alone goes into its box, so
 * that a picture of 60 domains is still one of 60 boxes.
 */

import type { FlatPd, RegionDescription, SystemDescription } from '../model.ts';
import { flatten } from '../model.ts';

/** A box of the picture. */
export interface GraphPd {
  readonly flat: FlatPd;
  /** Regions that it alone maps, except devices. */
  readonly own: readonly GraphRegion[];
}

/** Memory: its name and its bytes. */
export interface GraphRegion {
  readonly name: string;
  readonly size: bigint;
}

/** A region on the line between two domains; permissions of the first and of the second. */
export interface SharedRegion extends GraphRegion {
  readonly firstPermissions: string;
  readonly secondPermissions: string;
}

/** A channel between the two of a line, with the identifier at each end. */
export interface GraphChannel {
  readonly firstId: number;
  readonly secondId: number;
  readonly firstNotifies: boolean;
  readonly secondNotifies: boolean;
  readonly calls: 'first calls second' | 'second calls first' | 'none';
}

/** Everything between two domains. The first has the higher priority. */
export interface GraphLine {
  readonly first: string;
  readonly second: string;
  readonly channels: readonly GraphChannel[];
  readonly regions: readonly SharedRegion[];
}

/** A region that three or more domains map. */
export interface GraphHub {
  readonly region: GraphRegion;
  readonly users: readonly { readonly pd: string; readonly permissions: string }[];
}

/** Device registers, or memory at a fixed address, and the interrupts that come with it. */
export interface GraphDevice {
  readonly name: string;
  readonly physAddr: bigint;
  readonly size: bigint;
  readonly users: readonly { readonly pd: string; readonly permissions: string }[];
}

/**
 * An interrupt: its number at the controller, and the identifier under which its domain gets it.
 */
export interface GraphIrq {
  readonly pd: string;
  readonly number: number;
  readonly id: number;
}

/** The whole picture. */
export interface Topology {
  readonly name: string;
  readonly pds: readonly GraphPd[];
  readonly lines: readonly GraphLine[];
  readonly hubs: readonly GraphHub[];
  readonly devices: readonly GraphDevice[];
  readonly irqs: readonly GraphIrq[];
  readonly children: readonly {
    readonly parent: string;
    readonly child: string;
    readonly id: number;
  }[];
}

interface Use {
  readonly pd: string;
  readonly permissions: string;
}

/** Sorts a description into boxes, lines and what three or more share. */
export function topology(system: SystemDescription): Topology {
  const flat = flatten(system);
  const uses = regionUses(system, flat);
  const usesOf = (region: RegionDescription): readonly Use[] => uses.get(region.name) ?? [];
  const memory = system.regions.filter((region) => region.physAddr === undefined);
  return {
    name: system.name,
    pds: flat.map((each) => ({
      flat: each,
      own: memory.filter((region) => {
        const users = usesOf(region);
        return users.length === 1 && users[0]?.pd === each.pd.name;
      }),
    })),
    lines: lines(system, flat, memory, usesOf),
    hubs: memory
      .filter((region) => usesOf(region).length > 2)
      .map((region) => ({ region, users: usesOf(region) })),
    devices: system.regions.flatMap((region) => {
      const { name, size, physAddr } = region;
      return physAddr === undefined ? [] : [{ name, size, physAddr, users: usesOf(region) }];
    }),
    irqs: flat.flatMap(({ pd }) =>
      pd.irqs.map((irq) => ({
        pd: pd.name,
        number: irq.kind === 'conventional' ? irq.irq : irq.vector,
        id: irq.id,
      })),
    ),
    children: flat.flatMap(({ pd, parent }) => {
      const of = flat[parent]?.pd.name;
      return of === undefined ? [] : [{ parent: of, child: pd.name, id: pd.id ?? 0 }];
    }),
  };
}

/** Users of each region, each domain once, with all that it may do. */
function regionUses(
  system: SystemDescription,
  flat: readonly FlatPd[],
): ReadonlyMap<string, readonly Use[]> {
  const uses = new Map<string, Map<string, string>>();
  for (const { name } of system.regions) uses.set(name, new Map());
  for (const { pd } of flat) {
    for (const { region, permissions } of pd.maps) {
      const users = uses.get(region);
      const all = `${users?.get(pd.name) ?? ''}${permissions}`;
      users?.set(pd.name, ['r', 'w', 'x'].filter((letter) => all.includes(letter)).join(''));
    }
  }
  return new Map(
    [...uses].map(([name, users]) => [
      name,
      [...users].map(([pd, permissions]) => ({ pd, permissions })),
    ]),
  );
}

interface OpenLine {
  readonly first: string;
  readonly second: string;
  readonly channels: GraphChannel[];
  readonly regions: SharedRegion[];
}

function lines(
  system: SystemDescription,
  flat: readonly FlatPd[],
  memory: readonly RegionDescription[],
  usesOf: (region: RegionDescription) => readonly Use[],
): readonly GraphLine[] {
  const rank = new Map(flat.map(({ pd, index }) => [pd.name, { priority: pd.priority, index }]));
  const found = new Map<string, OpenLine>();
  const lineBetween = (a: string, b: string): OpenLine => {
    const [ra, rb] = [rank.get(a), rank.get(b)];
    const higher = (ra?.priority ?? 0) - (rb?.priority ?? 0);
    const aFirst = higher > 0 || (higher === 0 && (ra?.index ?? 0) <= (rb?.index ?? 0));
    const [first, second] = aFirst ? [a, b] : [b, a];
    const key = JSON.stringify([first, second]);
    const line = found.get(key) ?? { first, second, channels: [], regions: [] };
    found.set(key, line);
    return line;
  };
  for (const { a, b } of system.channels) {
    const line = lineBetween(a.pd, b.pd);
    const [first, second] = line.first === a.pd ? [a, b] : [b, a];
    line.channels.push({
      firstId: first.id,
      secondId: second.id,
      firstNotifies: first.notify,
      secondNotifies: second.notify,
      calls: first.pp ? 'first calls second' : second.pp ? 'second calls first' : 'none',
    });
  }
  for (const region of memory) {
    const [one, two, ...more] = usesOf(region);
    if (one === undefined || two === undefined || more.length > 0) continue;
    const line = lineBetween(one.pd, two.pd);
    const [first, second] = line.first === one.pd ? [one, two] : [two, one];
    line.regions.push({
      name: region.name,
      size: region.size,
      firstPermissions: first.permissions,
      secondPermissions: second.permissions,
    });
  }
  return [...found.values()];
}

/** Takes the names of domains, which the picture shows anyway, off the front of a region's name. */
export function shortName(region: string, pds: readonly string[]): string {
  const owner = pds.find((pd) => region.startsWith(`${pd}_`));
  return owner === undefined ? region : shortName(region.slice(owner.length + 1), pds);
}

/** Lines of text for what two domains share: regions of one size and permissions together. */
export function describeShared(line: GraphLine): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const region of line.regions) {
    const permissions = `${region.firstPermissions || '-'}|${region.secondPermissions || '-'}`;
    const key = `${formatSize(region.size)} ${permissions}`;
    const names = groups.get(key) ?? [];
    names.push(shortName(region.name, [line.first, line.second]));
    groups.set(key, names);
  }
  return [...groups].map(([what, names]) => {
    const shown = names.length > 3 ? `${names.length} regions` : names.join(', ');
    return `${shown}: ${what}`;
  });
}

/** @returns 4K, 2M, 1G; bytes where it is no whole number of those */
export function formatSize(size: bigint): string {
  for (const [unit, name] of [
    [1n << 30n, 'G'],
    [1n << 20n, 'M'],
    [1n << 10n, 'K'],
  ] as const) {
    if (size >= unit && size % unit === 0n) return `${size / unit}${name}`;
  }
  return String(size);
}
