/**
 * Moves bytes between the line and one Node stream: output as fast as the stream takes it and no
 * faster, input as fast as the line takes it.
 */

import type { Duplex } from 'node:stream';
import type { HostLine } from './host-line.ts';

/** Bytes in a stream's buffer above which the line is left to hold the rest. */
const BUFFERED_BYTES_MAX = 262_144;
const PIECE_BYTES_MAX = 65_536;

/** Writes output to the stream while it keeps up. @returns bytes written */
export function pumpOutput(
  host: HostLine,
  stream: Pick<Duplex, 'writableLength' | 'write'>,
  encode: (bytes: Uint8Array) => Uint8Array = identity,
): number {
  let written = 0;
  while (stream.writableLength < BUFFERED_BYTES_MAX) {
    const bytes = host.read(PIECE_BYTES_MAX);
    if (bytes === undefined) break;
    stream.write(encode(bytes));
    written += bytes.length;
  }
  return written;
}

/**
 * Offers input; the stream is paused until the line has taken it. `roomForInput` has to resume it.
 */
export function offerFrom(host: HostLine, stream: Pick<Duplex, 'pause'>, bytes: Uint8Array): void {
  if (bytes.length > 0 && host.offer(bytes) === 'wait') stream.pause();
}

function identity(bytes: Uint8Array): Uint8Array {
  return bytes;
}
