/** The program headers: which stretches of the address space are loaded, with what rights. */

import { hex } from '../../memory/hex.ts';
import type { Permissions } from '../model.ts';
import { PAGE_BYTES, USER_TOP } from '../slots.ts';
import {
  HEADER,
  PF_R,
  PF_W,
  PF_X,
  PROGRAM_HEADER,
  PT_DYNAMIC,
  PT_INTERP,
  PT_LOAD,
  word64,
} from './format.ts';
import type { Read, Segment } from './image.ts';

/** Program headers that an image may have. GNU ld and lld make three to eight. */
const PROGRAM_HEADERS_MAX = 128;

export function readSegments(
  file: Uint8Array,
  view: DataView,
  limitBytes: number,
): Read<readonly Segment[]> {
  const count = view.getUint16(HEADER.phnum, true);
  const start = word64(view, HEADER.phoff);
  const problem = checkTable(count, start, view);
  if (problem !== undefined) return { ok: false, problem };
  const segments: Segment[] = [];
  for (let index = 0; index < count; index += 1) {
    const read = readSegment(file, view, { index, at: start + index * PROGRAM_HEADER.SIZE });
    if (!read.ok) return read;
    if (read.value !== undefined) segments.push(read.value);
  }
  segments.sort((a, b) => a.vaddr - b.vaddr);
  const wrong = checkTogether(segments, limitBytes);
  return wrong === undefined ? { ok: true, value: segments } : { ok: false, problem: wrong };
}

function checkTable(count: number, start: number, view: DataView): string | undefined {
  if (count === 0) return 'has no program headers, so nothing to load; link with -T microkit.ld';
  if (count > PROGRAM_HEADERS_MAX) {
    return `has ${count} program headers, and ${PROGRAM_HEADERS_MAX} are the most; build or copy it again`;
  }
  const size = view.getUint16(HEADER.phentsize, true);
  if (size !== PROGRAM_HEADER.SIZE) {
    return `has program headers of ${size} bytes instead of ${PROGRAM_HEADER.SIZE}; build or copy it again`;
  }
  if (start + count * PROGRAM_HEADER.SIZE > view.byteLength) {
    return `ends before its program headers at ${hex(start)}; build or copy it again`;
  }
  return undefined;
}

/** @returns undefined for a header that loads nothing */
function readSegment(
  file: Uint8Array,
  view: DataView,
  { index, at }: { readonly index: number; readonly at: number },
): Read<Segment | undefined> {
  const refuse = (problem: string): Read<never> => ({ ok: false, problem });
  const type = view.getUint32(at + PROGRAM_HEADER.type, true);
  if (type === PT_DYNAMIC || type === PT_INTERP) {
    return refuse('is dynamically linked; link it with -static -no-pie -T microkit.ld');
  }
  const memoryBytes = word64(view, at + PROGRAM_HEADER.memsz);
  if (type !== PT_LOAD || memoryBytes === 0) return { ok: true, value: undefined };
  const fileBytes = word64(view, at + PROGRAM_HEADER.filesz);
  const offset = word64(view, at + PROGRAM_HEADER.offset);
  const vaddr = word64(view, at + PROGRAM_HEADER.vaddr);
  const flags = view.getUint32(at + PROGRAM_HEADER.flags, true);
  const name = `segment ${index} at ${hex(vaddr)}`;
  if (fileBytes > memoryBytes) {
    return refuse(`${name} has more bytes in the file than in memory; build or copy it again`);
  }
  if (offset + fileBytes > file.length) {
    return refuse(`ends within ${name}; build or copy it again`);
  }
  if (vaddr + memoryBytes > USER_TOP) {
    const end = hex(USER_TOP);
    return refuse(
      `${name} with ${hex(memoryBytes)} bytes lies beyond user space, which ends at ${end}; link with -T microkit.ld`,
    );
  }
  const permissions = permissionsOf(flags);
  if (permissions === '' || !/[rx]/.test(permissions)) {
    return refuse(
      `${name} can be neither read nor executed; give it read permission in the linker script`,
    );
  }
  const contents = file.subarray(offset, offset + fileBytes);
  return { ok: true, value: { index, vaddr, memoryBytes, permissions, contents } };
}

function permissionsOf(flags: number): Permissions {
  const r = (flags & PF_R) !== 0 ? 'r' : '';
  const w = (flags & PF_W) !== 0 ? 'w' : '';
  const x = (flags & PF_X) !== 0 ? 'x' : '';
  return `${r}${w}${x}` as Permissions;
}

/** @param segments by address */
function checkTogether(segments: readonly Segment[], limitBytes: number): string | undefined {
  if (segments.length === 0) return 'has no segment to load; link with -T microkit.ld';
  let end = 0;
  let pages = 0;
  let before: Segment | undefined;
  for (const segment of segments) {
    const first = Math.floor(segment.vaddr / PAGE_BYTES);
    if (before !== undefined && segment.vaddr < before.vaddr + before.memoryBytes) {
      return `segments ${before.index} and ${segment.index} overlap at ${hex(segment.vaddr)}; link with -T microkit.ld`;
    }
    // The tool gives each segment frames of its own, and refuses to map two at one address.
    if (first < end) {
      const page = hex(first * PAGE_BYTES);
      return `segments ${before?.index ?? 0} and ${segment.index} share the page ${page}; align them to 4 KiB in the linker script`;
    }
    end = Math.ceil((segment.vaddr + segment.memoryBytes) / PAGE_BYTES);
    pages += end - first;
    before = segment;
  }
  const bytes = pages * PAGE_BYTES;
  if (bytes <= limitBytes) return undefined;
  return `needs ${size(bytes)} of memory, over the limit of ${size(limitBytes)}; --image-limit raises it`;
}

/** In whole KiB or MiB, rounded up. */
function size(bytes: number): string {
  if (bytes < 0x10_0000) return `${Math.ceil(bytes / 1024)} KiB`;
  return `${Math.ceil(bytes / 0x10_0000)} MiB`;
}
