/**
 * Goal: what a description sets in a program arrives in its typed record of variables, for every
 * form of setvar that this board can run. Method: an XML description, run; the forms of x86 and of
 * virtual machines are read, not run.
 */

import { describe, expect, it } from 'vitest';
import { symbolsOf } from '../microkit/model.ts';
import type { EntryPoints, Program, ProtectionDomain } from '../microkit/pd.ts';
import { readSystemText } from '../microkit/read/text.ts';
import { RISCV64, type Target, X86_64 } from '../microkit/target.ts';
import { createTestbed } from './testbed.ts';

const TEXT = `<system>
  <memory_region name="plain" size="0x3000" />
  <memory_region name="filled" prefill_path="file.bin" />
  <memory_region name="fixed" size="0x1000" phys_addr="0x84000000" />
  <protection_domain name="parent" priority="10">
    <program_image path="parent.ts" />
    <map mr="plain" vaddr="0x2000_0000" setvar_vaddr="plain_vaddr" setvar_size="plain_size" />
    <map mr="filled" vaddr="0x20010000" perms="r" setvar_prefill_size="filled_bytes" />
    <irq irq="11" id="7" setvar_id="rtc_id" />
    <setvar symbol="fixed_paddr" region_paddr="fixed" />
    <protection_domain name="child" priority="9" id="5" setvar_id="child_id">
      <program_image path="child.ts" />
    </protection_domain>
  </protection_domain>
  <channel><end pd="parent" id="3" setvar_id="to_child" /><end pd="child" id="61" setvar_id="to_parent" /></channel>
</system>`;

interface ParentVars {
  readonly plain_vaddr: number;
  readonly plain_size: number;
  readonly filled_bytes: number;
  readonly rtc_id: number;
  readonly fixed_paddr: number;
  readonly child_id: number;
  readonly to_child: number;
}

function read(text: string, target: Target) {
  const files = { read: () => new Uint8Array(4097) };
  const result = readSystemText(text, { file: 'test.system', target, files });
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
  return result.system;
}

describe('setvar', () => {
  it('of every kind arrives before init, under the names of the program', () => {
    const seen: Record<string, object> = {};
    const idle: EntryPoints = { notified: () => undefined };
    const parent = (pd: ProtectionDomain<unknown, keyof ParentVars>): EntryPoints => {
      const vars: ParentVars = pd.vars;
      seen['parent'] = vars;
      return { ...idle, fault: () => 'stay' };
    };
    const child = (pd: ProtectionDomain<unknown, 'to_parent'>): EntryPoints => {
      seen['child'] = pd.vars;
      return idle;
    };

    const testbed = createTestbed({
      system: read(TEXT, RISCV64),
      clock: 'virtual',
      programs: new Map<string, Program>([
        ['parent', parent],
        ['child', child],
      ]),
    });
    testbed.runUntilQuiet();

    expect(seen['parent']).toEqual({
      plain_vaddr: 0x2000_0000,
      plain_size: 0x3000,
      filled_bytes: 4097,
      rtc_id: 7,
      fixed_paddr: 0x8400_0000,
      child_id: 5,
      to_child: 3,
    });
    expect(seen['child']).toEqual({ to_parent: 61 });
  });

  it('of I/O ports and virtual processors is part of the model', () => {
    const vm = '<virtual_machine name="v"><vcpu id="2" setvar_id="vcpu_id" /></virtual_machine>';
    const port =
      '<ioport id="4" addr="0x3f8" size="8" setvar_id="port_id" setvar_addr="port_addr" />';
    const pd = `<protection_domain name="p"><program_image path="p" />${port}${vm}</protection_domain>`;
    const system = read(`<system>${pd}</system>`, { ...X86_64, hypervisor: true });
    const [only] = system.protectionDomains;

    expect(only && symbolsOf(system, only)).toEqual([
      { symbol: 'port_id', value: { kind: 'value', value: 4n } },
      { symbol: 'port_addr', value: { kind: 'value', value: 0x3f8n } },
      { symbol: 'vcpu_id', value: { kind: 'value', value: 2n } },
    ]);
  });
});
