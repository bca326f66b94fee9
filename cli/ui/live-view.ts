/** What a run shows to its pages: the same as the engine in a page tells about itself. */

import { every, type HostTimer } from '../../host/event-loop.ts';
import { PageServer } from '../../host/page/page-server.ts';
import { renderDot } from '../../microkit/graph/dot.ts';
import { flatten } from '../../microkit/model.ts';
import type { Ability, Answer, SystemInfo } from '../../page/engine/protocol.ts';
import { FIRST_SCENARIO, type Scenario } from '../../page/engine/scenario.ts';
import { viewOf } from '../../page/engine/view-of.ts';
import { WorldWatch } from '../../page/engine/world-watch.ts';
import { guestsOf } from '../../systems/guests.ts';
import type { RunCounters, Testbed, WireParts, Wires } from '../../systems/testbed.ts';
import type { LoadedSystem } from '../run/loaded-system.ts';

/** A screen shows no more. */
const FRAME_MS = 33;
const LOG_KEPT = 200;

export class LiveView {
  readonly watch: WorldWatch;
  readonly #loaded: LoadedSystem;
  readonly #again: Scenario | string;
  readonly #log: string[] = [];
  #server: PageServer | undefined;
  #testbed: Testbed | undefined;
  #before: RunCounters | undefined;
  #timer: HostTimer | undefined;

  /** @param again the same run as the page's own engine has it; or why that has none */
  constructor(loaded: LoadedSystem, again: Scenario | string) {
    this.#loaded = loaded;
    this.#again = again;
    this.watch = new WorldWatch(loaded.system);
  }

  /** @throws UserMistake @returns the page's address */
  async open(folder: string, port: number): Promise<string> {
    this.#server = await PageServer.listen({
      folder,
      port,
      greet: () => this.#greeting(),
      missed: (frames) => said({ kind: 'dropped', frames }),
    });
    return this.#server.url;
  }

  wires(wires: Wires, { ram }: WireParts): Wires {
    this.watch.attach(ram);
    return wires.net === undefined ? wires : { ...wires, net: this.watch.watch(wires.net) };
  }

  /** The system has booted. */
  begin(testbed: Testbed): void {
    this.#testbed = testbed;
    this.#before = testbed.counters();
    this.#timer = every(FRAME_MS, () => this.#show());
  }

  log(pd: string, line: string): void {
    const text = said({ kind: 'log', pd, line, timeNs: this.#testbed?.now() ?? 0 });
    this.#log.push(text);
    if (this.#log.length > LOG_KEPT) this.#log.shift();
    this.#server?.show(text);
  }

  counters(): Readonly<Record<string, unknown>> {
    return { ...this.#server?.counters };
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#show();
    await this.#server?.close('the run is over');
  }

  #greeting(): readonly string[] {
    const again = this.#again;
    const isThere = typeof again !== 'string';
    const about = infoOf(this.#loaded, isThere ? ['again'] : []);
    const info = isThere ? about : { ...about, whyNotBack: again };
    const scenario = isThere ? again : { ...FIRST_SCENARIO, system: info.name };
    return [said({ kind: 'loaded', info, scenario }), ...this.#log];
  }

  #show(): void {
    const [server, testbed, before] = [this.#server, this.#testbed, this.#before];
    if (server === undefined || testbed === undefined || before === undefined) return;
    if (server.clients === 0) return;
    const view = viewOf({
      testbed,
      watch: this.watch,
      before,
      packets: this.watch.sentFrames,
      roundTripNs: 0,
      strikes: [],
      faulted: [],
      awaits: 'an input',
    });
    server.show(said({ kind: 'view', view, playing: true }));
  }
}

function said(answer: Answer): string {
  return JSON.stringify(answer);
}

function infoOf({ name, system }: LoadedSystem, abilities: readonly Ability[]): SystemInfo {
  return {
    name,
    summary: '',
    systems: [],
    dot: renderDot(system),
    domains: flatten(system).map(({ pd }) => ({ name: pd.name, priority: pd.priority })),
    uarts: [],
    nics: 0,
    disks: 0,
    content: 'nothing',
    guests: guestsOf(system),
    points: [],
    options: [],
    abilities,
  };
}
