/**
 * A description as tables, like the report of the Microkit tool: protection domains, capabilities,
 * mappings, interrupts, channels, and where memory goes.
 */

import { hex } from '../memory/hex.ts';
import { capabilitiesOf } from './capability-table.ts';
import type { FlatPd, PdDescription, RegionDescription, SystemDescription } from './model.ts';
import { contiguousRegions, flatten, symbolsOf } from './model.ts';
import { formatPci } from './read/pci.ts';
import type { Cell } from './table.ts';
import { table } from './table.ts';

/** @returns the report as text, lines separated by newlines */
export function report(system: SystemDescription): string {
  const flat = flatten(system);
  const lines = [`System '${system.name}'`];
  const section = (
    title: string,
    heading: readonly string[],
    rows: readonly (readonly Cell[])[],
  ): void => {
    lines.push('', `# ${title}`, '');
    if (rows.length === 0) lines.push('none');
    else lines.push(...table(heading, rows));
  };
  section(
    'Protection domains',
    PD_HEADING,
    flat.map((pd) => pdRow(pd, flat)),
  );
  section(
    'Interrupts',
    IRQ_HEADING,
    flat.flatMap(({ pd }) => irqRows(pd)),
  );
  section('Channels', CHANNEL_HEADING, system.channels.map(channelRow));
  if (system.domains !== undefined) {
    section('Domain schedule', ['domain', 'id', 'duration'], scheduleRows(system.domains));
  }
  section(
    'Capabilities',
    CAP_HEADING,
    flat.flatMap((pd) => capRows(system, pd)),
  );
  section(
    'Mappings',
    MAP_HEADING,
    flat.flatMap(({ pd }) => mapRows(system, pd)),
  );
  section(
    'Symbols',
    ['pd', 'symbol', 'value'],
    flat.flatMap(({ pd }) => symbolRows(system, pd)),
  );
  const users = regionUsers(system);
  section('Memory regions', REGION_HEADING, regionRows(system, users));
  section('Memory by protection domain', MEMORY_HEADING, memoryRows(system, users));
  return `${lines.join('\n')}\n`;
}

const PD_HEADING = [
  'nr',
  'name',
  'parent',
  'priority',
  'budget/us',
  'period/us',
  'kind',
  'domain',
  'cpu',
  'stack',
  'program',
];

function pdRow({ pd, index, parent }: FlatPd, flat: readonly FlatPd[]): Cell[] {
  return [
    index,
    pd.name,
    flat[parent]?.pd.name ?? '-',
    pd.priority,
    pd.budgetUs,
    pd.periodUs,
    pd.passive ? 'passive' : 'active',
    pd.domain ?? '-',
    pd.cpu,
    bytes(BigInt(pd.stackBytes)),
    pd.image.path,
  ];
}

const IRQ_HEADING = ['irq', 'trigger', 'pd', 'id', 'source'];

function irqRows(pd: PdDescription): Cell[][] {
  return pd.irqs.map((irq) => {
    switch (irq.kind) {
      case 'conventional':
        return [irq.irq, irq.trigger, pd.name, irq.id, 'interrupt controller'];
      case 'ioapic': {
        const source = `I/O APIC ${irq.ioapic} pin ${irq.pin}, active ${irq.polarity}`;
        return [irq.vector, irq.trigger, pd.name, irq.id, source];
      }
      case 'msi': {
        const source = `PCI ${formatPci(irq.device)} handle ${irq.handle}`;
        return [irq.vector, 'message', pd.name, irq.id, source];
      }
      default:
        return irq satisfies never;
    }
  });
}

const CHANNEL_HEADING = ['a', 'id', '', 'b', 'id', 'calls'];

function channelRow({ a, b }: SystemDescription['channels'][number]): Cell[] {
  const arrow = `${b.notify ? '<' : '-'}-${a.notify ? '>' : '-'}`;
  const calls = a.pp ? `${a.pd} calls ${b.pd}` : b.pp ? `${b.pd} calls ${a.pd}` : '';
  return [a.pd, a.id, arrow, b.pd, b.id, calls];
}

function scheduleRows(domains: NonNullable<SystemDescription['domains']>): Cell[][] {
  const ids = new Map(domains.domains.map(({ name, id }) => [name, id]));
  return domains.schedule.map((entry) =>
    entry.kind === 'end'
      ? ['(end)', '', '']
      : [entry.domain, String(ids.get(entry.domain) ?? ''), `${entry.duration} ${entry.unit}`],
  );
}

const CAP_HEADING = ['pd', 'cnode', 'slot', 'type', 'object', 'rights', 'badge'];

function capRows(system: SystemDescription, flat: FlatPd): Cell[][] {
  return capabilitiesOf(system, flat).map(({ cnode, slot, type, object, rights, badge }) => {
    const shown = badge === undefined ? '' : `0x${badge.toString(16).padStart(16, '0')}`;
    return [flat.pd.name, cnode, slot, type, object, rights, shown];
  });
}

const MAP_HEADING = ['pd', 'from', 'to', 'perms', 'cache', 'page', 'region'];

function mapRows(system: SystemDescription, pd: PdDescription): Cell[][] {
  const regions = new Map(system.regions.map((region) => [region.name, region]));
  return pd.maps.map((map) => {
    const region = regions.get(map.region);
    return [
      pd.name,
      hex(map.vaddr),
      hex(map.vaddr + (region?.size ?? 0n)),
      map.permissions === '' ? '-' : map.permissions,
      map.cached ? 'cached' : 'uncached',
      bytes(BigInt(region?.pageBytes ?? 0)),
      map.region,
    ];
  });
}

function symbolRows(system: SystemDescription, pd: PdDescription): Cell[][] {
  return symbolsOf(system, pd).map(({ symbol, value }) => [
    pd.name,
    symbol,
    value.kind === 'value' ? hex(value.value) : `physical address of ${value.region}`,
  ]);
}

interface RegionUser {
  readonly pd: string;
  readonly permissions: string;
}

function regionUsers(system: SystemDescription): ReadonlyMap<string, RegionUser[]> {
  const users = new Map<string, RegionUser[]>(system.regions.map(({ name }) => [name, []]));
  for (const { pd } of flatten(system)) {
    for (const { region, permissions } of pd.maps) {
      users.get(region)?.push({ pd: pd.name, permissions });
    }
  }
  return users;
}

const REGION_HEADING = ['region', 'size', 'page', 'physical address', 'filled from', 'mapped by'];

function regionRows(system: SystemDescription, users: ReadonlyMap<string, RegionUser[]>): Cell[][] {
  const contiguous = contiguousRegions(system);
  return system.regions.map((region) => [
    region.name,
    bytes(region.size),
    bytes(BigInt(region.pageBytes)),
    place(region, contiguous),
    filledFrom(region),
    (users.get(region.name) ?? [])
      .map(({ pd, permissions }) => `${pd}:${permissions === '' ? '-' : permissions}`)
      .join(' '),
  ]);
}

function place(region: RegionDescription, contiguous: ReadonlySet<string>): string {
  if (region.physAddr !== undefined) return hex(region.physAddr);
  return contiguous.has(region.name) ? 'any, contiguous' : 'any';
}

function filledFrom({ prefill }: RegionDescription): string {
  if (prefill === undefined) return '-';
  return prefill.kind === 'file' ? prefill.path : `boot information ${prefill.item}`;
}

const MEMORY_HEADING = ['pd', 'maps', 'readable', 'writable', 'of its own', 'shared'];

function memoryRows(system: SystemDescription, users: ReadonlyMap<string, RegionUser[]>): Cell[][] {
  const sizes = new Map(system.regions.map(({ name, size }) => [name, size]));
  return flatten(system).map(({ pd }) => {
    let readable = 0n;
    let writable = 0n;
    let own = 0n;
    let shared = 0n;
    for (const { region, permissions } of pd.maps) {
      const size = sizes.get(region) ?? 0n;
      if (permissions.includes('r')) readable += size;
      if (permissions.includes('w')) writable += size;
      const others = users.get(region)?.some((user) => user.pd !== pd.name) ?? false;
      if (others) shared += size;
      else own += size;
    }
    return [pd.name, pd.maps.length, ...[readable, writable, own, shared].map(bytes)];
  });
}

const UNITS = [
  [1n << 30n, 'GiB'],
  [1n << 20n, 'MiB'],
  [1n << 10n, 'KiB'],
] as const;

/** `12 KiB`: exact, in the largest unit that divides it. */
function bytes(value: bigint): string {
  for (const [size, unit] of UNITS) {
    if (value > 0n && value % size === 0n) return `${value / size} ${unit}`;
  }
  return `${value} B`;
}
