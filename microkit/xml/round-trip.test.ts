// Goal: a model rendered to XML reads back as the same model. Method: random systems from the
// builder, and every valid description of the Microkit tool's corpus where it is present.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { system } from '../builder.ts';
import type { PdBuilder } from '../builder.ts';
import type { SystemDescription } from '../model.ts';
import { readSystemText } from '../read/text.ts';
import type { Target } from '../target.ts';
import { AARCH64, RISCV64, X86_64 } from '../target.ts';
import { prefilledBytes } from '../validate.ts';
import { renderXml } from './render.ts';

function reread(description: SystemDescription, target: Target): SystemDescription {
  const options = { file: description.name, target, files: prefilledBytes(description) };
  const result = readSystemText(renderXml(description), options);
  if (!result.ok) throw new Error(result.diagnostics.map((each) => each.message).join('\n'));
  return result.system;
}

const CORPUS = join(import.meta.dirname, '../../../shared/corpus/microkit-sdf');

describe.skipIf(!existsSync(CORPUS))('valid descriptions of the corpus', () => {
  const valid = [
    ['vm_valid.system', { ...AARCH64, iommu: true }],
    ['vm_with_priority.system', AARCH64],
    ['vm_x86_ppc_valid.system', X86_64],
    ['irq_msi_pci_valid.system', X86_64],
    ['iommu_valid_perms_and_bound.system', X86_64],
    ['iommu_overlap_different_devices.system', X86_64],
    ['pd_setvar_with_paddr.system', X86_64],
    ['mr_prefill_no_size_valid.system', AARCH64],
    ['mr_prefill_bootinfo_valid.system', X86_64],
  ] as const;

  it.each(valid)('%s', (file, target) => {
    const files = {
      read: (path: string): Uint8Array =>
        new Uint8Array(readFileSync(join(CORPUS, 'prefills', path))),
    };
    const text = readFileSync(join(CORPUS, file), 'utf8');
    const result = readSystemText(text, { file, target, files });
    if (!result.ok) throw new Error(result.diagnostics[0]?.message);

    expect(reread(result.system, target)).toEqual(result.system);
  });
});

describe('systems from the builder', () => {
  const name = fc.stringMatching(/^[a-z<>&"' \t]{1,8}$/);
  const attributes = fc.record({
    priority: fc.integer({ min: 0, max: 254 }),
    budget: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    passive: fc.boolean(),
    fpu: fc.boolean(),
    stackSize: fc.constantFrom(0x1000, 0x2000, '16K'),
  });
  const shape = fc.record({
    regions: fc.uniqueArray(
      fc.record({
        name,
        pages: fc.integer({ min: 1, max: 2048 }),
        pageSize: fc.constantFrom(undefined, 0x1000 as const),
      }),
      { maxLength: 6, selector: (region) => region.name },
    ),
    pds: fc.uniqueArray(fc.tuple(name, attributes, fc.boolean()), {
      minLength: 1,
      maxLength: 8,
      selector: ([pdName]) => pdName,
    }),
    maps: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom('r', 'rw', 'rx', '' as const)), {
      maxLength: 20,
    }),
    channels: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), { maxLength: 20 }),
    irqs: fc.uniqueArray(fc.integer({ min: 1, max: 95 }), { maxLength: 8 }),
  });

  it('read back as themselves', () => {
    fc.assert(
      fc.property(shape, (drawn) => {
        const sys = system({ name: 'random' });
        const regions = drawn.regions.map(({ name: regionName, pages, pageSize }) =>
          sys.region(regionName, {
            size: pages * 0x1000,
            ...(pageSize === undefined ? {} : { pageSize }),
          }),
        );
        const pds: PdBuilder[] = [];
        for (const [pdName, options, nested] of drawn.pds) {
          const parent = pds.at(-1);
          const image = `${pdName}.ts`;
          pds.push(
            nested && parent !== undefined
              ? parent.child(pdName, { ...options, image })
              : sys.pd(pdName, { ...options, image }),
          );
        }
        const at = <T>(list: readonly T[], index: number): T | undefined =>
          list[index % Math.max(1, list.length)];
        for (const [pd, region, perms] of drawn.maps) {
          const mapped = at(regions, region);
          if (mapped !== undefined) at(pds, pd)?.map(mapped, { perms });
        }
        for (const [a, b, notify] of drawn.channels) {
          const [first, second] = [at(pds, a), at(pds, b)];
          if (first && second) sys.channel(first, second, { a: { notify } });
        }
        for (const irq of drawn.irqs) at(pds, irq)?.irq(irq, { trigger: 'edge' });

        const built = sys.build();

        if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
        expect(reread(built.system, RISCV64)).toEqual(built.system);
      }),
      { numRuns: 200, seed: 20_260_722 },
    );
  });
});
