/** `sddf path`: follows one frame through a system, hop by hop. */

import { Command } from 'commander';
import { benchResults } from '../bench/results.ts';
import { UserMistake } from '../host/problem.ts';
import type { Board } from '../board/board.ts';
import { networkDevice } from '../systems/devices.ts';
import { instrument } from '../systems/trace/observed-parts.ts';
import { PacketWatch } from '../systems/trace/packet-watch.ts';
import { type RawOptions, textOption } from './attachment.ts';
import { OutputFile } from './output-file.ts';
import { pathRows, pathText } from './path-report.ts';
import { pathSvg } from './path-svg.ts';
import { parseCount, type Range } from './quantities.ts';
import { addSystemRunOptions, runSystem, type RunWatch } from './run.ts';
import type { RunOptions } from './run-options.ts';
import type { LoadedSystem } from './system-source.ts';
import type { Terminal } from './terminal.ts';

const PACKET: Range = { min: 1, max: 1_000_000_000 };
/** Without --for. */
const RUN_FOR = '1s';

const HELP = `
Frames are counted as the NIC takes them from the wire; the first is packet 1. Without other options the
traffic generator sends frames (--net loop) under the virtual clock, and the run ends when the packet is
back on the wire, or after a second.

A hop is seen when its entry is published. A packet is known by its buffer; where a program puts its
payload into another one, it has copied it. Of two packets with equal payloads in one program at one
time, the first is taken.

Examples:
  sddf path echo --packet 1
  sddf path echo --packet 100 --rate 1M --frame 1514 --svg path.svg
  sddf path echo --packet 3 --net pcap,in=in.pcap --json`;

export function pathCommand(): Command {
  const command = new Command('path')
    .description('Follows one frame through a system: hops, times, copies, buffers.')
    .argument('<system>', 'what to run')
    .option('--packet <number>', 'which frame', '1')
    .option('--svg <file>', 'draws the path')
    .option('--force', 'replaces a file that is there already');
  addSystemRunOptions(command);
  // What is followed is simulated, unless told otherwise.
  command.setOptionValueWithSource('clock', 'virtual', 'default');
  return command.addHelpText('after', HELP).action(followPacket);
}

async function followPacket(reference: string, raw: RawOptions): Promise<void> {
  const packet = parseCount(textOption(raw, 'packet') ?? '', '--packet', PACKET);
  const { svg: _, ...others } = raw;
  const svg = textOption(raw, 'svg');
  const existing = raw['force'] === true ? 'replace' : 'keep';
  const file = svg === undefined ? undefined : new OutputFile(svg, existing);
  const options = { net: 'loop', for: RUN_FOR, ...others };
  try {
    await runSystem(reference, options, (loaded, run) =>
      watchPacket({ loaded, run, packet, file }),
    );
  } finally {
    file?.close();
  }
}

interface Followed {
  readonly loaded: LoadedSystem;
  readonly run: RunOptions;
  readonly packet: number;
  readonly file: OutputFile | undefined;
}

function watchPacket(followed: Followed): RunWatch {
  const { loaded, packet } = followed;
  const nic = BigInt(networkDevice.physAddr);
  if (loaded.system.regions.every(({ physAddr }) => physAddr !== nic)) {
    throw new UserMistake(`${loaded.name}: the system has no NIC, and path follows frames`);
  }
  let board: Board | undefined;
  const watch = new PacketWatch({
    system: loaded.system,
    packet,
    now: () => board?.now() ?? 0,
  });
  return {
    instrument: instrument(watch),
    wires: (wires, parts) => {
      board = parts.board;
      if (wires.net === undefined) return wires;
      return { ...wires, net: watch.watch(wires.net, parts.ram) };
    },
    isOver: () => watch.isOver,
    report: (_, terminal) => report(followed, watch, terminal),
  };
}

function report(
  { loaded, run, packet, file }: Followed,
  watch: PacketWatch,
  terminal: Terminal,
): void {
  const path = watch.path();
  if (path.hops.length === 0) {
    const frames = watch.frames === 0 ? 'none' : `only ${String(watch.frames)}`;
    throw new UserMistake(
      `--packet ${String(packet)}: the NIC has taken ${frames} in this run; run longer (--for), or name an earlier one`,
    );
  }
  file?.write(pathSvg(loaded.name, path));
  if (run.output === 'json') {
    process.stdout.write(`${JSON.stringify({ ...benchResults([]), results: pathRows(path) })}\n`);
    return;
  }
  for (const line of pathText(loaded.name, path, run.clock)) terminal.print(line);
  if (file !== undefined) terminal.print(`drawn to ${file.path}`);
}
