/** Checks of a whole description: what single elements cannot know. In the tool's order. */

import { CSPACE_SLOTS, PD_COUNT_MAX } from '../model.ts';
import { checkIoMaps, checkIoPorts, checkMaps, checkPhysicalAddresses } from './check-ranges.ts';
import type { Regions } from './check-ranges.ts';
import type { ChannelDraft, PdDraft, Reading, SystemDraft } from './draft.ts';
import { flattenDrafts } from './draft.ts';

const CAP_NAMES = { tcb: 'TCB', sc: 'SchedContext', vspace: 'VSpace' } as const;

/** Before the channels are read: identifiers of children. */
export function checkHierarchy(reading: Reading, pds: readonly PdDraft[]): void {
  for (const pd of pds) {
    const vcpus = new Set(pd.virtualMachine?.vcpus.map((vcpu) => vcpu.id));
    const ids = new Set<number>();
    for (const child of pd.children) {
      const { id } = child;
      if (id === undefined) continue;
      const where = `in protection domain: '${pd.name ?? ''}'`;
      if (ids.has(id)) {
        reading.report.at(`duplicate id: ${id} ${where}`, child.element, { attribute: 'id' });
      } else if (vcpus.has(id)) {
        const message = `duplicate id: ${id} clashes with virtual machine vcpu id ${where}`;
        reading.report.at(message, child.element, { attribute: 'id' });
      }
      ids.add(id);
    }
  }
}

/** After everything has been read. */
export function checkSystem(reading: Reading, draft: SystemDraft): void {
  const pds = flattenDrafts(draft.pds);
  const regions: Regions = new Map(
    draft.regions.toReversed().map((region) => [region.name, region]),
  );
  checkCapTargets(reading, pds);
  checkCounts(reading, pds);
  checkNames(reading, draft, pds);
  checkVirtualMachines(reading, pds);
  checkIrqNumbers(reading, pds);
  checkChannels(reading, draft.channels, pds);
  checkIoPortIds(reading, pds);
  checkIoPorts(reading, pds);
  checkMaps(reading, pds, regions);
  checkIoMaps(reading, draft, regions);
  checkCapSlots(reading, pds);
  checkPhysicalAddresses(reading, draft.regions);
  warnUnused(reading, draft, pds);
  checkPrefillSizes(reading, pds, regions);
  checkSetvars(reading, pds, regions);
}

function checkCapTargets({ report }: Reading, pds: readonly PdDraft[]): void {
  const names = new Set(pds.map((pd) => pd.name));
  for (const { element, value } of pds.flatMap((pd) => pd.caps)) {
    if (names.has(value.pd)) continue;
    const known = [...names].filter((name) => name !== undefined);
    const hint = report.didYouMean(value.pd, known);
    report.colon(`unknown PD name '${value.pd}'`, element, { attribute: 'pd', hint });
  }
}

function checkCounts({ report }: Reading, pds: readonly PdDraft[]): void {
  if (pds.length === 0) {
    report.exactly('Error: at least one protection domain must be defined', undefined);
  }
  if (pds.length > PD_COUNT_MAX) {
    const message = `Error: too many protection domains (${pds.length}) defined. Maximum is ${PD_COUNT_MAX}.`;
    report.exactly(message, pds[PD_COUNT_MAX]?.element);
  }
}

function checkNames({ report }: Reading, draft: SystemDraft, pds: readonly PdDraft[]): void {
  const names = new Set<string>();
  for (const { name, element } of pds) {
    if (name === undefined) continue;
    const attribute = { attribute: 'name' };
    if (names.has(name)) {
      report.exactly(`Error: duplicate protection domain name '${name}'.`, element, attribute);
    }
    if (name === 'monitor') {
      const message = "Error: the PD name 'monitor' is reserved for the Microkit Monitor.";
      report.exactly(message, element, attribute);
    }
    names.add(name);
  }
  const regionNames = new Set<string>();
  for (const { name, element } of draft.regions) {
    if (regionNames.has(name)) {
      report.exactly(`Error: duplicate memory region name '${name}'.`, element, {
        attribute: 'name',
      });
    }
    regionNames.add(name);
  }
}

function checkVirtualMachines({ report, target }: Reading, pds: readonly PdDraft[]): void {
  const names = new Set<string>();
  for (const { virtualMachine: vm, children, name, element } of pds) {
    if (vm === undefined) continue;
    if (vm.name !== undefined && names.has(vm.name)) {
      report.exactly(`Error: duplicate virtual machine name '${vm.name}'.`, vm.element, {
        attribute: 'name',
      });
    }
    if (vm.name !== undefined) names.add(vm.name);
    if (target.arch === 'x86_64' && children.length > 0) {
      const what = `PD '${name ?? ''}' with a bound vCPU to have children on x86_64`;
      report.colon(`It is not possible for ${what}`, element);
    }
  }
}

function checkIrqNumbers({ report }: Reading, pds: readonly PdDraft[]): void {
  const numbers = new Set<number>();
  for (const pd of pds) {
    for (const { value, element } of pd.irqs) {
      const number = value.kind === 'conventional' ? value.irq : value.vector;
      if (numbers.has(number)) {
        const place = report.place(pd.element);
        report.exactly(
          `Error: duplicate irq: ${number} in protection domain: '${pd.name ?? ''}' @ ${place}`,
          element,
          { attribute: value.kind === 'conventional' ? 'irq' : 'vector' },
        );
      }
      numbers.add(number);
    }
  }
}

/** Interrupts and channel ends of a domain share one space of identifiers. */
function checkChannels(
  reading: Reading,
  channels: readonly ChannelDraft[],
  pds: readonly PdDraft[],
): void {
  const { report } = reading;
  const byName = new Map(pds.map((pd) => [pd.name, pd]));
  const taken = new Map<PdDraft, Set<number>>(pds.map((pd) => [pd, new Set()]));
  const claim = (pd: PdDraft | undefined, id: number, element: ChannelDraft['element']): void => {
    const ids = pd === undefined ? undefined : taken.get(pd);
    if (pd === undefined || ids === undefined) return;
    if (ids.has(id)) {
      const place = report.place(pd.element);
      const hint = `free is ${firstFree(ids)}`;
      report.exactly(
        `Error: duplicate channel id: ${id} in protection domain: '${pd.name ?? ''}' @ ${place}`,
        element,
        { attribute: 'id', hint },
      );
    }
    ids.add(id);
  };
  for (const pd of pds) for (const irq of pd.irqs) claim(pd, irq.value.id, irq.element);
  for (const channel of channels) {
    const a = byName.get(channel.a.pd);
    const b = byName.get(channel.b.pd);
    const [endA, endB] = channel.element.children.filter((child) => child.tag === 'end');
    claim(a, channel.a.id, endA ?? channel.element);
    claim(b, channel.b.id, endB ?? channel.element);
    if (a === undefined || b === undefined) continue;
    if (channel.a.pp) checkCall(reading, channel, { caller: a, callee: b, first: a });
    if (channel.b.pp) checkCall(reading, channel, { caller: b, callee: a, first: a });
    warnAboutChannel(reading, channel);
  }
}

function firstFree(ids: ReadonlySet<number>): number {
  let id = 0;
  while (ids.has(id)) id += 1;
  return id;
}

function checkCall(
  { report, target }: Reading,
  channel: ChannelDraft,
  { caller, callee, first }: { caller: PdDraft; callee: PdDraft; first: PdDraft },
): void {
  const from = caller.name ?? '';
  const to = callee.name ?? '';
  if (caller.priority >= callee.priority) {
    const message =
      'Error: PPCs must be to protection domains of strictly higher priorities; channel with PPC exists from ' +
      `pd ${from} (priority: ${caller.priority}) to pd ${to} (priority: ${callee.priority})`;
    const hint = `give '${to}' a priority above ${caller.priority}`;
    report.exactly(message, channel.element, { hint });
  }
  if (target.arch === 'x86_64' && callee.virtualMachine !== undefined) {
    const message = `It is not possible to PPC to PD '${to}' with a bound vCPU from PD '${from}' on x86_64`;
    // The tool says where the domain of the channel's first end is.
    report.exactly(`Error: ${message} @ ${report.place(first.element)}`, channel.element);
  }
}

/** Channels that the tool accepts although they make no sense. */
function warnAboutChannel({ report }: Reading, { element, a, b }: ChannelDraft): void {
  if (a.pd === b.pd) {
    report.warn(`both ends of this channel are '${a.pd}'`, element);
  }
  if (!a.notify && !b.notify && !a.pp && !b.pp) {
    report.warn('neither end of this channel may notify or call the other', element, {
      hint: 'remove the channel, or one notify="false"',
    });
  }
}

function checkIoPortIds({ report }: Reading, pds: readonly PdDraft[]): void {
  for (const pd of pds) {
    const ids = new Set<number>();
    for (const { value, element } of pd.ioPorts) {
      if (ids.has(value.id)) {
        const place = report.place(pd.element);
        const where = `in protection domain: '${pd.name ?? ''}' @ ${place}`;
        report.exactly(`Error: duplicate I/O port id: ${value.id} ${where}`, element, {
          attribute: 'id',
        });
      }
      ids.add(value.id);
    }
  }
}

function checkCapSlots({ report }: Reading, pds: readonly PdDraft[]): void {
  for (const pd of pds.filter(({ caps }) => caps.length > 1)) {
    for (let slot = 1; slot < CSPACE_SLOTS; slot += 1) {
      const caps = pd.caps.filter((cap) => cap.value.slot === slot);
      if (caps.length < 2) continue;
      const lines = caps.map(({ value, element }) => {
        const type = CAP_NAMES[value.kind];
        return `\n  type ${type} from '${value.pd}' at '${report.place(element)}'`;
      });
      const message = `Error: overlapping user caps in slot ${slot} of protection domain '${pd.name ?? ''}':`;
      report.exactly(message + lines.join(''), caps[1]?.element, { attribute: 'slot' });
    }
  }
}

function warnUnused({ report }: Reading, draft: SystemDraft, pds: readonly PdDraft[]): void {
  const used = new Set<string>();
  for (const pd of pds) {
    for (const { value } of pd.maps) used.add(value.region);
    for (const { value } of pd.virtualMachine?.maps ?? []) used.add(value.region);
    for (const { value } of pd.setvars) used.add(value.region);
  }
  for (const space of draft.ioAddressSpaces) {
    for (const { value } of space.maps) used.add(value.region);
  }
  for (const { name, element } of draft.regions) {
    if (!used.has(name)) report.warn(`unused memory region '${name}'`, element);
  }
}

function checkPrefillSizes({ report }: Reading, pds: readonly PdDraft[], regions: Regions): void {
  const setting = pds.flatMap((pd) =>
    pd.maps.filter(({ value }) => value.setvarPrefillSize !== undefined),
  );
  for (const { value, element } of setting) {
    const region = regions.get(value.region);
    if (region === undefined) continue;
    if (region.element.attributes.some(({ name }) => name === 'prefill_path')) continue;
    const place = `'${region.name}' ${report.place(region.element)}`;
    report.exactly(
      `Error: 'setvar_prefill_size' used for MR without a \`prefill_path\` @ ${place}`,
      element,
      { attribute: 'setvar_prefill_size' },
    );
  }
}

function checkSetvars(
  { report, target }: Reading,
  pds: readonly PdDraft[],
  regions: Regions,
): void {
  for (const { value, element } of pds.flatMap((pd) => pd.setvars)) {
    const region = regions.get(value.region);
    const attribute = 'region_paddr';
    if (region === undefined) {
      const hint = report.didYouMean(value.region, regions.keys());
      const message = `invalid memory region name '${value.region}' on 'setvar'`;
      report.at(message, element, { attribute, hint });
    } else if (target.arch === 'x86_64' && region.physAddr === undefined) {
      const message =
        "Error: setvar with 'region_paddr' for MR without a specified paddr is unsupported on x86-64";
      const place = `'${region.name}' ${report.place(region.element)}`;
      report.exactly(`${message} @ ${place}`, element, { attribute });
    }
  }
}
