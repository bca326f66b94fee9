/** A whole system under exploration: which parts of a domain tell of points of choice. */

import type { HartThread, MachineCode, ProgramImage } from '../../kernel/user.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { CallOrder } from '../points/called-domains.ts';
import { exploredImage, exploredMachineCode, type ExploredOptions } from './explored-parts.ts';
import type { Explorer } from './explorer.ts';
import { looksOf } from './index-places.ts';

export interface ExploredSystemOptions {
  readonly system: SystemDescription;
  readonly explorer: Explorer;
  /** Undefined until it is made. */
  readonly board: () => ExploredBoard | undefined;
}

interface ExploredBoard {
  now(): number;
  nextEventAt(): number;
}

export class ExploredSystem {
  readonly #system: SystemDescription;
  readonly #explorer: Explorer;
  /** Any domain may be held up, also one that others call. */
  readonly #calls: CallOrder;
  readonly #times: Pick<ExploredOptions, 'nowNs' | 'untilNextEventNs'>;

  constructor({ system, explorer, board }: ExploredSystemOptions) {
    this.#system = system;
    this.#explorer = explorer;
    this.#calls = new CallOrder(system);
    this.#times = {
      nowNs: () => board()?.now() ?? 0,
      untilNextEventNs: () => {
        const made = board();
        return made === undefined ? Infinity : made.nextEventAt() - made.now();
      },
    };
  }

  /** The same program in TypeScript, with its points of choice. */
  image(image: ProgramImage): ProgramImage {
    return exploredImage(this.#calls.around(image), {
      explorer: this.#explorer,
      looksOf: (domain, thread) => looksOf(this.#system, domain, thread),
      ...this.#times,
    });
  }

  /** Of machine code, points of choice are its system calls and accesses to devices. */
  machineCode(
    domain: string,
    start: (thread: HartThread) => MachineCode,
  ): (thread: HartThread) => MachineCode {
    return exploredMachineCode(start, domain, { explorer: this.#explorer, ...this.#times });
  }
}
