/**
 * What the devices of a world in the page are plugged into: the generator or the person at the
 * NIC's cable, consoles at the UARTs, disks in memory.
 */

import { MemoryDisk } from '../../board/block/memory-disk.ts';
import type { EthernetWire } from '../../board/ethernet.ts';
import type { TrafficGenerator } from '../../board/links/generator.ts';
import { StagedLink } from '../../board/links/staged-link.ts';
import { SerialLine } from '../../board/uart/serial-line.ts';
import { fatPatches } from '../../host/disk/fat-format.ts';
import { SharedWire } from '../../host/net/shared-wire.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { Plan } from '../../sim/plan/plan.ts';
import { CuttableDisk } from '../../sim/points/cuttable-disk.ts';
import { blockDevices, networkDevices } from '../../systems/devices.ts';
import { FAT_PD } from '../../systems/block-names.ts';
import { GENERATOR_STANDARD } from '../../systems/generator-options.ts';
import { type Guest, guestsOf } from '../../systems/guests.ts';
import { generatorCounters, generatorMac, makeNetGenerator } from '../../systems/net-generator.ts';
import { type SerialPlug, uartsOf } from '../../systems/serial-devices.ts';
import type { BlockPlug, WireParts, Wires } from '../../systems/testbed.ts';
import { HandStation, type ReceivedFrame } from './hand-station.ts';
import { DISK_BYTES, type InputData, type Scenario } from './scenario.ts';

/** Staging beside the disks: what devices take for themselves. */
const STAGING_BYTES = 16 * 1024 * 1024;
const CONSOLE_BYTES = 4096;

export interface ConsoleText {
  readonly uart: number;
  readonly bytes: Uint8Array;
}

export class Plugs {
  readonly stagingBytes: number;
  readonly disks: ShownDisk[] = [];
  readonly #system: SystemDescription;
  readonly #scenario: Scenario;
  readonly #lines: SerialLine[] = [];
  #generator: TrafficGenerator | undefined;
  #hand: HandStation | undefined;
  /** Of NICs beside the first: nobody is at their cables. */
  readonly #unplugged: StagedLink[] = [];
  /** Whether the plan cuts a disk's power: then it has a cache that forgets. */
  readonly #losesPower: boolean;
  readonly #serialBytes = { in: 0, out: 0 };
  /** Bytes that a person has typed and a line had no room for. */
  readonly #waiting: { readonly uart: number; bytes: Uint8Array }[] = [];

  constructor(system: SystemDescription, scenario: Scenario, plan: Plan) {
    this.#system = system;
    this.#scenario = scenario;
    this.#losesPower = plan.rules.some(({ fault }) => fault === 'power-cut');
    this.stagingBytes = STAGING_BYTES + DISK_BYTES * places(system, blockDevices).length;
  }

  wires(parts: WireParts): Wires {
    const [serial, ...furtherSerials] = uartsOf(this.#system).map((uart): SerialPlug => ({
      uart,
      wire: this.#line(parts),
    }));
    const nics = nicsOf(this.#system);
    const [net, ...furtherNets] = nics.map((nic) =>
      nic === 0 ? this.#cable(parts) : this.#noCable(parts),
    );
    const blocks = places(this.#system, blockDevices).map((): BlockPlug => this.#disk(parts));
    return {
      ...(net === undefined ? {} : { net, furtherNets }),
      ...(serial === undefined ? {} : { serial, furtherSerials }),
      ...(blocks.length === 0 ? {} : { blocks }),
    };
  }

  /** The system has booted. */
  start(): void {
    this.#generator?.start();
  }

  /** Somebody does something, now. */
  give(input: InputData): void {
    if (input.kind === 'frame') this.#hand?.send(Uint8Array.from(input.bytes));
    else this.#waiting.push({ uart: input.uart, bytes: Uint8Array.from(input.bytes) });
    this.flush();
  }

  /** Goes on typing what a line had no room for. */
  flush(): void {
    for (const typed of this.#waiting.splice(0)) {
      const taken = this.#lines[typed.uart]?.send(typed.bytes) ?? typed.bytes.length;
      this.#serialBytes.in += taken;
      if (taken < typed.bytes.length) {
        this.#waiting.push({ uart: typed.uart, bytes: typed.bytes.subarray(taken) });
      }
    }
  }

  /** @returns what UARTs have sent since the last call */
  takeConsoles(): readonly ConsoleText[] {
    return this.#lines.flatMap((line, uart) => {
      const texts: ConsoleText[] = [];
      while (line.outputLength() > 0) {
        const bytes = new Uint8Array(CONSOLE_BYTES);
        const taken = line.takeOutput(bytes);
        this.#serialBytes.out += taken;
        texts.push({ uart, bytes: bytes.subarray(0, taken) });
      }
      return texts;
    });
  }

  /** @returns frames that the NIC has sent to the person's cable since the last call */
  takeFrames(): readonly ReceivedFrame[] {
    return this.#hand?.take() ?? [];
  }

  /** Packets that went all the way: what work is divided by. */
  get packets(): number {
    const links = [this.#hand?.link, ...this.#unplugged];
    const sent = links.reduce((sum, link) => sum + (link?.counters.transmitted ?? 0), 0);
    return (this.#generator?.counters.answered ?? 0) + sent;
  }

  get roundTripNs(): number {
    return this.#generator?.roundTrip.summary().p50 ?? 0;
  }

  /** @returns counters as `sddf run` has them, by kind of attachment */
  counters(): Record<string, Record<string, unknown>> {
    const hasNic = nicsOf(this.#system).length > 0;
    return {
      ...(hasNic ? { net: this.#netCounters() } : {}),
      ...this.#serialCounters(),
      ...(this.disks.length === 0
        ? {}
        : { blk: { disks: this.disks.map(() => ({ kind: 'memory', sizeBytes: DISK_BYTES })) } }),
    };
  }

  /** Those of a single NIC, or of each by its name. */
  #netCounters(): Record<string, unknown> {
    const generator = this.#generator;
    const first = {
      kind: this.#scenario.net,
      ...(this.#hand === undefined ? {} : { link: { ...this.#hand.link.counters } }),
      ...(generator === undefined ? {} : { generators: [generatorCounters(generator)] }),
    };
    if (this.#unplugged.length === 0) return first;
    const others = this.#unplugged.map(({ counters }, index) => [
      `nic${index + 1}`,
      { kind: 'none', link: { ...counters } },
    ]);
    return { nic0: first, ...Object.fromEntries(others) };
  }

  #serialCounters(): Record<string, Record<string, unknown>> {
    const [uart] = uartsOf(this.#system);
    const [line] = this.#lines;
    if (uart === undefined || line === undefined) return {};
    const { in: bytesIn, out: bytesOut } = this.#serialBytes;
    const about = { kind: 'none', uart, lineRate: line.rate };
    return { serial: { ...about, bytesIn, bytesOut, ...line.counters } };
  }

  /** The link beside the generator is there only when somebody uses it: see `Scenario.inputs`. */
  #cable(parts: WireParts): EthernetWire {
    const { net, inputs, rate, frame } = this.#scenario;
    const guests = guestsAtCable(this.#system);
    const isUsed = net === 'hand' || inputs.some(({ kind }) => kind === 'frame');
    if (net === 'loop' && guests.length > 0) {
      const options = {
        ...GENERATOR_STANDARD,
        ...(frame === undefined ? {} : { frame }),
        ...(rate === undefined ? {} : { rate, burst: 1 }),
      };
      const place = { parts, clock: 'virtual', guests, index: 0 } as const;
      this.#generator = makeNetGenerator(options, place);
    }
    const station = this.#generator;
    if (station !== undefined && !isUsed) return station;
    this.#hand = new HandStation(parts.ram, parts.board.clock);
    const { link } = this.#hand;
    if (station === undefined) return link;
    return new SharedWire({ ram: parts.ram, station, mac: generatorMac(0), others: link });
  }

  #noCable({ ram }: WireParts): EthernetWire {
    const link = new StagedLink({ ram });
    link.setLink('down');
    this.#unplugged.push(link);
    return link;
  }

  #line({ board }: WireParts): SerialLine {
    const line = new SerialLine({ clock: board.clock, rate: 'real', flow: 'none' });
    this.#lines.push(line);
    return line;
  }

  #disk(parts: WireParts): BlockPlug {
    if (this.#losesPower) return this.#cuttableDisk(parts);
    const disk = new MemoryDisk(parts.ram, DISK_BYTES);
    if (contentOf(this.#system) === 'fat')
      for (const { at, bytes } of emptyFat()) disk.load(bytes, at);
    this.disks.push(disk);
    return { wire: disk };
  }

  #cuttableDisk({ ram, random }: WireParts): BlockPlug {
    const image = new Uint8Array(DISK_BYTES);
    if (contentOf(this.#system) === 'fat')
      for (const { at, bytes } of emptyFat()) image.set(bytes, at);
    const disk = new CuttableDisk(ram, image, random.fork(`power of blk${this.disks.length}`));
    this.disks.push(disk);
    return { wire: disk };
  }
}

/** What a disk has on it. */
export interface ShownDisk {
  image(): Uint8Array;
}

/** @returns what is on the system's disks at first */
export function contentOf(system: SystemDescription): 'nothing' | 'fat' {
  const isFat = system.protectionDomains.some(({ name }) => name === FAT_PD);
  return isFat ? 'fat' : 'nothing';
}

function emptyFat(): readonly { readonly at: number; readonly bytes: Uint8Array }[] {
  const disk = { startBytes: 0, sizeBytes: DISK_BYTES, sectorBytes: 512 } as const;
  const patches = fatPatches({ ...disk, label: 'SDDF', serial: 0 });
  if ('problem' in patches) throw new Error(patches.problem);
  return patches;
}

/** @returns who can be reached from the first NIC's cable, the only one that somebody is at */
export function guestsAtCable(system: SystemDescription): readonly Guest[] {
  return guestsOf(system, nicsOf(system).length === 1 ? undefined : networkDevices[0]);
}

/** @returns the numbers of the NICs that the system's drivers have */
export function nicsOf(system: SystemDescription): readonly number[] {
  return places(system, networkDevices);
}

/** @returns the numbers of the devices that the system's drivers have */
function places(
  system: SystemDescription,
  devices: readonly { readonly physAddr: number }[],
): readonly number[] {
  return devices.flatMap(({ physAddr }, index) =>
    system.regions.some((region) => region.physAddr === BigInt(physAddr)) ? [index] : [],
  );
}
