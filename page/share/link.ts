/**
 * A run as the fragment of a link: `#1.…`, version and compressed JSON. A link that was made once
 * opens for ever: a version that was given out is read as it was, and `link.test.ts` has a set of
 * links that never changes. What stands in a link comes from a stranger: all of it is checked.
 */

import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate';
import {
  type Input,
  type Moment,
  type OwnSystem,
  type Scenario,
  STEP_UNITS,
  type TestedTraffic,
} from '../engine/scenario.ts';
import { fields, integer, LinkProblem, list, oneOf, speedOf, textOf } from './checks.ts';

export { LinkProblem } from './checks.ts';

/** 'whole': everything; 'look': nothing can be changed; 'embed': the picture alone, too. */
export type LinkMode = (typeof LINK_MODES)[number];
const LINK_MODES = ['whole', 'look', 'embed'] as const;

export interface Shared {
  readonly scenario: Scenario;
  readonly moment?: Moment;
  readonly mode: LinkMode;
  /** Time passed when it was made, so many virtual seconds in one; an older page stands still. */
  readonly speed?: number;
  /** Files of a system of one's own that are no text: images of programs. */
  readonly binaries?: Readonly<Record<string, Uint8Array>>;
}

/**
 * Version 2 has a system of one's own, or test traffic; version 3 has images, too. A link has the
 * lowest version that says all of it, which an older page reads too.
 */
const VERSION = 3;
/** A fragment is longer in no browser; and what it unpacks to has an end. */
const FRAGMENT_MAX = 100_000;
/** The same, for a person. */
export const ROOM = '73 KiB when packed';
const UNPACKED_MAX = 1_000_000;
const INPUTS_MAX = 10_000;
const BYTES_MAX = 4096;
const PLAN_MAX = 100_000;
const DECISIONS_MAX = 90_000;
const FILES_MAX = 100;
const FILE_MAX = 400_000;
const PATH_MAX = 200;
/** A path below a folder, without a step up. */
const PATH = /^(?:\w[\w.-]*\/)*\w[\w.-]*$/;

/**
 * What stands between the record, as JSON, and the bytes of images, one behind the other: no JSON
 * has it.
 */
const END_OF_RECORD = 0;

/** @returns the fragment, without `#` @throws LinkProblem when it would be too long to open */
export function toFragment(shared: Shared): string {
  const version = versionOf(shared);
  const packed = deflateSync(unpackedOf(shared), { level: 9 });
  let text = '';
  for (const byte of packed) text += String.fromCharCode(byte);
  const code = btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const fragment = `${version}.${code}`;
  if (fragment.length > FRAGMENT_MAX) {
    throw new LinkProblem('the files are too long for a link: give them on as files');
  }
  return fragment;
}

function versionOf({ scenario: { own, net }, binaries = {} }: Shared): number {
  if (Object.keys(binaries).length > 0) return VERSION;
  return own === undefined && net !== 'test' ? 1 : 2;
}

function unpackedOf({ binaries = {}, ...record }: Shared): Uint8Array {
  const images = Object.entries(binaries);
  if (images.length === 0) return strToU8(JSON.stringify(record));
  const sizes = images.map(([name, bytes]) => [name, bytes.length] as const);
  const head = strToU8(JSON.stringify({ ...record, images: sizes }));
  const parts = [head, Uint8Array.of(END_OF_RECORD), ...images.map(([, bytes]) => bytes)];
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * As {@link toFragment}, for who gives it on: what cannot be opened is told of now.
 * @throws LinkProblem
 */
export function checkedFragment(shared: Shared): string {
  const fragment = toFragment(shared);
  fromFragment(fragment);
  return fragment;
}

/**
 * @param fragment with or without `#`
 * @returns undefined when there is none
 * @throws LinkProblem
 */
export function fromFragment(fragment: string): Shared | undefined {
  const text = fragment.replace(/^#/, '');
  if (text === '') return undefined;
  if (text.length > FRAGMENT_MAX)
    throw new LinkProblem('the link is longer than any that was made');
  const [, version, code] = /^(\d{1,4})\.([\w-]+)$/.exec(text) ?? [];
  if (version === undefined || code === undefined) {
    throw new LinkProblem('this is no link of the testbed: it begins with a version, as in #1.…');
  }
  if (Number(version) < 1) throw new LinkProblem(`there is no link of version ${version}`);
  if (Number(version) > VERSION) {
    throw new LinkProblem(
      `the link is of version ${version}; this page knows ${VERSION}: reload it`,
    );
  }
  const bytes = unpack(code);
  const end = Number(version) < 3 ? -1 : bytes.indexOf(END_OF_RECORD);
  const record = end < 0 ? bytes : bytes.subarray(0, end);
  const value = undamaged(() => JSON.parse(strFromU8(record)) as unknown);
  const images = end < 0 ? new Uint8Array() : bytes.subarray(end + 1);
  return readShared(value, images, Number(version));
}

function unpack(code: string): Uint8Array {
  const bytes = undamaged(() => {
    const text = atob(code.replaceAll('-', '+').replaceAll('_', '/'));
    const packed = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    // What does not fit is left out without a word; so there is room for a byte too many.
    return inflateSync(packed, { out: new Uint8Array(UNPACKED_MAX + 1) });
  });
  if (bytes.length > UNPACKED_MAX) {
    throw new LinkProblem('the link unpacks to more than any that was made');
  }
  return bytes;
}

function undamaged<Value>(read: () => Value): Value {
  try {
    return read();
  } catch {
    throw new LinkProblem('the link is damaged: it was cut off, or changed on its way');
  }
}

/** @param bytes of all images that it has, one behind the other */
function readShared(value: unknown, bytes: Uint8Array, version: number): Shared {
  const { scenario, moment, mode, speed, images } = fields(value, 'link');
  const { own } = fields(scenario, 'scenario');
  return {
    scenario: {
      ...readScenario(scenario, version),
      ...(version < 2 || own === undefined ? {} : { own: readOwn(own) }),
    },
    ...(moment === undefined ? {} : { moment: readMoment(moment) }),
    mode: oneOf(mode, 'mode', LINK_MODES),
    ...(speed === undefined ? {} : { speed: speedOf(speed) }),
    ...(version < 3 ? {} : { binaries: readImages(images, bytes) }),
  };
}

function readImages(value: unknown, bytes: Uint8Array): Readonly<Record<string, Uint8Array>> {
  let at = 0;
  const images = list(value, 'images', FILES_MAX).map((each) => {
    const [name, size] = list(each, 'image', 2);
    const from = at;
    at += integer(size, 'size of an image', 0, bytes.length - from);
    // A copy: what it was unpacked from is not kept for it.
    return [pathOf(textOf(name, 'image')), bytes.slice(from, at)] as const;
  });
  return Object.fromEntries(images);
}

/** @throws LinkProblem when it leads out of the folder, or is no path at all */
function pathOf(path: string): string {
  if (PATH.test(path) && path.length <= PATH_MAX) return path;
  throw new LinkProblem('the link has a file with a name that is none');
}

function readScenario(value: unknown, version: number): Scenario {
  const given = fields(value, 'scenario');
  const { rate, frame, ramBytes } = given;
  return {
    system: textOf(given['system'], 'system'),
    choices: readChoices(given['choices']),
    seed: integer(given['seed'], 'seed', 0, 0xffff_ffff),
    net: oneOf(given['net'], 'net', version < 2 ? ['loop', 'hand'] : ['loop', 'hand', 'test']),
    ...(version < 2 || given['test'] === undefined ? {} : { test: readTest(given['test']) }),
    ...(rate === undefined ? {} : { rate: integer(rate, 'rate', 1, 1e9) }),
    ...(frame === undefined ? {} : { frame: integer(frame, 'frame', 50, 1514) }),
    ...(ramBytes === undefined
      ? {}
      : {
          ramBytes:
            Math.floor(integer(ramBytes, 'ramBytes', 1 << 24, 0x7000_0000) / 65_536) * 65_536,
        }),
    // What it says is checked against the system when that is loaded.
    plan: textOf(given['plan'], 'plan', PLAN_MAX),
    inputs: list(given['inputs'], 'inputs', INPUTS_MAX).map(readInput),
  };
}

function readOwn(value: unknown): OwnSystem {
  const given = fields(value, 'own system');
  const entries = Object.entries(fields(given['files'], 'files'));
  if (entries.length > FILES_MAX)
    throw new LinkProblem(`the link has more than ${FILES_MAX} files`);
  const files = Object.fromEntries(
    entries.map(([path, text]) => [pathOf(path), textOf(text, 'file', FILE_MAX)]),
  );
  const main = textOf(given['main'], 'main');
  if (Object.hasOwn(files, main) && /\.(?:ts|system)$/.test(main)) return { main, files };
  throw new LinkProblem(`the link has no file ${JSON.stringify(main)}, which describes its system`);
}

function readTest(value: unknown): TestedTraffic {
  const { amount, forNs, decisions, invariantsEvery, bulk } = fields(value, 'test');
  return {
    ...(amount === undefined ? {} : { amount: integer(amount, 'amount', 1, 1_000_000) }),
    ...(forNs === undefined ? {} : { forNs: integer(forNs, 'forNs', 0, Number.MAX_SAFE_INTEGER) }),
    ...(decisions === undefined
      ? {}
      : { decisions: textOf(decisions, 'decisions', DECISIONS_MAX) }),
    ...(invariantsEvery === undefined
      ? {}
      : { invariantsEvery: integer(invariantsEvery, 'invariantsEvery', 1, 1_000_000) }),
    ...(bulk === undefined ? {} : { bulk: oneOf(bulk, 'bulk', ['executed']) }),
  };
}

function readChoices(value: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(fields(value, 'choices'));
  return Object.fromEntries(entries.map(([name, choice]) => [name, textOf(choice, 'choice')]));
}

function readInput(value: unknown): Input {
  const given = fields(value, 'input');
  const atNs = integer(given['atNs'], 'atNs', 0, Number.MAX_SAFE_INTEGER);
  const bytes = list(given['bytes'], 'bytes', BYTES_MAX).map((byte) =>
    integer(byte, 'byte', 0, 255),
  );
  const kind = oneOf(given['kind'], 'kind of input', ['frame', 'typed']);
  if (kind === 'frame') return { atNs, kind, bytes };
  return { atNs, kind, uart: integer(given['uart'], 'uart', 0, 15), bytes };
}

export function readMoment(value: unknown): Moment {
  const given = fields(value, 'moment');
  const kind = oneOf(given['kind'], 'kind of moment', ['time', ...STEP_UNITS]);
  if (kind === 'time') {
    return { kind, timeNs: integer(given['timeNs'], 'timeNs', 0, Number.MAX_SAFE_INTEGER) };
  }
  return { kind, count: integer(given['count'], 'count', 1, 1e12) };
}
