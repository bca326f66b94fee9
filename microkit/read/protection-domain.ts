/** `<protection_domain>`, in the order in which the Microkit tool checks it. */

import type { ImageDescription } from '../model.ts';
import { PRIORITY_MAX } from '../model.ts';
import { stackBottom } from '../target.ts';
import type { Element } from '../xml/element.ts';
import { Attributes, present } from './attributes.ts';
import { readCspace } from './cspace.ts';
import type { PdDraft, Reading } from './draft.ts';
import { readIoPort, readIrq } from './interrupt.ts';
import { type MapContext, readMap, symbolsOfMap } from './map.ts';
import { checkBudget, readVirtualMachine } from './virtual-machine.ts';

const KNOWN = [
  'name',
  'priority',
  'budget',
  'period',
  'passive',
  'stack_size',
  'cpu',
  'smc',
  'fpu',
  'domain',
];
const KNOWN_OF_CHILD = [...KNOWN, 'id', 'setvar_id'];
const CHILDREN =
  'program_image, map, irq, ioport, setvar, protection_domain, virtual_machine, cspace';

const STACK_BYTES = 0x2000n;
const STACK_BYTES_MIN = 0x1000n;
const STACK_BYTES_MAX = 0x100_0000n;
const NAME_BYTES = 64;

export interface PdContext {
  readonly place: 'root' | 'child';
  /** Names of scheduling domains, once a `<domains>` element has been read. */
  readonly domains: ReadonlySet<string> | undefined;
}

export function readProtectionDomain(
  reading: Reading,
  element: Element,
  context: PdContext,
): PdDraft {
  const pd = readAttributes(reading, element, context);
  const vaddrEnd = stackBottom(reading.target, BigInt(pd.stackBytes));
  const maps: MapContext = { of: 'domain', vaddrEnd };
  for (const child of element.children) readChild(reading, { pd, maps, context }, child);
  if (!pd.single.has('program_image')) {
    const message = `Error: missing 'program_image' element on protection_domain: '${pd.name ?? ''}'`;
    const hint = 'add <program_image path="…" />';
    reading.report.exactly(message, element, { hint });
  }
  return pd;
}

function readAttributes(reading: Reading, element: Element, context: PdContext): PdDraft {
  const { target, report } = reading;
  const isChild = context.place === 'child';
  const attributes = new Attributes(element, report, isChild ? KNOWN_OF_CHILD : KNOWN);
  const name = attributes.required('name');
  const id = isChild ? attributes.identifier('id') : undefined;
  const budgetUs = attributes.number('budget') ?? 1000n;
  const periodUs = attributes.number('period') ?? budgetUs;
  checkBudget(attributes, budgetUs, periodUs);
  const passive = attributes.boolean('passive', 'false');
  const stackAsked = attributes.number('stack_size') ?? STACK_BYTES;
  const smc = readSmc(reading, attributes);
  const cpu = attributes.number('cpu') ?? 0n;
  if (cpu >= BigInt(target.cores)) {
    attributes.refuse('cpu', `cpu core must be less than ${target.cores}, got ${cpu}`);
  }
  const domain = readDomain(attributes, context);
  const stackBytes = checkStack(attributes, stackAsked);
  const priority = attributes.number('priority') ?? 0n;
  if (priority > BigInt(PRIORITY_MAX)) {
    const hint = '255 is the monitor';
    attributes.refuse('priority', `priority must be between 0 and ${PRIORITY_MAX}`, hint);
  }
  const fpu = attributes.boolean('fpu', 'true');
  if (name !== undefined && utf8Bytes(name) > NAME_BYTES) {
    const message = `programs see the first ${NAME_BYTES} bytes of this name only`;
    report.warn(message, element, { attribute: 'name' });
  }
  return {
    element,
    name,
    id,
    setvarId: isChild ? attributes.optional('setvar_id') : undefined,
    priority: priority > BigInt(PRIORITY_MAX) ? 0 : Number(priority),
    budgetUs,
    periodUs,
    passive,
    stackBytes: Number(stackBytes),
    cpu: cpu >= BigInt(target.cores) ? 0 : Number(cpu),
    fpu,
    smc,
    domain,
    image: undefined,
    maps: [],
    irqs: [],
    ioPorts: [],
    setvars: [],
    children: [],
    virtualMachine: undefined,
    caps: [],
    single: new Set(),
    symbols: new Set(),
  };
}

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

function readSmc({ target, report }: Reading, attributes: Attributes): boolean {
  const smc = attributes.boolean('smc', 'false');
  if (!smc || target.armSmc === true) return smc;
  if (target.armSmc === false) {
    const message =
      'Using SMC support without ARM SMC forwarding support enabled for this platform';
    attributes.refuse('smc', message);
  } else {
    const message = 'Error: ARM SMC forwarding support is not available for this architecture';
    report.exactly(message, attributes.element, { attribute: 'smc' });
  }
  return false;
}

function readDomain(attributes: Attributes, { domains }: PdContext): string | undefined {
  if (domains !== undefined) {
    const domain = attributes.required('domain');
    if (domain === undefined || domains.has(domain)) return domain;
    const hint = domains.size > 16 ? undefined : `declared are ${[...domains].join(', ')}`;
    return attributes.refuse('domain', `domain '${domain}' not declared in <domains>:`, hint);
  }
  const domain = attributes.optional('domain');
  if (domain === undefined) return undefined;
  const message = `Specifying a domain '${domain}' without declaring a domain schedule is not allowed:`;
  const hint = 'put a <domains> element before the protection domains';
  return attributes.refuse('domain', message, hint);
}

function checkStack(attributes: Attributes, asked: bigint): bigint {
  if (asked < STACK_BYTES_MIN || asked > STACK_BYTES_MAX) {
    const range = '0x1000 bytes and 0x1000000 bytes';
    attributes.refuse('stack_size', `stack size must be between ${range}`);
    return STACK_BYTES;
  }
  if (asked % 0x1000n !== 0n) {
    const message = 'stack size must be aligned to the smallest page size, 4096 bytes';
    attributes.refuse('stack_size', message);
    return STACK_BYTES;
  }
  return asked;
}

/** What a child element belongs to. */
interface Level {
  readonly pd: PdDraft;
  readonly maps: MapContext;
  readonly context: PdContext;
}

function readChild(reading: Reading, { pd, maps, context }: Level, child: Element): void {
  const { report } = reading;
  switch (child.tag) {
    case 'program_image':
      return readImage(reading, pd, child);
    case 'map': {
      const map = readMap(reading, child, maps);
      if (map === undefined) return;
      pd.maps.push({ value: map, element: child });
      for (const symbol of symbolsOfMap(map)) claimSymbol(reading, pd, symbol, child);
      return;
    }
    case 'irq': {
      const irq = readIrq(reading, child);
      if (irq === undefined) return;
      pd.irqs.push({ value: irq, element: child });
      return claimSymbol(reading, pd, irq.setvarId, child);
    }
    case 'ioport':
      return readPort(reading, pd, child);
    case 'setvar':
      return readSetvar(reading, pd, child);
    case 'protection_domain': {
      const inner = readProtectionDomain(reading, child, { ...context, place: 'child' });
      pd.children.push(inner);
      return claimSymbol(reading, pd, inner.setvarId, child);
    }
    case 'virtual_machine':
      return readVm(reading, pd, child);
    case 'cspace':
      if (isSecond(pd, child)) {
        report.onElement('cspace must only be specified once', pd.element);
        return;
      }
      pd.caps.push(...readCspace(reading, child));
      return;
    case '#text':
      return;
    default: {
      const message = `Invalid XML element '${child.tag}': ${report.place(child)}`;
      const known = CHILDREN.split(', ');
      const hint = report.didYouMean(child.tag, known) ?? `a domain has ${CHILDREN}`;
      report.exactly(message, child, { hint });
    }
  }
}

/** @returns whether the domain has had an element of this kind before */
function isSecond(pd: PdDraft, { tag }: Element): boolean {
  const second = pd.single.has(tag);
  pd.single.add(tag);
  return second;
}

/** Each symbol of a program is set once, whatever sets it. */
export function claimSymbol(
  reading: Reading,
  pd: PdDraft,
  symbol: string | undefined,
  element: Element,
): void {
  if (symbol === undefined) return;
  if (pd.symbols.has(symbol)) {
    const attribute = element.attributes.find(({ value }) => value === symbol)?.name;
    const extras = attribute === undefined ? {} : { attribute };
    reading.report.onElement(`setvar on symbol '${symbol}' already exists`, element, extras);
  }
  pd.symbols.add(symbol);
}

function readImage(reading: Reading, pd: PdDraft, element: Element): void {
  if (isSecond(pd, element)) {
    reading.report.onElement('program_image must only be specified once', pd.element);
    return;
  }
  const attributes = new Attributes(element, reading.report, ['path', 'path_for_symbols']);
  const path = attributes.required('path');
  if (path === undefined) return;
  const image: ImageDescription = {
    path,
    ...present('pathForSymbols', attributes.optional('path_for_symbols')),
  };
  pd.image = image;
}

function readPort(reading: Reading, pd: PdDraft, element: Element): void {
  if (reading.target.arch !== 'x86_64') {
    // The tool says where the protection domain is.
    const { report } = reading;
    const place = `on element 'protection_domain': ${report.place(pd.element)}`;
    report.exactly(`Error: I/O Ports are only available on x86 ${place}`, element);
    return;
  }
  const port = readIoPort(reading, element);
  if (port === undefined) return;
  pd.ioPorts.push({ value: port, element });
  claimSymbol(reading, pd, port.setvarId, element);
  claimSymbol(reading, pd, port.setvarAddr, element);
}

function readSetvar(reading: Reading, pd: PdDraft, element: Element): void {
  const attributes = new Attributes(element, reading.report, ['symbol', 'region_paddr']);
  const symbol = attributes.required('symbol');
  const region = attributes.required('region_paddr');
  if (symbol === undefined || region === undefined) return;
  claimSymbol(reading, pd, symbol, element);
  pd.setvars.push({ value: { symbol, region }, element });
}

function readVm(reading: Reading, pd: PdDraft, element: Element): void {
  const { report, target } = reading;
  if (!target.hypervisor) {
    const message = 'seL4 has not been built as a hypervisor, virtual machines are disabled';
    const place = `on element 'protection_domain': ${report.place(pd.element)}`;
    report.exactly(`Error: ${message} ${place}`, element);
    return;
  }
  if (pd.virtualMachine !== undefined) {
    report.onElement('virtual_machine must only be specified once', pd.element);
    return;
  }
  pd.virtualMachine = readVirtualMachine(reading, element, pd.cpu);
  for (const vcpu of pd.virtualMachine.vcpus) claimSymbol(reading, pd, vcpu.setvarId, element);
}
