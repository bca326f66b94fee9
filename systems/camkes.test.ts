// CAmkES's connectors: what they lower to, and that the assembly does what it says.

import { describe, expect, it } from 'vitest';
import { type BuildResult, system } from '../microkit/builder.ts';
import { seL4RPCCall, seL4SharedData } from '../microkit/camkes.ts';
import type { SystemDescription } from '../microkit/model.ts';
import { camkes } from './camkes.ts';
import { createTestbed } from './testbed.ts';

function sound(result: BuildResult): SystemDescription {
  if (!result.ok) throw new Error(result.errors.map((error) => error.message).join('\n'));
  return result.system;
}

describe('a CAmkES assembly', () => {
  it('calls, shares and ticks', () => {
    const lines: string[] = [];
    const testbed = createTestbed({
      system: sound(camkes.build({})),
      clock: 'virtual',
      observer: { log: (pd, line) => lines.push(`${pd}: ${line}`) },
    });

    testbed.runUntilQuiet();

    expect(lines.slice(1)).toEqual([
      'echo: hello, world',
      'client: the server has printed 12 characters',
      'client: tick',
    ]);
    expect(testbed.now()).toBeGreaterThanOrEqual(1_000_000_000);
  });

  it('lowers connectors to channels, regions and interrupts', () => {
    const description = sound(camkes.build({}));

    expect(description.channels).toEqual([
      {
        a: { pd: 'client', id: 0, pp: true, notify: false },
        b: { pd: 'echo', id: 0, pp: false, notify: false },
      },
      {
        a: { pd: 'timer', id: 1, pp: false, notify: true },
        b: { pd: 'client', id: 1, pp: false, notify: false },
      },
    ]);
    expect(description.regions.map(({ name }) => name)).toEqual([
      'client_echo_buffer',
      'timer_regs',
    ]);
    expect(description.protectionDomains[0]?.maps[0]?.permissions).toBe('r');
  });

  it('tells callers of one interface apart by their channels', () => {
    const sys = system({ name: 'many' });
    const server = sys.pd('server', { priority: 2 });
    const callers = ['a', 'b', 'c'].map((name) => sys.pd(name, { priority: 1 }));
    seL4RPCCall(sys, { name: 'service', from: callers, to: server });

    expect(sound(sys.build()).protectionDomains[0]?.config).toEqual({
      service: { channels: [0, 1, 2] },
    });
  });

  it('names both sides of a call against the priorities, which CAmkES would let pass', () => {
    const sys = system({ name: 'inverted' });
    const server = sys.pd('server', { priority: 1 });
    seL4RPCCall(sys, { name: 'service', from: [sys.pd('client', { priority: 1 })], to: server });
    const result = sys.build();

    expect(result.ok).toBe(false);
    expect(!result.ok && result.errors[0]?.message).toBe(
      "Error: seL4RPCCall from 'client' (priority: 1) to 'server' (priority: 1): the callee must have the higher priority",
    );
  });

  it('maps a dataport that is to be written only for reading too', () => {
    const sys = system({ name: 'access' });
    seL4SharedData(sys, { name: 'data', between: [{ pd: sys.pd('p', {}), access: 'W' }] });

    expect(sound(sys.build()).protectionDomains[0]?.maps[0]?.permissions).toBe('rw');
  });
});
