// Goal: Microkit's own examples say here what their documentation and programs say there. Method:
// each is run under the virtual clock until nothing is left to happen (or for a time), and all of
// its output is compared.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { renderConfigs, withConfigs } from '../../microkit/config-file.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { flatten } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';
import { readSystemText } from '../../microkit/read/text.ts';
import { RISCV64 } from '../../microkit/target.ts';
import { prefilledBytes } from '../../microkit/validate.ts';
import { renderXml } from '../../microkit/xml/render.ts';
import type { SystemModule } from '../system.ts';
import { createTestbed } from '../testbed.ts';
import { capSharing } from './cap-sharing.ts';
import { domains } from './domains.ts';
import { ethernetSplit } from './ethernet-split.ts';
import { hello } from './hello.ts';
import { hierarchy } from './hierarchy.ts';
import { mrPrefill } from './mr-prefill.ts';
import { passiveServer } from './passive-server.ts';
import { setvar } from './setvar.ts';
import { timer } from './timer.ts';

const ROOT = join(import.meta.dirname, '../..');
const MONITOR = 'MON|INFO: Microkit Monitor started!';

function built(module: SystemModule): SystemDescription {
  const result = module.build({});
  if (!result.ok) throw new Error(result.errors.map((error) => error.message).join('\n'));
  return result.system;
}

function output(
  module: SystemModule | SystemDescription,
  untilNs = Infinity,
  programs?: ReadonlyMap<string, Program>,
): string[] {
  const lines: string[] = [];
  const testbed = createTestbed({
    system: 'build' in module ? built(module) : module,
    clock: 'virtual',
    observer: {
      log: (_pd, line) => {
        if (!line.includes('\n    at ')) lines.push(line); // the stack of an exception
      },
    },
    ...(programs === undefined ? {} : { programs }),
  });
  if (untilNs === Infinity) testbed.runUntilQuiet();
  else testbed.runUntil(untilNs);
  return lines;
}

describe("Microkit's examples", () => {
  it('hello', () => {
    expect(output(hello)).toEqual([MONITOR, 'hello, world']);
  });

  it('hierarchy: nine restarts, the tenth fault stops the child', () => {
    const fault = 'restarter: received fault message for child pd: 1';
    const restart = ['crasher, starting', fault, 'restarter: restarted'];

    expect(output(hierarchy)).toEqual([
      MONITOR,
      'restarter: starting',
      ...Array.from({ length: 9 }, () => restart).flat(),
      'crasher, starting',
      fault,
      'restarter: too many restarts - PD stopped',
      'hello, world',
    ]);
  });

  it('passive server', () => {
    expect(output(passiveServer)).toEqual([
      MONITOR,
      'SERVER|INFO: init function running',
      "MON|INFO: PD 'server' is now passive!",
      'CLIENT|INFO: init function running',
      'SERVER|INFO: running on clients scheduling context',
    ]);
  });

  it('timer: an interrupt every second', () => {
    const lines = output(timer, 3_500_000_000);
    const times = lines
      .filter((line) => line.startsWith('Current time is: '))
      .map((line) => Number(line.slice('Current time is: '.length)));

    expect(lines.slice(0, 3)).toEqual([
      MONITOR,
      'Setting a timeout of 1 second.',
      'Got timer interrupt!',
    ]);
    expect(times).toHaveLength(3);
    for (const [index, time] of times.entries()) {
      expect(time).toBeGreaterThanOrEqual((index + 1) * 1e9);
      expect(time).toBeLessThan((index + 1) * 1e9 + 100_000);
    }
  });

  it('cap sharing: the log of its README', () => {
    expect(output(capSharing)).toEqual([
      MONITOR,
      '|secondary| hello, world',
      '|primary  | hello, world',
      '|primary  | notifying secondary',
      '|secondary| notified',
      '|primary  | suspending secondary',
      '|primary  | notifying secondary (it should not print)',
      '|primary  | resuming secondary (it should then print)',
      '|secondary| notified',
      '|primary  | halting (success)...',
    ]);
  });

  it('domains: one event for each turn of the collector', () => {
    const lines = output(domains);
    const events = lines.filter((line) => line === 'collector: Got an event').length;

    expect(lines.slice(0, 2)).toEqual([MONITOR, 'emitter: starting to emit events...']);
    expect(lines.filter((line) => line === 'emitter: still emitting events...')).toHaveLength(10);
    expect(lines).toContain('emitter: done emitting events');
    expect(lines).toContain('collector: Waiting for an event');
    expect(events).toBeGreaterThan(1);
    expect(events).toBeLessThan(100);
    expect(lines.at(-1)).toBe('collector: Got an event');
  });

  it('memory region prefill', () => {
    expect(output(mrPrefill)).toEqual([
      MONITOR,
      'hello, world. my name is mr_prefill',
      'checking prefilled memory region data length',
      'checking prefilled memory region data',
      'prefilled data OK!',
    ]);
  });

  it('setvar', () => {
    const [, vaddr, fixed, small, large, rtc] = output(setvar).map((line) =>
      Number(line.split(': ')[1]),
    );

    expect([vaddr, fixed, rtc]).toEqual([0x2000_0000, 0x8400_0000, 0x10_1000]);
    expect((small ?? 1) % 0x1000).toBe(0);
    expect((large ?? 1) % 0x20_0000).toBe(0);
    for (const address of [small, large]) expect(address).toBeGreaterThan(0x8000_0000);
  });

  it('ethernet: what the filter refuses does not reach the other side', () => {
    expect(output(ethernetSplit).slice(1)).toEqual([
      "received 'ping'",
      "refused 'attack at dawn'",
      "received 'query'",
      "received 'answer'",
    ]);
  });
});

/**
 * The system written as XML and JSON and read again, with its programs loaded from the paths in the
 * XML.
 */
async function fromFiles(system: SystemDescription): Promise<string[]> {
  const options = { file: system.name, target: RISCV64, files: prefilledBytes(system) };
  const read = readSystemText(renderXml(system), options);
  if (!read.ok) throw new Error(read.diagnostics[0]?.message);
  const configured = withConfigs(read.system, renderConfigs(system));
  if (!configured.ok) throw new Error(configured.problem);
  const programs = new Map<string, Program>();
  for (const { pd } of flatten(configured.system)) {
    const url = pathToFileURL(join(ROOT, pd.image.path)).href;
    const module = (await import(url)) as { main: Program };
    programs.set(pd.name, module.main);
  }
  return output(configured.system, 200_000_000, programs);
}

describe('an XML description', () => {
  it.each([
    ['hello', hello],
    ['hierarchy', hierarchy],
    ['passive server', passiveServer],
    ['cap sharing', capSharing],
    ['domains', domains],
    ['memory region prefill', mrPrefill],
    ['setvar', setvar],
    ['timer', timer],
    ['ethernet split', ethernetSplit],
  ])('runs like the built-in system: %s', async (_name, module) => {
    const fromXml = await fromFiles(built(module));

    expect(fromXml).toEqual(output(module, 200_000_000));
    expect(fromXml.length).toBeGreaterThan(1);
  });
});
