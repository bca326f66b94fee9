// check, render, graph and report: what they write, and their exit status.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { system } from '../../microkit/builder.ts';
import { net } from '../../microkit/sddf/net.ts';
import { timer } from '../../microkit/sddf/timer.ts';
import { networkDevice, timerDevice } from '../../systems/devices.ts';
import { draw } from './graph.ts';
import { runProgram } from '../program.ts';

const folder = mkdtempSync(join(tmpdir(), 'description-'));
const wrong = join(folder, 'wrong.system');
writeFileSync(wrong, '<system>\n  <memory_region name="m" size="1" />\n</system>\n');

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(...args: string[]): Promise<{ status: number; out: string; errors: string }> {
  const errors: string[] = [];
  const out: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((text: string) => void errors.push(text));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out.push(String(text));
    return true;
  });
  const status = await runProgram(args);
  return { status, out: out.join(''), errors: errors.join('\n') };
}

describe('check', () => {
  it('shows no control characters of a file to the terminal', async () => {
    const binary = join(folder, 'binary.system');
    writeFileSync(binary, '<system>\u001b[31m\u0007</system>');
    const { status, out } = await run('check', binary);

    expect(status).toBe(2);
    expect(out).toContain('<system>\ufffd[31m\ufffd</system>');
    expect(out).not.toContain('\u001b');
  });

  it('shows every error with its place, and ends with 2', async () => {
    const { status, out } = await run('check', wrong);

    expect(status).toBe(2);
    expect(out.split('\n')).toEqual([
      `${wrong}:2:27: Error: size is not a multiple of the page size on element 'memory_region': ${wrong}:2:3`,
      '  2 |   <memory_region name="m" size="1" />',
      '    |                           ^^^^^^^^',
      '  hint: the next multiple is 0x1000',
      'Error: at least one protection domain must be defined',
      `${wrong}:2:3: warning: unused memory region 'm'`,
      '  2 |   <memory_region name="m" size="1" />',
      '    |   ^^^^^^^^^^^^^^',
      `${wrong}: 2 errors, 1 warning`,
      '',
    ]);
  });

  it('prints the same as JSON', async () => {
    const { status, out } = await run('check', '--json', wrong);

    expect(status).toBe(2);
    expect(JSON.parse(out)).toMatchObject([
      {
        file: wrong,
        ok: false,
        diagnostics: [{ severity: 'error', line: 2, column: 27, length: 8 }, {}, {}],
      },
    ]);
  });

  it.each([
    [['check', '/nope.system'], '/nope.system: no such file or directory'],
    [['check', folder], 'is a directory'],
    [['check', '--arch', 'mips', wrong], "no architecture 'mips'; there are riscv64"],
    [['check', '--cores', 'x', wrong], "--cores: 'x' is no number"],
    [['graph', 'echo', '-o', 'x.png'], "'.png' is no format of a graph"],
    [['graph', 'echo', '--format', 'gif'], "'gif' is no format of a graph"],
    [['graph', wrong], '2 errors in the description'],
    [['graph', 'echo', '-o', '/nope/x.svg'], '/nope/x.svg: no such file'],
    [['report', 'echo', '--set', 'x'], "'x' is not NAME=VALUE"],
    [['report', 'ehco'], "no system 'ehco'"],
    [['render', 'echo'], "required option '-o, --output <dir>' not specified"],
  ])('%j is a mistake of the user', async (args, expected) => {
    const { status, errors } = await run(...args);

    expect(errors).toContain(expected);
    expect(status).toBe(2);
  });
});

describe('render', () => {
  it('writes files that check finds right and that describe the same system', async () => {
    const written = await run('render', 'echo', '-o', folder);
    const file = join(folder, 'echo.system');
    const checked = await run('check', '--programs', '--search-path', '.', file);
    const before = await run('report', 'echo');
    const after = await run('report', file);

    expect(written.out.trim().split('\n')).toHaveLength(3);
    expect(checked.out).toContain('right: 8 protection domains, 32 memory regions, 11 channels');
    expect(after.out).toBe(before.out);
    expect(readFileSync(join(folder, 'echo.report.txt'), 'utf8')).toBe(before.out);
  });

  it('refuses a configuration that no file can hold', async () => {
    const file = join(folder, 'big.mjs');
    const builder = join(import.meta.dirname, '../../microkit/builder.ts');
    writeFileSync(
      file,
      `import { system } from '${builder}';
const sys = system({ name: 'big' });
sys.pd('a', { program: () => ({ notified() {} }), config: { n: 5n } });
export const build = () => sys.build();
`,
    );
    const { status, errors } = await run('render', file, '-o', folder);

    expect(errors).toBe(
      "sddf: a's config.n is of the type bigint, which a file of configurations (JSON) has no place for",
    );
    expect(status).toBe(2);
  });

  it('are held against each other: a changed configuration is found', async () => {
    await run('render', 'echo', '-o', folder);
    const config = join(folder, 'echo.config.json');
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('"capacity": 512', '"capacity": 500'),
    );
    const checked = await run('check', join(folder, 'echo.system'));
    writeFileSync(config, '{"nobody": {}}');
    const unknown = await run('check', join(folder, 'echo.system'));
    writeFileSync(config, '{');
    const malformed = await run('check', join(folder, 'echo.system'));

    expect(checked.out).toContain("Error: capacity 500 of 'ethernet_driver_net_virt_rx_rx_active'");
    expect(unknown.errors).toContain("'nobody' is no protection domain of the description");
    expect(malformed.errors).toContain('echo.config.json: ');
    expect([checked.status, unknown.status, malformed.status]).toEqual([2, 2, 2]);
  });

  it('ends with one line where no folder can be made', async () => {
    writeFileSync(join(folder, 'file'), '');
    const inFile = await run('render', 'echo', '-o', join(folder, 'file', 'deep'));
    const inProc = await run('render', 'echo', '-o', '/proc/nothing/deep');

    expect([inFile.status, inProc.status]).toEqual([2, 2]);
    expect(inFile.errors).toMatch(/^sddf: .*file\/deep.*$/);
    expect(inProc.errors).toMatch(/^sddf: \/proc\/nothing.*$/);
  });

  it('says which programs a search path does not have', async () => {
    const file = join(folder, 'missing.system');
    const pd = '<protection_domain name="p"><program_image path="no.ts" /></protection_domain>';
    writeFileSync(file, `<system>${pd}</system>`);
    const empty = mkdtempSync(join(folder, 'empty-'));
    const checked = await run('check', '--programs', '--search-path', empty, file);

    expect(checked.status).toBe(2);
    expect(checked.out).toContain("unable to find program image: 'no.ts'");
    expect(checked.out).toContain(`looked for in ${empty}, ${folder}, .`);
  });

  it.each(['../secret', 'inner/../../secret', '/../../../../../../etc/hostname', 'link'])(
    'does not fill a region, or load a program, from outside its folders: %s',
    async (name) => {
      const own = join(folder, 'own');
      mkdirSync(join(own, 'inner'), { recursive: true });
      writeFileSync(join(folder, 'secret'), 'not for everybody');
      if (!existsSync(join(own, 'link'))) symlinkSync('../secret', join(own, 'link'));
      const file = join(own, 'curious.system');
      const region = `<memory_region name="r" prefill_path="${name}" />`;
      const pd = `<protection_domain name="p"><program_image path="${name}" /></protection_domain>`;
      writeFileSync(file, `<system>${region}${pd}</system>`);
      const prefilled = await run('check', file);
      expect(prefilled.out).toContain(`unable to find prefill file: '${name}'`);
      writeFileSync(file, `<system>${pd}</system>`);
      const checked = await run('check', '--programs', file);
      expect(checked.out).toContain(`unable to find program image: '${name}'`);
    },
  );
});

/** Sixty domains: a driver, two virtualisers, a timer, and 28 clients with copiers. */
function sixty() {
  const sys = system({ name: 'sixty' });
  const driver = sys.pd('ethernet_driver', { priority: 101 });
  const virtualisers = {
    rx: sys.pd('virt_rx', { priority: 99 }),
    tx: sys.pd('virt_tx', { priority: 100 }),
  };
  const network = net(sys, { device: networkDevice, driver, ...virtualisers });
  const time = timer(sys, {
    device: timerDevice,
    driver: sys.pd('timer_driver', { priority: 150, passive: true }),
  });
  for (let index = 0; index < 28; index += 1) {
    const client = sys.pd(`client${index}`, { priority: 90 });
    network.addClient(client, { copier: sys.pd(`copier${index}`, { priority: 95 }) });
    time.addClient(client);
  }
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors[0]?.message);
  return built.system;
}

describe('graph', () => {
  it('draws every domain, its channels and its devices', async () => {
    const { out } = await run('graph', 'echo');

    for (const name of ['ethernet_driver', 'net_virt_rx', 'client0_net_copier', 'client1']) {
      expect(out).toContain(`>${name}</text>`);
    }
    expect(out).toContain('irq 1 ');
    expect(out).toContain('priority 101');
    expect(out).toContain('rx_free, rx_active: 12K rw|rw');
  });

  it('stays a picture that fits a screen with sixty domains', async () => {
    const svg = await draw(sixty(), 'svg');
    const [, width, height] = /<svg width="(\d+)pt" height="(\d+)pt"/.exec(svg) ?? [];

    expect(svg.match(/>copier\d+<\/text>/g)).toHaveLength(28);
    // 28 lines of calls to the timer, and 29 from the receive buffers, are words instead.
    expect(svg).toContain('called by 28 domains');
    expect(svg.match(/>calls timer_driver on \d+<\/text>/g)).toHaveLength(28);
    expect(svg).toMatch(/>r: virt_rx copier0 [^<]*<\/text>/);
    expect(svg).toContain('… 29 domains');
    expect(svg.match(/<g id="edge/g)?.length).toBeLessThan(110);
    expect(Number(width)).toBeLessThan(4500);
    expect(Number(height)).toBeLessThan(3000);
  });

  it('speaks Mermaid', async () => {
    const { out } = await run('graph', 'echo', '--format', 'mermaid');

    expect(out).toMatch(
      /^flowchart TB\n {2}subgraph prio102\["priority 102"\]\n {4}pd0\["timer_driver/,
    );
  });

  const converter = spawnSync('rsvg-convert', ['--version']).status === 0;
  it.skipIf(!converter)('is a picture for librsvg: rendered to PNG', async () => {
    const svg = join(folder, 'echo.svg');
    const png = join(folder, 'echo.png');
    await run('graph', 'echo', '-o', svg);
    const { status } = spawnSync('rsvg-convert', [svg, '-o', png]);
    const bytes = readFileSync(png);

    expect(status).toBe(0);
    expect(existsSync(png)).toBe(true);
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect(bytes.readUInt32BE(16)).toBeGreaterThan(800); // width in pixels
    expect(bytes.length).toBeGreaterThan(50_000); // something is drawn in it
  });
});
