/**
 * What can be said of a hart whose domain has faulted: where it was, how it came there, and what it
 * had in its registers.
 */

import { REGISTER_COUNT } from '../../kernel/abi.ts';
import type { FunctionIndex } from '../elf/image.ts';
import type { HartContext } from './machine-code.ts';

/** Names in the order of the user context: see `REG_…` in the kernel's `abi.ts`. */
const NAMES = (
  'pc ra sp gp s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 ' +
  'a0 a1 a2 a3 a4 a5 a6 a7 t0 t1 t2 t3 t4 t5 t6 tp'
).split(' ');
const REGISTERS_A_LINE = 4;
const PC = 0;
const RA = 1;
const DIGITS = 16;

const CALLS_ONLY =
  'of jumps in translated code, only calls of functions that call others are known; ' +
  '--engine interpreter knows all';

export interface ReportedHart {
  readonly hart: HartContext;
  readonly functions: FunctionIndex;
  /** File and line of an address, where somebody knows them. */
  readonly lineOf: (address: number) => string | undefined;
}

/** @returns one or more lines: the place, the last jumps, the registers */
export function describeHart(reported: ReportedHart): readonly string[] {
  const { hart } = reported;
  const places = new Map<number, string>();
  const place = (address: number): string => {
    const known = places.get(address) ?? placeOf(reported, address);
    places.set(address, known);
    return known;
  };
  const recent = hart.recentBranches();
  const branches = runsOf(
    recent.map(({ target, isCall }) => (isCall ? `call of ${place(target)}` : place(target))),
  );
  return [
    `at ${place(hart.registerAsNumber(PC))}, return address ${place(hart.registerAsNumber(RA))}`,
    ...(branches.length === 0 ? [] : [`last jumps to ${branches.join(', ')}`]),
    ...(recent.some(({ isCall }) => isCall) ? [CALLS_ONLY] : []),
    ...registerLines(hart.registers),
  ];
}

/** @returns an address with its function and line, as far as they are known */
function placeOf({ functions, lineOf }: ReportedHart, address: number): string {
  const text = `0x${address.toString(16)}`;
  const found = functions.at(address);
  if (found === undefined) return text;
  const offset = found.offset === 0 ? '' : `+0x${found.offset.toString(16)}`;
  const line = lineOf(address);
  return `${text} ${found.name}${offset}${line === undefined ? '' : ` (${line})`}`;
}

/** @returns the texts in their order, with those that repeat as one */
function runsOf(texts: readonly string[]): readonly string[] {
  const runs: { readonly text: string; count: number }[] = [];
  for (const text of texts) {
    const last = runs.at(-1);
    if (last?.text === text) last.count += 1;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => (count === 1 ? text : `${text} ${count} times`));
}

function registerLines(registers: Uint32Array): readonly string[] {
  const texts = NAMES.slice(0, REGISTER_COUNT).map(
    (name, r) => `${name.padStart(3)} ${hexWord(registers, r)}`,
  );
  const lines: string[] = [];
  for (let r = 0; r < texts.length; r += REGISTERS_A_LINE) {
    lines.push(texts.slice(r, r + REGISTERS_A_LINE).join('  '));
  }
  return lines;
}

function hexWord(registers: Uint32Array, index: number): string {
  const half = (at: number): string => (registers[at] ?? 0).toString(16).padStart(DIGITS / 2, '0');
  return half(2 * index + 1) + half(2 * index);
}
