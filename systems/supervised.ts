/**
 * The option `supervised` of the ready-made systems: their domains are children of a supervisor,
 * which restarts whoever dies (`docs/restart.md`). Without it, a system is the same as if there
 * were no such option.
 *
 * The timer driver is nobody's child: supervisor and drivers call it.
 */

import { main as supervisor } from '../clients/supervisor/main.ts';
import type { PdBuilder, PdOptions, SystemBuilder } from '../microkit/builder.ts';
import { supervise, type SuperviseOptions } from '../microkit/sddf/supervision.ts';
import type { Timer } from '../microkit/sddf/timer.ts';
import { ChoiceError, type SystemOption } from './system.ts';

export const SUPERVISOR_PD = 'supervisor';

/** By choice. */
const HANG_NS: Readonly<Record<string, number>> = {
  '10ms': 1e7,
  '100ms': 1e8,
  '1s': 1e9,
  '10s': 1e10,
};

export const SUPERVISED_OPTIONS: Readonly<Record<string, SystemOption>> = {
  supervised: {
    help: 'a supervisor restarts whoever dies, and the others go on',
    choices: ['off', 'on'],
    standard: 'off',
  },
  restart: {
    help: 'supervised: what the memory of who starts again is, and who goes down with it',
    choices: ['as-it-is', 'fresh', 'rest-for-one'],
    standard: 'as-it-is',
  },
  hang: {
    help: 'supervised: how long a domain may not answer until it is taken for dead',
    choices: Object.keys(HANG_NS),
    standard: '1s',
  },
};

export interface FamilyOptions {
  readonly choices: Readonly<Record<string, string>>;
  /** Of the driver that has the highest. The supervisor is above it, and the timer above that. */
  readonly driverPriority: number;
  /** How long neighbours may take to let go; the supervisor's own, unless told. */
  readonly patienceNs?: number;
}

/** Where the domains of a system are made that may be supervised. */
export class Family {
  readonly #sys: SystemBuilder;
  readonly #restart: string;
  readonly #hangNs: number;
  readonly #limits: Pick<SuperviseOptions, 'patienceNs'>;
  readonly #supervisor: PdBuilder | undefined;
  readonly #children: PdBuilder[] = [];
  readonly #mute: PdBuilder[] = [];
  /** Leaves room for a supervisor below it, where there is one. */
  readonly timerPriority: number;

  constructor(sys: SystemBuilder, { choices, driverPriority, patienceNs }: FamilyOptions) {
    this.#limits = patienceNs === undefined ? {} : { patienceNs };
    this.#sys = sys;
    this.#restart = choices['restart'] ?? '';
    this.#hangNs = HANG_NS[choices['hang'] ?? '1s'] ?? 1e9;
    const isOn = choices['supervised'] === 'on';
    if (!isOn) checkUnsupervised(choices);
    this.timerPriority = driverPriority + (isOn ? 2 : 1);
    this.#supervisor = isOn ? this.#makeSupervisor(driverPriority + 1) : undefined;
  }

  get isSupervised(): boolean {
    return this.#supervisor !== undefined;
  }

  /** @param protocol whether the program takes part: all of ours do, in TypeScript and in C */
  pd(name: string, options: PdOptions, protocol: 'member' | 'mute' = 'member'): PdBuilder {
    if (this.#supervisor === undefined) return this.#sys.pd(name, options);
    const child = this.#supervisor.child(name, options);
    this.#children.push(child);
    if (protocol === 'mute') this.#mute.push(child);
    return child;
  }

  /**
   * Called when all domains and device classes are there.
   *
   * @param order who serves before whom it serves; as they were made, unless told
   */
  supervise(
    timers: Timer,
    order: (children: readonly PdBuilder[]) => readonly PdBuilder[] = (children) => children,
  ): void {
    if (this.#supervisor === undefined) return;
    // It looks at its children for ever, and nobody waits for that: it says when somebody does.
    timers.addWatchdog(this.#supervisor);
    supervise(this.#sys, {
      supervisor: this.#supervisor,
      children: order(this.#children),
      mute: this.#mute,
      hangNs: this.#hangNs,
      ...this.#limits,
      ...(this.#restart === 'fresh' ? { memory: 'fresh' } : {}),
      ...(this.#restart === 'rest-for-one' ? { policy: 'rest-for-one' } : {}),
    });
  }

  #makeSupervisor(priority: number): PdBuilder {
    const image = 'clients/supervisor/main.ts';
    const pd = this.#sys.pd(SUPERVISOR_PD, { program: supervisor, image, priority });
    const stats = this.#sys.region(`${SUPERVISOR_PD}_stats`, { size: '4K' });
    pd.map(stats, { perms: 'rw' });
    pd.configure({ stats: stats.name });
    return pd;
  }
}

/** @throws ChoiceError for an option that would do nothing */
function checkUnsupervised(choices: Readonly<Record<string, string>>): void {
  for (const name of ['restart', 'hang']) {
    const choice = choices[name];
    if (choice === undefined || choice === SUPERVISED_OPTIONS[name]?.standard) continue;
    throw new ChoiceError(`${name}=${choice} is for a supervisor; it needs --set supervised=on`);
  }
}

/** For systems whose priorities say who serves whom. */
export function byPriority(children: readonly PdBuilder[]): readonly PdBuilder[] {
  return children.toSorted((a, b) => b.priority - a.priority);
}
