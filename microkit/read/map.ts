/** `<map>`: a region at an address of a protection domain or of a virtual machine. */

import { hex } from '../../memory/hex.ts';
import type { MapDescription, Permissions } from '../model.ts';
import type { Element } from '../xml/element.ts';
import { Attributes, present } from './attributes.ts';
import type { Reading } from './draft.ts';

const COMMON = ['mr', 'vaddr', 'perms', 'cached'];
const OF_DOMAIN = [...COMMON, 'setvar_vaddr', 'setvar_size', 'setvar_prefill_size'];

export interface MapContext {
  /** A virtual machine has no program whose symbols could be set. */
  readonly of: 'domain' | 'virtual machine';
  /** First address that no mapping may reach. */
  readonly vaddrEnd: bigint;
}

/** Symbols that a mapping sets, in the order of the checks. */
export function symbolsOfMap(map: MapDescription): string[] {
  return [map.setvarVaddr, map.setvarSize, map.setvarPrefillSize].filter(
    (symbol) => symbol !== undefined,
  );
}

/** @returns undefined when the mapping makes no sense without what is wrong with it */
export function readMap(
  reading: Reading,
  element: Element,
  context: MapContext,
): MapDescription | undefined {
  const known = context.of === 'domain' ? OF_DOMAIN : COMMON;
  const attributes = new Attributes(element, reading.report, known);
  const region = attributes.required('mr');
  const vaddr = attributes.requiredNumber('vaddr');
  if (vaddr !== undefined && vaddr >= context.vaddrEnd) {
    const message = `vaddr (${hex(vaddr)}) must be less than ${hex(context.vaddrEnd)}`;
    attributes.refuse('vaddr', message, 'the stack and the IPC buffer lie above');
  }
  const permissions = readPermissions(attributes);
  const cached = attributes.boolean('cached', 'true');
  if (region === undefined || vaddr === undefined || vaddr >= context.vaddrEnd) return undefined;
  return {
    region,
    vaddr,
    permissions,
    cached,
    ...(context.of === 'domain' && {
      ...present('setvarVaddr', attributes.optional('setvar_vaddr')),
      ...present('setvarSize', attributes.optional('setvar_size')),
      ...present('setvarPrefillSize', attributes.optional('setvar_prefill_size')),
    }),
  };
}

function readPermissions(attributes: Attributes): Permissions {
  const raw = attributes.optional('perms') ?? 'rw';
  if (/[^rwx]/.test(raw)) {
    attributes.refuse('perms', "perms must only be a combination of 'r', 'w', and 'x'");
    return 'rw';
  }
  const permissions = canonicalPermissions(raw);
  if (permissions === 'w') {
    const message = "perms must not be 'w', write-only mappings are not allowed";
    attributes.refuse('perms', message, "use 'rw'");
    return 'rw';
  }
  return permissions;
}

/** @param raw letters r, w, x in any order, repeats allowed */
export function canonicalPermissions(raw: string): Permissions {
  return ['r', 'w', 'x'].filter((letter) => raw.includes(letter)).join('') as Permissions;
}
