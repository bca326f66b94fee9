/**
 * Whether a capture has anything that a NIC could receive. One that has nothing, because it was
 * taken from something else than an Ethernet, is refused with what it is and what to do.
 */

import { UserMistake } from '../problem.ts';
import { FileBytes } from './capture-bytes.ts';
import { readCapture } from './capture-reader.ts';
import { type CaptureReader, LINK_TYPE_ETHERNET } from './captured-frame.ts';

/** https://www.tcpdump.org/linktypes.html */
const LINK_TYPES: Readonly<Record<number, string>> = {
  0: 'BSD loopback',
  9: 'PPP',
  12: 'raw IP',
  14: 'raw IP',
  101: 'raw IP',
  105: 'IEEE 802.11',
  108: 'OpenBSD loopback',
  113: 'Linux cooked capture (tcpdump -i any)',
  119: 'IEEE 802.11 with a Prism header',
  127: 'IEEE 802.11 with radiotap',
  163: 'IEEE 802.11 with an AVS header',
  189: 'USB',
  195: 'IEEE 802.15.4',
  220: 'USB',
  228: 'raw IPv4',
  229: 'raw IPv6',
  276: 'Linux cooked capture (tcpdump -i any)',
};
const REMEDY =
  'capture on an Ethernet interface (tcpdump -i eth0), or convert it (editcap -T ether)';

/**
 * Opens a capture to be replayed: it is read up to its first frame that can be.
 *
 * @throws UserMistake when nothing of it can be replayed
 */
export function openReplay(path: string): CaptureReader {
  refuseUseless(path);
  const reader = readCapture(new FileBytes(path));
  if (reader.problem !== undefined) {
    throw new UserMistake(`${path}: ${reader.problem}; no frame can be read`);
  }
  return reader;
}

function refuseUseless(path: string): void {
  const source = new FileBytes(path);
  try {
    const problem = uselessness(readCapture(source));
    if (problem !== undefined) throw new UserMistake(`${path}: ${problem}`);
  } finally {
    source.close();
  }
}

/** @returns why none of the frames can be used; undefined when one can, or when there are none */
export function uselessness(reader: CaptureReader): string | undefined {
  let linkType: number | undefined;
  let cut = 0;
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    const isEthernet = frame.linkType === LINK_TYPE_ETHERNET;
    if (isEthernet && frame.bytes.length >= frame.originalLength) return undefined;
    if (isEthernet) cut += 1;
    else linkType ??= frame.linkType;
  }
  if (cut > 0) return 'every frame is cut by a snap length; capture whole frames (tcpdump -s 0)';
  if (linkType === undefined) return undefined;
  const name = LINK_TYPES[linkType] ?? `link type ${linkType}`;
  return `is no Ethernet but ${name}; ${REMEDY}`;
}
