// Goal: a world that is made again is sent the same at its serial line, at the same times, and the
// far end of the first one hears nothing of it. Method: a line on a virtual clock with a UART that
// writes down when it gets what; the same turns, then the same again from the record.

import { expect, it } from 'vitest';
import { SerialLine } from '../../board/uart/serial-line.ts';
import type { SerialEnd } from '../../board/serial-wire.ts';
import { VirtualClock } from '../../board/virtual-clock.ts';
import { HostLine } from '../serial/host-line.ts';
import { OutsideRecord } from './outside-record.ts';
import { RecordedLine } from './recorded-line.ts';

const FORMAT = { baud: 115_200, dataBits: 8, parity: 'none', stopBits: 1 } as const;

/** A world: what its UART gets, and it answers each character with two. */
function worldOf() {
  const clock = new VirtualClock();
  const line = new SerialLine({ clock, rate: 'real', inputCharacters: 8, outputBytes: 4 });
  const seen: string[] = [];
  const end: SerialEnd = {
    room: () => 1,
    receive: (character) => {
      seen.push(`${clock.now()} ${character}`);
      for (let n = 0; n < 2; n += 1) if (line.ready()) line.transmit(character + n);
    },
    lineReady: () => seen.push(`${clock.now()} ready`),
    breakChanged: (level) => seen.push(`${clock.now()} ${level}`),
    inputsChanged: (inputs) => seen.push(`${clock.now()} inputs ${inputs}`),
  };
  line.attach(end);
  line.setFormat(FORMAT);
  return { clock, line, seen };
}

it('sends the same again, and the far end hears of it once', () => {
  const record = new OutsideRecord({ onFull: () => expect.unreachable() });
  const first = worldOf();
  const recorded = new RecordedLine(record, first.line);
  let wakeUps = 0;
  const host = new HostLine(recorded, () => (wakeUps += 1));
  const turn = (atNs: number): void => {
    record.turn(atNs);
    first.clock.runUntil(atNs);
  };
  const output: number[] = [];
  const take = (): void => void output.push(...(host.read(3) ?? []));

  host.offer(Uint8Array.from({ length: 20 }, (_, index) => index)); // more than the line takes
  turn(500_000);
  take();
  host.flush();
  host.pulseBreak(1_000_000);
  turn(2_000_000);
  host.setInputs(1);
  host.flush();
  take();
  turn(2_500_000);
  const heard = wakeUps;

  record.rewind();
  const second = worldOf();
  recorded.renew(second.line);
  host.offer(Uint8Array.of(99)); // comes while the outside has to wait
  const wakeUpsOfOffer = wakeUps;
  for (const _turn of record.replay((atNs) => second.clock.runUntil(atNs)));

  expect(second.seen).toEqual(first.seen);
  expect(second.seen.length).toBeGreaterThan(10);
  expect(second.line.outputLength()).toBe(first.line.outputLength());
  expect(output).toHaveLength(6);
  expect(wakeUps).toBe(wakeUpsOfOffer);
  expect(wakeUpsOfOffer).toBe(heard + 1);
  host.flush();
  second.clock.runUntil(4_000_000);
  host.flush();
  second.clock.runUntil(10_000_000);
  expect(second.seen.at(-1)).toMatch(/ 99$/);
});

it('throws input away that its far end wanted gone meanwhile, when the outside has its turn', () => {
  const record = new OutsideRecord({ onFull: () => expect.unreachable() });
  const first = worldOf();
  const recorded = new RecordedLine(record, first.line);
  recorded.send(Uint8Array.of(1, 2, 3));
  record.turn(100);
  const waited = first.line.inputLength();
  expect(waited).toBeGreaterThan(0);

  record.rewind();
  const second = worldOf();
  recorded.renew(second.line);
  expect(recorded.purgeInput()).toBe(0);
  const waitedAgain: number[] = [];
  for (const _turn of record.replay(() => undefined)) waitedAgain.push(second.line.inputLength());

  expect(waitedAgain).toEqual([waited]);
  expect(second.line.inputLength()).toBe(0);
});
