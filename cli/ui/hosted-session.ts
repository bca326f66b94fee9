/** An engine of this process for one page: the same that a page has in a worker. */

import { after, type HostTimer } from '../../host/event-loop.ts';
import { hostNow } from '../../host/host-time.ts';
import type { PageEars, PageMouth } from '../../host/page/page-server.ts';
import type { FindSystem } from '../../page/engine/found-system.ts';
import { Player } from '../../page/engine/player.ts';
import type { Answer, Request } from '../../page/engine/protocol.ts';
import type { Scenario } from '../../page/engine/scenario.ts';
import { readRequest } from '../../page/share/read-request.ts';
import { LinkProblem } from '../../page/share/checks.ts';
import type { PointKind } from '../../sim/points/point.ts';

/** No page of ours has asked for more before it was answered. */
const WAITING_MAX = 100;

export interface HostedOptions {
  readonly page: PageMouth;
  readonly find: FindSystem;
  readonly points: readonly PointKind[];
  /** What it shows first; nothing before a page asks for something. */
  readonly scenario: Scenario | undefined;
  /** Of a campaign: which world is to be shown, or why it cannot be. */
  readonly open?: (seed: number) => Scenario | string | undefined;
}

export class HostedSession implements PageEars {
  readonly #options: HostedOptions;
  readonly #player: Player;
  readonly #timers = new Set<HostTimer>();

  constructor(options: HostedOptions) {
    const { page, find, scenario } = options;
    this.#options = options;
    const tell = (answer: Answer): void => {
      if (answer.kind === 'view' || answer.kind === 'pulse') page.show(answerText(answer));
      else page.answer(answerText(answer));
    };
    const nowMs = (): number => hostNow() / 1e6;
    this.#player = new Player(
      tell,
      { nowMs, after: (ms, action) => this.#after(ms, action) },
      find,
    );
    if (scenario !== undefined) this.#player.ask({ kind: 'load', scenario });
  }

  heard(text: string): 'taken' | 'refused' {
    if (this.#player.waiting > WAITING_MAX) return 'refused';
    let request: Request;
    try {
      request = readRequest(text, this.#options.points);
    } catch (error) {
      if (error instanceof LinkProblem) return 'refused';
      throw error;
    }
    if (request.kind !== 'open') this.#player.ask(request);
    else this.#open(request.seed);
    return 'taken';
  }

  #open(seed: number): void {
    const { open, page } = this.#options;
    const opened = open?.(seed);
    if (typeof opened === 'string') page.answer(answerText({ kind: 'failed', text: opened }));
    else if (opened !== undefined) this.#player.ask({ kind: 'load', scenario: opened });
  }

  gone(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #after(milliseconds: number, action: () => void): void {
    const timer = after(milliseconds, () => {
      this.#timers.delete(timer);
      action();
    });
    this.#timers.add(timer);
  }
}

/** As text; bytes and other arrays of numbers are lists. */
export function answerText(answer: Answer): string {
  return JSON.stringify(answer, (_, value: unknown) =>
    value instanceof Uint8Array || value instanceof Float64Array ? [...value] : value,
  );
}
