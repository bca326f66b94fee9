/** `sddf replay`: the world of a failure file once more, byte for byte, to be looked at. */

import { Command } from 'commander';
import { Rewound } from '../../debug/rewound.ts';
import { refuseClashes } from '../../host/file-use.ts';
import { Capture } from '../../host/net/capture.ts';
import { openCaptureFile, type OpenSink } from '../../host/net/capture-sink.ts';
import { PcapngWriter } from '../../host/net/pcapng-writer.ts';
import { UserMistake } from '../../host/problem.ts';
import { type Failure, signatureOf } from '../../sim/failure/failure-file.ts';
import { type Replay, replay, worldOptions } from '../../sim/failure/replay.ts';
import { countStrikes, type Strike } from '../../sim/points/point.ts';
import { devicesOf } from '../../sim/points/system-points.ts';
import { runWorld, type WorldOutcome, type WorldWatch } from '../../sim/world.ts';
import { perfettoTrace } from '../../systems/trace/perfetto.ts';
import { type Recording, startRecording } from '../../systems/trace/recording.ts';
import { didYouMean } from '../closest.ts';
import { STATUS } from '../exit.ts';
import { OutputFile } from '../output-file.ts';
import { GdbSession } from '../run/gdb-session.ts';
import { parseGdb } from '../run/gdb.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { openFailure, type OpenedFailure } from './failure-source.ts';
import { namedStrike } from './named-strike.ts';
import { UI_PORT_HELP, uiPortOf } from '../ui/page-folder.ts';
import { sayWorldBegins } from '../world-limit.ts';
import { jsonText } from '../../systems/json-text.ts';

const NAMES_MAX = 8;
/** What is no world's failure, but a file of scripted tests. */
const TESTS = /\.ya?ml$/;

interface ReplayFlags {
  readonly trace?: string;
  readonly capture?: string;
  readonly until?: string;
  readonly gdb?: string;
  readonly filter?: string;
  readonly seeds?: string;
  readonly ui?: true;
  readonly uiPort?: string;
  readonly json?: true;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('Runs the world of a failure file once more, byte for byte.')
    .argument('<file>', 'what sddf sim --out has written, or a file of tests (YAML)')
    .option('--filter <text>', 'of tests: the one whose name holds this text')
    .option('--seeds <seed>', 'of tests: its seed (default: 1)')
    .option('--trace <file>', 'writes what happens as a trace for Perfetto, see sddf trace')
    .option('--capture <file>', 'writes the frames that the NIC takes and sends (pcapng)')
    .option(
      '--until <fault>',
      "stops where it strikes, and shows the state: 'net.irq lose', 'lose#3'",
    )
    .option('--gdb <address>', 'holds it for GDB: tcp:127.0.0.1:3333 or unix:PATH, see sddf run')
    .option('--ui', 'shows it in a page of your browser, moment by moment, until Ctrl-C')
    .option('--ui-port <port>', UI_PORT_HELP)
    .option('--json', 'prints the outcome as JSON')
    .addHelpText(
      'after',
      '\nEnds with 1 when it fails as it did then, 0 when it does not fail any more.\n' +
        '\nExamples:\n  sddf replay failures/seed-1234.json\n' +
        '  sddf replay tests/echo.yaml --filter ARP --seeds 7\n' +
        "  sddf replay failures/seed-1234.json --until 'net.irq lose' --trace t.json --capture c.pcapng",
    )
    .action(runReplay);
}

async function runReplay(path: string, flags: ReplayFlags): Promise<void> {
  const terminal = openTerminal(flags.json === true ? 'stderr' : 'stdout');
  if (TESTS.test(path)) {
    const others = ['capture', 'until', 'ui'].filter((name) => name in flags);
    const { replayTest } = await import('../replay-test.ts');
    return replayTest(path, flags, others, terminal);
  }
  const ofTests = ['filter', 'seeds'].find((name) => name in flags);
  if (ofTests !== undefined) throw new UserMistake(`--${ofTests}: is for tests in YAML`);
  const port = uiPortOf(flags);
  const opened = await openFailure(path, terminal);
  if (flags.gdb !== undefined) {
    await debugReplay(opened, flags, terminal);
    return;
  }
  const watching = new Watching(path, flags, opened);
  try {
    const stop = flags.until === undefined ? undefined : findStop(opened, flags.until);
    const seen = stop === undefined ? watchWhole(opened, watching) : stop.whole;
    const stopped = stop === undefined ? undefined : watchUntil(opened, watching, stop.strike);
    watching.finish(opened.failure, terminal);
    print({ failure: opened.failure, ...seen, stopped, isJson: flags.json === true }, terminal);
    process.exitCode = statusOf(seen.outcome);
  } finally {
    await watching.close();
  }
  if (port === undefined) return;
  const { showFailure } = await import('../ui/tested-pages.ts');
  await showFailure(opened.failure, opened.loaded, { port, terminal });
}

/** The world once more, held for GDB, and run again whenever its user goes back. */
async function debugReplay(
  { failure, loaded }: OpenedFailure,
  flags: ReplayFlags,
  terminal: Terminal,
): Promise<void> {
  const others = ['trace', 'capture', 'until', 'ui'].filter((name) => name in flags);
  if (others.length > 0) {
    throw new UserMistake(`--gdb: a world that is held is run alone; leave --${others[0]} out`);
  }
  const { system, images = new Map() } = loaded.target;
  // Nobody could come in time: a world is over in some milliseconds.
  const options = { ...parseGdb(flags.gdb ?? '', '--gdb'), begins: 'wait' } as const;
  const session = await GdbSession.open(options, {
    system,
    images,
    terminal,
    clock: 'virtual',
    injected: undefined,
  });
  const { outcome, isSame: same } = await session.until(
    () => replayHeld(session, () => replay(failure, loaded.target, session.worldWatch())),
    (seen) => statusOf(seen.outcome),
  );
  const isJson = flags.json === true;
  print({ failure, outcome, isSame: same, stopped: undefined, isJson }, terminal);
  process.exitCode = statusOf(outcome);
}

function statusOf({ verdict }: WorldOutcome): number {
  return verdict === 'failed' ? STATUS.failed : STATUS.passed;
}

function replayHeld(session: GdbSession, run: () => Replay): Replay {
  for (;;) {
    try {
      const seen = run();
      session.worldEnded(`the world is over: it has ${seen.outcome.verdict}`);
      return seen;
    } catch (error) {
      if (!(error instanceof Rewound)) throw error;
    }
  }
}

interface Stopped {
  readonly strike: Strike;
  /** What was going on when it struck. */
  readonly state: readonly string[];
  readonly outcome: WorldOutcome;
}

/** @throws UserMistake when there is no such strike in this world */
function findStop({ failure, loaded }: OpenedFailure, name: string) {
  sayWorldBegins();
  const whole = replay(failure, loaded.target);
  const { strikes } = whole.outcome;
  const strike = namedStrike(name, strikes);
  if (strike !== undefined) return { whole, strike };
  const counted = Object.entries(countStrikes(strikes));
  const names = strikes.flatMap(({ at, fault }) => [`${at} ${fault}`, at, fault]);
  const shown = counted.slice(0, NAMES_MAX).map(([each, count]) => `${each} (${count})`);
  const more = counted.length > NAMES_MAX ? ' and others, which replay lists' : '';
  const there = counted.length === 0 ? 'nothing strikes' : `there is ${shown.join(', ')}${more}`;
  const guess = didYouMean(name, names);
  throw new UserMistake(`--until: no strike '${name}' in this world${guess}; ${there}`);
}

function watchWhole({ failure, loaded }: OpenedFailure, { watch }: Watching) {
  sayWorldBegins();
  return replay(failure, loaded.target, watch);
}

/** The world again, up to the nanosecond at which the fault strikes. */
function watchUntil(
  { failure, loaded }: OpenedFailure,
  { watch }: Watching,
  strike: Strike,
): Stopped {
  let state: readonly string[] = [];
  sayWorldBegins();
  const outcome = runWorld({
    ...worldOptions(failure.world, loaded.target),
    untilNs: strike.timeNs + 1,
    watch: {
      ...watch,
      onStrike: (struck, stateNow) => {
        if (isSame(struck, strike)) state = stateNow();
      },
    },
  });
  return { strike, state, outcome };
}

function isSame(one: Strike, other: Strike): boolean {
  const { rule, opportunity, timeNs } = one;
  return rule === other.rule && opportunity === other.opportunity && timeNs === other.timeNs;
}

/** What a replay writes besides what it prints. */
class Watching {
  readonly watch: WorldWatch;
  readonly #trace: { readonly file: OutputFile; readonly recording: Recording } | undefined;
  readonly #capture: OpenSink | undefined;
  readonly #flags: ReplayFlags;
  #writer: PcapngWriter | undefined;

  /** @throws UserMistake when a file cannot be written, or there is no NIC to capture at */
  constructor(path: string, flags: ReplayFlags, { loaded }: OpenedFailure) {
    const { trace, capture } = flags;
    const { system } = loaded.target;
    this.#flags = flags;
    refuseClashes([
      { path, use: 'read', by: 'the failure file' },
      ...(trace === undefined ? [] : [{ path: trace, use: 'written', by: '--trace' } as const]),
      ...(capture === undefined
        ? []
        : [{ path: capture, use: 'written', by: '--capture' } as const]),
    ]);
    if (capture !== undefined && !devicesOf(system).some((device) => device.class === 'net')) {
      throw new UserMistake(`--capture: ${system.name} has no NIC, and so no frames`);
    }
    if (trace !== undefined) {
      const recording = startRecording({ system, clock: 'virtual' });
      this.#trace = { file: new OutputFile(trace, 'replace'), recording };
    }
    const around = this.#trace?.recording.around;
    const onNotice = (line: string): void => openTerminal('stderr').note(`sddf: ${line}`);
    this.#capture = capture === undefined ? undefined : openCaptureFile(capture, onNotice);
    const sink = this.#capture;
    this.watch = {
      ...(around === undefined ? {} : { instrument: around }),
      ...(sink === undefined
        ? {}
        : {
            net: (wire, { ram, board }) => {
              const { write } = sink;
              const writer = new PcapngWriter({ sink: write, interfaceName: 'net0', epochNs: 0n });
              this.#writer = writer;
              return new Capture({ ram, clock: board.clock, writer }).of(wire);
            },
          }),
    };
  }

  /** Writes the trace, and says what has been written. */
  finish({ system, world }: Failure, terminal: Terminal): void {
    if (this.#trace !== undefined) {
      const { file, recording } = this.#trace;
      const about = { system: system.reference, seed: world.seed };
      for (const piece of perfettoTrace({
        recorder: recording.recorder,
        clock: 'virtual',
        about,
      })) {
        file.write(piece);
      }
      terminal.note(`sddf: ${file.path}: open it at https://ui.perfetto.dev`);
    }
    if (this.#capture === undefined) return;
    this.#writer?.flush();

    terminal.note(`sddf: ${this.#flags.capture ?? ''}: frames at the NIC`);
  }

  async close(): Promise<void> {
    this.#trace?.file.close();
    await this.#capture?.close();
  }
}

interface Printed {
  readonly failure: Failure;
  readonly outcome: WorldOutcome;
  readonly isSame: boolean;
  readonly stopped: Stopped | undefined;
  readonly isJson: boolean;
}

function print(
  { failure, outcome, isSame: same, stopped, isJson }: Printed,
  terminal: Terminal,
): void {
  if (isJson) {
    const stop = stopped === undefined ? {} : { until: stopped.strike, state: stopped.state };
    process.stdout.write(`${jsonText({ isSame: same, ...outcome, ...stop })}\n`);
    return;
  }
  for (const { timeNs, at, fault } of (stopped?.outcome ?? outcome).strikes) {
    terminal.print(`${milliseconds(timeNs)}  ${at}: ${fault}`);
  }
  if (stopped !== undefined) {
    terminal.print(`stopped there; at this moment:`);
    for (const line of stopped.state) terminal.print(`  ${line}`);
    return;
  }
  for (const { timeNs, oracle, what } of outcome.violations) {
    terminal.print(`${milliseconds(timeNs)}  ${oracle}: ${what}`);
  }
  terminal.print(same ? 'the same as then, byte for byte' : comparison(failure, outcome));
}

function comparison(
  then: Parameters<typeof signatureOf>[0],
  now: Parameters<typeof signatureOf>[0],
): string {
  if (now.violations.length === 0) return 'it does not fail any more';
  if (signatureOf(then) === signatureOf(now)) return 'it fails in the same way, at another moment';
  return `it fails in another way; then it was: ${signatureOf(then)}`;
}

function milliseconds(ns: number): string {
  return `${(ns / 1e6).toFixed(6).padStart(12)} ms`;
}
