// `sddf trace` and `sddf path` as a user runs them: files, rows, and one line for each mistake.

import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'trace-'));
const VIRTUAL = '--net loop --clock virtual --for 100us';

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly errors: string;
}

async function sddf(line: string): Promise<Ended> {
  const { status, stdout, stderr } = await sddfInProcess(...line.split(' '));
  return { status, out: stdout, errors: stderr };
}

/** What it says about a mistake: the last line, the only one of `sddf`'s own. */
async function complaint(line: string) {
  const { status, stderr } = await sddfInProcess(...line.split(' '));
  const lines = stderr.split('\n').filter((one) => one.startsWith('sddf: '));
  return { status, lines };
}

interface Row {
  readonly name: string;
  readonly [field: string]: string | number;
}

function rowsOf({ out }: Ended): readonly Row[] {
  return (JSON.parse(out) as { results: readonly Row[] }).results;
}

describe('sddf trace', async () => {
  it('writes the same file twice under the virtual clock', async () => {
    const files = ['once', 'again'].map((name) => join(folder, `${name}.json`));
    for (const file of files) {
      expect((await sddf(`trace echo -o ${file} ${VIRTUAL} --seed 7`)).status).toBe(0);
    }

    const [once, again] = files.map((file) => readFileSync(file, 'utf8'));
    expect(once).toBe(again);
    expect(JSON.parse(once ?? '')).toMatchObject({
      otherData: { clock: 'virtual', system: 'echo', seed: 7 },
    });
  });

  it('keeps the newest events, and says how many it has dropped', async () => {
    const file = join(folder, 'ring.json');
    const { out } = await sddf(
      `trace echo -o ${file} --net loop --clock virtual --for 1ms --events 1024`,
    );

    expect(out).toMatch(
      /ring\.json: 1,024 events of echo, [\d,]+ older ones dropped \(see --events\)/,
    );
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      otherData: { eventsRecorded: 1024 },
    });
  });

  it('has times that go on under the host clock too', async () => {
    const file = join(folder, 'host.json');
    expect((await sddf(`trace echo -o ${file} --net loop --for 100ms`)).status).toBe(0);

    const { otherData, traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly otherData: Readonly<Record<string, unknown>>;
      readonly traceEvents: readonly {
        readonly ph: string;
        readonly pid: number;
        readonly ts: number;
        readonly dur: number;
      }[];
    };
    expect(otherData).toMatchObject({ clock: 'host' });
    const slices = traceEvents.filter(({ ph, pid }) => ph === 'X' && pid === 1);
    expect(slices.length).toBeGreaterThan(0);
    const overlaps = slices.filter(({ ts }, index) => {
      const before = slices[index - 1];
      return before !== undefined && Math.round((before.ts + before.dur - ts) * 1000) > 0;
    });
    expect(overlaps).toEqual([]);
  });

  it('adds host times when asked', async () => {
    const file = join(folder, 'both.json');
    expect((await sddf(`trace echo -o ${file} ${VIRTUAL} --host-times`)).status).toBe(0);

    expect(readFileSync(file, 'utf8')).toMatch(/"ph":"X".*"hostNs":\d/);
  });

  it('prints the counters as rows', async () => {
    const rows = rowsOf(await sddf(`trace echo -o ${join(folder, 'rows.json')} ${VIRTUAL} --json`));

    const wasted = rows.filter(({ name }) => name === 'trace/wasted wake-ups');
    expect(wasted.map(({ domain }) => domain)).toContain('net_virt_rx');
    const batches = rows.filter(({ name }) => name === 'trace/batches');
    expect(batches.length).toBeGreaterThan(3);
    expect(
      rows.find(({ name, device }) => name === 'trace/register writes' && device === 'virtio_net'),
    ).toMatchObject({ unit: 'accesses' });
  });

  it('says in one line what is wrong, and leaves no file behind', async () => {
    const there = join(folder, 'there.json');
    writeFileSync(there, 'mine');
    const file = join(folder, 'none.json');

    expect(await complaint(`trace ecko -o ${file}`)).toEqual({
      status: 2,
      lines: [expect.stringContaining("no system 'ecko' (did you mean echo?)")],
    });
    expect(existsSync(file)).toBe(false);
    expect(await complaint(`trace echo -o ${there} ${VIRTUAL}`)).toEqual({
      status: 2,
      lines: [`sddf: ${there}: is there already; name another file, or add --force`],
    });
    expect(readFileSync(there, 'utf8')).toBe('mine');
    for (const force of ['', ' --force']) {
      expect(await complaint(`trace echo -o ${folder} ${VIRTUAL}${force}`)).toEqual({
        status: 2,
        lines: [`sddf: ${folder}: is a directory; name a file`],
      });
    }
    expect((await complaint(`trace echo -o ${folder}/no/such/place.json`)).lines).toEqual([
      expect.stringContaining('no such file or directory'),
    ]);
    expect((await complaint('trace echo')).lines).toEqual([expect.stringContaining('--output')]);
    expect(await complaint(`trace echo -o ${file} --events 5`)).toMatchObject({ status: 2 });
  });

  it('replaces a file with --force', async () => {
    const file = join(folder, 'old.json');
    writeFileSync(file, 'x'.repeat(10_000_000));

    expect((await sddf(`trace echo -o ${file} ${VIRTUAL} --force`)).status).toBe(0);
    expect(() => JSON.parse(readFileSync(file, 'utf8')) as unknown).not.toThrow();
  });
});

describe('sddf path', async () => {
  it('prints the hops, and draws them', async () => {
    const file = join(folder, 'path.svg');
    const { status, out } = await sddf(`path echo --packet 5 --svg ${file}`);

    expect(status).toBe(0);
    expect(out).toMatch(
      /^echo, packet 5: 60 bytes, answered on the wire after .*; 2 copies, 120 bytes copied$/m,
    );
    expect(out).toMatch(/net_copier +copies 60 bytes +client\d_rx_data\+0x/);
    const svg = readFileSync(file, 'utf8');
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^]*<\/svg>\n$/);
    expect(svg.match(/>copy 60 B</g)).toHaveLength(2);
    expect(svg.match(/class="at"/g)).toHaveLength(8);
  });

  it('prints a row for each hop', async () => {
    const rows = rowsOf(await sddf('path echo --json --path 4pd'));

    const hops = rows.filter(({ name }) => name === 'path/hop');
    expect(hops.map(({ hop }) => hop)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(hops.reduce((sum, { copies }) => sum + Number(copies), 0)).toBe(1);
    expect(rows.filter(({ name }) => name === 'path/return').length).toBeGreaterThan(2);
  });

  it('follows a packet through a switch', async () => {
    const rows = rowsOf(await sddf('path vswitch --json'));

    const hops = rows.filter(({ name }) => name === 'path/hop');
    expect(hops.map(({ at, what }) => `${String(at)} ${String(what)}`)).toEqual([
      'NIC received',
      'ethernet_driver passed',
      'net_virt_rx passed',
      'vswitch passed',
      'client0_net_copier copied',
      'client0 answered',
      'vswitch passed',
      'net_virt_tx passed',
      'ethernet_driver passed',
      'NIC sent',
    ]);
  });

  it('says in one line what is wrong', async () => {
    expect(await complaint('path echo --packet 100000 --for 1ms')).toEqual({
      status: 2,
      lines: [expect.stringMatching(/the NIC has taken only \d+ in this run/)],
    });
    expect(await complaint('path hello')).toEqual({
      status: 2,
      lines: ['sddf: hello: the system has no NIC, and path follows frames'],
    });
    expect((await complaint('path echo --packet 0')).status).toBe(2);
    expect((await complaint(`path echo --svg ${folder}`)).lines).toEqual([
      expect.stringContaining(folder),
    ]);
  });
});
