/** A frame in a few words, as the story of a failure names it: 'question 7 to 10.0.2.15'. */

import { type FrameMemory, PAYLOAD_AT } from '../../board/links/udp-frame.ts';
import { Ethernet, Ipv4, IPV4_AT, PROTOCOL_UDP, TYPE_ARP, TYPE_IPV4 } from '../../board/packets.ts';
import { ipv4Text } from '../../host/net/socket-address.ts';
import { ASKER, QUESTION_BYTES_MIN } from '../traffic/net-question.ts';

/** @param at where the frame lies, of so many bytes */
export function frameWords(memory: FrameMemory, at: number, lengthBytes: number): string {
  const { view } = memory;
  const what = lengthBytes < Ethernet.SIZE ? 'a stump' : kindOf(view, at, lengthBytes);
  return `${what}, ${lengthBytes} bytes`;
}

function kindOf(view: DataView, at: number, lengthBytes: number): string {
  const type = Ethernet.type.get(view, at);
  if (type === TYPE_ARP) return 'ARP';
  const ip = at + IPV4_AT;
  const isDatagram =
    type === TYPE_IPV4 && lengthBytes >= PAYLOAD_AT && Ipv4.protocol.get(view, ip) === PROTOCOL_UDP;
  if (!isDatagram) return 'a frame that is no datagram';
  const [source, target] = [Ipv4.source.get(view, ip), Ipv4.target.get(view, ip)];
  const number =
    lengthBytes < QUESTION_BYTES_MIN ? '' : ` ${view.getUint32(at + PAYLOAD_AT, true)}`;
  if (source === ASKER.ip) return `question${number} to ${ipv4Text(target)}`;
  if (target === ASKER.ip) return `answer${number} from ${ipv4Text(source)}`;
  return `a datagram from ${ipv4Text(source)} to ${ipv4Text(target)}`;
}
