// The builder: identifiers and addresses without order traps, one call that validates, and every
// error at once.

import { describe, expect, it } from 'vitest';
import { system } from './builder.ts';
import type { BuildResult } from './builder.ts';
import type { SystemDescription } from './model.ts';
import { readSystemText } from './read/text.ts';
import { X86_64 } from './target.ts';
import { prefilledBytes } from './validate.ts';
import { renderXml } from './xml/render.ts';
import { channelsOf, contiguousRegions, exact, flatten, symbolsOf } from './model.ts';

function sound(result: BuildResult): SystemDescription {
  if (!result.ok) throw new Error(result.errors.map((error) => error.message).join('\n'));
  return result.system;
}

function messages(result: BuildResult): string[] {
  return result.ok ? [] : result.errors.map((error) => error.message);
}

describe('identifiers', () => {
  it('are the lowest free ones, whatever was given later', () => {
    const sys = system({ name: 'ids' });
    const a = sys.pd('a', {});
    const b = sys.pd('b', {});
    const irq = a.irq(7);
    const first = sys.channel(a, b);
    sys.channel(a, b, { a: { id: 0 } });
    sys.channel(a, b, { b: { id: 0 } });

    const [pd] = sound(sys.build()).protectionDomains;

    expect(pd?.irqs[0]?.id).toBe(1);
    expect(irq.value).toBe(1);
    expect([first.a.value, first.b.value]).toEqual([2, 1]);
  });

  it('are readable in a configuration and nowhere before', () => {
    const sys = system({ name: 'ids' });
    const a = sys.pd('a', { config: { depth: 3 } });
    const channel = sys.channel(a, sys.pd('b', {}));
    a.configure(() => ({ channel: channel.a.value }));

    expect(() => channel.a.value).toThrow('build()');
    expect(sound(sys.build()).protectionDomains[0]?.config).toEqual({ depth: 3, channel: 0 });
  });

  it('number children among themselves', () => {
    const sys = system({ name: 'children' });
    const parent = sys.pd('parent', {});
    const child = parent.child('child', { setvarId: 'child_id' });
    parent.child('other', { id: 0 });
    const system1 = sound(sys.build());

    expect(parent.childId(child).value).toBe(1);
    expect(flatten(system1).map(({ pd, parent: of }) => [pd.name, of])).toEqual([
      ['parent', -1],
      ['child', 0],
      ['other', 0],
    ]);
    const [root] = system1.protectionDomains;
    expect(root && symbolsOf(system1, root)).toEqual([
      { symbol: 'child_id', value: { kind: 'value', value: 1n } },
    ]);
  });
});

describe('addresses', () => {
  it('follow the highest mapping, at 2 MiB for what is large', () => {
    const sys = system({ name: 'maps' });
    const pd = sys.pd('p', {});
    pd.map(sys.region('small', { size: '4K' }));
    pd.map(sys.region('large', { size: '2M' }));
    pd.map(sys.region('fixed', { size: 0x3000 }), { vaddr: 0x3000_0000 });

    const described = sound(sys.build());

    expect(described.protectionDomains[0]?.maps.map(({ vaddr }) => vaddr)).toEqual([
      0x3000_3000n,
      0x3020_0000n,
      0x3000_0000n,
    ]);
    expect(described.regions.map(({ pageBytes }) => pageBytes)).toEqual([
      0x1000, 0x20_0000, 0x1000,
    ]);
  });

  it('of symbols come with their values', () => {
    const sys = system({ name: 'vars' });
    const pd = sys.pd('p', {});
    const region = sys.region('r', { prefill: { path: 'f', bytes: new Uint8Array(5000) } });
    pd.map(region, { setvarVaddr: 'v', setvarSize: 's', setvarPrefillSize: 'n' });
    pd.setvar('phys', region);
    const described = sound(sys.build());
    const [root] = described.protectionDomains;

    expect(root && symbolsOf(described, root)).toEqual([
      { symbol: 'v', value: { kind: 'value', value: 0x2000_0000n } },
      { symbol: 's', value: { kind: 'value', value: 0x2000n } },
      { symbol: 'n', value: { kind: 'value', value: 5000n } },
      { symbol: 'phys', value: { kind: 'physAddr', region: 'r' } },
    ]);
    expect([...contiguousRegions(described)]).toEqual(['r']);
  });
});

describe('build', () => {
  it('reports every error at once, and where it is', () => {
    const sys = system({ name: 'wrong' });
    const a = sys.pd('a', { priority: 300 });
    a.map(sys.region('r', { size: 100 }));
    sys.pd('a', {});
    sys.channel(a, sys.pd('b', { priority: 1 }), { a: { pp: true, id: 99 } });
    const result = sys.build();

    expect(messages(result)).toEqual([
      "Error: size is not a multiple of the page size on element 'memory_region': memory_region 'r'",
      "Error: priority must be between 0 and 254 on element 'protection_domain': protection_domain 'a'",
      "Error: id must be < 62 on element 'end': channel > end 'a'",
      "Error: duplicate protection domain name 'a'.",
    ]);
  });

  it('refuses numbers that are none', () => {
    const sys = system({ name: 'wrong' });
    const pd = sys.pd('p', { budget: 1.5, stackSize: Number.NaN });
    pd.map(sys.region('r', { size: '12Q' }), { vaddr: -1 });

    expect(messages(sys.build())).toEqual([
      "Error: '12Q' is not a size",
      "Error: budget '1.5' is not a whole number",
      "Error: stackSize 'NaN' is not a size",
      "Error: vaddr '-1' is not a whole number",
    ]);
  });

  it('answers the same twice and takes nothing more', () => {
    const sys = system({ name: 'once' });
    sys.pd('p', {});
    const first = sys.build();

    expect(sys.build()).toBe(first);
    expect(() => sys.pd('q', {})).toThrow('has been built already');
  });

  it('refuses two sections of a configuration with one key', () => {
    const sys = system({ name: 'twice' });
    sys.pd('p', { config: { net: 1 } }).configure({ net: 2 });

    expect(messages(sys.build())).toEqual(["Error: configuration 'net' is set twice"]);
  });

  it('keeps the domain schedule', () => {
    const sys = system({ name: 'domains' });
    sys.domains({
      domains: ['a', { name: 'b', id: 0 }],
      schedule: [{ domain: 'a', duration: '10 us' }, 'end', { domain: 'b', duration: '5 ticks' }],
    });
    sys.pd('p', { domain: 'a' });

    expect(sound(sys.build()).domains).toEqual({
      domains: [
        { name: 'a', id: 1 },
        { name: 'b', id: 0 },
      ],
      schedule: [
        { kind: 'run', domain: 'a', duration: 10n, unit: 'us' },
        { kind: 'end' },
        { kind: 'run', domain: 'b', duration: 5n, unit: 'ticks' },
      ],
      startIndex: 0,
    });
  });

  it('shows each end of a channel to its domain', () => {
    const sys = system({ name: 'ends' });
    sys.channel(sys.pd('low', {}), sys.pd('high', { priority: 1 }), { a: { pp: true, id: 5 } });
    const described = sound(sys.build());

    expect(channelsOf(described, 'high')).toEqual([
      {
        own: { pd: 'high', id: 0, pp: false, notify: true },
        peer: { pd: 'low', id: 5, pp: true, notify: true },
      },
    ]);
  });
});

describe('what only other architectures have', () => {
  it('is built, rendered and read back: I/O ports, message-signalled interrupts, IOMMU, guests', () => {
    const sys = system({ name: 'x86', target: X86_64 });
    const pd = sys.pd('vmm', { fpu: false });
    const ram = sys.region('ram', { size: '4M', pageSize: 0x1000 });
    const port = pd.ioPort({ addr: 0x3f8, size: 8, setvarId: 'com1' });
    pd.map(ram);
    pd.interrupt({ kind: 'msi', device: { bus: 1, device: 2, function: 3 }, handle: 0, vector: 5 });
    pd.virtualMachine('guest', { vcpus: [{ id: 0 }], maps: [{ region: ram, vaddr: 0 }] });
    sys.ioAddressSpace('nic', {
      device: { bus: 0, device: 3, function: 0 },
      domainId: 1,
      maps: [{ region: ram, iovaddr: 0x1000, perms: 'r' }],
    });
    const described = sound(sys.build());
    const options = { file: 'x86', target: X86_64, files: prefilledBytes(described) };
    const reread = readSystemText(renderXml(described), options);

    expect(port.value).toBe(0);
    expect(reread.ok && reread.system).toEqual(described);
    expect(described.ioAddressSpaces[0]?.maps).toEqual([
      { region: 'ram', iovaddr: 0x1000n, permissions: 'r' },
    ]);
  });

  it('is refused where it does not exist', () => {
    const sys = system({ name: 'riscv' });
    const pd = sys.pd('p', {});
    pd.ioPort({ addr: 1, size: 1 });
    sys.ioAddressSpace('nic', { device: { bus: 0, device: 3, function: 0 }, maps: [] });

    expect(messages(sys.build())).toEqual([
      "Error: I/O Ports are only available on x86 on element 'protection_domain': protection_domain 'p'",
      "Error: io address space requires seL4 to be built with IOMMU support: io_address_space 'nic'",
    ]);
  });
});

describe('exact', () => {
  it('asserts that no bit is lost', () => {
    expect(exact(2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => exact(2n ** 53n)).toThrow('fits a number exactly');
  });
});
