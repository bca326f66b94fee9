/**
 * Goal: a run until all is quiet ends when nothing can happen any more, and not before. A domain schedule goes round for
 * ever, so time alone is no sign of work. Method: systems with a schedule, one of them with a device's time-out ahead.
 */

import { describe, expect, it } from 'vitest';
import { GOLDFISH_RTC_PLACE } from '../board/board.ts';
import { system, type SystemBuilder } from '../microkit/builder.ts';
import type { EntryPoints } from '../microkit/pd.ts';
import { createTestbed, type Testbed } from './testbed.ts';

const SCHEDULE_NS = 3_000_000;
/** Registers of the Goldfish RTC (its documentation, "Registers"). */
const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const DELAY_NS = 50_000_000;

const idle: EntryPoints = { notified: () => undefined };

/** Three domains take turns of 1 ms each; the last of them is nobody's. */
function withSchedule(sys: SystemBuilder): SystemBuilder {
  sys.domains({
    domains: ['monitor', 'worker', 'nobody'],
    schedule: ['monitor', 'worker', 'nobody'].map((domain) => ({ domain, duration: '1000 us' })),
  });
  return sys;
}

function boot(sys: SystemBuilder, lines: string[] = []): Testbed {
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  return createTestbed({
    system: built.system,
    clock: 'virtual',
    observer: {
      log: (pd, line) => {
        if (pd !== 'monitor') lines.push(line);
      },
    },
  });
}

describe('a system with a domain schedule', () => {
  it('is quiet when nobody has anything to do, although the schedule goes on', () => {
    const lines: string[] = [];
    const sys = withSchedule(system({ name: 'test' }));
    const program = (pd: { log: (text: string) => void }): EntryPoints => {
      pd.log('init');
      return idle;
    };
    sys.pd('worker', { program, domain: 'worker' });
    const testbed = boot(sys, lines);

    testbed.runUntilQuiet();

    expect(lines).toEqual(['init']);
    expect(testbed.isQuiet).toBe(true);
    expect(testbed.nextEventAt()).toBeLessThan(Infinity);
    expect(testbed.now()).toBeLessThan(3 * SCHEDULE_NS);
  });

  it('keeps to its turns when time is let pass afterwards', () => {
    const sys = withSchedule(system({ name: 'test' }));
    sys.pd('worker', { program: () => idle, domain: 'worker' });
    const testbed = boot(sys);
    testbed.runUntilQuiet();
    const quietAt = testbed.now();

    expect(testbed.runUntil(quietAt + 10 * SCHEDULE_NS)).toBe('time');
    expect(testbed.now()).toBe(quietAt + 10 * SCHEDULE_NS);
  });

  it('waits for work of a domain whose turn is still to come, and for a device', () => {
    const lines: string[] = [];
    const sys = withSchedule(system({ name: 'test' }));
    const registers = sys.region('rtc', { size: 0x1000, physAddr: GOLDFISH_RTC_PLACE.base });
    const worker = sys.pd('worker', {
      domain: 'worker',
      program: (pd) => {
        const device = pd.deviceRegion('rtc');
        const now = device.read32(TIME_LOW) + device.read32(TIME_HIGH) * 2 ** 32;
        const alarm = now + DELAY_NS;
        device.write32(ALARM_HIGH, Math.floor(alarm / 2 ** 32));
        device.write32(IRQ_ENABLED, 1);
        device.write32(ALARM_LOW, alarm % 2 ** 32);
        return { notified: () => pd.log('alarm') };
      },
    });
    worker.map(registers, { perms: 'rw', cached: false });
    worker.irq(GOLDFISH_RTC_PLACE.irq);
    const testbed = boot(sys, lines);
    expect(testbed.isQuiet).toBe(false);

    testbed.runUntilQuiet();

    expect(lines).toEqual(['alarm']);
    expect(testbed.now()).toBeGreaterThanOrEqual(DELAY_NS);
    expect(testbed.isQuiet).toBe(true);
  });
});
