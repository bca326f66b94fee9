/**
 * Directory entries of FAT (specification section 6 and 7): short names, and long names in the
 * entries before them.
 */

export const ENTRY_BYTES = 32;
export const ATTRIBUTE_VOLUME = 0x08;
export const ATTRIBUTE_DIRECTORY = 0x10;
export const ATTRIBUTE_ARCHIVE = 0x20;
const ATTRIBUTE_LONG_NAME = 0x0f;
/** First byte of an entry that is free again. */
export const DELETED = 0xe5;
const CASE_AT = 12;
const BASE_IS_LOWER = 0x08;
const EXTENSION_IS_LOWER = 0x10;
const LAST_LONG = 0x40;
const LONG_CHARACTERS = 13;
/** Where the 13 characters of a long-name entry are. */
const LONG_AT = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30] as const;
/** 1 January 1980: the domain has no clock. */
const DATE = 0x0021;

export type FatType = 12 | 16 | 32;

export interface FatEntry {
  readonly name: string;
  readonly shortName: string;
  readonly kind: 'file' | 'directory';
  readonly firstCluster: number;
  readonly sizeBytes: number;
  /**
   * Places in the directory, counted in entries: the first of its long name, and its short entry.
   */
  readonly firstSlot: number;
  readonly slot: number;
}

/** A directory's contents: its entries, and which slots are free. */
export interface DirectoryContents {
  readonly entries: readonly FatEntry[];
  readonly free: readonly number[];
  /** Slots that it has room for now. */
  readonly slots: number;
}

/**
 * Parts of a long name that belong to no short entry are nothing, and their slots are free: a power
 * cut has left them.
 *
 * @param type of the volume: on FAT12 and FAT16 the upper word of a cluster's number is reserved,
 * and others use it
 */
export function parseDirectory(bytes: Uint8Array, type: FatType): DirectoryContents {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const slots = bytes.length / ENTRY_BYTES;
  const entries: FatEntry[] = [];
  const free: number[] = [];
  let long = newLongName();
  /** Slots of the parts of a long name seen so far. */
  let parts: number[] = [];
  let ended = false;
  for (let slot = 0; slot < slots; slot += 1) {
    const at = slot * ENTRY_BYTES;
    const first = view.getUint8(at);
    ended ||= first === 0;
    if (ended || first === DELETED) {
      free.push(...parts, slot);
      parts = [];
      long = newLongName();
      continue;
    }
    const attributes = view.getUint8(at + 11);
    if ((attributes & 0x3f) === ATTRIBUTE_LONG_NAME) {
      long = takeLongPart(long, bytes.subarray(at, at + ENTRY_BYTES), slot);
      if (long.firstSlot === slot) free.push(...parts.splice(0));
      parts.push(slot);
      continue;
    }
    if ((attributes & ATTRIBUTE_VOLUME) === 0) {
      const entry = parseEntry(view, at, slot, attributes, long);
      entries.push(type === 32 ? entry : { ...entry, firstCluster: entry.firstCluster & 0xffff });
      free.push(...parts.filter((part) => part < entry.firstSlot || entry.firstSlot === slot));
    } else free.push(...parts);
    parts = [];
    long = newLongName();
  }
  return { entries, free, slots };
}

function parseEntry(
  view: DataView,
  at: number,
  slot: number,
  attributes: number,
  long: LongName,
): FatEntry {
  const raw = Array.from({ length: 11 }, (_, i) => view.getUint8(at + i));
  const shortName = shortNameText(raw);
  const isLong = long.next === 0 && long.checksum === checksum(raw);
  return {
    name: isLong ? long.text : inCase(shortName, view.getUint8(at + CASE_AT)),
    shortName,
    kind: (attributes & ATTRIBUTE_DIRECTORY) !== 0 ? 'directory' : 'file',
    firstCluster: view.getUint16(at + 26, true) + view.getUint16(at + 20, true) * 0x1_0000,
    sizeBytes: view.getUint32(at + 28, true),
    firstSlot: isLong ? long.firstSlot : slot,
    slot,
  };
}

/**
 * Windows NT and Linux write a name in lower case as a short name, and keep the case of its two
 * parts in a flag each.
 */
function inCase(shortName: string, flags: number): string {
  const [base = '', extension] = shortName.split('.');
  const lowered = (flags & BASE_IS_LOWER) === 0 ? base : base.toLowerCase();
  if (extension === undefined) return lowered;
  return `${lowered}.${(flags & EXTENSION_IS_LOWER) === 0 ? extension : extension.toLowerCase()}`;
}

interface LongName {
  readonly text: string;
  readonly checksum: number;
  /** Ordinal that the entry before has to have had; 0: complete; -1: none is under way. */
  readonly next: number;
  readonly firstSlot: number;
}

function newLongName(): LongName {
  return { text: '', checksum: 0, next: -1, firstSlot: 0 };
}

function takeLongPart(long: LongName, entry: Uint8Array, slot: number): LongName {
  const ordinal = (entry[0] as number) & ~LAST_LONG;
  const begins = ((entry[0] as number) & LAST_LONG) !== 0;
  if (!begins && (ordinal !== long.next || entry[13] !== long.checksum)) return newLongName();
  let text = '';
  for (const at of LONG_AT) {
    const unit = (entry[at] as number) | ((entry[at + 1] as number) << 8);
    if (unit === 0) break;
    text += String.fromCharCode(unit);
  }
  return {
    text: text + (begins ? '' : long.text),
    checksum: entry[13] as number,
    next: ordinal - 1,
    firstSlot: begins ? slot : long.firstSlot,
  };
}

function shortNameText(raw: readonly number[]): string {
  const text = (from: number, to: number): string =>
    String.fromCharCode(
      ...raw.slice(from, to).map((c, i) => (from + i === 0 && c === 5 ? 0xe5 : c)),
    ).trimEnd();
  const extension = text(8, 11);
  return extension === '' ? text(0, 8) : `${text(0, 8)}.${extension}`;
}

function checksum(raw: readonly number[]): number {
  return raw.reduce((sum, byte) => ((((sum & 1) << 7) | (sum >>> 1)) + byte) & 0xff, 0);
}

/** @returns whether a name can be a file's at all */
export function isLegalName(name: string): boolean {
  const isPrintable = characterCodes(name).every((code) => code >= 0x20);
  return isPrintable && /^[^"*/:<>?\\|]{1,255}$/.test(name) && !/[. ]$/.test(name);
}

/**
 * Makes the entries of a new file or directory: those of its long name, if it needs one, and its
 * short one.
 *
 * @param taken short names that the directory has already
 */
export function makeEntries(
  name: string,
  kind: FatEntry['kind'],
  taken: ReadonlySet<string>,
): Uint8Array {
  const short = chooseShortName(name, taken);
  const raw = characterCodes(short);
  const isShort = shortNameText(raw) === name;
  const longEntries = isShort ? 0 : Math.ceil(name.length / LONG_CHARACTERS);
  const bytes = new Uint8Array((longEntries + 1) * ENTRY_BYTES);
  for (let i = 0; i < longEntries; i += 1) {
    const ordinal = longEntries - i;
    const entry = bytes.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES);
    writeLongPart(entry, name, ordinal, i === 0 ? LAST_LONG : 0, checksum(raw));
  }
  writeShortEntry(bytes.subarray(longEntries * ENTRY_BYTES), raw, kind);
  return bytes;
}

/** The first two entries of a directory: itself, and the one it is in (0: the root). */
export function dotEntries(itself: number, parent: number, type: FatType): Uint8Array {
  const bytes = new Uint8Array(2 * ENTRY_BYTES);
  for (const [index, cluster] of [itself, parent].entries()) {
    const entry = bytes.subarray(index * ENTRY_BYTES, (index + 1) * ENTRY_BYTES);
    writeShortEntry(entry, characterCodes('.'.repeat(index + 1).padEnd(11)), 'directory');
    setContents(entry, cluster, 0, type);
  }
  return bytes;
}

function writeShortEntry(entry: Uint8Array, raw: readonly number[], kind: FatEntry['kind']): void {
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  entry.set(raw);
  view.setUint8(11, kind === 'directory' ? ATTRIBUTE_DIRECTORY : ATTRIBUTE_ARCHIVE);
  for (const at of [16, 18, 24]) view.setUint16(at, DATE, true);
}

/**
 * Where a file's bytes begin and how many there are: the part of its short entry that a write
 * changes. The upper word, which is others' on FAT12 and FAT16, stays as it is there.
 */
export function setContents(
  entry: Uint8Array,
  firstCluster: number,
  sizeBytes: number,
  type: FatType,
): void {
  const view = new DataView(entry.buffer, entry.byteOffset, entry.byteLength);
  if (type === 32) view.setUint16(20, Math.floor(firstCluster / 0x1_0000), true);
  view.setUint16(26, firstCluster % 0x1_0000, true);
  view.setUint32(28, sizeBytes, true);
}

function writeLongPart(
  entry: Uint8Array,
  name: string,
  ordinal: number,
  flag: number,
  sum: number,
): void {
  entry[0] = ordinal | flag;
  entry[11] = ATTRIBUTE_LONG_NAME;
  entry[13] = sum;
  const from = (ordinal - 1) * LONG_CHARACTERS;
  for (const [i, at] of LONG_AT.entries()) {
    const index = from + i;
    const unit = index < name.length ? name.charCodeAt(index) : index === name.length ? 0 : 0xffff;
    entry[at] = unit & 0xff;
    entry[at + 1] = unit >>> 8;
  }
}

/** @returns 11 characters, as they stand in an entry */
function chooseShortName(name: string, taken: ReadonlySet<string>): string {
  const upper = name.toUpperCase();
  const dot = upper.lastIndexOf('.');
  const strip = (text: string): string => text.replaceAll(/[^A-Z0-9!#$%&'()@^_`{}~-]/g, '');
  const base = strip(dot > 0 ? upper.slice(0, dot) : upper);
  const extension = strip(dot > 0 ? upper.slice(dot + 1) : '').slice(0, 3);
  const padded = (short: string): string => short.padEnd(8) + extension.padEnd(3);
  const plain = padded(base.slice(0, 8));
  const text = shortNameText(characterCodes(plain));
  if (text === name && !taken.has(text)) return plain;
  for (let number = 1; ; number += 1) {
    const tail = `~${number}`;
    const candidate = padded((base || 'FILE').slice(0, 8 - tail.length) + tail);
    const candidateText = shortNameText(characterCodes(candidate));
    if (!taken.has(candidateText)) return candidate;
  }
}

/** The 16-bit units of a text: what a long name is made of. */
function characterCodes(text: string): number[] {
  return Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
}
