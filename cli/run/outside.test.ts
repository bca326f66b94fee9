// Goal: what has a beginning is started once in each world, whenever its run was begun again, also
// before anything had been started. Method: an attachment that counts, and a record without turns.

import { expect, it } from 'vitest';
import { OutsideRecord } from '../../host/record/outside-record.ts';
import type { Attachment } from './attachment.ts';
import { Outside } from './outside.ts';

function counted() {
  let starts = 0;
  const attachment = { start: () => (starts += 1), rewind: async () => undefined };
  const outside = new Outside();
  outside.attachments.set('counted', attachment as unknown as Attachment);
  return { outside, starts: () => starts };
}

/** What a run does from the end of its programs' `init` on. */
function begin(outside: Outside): void {
  outside.start();
  for (const _turn of outside.record?.replay(() => undefined) ?? []);
}

it('is started in a world whose run was begun again during its init', async () => {
  const { outside, starts } = counted();
  outside.record = new OutsideRecord({ onFull: () => undefined });
  await outside.rewind();
  begin(outside);
  expect(starts()).toBe(1);
  await outside.rewind();
  begin(outside);
  expect(starts()).toBe(2);
  // Left during its init, once it had been started before.
  await outside.rewind();
  await outside.rewind();
  begin(outside);
  expect(starts()).toBe(3);
});

it('is started in each world, also where the record is full or there is none', async () => {
  const { outside, starts } = counted();
  begin(outside);
  await outside.rewind();
  begin(outside);
  expect(starts()).toBe(2);

  outside.record = new OutsideRecord({ limitBytes: 1000, onFull: () => undefined });
  begin(outside);
  await outside.rewind();
  begin(outside);
  expect(starts()).toBe(4);
});
