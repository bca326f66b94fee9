/**
 * Goal: what goes wrong with disks, UARTs, rings and neighbours is borne, and what a system does
 * wrong there is found. Method: whole systems, one rule each; then a driver, a virtualiser and a
 * disk that lie.
 */

import { describe, expect, it } from 'vitest';
import { flatten } from '../microkit/model.ts';
import type { EntryPoints, Program } from '../microkit/pd.ts';
import { blkSystem } from '../systems/blk.ts';
import { echo } from '../systems/echo.ts';
import { serialSystem } from '../systems/serial.ts';
import { completeChoices, type SystemModule } from '../systems/system.ts';
import { NO_FAULTS, type Plan, type Rule } from './plan/plan.ts';
import { runWorld, type WorldOutcome } from './world.ts';

function build(module: SystemModule, choices: Readonly<Record<string, string>> = {}) {
  const built = module.build(completeChoices(module, choices));
  if (!built.ok) throw new Error('the system is built');
  return built.system;
}

const SYSTEMS = {
  blk: build(blkSystem),
  echo: build(echo),
  serial: build(serialSystem),
  console: build(serialSystem, { uart: 'virtio' }),
};

function plan(...rules: readonly Partial<Rule>[]): Plan {
  const usual = { when: {}, for: {}, parameters: {}, optional: 'no' } as const;
  return {
    name: 'test',
    rules: rules.map((each) => ({ at: '', fault: '', ...usual, ...each })),
  };
}

function world(
  name: keyof typeof SYSTEMS,
  chosen: Plan = NO_FAULTS,
  programs?: ReadonlyMap<string, Program>,
): WorldOutcome {
  const target = { system: SYSTEMS[name], ...(programs === undefined ? {} : { programs }) };
  return runWorld({ target, plan: chosen, seed: 1, amount: 120 });
}

describe('a world without faults', () => {
  it.each(['blk', 'serial'] as const)('of %s passes, and has worked', (name) => {
    const outcome = world(name);
    expect(outcome.violations).toEqual([]);
    const [asked = 0] = Object.values(outcome.traffic);
    expect(asked).toBeGreaterThanOrEqual(120);
  });
});

const NOW = { timeNs: 2_000_000 };
const SOON = { durationNs: 300_000 };

describe('a world', () => {
  it.each([
    ['blk', { at: 'blk0.read', fault: 'error', when: { every: 5 } }],
    ['blk', { at: 'blk0.read', fault: 'latent', when: { nth: [4] } }],
    ['blk', { at: 'blk0.read', fault: 'rot', when: { nth: [4] } }],
    ['blk', { at: 'blk0.write', fault: 'lose', when: { nth: [4] } }],
    ['blk', { at: 'blk0.write', fault: 'misdirect', when: { nth: [4] } }],
    ['blk', { at: 'blk0.write', fault: 'tear', when: { every: 4 } }],
    ['blk', { at: 'blk0.write', fault: 'stuck', when: { nth: [6] } }],
    ['blk', { at: 'blk0.write', fault: 'slow', when: { every: 3 } }],
    ['blk', { at: 'blk0.flush', fault: 'lie', when: { every: 2 } }],
    ['blk', { at: 'blk0.flush', fault: 'fail', when: { every: 2 } }],
    ['blk', { at: 'blk0.medium', fault: 'power-cut', when: NOW }],
    ['blk', { at: 'blk0.medium', fault: 'shrink', when: NOW, for: SOON }],
    ['blk', { at: 'blk0.medium', fault: 'read-only', when: NOW, for: SOON }],
    ['blk', { at: 'blk0.ring', fault: 'bad-status', when: { every: 7 } }],
    ['blk', { at: 'blk0.ring', fault: 'index-back', when: { nth: [9] } }],
    ['blk', { at: 'blk0.ring', fault: 'keep', when: { nth: [9] } }],
    ['blk', { at: 'blk0.ring', fault: 'in-window', when: { every: 3 } }],
    ['blk', { at: 'blk0.ring', fault: 'only-kicked', when: NOW, for: { durationNs: 5_000_000 } }],
    ['blk', { at: 'blk0.dma', fault: 'stale', when: { nth: [9] } }],
    ['blk', { at: 'blk0.device', fault: 'reset', when: NOW }],
    ['blk', { at: 'blk0.device', fault: 'needs-reset', when: NOW }],
    ['blk', { at: 'blk0.device', fault: 'unplug', when: NOW, for: SOON }],
    ['blk', { at: 'blk0.setup', fault: 'small-queue' }],
    ['blk', { at: 'blk0.ack', fault: 'lose', when: { every: 2 } }],
    ['console', { at: 'uart.setup', fault: 'small-queue', parameters: { bits: 2 } }],
    ['console', { at: 'uart.rx.ring', fault: 'overtaken', when: { every: 5 } }],
    ['console', { at: 'uart.rx.ring', fault: 'keep', when: { nth: [1] } }],
    ['serial', { at: 'uart.line.in', fault: 'framing', when: { every: 9 } }],
    ['serial', { at: 'uart.line.in', fault: 'burst', when: { every: 9 } }],
    ['serial', { at: 'uart.line.out', fault: 'lose', when: { every: 50 } }],
    ['serial', { at: 'uart.line', fault: 'break', when: { timeNs: 40_000_000 }, for: SOON }],
    ['serial', { at: 'uart.line', fault: 'baud', when: { timeNs: 40_000_000 }, for: SOON }],
    ['serial', { at: 'uart.line', fault: 'cts', when: { timeNs: 40_000_000 }, for: SOON }],
    ['serial', { at: 'uart.irq', fault: 'lose', when: { every: 10 } }],
    // Still deaf when the traffic is over: who is asked then is asked when it hears again.
    ['serial', { at: 'uart.irq', fault: 'lose', when: { every: 4 }, parameters: { for: 9e8 } }],
    ['echo', { at: 'net.rx.ring', fault: 'over-report', when: { every: 20 } }],
    ['echo', { at: 'net.rx.ring', fault: 'forge', when: { nth: [20] } }],
    ['echo', { at: 'net.tx.ring', fault: 'overtaken', when: { every: 4 } }],
    ['echo', { at: 'net.rx.ring', fault: 'in-window', when: { every: 4 } }],
    ['echo', { at: 'net.rx.ring', fault: 'only-kicked', when: NOW, for: SOON }],
    ['echo', { at: 'net.dma', fault: 'misplace', when: { every: 20 } }],
    ['echo', { at: 'net.config', fault: 'change', when: { nth: [1] } }],
    ['echo', { at: 'net.wire.in', fault: 'flood', when: { every: 10 } }],
    ['echo', { at: 'pd.client0', fault: 'kill', when: { nth: [9] } }],
    ['echo', { at: 'pd.client0', fault: 'sleep', when: { nth: [9] }, for: { times: 200 } }],
    ['echo', { at: 'pd.client0', fault: 'babble', when: { every: 9 } }],
    ['echo', { at: 'pd.net_virt_rx.entry', fault: 'late', when: { every: 9 } }],
    ['echo', { at: 'rtc.clock', fault: 'jump', when: NOW }],
    ['echo', { at: 'queue.net_virt_tx_client0_tx_active', fault: 'tail', when: NOW }],
    ['echo', { at: 'queue.net_virt_tx_client0_tx_active', fault: 'outside', when: NOW }],
  ] as const)('of %s bears %j', (name, rule) => {
    const outcome = world(name, plan(rule as unknown as Partial<Rule>));
    expect(outcome.strikes.length).toBeGreaterThan(0);
    expect(outcome.violations).toEqual([]);
    expect(outcome.verdict).toBe('passed');
  });

  it('in which a client’s program dies says which, and excuses nobody else', () => {
    const dying = plan({ at: 'pd.client0', fault: 'kill', when: { nth: [9] } });
    expect(world('echo', dying).traffic['answered']).toBeGreaterThan(40);
  });
});

/** The same program, which at one wake-up in so many does nothing. */
function forgetful(system: (typeof SYSTEMS)['blk'], domain: string, every: number) {
  const program = flatten(system).find(({ pd }) => pd.name === domain)?.pd.image.program;
  if (program === undefined) throw new Error('the domain has a program');
  let count = 0;
  const changed: Program = (pd) => {
    const inner: EntryPoints = (program as unknown as Program)(pd);
    return {
      ...inner,
      notified: (channel) => {
        count += 1;
        if (count % every !== 0) inner.notified(channel);
      },
    };
  };
  return new Map<string, Program>([[domain, changed]]);
}

describe('a system that does something wrong', () => {
  it('to requests for a disk is found', () => {
    const outcome = world('blk', NO_FAULTS, forgetful(SYSTEMS.blk, 'blk_virt', 40));
    expect(outcome.violations.map(({ oracle }) => oracle)).toContain('progress');
  });

  it('to characters is found', () => {
    const outcome = world('serial', NO_FAULTS, forgetful(SYSTEMS.serial, 'serial_virt_rx', 3));
    expect(outcome.verdict).toBe('failed');
  });
});
