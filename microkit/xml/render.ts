/**
 * Model to elements to text. Attributes that have their default value are left out, so the text is
 * what a person would write; reading it gives the same model again.
 */

import { formatPci } from '../read/pci.ts';
import type {
  ChannelEndDescription,
  DomainsDescription,
  IoAddressSpaceDescription,
  IrqDescription,
  MapDescription,
  PdDescription,
  RegionDescription,
  SystemDescription,
  VirtualMachineDescription,
} from '../model.ts';
import type { Attribute, Element } from './element.ts';

type Value = string | number | bigint | boolean | undefined;

/** `undefined` leaves the attribute out. */
function element(
  tag: string,
  values: Readonly<Record<string, Value>>,
  children: readonly Element[] = [],
): Element {
  const attributes: Attribute[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) attributes.push({ name, value: String(value) });
  }
  return { tag, attributes, children };
}

/** A value that is left out when it is the default. */
function unless<T extends Value>(value: T, ifAbsent: T): T | undefined {
  return value === ifAbsent ? undefined : value;
}

function hex(value: bigint): string {
  return value < 0n ? String(value) : `0x${value.toString(16)}`;
}

/**
 * @returns the `<system>` element: domains, regions, protection domains, channels, I/O address
 * spaces
 */
export function toElements(system: SystemDescription): Element {
  return element('system', {}, [
    ...(system.domains === undefined ? [] : [domainsElement(system.domains)]),
    ...system.regions.map(regionElement),
    ...system.protectionDomains.map(pdElement),
    ...system.channels.map(({ a, b }) => element('channel', {}, [endElement(a), endElement(b)])),
    ...system.ioAddressSpaces.map(ioAddressSpaceElement),
  ]);
}

function regionElement(region: RegionDescription): Element {
  const { prefill } = region;
  return element('memory_region', {
    name: region.name,
    size: hex(region.size),
    page_size: region.pageBytesAsked === undefined ? undefined : hex(BigInt(region.pageBytesAsked)),
    phys_addr: region.physAddr === undefined ? undefined : hex(region.physAddr),
    prefill_path: prefill?.kind === 'file' ? prefill.path : undefined,
    prefill_bootinfo: prefill?.kind === 'bootinfo' ? prefill.item : undefined,
  });
}

function pdElement(pd: PdDescription): Element {
  const { virtualMachine: vm, image } = pd;
  const attributes = {
    name: pd.name,
    id: pd.id,
    setvar_id: pd.setvarId,
    priority: unless(pd.priority, 0),
    budget: unless(pd.budgetUs, 1000n),
    period: unless(pd.periodUs, pd.budgetUs),
    passive: unless(pd.passive, false),
    stack_size: pd.stackBytes === 0x2000 ? undefined : wholeHex(pd.stackBytes),
    cpu: unless(pd.cpu, 0),
    smc: unless(pd.smc, false),
    fpu: unless(pd.fpu, true),
    domain: pd.domain,
  };
  return element('protection_domain', attributes, [
    element('program_image', { path: image.path, path_for_symbols: image.pathForSymbols }),
    ...pd.maps.map(mapElement),
    ...pd.irqs.map(irqElement),
    ...pd.ioPorts.map((port) =>
      element('ioport', {
        id: port.id,
        addr: hex(port.addr),
        size: port.size,
        setvar_id: port.setvarId,
        setvar_addr: port.setvarAddr,
      }),
    ),
    ...pd.setvars.map(({ symbol, region }) => element('setvar', { symbol, region_paddr: region })),
    ...pd.children.map(pdElement),
    ...(vm === undefined ? [] : [vmElement(vm)]),
    ...(pd.cspace.length === 0 ? [] : [cspaceElement(pd)]),
  ]);
}

/** A number that may not be one: what the builder was given is judged by the reader. */
function wholeHex(value: number): string {
  return Number.isSafeInteger(value) ? hex(BigInt(value)) : String(value);
}

function cspaceElement(pd: PdDescription): Element {
  const caps = pd.cspace.map(({ kind, slot, pd: of }) => element(`cap_${kind}`, { slot, pd: of }));
  return element('cspace', {}, caps);
}

function mapElement(map: MapDescription): Element {
  return element('map', {
    mr: map.region,
    vaddr: hex(map.vaddr),
    perms: unless(map.permissions, 'rw'),
    cached: unless(map.cached, true),
    setvar_vaddr: map.setvarVaddr,
    setvar_size: map.setvarSize,
    setvar_prefill_size: map.setvarPrefillSize,
  });
}

function irqElement(irq: IrqDescription): Element {
  const { id, setvarId } = irq;
  switch (irq.kind) {
    case 'conventional': {
      const trigger = unless(irq.trigger, 'level');
      return element('irq', { irq: irq.irq, id, trigger, setvar_id: setvarId });
    }
    case 'ioapic':
      return element('irq', {
        id,
        pin: irq.pin,
        vector: irq.vector,
        ioapic: unless(irq.ioapic, 0),
        trigger: unless(irq.trigger, 'level'),
        polarity: unless(irq.polarity, 'high'),
        setvar_id: setvarId,
      });
    case 'msi': {
      const { bus, device, function: fn } = irq.device;
      const pcidev = `${bus.toString(16)}:${device.toString(16)}.${fn.toString(16)}`;
      const { handle, vector } = irq;
      return element('irq', { id, pcidev, handle, vector, setvar_id: setvarId });
    }
    default:
      return irq satisfies never;
  }
}

function vmElement(vm: VirtualMachineDescription): Element {
  const attributes = {
    name: vm.name,
    priority: unless(vm.priority, 0),
    budget: unless(vm.budgetUs, 1000n),
    period: unless(vm.periodUs, vm.budgetUs),
  };
  return element('virtual_machine', attributes, [
    ...vm.vcpus.map(({ id, cpu, setvarId }) => element('vcpu', { id, cpu, setvar_id: setvarId })),
    ...vm.maps.map(mapElement),
  ]);
}

function endElement(end: ChannelEndDescription): Element {
  return element('end', {
    pd: end.pd,
    id: end.id,
    pp: unless(end.pp, false),
    notify: unless(end.notify, true),
    setvar_id: end.setvarId,
  });
}

function domainsElement({
  domains,
  schedule,
  startIndex,
  indexShift,
}: DomainsDescription): Element {
  const table = element(
    'domain_schedule',
    { start_index: unless(startIndex, 0), index_shift: indexShift },
    schedule.map((entry) =>
      entry.kind === 'end'
        ? element('schedule_end_marker', {})
        : element('schedule_entry', {
            domain: entry.domain,
            duration: `${entry.duration} ${entry.unit}`,
          }),
    ),
  );
  return element('domains', {}, [
    ...domains.map(({ name, id }) => element('domain', { name, id })),
    table,
  ]);
}

function ioAddressSpaceElement(space: IoAddressSpaceDescription): Element {
  const attributes = {
    name: space.name,
    domain_id: space.domainId,
    peripheral_id: formatPci(space.device),
  };
  const maps = space.maps.map(({ region, iovaddr, permissions }) =>
    element('iomap', { mr: region, iovaddr: hex(iovaddr), perms: unless(permissions, 'rw') }),
  );
  return element('io_address_space', attributes, maps);
}

/** @returns a `.system` file */
export function renderXml(system: SystemDescription): string {
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>'];
  write(toElements(system), '', lines);
  return `${lines.join('\n')}\n`;
}

function write({ tag, attributes, children }: Element, indent: string, lines: string[]): void {
  const values = attributes.map(({ name, value }) => ` ${name}="${escape(value)}"`).join('');
  if (children.length === 0) {
    lines.push(`${indent}<${tag}${values} />`);
    return;
  }
  lines.push(`${indent}<${tag}${values}>`);
  for (const child of children) write(child, `${indent}    `, lines);
  lines.push(`${indent}</${tag}>`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

function escape(value: string): string {
  return value.replaceAll(/[&<>"\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}
