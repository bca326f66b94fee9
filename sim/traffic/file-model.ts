/**
 * What the files of a file system may hold: a model kept from operations and their ends alone.
 *
 *     done               the file is what was asked for, durably
 *     failed, or cut     it is what it was or what was asked for, and never anything else
 *
 * One operation at a time. Who uses the file system forgets what it knows of the disk when the
 * power has gone, as any machine.
 */

/** 'absent': no such file. A number names contents, see {@link fileBytes}. */
export type FileVersion = number | 'absent';

/** A change that has been asked for. */
export interface FileChange {
  readonly name: string;
  readonly to: FileVersion;
  readonly cuts: number;
}

export class FileModel {
  /** Times that the power has gone. */
  cuts = 0;
  /**
   * Something that nobody can be blamed for has befallen the disk: from then on anything may be
   * anywhere.
   */
  isDamaged = false;
  readonly #possible = new Map<string, ReadonlySet<FileVersion>>();

  asked(name: string, to: FileVersion): FileChange {
    this.#possible.set(name, new Set([...this.#of(name), to]));
    return { name, to, cuts: this.cuts };
  }

  /**
   * A change that was not cut off has been made, durably. One that has failed leaves the file old
   * or new.
   */
  done({ name, to, cuts }: FileChange): void {
    if (cuts === this.cuts) this.#possible.set(name, new Set([to]));
  }

  /** @param version what was found; 'mixture' for what nobody ever wrote */
  mayBe(name: string, version: FileVersion | 'mixture'): boolean {
    return this.isDamaged || (version !== 'mixture' && this.#of(name).has(version));
  }

  /** Of a disk's observer: these sectors may hold anything. */
  damaged(): void {
    this.isDamaged = true;
  }

  powerCut(): void {
    this.cuts += 1;
  }

  #of(name: string): ReadonlySet<FileVersion> {
    return this.#possible.get(name) ?? ABSENT;
  }
}

const ABSENT: ReadonlySet<FileVersion> = new Set(['absent']);
const HEADER_BYTES = 8;
const SPREAD = 0x9e37_79b1;

/** @returns contents that no other file has ever, of any version @param length at least 8 */
export function fileBytes(file: number, version: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, version, true);
  view.setUint32(4, (file << 24) | length, true);
  const start = Math.imul(version + 1, SPREAD) ^ Math.imul(file + 1, 0x85eb_ca6b);
  for (let at = HEADER_BYTES; at < length; at += 1) bytes[at] = byteAt(start, at);
  return bytes;
}

/** @returns the version that these contents are, whole and unmixed */
export function versionOf(file: number, bytes: Uint8Array): FileVersion | 'mixture' {
  if (bytes.length < HEADER_BYTES) return 'mixture';
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const version = view.getUint32(0, true);
  const expected = fileBytes(file, version, bytes.length);
  return bytes.every((byte, at) => byte === expected[at]) ? version : 'mixture';
}

function byteAt(start: number, at: number): number {
  const mixed = Math.imul(start ^ at, SPREAD);
  return (mixed >>> 24) ^ (mixed & 0xff);
}
