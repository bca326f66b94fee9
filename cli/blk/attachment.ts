/**
 * What the disks of a run are plugged into, and the NBD server beside them: opened before the
 * system is built, because both decide about the description, and plugged in when the board is
 * there.
 *
 *     device ── Overlay? ── file (worker thread) or memory
 *     nbd_server (protection domain) ── sockets
 */

import { Doorbell } from '../../board/doorbell.ts';
import { type DiskSpec, prepareDisk, type PreparedDisk } from '../../host/disk/disk.ts';
import { FileUndo } from '../../host/disk/file-undo.ts';
import { nbdProgram } from '../../host/nbd/program.ts';
import { NbdServer } from '../../host/nbd/server.ts';
import type { OutsideRecord } from '../../host/record/outside-record.ts';
import type { Program } from '../../microkit/pd.ts';
import { NBD_PD } from '../../systems/block-names.ts';
import { doorbellIrq } from '../../systems/devices.ts';
import type { BlockPlug, WireParts, Wires } from '../../systems/testbed.ts';
import type { Attachment } from '../run/attachment.ts';
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

export class BlockAttachment implements Attachment {
  /** Programs that the description only names. */
  readonly programs: ReadonlyMap<string, Program>;
  readonly stagingBytes: number;
  readonly pace: 'host' | 'own';
  readonly unrecorded: string | undefined;
  readonly #disks: readonly PreparedDisk[];
  readonly #options: BlockAttachmentOptions;
  readonly #server: NbdServer | undefined;
  #doorbell: Doorbell | undefined;
  #board: WireParts['board'] | undefined;
  #undo: FileUndo | undefined;
  #isDescribed = false;

  /** @throws UserMistake for a disk that cannot be what it is asked to be */
  constructor(options: BlockAttachmentOptions) {
    this.#options = options;
    this.#disks = options.disks.map((spec) => prepareDisk(spec, options.onNotice));
    this.#server = options.nbd === undefined ? undefined : new NbdServer(options.nbd.address);
    const programs = new Map<string, Program>();
    if (this.#server !== undefined) {
      const server = this.#server;
      programs.set(NBD_PD, (pd) => nbdProgram(server, this.#bell())(pd));
    }
    this.programs = programs;
    this.pace = this.#server === undefined ? 'own' : 'host';
    // Its clients' requests go to a program, not to a wire.
    this.unrecorded = this.#server === undefined ? undefined : '--nbd';
    const bytes = this.#disks.reduce((sum, disk) => sum + disk.stagingBytes, STAGING_BYTES);
    this.stagingBytes = Math.ceil(bytes / STAGING_UNIT) * STAGING_UNIT;
  }

  record(record: OutsideRecord): void {
    this.#undo = new FileUndo((bytes) => record.mayKeep(bytes));
  }

  wires(parts: WireParts): Wires {
    return { blocks: this.#blocks(parts) };
  }

  #blocks(parts: WireParts): readonly BlockPlug[] {
    const { ram, board } = parts;
    this.#board = board;
    this.#doorbell = new Doorbell(board.irqLine(doorbellIrq(0)));
    const { clock } = this.#options;
    const undo = this.#undo;
    return this.#disks.map((disk) => ({
      wire: disk.plugIn({ ram, turns: board.turns, clock, undo }),
      limits: { logicalBlockBytes: disk.spec.sectorBytes },
    }));
  }

  async plugIn(wake: () => void): Promise<void> {
    for (const disk of this.#disks) disk.onWake(wake);
    this.#doorbell?.onRing(wake);
    const { onNotice } = this.#options;
    if (!this.#isDescribed) {
      for (const disk of this.#disks) for (const line of describe(disk)) onNotice(line);
    }
    this.#isDescribed = true;
    if (this.#server !== undefined) onNotice(`NBD server: ${await this.#server.listen()}`);
  }

  start(): void {}

  /**
   * The check client has no input; the NBD server's never ends. A disk that is being read may bring
   * more.
   */
  get input(): 'endless' | 'coming' | 'over' {
    if (this.#server !== undefined) return 'endless';
    const board = this.#board;
    const isDue = board !== undefined && board.nextEventAt() <= board.now();
    return isDue || this.#disks.some((disk) => disk.isBusy) ? 'coming' : 'over';
  }

  get packets(): number {
    return this.#server?.counters.requests ?? 0;
  }

  flush(): void {}

  counters(): Record<string, unknown> {
    return {
      disks: this.#disks.map((disk) => ({ kind: disk.spec.kind, sizeBytes: disk.sizeBytes })),
      ...(this.#server === undefined ? {} : { nbd: { ...this.#server.counters } }),
    };
  }

  async rewind(): Promise<void> {
    await this.#server?.close();
    for (const disk of this.#disks) await disk.rewind();
    this.#undo?.restore();
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
  if (spec.kind === 'memory') {
    if (spec.format === 'none') return [];
    return ['the disk is an empty FAT file system in memory; sddf disk create makes one to keep'];
  }
  if (spec.access === 'read-only') return [`${spec.path}: read-only`];
  if (spec.overlay === 'discard') {
    return [`${spec.path}: what is written is kept in memory and discarded at the end`];
  }
  if (spec.overlay === 'none') return [`${spec.path}: is written to`];
  return [`${spec.path}: what is written goes to ${spec.overlay.path}`];
}
