/**
 * A protection domain as a point of faults: a program that dies, sleeps, babbles, or is so slow
 * that its budget ends between what it has published and its signal. The program itself is the
 * shipped one; what is wrong is around it.
 */

import type { ProgramImage } from '../../kernel/user.ts';
import {
  channelsOf,
  flatten,
  type PdDescription,
  type SystemDescription,
} from '../../microkit/model.ts';
import type { EntryPoints, Program } from '../../microkit/pd.ts';
import { withBeforeCalls } from './before-calls.ts';
import type { Point } from './injector.ts';
import { type Excuse, fault, type FaultKind, type PointKind, upTo, within } from './point.ts';

export interface DomainKind {
  /** The one client, itself or another, that loses anything; left out, everybody may. */
  readonly client?: string;
  /** Somebody starts it again when it dies. */
  readonly isSupervised: boolean;
  /** A TypeScript program that nobody calls: it can die in the middle of its work. */
  readonly diesAnywhere: boolean;
  /** What comes of it when it is late, besides another order; nothing unless told. */
  readonly lateExcuses?: readonly Excuse[];
}

export function domainPoints(name: string, kind: DomainKind): readonly PointKind[] {
  const shared = {
    group: 'pd',
    states: [],
    ...(kind.client === undefined ? {} : { only: kind.client }),
  };
  return [
    {
      ...shared,
      name: `pd.${name}`,
      what: `the program of ${name}`,
      opportunity: 'it is woken up',
      faults: programFaults(kind),
    },
    {
      ...shared,
      name: `pd.${name}.entry`,
      what: `the way of ${name} into the kernel`,
      opportunity: 'it makes a system call',
      faults: [
        fault({
          name: 'late',
          what: 'it is slow before it: its budget may end between what it has published and its signal',
          parameters: { by: upTo('how slow', 'ns', [1_000, 2_000_000], 1e9) },
          excuses: ['order', ...(kind.lateExcuses ?? [])],
          rows: [63],
        }),
        ...(kind.diesAnywhere ? [dies(kind, 'the program dies before it', 'never')] : []),
      ],
    },
  ];
}

/** Of one that is started again, what was on its way may be lost, and nothing else. */
function dies({ isSupervised }: DomainKind, what: string, chaos: FaultKind['chaos']): FaultKind {
  return fault({
    name: 'kill',
    what,
    excuses: isSupervised
      ? ['domain-fault', 'loss', 'errors']
      : ['domain-fault', 'progress', 'loss', 'errors', 'ledger'],
    rows: [61],
    chaos,
  });
}

function programFaults(kind: DomainKind): readonly FaultKind[] {
  const chaos = kind.client === undefined ? 'never' : 'usual';
  return [
    dies(kind, 'the program dies', kind.isSupervised ? 'usual' : chaos),
    fault({
      name: 'sleep',
      what: 'it does nothing with its notification: buffers that it has it does not return',
      // Of a driver, that may have been an interrupt's.
      excuses: [
        'progress',
        'loss',
        'order',
        ...(kind.client === undefined ? ['interrupt' as const] : []),
      ],
      rows: [56],
      chaos,
    }),
    fault({
      name: 'babble',
      what: 'it signals all its neighbours many times, without work',
      parameters: { times: within('signals to each', 'count', 1, 500) },
      rows: [57],
    }),
  ];
}

/**
 * Names of domains that nobody else depends on: those whose records name a device class, and no
 * clients of it.
 */
export function clientsOf(system: SystemDescription): ReadonlySet<string> {
  return new Set(
    flatten(system)
      .filter(({ pd }) => isClient(pd))
      .map(({ pd }) => pd.name),
  );
}

function isClient({ config }: PdDescription): boolean {
  if (typeof config !== 'object' || config === null) return false;
  const fields = Object.keys(config);
  return ['net', 'blk', 'serial', 'ip'].some((each) => fields.includes(each));
}

/** What the parts around one domain tell each other. */
export interface DomainNotes {
  /** Of a slow program each signal would come late: hundreds of times a millisecond or two. */
  isBabbling: boolean;
}

/** @param channels those on which the domain may notify */
export function plannedProgram(
  program: Program,
  channels: readonly number[],
  point: () => Point,
  notes: DomainNotes,
): Program {
  return (pd) => {
    const inner = program(pd);
    const planned: EntryPoints = {
      ...inner,
      notified: (channel) => {
        const strike = point().next();
        if (strike?.fault === 'kill') throw killed();
        if (strike?.fault === 'sleep') return;
        inner.notified(channel);
        if (strike?.fault !== 'babble') return;
        notes.isBabbling = true;
        try {
          for (let i = 0; i < (strike.parameters['times'] ?? 0); i += 1) {
            for (const each of channels) (pd as { notify(to: number): void }).notify(each);
          }
        } finally {
          notes.isBabbling = false;
        }
      },
    };
    return planned;
  };
}

/** Without a stack: where the plan strikes says nothing about the program. */
function killed(): Error {
  const error = new Error('fault: killed by the plan');
  error.stack = '';
  return error;
}

/** @returns channels of a domain on which it may notify somebody */
export function notifyChannels(system: SystemDescription, domain: string): readonly number[] {
  return channelsOf(system, domain)
    .filter(({ own }) => own.notify)
    .map(({ own }) => own.id);
}

/** The image, with each of its system calls as an opportunity. */
export function slowImage(
  image: ProgramImage,
  point: () => Point,
  notes: Readonly<DomainNotes>,
): ProgramImage {
  return withBeforeCalls(image, (thread, isRunning) => ({
    beforeCall: () => {
      if (!isRunning() || notes.isBabbling) return;
      const strike = point().next();
      if (strike?.fault === 'kill') throw killed();
      if (strike !== undefined) thread.pass(strike.parameters['by'] ?? 0);
    },
  }));
}
