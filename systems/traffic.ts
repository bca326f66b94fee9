/** What the board's devices have moved between a system and its world, for rates and live lines. */

import { SerialLine } from '../board/uart/serial-line.ts';
import type { SerialWire } from '../board/serial-wire.ts';
import type { BlkCounters } from '../board/virtio/blk.ts';
import type { NetCounters } from '../board/virtio/net-counters.ts';

/** Counted since power-on, in the units in which one counts it: the first says the most. */
export interface Traffic {
  /** A class of devices, and where it matters the direction as the board sees it. */
  readonly name: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** The devices of a testbed, as far as they count. */
export class TrafficMeter {
  readonly #nics: { readonly index: number; readonly counters: NetCounters }[] = [];
  readonly #disks: BlkCounters[] = [];
  readonly #lines: { readonly uart: string; readonly line: SerialLine }[] = [];

  addNetwork(index: number, counters: NetCounters): void {
    this.#nics.push({ index, counters });
  }

  addDisk(counters: BlkCounters): void {
    this.#disks.push(counters);
  }

  /** A line of another kind (the simulator's) counts by itself. */
  addSerial(uart: string, wire: SerialWire): void {
    if (wire instanceof SerialLine) this.#lines.push({ uart, line: wire });
  }

  read(): readonly Traffic[] {
    return [...this.#network(), ...this.#blocks(), ...this.#characters()];
  }

  #network(): readonly Traffic[] {
    return this.#nics.flatMap(({ index, counters }) => {
      const { rxFrames, rxBytes, txFrames, txBytes } = counters;
      const name = this.#nics.length === 1 ? 'net' : `nic${index}`;
      return [
        { name: `${name} out`, counts: { packets: txFrames, bytes: txBytes } },
        { name: `${name} in`, counts: { packets: rxFrames, bytes: rxBytes } },
      ];
    });
  }

  #blocks(): readonly Traffic[] {
    if (this.#disks.length === 0) return [];
    const counts = { requests: 0, bytes: 0 };
    for (const disk of this.#disks) {
      counts.requests += disk.requests;
      counts.bytes += disk.readBytes + disk.writtenBytes;
    }
    return [{ name: 'blk', counts }];
  }

  #characters(): readonly Traffic[] {
    return this.#lines.flatMap(({ uart, line }) => {
      const { characters, received } = line.counters;
      const name = this.#lines.length === 1 ? 'serial' : uart;
      return [
        { name: `${name} out`, counts: { bytes: characters } },
        { name: `${name} in`, counts: { bytes: received } },
      ];
    });
  }
}

/** @returns what has come between two readings, one after the other, of the same testbed */
export function trafficBetween(
  before: readonly Traffic[],
  after: readonly Traffic[],
): readonly Traffic[] {
  return after.map(({ name, counts }) => {
    const earlier = before.find((each) => each.name === name)?.counts ?? {};
    const grown = Object.entries(counts).map(([unit, n]) => [unit, n - (earlier[unit] ?? 0)]);
    return { name, counts: Object.fromEntries(grown) as Record<string, number> };
  });
}
