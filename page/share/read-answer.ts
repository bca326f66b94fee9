/**
 * What an engine says, as the page hears it. In the engine's thread a stranger's programs may run,
 * and what they do there may change what the engine says: so all of it is held against its shape
 * before a part of the page goes by it.
 */

import type { FollowedPath, PathHop, ReturnHop } from '../../systems/trace/packet-path.ts';
import type { ParameterKind, PointKind, FaultKind, Strike } from '../../sim/points/point.ts';
import type { Told } from '../../sim/shrink/story.ts';
import type { CampaignView } from '../engine/campaign-view.ts';
import type { DiskEntry, FileListing } from '../engine/disk-files.ts';
import type { Judgement, OracleVerdict } from '../engine/judgement.ts';
import type { Ability, Answer, CapabilityRow, Pulse, SystemInfo } from '../engine/protocol.ts';
import type { Input, OwnSystem, Scenario, StepUnit, TestedTraffic } from '../engine/scenario.ts';
import { MARKS_SHOWN, type TimelineMark, type TimelineSpan } from '../engine/timeline.ts';
import type { TimelineView } from '../engine/timeline.ts';
import type { DomainView, QueueView, SignalView, WorldView } from '../engine/world-view.ts';
import { either, byName, bytes, flag, listOf, maybe, number, numbers } from './shapes.ts';
import { oneOf, record, type Shape, text, word } from './shapes.ts';

/** @returns undefined when no engine of ours says so */
export function readAnswer(value: unknown): Answer | undefined {
  const kind: unknown = typeof value === 'object' && value !== null && Reflect.get(value, 'kind');
  if (typeof kind !== 'string' || !Object.hasOwn(ANSWERS, kind)) return undefined;
  return ANSWERS[kind as Answer['kind']](value) ? (value as Answer) : undefined;
}

const counts = record<Readonly<Record<StepUnit, number>>>({
  entry: number,
  event: number,
  packet: number,
});

const strike = record<Strike>({
  rule: number,
  at: text,
  fault: text,
  opportunity: number,
  timeNs: number,
  parameters: byName(number),
});

const view = record<WorldView>({
  timeNs: number,
  bootNs: number,
  stands: oneOf(['rest', 'middle']),
  underWay: maybe(record<NonNullable<WorldView['underWay']>>({ pd: text, call: text })),
  counts,
  isQuiet: flag,
  packets: number,
  perPacket: maybe(
    record<NonNullable<WorldView['perPacket']>>({
      copies: number,
      bytesCopied: number,
      kernelEntries: number,
      notifications: number,
      contextSwitches: number,
    }),
  ),
  roundTripNs: number,
  contextSwitches: number,
  notifications: number,
  copies: number,
  bytesCopied: number,
  domains: listOf(
    record<DomainView>({
      name: text,
      entries: number,
      wakeUps: number,
      wasted: number,
      faults: number,
    }),
  ),
  queues: listOf(record<QueueView>({ name: text, capacity: number, depth: number, carries: text })),
  signals: listOf(record<SignalView>({ from: text, to: text, count: number })),
  strikes: listOf(strike),
  findings: listOf(text),
  digest: maybe(number),
});

const pulse = record<Pulse>({ timeNs: number, counts, entries: numbers, signals: numbers });

const parameter = record<ParameterKind>({
  what: text,
  unit: word(),
  min: number,
  max: number,
  standard: either(number, record<{ min: number; max: number }>({ min: number, max: number })),
});

const fault = record<FaultKind>({
  name: text,
  what: text,
  trigger: oneOf(['opportunity', 'moment']),
  parameters: byName(parameter),
  excuses: listOf(word()),
  rows: listOf(number),
  chaos: word(),
});

const point = record<PointKind>({
  name: text,
  group: text,
  what: text,
  opportunity: text,
  states: listOf(text),
  only: maybe(text),
  faults: listOf(fault),
});

const ABILITIES = ['time', 'faults', 'console', 'frames', 'oracles', 'links', 'again'] as const;

const info = record<SystemInfo>({
  name: text,
  summary: text,
  systems: listOf(record<SystemInfo['systems'][number]>({ name: text, summary: text })),
  dot: text,
  domains: listOf(record<SystemInfo['domains'][number]>({ name: text, priority: number })),
  uarts: listOf(text),
  nics: number,
  disks: number,
  content: oneOf(['nothing', 'fat']),
  guests: listOf(record<SystemInfo['guests'][number]>({ pd: text, ip: text, mac: text })),
  points: listOf(point),
  options: listOf(
    record<SystemInfo['options'][number]>({
      name: text,
      help: text,
      choices: listOf(text),
      value: text,
    }),
  ),
  abilities: listOf(oneOf<Ability>(ABILITIES)),
  whyNotBack: maybe(text),
});

const input: Shape<Input> = either(
  record<Extract<Input, { kind: 'frame' }>>({
    atNs: number,
    kind: oneOf(['frame']),
    bytes: listOf(number),
  }),
  record<Extract<Input, { kind: 'typed' }>>({
    atNs: number,
    kind: oneOf(['typed']),
    uart: number,
    bytes: listOf(number),
  }),
);

const scenario = record<Scenario>({
  system: text,
  own: maybe(record<OwnSystem>({ main: text, files: byName(text) })),
  choices: byName(text),
  seed: number,
  net: oneOf(['loop', 'hand', 'test']),
  test: maybe(
    record<TestedTraffic>({
      amount: maybe(number),
      forNs: maybe(number),
      decisions: maybe(text),
      invariantsEvery: maybe(number),
      bulk: maybe(oneOf(['executed'])),
    }),
  ),
  rate: maybe(number),
  frame: maybe(number),
  ramBytes: maybe(number),
  plan: text,
  inputs: listOf(input),
});

const buffer = record<PathHop['buffer']>({ region: text, offset: number });

const path = record<FollowedPath>({
  subject: word(),
  number,
  outcome: word(),
  hops: listOf(
    record<PathHop>({
      at: text,
      what: word(),
      beganNs: number,
      doneNs: number,
      into: text,
      slot: number,
      ahead: number,
      buffer,
      lengthBytes: number,
      copies: number,
      bytesCopied: number,
      by: text,
    }),
  ),
  returns: listOf(record<ReturnHop>({ at: text, into: text, buffer, doneNs: number })),
});

const told = listOf(record<Told>({ timeNs: number, text }));

const judgement = record<Judgement>({
  verdict: oneOf(['passed', 'failed', 'void']),
  oracles: listOf(record<OracleVerdict>({ name: text, holds: text, broken: told })),
  story: told,
  neverStruck: listOf(text),
  endNs: number,
  outcome: text,
});

const campaign = record<CampaignView>({
  system: text,
  worlds: number,
  total: number,
  failed: number,
  void: number,
  strikes: number,
  kinds: number,
  neverStruck: listOf(text),
  failedBy: listOf(record<CampaignView['failedBy'][number]>({ oracle: text, count: number })),
  failures: listOf(
    record<CampaignView['failures'][number]>({ signature: text, seed: number, count: number }),
  ),
  isOver: flag,
});

const timeline = record<TimelineView>({
  fromNs: number,
  toNs: number,
  pds: listOf(text),
  spans: listOf(record<TimelineSpan>({ pd: number, fromNs: number, toNs: number })),
  marks: listOf(record<TimelineMark>({ kind: oneOf(MARKS_SHOWN), atNs: number })),
  knownFromNs: number,
});

const entry = record<DiskEntry>({
  name: text,
  kind: oneOf(['file', 'directory']),
  sizeBytes: number,
});

const listing: Shape<FileListing> = either(
  record<Extract<FileListing, { kind: 'directory' }>>({
    kind: oneOf(['directory']),
    path: text,
    entries: listOf(entry),
  }),
  either(
    record<Extract<FileListing, { kind: 'file' }>>({
      kind: oneOf(['file']),
      path: text,
      sizeBytes: number,
      bytes,
    }),
    record<Extract<FileListing, { kind: 'none' }>>({
      kind: oneOf(['none']),
      path: text,
      why: text,
    }),
  ),
);

/** What goes along with each kind of answer. */
type Said<Kind extends Answer['kind']> = Omit<Extract<Answer, { kind: Kind }>, 'kind'>;

const ANSWERS: { readonly [Kind in Answer['kind']]: Shape<Said<Kind>> } = {
  loaded: record<Said<'loaded'>>({ info, scenario }),
  view: record<Said<'view'>>({ view, playing: flag }),
  pulse: record<Said<'pulse'>>({ pulse }),
  done: record<Said<'done'>>({}),
  begins: record<Said<'begins'>>({ what: text }),
  probed: record<Said<'probed'>>({}),
  'on its way': record<Said<'on its way'>>({ timeNs: number }),
  anew: record<Said<'anew'>>({}),
  console: record<Said<'console'>>({ uart: number, bytes }),
  log: record<Said<'log'>>({ pd: text, line: text, timeNs: number }),
  frame: record<Said<'frame'>>({ bytes, timeNs: number }),
  scenario: record<Said<'scenario'>>({ scenario }),
  path: record<Said<'path'>>({ path }),
  trace: record<Said<'trace'>>({ json: text }),
  capabilities: record<Said<'capabilities'>>({
    pd: text,
    rows: listOf(
      record<CapabilityRow>({ slot: text, type: text, object: text, rights: text, badge: text }),
    ),
  }),
  blocks: record<Said<'blocks'>>({ disk: number, block: number, bytes }),
  files: record<Said<'files'>>({ disk: number, listing }),
  timeline: record<Said<'timeline'>>({ timeline }),
  judged: record<Said<'judged'>>({ judgement, isSame: maybe(flag) }),
  campaign: record<Said<'campaign'>>({ campaign }),
  report: record<Said<'report'>>({ json: text }),
  dropped: record<Said<'dropped'>>({ frames: number }),
  failed: record<Said<'failed'>>({ text }),
};
