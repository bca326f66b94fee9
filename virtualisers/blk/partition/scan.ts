/**
 * Finds the partitions of a disk, one read at a time: the owner asks {@link PartitionScan.next}
 * what to read, reads it and {@link PartitionScan.feed}s it, until `next` is undefined and `result`
 * is there.
 *
 *     first ──no GPT──▶ records of logical partitions ─────────▶ done
 *       └─GPT─▶ primary entries ─▶ backup header ─▶ backup entries ─▶ done
 *
 * A step is skipped when what it needs is corrupt. A read that fails counts as corrupt. Nothing is
 * ever written.
 */

import { demand } from '../../../memory/misuse.ts';
import { BLK_TRANSFER_BYTES } from '../../../queues/blk/layout.ts';
import { type GptHeader, parseGptEntries, parseGptHeader } from './gpt.ts';
import { LogicalChain } from './logical.ts';
import { hasMbrSignature, isProtective, parseMbr } from './mbr.ts';
import { findProblems, type Partition, type ScanResult } from './table.ts';

export interface ScanOptions {
  readonly diskBlocks: number;
  /** Logical sector in bytes: 512 or 4096. */
  readonly sectorBytes: number;
  /** Most bytes that can be read at once; a multiple of 4096, at least 8192. */
  readonly bufferBytes: number;
}

export interface ScanRead {
  readonly block: number;
  readonly count: number;
}

type Step = 'first' | 'logical' | 'primary-entries' | 'backup-header' | 'backup-entries' | 'done';

/** One of the two copies of a GPT. */
interface Copy {
  header?: GptHeader;
  partitions?: readonly Partition[];
  problem?: string;
}

export class PartitionScan {
  result: ScanResult | undefined;
  readonly #options: ScanOptions;
  readonly #diskSectors: number;
  readonly #primary: Copy = {};
  readonly #backup: Copy = {};
  #primaries: readonly Partition[] = [];
  #logical: LogicalChain | undefined;
  #step: Step = 'first';
  #next: ScanRead | undefined;
  /** Byte in the next read at which the wanted sector begins. */
  #skip = 0;
  #backupAt = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#diskSectors = (options.diskBlocks * BLK_TRANSFER_BYTES) / options.sectorBytes;
    if (options.diskBlocks < 2) this.#end({ kind: 'none', reason: 'the disk is too small' });
    else this.#next = { block: 0, count: 2 };
  }

  /** What is to be read next; undefined when the scan is over. */
  get next(): ScanRead | undefined {
    return this.#next;
  }

  /** @param bytes of the read, undefined when it failed */
  feed(bytes: Uint8Array | undefined): void {
    demand(this.#next !== undefined, 'an answer to a read that the scan has not asked for');
    switch (this.#step) {
      case 'first':
        return this.#first(bytes);
      case 'logical':
        this.#logical?.take(bytes?.subarray(this.#skip));
        return this.#seekLogical();
      case 'primary-entries':
        takeEntries(this.#primary, bytes?.subarray(this.#skip));
        return this.#seekBackup();
      case 'backup-header':
        this.#takeHeader(this.#backup, bytes?.subarray(this.#skip), this.#backupAt);
        if (this.#backup.header === undefined) return this.#judge();
        return this.#seekEntries('backup-entries', this.#backup.header);
      case 'backup-entries':
        takeEntries(this.#backup, bytes?.subarray(this.#skip));
        return this.#judge();
      case 'done':
        return;
    }
  }

  #first(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) {
      return this.#end({ kind: 'none', reason: 'the first blocks cannot be read' });
    }
    // A GPT whose protective record is spoilt is still a GPT: its header says so under a checksum.
    this.#takeHeader(this.#primary, bytes.subarray(this.#options.sectorBytes), 1);
    if (this.#primary.header === undefined && !(hasMbrSignature(bytes) && isProtective(bytes))) {
      return this.#startMbr(bytes);
    }
    if (this.#primary.header === undefined) return this.#seekBackup();
    this.#seekEntries('primary-entries', this.#primary.header);
  }

  #startMbr(bytes: Uint8Array): void {
    if (!hasMbrSignature(bytes)) {
      return this.#end({ kind: 'none', reason: 'there is no partition table' });
    }
    const { partitions, extended } = parseMbr(bytes);
    this.#primaries = partitions;
    if (extended !== undefined) this.#logical = new LogicalChain(extended, this.#diskSectors);
    this.#seekLogical();
  }

  #seekLogical(): void {
    const sector = this.#logical?.next;
    if (sector === undefined) return this.#judgeMbr();
    this.#seek('logical', sector, this.#options.sectorBytes);
  }

  #judgeMbr(): void {
    const { partitions = [], records = [], problem } = this.#logical ?? {};
    const all = [...this.#primaries, ...partitions];
    const found = findProblems(all, this.#diskSectors, [0, ...records]);
    const warnings = problem === undefined ? [] : [`logical partitions are missing: ${problem}`];
    this.#end({ kind: 'table', table: { scheme: 'mbr', partitions: found, warnings } });
  }

  #takeHeader(copy: Copy, bytes: Uint8Array | undefined, sector: number): void {
    if (bytes === undefined) {
      copy.problem = 'a header that cannot be read';
      return;
    }
    const at = { sector, diskSectors: this.#diskSectors };
    // The entries need not begin at a block: one block of the buffer is for that.
    const tableBytesMax = this.#options.bufferBytes - BLK_TRANSFER_BYTES;
    const oneSector = bytes.subarray(0, this.#options.sectorBytes);
    const parsed = parseGptHeader(oneSector, at, tableBytesMax);
    if (typeof parsed === 'string') copy.problem = parsed;
    else copy.header = parsed;
  }

  #seekEntries(step: Step, header: GptHeader): void {
    this.#seek(step, header.entriesAt, header.entries * header.entryBytes);
  }

  #seekBackup(): void {
    const last = this.#diskSectors - 1;
    const told = this.#primary.header?.alternateAt ?? last;
    this.#backupAt = told > 1 && told <= last ? told : last;
    this.#seek('backup-header', this.#backupAt, this.#options.sectorBytes);
  }

  #seek(step: Step, sector: number, lengthBytes: number): void {
    const start = sector * this.#options.sectorBytes;
    const block = Math.floor(start / BLK_TRANSFER_BYTES);
    this.#skip = start - block * BLK_TRANSFER_BYTES;
    const count = Math.ceil((this.#skip + lengthBytes) / BLK_TRANSFER_BYTES);
    this.#step = step;
    this.#next = { block, count: Math.min(count, this.#options.diskBlocks - block) };
  }

  #judge(): void {
    const warnings: string[] = [];
    const { partitions } = this.#primary;
    const chosen = partitions ?? this.#backup.partitions;
    if (chosen === undefined) {
      const reason =
        `both copies of the GPT are corrupt ` +
        `(primary: ${this.#primary.problem}; backup: ${this.#backup.problem})`;
      return this.#end({ kind: 'none', reason });
    }
    if (partitions === undefined) {
      warnings.push(`the primary GPT is corrupt (${this.#primary.problem}); the backup is used`);
    } else if (this.#backup.partitions === undefined) {
      warnings.push(`the backup GPT is corrupt (${this.#backup.problem}); the primary is used`);
    } else if (JSON.stringify(partitions) !== JSON.stringify(this.#backup.partitions)) {
      warnings.push('the two copies of the GPT differ; the primary is used');
    }
    // Where the entries of a GPT may lie is checked against its usable sectors.
    const found = findProblems(chosen, this.#diskSectors, []);
    this.#end({ kind: 'table', table: { scheme: 'gpt', partitions: found, warnings } });
  }

  #end(result: ScanResult): void {
    this.#step = 'done';
    this.#next = undefined;
    this.result = result;
  }
}

function takeEntries(copy: Copy, bytes: Uint8Array | undefined): void {
  demand(copy.header !== undefined, 'entries before their header');
  if (bytes === undefined) {
    copy.problem = 'entries that cannot be read';
    return;
  }
  const parsed = parseGptEntries(bytes, copy.header);
  if (typeof parsed === 'string') copy.problem = parsed;
  else copy.partitions = parsed;
}
