// Goal: the pages of an image are what the Microkit tool would make of it, patches included, and
// whatever does not fit the domain is said in one line. Method: images written here, descriptions
// as text.

import { describe, expect, it } from 'vitest';
import type { WrittenElf, WrittenSegment } from '../../test/support/elf-writer.ts';
import { BSS, DATA, FIRST_WORD, microkitElf, TEXT } from '../../test/support/microkit-elf.ts';
import { flatten, type SystemDescription } from '../model.ts';
import { readSystemText } from '../read/text.ts';
import { RISCV64 } from '../target.ts';
import { type ImagePlan, planImage, type PlanResult } from './plan.ts';
import { readElf } from './reader.ts';

const SYSTEM = `<system>
  <memory_region name="m" size="0x3000" />
  <protection_domain name="server" priority="9" passive="true">
    <program_image path="server.elf" />MAPS
    <irq irq="3" id="9" /><irq irq="4" id="61" />SETVARS
  </protection_domain>
  <protection_domain name="client" priority="1"><program_image path="client.elf" /></protection_domain>
  <channel><end pd="client" id="1" pp="true" /><end pd="server" id="2" notify="false" /></channel>
  <channel><end pd="client" id="5" /><end pd="server" id="33" /></channel>
</system>`;

function describedSystem(maps = '', setvars = ''): SystemDescription {
  const text = SYSTEM.replace('MAPS', maps).replace('SETVARS', setvars);
  const files = { read: () => 'missing' as const };
  const read = readSystemText(text, { file: 'x.system', target: RISCV64, files });
  if (!read.ok) throw new Error(read.diagnostics.map(({ message }) => message).join('\n'));
  return read.system;
}

function planned(file: Uint8Array, system = describedSystem(), name = 'server'): PlanResult {
  const read = readElf(file);
  if (!read.ok) throw new Error(read.problem);
  const flat = flatten(system).find(({ pd }) => pd.name === name);
  if (flat === undefined) throw new Error(name);
  return planImage({ system, pd: flat.pd, image: read.image });
}

function plan(...given: Parameters<typeof planned>): ImagePlan {
  const result = planned(...given);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.plan;
}

function problems(...given: Parameters<typeof planned>): readonly string[] {
  const result = planned(...given);
  return result.ok ? [] : result.problems;
}

/** Memory of the image as the domain finds it. */
function memory({ pages }: ImagePlan, vaddr: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => {
    const at = vaddr + index;
    const page = pages.find((each) => at >= each.vaddr && at < each.vaddr + 4096);
    if (page === undefined) throw new Error(`no page at ${at.toString(16)}`);
    return page.bytes[at - page.vaddr] ?? 0;
  });
}

function word(image: ImagePlan, vaddr: number): bigint {
  return new DataView(memory(image, vaddr, 8).buffer).getBigUint64(0, true);
}

describe('the pages of an image', () => {
  it('have the rights of their segment, and its bytes', () => {
    const image = plan(microkitElf());

    expect(image.entry).toBe(TEXT);
    expect(image.pages.map(({ vaddr, permissions }) => [vaddr, permissions])).toEqual([
      [0x20_0000, 'rx'],
      [0x20_1000, 'rx'],
      [0x20_2000, 'rw'],
      [0x20_3000, 'rw'],
      [0x20_4000, 'rw'],
    ]);
    expect(image.runs).toEqual([
      { vaddr: 0x20_0000, sizeBytes: 0x2000, pageBytes: 4096 },
      { vaddr: 0x20_2000, sizeBytes: 0x3000, pageBytes: 4096 },
    ]);
    expect(memory(image, TEXT + 0x1232, 4)).toEqual(
      Uint8Array.of(0x1232 % 251, 0x1233 % 251, 0, 0),
    );
    expect(memory(image, DATA + 0xff, 2)).toEqual(Uint8Array.of(0xd5, 0));
    expect(image.pages[4]?.bytes.length).toBe(0);
  });

  it('begin where a segment begins, within a page', () => {
    const change = (elf: WrittenElf): WrittenElf => ({
      ...elf,
      entry: 0x10_0ff0,
      segments: [
        { vaddr: 0x10_0ff0, bytes: Uint8Array.from({ length: 32 }, (_, i) => i + 1), flags: 7 },
        ...elf.segments,
      ],
    });
    const image = plan(microkitElf({ change }));

    expect(image.pages[0]?.permissions).toBe('rwx');
    expect(memory(image, 0x10_0fee, 5)).toEqual(Uint8Array.of(0, 0, 1, 2, 3));
    expect(memory(image, 0x10_1000, 17)).toEqual(
      Uint8Array.of(17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0),
    );
  });
});

describe('symbols', () => {
  it('that the Microkit tool patches have their values', () => {
    const image = plan(microkitElf());

    expect(memory(image, BSS, 9)).toEqual(new TextEncoder().encode('server\0\0\0'));
    expect(memory(image, BSS + 64, 2)).toEqual(Uint8Array.of(1, 0));
    expect(word(image, BSS + 72)).toBe((1n << 9n) | (1n << 61n));
    expect(word(image, BSS + 80)).toBe(1n << 33n);
    expect(word(image, BSS + 88)).toBe(0n);
    const client = plan(microkitElf(), describedSystem(), 'client');
    expect(memory(client, BSS + 64, 1)).toEqual(Uint8Array.of(0));
    expect(word(client, BSS + 80)).toBe((1n << 1n) | (1n << 5n));
    expect(word(client, BSS + 88)).toBe(1n << 1n);
  });

  it('of the file are not written to', () => {
    const file = microkitElf();
    const before = file.slice();
    plan(file);
    expect(file).toEqual(before);
  });

  it('that the description sets have their values, physical addresses later', () => {
    const maps = '<map mr="m" vaddr="0x20000000" setvar_vaddr="at" setvar_size="size" />';
    const setvars = '<setvar symbol="paddr" region_paddr="m" />';
    const image = plan(
      microkitElf({ words: ['at', 'size', 'paddr'] }),
      describedSystem(maps, setvars),
    );

    expect(word(image, FIRST_WORD)).toBe(0x2000_0000n);
    expect(word(image, FIRST_WORD + 8)).toBe(0x3000n);
    expect(image.addressWords).toEqual([
      { what: "symbol 'paddr'", vaddr: FIRST_WORD + 16, region: 'm' },
    ]);
  });

  it('may lie over the boundary of two pages', () => {
    const change = (elf: WrittenElf): WrittenElf => ({
      ...elf,
      symbols: elf.symbols.map((symbol) =>
        symbol.name === 'microkit_name' ? { ...symbol, value: BSS + 0xffd } : symbol,
      ),
    });
    const image = plan(microkitElf({ change }));

    expect(memory(image, BSS + 0xffc, 8)).toEqual(new TextEncoder().encode('\0server\0'));
  });

  it('must be there, once, inside the image, and of their size', () => {
    const without = (name: string) => (elf: WrittenElf) => ({
      ...elf,
      symbols: elf.symbols.filter((symbol) => symbol.name !== name),
    });
    const altered = (name: string, change: object) => (elf: WrittenElf) => ({
      ...elf,
      symbols: elf.symbols.map((each) => (each.name === name ? { ...each, ...change } : each)),
    });

    expect(problems(microkitElf({ change: without('microkit_pps') }))).toEqual([
      "has no symbol 'microkit_pps'; link it with -lmicrokit",
    ]);
    const none = (elf: WrittenElf): WrittenElf => ({
      ...elf,
      symbols: elf.symbols.filter(({ name }) => !/^microkit_(name|irqs|pps)$/.test(name)),
    });
    expect(problems(microkitElf({ change: none }))).toEqual([
      "has no symbols 'microkit_name', 'microkit_irqs', 'microkit_pps'; link it with -lmicrokit",
    ]);
    expect(problems(microkitElf({ change: without('microkit_ioports') }))).toEqual([]);
    expect(problems(microkitElf({ change: altered('microkit_irqs', { size: 4 }) }))).toEqual([
      "symbol 'microkit_irqs' has 4 bytes instead of 8; link it with libmicrokit of SDK 2.3",
    ]);
    expect(problems(microkitElf({ change: altered('microkit_irqs', { value: 64 }) }))).toEqual([
      "symbol 'microkit_irqs' lies in no segment; link with -T microkit.ld",
    ]);
    const twice = [{ name: 'microkit_pps', value: BSS, size: 8 }];
    expect(problems(microkitElf({ symbols: twice }))).toEqual([
      "has several symbols 'microkit_pps'; rename all but one",
    ]);
  });

  it('of a setvar must be words of 8 bytes', () => {
    const system = describedSystem('', '<setvar symbol="paddr" region_paddr="m" />');
    const symbol = (size: number, value: number) => [{ name: 'paddr', value, size }];

    expect(problems(microkitElf(), system)).toEqual([
      "has no symbol 'paddr', which a setvar sets; declare uint64_t paddr in the program, or take the setvar out",
    ]);
    expect(problems(microkitElf({ symbols: symbol(4, BSS + 200) }), system)).toEqual([
      "symbol 'paddr', which a setvar sets, has 4 bytes instead of 8; make it a uint64_t",
    ]);
    expect(problems(microkitElf({ symbols: symbol(8, BSS + 202) }), system)).toEqual([
      "symbol 'paddr', which a setvar sets, is not aligned to 8 bytes; declare it as uint64_t",
    ]);
  });

  it('must not have been stripped', () => {
    const stripped = microkitElf();
    new DataView(stripped.buffer).setUint16(60, 0, true);
    new DataView(stripped.buffer).setBigUint64(40, 0n, true);
    expect(problems(stripped)).toEqual([
      'is stripped, and symbols in it have to be patched; link without -s, do not strip',
    ]);
    const onlyFirst = microkitElf({ change: (elf) => ({ ...elf, symbols: [] }) });
    expect(problems(onlyFirst), 'a table that has its first entry alone').toEqual([
      'is stripped, and symbols in it have to be patched; link without -s, do not strip',
    ]);
  });
});

describe('an image that does not fit its domain', () => {
  it('lies over the stack', () => {
    const change = (elf: WrittenElf): WrittenElf => ({
      ...elf,
      segments: [
        ...elf.segments,
        { vaddr: 0x3f_fffa_f000, bytes: new Uint8Array(1), memoryBytes: 0x4_c001, flags: 6 },
      ],
    });
    expect(problems(microkitElf({ change }))).toEqual([
      'segment 2 at 0x3ffffaf000..0x3fffffb001 lies over the stack, which begins at 0x3fffffb000; link with -T microkit.ld',
    ]);
  });

  it('has a map over its stack, where the tool would let it pass at first', () => {
    const of = (vaddr: string) =>
      problems(microkitElf(), describedSystem(`<map mr="m" vaddr="${vaddr}" />`));

    expect(of('0x3fffff8000')).toEqual([]);
    expect(of('0x3fffff9000')).toEqual([
      "map for 'm' at 0x3fffff9000..0x3fffffc000 lies over the stack, which begins at 0x3fffffb000; give it another vaddr",
    ]);
  });

  it('lies under a map, be it by the last page', () => {
    const map = (vaddr: number) => `<map mr="m" vaddr="0x${vaddr.toString(16)}" />`;
    const of = (vaddr: number) => problems(microkitElf(), describedSystem(map(vaddr)));

    expect(of(0x20_4000)).toEqual([
      "map for 'm' at 0x204000..0x207000 lies over the image's pages 0x202000..0x205000; give it another vaddr",
    ]);
    expect(of(0x20_5000)).toEqual([]);
    expect(of(0x1f_e000)).toHaveLength(1);
    expect(of(0x1f_d000)).toEqual([]);
  });

  it('has its IPC buffer elsewhere', () => {
    const pointing = (address: number): readonly string[] => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(address), true);
      const configuration = [{ name: '.data', bytes }];
      const symbols = [{ name: '__sel4_ipc_buffer', value: DATA, size: 8 }];
      return problems(microkitElf({ configuration, symbols }));
    };

    expect(pointing(0x3f_ffff_e000)).toEqual([]);
    expect(pointing(0)).toEqual([]);
    expect(pointing(0x7f_ffff_e000)).toEqual([
      'expects its IPC buffer at 0x7fffffe000 instead of 0x3fffffe000; build it with the SDK for board qemu_virt_riscv64',
    ]);
    const inside = [{ name: '__sel4_ipc_buffer_obj', value: BSS, size: 4096 }];
    expect(problems(microkitElf({ symbols: inside }))).toHaveLength(1);
  });

  it('says all that is wrong at once', () => {
    const setvar = '<setvar symbol="paddr" region_paddr="m" />';
    const system = describedSystem('<map mr="m" vaddr="0x200000" />', setvar);
    const change = (elf: WrittenElf): WrittenElf => ({
      ...elf,
      segments: elf.segments.map((segment): WrittenSegment => segment),
      symbols: elf.symbols.filter(({ name }) => name !== 'microkit_name'),
    });
    expect(problems(microkitElf({ change }), system)).toHaveLength(3);
  });
});

describe('a configuration section', () => {
  const NAME = '.timer_client_config';
  const configured = (config: unknown, bytes: Uint8Array, name = NAME): PlanResult => {
    const system = describedSystem();
    const read = readElf(microkitElf({ configuration: [{ name, bytes }] }));
    const [server] = system.protectionDomains;
    if (!read.ok || server === undefined) throw new Error('no image');
    return planImage({ system, pd: { ...server, config }, image: read.image });
  };
  const section = (result: PlanResult): Uint8Array => {
    if (!result.ok) throw new Error(result.problems.join('\n'));
    return memory(result.plan, DATA, 7);
  };
  const notes = (result: PlanResult): readonly string[] => (result.ok ? result.plan.notes : []);

  it('receives the record of the description', () => {
    const result = configured({ timer: { channel: 9 } }, new Uint8Array(6));

    expect(section(result)).toEqual(Uint8Array.of(0x73, 0x44, 0x44, 0x46, 6, 9, 0xd5));
    expect(notes(result)).toEqual([]);
  });

  it('keeps what its own build has put there, when the description has no record', () => {
    const bytes = Uint8Array.of(0x73, 0x44, 0x44, 0x46, 6, 4);
    const result = configured(undefined, bytes);

    expect(section(result).subarray(0, 6)).toEqual(bytes);
    expect(notes(result)).toEqual([]);
  });

  it('that nobody has configured, or for another version, is noted', () => {
    expect(notes(configured(undefined, new Uint8Array(6)))).toEqual([
      "section '.timer_client_config' is all zeros, so nobody has configured it; objcopy --update-section, or a NAME.config.json",
    ]);
    expect(notes(configured(undefined, Uint8Array.of(1, 0, 0, 0, 0, 0)))[0]).toMatch(
      /^section '.timer_client_config' begins with 01 00 00 00 00 instead of/,
    );
    expect(notes(configured(undefined, new Uint8Array(8)))).toEqual([
      "section '.timer_client_config' has 8 bytes, with sDDF 0.7 it has 6",
    ]);
  });

  it('of another size than the record needs is refused', () => {
    const result = configured({ timer: { channel: 9 } }, new Uint8Array(8));

    expect(result.ok ? [] : result.problems).toEqual([
      "section '.timer_client_config': has 8 bytes instead of 6; build the image with sDDF 0.7",
    ]);
  });

  it('may ask for physical addresses, and then needs no symbols for them', () => {
    const bytes = new Uint8Array(1608);
    const text = `<system><memory_region name="regs" size="0x1000" phys_addr="0x10001000" />
      <memory_region name="rings" size="0x10000" />
      <protection_domain name="driver"><program_image path="d.elf" /><irq irq="1" id="0" />
      <map mr="regs" vaddr="0x20000000" /><map mr="rings" vaddr="0x20001000" />
      <setvar symbol="rings_paddr" region_paddr="rings" /></protection_domain></system>`;
    const files = { read: () => 'missing' as const };
    const description = readSystemText(text, { file: 'x.system', target: RISCV64, files });
    if (!description.ok) throw new Error('no description');
    const { system } = description;
    const config = { registers: 'regs', rings: 'rings', ringsPaddrSymbol: 'rings_paddr', irq: 0 };
    const file = microkitElf({ configuration: [{ name: '.device_resources', bytes }] });
    const read = readElf(file);
    const [pd] = system.protectionDomains;
    if (!read.ok || pd === undefined) throw new Error('no image');

    const given = planImage({ system, pd: { ...pd, config }, image: read.image });
    const bare = planImage({ system, pd, image: read.image });

    expect(given.ok ? given.plan.addressWords : given.problems).toEqual([
      { what: "section '.device_resources'", vaddr: DATA + 48, region: 'rings' },
    ]);
    expect(bare.ok ? [] : bare.problems).toHaveLength(1);
  });
});
