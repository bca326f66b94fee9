/** Random system calls: mostly ones that could succeed, and some with anything in them. */

import {
  SYS_CALL,
  SYS_NB_RECV,
  SYS_NB_SEND,
  SYS_NB_SEND_RECV,
  SYS_NB_SEND_WAIT,
  SYS_NB_WAIT,
  SYS_RECV,
  SYS_REPLY_RECV,
  SYS_SEND,
  SYS_WAIT,
  SYS_YIELD,
} from '../../../kernel/abi.ts';
import type { SystemCallRequest, ThreadRequest, Word } from '../../../kernel/system-call.ts';
import type { Chance } from './chance.ts';
import { FUZZ_SLOTS } from './fuzz-setup.ts';

const S = FUZZ_SLOTS;
/** Labels of the invocations of each kind of capability, by the slots that hold it. */
const INVOCATIONS: readonly (readonly [slot: number, count: number, labels: readonly number[]])[] =
  [
    [1, 1, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]],
    [2, 1, [18, 19, 20, 21, 22, 23, 24, 25, 21, 22, 19, 18]],
    [3, 1, [39, 40]],
    [4, 1, [26, 46]],
    [5, 1, [44]],
    [6, 1, [45]],
    [11, 1, [30, 31]],
    [14, 1, [34, 35, 36, 37, 38]],
    [16, 1, [33]],
    [20, 2, [1]],
    [S.untyped, 2, [1]],
    [S.untyped, 2, [1]],
    [2, 1, [21, 22, 21, 22, 23, 25, 19, 18]],
    [2, 1, [21, 22, 21, 22, 24, 20, 19, 19]],
    [S.untyped, 2, [1]],
    [S.cnode, 1, [18, 19, 20, 21, 22, 23, 24, 25]],
    [S.frame, 3, [41, 42, 43]],
    [S.pageTable, 3, [39, 40]],
    [S.tcb, 4, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]],
    [S.schedContext, 4, [34, 35, 36, 37, 38]],
    // Threads without time of their own are given it by calls.
    [S.schedContext, 3, [35, 35, 36, 34]],
    [S.irqHandler, 1, [27, 28, 29]],
  ];
const ODD_WORDS: readonly [Word, ...Word[]] = [
  0xffff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  2 ** 32,
  2 ** 31,
  0x3f_ffff_f000,
  0x3f_ffff_ffff,
  0x333_3333_3333_3333n,
];
/** Addresses to map at: a table of all levels is there, one is missing, two are missing. */
const MAP_BASES = [0x50_0000, 0x60_0000, 0x10_0000_0000] as const;
const TRANSFERS: readonly [number, ...number[]] = [
  SYS_SEND,
  SYS_NB_SEND,
  SYS_NB_SEND,
  SYS_CALL,
  SYS_CALL,
  SYS_CALL,
  SYS_NB_RECV,
  SYS_NB_WAIT,
  SYS_RECV,
  SYS_RECV,
  SYS_WAIT,
  SYS_REPLY_RECV,
  SYS_REPLY_RECV,
  SYS_NB_SEND_RECV,
  SYS_NB_SEND_WAIT,
];

export function randomRequest(chance: Chance): ThreadRequest {
  const choice = chance.below(100);
  if (choice < 80) return randomInvocation(chance);
  if (choice < 93) return randomTransfer(chance);
  if (choice < 95) return { kind: 'call', sys: SYS_YIELD };
  if (choice < 96) return { kind: 'call', sys: chance.pick([99, -99, 0, -12, -15, -33]) };
  if (choice < 97) return { kind: 'compute', durationNs: chance.below(300_000) };
  if (choice < 98) return { kind: 'exception', number: 2, code: chance.below(9) };
  const vaddr = chance.pick([0x40_0000, 0x4b_1000, 0x1000_0000, 0x3f_ffff_f000, 0]);
  const kind = chance.pick(['load', 'store', 'execute'] as const);
  return { kind, vaddr, width: 4, value: chance.bits() };
}

/**
 * What a thread of a chain of servers would do: the first calls, the second serves and calls, the
 * third serves.
 */
export function servingRequest(chance: Chance, thread: number): ThreadRequest {
  const serve = { sys: chance.pick([SYS_RECV, SYS_REPLY_RECV]), reply: S.reply + thread };
  const call = { sys: SYS_CALL, mrs: [thread] };
  if (thread === 0) return { kind: 'call', cptr: S.endpoint, ...call };
  if (thread === 2) return { kind: 'call', cptr: S.endpoint + 1, ...serve };
  if (chance.oneIn(2)) return { kind: 'call', cptr: S.endpoint + 1, ...call };
  return { kind: 'call', cptr: S.endpoint, ...serve };
}

function randomInvocation(chance: Chance): SystemCallRequest {
  const [slot, count, labels] = INVOCATIONS[
    chance.below(INVOCATIONS.length)
  ] as (typeof INVOCATIONS)[0];
  const isStrange = chance.oneIn(12);
  const label = isStrange ? chance.below(50) : (labels[chance.below(labels.length)] as number);
  const length = chance.oneIn(10) ? chance.below(10) : 8;
  return {
    kind: 'call',
    sys: chance.oneIn(8) ? chance.pick([SYS_SEND, SYS_NB_SEND]) : SYS_CALL,
    cptr: chance.oneIn(15) ? randomWord(chance) : slot + chance.below(count),
    label,
    mrs: argumentsFor(chance, label, length),
    ...(chance.oneIn(40) ? { length: 127 } : {}),
    caps: Array.from({ length: chance.oneIn(8) ? chance.below(4) : 3 }, () =>
      capFor(chance, label),
    ),
  };
}

/** Arguments that have a chance to be right for the invocation. */
function argumentsFor(chance: Chance, label: number, length: number): Word[] {
  const words: Word[] = Array.from({ length }, () => randomWord(chance));
  const set = (index: number, value: Word): void => {
    if (index < length && !chance.oneIn(10)) words[index] = value;
  };
  const setAll = (values: readonly Word[]): void => values.forEach((value, i) => set(i, value));
  // Few slots, so that copies of copies come about, and the first of a family is deleted before the
  // others.
  const index = (): number => (chance.oneIn(8) ? chance.below(66) : S.free + chance.below(12));
  const source = (): number => chance.pick([index(), index(), furnished(chance)]);
  switch (label) {
    case 1: {
      const bits = chance.pick([4, 5, 7, 8, 1, 2, 3, chance.below(14)]);
      const type = chance.pick([0, 1, 2, 3, 4, 5, 6, 2, 3, 6, chance.below(11)]);
      setAll([type, bits, 0, 0, index(), 1 + chance.below(3)]);
      break;
    }
    case 18:
    case 19:
    case 20:
      setAll([chance.oneIn(3) ? S.endpoint + chance.below(7) : index(), 64]);
      break;
    case 21:
    case 22:
    case 23:
    case 24:
      setAll([index(), 64, source(), 64, chance.pick([15, chance.below(16)]), chance.below(3)]);
      break;
    case 25:
      setAll([index(), 64, 0, source(), 64, 0, source(), 64]);
      break;
    case 26:
      [chance.below(9), index(), 64].forEach((w, i) => set(i, w));
      break;
    case 30:
      set(0, chance.oneIn(4) ? chance.below(20) : 0);
      break;
    case 33:
      [
        20 + chance.below(200),
        200 + chance.below(900),
        chance.below(9),
        5,
        chance.below(2),
      ].forEach((w, i) => set(i, w));
      break;
    case 39:
    case 41:
      setAll([chance.pick(MAP_BASES) + chance.below(3) * 4096, 3, chance.below(2)]);
      break;
    case 44:
      [index(), 64].forEach((w, i) => set(i, w));
      break;
    default:
      set(0, chance.below(256));
      set(1, chance.below(256));
  }
  return words;
}

/** A slot that the guardian, or the setup, has filled. */
function furnished(chance: Chance): number {
  const [slot, count] = INVOCATIONS[chance.below(INVOCATIONS.length)] as (typeof INVOCATIONS)[0];
  return chance.oneIn(3) ? S.endpoint + chance.below(7) : slot + chance.below(count);
}

/** An extra capability: what the invocation wants, or anything. */
function capFor(chance: Chance, label: number): Word {
  if (chance.oneIn(10)) return randomWord(chance);
  const any: readonly [number, ...number[]] = [
    2,
    3,
    1,
    S.endpoint,
    S.notification,
    S.tcb,
    S.cnode,
    0,
  ];
  switch (label) {
    case 1:
    case 18:
    case 19:
    case 20:
    case 21:
    case 22:
    case 23:
    case 24:
    case 25:
    case 26:
    case 44:
      return 2;
    case 39:
    case 41:
      return 3;
    case 33:
      return S.schedContext + chance.below(4);
    case 6:
    case 7:
      return S.tcb + chance.below(3);
    case 34:
    case 36:
      return chance.pick([S.tcb, S.tcb + 1, S.tcb + 3, S.notification, S.notification + 1]);
    case 28:
    case 14:
      return S.notification + chance.below(2);
    default:
      return chance.pick(any);
  }
}

function randomTransfer(chance: Chance): SystemCallRequest {
  const places: readonly [number, ...number[]] = [
    S.endpoint,
    S.endpoint + 1,
    S.notification,
    S.notification + 1,
    S.reply,
    S.reply + 1,
    S.free + 1,
  ];
  return {
    kind: 'call',
    sys: chance.pick(TRANSFERS),
    cptr: chance.oneIn(15) ? randomWord(chance) : chance.pick(places),
    label: chance.below(100),
    mrs: Array.from({ length: chance.below(chance.oneIn(4) ? 120 : 6) }, () => chance.below(1000)),
    caps: Array.from({ length: chance.oneIn(3) ? chance.below(4) : 0 }, () => chance.below(128)),
    reply: chance.oneIn(10) ? randomWord(chance) : S.reply + chance.below(3),
    dest: chance.pick(places),
    receive: { cnode: 2, index: S.free + chance.below(60), depth: 64 },
  };
}

function randomWord(chance: Chance): Word {
  if (chance.oneIn(8)) return chance.pick(ODD_WORDS);
  return chance.below(chance.oneIn(4) ? 2 ** 31 : 128);
}
