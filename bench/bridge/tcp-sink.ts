/**
 * A guest of a few lines at the far end of a bridge: it accepts TCP connections, acknowledges what
 * comes in order, and throws it away. No board runs; so what is measured with it is the bridge.
 */

import type { Bridge, BoardPort } from '../../host/net/bridge.ts';
import { checksumAdd, checksumFinish } from '../../board/internet-checksum.ts';

const ARP_TYPE = 0x0806;
const IPV4_TYPE = 0x0800;
const TCP = 6;
const [SYN, ACK] = [0x02, 0x10];
const IP_AT = 14;
const TCP_AT = 34;
const ANSWER_BYTES = 54;
/** As large as it can be without scaling, which libslirp does not have. */
const WINDOW = 0xffff;
const SEQUENCE = 1;

export class TcpSink implements BoardPort {
  receivedBytes = 0;
  /** Frames that have not been transmitted yet. */
  readonly #answers: Uint8Array[] = [];
  /** What is expected next. */
  #next = 0;

  offer(frame: Uint8Array): 'ok' {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const type = view.getUint16(12);
    if (type === ARP_TYPE && view.getUint16(20) === 1) this.#answers.push(arpReply(frame));
    if (type === IPV4_TYPE && frame[IP_AT + 9] === TCP) this.#segment(frame, view);
    return 'ok';
  }

  #segment(frame: Uint8Array, view: DataView): void {
    const headerBytes = ((frame[TCP_AT + 12] as number) >> 4) * 4;
    const dataBytes = view.getUint16(IP_AT + 2) - 20 - headerBytes;
    const sequence = view.getUint32(TCP_AT + 4);
    const isSyn = ((frame[TCP_AT + 13] as number) & SYN) !== 0;
    if (isSyn) {
      this.#next = (sequence + 1) >>> 0;
      this.#answers.push(answer(frame, SEQUENCE - 1, this.#next, SYN | ACK));
    } else if (dataBytes > 0) {
      if (sequence === this.#next) {
        this.#next = (sequence + dataBytes) >>> 0;
        this.receivedBytes += dataBytes;
      }
      this.#answers.push(answer(frame, SEQUENCE, this.#next, ACK));
    }
  }

  /** Sends what has gathered. */
  flush(bridge: Bridge): void {
    for (const frame of this.#answers.splice(0)) bridge.transmit(frame);
  }
}

const GUEST_MAC = [0x52, 0x54, 1, 0, 0, 0x0a] as const;

function arpReply(request: Uint8Array): Uint8Array {
  const reply = request.slice(0, 42);
  reply.set(request.subarray(6, 12), 0);
  reply.set(GUEST_MAC, 6);
  reply[21] = 2;
  reply.set(GUEST_MAC, 22);
  reply.set(request.subarray(38, 42), 28);
  reply.set(request.subarray(22, 32), 32);
  return reply;
}

/** A segment without data, back to where one came from. */
function answer(
  frame: Uint8Array,
  sequence: number,
  acknowledged: number,
  flags: number,
): Uint8Array {
  const bytes = new Uint8Array(ANSWER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(frame.subarray(6, 12), 0);
  bytes.set(GUEST_MAC, 6);
  view.setUint16(12, IPV4_TYPE);
  view.setUint16(IP_AT, 0x4500);
  view.setUint16(IP_AT + 2, ANSWER_BYTES - IP_AT);
  view.setUint16(IP_AT + 8, (64 << 8) | TCP);
  bytes.set(frame.subarray(30, 34), 26);
  bytes.set(frame.subarray(26, 30), 30);
  view.setUint16(24, checksumFinish(checksumAdd(bytes, IP_AT, 20, 0)));
  bytes.set(frame.subarray(TCP_AT + 2, TCP_AT + 4), TCP_AT);
  bytes.set(frame.subarray(TCP_AT, TCP_AT + 2), TCP_AT + 2);
  view.setUint32(TCP_AT + 4, sequence);
  view.setUint32(TCP_AT + 8, acknowledged);
  view.setUint16(TCP_AT + 12, 0x5000 | flags);
  view.setUint16(TCP_AT + 14, WINDOW);
  const pseudo = checksumAdd(bytes, 26, 8, TCP + 20);
  view.setUint16(TCP_AT + 16, checksumFinish(checksumAdd(bytes, TCP_AT, 20, pseudo)));
  return bytes;
}
