/** The network's options of `sddf run`: `--net`, captures, and the generator's. */

import { GENERATOR_FRAME_BYTES_MIN } from '../../board/links/generator-mark.ts';
import type { FileUse } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { GENERATOR_STANDARD, type NetGeneratorOptions } from '../../systems/generator-options.ts';
import { networkDevices } from '../../systems/devices.ts';
import {
  type Attachment,
  type AttachmentKind,
  type ParsedAttachment,
  type RunParts,
} from '../run/attachment.ts';
import { type Guest, guestsOf, hasGuestWithoutAddress } from '../../systems/guests.ts';
import { asWritten, flag, type OptionValues, readOptions, text, texts } from '../option.ts';
import { checkGiven, type DeviceClass, devicesGiven, parseNamed } from '../run/named-devices.ts';
import type { RunOptions } from '../run/options.ts';
import type { NetAttachmentOptions } from './attachment.ts';
import { type AttachedNic, NetAttachments } from './attachments.ts';
import type { CaptureOptions, Captures, CaptureTarget } from './captures.ts';
import { checkClaims } from './claims.ts';
import { NET_HELP, NET_WORDS, type NetOptions, parseNetOptions } from './options.ts';
import { parseCount, parseRate, type Range } from '../quantities.ts';

/** What the generators of a demonstration send: small frames, then large ones. */
export const DEMO_FRAMES = [64, 1514] as const;
const DEMO_BURST = 64;
const STANDARD_FORWARD = 'user,hostfwd=udp:127.0.0.1:1235-10.0.2.15:1235';
const STANDARD_GUEST = '10.0.2.15';
const FRAME_BYTES: Range = { min: GENERATOR_FRAME_BYTES_MIN, max: 1514 };
const BURST: Range = { min: 1, max: 256 };

const NICS: DeviceClass = { option: '--net', prefix: 'nic', unnamed: 'the first' };

const OPTIONS = {
  nets: texts({
    flags: '--net <link>',
    help: 'where a NIC is plugged in, see below; once for each NIC',
    parse: (given) => parseNamed(given, NICS, parseNetOptions),
    completes: { words: NET_WORDS },
  }),
  capture: text({
    flags: '--capture <file>',
    help:
      'writes what passes the NIC to a pcapng file, which is replaced if there is one; ' +
      '- is standard output',
    parse: asWritten,
  }),
  wireshark: flag({
    flags: '--wireshark',
    help: 'shows what passes the NIC in Wireshark',
    words: ['no', 'yes'],
  }),
  rate: text({
    flags: '--rate <packets/s>',
    help:
      'generator: offered load, such as 100k ' +
      '(default: a gigabit link; live, as fast as answers come)',
    parse: parseRate,
  }),
  frame: text({
    flags: '--frame <bytes>',
    help: 'generator: bytes of a frame, 50 to 1514 (default: 60)',
    parse: (given, option) => parseCount(given, option, FRAME_BYTES),
  }),
  burst: text({
    flags: '--burst <count>',
    help: 'generator: frames sent back to back, 1 to 256 (default: 32)',
    parse: (given, option) => parseCount(given, option, BURST),
  }),
};
type Given = OptionValues<typeof OPTIONS>;

export const netKind: AttachmentKind = {
  name: 'net',
  heading: 'Network:',
  help: NET_HELP,
  examples: [
    'sddf run echo --net user,hostfwd=udp:127.0.0.1:5001-10.0.2.15:1235,hostfwd=udp::5002-10.0.2.16:7',
    'sddf run echo --net tap,name=tap0,host=10.0.2.2/24',
    'sddf run router --net nic0=tap,name=tap0 --net nic1=stream,connect=unix:a.sock',
    'sddf run echo --net stream,server=unix:a.sock',
    'sddf run echo --net dgram,local=127.0.0.1:5558,remote=127.0.0.1:5557',
    'sddf run echo --net pcap,in=in.pcap --capture out.pcapng --clock virtual --json',
    'sddf run echo --net loop --seed 7 --clock virtual --for 1s --json',
    'sddf run echo --wireshark',
  ],
  options: OPTIONS,
  parse: (raw, run) => new ParsedNet(readOptions(OPTIONS, raw), run),
};

class ParsedNet implements ParsedAttachment {
  readonly standardOutput: 'free' | 'taken';
  readonly files: readonly FileUse[];
  /** By the NIC's number. */
  readonly #nets: ReadonlyMap<number, NetOptions>;
  readonly #captures: readonly CaptureTarget[];
  readonly #generator: NetGeneratorOptions;

  constructor(given: Given, run: RunOptions) {
    this.#nets = devicesGiven(given.nets, NICS);
    this.#captures = readCaptures(given);
    checkCaptures(this.#captures, run.output);
    this.files = filesOf(this.#captures, this.#nets.values());
    const isTaken = this.#captures.some((target) => target.kind === 'stdout');
    this.standardOutput = isTaken ? 'taken' : 'free';
    const { rate, frame = GENERATOR_STANDARD.frame, burst = GENERATOR_STANDARD.burst } = given;
    this.#generator = { ...(rate === undefined ? {} : { rate }), frame, burst };
    checkGenerator(given, this.#nets, run.demo);
    checkClaims(this.#nets);
  }

  async open(run: RunParts): Promise<Attachment | undefined> {
    const nics = nicsOf(run.loaded.system);
    this.#check(run, nics);
    if (nics.length === 0) return undefined;
    const { clock, onNotice } = run;
    const { NetAttachment } = await import('./attachment.ts');
    const captures = await openCaptures({ targets: this.#captures, clock, onNotice });
    const attached: AttachedNic[] = [];
    for (const nic of nics) {
      const options = { ...this.#optionsOf(nic, nics, run), captures };
      attached.push({ nic, attachment: await NetAttachment.open(options) });
    }
    return new NetAttachments(attached, captures);
  }

  #optionsOf(
    nic: number,
    nics: readonly number[],
    run: RunParts,
  ): Omit<NetAttachmentOptions, 'captures'> {
    const { loaded, clock, onNotice } = run;
    const guests = guestsOf(loaded.system, nics.length === 1 ? undefined : networkDevices[nic]);
    const net = this.#nets.get(nic) ?? standardNet(nic, guests);
    return {
      net,
      guests,
      asking: maybeAsking(run) ? 'possible' : 'nobody',
      interfaceName: `net${nic}`,
      nicName: `nic${nic}`,
      clock,
      generators: nic === 0 || net.kind === 'loop' ? this.#generators(net, run) : [],
      onNotice,
    };
  }

  #generators(net: NetOptions, run: RunParts): NetAttachmentOptions['generators'] {
    if (run.demo === 'yes') {
      return DEMO_FRAMES.map((frame) => ({ ...this.#generator, frame, burst: DEMO_BURST }));
    }
    return net.kind === 'loop' ? [this.#generator] : [];
  }

  /** @throws UserMistake for a NIC that the system does not have */
  #check({ loaded: { name }, demo }: RunParts, nics: readonly number[]): void {
    if (nics.length > 0) return checkGiven(name, this.#nets.keys(), nics, NICS);
    if (demo === 'yes') {
      throw new UserMistake(`${name}: the system has no NIC; leave --demo out`);
    }
    if (this.#nets.size === 0 && this.#captures.length === 0) return;
    throw new UserMistake(`${name}: the system has no NIC; leave --net and --capture out`);
  }
}

/** @returns the numbers of the NICs that the system's drivers have */
function nicsOf(system: SystemDescription): readonly number[] {
  return networkDevices.flatMap(({ physAddr }, nic) =>
    system.regions.some((region) => region.physAddr === BigInt(physAddr)) ? [nic] : [],
  );
}

/** What suits a NIC of which nothing was said: beside the first, no cable. */
function standardNet(nic: number, guests: readonly Guest[]): NetOptions {
  if (nic !== 0) return { kind: 'none' };
  const hasStandardGuest = guests.some((guest) => guest.ip === STANDARD_GUEST);
  return parseNetOptions(hasStandardGuest ? STANDARD_FORWARD : 'user');
}

/**
 * @throws UserMistake for an option of the generator where none sends, or none that it tells
 * anything
 */
function checkGenerator(
  given: Given,
  nets: ReadonlyMap<number, NetOptions>,
  demo: RunOptions['demo'],
): void {
  const all = ['rate', 'frame', 'burst'] as const;
  const isLoop = [...nets.values()].some(({ kind }) => kind === 'loop');
  const used: readonly string[] = demo === 'yes' ? ['rate'] : isLoop ? all : [];
  const unused = all.find((name) => given[name] !== undefined && !used.includes(name));
  if (unused === undefined) return;
  const why =
    demo === 'yes'
      ? '--demo chooses its own; leave it out'
      : 'is for the generator; add --net loop';
  throw new UserMistake(`--${unused}: ${why}`);
}

/** What writes captures is loaded where somebody wants one. */
async function openCaptures(options: CaptureOptions): Promise<Captures | undefined> {
  if (options.targets.length === 0) return undefined;
  return (await import('./captures.ts')).Captures.open(options);
}

function maybeAsking({ loaded: { images, system } }: RunParts): boolean {
  return images.size > 0 || hasGuestWithoutAddress(system);
}

function readCaptures({ capture: path, wireshark }: Given): readonly CaptureTarget[] {
  const captures: CaptureTarget[] = [];
  if (path === '-') captures.push({ kind: 'stdout' });
  else if (path === '') throw new UserMistake('--capture: needs a file name, or -');
  else if (path !== undefined) captures.push({ kind: 'file', path });
  if (wireshark === 'yes') captures.push({ kind: 'wireshark' });
  return captures;
}

function filesOf(
  captures: readonly CaptureTarget[],
  nets: Iterable<NetOptions>,
): readonly FileUse[] {
  const read = [...nets].flatMap((net): FileUse[] =>
    net.kind === 'pcap' ? [{ path: net.path, use: 'read', by: '--net pcap' }] : [],
  );
  const written = captures.flatMap((target): FileUse[] =>
    target.kind === 'file' ? [{ path: target.path, use: 'written', by: '--capture' }] : [],
  );
  return [...read, ...written];
}

function checkCaptures(captures: readonly CaptureTarget[], output: RunOptions['output']): void {
  for (const target of captures) {
    if (target.kind === 'stdout' && output === 'json') {
      throw new UserMistake('--capture -: standard output cannot carry --json too; name a file');
    }
    if (target.kind === 'stdout' && process.stdout.isTTY) {
      throw new UserMistake('--capture -: a capture is no text; send it on, as in | tshark -r -');
    }
  }
}
