/**
 * The virtio-mmio transport by its registers, which are repeated here from virtio 1.2 §4.2.2:
 * identity, negotiation, set-up of queues, interrupts, and what a driver must not do (rules 9 and
 * 10 of `rules.md`): by strict rules unless a test says otherwise. What lenient ones let pass is
 * what QEMU lets pass (its hw/virtio/virtio-mmio.c and virtio.c).
 */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import type { DeviceRules } from '../device.ts';
import { RangedDmaWindow } from '../dma.ts';
import { LintLog } from '../lint.ts';
import { type Features, features, hasFeature, MMIO } from './mmio-registers.ts';
import { VirtioMmio, type VirtioModel } from './mmio.ts';
import { MockDriver } from '../../test/support/mock-driver.ts';

const FEATURE_A = 3;
const FEATURE_B = 33; // depends on A
const VERSION_1 = 32;
const STATUS = 0x070;
const QUEUE_SEL = 0x030;
const QUEUE_SIZE_MAX = 0x034;
const QUEUE_SIZE = 0x038;
const QUEUE_READY = 0x044;
const INTERRUPT_STATUS = 0x060;
const CONFIG_GENERATION = 0x0fc;
const NEEDS_RESET = 64;
const LIVE = 1 | 2 | 4 | 8;

class TestModel implements VirtioModel {
  readonly deviceId = 42;
  readonly offered = features(FEATURE_A, FEATURE_B, VERSION_1);
  readonly queueSizes = [16, 8];
  readonly events: string[] = [];
  readonly config = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);

  brokenDependency(accepted: Features): string | undefined {
    const broken = hasFeature(accepted, FEATURE_B) && !hasFeature(accepted, FEATURE_A);
    return broken ? 'B without A' : undefined;
  }

  readConfig(offset: number, width: number): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (this.config[offset + i] ?? 0);
    return value;
  }

  writeConfig(offset: number, value: number): 'ok' | 'refused' {
    if (offset !== 0) return 'refused';
    this.config[0] = value;
    return 'ok';
  }

  driverOk(accepted: Features): void {
    this.events.push(`driverOk ${accepted.low} ${accepted.high}`);
  }

  notified(queue: number): void {
    this.events.push(`notified ${queue}`);
  }

  queueStopped(queue: number): void {
    this.events.push(`stopped ${queue}`);
  }

  reset(): void {
    this.events.push('reset');
  }
}

function transport(rules: DeviceRules = 'strict') {
  const ram = new Ram({ sizeBytes: 1 << 20 });
  const dma = new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]);
  const lint = new LintLog();
  const line = { level: 'low' };
  const irqLine = { raise: () => (line.level = 'high'), lower: () => (line.level = 'low') };
  const model = new TestModel();
  const device = new VirtioMmio({ name: 'test', model, ram, dma, irqLine, lint, rules });
  const driver = new MockDriver({ device, ram });
  const complaints = () => lint.entries().map((entry) => `${entry.clause}: ${entry.what}`);
  return { ram, lint, line, model, device, driver, complaints };
}

function liveTransport() {
  const parts = transport();
  parts.driver.negotiate(FEATURE_A, VERSION_1);
  const queue = parts.driver.setUpQueue(0, 8);
  parts.driver.driverOk();
  parts.model.events.length = 0;
  expect(parts.complaints()).toEqual([]);
  return { ...parts, queue };
}

describe('registers', () => {
  it('have the offsets of the specification', () => {
    expect(MMIO).toEqual({
      MagicValue: 0x000,
      Version: 0x004,
      DeviceID: 0x008,
      VendorID: 0x00c,
      DeviceFeatures: 0x010,
      DeviceFeaturesSel: 0x014,
      DriverFeatures: 0x020,
      DriverFeaturesSel: 0x024,
      QueueSel: 0x030,
      QueueSizeMax: 0x034,
      QueueSize: 0x038,
      QueueReady: 0x044,
      QueueNotify: 0x050,
      InterruptStatus: 0x060,
      InterruptACK: 0x064,
      Status: 0x070,
      QueueDescLow: 0x080,
      QueueDescHigh: 0x084,
      QueueDriverLow: 0x090,
      QueueDriverHigh: 0x094,
      QueueDeviceLow: 0x0a0,
      QueueDeviceHigh: 0x0a4,
      SHMSel: 0x0ac,
      SHMLenLow: 0x0b0,
      SHMLenHigh: 0x0b4,
      SHMBaseLow: 0x0b8,
      SHMBaseHigh: 0x0bc,
      QueueReset: 0x0c0,
      ConfigGeneration: 0x0fc,
      Config: 0x100,
    });
  });

  it('identify the device', () => {
    const { driver } = transport();
    expect(driver.read(0x000)).toBe(0x7472_6976);
    expect(driver.read(0x004)).toBe(2);
    expect(driver.read(0x008)).toBe(42);
    expect(driver.read(0x0b0)).toBe(0xffff_ffff);
  });

  it('report accesses that are not 32 bits wide, and answer 0', () => {
    const { device, complaints } = transport();
    expect(device.read(0x000, 2)).toBe(0);
    expect(device.read(0x002, 4)).toBe(0);
    device.write(STATUS, 1, 1);
    expect(device.read(STATUS, 4)).toBe(0);
    expect(complaints()).toHaveLength(2);
  });

  it('report reads of what can only be written, and the reverse', () => {
    const { driver, lint } = transport();
    expect(driver.read(QUEUE_SEL)).toBe(0);
    expect(driver.read(0x0f0)).toBe(0);
    driver.write(0x000, 1);
    driver.write(CONFIG_GENERATION, 1);
    expect(lint.count('test', 'virtio 1.2 §4.2.2')).toBe(4);
  });

  it('give configuration space in every width, aligned', () => {
    const { device, model, complaints } = transport();
    expect(device.read(0x101, 1)).toBe(2);
    expect(device.read(0x102, 2)).toBe(0x0403);
    expect(device.read(0x104, 4)).toBe(0x0807_0605);
    device.write(0x100, 9, 1);
    expect(model.config[0]).toBe(9);
    device.write(0x104, 1, 4);
    expect(device.read(0x101, 2)).toBe(0);
    expect(complaints()).toEqual([
      'virtio 1.2 §2.5: a configuration field that is not writable is written',
      'virtio 1.2 §4.2.2.2: configuration space is read without alignment',
    ]);
  });
});

describe('negotiation', () => {
  it('shows features by word and goes live', () => {
    const { driver, device, model, complaints } = transport();
    expect([FEATURE_A, FEATURE_B, VERSION_1, 4, 64].map((bit) => driver.offered(bit))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(driver.negotiate(FEATURE_A, FEATURE_B, VERSION_1)).toBe(11);
    expect(device.live).toBe(false);
    driver.driverOk();
    expect(device.live).toBe(true);
    expect(model.events.at(-1)).toBe('driverOk 8 3');
    expect(complaints()).toEqual([]);
  });

  const refused: Record<string, readonly number[]> = {
    'without VERSION_1': [FEATURE_A],
    'with a feature that was not offered': [FEATURE_A, 7, VERSION_1],
    'with an unknown feature of the high word': [VERSION_1, 63],
    'with a broken dependency': [FEATURE_B, VERSION_1],
  };
  for (const [name, bits] of Object.entries(refused)) {
    it(`refuses FEATURES_OK ${name}`, () => {
      const { driver, device, complaints } = transport();
      expect(driver.negotiate(...bits)).toBe(3);
      driver.driverOk();
      expect(device.live).toBe(false);
      expect(complaints()).toHaveLength(2);
    });
  }

  it('refuses FEATURES_OK before ACKNOWLEDGE and DRIVER', () => {
    const { driver } = transport();
    driver.write(0x024, 1);
    driver.write(0x020, 1);
    driver.write(STATUS, 8);
    expect(driver.status()).toBe(0);
  });

  it('ignores features after FEATURES_OK', () => {
    const { driver, device, complaints } = transport();
    driver.negotiate(VERSION_1);
    driver.write(0x024, 0);
    driver.write(0x020, 8);
    expect(device.accepted).toEqual({ low: 0, high: 1 });
    expect(complaints()).toEqual(['virtio 1.2 §2.2.1: features are accepted after FEATURES_OK']);
  });

  it('keeps status bits that a driver tries to clear', () => {
    const { driver, complaints } = liveTransport();
    driver.write(STATUS, 1);
    expect(driver.status()).toBe(LIVE);
    expect(complaints()).toEqual(['virtio 1.2 §2.1.1: a status bit is cleared without a reset']);
  });

  it('takes FAILED, but not NEEDS_RESET', () => {
    const { driver } = liveTransport();
    driver.write(STATUS, LIVE | NEEDS_RESET | 128);
    expect(driver.status()).toBe(LIVE | 128);
  });
});

describe('by lenient rules', () => {
  it('a driver that overwrites Status and accepts nothing goes live, as sDDF virtio drivers do', () => {
    const { driver, device, model, complaints } = transport('lenient');
    for (const status of [0, 1, 2]) driver.write(STATUS, status);
    driver.write(0x024, 0);
    driver.write(0x020, (1 << FEATURE_A) | (1 << 5));
    driver.write(STATUS, 8);
    expect(driver.status()).toBe(8);
    driver.setUpQueue(0, 8);
    driver.write(STATUS, 4);
    expect(driver.status()).toBe(4);
    expect(device.live).toBe(true);
    expect(model.events.at(-1)).toBe(`driverOk ${1 << FEATURE_A} 0`);
    expect(complaints()).toEqual([
      'virtio 1.2 §2.1.1: a status bit is cleared without a reset',
      'virtio 1.2 §2.2.1: a feature is accepted that was not offered',
      'virtio 1.2 §6.1: VIRTIO_F_VERSION_1 is not accepted',
    ]);
  });

  it('a device stops when DRIVER_OK is overwritten, and goes live again', () => {
    const { driver, device } = transport('lenient');
    driver.negotiate(VERSION_1);
    driver.driverOk();
    driver.write(STATUS, 1 | 2 | 8);
    expect(device.live).toBe(false);
    driver.write(STATUS, LIVE);
    expect(device.live).toBe(true);
  });

  it('DRIVER_OK without FEATURES_OK is live with no features', () => {
    const { driver, device, complaints } = transport('lenient');
    driver.write(0x024, 0);
    driver.write(0x020, 1 << FEATURE_A);
    driver.write(STATUS, 1 | 2 | 4);
    expect(device.live).toBe(true);
    expect(device.accepted).toEqual({ low: 0, high: 0 });
    expect(complaints()).toEqual(['virtio 1.2 §3.1.1: DRIVER_OK before FEATURES_OK']);
  });

  it('features stay as they were agreed upon, though Status was overwritten', () => {
    const { driver, device, complaints } = transport('lenient');
    driver.negotiate(VERSION_1);
    driver.write(STATUS, 4);
    driver.write(0x024, 0);
    driver.write(0x020, 1 << FEATURE_A);
    driver.write(STATUS, LIVE);
    expect(device.accepted).toEqual({ low: 0, high: 1 });
    expect(complaints()).toEqual([
      'virtio 1.2 §2.1.1: a status bit is cleared without a reset',
      'virtio 1.2 §2.2.1: features are accepted after FEATURES_OK',
    ]);
  });

  it('a queue that is ready before FEATURES_OK runs, by what is agreed upon later', () => {
    const { driver, device, complaints } = transport('lenient');
    const queue = driver.setUpQueue(0, 8);
    const head = queue.add({ at: driver.memory(8), lengthBytes: 8, access: 'writable' });
    expect(driver.queueReady(0)).toBe(1);
    expect(complaints()).toEqual(['virtio 1.2 §3.1.1: a queue is made ready before FEATURES_OK']);
    driver.write(STATUS, 1 | 2 | 8);
    driver.write(STATUS, LIVE);
    expect(device.queue(0).pop()).toBe(head);
  });

  it('NEEDS_RESET stays until the reset all the same', () => {
    const { driver, device } = transport('lenient');
    driver.negotiate(VERSION_1);
    const queue = driver.setUpQueue(0, 8);
    driver.driverOk();
    queue.availIdx = 100;
    device.queue(0).pop();
    driver.write(STATUS, 4);
    expect(driver.status()).toBe(4 | NEEDS_RESET);
    expect(device.live).toBe(false);
  });
});

describe('queues', () => {
  it('have no size when they are absent', () => {
    const { driver, complaints } = transport();
    driver.write(QUEUE_SEL, 1);
    expect(driver.read(QUEUE_SIZE_MAX)).toBe(8);
    driver.write(QUEUE_SEL, 2);
    expect(driver.read(QUEUE_SIZE_MAX)).toBe(0);
    expect(driver.read(QUEUE_READY)).toBe(0);
    driver.write(QUEUE_READY, 1);
    driver.write(QUEUE_SIZE, 8);
    expect(complaints()).toHaveLength(2);
  });

  const DESC = 0x080;
  const AVAIL = 0x090;
  const USED = 0x0a0;
  const badSetups: Record<string, { size?: number; register?: number; value?: number }> = {
    'of size 0': { size: 0 },
    'of a size that is no power of two': { size: 12 },
    'larger than QueueSizeMax': { size: 32 },
    'with a descriptor table not aligned to 16': { register: DESC, value: 0x8000_4008 },
    'with an available ring not aligned to 2': { register: AVAIL, value: 0x8000_4001 },
    'with a used ring not aligned to 4': { register: USED, value: 0x8000_4002 },
    'with a ring below RAM': { register: DESC, value: 0x1000_0000 },
    'with a ring across the end of RAM': { register: USED, value: 0x8010_0000 - 4 },
    'with a ring above 4 GiB': { register: AVAIL + 4, value: 1 },
  };
  for (const [name, bad] of Object.entries(badSetups)) {
    it(`do not become ready ${name}`, () => {
      const { driver, complaints } = transport();
      driver.negotiate(VERSION_1);
      driver.write(QUEUE_SEL, 0);
      driver.write(QUEUE_SIZE, bad.size ?? 8);
      for (const [i, register] of [DESC, AVAIL, USED].entries()) {
        driver.write(register, 0x8000_4000 + 0x1000 * i);
        driver.write(register + 4, 0);
      }
      if (bad.register !== undefined) driver.write(bad.register, bad.value ?? 0);
      driver.write(QUEUE_READY, 1);

      expect(driver.read(QUEUE_READY)).toBe(0);
      expect(complaints()).toHaveLength(1);
      expect(complaints()[0]).toMatch(/^virtio 1\.2 §2\.7: /);
    });
  }

  it('do not become ready before FEATURES_OK', () => {
    const { driver, complaints } = transport();
    driver.setUpQueue(0, 8);
    expect(driver.queueReady(0)).toBe(0);
    expect(complaints()).toEqual(['virtio 1.2 §3.1.1: a queue is made ready before FEATURES_OK']);
  });

  it('stop when QueueReady is cleared', () => {
    const { driver, device, model } = liveTransport();
    driver.write(QUEUE_SEL, 0);
    driver.write(QUEUE_READY, 0);
    expect(driver.read(QUEUE_READY)).toBe(0);
    expect(device.queue(0).running).toBe(false);
    expect(model.events).toEqual(['stopped 0']);
  });

  it('row 9: ignore a notification for an absent queue, or one that is not ready', () => {
    const { driver, model, complaints } = liveTransport();
    driver.notify(0);
    driver.notify(1);
    driver.notify(7);
    expect(model.events).toEqual(['notified 0']);
    expect(complaints()).toEqual([
      'virtio 1.2 §4.2.2: a queue is notified that is absent or not ready',
    ]);
  });

  it('row 9: ignore a notification before DRIVER_OK', () => {
    const { driver, model, complaints } = transport();
    driver.negotiate(VERSION_1);
    driver.setUpQueue(0, 8);
    driver.notify(0);
    expect(model.events).toEqual(['reset']);
    expect(complaints()).toHaveLength(1);
  });

  it('row 9: ignore a notification while a reset is due, which is no breach', () => {
    const { driver, device, model, complaints } = liveTransport();
    device.needsReset();
    driver.notify(0);
    expect(model.events).toEqual([]);
    expect(complaints()).toEqual([]);
    driver.write(STATUS, 0);
    driver.notify(0);
    expect(complaints()).toEqual(['virtio 1.2 §3.1.1: a queue is notified before DRIVER_OK']);
  });

  it('row 10: stay where they are while they are ready', () => {
    const { driver, device, queue, complaints } = liveTransport();
    driver.write(QUEUE_SEL, 0);
    driver.write(QUEUE_SIZE, 4);
    driver.write(0x080, 0x8000_8000);
    expect(complaints()).toEqual([
      'virtio 1.2 §4.2.2.2: a queue is moved or resized while it is ready',
    ]);
    const at = driver.memory(8);
    const head = queue.add({ at, lengthBytes: 8, access: 'writable' });
    expect(device.queue(0).pop()).toBe(head);
    expect(device.queue(0).size).toBe(8);
  });
});

describe('interrupts', () => {
  it('hold the line until every bit is acknowledged', () => {
    const { driver, device, line } = liveTransport();
    device.interruptUsed();
    device.configChanged();
    expect(driver.read(INTERRUPT_STATUS)).toBe(3);
    driver.write(0x064, 1);
    expect(line.level).toBe('high');
    driver.write(0x064, 2);
    expect(line.level).toBe('low');
    expect(driver.read(INTERRUPT_STATUS)).toBe(0);
  });

  it('report an acknowledgement of a bit that does not exist', () => {
    const { driver, complaints } = liveTransport();
    driver.write(0x064, 4);
    expect(complaints()).toHaveLength(1);
  });

  it('count generations of configuration space, silently before DRIVER_OK', () => {
    const { driver, device, line } = transport();
    device.configChanged();
    expect(driver.read(CONFIG_GENERATION)).toBe(1);
    expect(line.level).toBe('low');
  });
});

describe('a broken queue', () => {
  it('sets NEEDS_RESET, interrupts, and takes no notifications until the reset', () => {
    const { driver, device, model, queue, line, complaints } = liveTransport();
    queue.availIdx = 100;
    device.queue(0).pop();

    expect(driver.status()).toBe(LIVE | NEEDS_RESET);
    expect(driver.read(INTERRUPT_STATUS)).toBe(2);
    expect(line.level).toBe('high');
    expect(device.live).toBe(false);
    expect(complaints()[0]).toMatch(/^virtio 1\.2 §2\.7\.13\.3: queue 0, rule 1: /);
    driver.notify(0);
    expect(model.events).toEqual([]);

    driver.write(STATUS, 0);
    expect(driver.status()).toBe(0);
    expect(driver.read(INTERRUPT_STATUS)).toBe(0);
    expect(line.level).toBe('low');
    expect(driver.queueReady(0)).toBe(0);
    driver.negotiate(VERSION_1);
    const fresh = driver.setUpQueue(0, 8);
    driver.driverOk();
    const head = fresh.add({ at: driver.memory(8), lengthBytes: 8, access: 'writable' });
    expect(device.queue(0).pop()).toBe(head);
  });
});
