/**
 * Reads captures: pcap and pcapng, either byte order, any time resolution. The format is recognised
 * by its first bytes.
 *
 * A capture that is cut off or corrupt gives everything before the damage; `problem` then says what
 * is wrong and at which offset.
 */

import type { ByteSource } from './capture-bytes.ts';
import type { CaptureReader } from './captured-frame.ts';
import { PcapReader, isPcapMagic } from './pcap-reader.ts';
import { PCAPNG_SECTION_HEADER, PcapngReader } from './pcapng-reader.ts';

/** A capture from which nothing can be read. */
class UnreadableCapture implements CaptureReader {
  readonly problem: string;

  constructor(problem: string) {
    this.problem = problem;
  }

  next(): undefined {
    return undefined;
  }
}

/** What captures are packed in, by the first bytes. */
const PACKED = [
  { magic: [0x1f, 0x8b], name: 'gzip', remedy: 'gunzip' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], name: 'zstd', remedy: 'unzstd' },
  { magic: [0xfd, 0x37, 0x7a, 0x58], name: 'xz', remedy: 'unxz' },
  { magic: [0x42, 0x5a, 0x68], name: 'bzip2', remedy: 'bunzip2' },
  { magic: [0x50, 0x4b], name: 'a zip archive', remedy: 'unzip' },
] as const;

/** Recognises the format. */
export function readCapture(source: ByteSource): CaptureReader {
  const head = source.take(4);
  if (head.length === 0) return new UnreadableCapture('the capture is empty');
  if (head.length < 4) {
    return new UnreadableCapture(`truncated at offset ${String(head.length)}: in the file header`);
  }
  const magic = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  if (magic === PCAPNG_SECTION_HEADER) return new PcapngReader(source);
  if (isPcapMagic(magic)) return new PcapReader(source, magic);
  const packed = PACKED.find(({ magic: known }) => known.every((byte, at) => head[at] === byte));
  if (packed !== undefined) {
    return new UnreadableCapture(`is ${packed.name}: ${packed.remedy} it first`);
  }
  return new UnreadableCapture(
    `neither pcap nor pcapng: the magic number at offset 0 is 0x${magic.toString(16).padStart(8, '0')}`,
  );
}
