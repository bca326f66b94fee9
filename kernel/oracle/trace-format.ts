/**
 * What the records of a trace consist of: a file that somebody has damaged is refused when it is
 * read, and does not fail in the middle of a replay.
 */

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
} from '../abi.ts';

type Check = (value: unknown) => boolean;

/** By their names in a trace. A map: a damaged one may name what every object has. */
export const SYSTEM_CALLS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    Call: SYS_CALL,
    ReplyRecv: SYS_REPLY_RECV,
    NBSendRecv: SYS_NB_SEND_RECV,
    NBSendWait: SYS_NB_SEND_WAIT,
    Send: SYS_SEND,
    NBSend: SYS_NB_SEND,
    Recv: SYS_RECV,
    NBRecv: SYS_NB_RECV,
    Wait: SYS_WAIT,
    NBWait: SYS_NB_WAIT,
    Yield: SYS_YIELD,
  }),
);

const HELPERS = 5;
const WORDS_MAX = 128;
const TYPES_MAX = 64;
const SLOTS_MAX = 4096;

const isText: Check = (value) => typeof value === 'string';
const isSystemCall: Check = (value) => isText(value) && SYSTEM_CALLS.has(value as string);
const isAnything: Check = () => true;
const isNumberUpTo =
  (max: number): Check =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
const isNumber = isNumberUpTo(Number.MAX_SAFE_INTEGER);
const isWord: Check = (value) =>
  isNumber(value) || (typeof value === 'string' && /^0x[\da-f]{1,16}$/i.test(value));
const isTypes: Check = (value) => typeof value === 'string' && value.length <= TYPES_MAX;

const isListOf =
  (isItem: Check, max: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= max && value.every(isItem);
const isMapOf =
  (isValue: Check): Check =>
  (value) =>
    isRecord(value) && Object.values(value).every(isValue);

/** Fields whose names end with `?` may be left out; others are nobody's. */
const isOf =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isRecord(value) &&
    Object.entries(fields).every(([field, isRight]) => {
      const name = field.replace('?', '');
      return name in value ? isRight(value[name]) : field !== name;
    });

const WORDS = isListOf(isWord, WORDS_MAX);
const SENT = { 'label?': isWord, 'mrs?': WORDS, 'caps?': WORDS, 'reply?': isWord };
const isTid = isNumberUpTo(HELPERS - 1);

const isOp = isOf({
  ...SENT,
  sys: isSystemCall,
  'cptr?': isWord,
  'len?': isNumber,
  'dest?': isWord,
  'recv?': (value) => isListOf(isWord, 3)(value) && (value as unknown[]).length === 3,
});
const isHelper = isOf({ tid: isTid, prio: isNumberUpTo(255), mcp: isNumberUpTo(255) });
/** Slots of the two-level table are named by their number. */
const isDeep: Check = (value) =>
  isMapOf(isTypes)(value) &&
  Object.keys(value as object).every((slot) => isNumberUpTo(SLOTS_MAX)(Number(slot)));

/** By the field that tells a record from the others. */
export const RECORDS: Readonly<Record<string, Check>> = {
  trace: isOf({ trace: isNumber, family: isNumber }),
  end: isAnything,
  helpers: isOf({ helpers: isListOf(isHelper, HELPERS) }),
  i: isOf({
    ...SENT,
    i: isNumber,
    op: isText,
    sys: isSystemCall,
    cptr: isWord,
    ans: isAnything,
    'chg?': isMapOf(isNumber),
  }),
  program: isOf({ program: isTid, ops: isListOf(isOp, SLOTS_MAX) }),
  run: isOf({ run: isListOf(isTid, HELPERS), log: Array.isArray }),
  state: isOf({ state: isNumber, T: isTypes, N: isTypes, 'I?': isTypes, 'deep?': isDeep }),
};

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
