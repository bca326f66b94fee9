/** `sddf run`: boots a system and runs it, live or under the virtual clock. */

import { Command } from 'commander';
import { UserMistake } from '../host/problem.ts';
import type { SystemDescription } from '../microkit/model.ts';
import { networkDevice } from '../systems/devices.ts';
import { type Testbed, TestbedError, createTestbed } from '../systems/testbed.ts';
import { runDemo } from './demo.ts';
import { type Ending, driveLive, driveVirtual, makeLoop } from './drive.ts';
import { groupDigits, seconds } from './figures.ts';
import { type Guest, guestsOf } from './guests.ts';
import { catchInterrupts } from './interrupt.ts';
import { NetAttachment } from './net-attachment.ts';
import { NET_HELP, type NetOptions, parseNetOptions } from './net-options.ts';
import { reportJson, reportText, type RunResult } from './run-report.ts';
import { addRunOptions, readRunOptions, type RunOptions } from './run-options.ts';
import { type LoadedSystem, loadSystem } from './system-source.ts';
import { openTerminal, type Terminal } from './terminal.ts';

/** What the generator of a demonstration sends: small frames, then large ones. */
const DEMO_FRAMES = [64, 1514] as const;
const DEMO_BURST = 64;
const STANDARD_FORWARD = 'user,hostfwd=udp:127.0.0.1:1235-10.0.2.15:1235';
const STANDARD_GUEST = '10.0.2.15';
/** That the monitor has started, that a domain is passive: what the topology says too. */
const MONITOR_CHATTER = 'MON|INFO';
const BOOT_STEP_NS = 1_000_000;
const BOOT_STEPS_MAX = 1000;

export function runCommand(): Command {
  const command = new Command('run')
    .description(
      'Boots a system and runs it: a name from sddf list, ./my-system.ts, or FILE.system.',
    )
    .argument('<system>', 'what to run');
  addRunOptions(command);
  return command.addHelpText('after', `\n${NET_HELP}\n${EXAMPLES}`).action(runAction);
}

const EXAMPLES = `
Examples:
  sddf run echo --net user,hostfwd=udp:127.0.0.1:5001-10.0.2.15:1235,hostfwd=udp:127.0.0.1:5002-10.0.2.16:7
  sddf run echo --net stream,server=unix:a.sock
  sddf run echo --net dgram,local=127.0.0.1:5558,remote=127.0.0.1:5557
  sddf run echo --net pcap,in=in.pcap --capture out.pcapng --clock virtual --json
  sddf run echo --net loop --seed 7 --clock virtual --for 1s --json
  sddf run echo --wireshark`;

async function runAction(
  reference: string,
  raw: Parameters<typeof readRunOptions>[0],
): Promise<void> {
  const options = readRunOptions(raw);
  const toStderr = options.output === 'json' || options.captures.some((to) => to.kind === 'stdout');
  const terminal = openTerminal(toStderr ? 'stderr' : 'stdout');
  const loaded = await loadSystem(reference, options.choices, options.searchPath);
  for (const warning of loaded.warnings) terminal.note(`sddf: ${warning}`);
  await new Run(loaded, options, terminal).run();
}

/** One run of one system, from the description to the counters. */
export class Run {
  readonly #loaded: LoadedSystem;
  readonly #options: RunOptions;
  readonly #terminal: Terminal;
  readonly #guests: readonly Guest[];
  readonly #net: NetOptions | undefined;

  constructor(loaded: LoadedSystem, options: RunOptions, terminal: Terminal) {
    this.#loaded = loaded;
    this.#options = options;
    this.#terminal = terminal;
    this.#guests = guestsOf(loaded.system);
    this.#net = chooseNet(loaded, options, this.#guests);
  }

  async run(): Promise<void> {
    const interrupt = catchInterrupts();
    const attachment = await this.#openNet();
    const testbed = this.#boot(attachment);
    const before = testbed.counters();
    const loop = makeLoop(testbed, this.#options.clock);
    await attachment?.plugIn(() => loop.wake());
    attachment?.start();
    const common = { testbed, interrupt, port: attachment ?? NO_PORT };
    let ending: Ending;
    if (this.#options.demo === 'yes' && attachment !== undefined) {
      const terminal = this.#terminal;
      const forNs = this.#options.forNs;
      ending = await runDemo({ ...common, attachment, loop, terminal, forNs, frames: DEMO_FRAMES });
    } else {
      ending = await this.#drive(attachment, { ...common, loop });
    }
    testbed.board.turn(); // host time: as late as now, also after a sleep
    const after = testbed.counters();
    await attachment?.close();
    this.#report({
      system: this.#loaded.name,
      clock: this.#options.clock,
      seed: this.#options.seed,
      ending,
      before,
      after,
      net: attachment?.counters(),
      board: testbed.board.snapshot(),
      packets: packetsOf(attachment),
    });
  }

  #openNet(): Promise<NetAttachment> | undefined {
    const { captures, generator, clock, demo } = this.#options;
    const net = this.#net;
    if (net === undefined) return undefined;
    const demoGenerators = DEMO_FRAMES.map((frame) => ({ ...generator, frame, burst: DEMO_BURST }));
    const alone = net.kind === 'loop' ? [generator] : [];
    return NetAttachment.open({
      net,
      captures,
      clock,
      generators: demo === 'yes' ? demoGenerators : alone,
      guests: this.#guests,
      onNotice: (line) => this.#terminal.note(`sddf: ${line}`),
    });
  }

  /** Boots, and lets every program run its `init`. */
  #boot(attachment: NetAttachment | undefined): Testbed {
    const { clock, seed, ramBytes } = this.#options;
    const { system, programs, counters } = this.#loaded;
    let testbed: Testbed;
    try {
      testbed = createTestbed({
        system,
        clock,
        seed,
        programs,
        counters,
        ...(ramBytes === undefined ? {} : { ramBytes }),
        wires: (parts) => (attachment === undefined ? {} : { net: attachment.wire(parts) }),
        observer: {
          log: (pd, line) => this.#log(pd, line),
          faulted: () => {
            process.exitCode = 1; // the monitor has said what happened
          },
        },
      });
    } catch (error) {
      if (error instanceof TestbedError) throw new UserMistake(error.message);
      throw error;
    }
    for (let step = 0; step < BOOT_STEPS_MAX; step += 1) {
      if (clock === 'host' && testbed.runSlice(BOOT_STEP_NS) === 'idle') break;
      if (clock === 'virtual') testbed.runUntil(testbed.now() + BOOT_STEP_NS);
      if (clock === 'virtual' && testbed.isIdle) break;
    }
    return testbed;
  }

  #log(pd: string, line: string): void {
    if (line.startsWith(MONITOR_CHATTER)) return;
    this.#terminal.note(`${pd}: ${line}`);
  }

  #drive(
    attachment: NetAttachment | undefined,
    run: Omit<Parameters<typeof driveLive>[0], 'clock' | 'forNs' | 'inputOver'>,
  ): Promise<Ending> {
    const { clock, forNs } = this.#options;
    const { testbed } = run;
    const fromHost =
      this.#net !== undefined && ['user', 'stream', 'dgram'].includes(this.#net.kind);
    if (clock === 'virtual' && !fromHost) {
      const untilNs = forNs === undefined ? Infinity : testbed.now() + forNs;
      return driveVirtual({ ...run, untilNs, onSlice: () => this.#showVirtual(testbed) });
    }
    this.#terminal.note(`sddf: ${this.#loaded.name} is running; Ctrl-C ends it`);
    return driveLive({ ...run, clock, forNs, inputOver: () => attachment?.inputOver === true });
  }

  #showVirtual(testbed: Testbed): void {
    this.#terminal.live(
      `${seconds(testbed.now())} of virtual time, ` +
        `${groupDigits(testbed.kernel.counters.kernelEntries)} kernel entries`,
    );
  }

  #report(result: RunResult): void {
    if (this.#options.output === 'json') process.stdout.write(`${reportJson(result)}\n`);
    else for (const line of reportText(result)) this.#terminal.print(line);
  }
}

const NO_PORT = { flush: (): void => undefined };

function packetsOf(attachment: NetAttachment | undefined): number {
  if (attachment === undefined) return 0;
  const answered = attachment.generators.reduce((sum, each) => sum + each.counters.answered, 0);
  return answered + attachment.traffic.framesOut;
}

function hasNic(system: SystemDescription): boolean {
  return system.regions.some((region) => region.physAddr === BigInt(networkDevice.physAddr));
}

/** What was asked for, or what suits the system; undefined when it has no NIC. */
function chooseNet(
  loaded: LoadedSystem,
  options: RunOptions,
  guests: readonly Guest[],
): NetOptions | undefined {
  if (!hasNic(loaded.system)) {
    if (options.net === undefined && options.captures.length === 0) return undefined;
    throw new UserMistake(`${loaded.name}: the system has no NIC; leave --net and --capture out`);
  }
  if (options.net !== undefined) return options.net;
  const isStandard = guests.some((guest) => guest.ip === STANDARD_GUEST);
  return parseNetOptions(isStandard ? STANDARD_FORWARD : 'user');
}
