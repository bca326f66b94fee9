// Goal: packets are read as GDB's manual has them, from whatever pieces the host brings, and what
// is none does not get through. Checksums are worked out by hand.

import { describe, expect, it } from 'vitest';
import { hexOf, numberOf, PACKET_BYTES_MAX, packetOf, PacketReader } from './packets.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (each) => each.charCodeAt(0));
const read = (text: string) => new PacketReader().read(bytes(text));

describe('a reader of packets', () => {
  it('takes a packet whose checksum is the sum of its characters', () => {
    // 'O' + 'K' = 0x4f + 0x4b
    expect(read('$OK#9a')).toEqual([{ kind: 'packet', data: 'OK' }]);
  });

  it('takes one that comes byte by byte, with digits of either case', () => {
    const reader = new PacketReader();

    const received = Array.from('$OK#9A', (each) => reader.read(bytes(each))).flat();

    expect(received).toEqual([{ kind: 'packet', data: 'OK' }]);
  });

  it('tells acknowledgements and a wish to stop from packets', () => {
    expect(read('+$#00-\u0003').map(({ kind }) => kind)).toEqual([
      'acknowledged',
      'packet',
      'asked again',
      'stop',
    ]);
  });

  it('refuses a wrong checksum, and one that is no number', () => {
    expect(read('$OK#9b$OK#zz')).toEqual([{ kind: 'spoilt' }, { kind: 'spoilt' }]);
  });

  it('begins again at a dollar, when the end of a packet has been lost', () => {
    expect(read('$lost$OK#9a')).toEqual([{ kind: 'packet', data: 'OK' }]);
  });

  it('refuses a packet that is longer than it has said, and keeps none of it', () => {
    const long = 'a'.repeat(PACKET_BYTES_MAX + 1);
    const sum = hexOf([(0x61 * long.length) & 0xff]);

    expect(read(`$${long}#${sum}`)).toEqual([{ kind: 'spoilt' }]);
  });

  it('counts what belongs to nothing', () => {
    const reader = new PacketReader();

    reader.read(bytes('GET / HTTP/1.1'));

    expect(reader.noise).toBe(14);
  });
});

it.each(['', 'OK', '$#}*', '\u0000\u00ff}', 'm0,4'])(
  'what is written is read again: %j',
  (data) => {
    expect(read(packetOf(data))).toEqual([{ kind: 'packet', data }]);
  },
);

it('escapes what would be taken for something else', () => {
  expect(packetOf('#')).toBe('$}\u0003#80');
});

it.each([
  ['1f', 31],
  ['', undefined],
  ['-1', undefined],
  ['ffffffffffffffff', undefined],
  ['0x10', undefined],
])('the number %j is %j', (digits, number) => {
  expect(numberOf(digits)).toBe(number);
});
