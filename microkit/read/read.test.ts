// What goes beyond the tool: all errors of a file in one run, at the attribute at fault, with a
// hint; and clean errors or warnings where the tool crashes or lets nonsense pass. Method: small
// descriptions, each wrong in its own way.

import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../diagnostic.ts';
import { formatDiagnostic, isError } from '../diagnostic.ts';
import type { SystemDescription } from '../model.ts';
import type { Target } from '../target.ts';
import { AARCH64, RISCV64, X86_64 } from '../target.ts';
import type { PrefillFiles } from './draft.ts';
import { readSystemText } from './text.ts';

const NO_FILES: PrefillFiles = { read: () => 'missing' };

function read(text: string, target: Target = RISCV64): readonly Diagnostic[] {
  const result = readSystemText(text, { file: 'a.system', target, files: NO_FILES });
  return result.ok ? result.warnings : result.diagnostics;
}

function model(text: string, target: Target = RISCV64): SystemDescription {
  const result = readSystemText(text, { file: 'a.system', target, files: NO_FILES });
  if (!result.ok) throw new Error(result.diagnostics.map((each) => each.message).join('\n'));
  return result.system;
}

const IMAGE = '<program_image path="p.ts" />';

function pd(attributes: string, children = ''): string {
  return `<protection_domain ${attributes}>${IMAGE}${children}</protection_domain>`;
}

function messages(text: string, target?: Target): string[] {
  return read(text, target).map((diagnostic) => diagnostic.message);
}

describe('all errors of a file', () => {
  const text = `<system>
    <memory_region nmae="a" size="0x1000" />
    <memory_region name="b" size="0x1001" />
    <protection_domain name="p" priority="300" budget="5000" period="10">
        <program_image path="p.ts" />
        <map mr="c" vaddr="0x1001" perms="w" />
        <irq irq="12" id="70" />
    </protection_domain>
    <channel><end pd="q" id="1" /></channel>
</system>`;

  it('are reported in one run, in the order of the file', () => {
    const found = read(text).filter(isError);

    expect(found.map(({ span }) => `${span?.line}:${span?.column}`)).toEqual([
      '2:20', // nmae
      '2:5', // no name
      '3:29', // size
      '4:62', // period
      '4:33', // priority
      '6:36', // perms
      '7:23', // id
      '9:19', // pd
      '9:5', // one end
      '6:14', // no region c
    ]);
  });

  it('are shown with the line, a caret and a hint', () => {
    const [first] = read(text);

    expect(first && formatDiagnostic(first, 'a.system', text.split('\n'))).toBe(
      [
        "a.system:2:20: Error: invalid attribute 'nmae' on element 'memory_region': a.system:2:5",
        '  2 |     <memory_region nmae="a" size="0x1000" />',
        '    |                    ^^^^^^^^',
        "  hint: did you mean 'name'?",
      ].join('\n'),
    );
  });

  it('count characters, not UTF-16 units, in columns', () => {
    const [found] = read(`<system><!-- 𝔸𝔹 --><protection_domain/></system>`);

    expect(found?.message).toContain('a.system:1:20');
  });

  it('end after a thousand', () => {
    const found = read(`<system>${'<x/>'.repeat(3000)}</system>`);

    expect(found).toHaveLength(1001);
    expect(found.at(-1)?.message).toBe('Error: 2001 more errors are not shown');
  });
});

describe('where the tool crashes or lets nonsense pass', () => {
  it.each([
    ['an identifier that is no number', pd('name="p"', '<irq irq="1" id="x" />'), "integer 'x'"],
    ['a size of 0', '<memory_region name="m" size="0" />' + pd('name="p"'), 'size must be > 0'],
    [
      'the address of a region that does not exist',
      pd('name="p"', '<setvar symbol="s" region_paddr="m" />'),
      "invalid memory region name 'm' on 'setvar' @ a.system:1:",
    ],
    [
      'a slot that the root CNode does not have',
      pd('name="p"', '<cspace><cap_tcb slot="64" pd="p" /></cspace>'),
      'slot must be < 64',
    ],
    [
      'a child identifier that is too large',
      pd('name="p"', pd('name="q" id="62"')),
      'id must be < 62',
    ],
    [
      'a physical address whose end overflows',
      `<memory_region name="m" size="0x2000" phys_addr="0xfffffffffffff000" />${pd('name="p"')}`,
      'physical address range overflows',
    ],
    ['a core above 255', pd('name="p" cpu="300"'), 'cpu core must be less than 1, got 300'],
    ['another root element', '<sytem/>', "the root element must be 'system', not 'sytem'"],
    ['a second table of domains', '<domains/><domains/>', 'can only appear once'],
  ])('%s', (_name, body, expected) => {
    const text = body.startsWith('<sytem') ? body : `<system>${body}</system>`;

    expect(messages(text).join('\n')).toContain(expected);
  });

  it('refuses a virtual machine priority that does not fit', () => {
    const vm = '<virtual_machine name="v" priority="300"><vcpu id="0"/></virtual_machine>';
    const text = `<system>${pd('name="p"', vm)}</system>`;

    expect(messages(text, AARCH64).join('\n')).toContain('priority must be between 0 and 254');
  });

  it('refuses the seventeenth domain, numbered or not', () => {
    const domains = Array.from({ length: 17 }, (_, id) => `<domain name="d${id}" />`).join('');
    const text = `<system><domains>${domains}<domain_schedule><schedule_entry domain="d0" duration="1 us" /></domain_schedule></domains>${pd('name="p" domain="d0"')}</system>`;

    expect(messages(text).join('\n')).toContain('Number of domains exceeds 16');
  });

  it('warns about a channel to oneself and one that nobody may use', () => {
    const text = `<system>${pd('name="p"')}${pd('name="q"')}
      <channel><end pd="p" id="1" /><end pd="p" id="2" /></channel>
      <channel><end pd="p" id="3" notify="false" /><end pd="q" id="1" notify="false" /></channel>
      </system>`;

    expect(messages(text)).toEqual([
      "both ends of this channel are 'p'",
      'neither end of this channel may notify or call the other',
    ]);
  });

  it('warns about a schedule in which the monitor never runs', () => {
    const text = `<system><domains><domain name="a" id="1" />
      <domain_schedule><schedule_entry domain="a" duration="1 us" /></domain_schedule></domains>
      ${pd('name="p" domain="a"')}</system>`;

    expect(messages(text)).toEqual(['the schedule never runs domain 0, so the monitor never runs']);
  });

  it('warns about a name that programs see cut off', () => {
    const text = `<system>${pd(`name="${'é'.repeat(33)}"`)}</system>`;

    expect(messages(text)).toEqual(['programs see the first 64 bytes of this name only']);
  });

  it.each([
    ['0x801ff000', "[0x801ff000..0x80201000) overlaps with the firmware's RAM [0x80000000.."],
    ['0x803ff000', "[0x803ff000..0x80401000) overlaps with the kernel's RAM [0x80200000.."],
  ])('refuses a region in RAM that is in use from the start: %s', (address, message) => {
    const region = `<memory_region name="m" size="0x2000" phys_addr="${address}" />`;
    const text = `<system>${region}${pd('name="p"', '<map mr="m" vaddr="0x1000000" />')}</system>`;
    expect(messages(text)).toEqual([
      expect.stringContaining(`memory region 'm' physical address range ${message}`),
    ]);
    expect(read(text)[0]?.hint).toBe('RAM for regions begins at 0x80400000');
    expect(messages(text.replace(address, '0x80400000'))).toEqual([]);
    expect(messages(text, AARCH64)).toEqual([]);
  });

  it('warns about a region that nobody uses', () => {
    const text = `<system><memory_region name="m" size="0x1000" />${pd('name="p"')}</system>`;

    expect(messages(text)).toEqual(["unused memory region 'm'"]);
  });
});

describe('numbers', () => {
  it('keeps all 64 bits', () => {
    const region = '<memory_region name="m" size="0xffff_ffff_ffff_f000" />';

    expect(model(`<system>${region}${pd('name="p"')}</system>`).regions[0]?.size).toBe(
      0xffff_ffff_ffff_f000n,
    );
  });

  it('takes underscores, a plus sign and hexadecimal numbers', () => {
    const text = `<system>${pd('name="p" budget="+1_000_000" period="0x100_0000"', '<irq irq="16" id="+31" />')}</system>`;
    const [found] = model(text).protectionDomains;

    expect(found?.budgetUs).toBe(1_000_000n);
    expect(found?.periodUs).toBe(0x100_0000n);
    expect(found?.irqs[0]).toMatchObject({ irq: 16, id: 31 });
  });

  it.each([
    ['<irq irq="16" id="0x1f" />', '0x1f', 'irq'],
    ['<irq irq="0x10" id="3" />', '0x10', 'irq'],
    ['<irq irq="16" id="1_0" />', '1_0', 'irq'],
  ])('refuses what the Microkit tool stops at: %s', (child, raw, tag) => {
    const text = `<system>${pd('name="p"', child)}</system>`;
    expect(messages(text)).toEqual([
      `Error: failed to parse integer '${raw}' on element '${tag}': the Microkit tool takes decimal digits only here`,
    ]);
  });

  it.each(['STACK_SIZE', '@STACK@', '{{ stack }}', '${STACK}'])(
    'says of %s that it stands for a number in a template',
    (raw) => {
      const [found] = read(`<system>${pd(`name="p" stack_size="${raw}"`)}</system>`);
      expect(found?.hint).toContain(`'${raw}' stands for a number in a template`);
    },
  );

  it('refuses a hexadecimal id of a channel', () => {
    const ends = '<end pd="p" id="0x1" /><end pd="q" id="1" />';
    const text = `<system>${pd('name="p"')}${pd('name="q"')}<channel>${ends}</channel></system>`;
    expect(messages(text)[0]).toContain("'0x1' on element 'end': the Microkit tool takes decimal");
  });

  it.each([
    ['0X10', 'invalid digit found in string'],
    ['', 'cannot parse integer from empty string'],
    ['0x', 'cannot parse integer from empty string'],
    [' 1', 'invalid digit found in string'],
    ['18446744073709551616', 'number too large to fit in target type'],
    ['9'.repeat(100_000), 'number too large to fit in target type'],
  ])('refuses %.20s', (raw, reason) => {
    const text = `<system>${pd(`name="p" budget="${raw}"`)}</system>`;

    expect(messages(text)[0]).toBe(
      `Error: failed to parse integer '${raw}' on element 'protection_domain': ${reason}`,
    );
  });
});

describe('XML that is refused', () => {
  it.each([
    ['a DTD', '<!DOCTYPE system><system/>', "Could not parse 'a.system': XML with DTD detected"],
    [
      'an entity bomb',
      `<!DOCTYPE x [<!ENTITY a "${'b'.repeat(1000)}"><!ENTITY c "&a;&a;&a;">]><system>&c;</system>`,
      'XML with DTD detected',
    ],
    [
      'an external entity',
      '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><system>&a;</system>',
      'XML with DTD detected',
    ],
    [
      'an attribute given twice',
      '<system>\n <memory_region name="a" name="b" /></system>',
      "Could not parse 'a.system': attribute 'name' at 2:26 is already defined",
    ],
    ['an unclosed element', '<system>', 'unclosed tag: system'],
    ['nothing', '', 'Could not parse'],
    ['a tower of elements', '<a>'.repeat(5000), 'nested deeper than 100'],
    ['too many elements', `<system>${'<a/>'.repeat(20_001)}</system>`, 'more than 20000'],
    ['too long a file', ' '.repeat(1_100_000), 'longer than'],
    [
      'too many attributes',
      `<system ${Array.from({ length: 99 }, (_, i) => `a${i}=""`).join(' ')}/>`,
      'more than 64 attributes',
    ],
  ])('%s', (_name, text, expected) => {
    expect(messages(text)[0]).toContain(expected);
  });
});

describe('the longest files that are read', () => {
  // Each is near the bound, and wrong in every element: an algorithm of quadratic time would run
  // into the time-out.
  const many = (element: string): string =>
    element.repeat(Math.min(19_000, Math.floor(1_000_000 / element.length)));

  it.each([
    ['mappings', pd('name="p"', many('<map mr="m" vaddr="0x1000" />'))],
    ['regions', many('<memory_region name="m" size="0x1000" phys_addr="0x1000" />')],
    ['capabilities', pd('name="p"', `<cspace>${many('<cap_tcb slot="1" pd="q" />')}</cspace>`)],
    ['second elements', pd('name="p"', '<map/><cspace/>'.repeat(9000))],
    ['domains', `<domains>${many('<domain name="d" />')}</domains>`],
    ['text', many('<![CDATA[a]]>')],
  ])('%s', (_name, body) => {
    const found = messages(`<system>${body}</system>`);

    expect(found.length).toBeGreaterThan(1);
    expect(found.length).toBeLessThanOrEqual(1001);
  });
});

describe('other architectures', () => {
  it('has the page sizes that mappings allow', () => {
    const text = `<system>
      <memory_region name="large" size="0x400000" />
      <memory_region name="small" size="0x400000" />
      <memory_region name="asked" size="0x400000" page_size="0x1000" />
      ${pd('name="p"', '<map mr="large" vaddr="0x1000000" /><map mr="small" vaddr="0x2001000" /><map mr="asked" vaddr="0x3000000" />')}</system>`;

    expect(model(text).regions.map((region) => region.pageBytes)).toEqual([
      0x20_0000, 0x1000, 0x1000,
    ]);
  });

  it('sets the symbol of a virtual CPU, which the tool forgets', () => {
    const vm = '<virtual_machine name="v"><vcpu id="3" setvar_id="v_id" /></virtual_machine>';
    const text = `<system>${pd('name="p"', vm)}</system>`;

    expect(model(text, AARCH64).protectionDomains[0]?.virtualMachine?.vcpus).toEqual([
      { id: 3, cpu: 0, setvarId: 'v_id' },
    ]);
  });

  it('reads the three forms of interrupts', () => {
    const irqs =
      '<irq id="0" pin="2" vector="7" ioapic="1" polarity="low" /><irq id="1" pcidev="1f:1f.7" handle="3" vector="8" />';

    expect(model(`<system>${pd('name="p"', irqs)}</system>`, X86_64).protectionDomains[0]?.irqs)
      .toMatchInlineSnapshot(`
        [
          {
            "id": 0,
            "ioapic": 1,
            "kind": "ioapic",
            "pin": 2,
            "polarity": "low",
            "trigger": "level",
            "vector": 7,
          },
          {
            "device": {
              "bus": 31,
              "device": 31,
              "function": 7,
            },
            "handle": 3,
            "id": 1,
            "kind": "msi",
            "vector": 8,
          },
        ]
      `);
  });
});

describe('what is no description yet', () => {
  it.each([
    [
      'a template',
      `<system>\n  <!--\n#if 1\n-->\n  #include "x.h"\n${pd('name="p"')}</system>`,
      /line 5: '#include' .*preprocessor/,
    ],
    ['a template without XML', '#define N 3\n', /line 1: '#define'/],
    ['UTF-16', Buffer.from('\ufeff<system></system>', 'utf16le').toString('utf8'), /is UTF-16/],
    ['UTF-16, big-endian', '\0<\0s\0y', /is UTF-16/],
  ])('has one line that names the cause: %s', (_name, text, message) => {
    const found = read(text);
    expect(found.map((each) => each.message)).toEqual([expect.stringMatching(message)]);
    expect(found[0]?.hint).toBeDefined();
  });

  it('may have a # in a comment or in text', () => {
    expect(read(`<system><!--\n#define A\n-->${pd('name="p"')}</system>`)).toEqual([]);
  });

  it('of an older format is told where the attribute belongs', () => {
    const [found] = read(`<system>${pd('name="p" pp="true"')}</system>`);
    expect(found?.hint).toContain("`pp` belongs to the channel's end");
  });
});
