// Goal: the first error of every description in Microkit's own test corpus is word for word the
// tool's. Method: each row of `expectations.tsv` is read under its configuration. The corpus lies
// beside the project and is not part of it.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isError } from '../diagnostic.ts';
import type { Diagnostic } from '../diagnostic.ts';
import type { Target } from '../target.ts';
import { AARCH64, X86_64 } from '../target.ts';
import { readSystemText } from './text.ts';
import type { PrefillFiles } from './draft.ts';

const CORPUS = join(import.meta.dirname, '../../../shared/corpus/microkit-sdf');

/**
 * The configurations of the tool's tests: `arch` apart, all are the AArch64 one or the x86-64 one.
 */
const ARM: Target = { ...AARCH64, iommu: true };
const CONFIGURATIONS: Readonly<Record<string, Target>> = {
  aarch64: ARM,
  'aarch64-smp4': { ...ARM, cores: 4 },
  'aarch64-noiommu': { ...ARM, iommu: false },
  riscv64: { ...ARM, arch: 'riscv64', iommu: false },
  'riscv64-iommu': { ...ARM, arch: 'riscv64' },
  x86_64: X86_64,
  'x86_64-noiommu': { ...X86_64, iommu: false },
};

const PREFILLS: PrefillFiles = {
  read(path) {
    const found = join(CORPUS, 'prefills', path);
    return existsSync(found) ? new Uint8Array(readFileSync(found)) : 'missing';
  },
};

interface Row {
  readonly file: string;
  readonly configuration: string;
  readonly outcome: string;
  readonly message: string;
}

function rows(): Row[] {
  const [, ...lines] = readFileSync(join(CORPUS, 'expectations.tsv'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [file = '', configuration = '', outcome = '', , message = ''] = line.split('\t');
    return { file, configuration, outcome, message: message.replaceAll('\\n', '\n') };
  });
}

function read(row: Row): { ok: boolean; diagnostics: readonly Diagnostic[]; source: string[] } {
  const target = CONFIGURATIONS[row.configuration];
  if (target === undefined) throw new Error(`no configuration ${row.configuration}`);
  const text = readFileSync(join(CORPUS, row.file), 'utf8');
  const result = readSystemText(text, { file: row.file, target, files: PREFILLS });
  const diagnostics = result.ok ? result.warnings : result.diagnostics;
  return { ok: result.ok, diagnostics, source: text.split('\n') };
}

describe.skipIf(!existsSync(CORPUS))('the corpus of the Microkit tool', () => {
  const all = existsSync(CORPUS) ? rows() : [];

  it('is complete', () => {
    expect(all.length).toBe(149);
  });

  it.each(all)('$file ($configuration)', (row) => {
    const { ok, diagnostics, source } = read(row);
    const errors = diagnostics.filter(isError);

    if (row.outcome === 'pass') {
      expect(errors.map((error) => error.message)).toEqual([]);
      expect(ok).toBe(true);
      return;
    }
    expect(ok).toBe(false);
    if (row.message.startsWith('PANIC')) expect(errors.length).toBeGreaterThan(0);
    else expect(errors[0]?.message).toBe(row.message);
    for (const { span } of errors) {
      if (span === undefined) continue;
      expect(source[span.line - 1]?.length).toBeGreaterThanOrEqual(span.column - 1 + span.length);
    }
  });
});
