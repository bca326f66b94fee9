/**
 * What the router says itself: errors about packets, and answers to a ping of one of its addresses.
 * Frames are copied: this is rare.
 */

import { checksum } from '../../queues/net/checksum.ts';
import { ErrorRate, mayComplainOf, writeIcmpError } from '../../queues/net/icmp-error.ts';
import { NET_BUFFER_BYTES } from '../../queues/net/queue.ts';
import * as wire from '../../queues/net/wire.ts';

const IP_AT = wire.Ethernet.SIZE;
const SOURCE_AT = IP_AT + wire.Ipv4.source0.offset;
const DESTINATION_AT = IP_AT + wire.Ipv4.destination0.offset;
const TTL_AT = IP_AT + wire.Ipv4.timeToLive.offset;
const TIME_TO_LIVE = 64;

export class OwnAnswers {
  /** The frame that is answered, and the answer. */
  readonly frame = new Uint8Array(NET_BUFFER_BYTES);
  readonly #answer = new Uint8Array(NET_BUFFER_BYTES);
  readonly #rate = new ErrorRate();
  readonly #now: () => number;

  /** @param now nanoseconds from any start */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * An error about {@link frame}, whose IPv4 header is good.
   *
   * @param ip the router's address that complains
   * @returns the bytes to be sent; why there are none
   */
  error(type: number, code: number, ip: number): Uint8Array | 'nobody is told' | 'too many' {
    if (!mayComplainOf(this.frame)) return 'nobody is told';
    if (!this.#rate.take(this.#now())) return 'too many';
    const source = Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip);
    const bytes = writeIcmpError(this.#answer, this.frame, { type, code, source });
    return this.#answer.subarray(0, bytes);
  }

  /** @returns the answer to {@link frame}, undefined when it is no good echo request */
  echo(lenBytes: number): Uint8Array | undefined {
    const { frame } = this;
    const view = new DataView(frame.buffer);
    const at = IP_AT + ((frame[IP_AT] as number) & 0x0f) * 4;
    const end = IP_AT + wire.Ipv4.totalLength.get(view, IP_AT);
    if (end - at < 2 * wire.Icmp.SIZE || end > lenBytes) return undefined;
    if (wire.Icmp.type.get(view, at) !== wire.ICMP_ECHO_REQUEST || frame[at + 1] !== 0) {
      return undefined;
    }
    if (checksum(view, at, end - at) !== 0xffff) return undefined;
    const answer = this.#answer;
    const answerView = new DataView(answer.buffer);
    answer.set(frame.subarray(0, end));
    answer.set(frame.subarray(6, 12), 0);
    answer.set(frame.subarray(0, 6), 6);
    answer.set(frame.subarray(DESTINATION_AT, DESTINATION_AT + 4), SOURCE_AT);
    answer.set(frame.subarray(SOURCE_AT, SOURCE_AT + 4), DESTINATION_AT);
    answer[TTL_AT] = TIME_TO_LIVE;
    writeSum(answerView, { at: IP_AT, bytes: at - IP_AT, field: wire.Ipv4.headerChecksum.offset });
    wire.Icmp.type.set(answerView, at, wire.ICMP_ECHO_REPLY);
    writeSum(answerView, { at, bytes: end - at, field: wire.Icmp.checksum.offset });
    return answer.subarray(0, end);
  }
}

/** Writes the checksum of a run of bytes into its field. */
function writeSum(
  view: DataView,
  { at, bytes, field }: { readonly at: number; readonly bytes: number; readonly field: number },
): void {
  view.setUint16(at + field, 0);
  view.setUint16(at + field, ~checksum(view, at, bytes) & 0xffff);
}
