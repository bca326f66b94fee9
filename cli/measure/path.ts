/** `sddf path`: follows one frame or one block request through a system, hop by hop. */

import { Command } from 'commander';
import { benchResults } from '../../bench/results.ts';
import type { FileUse } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import type { Board } from '../../board/board.ts';
import { blockDevices, networkDevice } from '../../systems/devices.ts';
import { instrument } from '../../systems/trace/observed-parts.ts';
import type { Instrument } from '../../systems/trace/observer.ts';
import type { FollowedPath } from '../../systems/trace/packet-path.ts';
import { PacketWatch } from '../../systems/trace/packet-watch.ts';
import { RequestWatch } from '../../systems/trace/request-watch.ts';
import type { Wires, WireParts } from '../../systems/testbed.ts';
import { OutputFile } from '../output-file.ts';
import { pathRows, pathText } from './path-report.ts';
import { pathSvg } from './path-svg.ts';
import { addOptions, asWritten, flag, type RawOptions, readOptions, text } from '../option.ts';
import { parseCount, type Range } from '../quantities.ts';
import type { RunWatch } from '../run/part.ts';
import { addCommonRunOptions, watchSystem } from '../run/run.ts';
import type { RunOptions } from '../run/options.ts';
import type { LoadedSystem } from '../run/loaded-system.ts';
import type { Terminal } from '../terminal.ts';
import { jsonText } from '../../systems/json-text.ts';

const NUMBER: Range = { min: 1, max: 1_000_000_000 };
/** Without --for. */
const RUN_FOR = '1s';

const HELP = `
Frames are counted as the NIC takes them from the wire, requests as clients make them; the first is 1.
Without other options the traffic generator sends frames (--net loop) under the virtual clock, and the run
ends when the packet is back on the wire or the client has the response, or after a second.

A hop is seen when its entry is published. A packet is known by its buffer; where a program puts its
payload into another one, it has copied it. Of two packets with equal payloads in one program at one
time, the first is taken. A request keeps its buffer, from the client's memory to the disk.

Examples:
  sddf path echo --packet 1
  sddf path echo --packet 100 --rate 1M --frame 1514 --svg path.svg
  sddf path echo --packet 3 --net pcap,in=in.pcap --json
  sddf path blk --request 2 --svg request.svg
  sddf path blk --request 1 --disk file=disk.img`;

const OPTIONS = {
  packet: text({
    flags: '--packet <number>',
    help: 'which frame; the first one unless told',
    parse: (given, option) => parseCount(given, option, NUMBER),
  }),
  request: text({
    flags: '--request <number>',
    help: 'which request to a disk, in place of a frame',
    parse: (given, option) => parseCount(given, option, NUMBER),
  }),
  svg: text({ flags: '--svg <file>', help: 'draws the path', parse: asWritten }),
  existing: flag({
    flags: '--force',
    help: 'replaces a file that is there already',
    words: ['keep', 'replace'],
  }),
};

export function pathCommand(): Command {
  const command = new Command('path')
    .description(
      'Follows one frame or block request through a system: hops, times, copies, buffers.',
    )
    .argument('<system>', 'what to run');
  addOptions(command, OPTIONS);
  return addCommonRunOptions(command).addHelpText('after', HELP).action(followPath);
}

async function followPath(reference: string, raw: RawOptions): Promise<void> {
  const { packet, request, svg, existing } = readOptions(OPTIONS, raw);
  if (packet !== undefined && request !== undefined) {
    throw new UserMistake('--packet and --request: one is followed at a time; leave one out');
  }
  const subject = request === undefined ? 'packet' : 'request';
  const number = request ?? packet ?? 1;
  const file = svg === undefined ? undefined : new OutputFile(svg, existing);
  // What is followed is simulated, unless told otherwise.
  const simulated = { clock: 'virtual', for: RUN_FOR };
  const standard = subject === 'packet' ? { ...simulated, net: ['loop'] } : simulated;
  try {
    await watchSystem(reference, { ...standard, ...raw }, ({ loaded, options, terminal }) =>
      follow({ loaded, run: options, subject, number, file }, terminal),
    );
  } finally {
    file?.close();
  }
}

type Subject = FollowedPath['subject'];

interface Followed {
  readonly loaded: LoadedSystem;
  readonly run: RunOptions;
  readonly subject: Subject;
  readonly number: number;
  readonly file: OutputFile | undefined;
}

/** What follows either of them. */
interface PathWatch {
  readonly instrument: (inner: Instrument | undefined) => Instrument;
  readonly wires: (wires: Wires, parts: WireParts) => Wires;
  readonly isOver: () => boolean;
  readonly path: () => FollowedPath;
  /** Such as "the NIC has taken only 3". */
  readonly seen: () => string;
}

function follow(followed: Followed, terminal: Terminal): RunWatch {
  checkSystem(followed);
  const watch = followed.subject === 'packet' ? followPacket(followed) : followRequest(followed);
  const { file } = followed;
  const files: FileUse[] =
    file === undefined ? [] : [{ path: file.path, use: 'written', by: '--svg' }];
  return { ...watch, files, report: () => report(followed, watch, terminal) };
}

/** @throws UserMistake when the system has nothing of what is to be followed */
function checkSystem({ loaded, subject }: Followed): void {
  const { name, system } = loaded;
  const has = (physAddr: number): boolean =>
    system.regions.some((region) => region.physAddr === BigInt(physAddr));
  const hasNic = has(networkDevice.physAddr);
  const hasDisk = blockDevices.some(({ physAddr }) => has(physAddr));
  if (subject === 'packet' && !hasNic) {
    const instead = hasDisk ? '; --request N follows a request to its disk' : '';
    throw new UserMistake(`${name}: the system has no NIC, and path follows frames${instead}`);
  }
  if (subject === 'request' && !hasDisk) {
    const instead = hasNic ? '; --packet N follows a frame' : '';
    throw new UserMistake(
      `${name}: the system has no disk, and --request follows requests to one${instead}`,
    );
  }
}

function followPacket({ loaded, number }: Followed): PathWatch {
  let board: Board | undefined;
  const now = (): number => board?.now() ?? 0;
  const watch = new PacketWatch({ system: loaded.system, packet: number, now });
  return {
    instrument: (inner) => instrument(watch, inner),
    wires: (wires, parts) => {
      board = parts.board;
      if (wires.net === undefined) return wires;
      return { ...wires, net: watch.watch(wires.net, parts.ram) };
    },
    isOver: () => watch.isOver,
    path: () => watch.path(),
    seen: () => `the NIC has taken ${only(watch.frames)}`,
  };
}

function followRequest({ loaded, number }: Followed): PathWatch {
  let board: Board | undefined;
  const now = (): number => board?.now() ?? 0;
  const watch = new RequestWatch({ system: loaded.system, request: number, now });
  return {
    instrument: (inner) => instrument(watch, inner),
    wires: (wires, parts) => {
      board = parts.board;
      return watch.watch(wires);
    },
    isOver: () => watch.isOver,
    path: () => watch.path(),
    seen: () => `clients have made ${only(watch.requests)}`,
  };
}

function only(count: number): string {
  return count === 0 ? 'none' : `only ${String(count)}`;
}

function report({ loaded, run, file }: Followed, watch: PathWatch, terminal: Terminal): void {
  const path = watch.path();
  if (path.hops.length === 0) {
    throw new UserMistake(
      `--${path.subject} ${String(path.number)}: ${watch.seen()} in this run; run longer (--for), or name an earlier one`,
    );
  }
  file?.write(pathSvg(loaded.name, path));
  if (run.output === 'json') {
    process.stdout.write(`${jsonText({ ...benchResults([]), results: pathRows(path) })}\n`);
    return;
  }
  for (const line of pathText(loaded.name, path, run.testbed.clock)) terminal.print(line);
  if (file !== undefined) terminal.print(`drawn to ${file.path}`);
}
