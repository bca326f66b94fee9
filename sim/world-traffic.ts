/**
 * The traffic of a world: who asks something of the system, on every device that it has. Cables,
 * disks and lines end in it, with the plan's faults between.
 */

import { LatencyWire } from '../board/block/latency.ts';
import type { EthernetWire } from '../board/ethernet.ts';
import type { Random } from '../board/random.ts';
import type { SystemDescription } from '../microkit/model.ts';
import type { Program } from '../microkit/pd.ts';
import { guestsOf, stationOf } from '../systems/guests.ts';
import { type SerialPlug, uartOf } from '../systems/serial-devices.ts';
import type { BlockPlug, WireParts, Wires } from '../systems/testbed.ts';
import { CuttableDisk } from './points/cuttable-disk.ts';
import type { PlannedRun } from './points/planned-run.ts';
import { devicesOf, type SimDevice } from './points/system-points.ts';
import { BlkWorkload } from './traffic/blk-workload.ts';
import { FatWorkload } from './traffic/fat-workload.ts';
import { NeighbourWorkload } from './traffic/neighbour-workload.ts';
import { NetWorkload } from './traffic/net-workload.ts';
import { SerialWorkload } from './traffic/serial-workload.ts';
import type { Workload } from './traffic/workload.ts';

/** Of sDDF's echo example. */
const ECHO_PORT = 1235;
/** 1 MiB. */
const DISK_BYTES = 0x10_0000;
/** What an operation of a disk takes, so that they overtake each other. */
const DISK_NS_MIN = 5_000;
const DISK_NS_SPAN = 150_000;

export interface WorldTrafficOptions {
  readonly system: SystemDescription;
  /** Questions, requests or lines in all. */
  readonly amount: number;
  readonly random: Random;
  readonly nowNs: () => number;
}

export class WorldTraffic {
  readonly devices: readonly SimDevice[];
  /** Those that the system's devices have, once the board is wired. */
  readonly workloads: Workload[] = [];
  /** Programs of the traffic's own, in place of the system's. */
  readonly programs: ReadonlyMap<string, Program>;
  readonly #system: SystemDescription;
  readonly #amount: number;
  readonly #blk: BlkWorkload;
  readonly #fat: FatWorkload;
  readonly #neighbours: NeighbourWorkload;
  readonly #serial: SerialWorkload;

  constructor({ system, amount, random, nowNs }: WorldTrafficOptions) {
    this.devices = devicesOf(system);
    this.#system = system;
    this.#amount = amount;
    const common = { system, amount, nowNs };
    this.#blk = new BlkWorkload({ ...common, random: random.fork('blk') });
    this.#fat = new FatWorkload({ ...common, random: random.fork('fat') });
    this.#neighbours = new NeighbourWorkload({
      ...common,
      random: random.fork('neighbours'),
      port: ECHO_PORT,
    });
    this.#serial = new SerialWorkload({ ...common, random: random.fork('serial') });
    this.programs = new Map<string, Program>([
      ...this.#blk.programs,
      ...this.#fat.programs,
      ...this.#neighbours.programs,
      ...this.#serial.programs,
    ]);
  }

  /** What the system's devices are plugged into: called once, when there is a board. */
  wires(parts: WireParts, run: PlannedRun): Wires {
    const has = (kind: SimDevice['class']): boolean =>
      this.devices.some((device) => device.class === kind);
    return {
      ...(has('net') ? { net: this.#network(parts, run) } : {}),
      ...(has('blk') ? { blocks: this.#disks(parts, run) } : {}),
      ...this.#line(parts, run),
    };
  }

  #network({ ram, board, random }: WireParts, run: PlannedRun): EthernetWire {
    const workload = new NetWorkload({
      ram,
      clock: board.clock,
      random: random.fork('net workload'),
      clients: guestsOf(this.#system).map((guest) => ({
        ...stationOf(guest, ECHO_PORT),
        name: guest.pd,
      })),
      questions: this.#amount,
      lastStrikeNs: () => run.injector.strikes.at(-1)?.timeNs ?? 0,
    });
    this.workloads.push(workload);
    if (this.#neighbours.isThere) this.workloads.push(this.#neighbours);
    return workload.witness(run.net(workload, ram, board.clock));
  }

  #disks({ ram, board, random }: WireParts, run: PlannedRun): readonly BlockPlug[] {
    this.workloads.push(this.#fat.isThere ? this.#fat : this.#blk);
    return this.devices
      .filter((device) => device.class === 'blk')
      .map(({ name }) => {
        const image = new Uint8Array(DISK_BYTES);
        if (this.#fat.isThere) this.#fat.format(image);
        const cuttable = new CuttableDisk(ram, image, random.fork(`power of ${name}`));
        const observer = this.#fat.isThere ? this.#fat.model : this.#blk.model(name);
        if (this.#fat.isThere) this.#fat.plugIn(cuttable);
        else this.#blk.plugIn(name, cuttable);
        const { clock } = board;
        const disk = run.disk(name, cuttable, { ram, clock, cuttable, observer });
        const times = random.fork(`times of ${name}`);
        const wire = new LatencyWire(disk, clock, () => DISK_NS_MIN + times.below(DISK_NS_SPAN));
        return { wire };
      });
  }

  #line({ board }: WireParts, run: PlannedRun): { readonly serial?: SerialPlug } {
    const uart = uartOf(this.#system);
    if (uart === undefined) return {};
    this.workloads.push(this.#serial);
    const line = this.#serial.makeLine(board.clock);
    return { serial: { uart, wire: run.line(line, board.clock) } };
  }
}
