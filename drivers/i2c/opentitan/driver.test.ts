// The driver alone: what no virtualiser of ours sends, and what a restarted driver finds. On the
// bus it runs in systems/i2c.test.ts.

import { describe, expect, it } from 'vitest';
import { Ram } from '../../../memory/ram.ts';
import { DeviceRegion, Region } from '../../../memory/region.ts';
import type { ProtectionDomain } from '../../../microkit/pd.ts';
import type { I2cDriverConfig } from '../../../queues/i2c/config.ts';
import { I2C_ERR_MALFORMED_HEADER } from '../../../queues/i2c/layout.ts';
import { I2cRequestProducer, I2cResponseConsumer } from '../../../queues/i2c/queues.ts';
import { main } from './driver.ts';

const VAL = 0x2c;
const FDATA = 0x1c;
const DATA_VADDR = 0x8000_0000;

/** A controller that takes everything and does nothing, and both queues with the test as peer. */
function rig() {
  const formatted: number[] = [];
  const device = {
    read: (offset: number) => (offset === VAL ? 0xffff_ffff : 0),
    write: (offset: number, value: number) => {
      if (offset === FDATA) formatted.push(value);
    },
  };
  const registers = new DeviceRegion({ device, sizeBytes: 0x1000, vaddr: 0x2000_0000 });
  const ram = new Ram({ sizeBytes: 0x1_0000 });
  const page = (number: number, vaddr: number): Region =>
    new Region({ ram, at: number * 4096, sizeBytes: 4096, vaddr });
  const regions: Readonly<Record<string, Region>> = {
    requests: page(1, 0x2000_1000),
    responses: page(2, 0x2000_2000),
    data: page(3, DATA_VADDR),
  };
  const region = (name: string): Region => regions[name] ?? page(4, 0);
  const pd: Partial<ProtectionDomain<I2cDriverConfig>> = {
    config: {
      registers: 'i2c',
      irq: 1,
      moreIrqs: [2, 3, 4, 5],
      virt: { requestQueue: 'requests', responseQueue: 'responses', capacity: 128, channel: 0 },
      data: [{ region: 'data' }],
    },
    deviceRegion: () => registers,
    region,
    irqAck: () => undefined,
    notify: () => undefined,
  };
  return {
    formatted,
    requests: new I2cRequestProducer(region('requests')),
    responses: new I2cResponseConsumer(region('responses')),
    start: () => main(pd as ProtectionDomain<I2cDriverConfig>),
  };
}

describe('the driver', () => {
  it('counts a command without a header, and refuses a header without its commands', () => {
    const { requests, responses, start } = rig();
    requests.command({ payload: DATA_VADDR, length: 1, flags: 0 });
    requests.header(2, 0x20);
    requests.publish();

    expect(start().counters?.read()).toMatchObject({ malformed: 2, transactions: 1 });
    expect(responses.available()).toBe(1);
    expect(responses.dequeue()).toEqual({
      address: 0x20,
      error: I2C_ERR_MALFORMED_HEADER,
      command: 0,
    });
    expect(requests.free()).toBe(253);
  });

  it('takes a transaction again that was on the bus when it was restarted', () => {
    const { requests, formatted, start } = rig();
    requests.header(1, 0x20);
    requests.command({ payload: DATA_VADDR, length: 1, flags: 0 });
    requests.publish();
    start();
    expect(formatted).toEqual([0x140, 0x200]);
    expect(requests.free()).toBe(251);

    start();
    expect(formatted).toEqual([0x140, 0x200, 0x140, 0x200]);
  });
});
