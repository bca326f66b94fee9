// Goal: what the outside has done to a world is done again in the same order, with the same bytes,
// and with nothing lost between two runs; a record that is full is none, and says so. Method: a
// record whose "world" is a list.

import { expect, it } from 'vitest';
import { OutsideRecord } from './outside-record.ts';

const text = new TextDecoder();
const bytes = new TextEncoder();

function recorded(limitBytes = 10 * 1024 * 1024) {
  const world: string[] = [];
  let full = 0;
  const record = new OutsideRecord({ limitBytes, onFull: () => (full += 1) });
  const net = record.register((frame) => world.push(`net ${text.decode(frame.subarray(0, 8))}`));
  const line = record.register((typed) => world.push(`line ${typed.length}`));
  const replay = (): readonly string[] => {
    world.length = 0;
    const turns = record.replay((atNs) => world.push(`turn ${atNs}`));
    while (turns.next().done !== true) world.push('look');
    return [...world];
  };
  return { record, world, net, line, replay, full: () => full };
}

it('does again what was done, in the same order, as often as it is wanted', () => {
  const { record, world, net, line, replay } = recorded();
  record.note(net, bytes.encode('before'));
  record.turn(0.1 + 2 ** 40);
  record.perform(() => world.push('break'));
  record.note(line, new Uint8Array(0));
  record.note(net, bytes.encode('behind'));
  record.turn(7);
  const all = [
    ...['net before', `turn ${0.1 + 2 ** 40}`, 'look', 'break', 'line 0', 'net behind'],
    ...['turn 7', 'look'],
  ];

  record.rewind();
  expect(record.isReplaying).toBe(true);
  expect(replay()).toEqual(all);
  expect(record.isReplaying).toBe(false);
  record.turn(8);
  record.rewind();
  expect(replay()).toEqual([...all, 'turn 8', 'look']);
});

it('keeps bytes of its own, more than fit in a piece, and pieces longer than one', () => {
  const { record, net, line, replay } = recorded();
  const frame = new Uint8Array(700_000);
  for (let n = 0; n < 5; n += 1) {
    bytes.encodeInto(`frame ${n}`, frame);
    record.note(net, frame);
  }
  record.note(line, new Uint8Array(1_500_000));
  record.rewind();

  expect(replay()).toEqual([...[0, 1, 2, 3, 4].map((n) => `net frame ${n}\0`), 'line 1500000']);
});

it('has the outside wait while a world is run again, and does then what was wanted meanwhile', () => {
  const { record, world, replay } = recorded();
  record.turn(1);
  record.rewind();
  record.perform(() => world.push('meanwhile'));

  expect(world).toEqual([]);
  expect(replay()).toEqual(['turn 1', 'look', 'meanwhile']);
  record.rewind();
  expect(replay()).toEqual(['turn 1', 'look', 'meanwhile']);
});

it.each([
  ['bytes', (record: OutsideRecord, who: number) => record.note(who, new Uint8Array(900_000))],
  ['what others keep', (record: OutsideRecord) => void record.mayKeep(900_000)],
  ['actions', (record: OutsideRecord) => record.perform(() => undefined)],
])('is thrown away when it is full of %s, once, and the run goes on', (_, fill) => {
  const { record, net, replay, full } = recorded(3_000_000);
  for (let n = 0; n < 20_000 && full() === 0; n += 1) fill(record, net);
  fill(record, net);
  record.turn(1);

  expect(full()).toBe(1);
  expect(record.mayKeep(1)).toBe(false);
  record.rewind();
  expect(record.isReplaying).toBe(false);
  expect(replay()).toEqual([]);
});

it('counts what actions hold, also those that were postponed', () => {
  const { record, full } = recorded(3_000_000);
  record.perform(() => undefined, 1_500_000);
  expect(full()).toBe(0);
  record.rewind();
  record.perform(() => undefined, 1_500_000);
  expect(full()).toBe(0);
  for (const _turn of record.replay(() => undefined));
  expect(full()).toBe(1);
});

it('that becomes full while it is run again is run to its end, and is none then', () => {
  const { record, world, net, replay, full } = recorded(3_000_000);
  record.turn(1);
  record.perform(() => world.push(record.isReplaying ? 'again' : 'first'));
  record.note(net, bytes.encode('frame'));
  record.rewind();
  expect(record.mayKeep(3_000_000)).toBe(false);

  expect(full()).toBe(1);
  expect(record.isReplaying).toBe(true);
  expect(replay()).toEqual(['turn 1', 'look', 'again', 'net frame']);
  expect(record.isReplaying).toBe(false);
  record.rewind();
  expect(replay()).toEqual([]);
});
