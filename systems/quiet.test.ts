/**
 * Goal: a run until all is quiet ends when nothing can happen any more, and not before; and a live
 * run sleeps while nobody waits for its time. A domain schedule goes round for ever, so time alone
 * is no sign of work. Method: systems with a schedule, one of them with a device's time-out ahead;
 * watchdogs; ready-made systems to which nobody sends.
 */

import { describe, expect, it } from 'vitest';
import { GOLDFISH_RTC_PLACE } from '../board/board.ts';
import { StagedLink } from '../board/links/staged-link.ts';
import { main as timerDriver } from '../drivers/timer/goldfish/driver.ts';
import { system, type SystemBuilder } from '../microkit/builder.ts';
import { type EntryPoints, messageInfo, type ProtectionDomain } from '../microkit/pd.ts';
import { timer } from '../microkit/sddf/timer.ts';
import { assemble, unimp } from '../test/support/assembler.ts';
import { described } from '../test/support/echo-testbed.ts';
import { machineProgram } from '../test/support/machine-system.ts';
import { TIMER_SET_TIMEOUT, type TimerClientConfig } from '../queues/timer/config.ts';
import { timerDevice } from './devices.ts';
import { systems } from './index.ts';
import { completeChoices } from './system.ts';
import { createTestbed, type Testbed } from './testbed.ts';

const SCHEDULE_NS = 3_000_000;
/** Registers of the Goldfish RTC (its documentation, "Registers"). */
const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const DELAY_NS = 50_000_000;
const TICK_NS = 10_000_000;
const TICKS_MAX = 5;

const idle: EntryPoints = { notified: () => undefined };

/** Three domains take turns of 1 ms each; the last of them is nobody's. */
function withSchedule(sys: SystemBuilder): SystemBuilder {
  sys.domains({
    domains: ['monitor', 'worker', 'nobody'],
    schedule: ['monitor', 'worker', 'nobody'].map((domain) => ({ domain, duration: '1000 us' })),
  });
  return sys;
}

/** A domain of this name executes one instruction, which is none: it faults, and is at rest. */
const MACHINE_CODE = 'machine_code';

function boot(sys: SystemBuilder, lines: string[] = []): Testbed {
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  return createTestbed({
    system: built.system,
    clock: 'virtual',
    images: new Map([[MACHINE_CODE, machineProgram(assemble([unimp]))]]),
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

/** A client of the timer that sets one time-out after another, and says whether it waits. */
function withTicks(
  kind: 'client' | 'watchdog',
  awaits: () => boolean,
  lines: string[],
  beside: 'nobody' | 'machine code' = 'nobody',
): Testbed {
  const sys = system({ name: 'test' });
  if (beside === 'machine code') sys.pd(MACHINE_CODE, { priority: 1 });
  const driver = sys.pd('timer_driver', { program: timerDriver, priority: 102, passive: true });
  const timers = timer(sys, { device: timerDevice, driver });
  const ticker = sys.pd('ticker', {
    program: (pd: ProtectionDomain<{ readonly timer: TimerClientConfig }>): EntryPoints => {
      const { channel } = pd.config.timer;
      const setTimeOut = (): void => {
        pd.setMr(0, TICK_NS);
        pd.ppcall(channel, messageInfo(TIMER_SET_TIMEOUT, 1));
      };
      setTimeOut();
      return {
        notified: () => {
          pd.log('tick');
          if (lines.length < TICKS_MAX) setTimeOut();
        },
        awaitsTime: awaits,
      };
    },
  });
  if (kind === 'watchdog') timers.addWatchdog(ticker);
  else timers.addClient(ticker);
  return boot(sys, lines);
}

describe('a timer that is set again and again', () => {
  it('keeps a run going while somebody counts on its time-outs', () => {
    const lines: string[] = [];
    const testbed = withTicks('client', () => false, lines);

    testbed.runUntilQuiet();

    expect(lines).toHaveLength(TICKS_MAX);
  });

  it('is none to wait for when it is a watchdog that has nothing to find', () => {
    const lines: string[] = [];
    const testbed = withTicks('watchdog', () => false, lines);

    testbed.runUntilQuiet();

    expect(testbed.now()).toBeLessThan(TICK_NS);
    expect(testbed.isQuiet).toBe(true);
    expect(testbed.nextEventAt()).toBeLessThan(Infinity);
    // It goes on looking when time is let pass.
    testbed.runUntil(3.5 * TICK_NS);
    expect(lines).toHaveLength(3);
  });

  it('is waited for as long as it has something to find', () => {
    const lines: string[] = [];
    const testbed = withTicks('watchdog', () => lines.length < 2, lines);

    testbed.runUntilQuiet();

    expect(lines).toHaveLength(2);
  });

  it.each(['nobody', 'machine code'] as const)(
    'need not be in time, live, while it would find nothing, beside %s',
    (beside) => {
      const testbed = withTicks('watchdog', () => false, [], beside);

      testbed.runUntil(TICK_NS / 2);

      expect(testbed.nextEventAt()).toBeLessThan(2 * TICK_NS);
      expect(testbed.nextNeededAt()).toBe(Infinity);
    },
  );

  it.each([
    ['somebody counts on it', 'client', false],
    ['it would find something', 'watchdog', true],
  ] as const)('has to be in time, live, when %s', (_, kind, awaits) => {
    const testbed = withTicks(kind, () => awaits, []);

    testbed.runUntil(TICK_NS / 2);

    expect(testbed.isIdle).toBe(true);
    expect(testbed.nextEventAt()).toBeLessThan(2 * TICK_NS);
    expect(testbed.nextNeededAt()).toBe(testbed.nextEventAt());
  });
});

/** So long that every driver's watchdog has looked, and every lost answer been waited for. */
const SETTLED_NS = 500_000_000;

/** A ready-made system on cables that nobody else is at. */
async function withCables(
  name: string,
  choices: Readonly<Record<string, string>>,
): Promise<Testbed> {
  const module = await systems.find((each) => each.name === name)?.load();
  if (module === undefined) throw new Error(`there is no system ${name}`);
  return createTestbed({
    system: described(module.build(completeChoices(module, choices))),
    clock: 'virtual',
    wires: ({ ram }) => ({
      net: new StagedLink({ ram }),
      ...(name === 'router' ? { furtherNets: [new StagedLink({ ram })] } : {}),
    }),
  });
}

describe('a ready-made system to which nobody sends', () => {
  it.each(['echo', 'vswitch', 'router'])('need not be run: %s', async (name) => {
    const testbed = await withCables(name, {});

    testbed.runUntil(SETTLED_NS);

    expect(testbed.isIdle).toBe(true);
    expect(testbed.nextNeededAt()).toBe(Infinity);
  });

  it('has to be run in time while it asks for an address', async () => {
    const testbed = await withCables('echo', { address: 'dhcp' });

    testbed.runUntil(SETTLED_NS);

    expect(testbed.nextNeededAt()).toBeLessThan(Infinity);
  });
});
