/**
 * Supervision: gives the children of a domain what the restart protocol needs (`docs/restart.md`):
 * a page of epochs, a page of answers and a channel for each, and records that say who shares
 * queues with whom. Neighbours are those of the children that have a channel between them.
 *
 *     supervise(sys, { supervisor, children: [driver, tx, rx, client] });    behind all device classes
 *
 * The supervisor finds its record as its configuration, a child finds its own as `config.restart`.
 */

import type { MemberConfig, SupervisorConfig } from '../../queues/restart/config.ts';
import type { Id, PdBuilder, RegionBuilder, SystemBuilder } from '../builder.ts';
import { checkPriorities } from './priorities.ts';

const PAGE_BYTES = 0x1000;

/** Limits of a supervisor that is told nothing else. */
const STANDARD = {
  policy: 'one-for-one',
  memory: 'as it is',
  deathsMax: 5,
  withinNs: 1_000_000_000,
  backOffNs: 1_000_000,
  patienceNs: 5_000_000,
  hangNs: 1_000_000_000,
} as const;

export interface SuperviseOptions extends Partial<
  Pick<
    SupervisorConfig,
    'policy' | 'memory' | 'deathsMax' | 'withinNs' | 'backOffNs' | 'patienceNs' | 'hangNs'
  >
> {
  readonly supervisor: PdBuilder;
  /** Children of the supervisor, who serves before whom it serves. */
  readonly children: readonly PdBuilder[];
  /** Those of them that do not speak the protocol. */
  readonly mute?: readonly PdBuilder[];
}

/** What the supervisor and a child that speaks the protocol share. */
interface Membership {
  readonly answers: RegionBuilder;
  readonly ofSupervisor: Id;
  readonly ofChild: Id;
}

/** Has the children supervised. Called when all device classes have been begun. */
export function supervise(sys: SystemBuilder, options: SuperviseOptions): void {
  sys.extend({ connect: () => new Supervision(sys, options).connect() });
}

class Supervision {
  readonly #sys: SystemBuilder;
  readonly #options: SuperviseOptions;

  constructor(sys: SystemBuilder, options: SuperviseOptions) {
    this.#sys = sys;
    this.#options = options;
  }

  connect(): void {
    const { supervisor, children, mute = [] } = this.#options;
    const epochs = this.#sys.region(`${supervisor.name}_epochs`, { size: PAGE_BYTES });
    supervisor.map(epochs, { perms: 'rw' });
    const channels = [...this.#sys.channels];
    const neighbours = (child: PdBuilder): { readonly id: Id; readonly pd: PdBuilder }[] =>
      channels.flatMap(({ a, b, aPd, bPd }) => {
        if (aPd === child && children.includes(bPd)) return [{ id: a, pd: bPd }];
        return bPd === child && children.includes(aPd) ? [{ id: b, pd: aPd }] : [];
      });
    const numberOf = (child: PdBuilder): number => supervisor.childId(child).value;
    const members = new Map<PdBuilder, Membership>();
    for (const child of children) {
      checkPriorities(this.#sys, [child, supervisor]);
      if (mute.includes(child)) continue;
      const member = this.#join(child, epochs);
      members.set(child, member);
      child.configure((): { restart: MemberConfig } => ({
        restart: {
          epochs: epochs.name,
          answers: member.answers.name,
          supervisor: member.ofChild.value,
          self: numberOf(child),
          neighbours: neighbours(child).map(({ id, pd }) => ({
            channel: id.value,
            child: numberOf(pd),
          })),
        },
      }));
    }
    supervisor.configure((): Omit<SupervisorConfig, 'timer'> => ({
      ...STANDARD,
      ...limitsOf(this.#options),
      epochs: epochs.name,
      children: children.map((child) => {
        const member = members.get(child);
        return {
          name: child.name,
          child: numberOf(child),
          neighbours: [...new Set(neighbours(child).map(({ pd }) => numberOf(pd)))],
          ...(child.options.program === undefined ? { keepsMemory: true } : {}),
          ...(member === undefined
            ? {}
            : { member: { channel: member.ofSupervisor.value, answers: member.answers.name } }),
        };
      }),
    }));
  }

  #join(child: PdBuilder, epochs: RegionBuilder): Membership {
    const { supervisor } = this.#options;
    child.map(epochs, { perms: 'r' });
    const answers = this.#sys.region(`${child.name}_answers`, { size: PAGE_BYTES });
    child.map(answers, { perms: 'rw' });
    supervisor.map(answers, { perms: 'r' });
    const channel = this.#sys.channel(supervisor, child);
    return { answers, ofSupervisor: channel.a, ofChild: channel.b };
  }
}

function limitsOf(options: SuperviseOptions): Partial<SupervisorConfig> {
  const { supervisor: _, children: __, mute: ___, ...limits } = options;
  return limits;
}
