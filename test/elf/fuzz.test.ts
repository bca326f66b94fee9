// Goal: whatever a file holds, it is an image within its limits or one clear line, never an
// exception, a hang, or memory by the file's wish. Method: seeded mutations of images, with and
// without configuration sections. SDDF_ELF_FUZZ_RUNS sets how many, SDDF_ELF_FUZZ_SEED where to
// begin; a failure names the seed.

import { describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { configSectionsNamed } from '../../microkit/elf/config/table.ts';
import { countInstructions } from '../../microkit/elf/instructions.ts';
import { planImage } from '../../microkit/elf/plan.ts';
import { type ElfResult, IMAGE_LIMIT_BYTES, readElf } from '../../microkit/elf/reader.ts';
import type { PdDescription, SystemDescription } from '../../microkit/model.ts';
import { readSystemText } from '../../microkit/read/text.ts';
import { RISCV64 } from '../../microkit/target.ts';
import { microkitElf } from '../support/microkit-elf.ts';
import { mutateElf } from './mutate-elf.ts';

const RUNS = Number(process.env['SDDF_ELF_FUZZ_RUNS'] ?? 200);
const SEED = Number(process.env['SDDF_ELF_FUZZ_SEED'] ?? 1);
const LINE_LENGTH_MAX = 400;

const SYSTEM = `<system>
  <memory_region name="regs" size="0x1000" phys_addr="0x10001000" />
  <memory_region name="rings" size="0x10000" />
  <protection_domain name="driver"><program_image path="driver.elf" /><irq irq="1" id="0" />
    <map mr="regs" vaddr="0x20000000" setvar_vaddr="regs_vaddr" /><map mr="rings" vaddr="0x20001000" />
    <setvar symbol="rings_paddr" region_paddr="rings" /></protection_domain>
</system>`;
const CONFIG = { registers: 'regs', rings: 'rings', irq: 0, timer: { channel: 1 } };

function describedSystem(): SystemDescription {
  const files = { read: () => 'missing' as const };
  const read = readSystemText(SYSTEM, { file: 'x.system', target: RISCV64, files });
  if (!read.ok) throw new Error(read.diagnostics.map(({ message }) => message).join('\n'));
  return read.system;
}

const words = ['regs_vaddr', 'rings_paddr'];
const IMAGES = [
  microkitElf({ words }),
  microkitElf({
    words,
    configuration: [
      { name: '.device_resources', bytes: new Uint8Array(1608) },
      { name: '.timer_client_config', bytes: Uint8Array.of(0x73, 0x44, 0x44, 0x46, 6, 1) },
      { name: '.serial_client_config', bytes: new Uint8Array(88).fill(0xee) },
    ],
  }),
];

type Outcome = 'image' | 'plan refused' | 'file refused';

function expectLine(line: string): void {
  expect(line).toMatch(/^[\x20-\x7e]+$/);
  expect(line).toContain('; ');
  expect(line.length).toBeLessThan(LINE_LENGTH_MAX);
}

/** All that is done with a file, as for a system that is checked and loaded. */
function use(result: ElfResult, system: SystemDescription, pd: PdDescription): Outcome {
  if (!result.ok) {
    expectLine(result.problem);
    return 'file refused';
  }
  const { image } = result;
  for (const section of image.sections) {
    for (const layout of configSectionsNamed(section.name)) {
      if (layout.sizeBytes === section.contents.length) layout.decode(section.contents);
    }
  }
  image.symbols.functions().at(image.entry);
  expect(countInstructions(image).total).toBeGreaterThanOrEqual(0);
  const planned = planImage({ system, pd, image });
  if (!planned.ok) {
    expect(planned.problems.length).toBeGreaterThan(0);
    planned.problems.forEach(expectLine);
    return 'plan refused';
  }
  const { pages, addressWords } = planned.plan;
  expect(pages.length * 4096).toBeLessThanOrEqual(IMAGE_LIMIT_BYTES);
  for (const { vaddr } of addressWords) {
    expect(pages.some((page) => vaddr >= page.vaddr && vaddr + 8 <= page.vaddr + 4096)).toBe(true);
  }
  return 'image';
}

describe('any file at all', () => {
  it(`is an image or a line: ${RUNS} from seed ${SEED}`, { timeout: 3_600_000 }, () => {
    const system = describedSystem();
    const [bare] = system.protectionDomains;
    if (bare === undefined) throw new Error('no domain');
    const seen: Record<Outcome, number> = { image: 0, 'plan refused': 0, 'file refused': 0 };
    for (let run = 0; run < RUNS; run += 1) {
      const random = new Random(SEED + run);
      const file = mutateElf(IMAGES[random.below(IMAGES.length)] as Uint8Array, random);
      const pd = random.below(2) === 0 ? bare : { ...bare, config: CONFIG };
      try {
        seen[use(readElf(file), system, pd)] += 1;
      } catch (error) {
        throw new Error(`seed ${SEED + run}`, { cause: error });
      }
    }

    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(RUNS / 50);
  });
});
