/**
 * Reads captures: pcap and pcapng, either byte order, any time resolution. The format is recognised by its first bytes.
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
  return new UnreadableCapture(
    `neither pcap nor pcapng: the magic number at offset 0 is 0x${magic.toString(16).padStart(8, '0')}`,
  );
}
