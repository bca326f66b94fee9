/** Between the records of a trace and the system calls of a generator thread. */

import { assert } from '../../memory/assert.ts';
import type { SystemCallRequest, ThreadAnswer, Word } from '../system-call.ts';
import { SYSTEM_CALLS } from './trace-format.ts';
import { formatWord, wordValue } from './trace.ts';
import type { TraceCall, TraceOp, TraceWord } from './trace.ts';

/** Labels below are error numbers of the kernel; users send none of them. */
const USER_LABEL_MIN = 16;
/** Message words that a trace records at most. */
const RECORDED_WORDS = 16;

/** Where the untypeds begin to which physical addresses are related. */
export interface Regions {
  readonly U: number;
  readonly V: number;
  readonly D: number;
}
const REGION_BYTES: Readonly<Record<keyof Regions, number>> = {
  U: 2 ** 20,
  V: 2 ** 21,
  D: 2 ** 16,
};

export function requestOf(call: TraceCall): SystemCallRequest {
  return requestOfOp({ ...call, recv: [0, 0, 0] });
}

export function requestOfOp(op: TraceOp): SystemCallRequest {
  const sys = SYSTEM_CALLS.get(op.sys);
  assert(sys !== undefined, 'a trace names known system calls only');
  const words = (list: readonly TraceWord[] | undefined): Word[] => (list ?? []).map(wordValue);
  const [cnode, index, depth] = words(op.recv ?? [0, 0, 0]) as [Word, Word, Word];
  const mrs = words(op.mrs);
  // NBSendWait has its destination in the register of the reply capability.
  const second = op.sys === 'NBSendWait' ? op.dest : op.reply;
  return {
    kind: 'call',
    sys,
    cptr: wordValue(op.cptr ?? 0),
    label: wordValue(op.label ?? 0),
    mrs,
    length: op.len ?? mrs.length,
    caps: words(op.caps),
    reply: wordValue(second ?? 0),
    dest: wordValue(op.dest ?? 0),
    receive: { cnode, index, depth },
  };
}

/** @returns W's answer as a trace writes it */
export function describeAnswer(call: TraceCall, answer: ThreadAnswer, regions: Regions): unknown {
  switch (call.sys) {
    case 'Call': {
      const described: Record<string, unknown> = { err: formatWord(answer.label) };
      const isAddress = call.op === 'Page_GetAddress' && answer.label === 0;
      described['mrs'] = isAddress
        ? answer.mrs.map((word) => physical(word, regions))
        : answer.mrs.map(formatWord);
      if (answer.badge !== 0) described['badge'] = formatWord(answer.badge);
      if (answer.extraCaps !== 0 || answer.capsUnwrapped !== 0) described['info'] = 1;
      return described;
    }
    case 'Send':
    case 'NBSend':
      return { ret: 0 };
    default:
      return { badge: formatWord(answer.badge) };
  }
}

function physical(word: Word, regions: Regions): string {
  for (const name of ['U', 'V', 'D'] as const) {
    const offset = Number(word) - regions[name];
    if (regions[name] >= 0 && offset >= 0 && offset < REGION_BYTES[name]) {
      return `${name}+0x${offset.toString(16)}`;
    }
  }
  return `0x${word.toString(16)}`;
}

/** @returns a helper's answer as a trace writes it; undefined when there is none to write */
export function describeHelperAnswer(op: TraceOp, answer: ThreadAnswer): unknown {
  const words = answer.mrs.slice(0, RECORDED_WORDS).map(formatWord);
  switch (op.sys) {
    case 'Send':
    case 'NBSend':
    case 'Yield':
      return undefined;
    case 'Call':
      if (answer.label < USER_LABEL_MIN) {
        return { err: formatWord(answer.label), mrs: answer.mrs.map(formatWord) };
      }
      break;
    default:
  }
  const described: Record<string, unknown> = { badge: formatWord(answer.badge) };
  const isEmpty = answer.label === 0 && answer.length === 0 && answer.extraCaps === 0;
  const sends = op.label !== undefined && op.sys !== 'Call';
  if (isEmpty && !sends) return described;
  described['label'] = formatWord(answer.label);
  described['len'] = answer.length;
  described['mrs'] = words;
  if (sends && isAsSent(op, answer)) {
    described['same'] = 1;
    return described;
  }
  if (answer.extraCaps !== 0) {
    described['extra'] = answer.extraCaps;
    if (answer.capsUnwrapped !== 0) {
      described['unwrapped'] = answer.capsUnwrapped;
      described['capbadges'] = answer.capBadges.map((badge, i) =>
        (answer.capsUnwrapped & (1 << i)) === 0 ? null : formatWord(badge),
      );
    }
  }
  return described;
}

/** Whether the message information is what was sent: then nothing has arrived but a badge. */
function isAsSent(op: TraceOp, answer: ThreadAnswer): boolean {
  return (
    formatWord(answer.label) === op.label &&
    answer.length === (op.len ?? op.mrs?.length ?? 0) &&
    answer.extraCaps === (op.caps?.length ?? 0) &&
    answer.capsUnwrapped === 0
  );
}
