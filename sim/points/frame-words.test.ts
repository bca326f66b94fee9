/** Goal: a frame is named by what it is, whatever is left of it. Method: frames as sent. */

import { expect, it } from 'vitest';
import { PAYLOAD_AT, type Station, writeUdpFrame } from '../../board/links/udp-frame.ts';
import { ASKER } from '../traffic/net-question.ts';
import { frameWords } from './frame-words.ts';

const CLIENT = { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), ip: 0x0a00_020f, port: 1235 };
const OTHER = { ...CLIENT, ip: 0x0a00_0210 };

function frame(from: Station, to: Station) {
  const u8 = new Uint8Array(2048);
  const view = new DataView(u8.buffer);
  view.setUint32(PAYLOAD_AT, 7, true);
  writeUdpFrame({ u8, view }, 0, { from, to, identification: 1 }, 60);
  return { u8, view };
}

it.each([
  ['a question', frame(ASKER, CLIENT), 60, 'question 7 to 10.0.2.15, 60 bytes'],
  ['an answer', frame(CLIENT, ASKER), 60, 'answer 7 from 10.0.2.15, 60 bytes'],
  ['what others say', frame(CLIENT, OTHER), 60, 'a datagram from 10.0.2.15 to 10.0.2.16, 60 bytes'],
  ['a question without its number', frame(ASKER, CLIENT), 44, 'question to 10.0.2.15, 44 bytes'],
  ['half a header', frame(ASKER, CLIENT), 20, 'a frame that is no datagram, 20 bytes'],
  ['nearly nothing', frame(ASKER, CLIENT), 5, 'a stump, 5 bytes'],
])('%s', (_, memory, lengthBytes, words) => {
  expect(frameWords(memory, 0, lengthBytes)).toBe(words);
});
