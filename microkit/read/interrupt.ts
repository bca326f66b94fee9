/** `<irq>` in its three forms, and `<ioport>`. Which form it is, the attributes tell. */

import type { IoPortDescription, IrqDescription, PciAddress } from '../model.ts';
import type { Element } from '../xml/element.ts';
import { attributeOf } from '../xml/element.ts';
import { Attributes, present } from './attributes.ts';
import type { Reading } from './draft.ts';
import { parsePci } from './pci.ts';

const VECTOR_MAX = 107n;

export function readIrq(reading: Reading, element: Element): IrqDescription | undefined {
  const x86 = reading.target.arch === 'x86_64';
  const has = (name: string): boolean => attributeOf(element, name) !== undefined;
  const refuse = (message: string, attribute: string): undefined => {
    reading.report.onElement(message, element, { attribute });
  };
  if (has('irq')) {
    if (x86) return refuse('ARM and RISC-V IRQs are not supported on x86', 'irq');
    return readConventional(reading, element);
  }
  if (has('pin')) {
    if (x86) return readIoapic(reading, element);
    return refuse("x86 I/O APIC IRQ isn't supported on ARM and RISC-V", 'pin');
  }
  if (has('pcidev')) {
    if (x86) return readMsi(reading, element);
    return refuse("x86 MSI IRQ isn't supported on ARM and RISC-V", 'pcidev');
  }
  return x86 ? readIoapic(reading, element) : readConventional(reading, element);
}

function readConventional(reading: Reading, element: Element): IrqDescription | undefined {
  const known = ['irq', 'id', 'setvar_id', 'trigger'];
  const attributes = new Attributes(element, reading.report, known);
  const id = attributes.identifier('id');
  const irq = atLeastZero(attributes, 'irq', attributes.requiredSigned('irq'));
  const trigger = attributes.word('trigger', ['level', 'edge'], 'level');
  if (id === undefined || irq === undefined || trigger === undefined) return undefined;
  const setvarId = present('setvarId', attributes.optional('setvar_id'));
  return { kind: 'conventional', id, ...setvarId, irq, trigger };
}

function readIoapic(reading: Reading, element: Element): IrqDescription | undefined {
  const known = ['id', 'setvar_id', 'ioapic', 'pin', 'vector', 'trigger', 'polarity'];
  const attributes = new Attributes(element, reading.report, known);
  const id = attributes.identifier('id');
  const pin = atLeastZero(attributes, 'pin', attributes.requiredSigned('pin'));
  const ioapic = atLeastZero(attributes, 'ioapic', attributes.signed('ioapic') ?? 0n);
  const trigger = attributes.word('trigger', ['level', 'edge'], 'level');
  const polarity = attributes.word('polarity', ['low', 'high'], 'high');
  const vector = readVector(attributes);
  if (id === undefined || pin === undefined || ioapic === undefined || vector === undefined) {
    return undefined;
  }
  if (trigger === undefined || polarity === undefined) return undefined;
  const setvarId = present('setvarId', attributes.optional('setvar_id'));
  return { kind: 'ioapic', id, ...setvarId, ioapic, pin, vector, trigger, polarity };
}

function readMsi(reading: Reading, element: Element): IrqDescription | undefined {
  const known = ['id', 'setvar_id', 'pcidev', 'handle', 'vector'];
  const attributes = new Attributes(element, reading.report, known);
  const id = attributes.identifier('id');
  const device = readPcidev(attributes);
  const handle = atLeastZero(attributes, 'handle', attributes.requiredSigned('handle'));
  const vector = readVector(attributes);
  if (id === undefined || device === undefined || handle === undefined || vector === undefined) {
    return undefined;
  }
  const setvarId = present('setvarId', attributes.optional('setvar_id'));
  return { kind: 'msi', id, ...setvarId, device, handle, vector };
}

function readPcidev(attributes: Attributes): PciAddress | undefined {
  const result = parsePci(attributes.optional('pcidev') ?? '');
  return result.ok ? result.address : attributes.refuse('pcidev', result.reason);
}

function readVector(attributes: Attributes): number | undefined {
  const vector = attributes.requiredSigned('vector');
  if (vector === undefined) return undefined;
  if (vector >= 0n && vector <= VECTOR_MAX) return Number(vector);
  return attributes.refuse('vector', `vector must be within [0..${VECTOR_MAX}]`);
}

function atLeastZero(
  attributes: Attributes,
  name: string,
  value: bigint | undefined,
): number | undefined {
  if (value === undefined) return undefined;
  if (value < 0n) return attributes.refuse(name, `${name} must be >= 0`);
  if (value > 0xffff_ffffn) return attributes.refuse(name, `${name} must be < 4294967296`);
  return Number(value);
}

/**
 * I/O ports are checked for the architecture by the caller, which reports at the protection domain.
 */
export function readIoPort(reading: Reading, element: Element): IoPortDescription | undefined {
  const known = ['id', 'setvar_id', 'addr', 'size', 'setvar_addr'];
  const attributes = new Attributes(element, reading.report, known);
  const id = attributes.identifier('id');
  const addr = attributes.requiredNumber('addr');
  const size = attributes.requiredSigned('size');
  if (size !== undefined && size <= 0n) return attributes.refuse('size', 'size must be > 0');
  if (addr !== undefined && size !== undefined && addr + size > 0x1_0000n) {
    return attributes.refuse('size', 'I/O ports end at 0x10000');
  }
  if (id === undefined || addr === undefined || size === undefined) return undefined;
  return {
    id,
    addr,
    size,
    ...present('setvarId', attributes.optional('setvar_id')),
    ...present('setvarAddr', attributes.optional('setvar_addr')),
  };
}
