// Goal: no text crashes or hangs the reader; what it accepts renders and reads back as the same
// model. Method: seeded mutations of valid descriptions (and of the tool's corpus where it is
// present). `SDDF_FUZZ_RUNS` sets how many, `SDDF_FUZZ_SEED` where to begin; the seed of a failing
// run is in the message.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AARCH64, RISCV64, X86_64 } from '../target.ts';
import { renderXml } from '../xml/render.ts';
import { mutate, seeded } from '../../test/support/description-mutations.ts';
import { readSystemText } from './text.ts';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus/microkit-sdf');
const RUNS = Number(process.env['SDDF_FUZZ_RUNS'] ?? 2000);
const SEED = Number(process.env['SDDF_FUZZ_SEED'] ?? 1);
const TARGETS = [RISCV64, AARCH64, X86_64];
const FILES = { read: (): Uint8Array => new Uint8Array(100) };

const OWN = `<system>
  <domains><domain name="d" id="0" />
    <domain_schedule><schedule_entry domain="d" duration="1000 us" /></domain_schedule></domains>
  <memory_region name="m" size="0x2000" />
  <memory_region name="f" prefill_path="f.bin" />
  <protection_domain name="p" priority="3" domain="d">
    <program_image path="p.ts" /><map mr="m" vaddr="0x20000000" setvar_vaddr="m_vaddr" />
    <map mr="f" vaddr="0x20002000" perms="r" setvar_prefill_size="f_size" /><irq irq="3" id="9" />
    <setvar symbol="m_paddr" region_paddr="m" />
    <protection_domain name="c" id="1" domain="d"><program_image path="c.ts" /></protection_domain>
    <cspace><cap_tcb slot="5" pd="c" /></cspace>
  </protection_domain>
  <channel><end pd="c" id="1" pp="true" /><end pd="p" id="1" notify="false" /></channel>
</system>`;

function seeds(): string[] {
  if (!existsSync(CORPUS)) return [OWN];
  const files = readdirSync(CORPUS).filter((file) => file.endsWith('.system'));
  return [OWN, ...files.map((file) => readFileSync(join(CORPUS, file), 'utf8'))];
}

describe('any text at all', () => {
  it(`is read or refused: ${RUNS} mutations from seed ${SEED}`, { timeout: 3_600_000 }, () => {
    const texts = seeds();
    let accepted = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const random = seeded(SEED + run);
      const text = mutate(texts[random(texts.length)] ?? OWN, random);
      const target = TARGETS[random(TARGETS.length)] ?? RISCV64;
      const options = { file: 'fuzz.system', target, files: FILES };
      try {
        const result = readSystemText(text, options);
        if (!result.ok) {
          expect(result.diagnostics.length).toBeGreaterThan(0);
          continue;
        }
        accepted += 1;
        const again = readSystemText(renderXml(result.system), options);
        expect(again.ok && again.system).toEqual(result.system);
      } catch (error) {
        throw new Error(`seed ${SEED + run}`, { cause: error });
      }
    }

    expect(accepted).toBeGreaterThan(0);
  });
});
