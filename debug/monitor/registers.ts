/** Registers of devices, by the addresses that a domain has them at. */

import type { Debugger } from '../debugger.ts';
import { type DeviceRegister, DomainView } from '../domains.ts';

const WIDTHS = [1, 2, 4];
const WIDTH = 4;
const USAGE = 'takes an address such as 0x20001070, and a width in bytes: 1, 2 or 4';

interface Asked extends DeviceRegister {
  readonly width: number;
}

/** @returns a line: what a read would give, without anything that a read does besides */
export function peek(debug: Debugger, pd: string, words: readonly string[]): readonly string[] {
  const asked = registerOf(debug, pd, words);
  if (typeof asked === 'string') return [`peek ${asked}`];
  const { range, offset, width } = asked;
  const value = range.device.peek?.(offset, width);
  return value === undefined
    ? [`${where(asked)}: no register of ${width} bytes that can be looked at without a read`]
    : [`${where(asked)}: 0x${value.toString(16)}`];
}

/** Reads as the domain would. @returns a line */
export function readRegister(
  debug: Debugger,
  pd: string,
  words: readonly string[],
): readonly string[] {
  const asked = registerOf(debug, pd, words);
  if (typeof asked === 'string') return [`read ${asked}`];
  const { range, offset, width } = asked;
  const value = range.device.read(offset, width);
  debug.touched('a register of a device was read by hand');
  return [`${where(asked)}: 0x${value.toString(16)}`];
}

/** @returns why not, as a text */
function registerOf(
  debug: Debugger,
  pd: string,
  [address = '', width = String(WIDTH)]: readonly string[],
): Asked | string {
  const vaddr = /^0x[0-9a-f]{1,12}$/i.test(address) ? Number(address) : undefined;
  if (vaddr === undefined || !WIDTHS.includes(Number(width))) return USAGE;
  const register = new DomainView(pd, debug).registerAt(vaddr);
  if (register === undefined) return `0x${vaddr.toString(16)}: ${pd} has no device there`;
  const asked = { ...register, width: Number(width) };
  const isInside = asked.offset + asked.width <= asked.range.sizeBytes;
  return isInside && asked.offset % asked.width === 0
    ? asked
    : `${where(asked)}: no register of ${asked.width} bytes begins there`;
}

function where({ range, offset }: DeviceRegister): string {
  return `${range.name}+0x${offset.toString(16)}`;
}
