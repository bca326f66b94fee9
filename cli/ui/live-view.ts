/** What a run shows to its pages: the same as the engine in a page tells about itself. */

import type { EthernetWire } from '../../board/ethernet.ts';
import { every, type HostTimer } from '../../host/event-loop.ts';
import { PageServer } from '../../host/page/page-server.ts';
import { renderDot } from '../../microkit/graph/dot.ts';
import { flatten } from '../../microkit/model.ts';
import type { Answer, SystemInfo } from '../../page/engine/protocol.ts';
import { FIRST_SCENARIO } from '../../page/engine/scenario.ts';
import { viewOf } from '../../page/engine/view-of.ts';
import { WorldWatch } from '../../page/engine/world-watch.ts';
import { guestsOf } from '../../systems/guests.ts';
import type { RunCounters, Testbed } from '../../systems/testbed.ts';
import type { LoadedSystem } from '../run/system-source.ts';

/** A screen shows no more. */
const FRAME_MS = 33;
const LOG_KEPT = 200;

export class LiveView {
  readonly watch: WorldWatch;
  readonly #loaded: LoadedSystem;
  readonly #log: string[] = [];
  #server: PageServer | undefined;
  #testbed: Testbed | undefined;
  #before: RunCounters | undefined;
  #timer: HostTimer | undefined;

  constructor(loaded: LoadedSystem) {
    this.#loaded = loaded;
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

  wire(net: EthernetWire): EthernetWire {
    return this.watch.watch(net);
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
    const info = infoOf(this.#loaded);
    const loaded = said({
      kind: 'loaded',
      info,
      scenario: { ...FIRST_SCENARIO, system: info.name },
    });
    return [loaded, ...this.#log];
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

function infoOf({ name, system }: LoadedSystem): SystemInfo {
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
    abilities: [],
  };
}
