/**
 * A guest of a few lines at the far end of a bridge: it accepts TCP connections, acknowledges what
 * comes in order, and throws it away. No board runs; so what is measured with it is the bridge.
 */

import type { Bridge, BoardPort } from '../../host/net/bridge.ts';
import { checksumAdd, checksumFinish } from '../../board/internet-checksum.ts';
import { isArpRequestFor, PADDED_FRAME_BYTES, writeArpReply } from '../../board/links/udp-frame.ts';
import {
  Ethernet,
  Ipv4,
  IPV4_AT,
  PROTOCOL_TCP,
  Tcp,
  TCP_ACK,
  TCP_AT,
  TCP_SYN,
  TYPE_IPV4,
  VERSION_4_NO_OPTIONS,
} from '../../board/packets.ts';

const ANSWER_BYTES = TCP_AT + Tcp.SIZE;
const TIME_TO_LIVE = 64;
/** As large as it can be without scaling, which libslirp does not have. */
const WINDOW = 0xffff;
const SEQUENCE = 1;
const GUEST = {
  mac: new Uint8Array([0x52, 0x54, 1, 0, 0, 0x0a]),
  ip: 0x0a00_020f,
  port: 0,
};

interface Segment {
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
}

export class TcpSink implements BoardPort {
  receivedBytes = 0;
  /** Frames that have not been transmitted yet. */
  readonly #answers: Uint8Array[] = [];
  /** What is expected next. */
  #next = 0;

  offer(frame: Uint8Array): 'ok' {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    if (isArpRequestFor(view, 0, frame.length, GUEST.ip)) {
      this.#answers.push(arpReply(frame));
      return 'ok';
    }
    const isSegment =
      frame.length >= ANSWER_BYTES &&
      Ethernet.type.get(view, 0) === TYPE_IPV4 &&
      Ipv4.protocol.get(view, IPV4_AT) === PROTOCOL_TCP;
    if (isSegment) this.#receive(view);
    return 'ok';
  }

  #receive(view: DataView): void {
    const headerBytes = (Tcp.dataOffset.get(view, TCP_AT) >> 4) * 4;
    const dataBytes = Ipv4.totalLength.get(view, IPV4_AT) - Ipv4.SIZE - headerBytes;
    const sequence = Tcp.sequence.get(view, TCP_AT);
    if ((Tcp.flags.get(view, TCP_AT) & TCP_SYN) !== 0) {
      this.#next = (sequence + 1) >>> 0;
      this.#answer(view, SEQUENCE - 1, TCP_SYN | TCP_ACK);
    } else if (dataBytes > 0) {
      if (sequence === this.#next) {
        this.#next = (sequence + dataBytes) >>> 0;
        this.receivedBytes += dataBytes;
      }
      this.#answer(view, SEQUENCE, TCP_ACK);
    }
  }

  #answer(view: DataView, sequence: number, flags: number): void {
    this.#answers.push(answer(view, { sequence, acknowledgment: this.#next, flags }));
  }

  /** Sends what has gathered. */
  flush(bridge: Bridge): void {
    for (const frame of this.#answers.splice(0)) bridge.transmit(frame);
  }
}

function arpReply(request: Uint8Array): Uint8Array {
  const u8 = new Uint8Array(PADDED_FRAME_BYTES + request.length);
  u8.set(request, PADDED_FRAME_BYTES);
  writeArpReply({ u8, view: new DataView(u8.buffer) }, 0, PADDED_FRAME_BYTES, GUEST);
  return u8.subarray(0, PADDED_FRAME_BYTES);
}

/** A segment without data, back to where one came from. */
function answer(from: DataView, segment: Segment): Uint8Array {
  const bytes = new Uint8Array(ANSWER_BYTES);
  const view = new DataView(bytes.buffer);
  Ethernet.targetHigh.set(view, 0, Ethernet.sourceHigh.get(from, 0));
  Ethernet.targetLow.set(view, 0, Ethernet.sourceLow.get(from, 0));
  bytes.set(GUEST.mac, Ethernet.sourceHigh.offset);
  Ethernet.type.set(view, 0, TYPE_IPV4);
  Ipv4.versionLength.set(view, IPV4_AT, VERSION_4_NO_OPTIONS);
  Ipv4.totalLength.set(view, IPV4_AT, ANSWER_BYTES - IPV4_AT);
  Ipv4.timeToLive.set(view, IPV4_AT, TIME_TO_LIVE);
  Ipv4.protocol.set(view, IPV4_AT, PROTOCOL_TCP);
  Ipv4.source.set(view, IPV4_AT, Ipv4.target.get(from, IPV4_AT));
  Ipv4.target.set(view, IPV4_AT, Ipv4.source.get(from, IPV4_AT));
  Ipv4.checksum.set(view, IPV4_AT, checksumFinish(checksumAdd(bytes, IPV4_AT, Ipv4.SIZE, 0)));
  Tcp.sourcePort.set(view, TCP_AT, Tcp.targetPort.get(from, TCP_AT));
  Tcp.targetPort.set(view, TCP_AT, Tcp.sourcePort.get(from, TCP_AT));
  Tcp.sequence.set(view, TCP_AT, segment.sequence);
  Tcp.acknowledgment.set(view, TCP_AT, segment.acknowledgment);
  Tcp.dataOffset.set(view, TCP_AT, (Tcp.SIZE / 4) << 4);
  Tcp.flags.set(view, TCP_AT, segment.flags);
  Tcp.window.set(view, TCP_AT, WINDOW);
  const addresses = checksumAdd(bytes, IPV4_AT + Ipv4.source.offset, 8, 0);
  const pseudo = addresses + PROTOCOL_TCP + Tcp.SIZE;
  Tcp.checksum.set(view, TCP_AT, checksumFinish(checksumAdd(bytes, TCP_AT, Tcp.SIZE, pseudo)));
  return bytes;
}
