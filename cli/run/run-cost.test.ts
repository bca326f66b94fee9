// `sddf run --cost` as a user runs it: programs' work takes virtual time by a table, the same in
// every run.

import { describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const TABLE = 'imx8mm';
const RUN = 'run echo --net loop --clock virtual --for 5ms';

async function run(line: string): Promise<{ status: number; out: string }> {
  const { status, stdout } = await sddfInProcess(...line.split(' '));
  return { status, out: stdout };
}

describe('sddf run --cost', () => {
  it('prices the work of programs, and gives the same text twice', async () => {
    const priced = await run(`${RUN} --cost ${TABLE} --json`);
    const again = await run(`${RUN} --cost ${TABLE} --json`);
    const free = await run(`${RUN} --json`);

    expect(priced.status).toBe(0);
    expect(again.out).toBe(priced.out);
    const result = JSON.parse(priced.out) as { packets: number; busyNs: number; timeNs: number };
    expect(result.busyNs).toBeGreaterThan(0);
    expect(result.busyNs).toBeLessThanOrEqual(result.timeNs);
    // In the same time, programs that cost something do less.
    const unpriced = JSON.parse(free.out) as { packets: number };
    expect(unpriced).not.toHaveProperty('busyNs');
    expect(result.packets).toBeLessThan(unpriced.packets);
  });

  it('tells CPU use to people', async () => {
    expect((await run(`${RUN} --cost ${TABLE}`)).out).toMatch(/CPU use +\d+\.\d % of a core/);
  });

  it('refuses what cannot be with one line', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      [`run echo --cost ${TABLE}`, /--cost: .* give --clock virtual too/],
      [`${RUN} --cost nowhere.json`, /cost table nowhere\.json: no such file/],
      [`${RUN} --cost nothing`, /cost table nothing: there is imx8mm; or give a file such as/],
      [`${RUN} --cost package.json`, /cost table package\.json: the table has no field 'version'/],
      ['bench net --quick --cost nowhere.json', /cost table nowhere\.json: no such file/],
    ];
    for (const [line, message] of cases) {
      const { status, stderr } = await sddfInProcess(...line.split(' '));

      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(status).toBe(2);
    }
  });
});
