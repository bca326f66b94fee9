/**
 * Goal: answers to a client that is down are left to the steps, which forget them. All else is
 * compared with the steps in `test/block/batch-loops.test.ts`.
 */

import { expect, test } from 'vitest';
import { Ram } from '../../../memory/ram.ts';
import { Region } from '../../../memory/region.ts';
import { requestQueueBytes, responseQueueBytes } from '../layout.ts';
import { BlkRequestProducer } from '../request-queue.ts';
import { BlkResponseConsumer, BlkResponseProducer, emptyResponse } from '../response-queue.ts';
import { BlkRequestTable } from './request-table.ts';
import { BlkToClients } from './to-clients.ts';

const CAPACITY = 8;
const PAGE = 4096;

test('stops in front of an answer to a client that is down', () => {
  const ram = new Ram({ sizeBytes: 65_536, stagingBytes: 65_536 });
  const region = (page: number, sizeBytes: number): Region =>
    new Region({ ram, at: page * PAGE, sizeBytes, vaddr: 0 });
  const responses = [0, 1, 2].map((page) => region(page, responseQueueBytes(CAPACITY)));
  const [ofDriver, ...ofClients] = responses as [Region, Region, Region];
  const clients = ofClients.map((one) => new BlkResponseProducer(one, CAPACITY));
  const requests = new BlkRequestProducer(region(3, requestQueueBytes(CAPACITY)), CAPACITY);
  const table = new BlkRequestTable(requests, 5);
  const driver = new BlkResponseConsumer(ofDriver, CAPACITY);
  const batch = new BlkToClients({ driver, table, clients });
  const answers = new BlkResponseProducer(ofDriver, CAPACITY);
  for (const [index, client] of [0, 0, 1, 0].entries()) {
    answers.enqueue(0, 1, table.take(client, 100 + index, 0, 1));
  }
  answers.publish();
  clients[1]?.close();

  expect(batch.run()).toBe(2);
  expect([batch.givenTo(0), batch.givenTo(1), table.room]).toEqual([2, 0, 3]);
  clients[0]?.publish();
  const received = new BlkResponseConsumer(ofClients[0] as Region, CAPACITY);
  const response = emptyResponse();
  expect(received.available()).toBe(2);
  for (const id of [100, 101]) {
    received.dequeue(response);
    expect(response).toEqual({ status: 0, successCount: 1, id });
  }
});
