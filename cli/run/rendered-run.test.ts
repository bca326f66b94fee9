// Goal: a system that was written as files runs like the built-in one, wherever the files lie, down
// to the last counter. Method: `render`, then both are run as a user runs them, from another
// folder, and their JSON is compared as text.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfInFolder } from '../../test/support/sddf-in-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'rendered-'));

afterAll(() => rmSync(folder, { recursive: true }));

async function sddf(line: string): Promise<{ status: number; out: string; errors: string }> {
  const { status, stdout, stderr } = await sddfInFolder(folder, ...line.split(' '));
  return { status, out: stdout, errors: stderr };
}

describe('a rendered system', () => {
  it.each([
    ['echo', '--net loop --clock virtual --for 5ms --json'],
    ['serial', '--clock virtual --for 5ms --json'],
    ['passive_server', '--clock virtual --json'],
  ])('counts what the built-in one counts: %s', { timeout: 600_000 }, async (name, options) => {
    expect((await sddf(`render ${name} -o d`)).status).toBe(0);

    const built = await sddf(`run ${name} ${options}`);
    const rendered = await sddf(`run d/${name}.system ${options}`);

    expect(rendered.status).toBe(0);
    expect(rendered.out).toBe(built.out);
    expect(rendered.out).toContain(`"system":"${name}"`);
  });

  it('has counters that are not zero', { timeout: 600_000 }, async () => {
    expect((await sddf('render echo -o e')).status).toBe(0);
    const { out } = await sddf('run e/echo.system --net loop --clock virtual --for 5ms --json');
    const { packets, copies, programs } = JSON.parse(out) as {
      packets: number;
      copies: number;
      programs: Record<string, Record<string, number>>;
    };

    expect(packets).toBeGreaterThan(100);
    expect(copies).toBeGreaterThanOrEqual(2 * packets);
    expect(programs['client0_net_copier']?.['copies']).toBeGreaterThan(100);
  });
});

describe('a description with registers that the board does not have', () => {
  it('is told who attaches the device', { timeout: 600_000 }, async () => {
    const region = '<memory_region name="regs" size="0x1000" phys_addr="0x50000000" />';
    const pd =
      '<protection_domain name="p"><program_image path="own.ts" />' +
      '<map mr="regs" vaddr="0x20000000" perms="rw" cached="false" /></protection_domain>';
    writeFileSync(join(folder, 'own.ts'), 'export const main = () => ({ notified() {} });\n');
    writeFileSync(join(folder, 'own.system'), `<system>${region}${pd}</system>`);

    const { status, errors } = await sddf('run own.system');
    expect(status).toBe(2);
    expect(errors).toMatch(
      /^sddf: .*neither RAM nor a device there; .* a \.ts: run that instead\n$/,
    );
  });
});

describe('a description that sets variables of a program', () => {
  function description(symbol: string): string {
    const map = `<map mr="m" vaddr="0x20000000" setvar_vaddr="${symbol}" />`;
    return (
      '<system><memory_region name="m" size="0x1000" /><protection_domain name="p">' +
      `<program_image path="p.ts" />${map}</protection_domain></system>`
    );
  }

  it('is held against what the program declares', { timeout: 600_000 }, async () => {
    const program =
      "export const symbols = ['m_vaddr'];\nexport const main = () => ({ notified() {} });\n";
    writeFileSync(join(folder, 'p.ts'), program);
    writeFileSync(join(folder, 'good.system'), description('m_vaddr'));
    writeFileSync(join(folder, 'wrong.system'), description('m_vadr'));

    expect((await sddf('run good.system')).status).toBe(0);
    const wrong = await sddf('run wrong.system');
    expect(wrong.status).toBe(2);
    expect(wrong.errors).toBe(
      "sddf: protection domain 'p': setvar on symbol 'm_vadr', which p.ts does not declare; did you mean m_vaddr?\n",
    );
  });
});
