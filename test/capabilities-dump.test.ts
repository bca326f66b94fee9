/**
 * Goal: the dump shows everything that the kernel holds, and nothing else, legibly. Method: small
 * systems are booted; the capabilities of the dump are counted against the kernel's own slots, the
 * text is a golden file, the picture is drawn.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graphviz } from '@hpcc-js/wasm-graphviz';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { capabilitiesOf } from '../cli/run/capabilities-watch.ts';
import { runProgram } from '../cli/program.ts';
import { Census } from '../kernel/inspect/census.ts';
import type { KernelState } from '../kernel/state.ts';
import { system } from '../microkit/builder.ts';
import { dumpDot } from '../microkit/capabilities-dump/dot.ts';
import type { CapabilityDump, DumpedCap } from '../microkit/capabilities-dump/dump.ts';
import { dumpText } from '../microkit/capabilities-dump/text.ts';
import type { SystemDescription } from '../microkit/model.ts';
import { timerDevice } from '../systems/devices.ts';
import { echo } from '../systems/echo.ts';
import { createTestbed } from '../systems/testbed.ts';

const RAM_BYTES = 2 ** 24;

interface Dumped {
  readonly dump: CapabilityDump;
  readonly census: Census;
  readonly state: KernelState;
}

/** Boots and dumps. */
function dumped(description: SystemDescription, ramBytes?: number): Dumped {
  const census = new Census();
  const testbed = createTestbed({
    system: description,
    clock: 'virtual',
    onCreate: census.onCreate,
    ...(ramBytes === undefined ? {} : { ramBytes }),
  });
  testbed.settle();
  return { dump: capabilitiesOf(testbed, census), census, state: testbed.kernel.state };
}

/** A client that calls a server with an interrupt; they share four pages. */
function pair(): SystemDescription {
  const sys = system({ name: 'pair' });
  const program = () => ({ notified: () => undefined });
  const server = sys.pd('server', { program, priority: 200 });
  const client = sys.pd('client', { program, priority: 50, budget: 100, period: 1000 });
  sys.channel(client, server, { a: { id: 7, pp: true }, b: { id: 3 } });
  const shared = sys.region('shared', { size: '16K' });
  client.map(shared, { perms: 'r' });
  server.map(shared);
  server.irq(timerDevice.irq, { id: 5 });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors[0]?.message);
  return built.system;
}

function echoSystem(): SystemDescription {
  const built = echo.build({ path: '5pd', clients: '2' });
  if (!built.ok) throw new Error(built.errors[0]?.message);
  return built.system;
}

function capAt(dump: CapabilityDump, holder: string, slot: number): DumpedCap {
  const found = dump.caps.find((cap) => cap.holder === holder && cap.slot === slot);
  if (found === undefined) throw new Error(`${holder}[${slot}] is not in the dump`);
  return found;
}

describe('a dump of capabilities', () => {
  it('has every slot of the kernel that is not empty, once', () => {
    const { dump, census, state } = dumped(pair(), RAM_BYTES);

    const places = dump.caps.map(({ holder, slot }) => `${holder}[${slot}]`);
    expect(dump.caps.length).toBe(census.look(state).slots.length);
    expect(new Set(places).size).toBe(places.length);
    expect(dump.caps.length).toBeGreaterThan(100);
  });

  it('names objects after the domains that have them, with rights, badges and guards', () => {
    const { dump } = dumped(pair(), RAM_BYTES);

    expect(capAt(dump, 'cnode_client', 74 + 7)).toMatchObject({
      object: 'endpoint_server',
      type: 'ep',
      rights: 'WP',
      badge: '0x8000000000000003',
    });
    expect(capAt(dump, 'cnode_server', 10 + 3)).toMatchObject({
      object: 'notification_client',
      type: 'notification',
      rights: 'W',
      badge: '0x80',
    });
    expect(capAt(dump, 'cspace_client', 0)).toMatchObject({
      object: 'cnode_client',
      guard: '0x0',
      guardSize: 49,
    });
    const client = dump.objects.find(({ name }) => name === 'tcb_client');
    expect(client?.properties).toMatchObject({ priority: 50, sc: 'sched_context_client' });
    const time = dump.objects.find(({ name }) => name === 'sched_context_client');
    expect(time?.properties).toEqual({ budgetUs: 100, periodUs: 1000 });
  });

  it('says what was derived from what', () => {
    const { dump } = dumped(pair(), RAM_BYTES);

    const copy = capAt(dump, 'cnode_client', 74 + 7);
    const original = dump.caps[copy.parent ?? -1];
    const untyped = dump.caps[original?.parent ?? -1];
    expect(original).toMatchObject({ object: 'endpoint_server', original: true, rights: 'RWGP' });
    expect(untyped?.type).toBe('ut');
    for (const [at, { parent }] of dump.caps.entries()) expect(parent ?? -1).toBeLessThan(at);
  });

  it('shows interrupts and address spaces', () => {
    const { dump } = dumped(pair(), RAM_BYTES);

    expect(dump.irqs).toEqual([
      { irq: timerDevice.irq, notification: 'notification_server', badge: '0x20' },
    ]);
    const spaceOf = (name: string) =>
      dump.addressSpaces.find(({ vspace }) => vspace === `vspace_${name}`)?.mappings ?? [];
    const [seen] = spaceOf('client').filter(({ region }) => region === 'shared');
    const [own] = spaceOf('server').filter(({ region }) => region === 'shared');
    expect(seen).toMatchObject({ sizeBytes: 16_384, pageBytes: 4096, device: false });
    expect(seen?.rights.slice(0, 2)).toBe('R-');
    expect(own?.rights.slice(0, 2)).toBe('RW');
    expect(seen?.paddr).toBe(own?.paddr);
  });

  it('reads as the golden text says', async () => {
    const { dump } = dumped(pair(), RAM_BYTES);

    const text = `${dumpText(dump).join('\n')}\n`;

    await expect(text).toMatchFileSnapshot('golden/capabilities-pair.txt');
  });

  it('draws every domain with its capabilities', async () => {
    const { dump } = dumped(echoSystem());

    const graphviz = await Graphviz.load();
    const svg = graphviz.dot(dumpDot(dump), 'svg');

    for (const name of ['ethernet_driver', 'net_virt_rx', 'client0', 'timer_driver', 'monitor']) {
      expect(svg).toContain(`>${name}</text>`);
    }
    expect(svg).toContain('>signals notification_ethernet_driver</text>');
    expect(svg).toContain('>WP, badge 0x8000000000000001</text>');
    expect(svg).toContain('>ethernet_driver_rx_data</text>');
    expect(svg.match(/class="edge"/g)?.length).toBeGreaterThan(10);
  });
});

describe('sddf run --dump-capabilities', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dump-'));
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    const out: string[] = [];
    const err: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
    vi.spyOn(console, 'error').mockImplementation((text: string) => void err.push(text));
    const status = await runProgram(['run', ...args]);
    return { status, out: out.join(''), err: err.join('') };
  }

  it('prints JSON and draws', async () => {
    const svg = join(tmpdir(), `dump-${process.pid}.svg`);

    const { status, out } = await run('hello', '--dump-capabilities', '--json', '--svg', svg);

    const dump = JSON.parse(out) as CapabilityDump;
    expect(status).toBe(0);
    expect(Object.keys(dump)).toEqual([
      'schema',
      'system',
      'objects',
      'caps',
      'irqs',
      'addressSpaces',
    ]);
    expect(dump.schema).toBe(1);
    expect(existsSync(svg) && readFileSync(svg, 'utf8')).toContain('>hello</text>');
    rmSync(svg);
  });

  it('prints text, and is refused what makes no sense', async () => {
    const { status, out } = await run('hello', '--dump-capabilities');
    const refused = await run('hello', '--svg', 'x.svg');

    expect(status).toBe(0);
    expect(out).toContain('cdt {');
    expect(refused.status).toBe(2);
    expect(refused.err).toContain('--svg draws what --dump-capabilities prints');
  });
});
