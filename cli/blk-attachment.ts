/**
 * What the disks of a run are plugged into, and the NBD server beside them: opened before the system is built, because
 * both decide about the description, and plugged in when the board is there.
 *
 *     device ── Overlay? ── file (worker thread) or memory
 *     nbd_server (protection domain) ── sockets
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { Doorbell } from '../board/doorbell.ts';
import type { LoopPort } from '../host/event-loop.ts';
import { type DiskSpec, prepareDisk, type PreparedDisk } from '../host/disk/disk.ts';
import { nbdProgram } from '../host/nbd/program.ts';
import { NbdServer } from '../host/nbd/server.ts';
import { UserMistake } from '../host/problem.ts';
import type { Program } from '../microkit/pd.ts';
import { NBD_PD } from '../systems/blk.ts';
import { BLOCK_SLOTS, doorbellIrq } from '../systems/devices.ts';
import type { BlockPlug, WireParts } from '../systems/testbed.ts';
import type { NbdOptions } from './disk-options.ts';

export interface BlockAttachmentOptions {
  readonly disks: readonly DiskSpec[];
  readonly nbd?: NbdOptions;
  readonly clock: 'virtual' | 'host';
  readonly onNotice: (line: string) => void;
}

/** Staging beside the disks: what devices take for themselves. */
const STAGING_BYTES = 16 * 1024 * 1024;
const STAGING_UNIT = 65_536;
const DISKS_MAX = 4;

export class BlockAttachment implements LoopPort {
  /** For the system's `build`: what the options mean for the description. */
  readonly choices: Readonly<Record<string, string>>;
  /** Programs that the description only names. */
  readonly programs: ReadonlyMap<string, Program>;
  readonly stagingBytes: number;
  readonly #disks: readonly PreparedDisk[];
  readonly #options: BlockAttachmentOptions;
  readonly #server: NbdServer | undefined;
  #doorbell: Doorbell | undefined;

  /** @throws UserMistake for a disk that cannot be what it is asked to be */
  constructor(options: BlockAttachmentOptions) {
    this.#options = options;
    if (options.disks.length > Math.min(DISKS_MAX, BLOCK_SLOTS.length)) {
      throw new UserMistake(`--disk: at most ${DISKS_MAX} disks`);
    }
    this.#disks = options.disks.map((spec) => prepareDisk(spec, options.onNotice));
    this.#server = options.nbd === undefined ? undefined : new NbdServer(options.nbd.address);
    const programs = new Map<string, Program>();
    if (this.#server !== undefined) {
      const server = this.#server;
      programs.set(NBD_PD, (pd) => nbdProgram(server, this.#bell())(pd));
    }
    this.programs = programs;
    this.choices = {
      disks: String(options.disks.length),
      partition: String(options.nbd?.partition ?? standardPartition(options.disks)),
      nbd: this.#server === undefined ? 'no' : 'yes',
    };
    const bytes = this.#disks.reduce((sum, disk) => sum + disk.stagingBytes, STAGING_BYTES);
    this.stagingBytes = Math.ceil(bytes / STAGING_UNIT) * STAGING_UNIT;
  }

  /** For the testbed's `wires`. */
  blocks(parts: WireParts): readonly BlockPlug[] {
    const { ram, board } = parts;
    this.#doorbell = new Doorbell(board.irqLine(doorbellIrq(0)));
    const { clock } = this.#options;
    return this.#disks.map((disk) => ({
      wire: disk.plugIn({ ram, turns: board.turns, clock }),
      limits: { logicalBlockBytes: disk.spec.sectorBytes },
    }));
  }

  /** Opens the sockets. @param wake lets a sleeping board go on @returns what to tell the user */
  async plugIn(wake: () => void): Promise<readonly string[]> {
    for (const disk of this.#disks) disk.onWake(wake);
    this.#doorbell?.onRing(wake);
    const lines = this.#disks.flatMap((disk) => describe(disk));
    if (this.#server !== undefined) lines.push(`NBD server: ${await this.#server.listen()}`);
    return lines;
  }

  flush(): void {}

  counters(): Readonly<Record<string, unknown>> {
    return {
      disks: this.#disks.map((disk) => ({ kind: disk.spec.kind, sizeBytes: disk.sizeBytes })),
      ...(this.#server === undefined ? {} : { nbd: { ...this.#server.counters } }),
    };
  }

  async close(): Promise<void> {
    await this.#server?.close();
    for (const disk of this.#disks) await disk.close();
  }

  #bell(): Doorbell {
    if (this.#doorbell === undefined) throw new Error('the board is made before its programs run');
    return this.#doorbell;
  }
}

function describe(disk: PreparedDisk): string[] {
  const { spec } = disk;
  if (spec.kind === 'memory') return [];
  if (spec.access === 'read-only') return [`${spec.path}: read-only`];
  if (spec.overlay === 'discard') {
    return [`${spec.path}: what is written is kept in memory and discarded at the end`];
  }
  if (spec.overlay === 'none') return [`${spec.path}: is written to`];
  return [`${spec.path}: what is written goes to ${spec.overlay.path}`];
}

/** The first partition where the first disk has a partition table, else all of it. */
function standardPartition(disks: readonly DiskSpec[]): number | 'whole' {
  const [first] = disks;
  if (first === undefined || first.kind === 'memory') return 'whole';
  const head = Buffer.alloc(2 * first.sectorBytes);
  const fd = openSync(first.path, 'r');
  readSync(fd, head, 0, head.length, 0);
  closeSync(fd);
  const hasGpt = head.toString('latin1', first.sectorBytes, first.sectorBytes + 8) === 'EFI PART';
  const hasMbr = head.readUInt16LE(510) === 0xaa55;
  // A FAT boot sector ends with the same signature; it begins with a jump, which no partition table does.
  const isBootSector = head[0] === 0xeb || head[0] === 0xe9;
  return hasGpt || (hasMbr && !isBootSector) ? 0 : 'whole';
}
