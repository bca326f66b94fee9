/**
 * The last step of the builder: gives every channel, interrupt and child its identifier and every
 * mapping its address, where the description left them open, and makes the model. Deterministic:
 * the lowest free identifier, the first free address above the highest mapping, in the order of the
 * description.
 */

import type {
  ChannelRecord,
  DomainOptions,
  IoAddressSpaceRecord,
  IoPortRecord,
  IrqRecord,
  MapRecord,
  PdBuilder,
  Problem,
  RegionBuilder,
  Size,
  Recorded,
} from './records.ts';
import type {
  ChannelDescription,
  ChannelEndDescription,
  DomainScheduleEntry,
  DomainsDescription,
  IoAddressSpaceDescription,
  IoPortDescription,
  IrqDescription,
  MapDescription,
  PdDescription,
  RegionDescription,
  SystemDescription,
  VirtualMachineDescription,
} from './model.ts';
import { LARGE_PAGE_BYTES, SMALL_PAGE_BYTES } from './model.ts';
import { withPageSizes } from './page-size.ts';

/** Where mappings without an address begin, as in sdfgen. */
const FIRST_VADDR = 0x2000_0000n;

/** The finished model, and what is wrong with it. */
export interface LaidOut {
  readonly system: SystemDescription;
  readonly problems: readonly Problem[];
}

/** @returns the model, and what stands in the way of it: then the model is of no use */
export function layOut(recorded: Recorded): LaidOut {
  const problems: Problem[] = [];
  const all = recorded.pds.flatMap(withDescendants);
  for (const pd of all) assignIds(recorded, pd);
  const regions = recorded.regions.map((region) => describeRegion(region, problems));
  const sizes = new Map(regions.map((region) => [region.name, region.size]));
  const domains = recorded.domains;
  const draft: SystemDescription = {
    name: recorded.name,
    protectionDomains: recorded.pds.map((pd) => describePd(pd, sizes, problems)),
    regions,
    channels: recorded.channels.map(describeChannel),
    ioAddressSpaces: recorded.ioAddressSpaces.map((space) =>
      describeIoAddressSpace(space, problems),
    ),
    ...(domains === undefined ? {} : { domains: describeDomains(domains, problems) }),
  };
  return { system: { ...draft, regions: withPageSizes(draft) }, problems };
}

function withDescendants(pd: PdBuilder): PdBuilder[] {
  return [pd, ...pd.children.flatMap((child) => withDescendants(child.pd))];
}

/**
 * Channels and interrupts of a domain share one space of identifiers; children and I/O ports have
 * their own.
 */
function assignIds(recorded: Recorded, pd: PdBuilder): void {
  const ids = [
    ...pd.irqs.map((irq) => irq.id),
    ...recorded.channels.flatMap((channel) => [
      ...(channel.aPd === pd ? [channel.a] : []),
      ...(channel.bPd === pd ? [channel.b] : []),
    ]),
  ];
  const spaces = [ids, pd.children.map((child) => child.id), pd.ioPorts.map((port) => port.id)];
  for (const space of spaces) {
    const taken = new Set(space.filter((id) => id.known).map((id) => id.value));
    let next = 0;
    for (const id of space) {
      if (id.known) continue;
      while (taken.has(next)) next += 1;
      id.assign(next);
      next += 1;
    }
  }
}

function describePd(
  pd: PdBuilder,
  sizes: ReadonlyMap<string, bigint>,
  problems: Problem[],
): PdDescription {
  const { options } = pd;
  const path = `protection_domain '${pd.name}'`;
  const numbers = new Numbers(path, problems);
  const budgetUs = numbers.whole('budget', options.budget ?? 1000);
  const stackBytes = numbers.size('stackSize', options.stackSize ?? 0x2000);
  const config = mergeConfig(pd, problems);
  return {
    name: pd.name,
    image: {
      path: options.image ?? `${pd.name}.ts`,
      ...(options.program === undefined ? {} : { program: options.program }),
    },
    priority: pd.priority,
    budgetUs,
    periodUs: options.period === undefined ? budgetUs : numbers.whole('period', options.period),
    passive: options.passive ?? false,
    stackBytes: Number(stackBytes),
    cpu: options.cpu ?? 0,
    fpu: options.fpu ?? true,
    smc: options.smc ?? false,
    ...(options.domain === undefined ? {} : { domain: options.domain }),
    maps: describeMaps(pd.maps, sizes, numbers),
    irqs: pd.irqs.map(describeIrq),
    ioPorts: pd.ioPorts.map((port) => describeIoPort(port, numbers)),
    setvars: pd.setvars.map(({ symbol, region }) => ({ symbol, region: region.name })),
    children: pd.children.map(({ id, setvarId, pd: child }) => ({
      ...describePd(child, sizes, problems),
      id: id.value,
      ...(setvarId === undefined ? {} : { setvarId }),
    })),
    cspace: pd.caps,
    ...(pd.vm === undefined ? {} : { virtualMachine: describeVm(pd, pd.vm, sizes, problems) }),
    ...(config === undefined ? {} : { config }),
  };
}

/** Puts the sections of a configuration together; two that set the same key are a mistake. */
function mergeConfig(pd: PdBuilder, problems: Problem[]): object | undefined {
  if (pd.sections.length === 0) return undefined;
  const config: Record<string, unknown> = {};
  for (const section of pd.sections) {
    const record = typeof section === 'function' ? (section as () => object)() : section;
    for (const [key, value] of Object.entries(record)) {
      if (key in config) {
        problems.push({
          message: `Error: configuration '${key}' is set twice`,
          path: `protection_domain '${pd.name}'`,
        });
      }
      config[key] = value;
    }
  }
  return config;
}

function describeMaps(
  maps: readonly MapRecord[],
  sizes: ReadonlyMap<string, bigint>,
  numbers: Numbers,
): MapDescription[] {
  const given = maps.map(({ options }) =>
    options.vaddr === undefined ? undefined : numbers.whole('vaddr', options.vaddr),
  );
  const sizeOf = (map: MapRecord): bigint => sizes.get(map.region.name) ?? 0n;
  let next = FIRST_VADDR;
  for (const [index, map] of maps.entries()) {
    const end = (given[index] ?? 0n) + sizeOf(map);
    if (given[index] !== undefined && end > next) next = end;
  }
  return maps.map((map, index) => {
    const { perms = 'rw', cached = true, vaddr: _, ...setvars } = map.options;
    const size = sizeOf(map);
    const large = size > 0n && size % BigInt(LARGE_PAGE_BYTES) === 0n;
    const vaddr = given[index] ?? roundUp(next, large);
    if (given[index] === undefined) next = vaddr + size;
    return { region: map.region.name, vaddr, permissions: perms, cached, ...setvars };
  });
}

function roundUp(address: bigint, large: boolean): bigint {
  const page = BigInt(large ? LARGE_PAGE_BYTES : SMALL_PAGE_BYTES);
  return ((address + page - 1n) / page) * page;
}

function describeIrq({ id, irq }: IrqRecord): IrqDescription {
  return { ...irq, id: id.value };
}

function describeIoPort({ id, options }: IoPortRecord, numbers: Numbers): IoPortDescription {
  const { addr, size, id: _, ...setvars } = options;
  return {
    id: id.value,
    addr: numbers.whole('addr', addr),
    size: numbers.whole('size', size),
    ...setvars,
  };
}

function describeVm(
  pd: PdBuilder,
  { name, options }: NonNullable<PdBuilder['vm']>,
  sizes: ReadonlyMap<string, bigint>,
  problems: Problem[],
): VirtualMachineDescription {
  const numbers = new Numbers(`virtual_machine '${name}'`, problems);
  const budgetUs = numbers.whole('budget', options.budget ?? 1000);
  const maps = (options.maps ?? []).map(({ region, ...rest }) => ({ region, options: rest }));
  return {
    name,
    priority: options.priority ?? 0,
    budgetUs,
    periodUs: options.period === undefined ? budgetUs : numbers.whole('period', options.period),
    vcpus: options.vcpus.map(({ id, cpu = pd.options.cpu ?? 0, setvarId }) => ({
      id,
      cpu,
      ...(setvarId === undefined ? {} : { setvarId }),
    })),
    maps: describeMaps(maps, sizes, numbers),
  };
}

function describeIoAddressSpace(
  { name, options }: IoAddressSpaceRecord,
  problems: Problem[],
): IoAddressSpaceDescription {
  const numbers = new Numbers(`io_address_space '${name}'`, problems);
  const { device, domainId, maps } = options;
  return {
    name,
    device,
    ...(domainId === undefined ? {} : { domainId }),
    maps: maps.map(({ region, iovaddr, perms = 'rw' }) => ({
      region: region.name,
      iovaddr: numbers.whole('iovaddr', iovaddr),
      permissions: perms,
    })),
  };
}

function describeChannel(record: ChannelRecord): ChannelDescription {
  return { a: describeEnd(record, 'a'), b: describeEnd(record, 'b') };
}

function describeEnd(record: ChannelRecord, end: 'a' | 'b'): ChannelEndDescription {
  const pd = end === 'a' ? record.aPd : record.bPd;
  const { pp = false, notify = true, setvarId } = record.options[end] ?? {};
  const rest = setvarId === undefined ? {} : { setvarId };
  return { pd: pd.name, id: record[end].value, pp, notify, ...rest };
}

function describeRegion(region: RegionBuilder, problems: Problem[]): RegionDescription {
  const { size: given, pageSize, physAddr, prefill } = region.options;
  const numbers = new Numbers(`memory_region '${region.name}'`, problems);
  const page = BigInt(pageSize ?? SMALL_PAGE_BYTES);
  const fileBytes = BigInt(prefill?.bytes.length ?? 0);
  const size =
    given === undefined && prefill !== undefined
      ? ((fileBytes + page - 1n) / page) * page
      : numbers.size('size', given ?? 0, page);
  return {
    name: region.name,
    size,
    pageBytes: Number(page),
    ...(pageSize === undefined ? {} : { pageBytesAsked: pageSize }),
    ...(physAddr === undefined ? {} : { physAddr: numbers.whole('physAddr', physAddr) }),
    ...(prefill === undefined ? {} : { prefill: { kind: 'file', ...prefill } as const }),
  };
}

const UNITS: Readonly<Record<string, bigint>> = { K: 1n << 10n, M: 1n << 20n, G: 1n << 30n };

/** Numbers as the builder is given them, of one element: what is none is reported. */
class Numbers {
  readonly #path: string;
  readonly #problems: Problem[];

  constructor(path: string, problems: Problem[]) {
    this.#path = path;
    this.#problems = problems;
  }

  whole(what: string, value: number | bigint): bigint {
    if (typeof value === 'bigint' && value >= 0n) return value;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) {
      return BigInt(value);
    }
    const message = `Error: ${what} '${value}' is not a whole number`;
    this.#problems.push({ message, path: this.#path });
    return 0n;
  }

  /** @param ifWrong what to go on with, so that no other error follows from this one */
  size(what: string, size: Size, ifWrong = 0x2000n): bigint {
    if (typeof size === 'bigint') return size;
    const text = typeof size === 'number' ? String(size) : size;
    const match = /^(0x[0-9a-fA-F]+|[0-9]+)([KMG]?)$/.exec(text);
    if (match !== null) return BigInt(match[1] ?? '0') * (UNITS[match[2] ?? ''] ?? 1n);
    this.#problems.push({
      message: `Error: ${what === 'size' ? '' : `${what} `}'${text}' is not a size`,
      path: this.#path,
      hint: "write a number of bytes or a text such as '64K', '2M' or '0x1000'",
    });
    return ifWrong;
  }
}

function describeDomains(options: DomainOptions, problems: Problem[]): DomainsDescription {
  const taken = new Set<number>();
  for (const domain of options.domains) if (typeof domain === 'object') taken.add(domain.id);
  const domains = options.domains.map((domain) => {
    if (typeof domain === 'object') return domain;
    let id = 0;
    while (taken.has(id)) id += 1;
    taken.add(id);
    return { name: domain, id };
  });
  const schedule = options.schedule.map((entry) => describeEntry(entry, problems));
  const { startIndex = 0, indexShift } = options;
  return { domains, schedule, startIndex, ...(indexShift === undefined ? {} : { indexShift }) };
}

function describeEntry(
  entry: DomainOptions['schedule'][number],
  problems: Problem[],
): DomainScheduleEntry {
  if (entry === 'end') return { kind: 'end' };
  const [, value, unit] = /^([0-9]+) (us|ticks)$/.exec(entry.duration) ?? [];
  if (value === undefined || (unit !== 'us' && unit !== 'ticks')) {
    problems.push({
      message: `Error: duration '${entry.duration}' must contain a value and a unit, e.g. '1000 us'`,
      path: `domain_schedule > schedule_entry '${entry.domain}'`,
    });
    return { kind: 'run', domain: entry.domain, duration: 1n, unit: 'us' };
  }
  return { kind: 'run', domain: entry.domain, duration: BigInt(value), unit };
}
