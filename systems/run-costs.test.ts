// Cost tables as files: what they leave out, and what is refused with one line.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULT_COSTS } from '../kernel/cost.ts';
import { parseCosts } from './run-costs.ts';

function problemOf(value: unknown): string {
  const read = parseCosts(typeof value === 'string' ? value : JSON.stringify(value));
  return read.ok ? 'none' : read.problem;
}

describe('a cost table', () => {
  it("takes the kernel's standard costs and free programs for what it leaves out", () => {
    const read = parseCosts(
      JSON.stringify({
        schema: 1,
        name: 'some',
        kernel: { kernelEntry: 7 },
        work: { copyPerByte: 0.5 },
        events: [{ domain: 'client*', counter: 'udpEchoed', cost: 9 }],
      }),
    );

    expect(read).toEqual({
      ok: true,
      costs: {
        name: 'some',
        kernel: { ...DEFAULT_COSTS, kernelEntry: 7 },
        machineCode: { instruction: 1, deviceAccess: 0 },
        work: {
          wakeUp: 0,
          queueOperation: 0,
          mmio: 0,
          copy: 0,
          copyPerByte: 0.5,
          checksumPerByte: 0,
        },
        deviceLatencyNs: 1000,
        events: [
          {
            domain: 'client*',
            counter: 'udpEchoed',
            cost: 9,
            queueOperations: 0,
            checksumBytes: 0,
          },
        ],
      },
    });
  });

  it.each([
    ['{"schema": 1', 'no JSON'],
    [[], 'the table is no object'],
    [{ schema: 2, name: 'x' }, 'schema is not 1: a table of another version'],
    [{ schema: 1 }, 'name is missing'],
    [{ schema: 1, name: 'x', unit: 'us' }, "unit is not 'ns'"],
    [{ schema: 1, name: 'x', kernal: {} }, "the table has no field 'kernal'"],
    [{ schema: 1, name: 'x', work: { copys: 1 } }, "work has no field 'copys'"],
    [{ schema: 1, name: 'x', kernel: { fault: -1 } }, 'kernel.fault is no number from 0'],
    [{ schema: 1, name: 'x', work: { mmio: '1' } }, 'work.mmio is no number from 0'],
    [{ schema: 1, name: 'x', work: 3 }, 'work is no object'],
    [{ schema: 1, name: 'x', deviceLatencyNs: 0 }, 'deviceLatencyNs is not above 0'],
    [{ schema: 1, name: 'x', events: {} }, 'events is no list'],
    [{ schema: 1, name: 'x', events: [{ counter: 'a' }] }, 'events[0].domain is no name'],
    [
      { schema: 1, name: 'x', events: [{ domain: 'a', counter: 'b', price: 1 }] },
      "events[0] has no field 'price'",
    ],
  ])('refuses %j', (value, problem) => {
    expect(problemOf(value)).toContain(problem);
    expect(problemOf(value)).not.toContain('\n');
  });

  it('is what every file of systems/costs is', () => {
    const folder = new URL('./costs/', import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      expect(problemOf(readFileSync(new URL(file, folder), 'utf8'))).toBe('none');
    }
  });
});
