/** `<cspace>`: extra capabilities in a protection domain's root CNode. */

import type { UserCapDescription } from '../model.ts';
import { CSPACE_SLOTS } from '../model.ts';
import type { Element } from '../xml/element.ts';
import { Attributes } from './attributes.ts';
import type { Reading, Sourced } from './draft.ts';

const KINDS = ['tcb', 'sc', 'vspace'] as const;
/** What the tool says is the limit; slots above 63 exist nowhere. */
const SLOTS_OF_TOOL = 128n;

export function readCspace(reading: Reading, element: Element): Sourced<UserCapDescription>[] {
  const { report } = reading;
  new Attributes(element, report, []);
  const caps: Sourced<UserCapDescription>[] = [];
  for (const child of element.children) {
    if (child.tag === '#text') continue;
    const name = /^cap_(.*)$/.exec(child.tag)?.[1];
    const hint = 'capabilities are cap_tcb, cap_sc and cap_vspace';
    if (name === undefined) {
      const message = `Element '${child.tag}' is not supported in a <cspace> element`;
      report.exactly(`${message} at '${report.place(child)}'`, child, { hint });
      continue;
    }
    const kind = KINDS.find((candidate) => candidate === name);
    if (kind === undefined) {
      const message = `Cap type: '${name}' is not supported at '${report.place(child)}'`;
      report.exactly(message, child, { hint });
      continue;
    }
    const cap = readCap(reading, child, kind);
    if (cap !== undefined) caps.push({ value: cap, element: child });
  }
  return caps;
}

function readCap(
  reading: Reading,
  element: Element,
  kind: UserCapDescription['kind'],
): UserCapDescription | undefined {
  const attributes = new Attributes(element, reading.report, ['slot', 'pd']);
  const slot = attributes.requiredNumber('slot');
  const accepted = slot !== undefined && checkSlot(attributes, slot) === 'usable';
  const pd = attributes.required('pd');
  if (!accepted || pd === undefined) return undefined;
  return { kind, slot: Number(slot), pd };
}

function checkSlot(attributes: Attributes, slot: bigint): 'usable' | 'refused' {
  const range = `slots are 1..${CSPACE_SLOTS - 1}`;
  if (slot === 0n) {
    const message = 'The destination slot 0 has been reserved for Microkit CNode';
    attributes.refuse('slot', message, range);
  } else if (slot >= SLOTS_OF_TOOL) {
    const message = `There are only ${SLOTS_OF_TOOL} destination cspace slots available.`;
    attributes.refuse('slot', message, range);
  } else if (slot >= BigInt(CSPACE_SLOTS)) {
    const hint = `${range}: the root CNode has ${CSPACE_SLOTS}, so nothing could name this one`;
    attributes.refuse('slot', `slot must be < ${CSPACE_SLOTS}`, hint);
  } else {
    return 'usable';
  }
  return 'refused';
}
