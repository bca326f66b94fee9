/**
 * `sddf inspect`: what is in a program image: segments, symbols that get patched, configuration,
 * instructions.
 */

import { basename } from 'node:path';
import { Command } from 'commander';
import { hex } from '../../memory/hex.ts';
import { type BulkCandidate, bulkCandidates } from '../../microkit/elf/bulk.ts';
import { configSectionsNamed } from '../../microkit/elf/config/table.ts';
import type { DecodedSection } from '../../microkit/elf/config/section.ts';
import type { ElfImage, Section } from '../../microkit/elf/image.ts';
import { countInstructions, type InstructionCounts } from '../../microkit/elf/instructions.ts';
import { MICROKIT_VARIABLES } from '../../microkit/elf/patches.ts';
import { textTable } from '../text-table.ts';
import { openTerminal } from '../terminal.ts';
import { type FieldLine, fieldLines, fieldsAsJson } from './field-lines.ts';
import { readImageFile } from './program-image.ts';
import { refuseSdkOutput } from './sdk-output.ts';
import { type TranslationSize, translationSize } from './translation-size.ts';
import { jsonText } from '../../systems/json-text.ts';

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('Shows what is in a program image: an ELF file for RISC-V 64.')
    .argument('<file...>', 'program images: FILE.elf')
    .option('--json', 'prints it as JSON')
    .addHelpText(
      'after',
      '\nConfiguration sections are decoded field by field, as sDDF 0.7 has them.\n' +
        '\nExamples:\n  sddf inspect build/eth_driver.elf\n  sddf inspect --json build/*.elf',
    )
    .action((files: readonly string[], options: { readonly json?: true }) => {
      const terminal = openTerminal('stdout');
      const inspected = files.map(inspect);
      if (options.json === true) terminal.print(jsonText(inspected.map(asJson)));
      else for (const one of inspected) for (const line of asText(one)) terminal.print(line);
    });
}

interface Inspected {
  readonly file: string;
  readonly image: ElfImage;
  readonly symbols: readonly PatchedSymbol[];
  readonly sections: readonly ConfiguredSection[];
  readonly instructions: InstructionCounts;
  readonly bulk: readonly BulkCandidate[];
  readonly translation: TranslationSize;
}

interface PatchedSymbol {
  readonly name: string;
  readonly place: { readonly vaddr: number; readonly sizeBytes: number } | 'missing' | 'ambiguous';
}

interface ConfiguredSection {
  readonly section: Section;
  /** Undefined when its size is that of no structure known here. */
  readonly decoded: DecodedSection | undefined;
}

function inspect(file: string): Inspected {
  refuseSdkOutput(file, 'image');
  const image = readImageFile(file);
  return {
    file,
    image,
    symbols: MICROKIT_VARIABLES.map(({ symbol }) => {
      const found = image.symbols.find(symbol);
      const place =
        typeof found === 'string' ? found : { vaddr: found.value, sizeBytes: found.sizeBytes };
      return { name: symbol, place };
    }),
    sections: configurationSections(image),
    instructions: countInstructions(image),
    bulk: bulkCandidates(image),
    translation: translationSize(image),
  };
}

function configurationSections({ sections }: ElfImage): readonly ConfiguredSection[] {
  return sections.flatMap((section) => {
    const known = configSectionsNamed(section.name);
    if (known.length === 0) return [];
    const { contents } = section;
    const layout = known.find(({ sizeBytes }) => sizeBytes === contents.length);
    return [{ section, decoded: layout?.decode(contents) }];
  });
}

function asText(inspected: Inspected): readonly string[] {
  const { file, image } = inspected;
  const bytes = image.segments.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const at = image.symbols.functions().at(image.entry);
  const entry = at === undefined ? '' : ` (${at.name})`;
  const lines = image.hasLines ? 'with line information' : 'without line information';
  return [
    `${basename(file)}: RISC-V 64, entry ${hex(image.entry)}${entry}, ${bytes} bytes of memory, ${lines}`,
    'segments',
    ...segmentLines(image),
    'symbols that get patched',
    ...symbolLines(inspected),
    'configuration sections',
    ...(inspected.sections.length === 0 ? ['  none'] : inspected.sections.flatMap(sectionLines)),
    'instructions of its functions',
    ...instructionLines(inspected.instructions),
    'functions that are done at once, unless --strict-code is given',
    ...bulkLines(inspected.bulk),
    'translation',
    translationLine(inspected.translation),
  ];
}

function segmentLines({ segments }: ElfImage): readonly string[] {
  const rows = segments.map(({ vaddr, memoryBytes, permissions, contents }) => [
    `  ${hex(vaddr)}..${hex(vaddr + memoryBytes)}`,
    permissions,
    String(memoryBytes),
    'bytes,',
    String(contents.length),
    'of them in the file',
  ]);
  return textTable(rows, ['left', 'left', 'right', 'left', 'right', 'left']);
}

function symbolLines({ image, symbols }: Inspected): readonly string[] {
  if (image.symbols.count === 0) {
    return ['  none: the file was stripped, and cannot be run; link without -s, do not strip'];
  }
  const rows = symbols.map(({ name, place }) => {
    if (typeof place === 'string') return [`  ${name}`, place, ''];
    return [`  ${name}`, hex(place.vaddr), `${place.sizeBytes} bytes`];
  });
  return textTable(rows, ['left', 'left', 'left']);
}

function sectionLines({ section, decoded }: ConfiguredSection): readonly string[] {
  const { name, vaddr, sizeBytes } = section;
  const head = `  ${name} at ${hex(vaddr)}, ${sizeBytes} bytes`;
  switch (decoded?.kind) {
    case undefined:
      return [`${head}: of another size than in sDDF 0.7`];
    case 'empty':
      return [`${head}: all zeros, nobody has configured it`];
    case 'foreign':
      return [`${head}: ${decoded.problem}`];
    case 'configured':
      return [head, ...tableOf(fieldLines(decoded.value))];
  }
}

function tableOf(fields: readonly FieldLine[]): readonly string[] {
  return textTable(
    fields.map(([name, value]) => [`    ${name}`, value]),
    ['left', 'left'],
  );
}

function instructionLines(counts: InstructionCounts): readonly string[] {
  const { total, compressed, ecall, illegal } = counts;
  if (total === 0) return ['  none: no symbol says where they are'];
  const rows = [
    ...[...counts.byExtension].map(([extension, count]) => [`  ${extension}`, String(count), '']),
    ['  illegal', String(illegal), 'not of RV64GC in user mode'],
    ['  all', String(total), `${compressed} of them compressed, ${ecall} system calls`],
  ];
  return textTable(rows, ['left', 'right', 'left']);
}

function bulkLines(candidates: readonly BulkCandidate[]): readonly string[] {
  if (candidates.length === 0) return ['  none: it has no memcpy, memmove, memset or memcmp'];
  const rows = candidates.map(({ name, function: found, executed }) => [
    `  ${name}`,
    found === undefined ? '' : hex(found.vaddr),
    executed === undefined ? '' : `executed: ${executed}`,
  ]);
  return textTable(rows, ['left', 'left', 'left']);
}

function translationLine({ bytes, functions, instructions }: TranslationSize): string {
  return `  ${instructions} instructions in ${functions} functions become ${bytes} bytes of WebAssembly`;
}

function asJson(inspected: Inspected): object {
  const { file, image, symbols, sections, instructions, bulk, translation } = inspected;
  return {
    file,
    entry: hex(image.entry),
    segments: image.segments.map(({ vaddr, memoryBytes, permissions, contents }) => ({
      vaddr: hex(vaddr),
      memoryBytes,
      fileBytes: contents.length,
      permissions,
    })),
    symbols: symbols.map(({ name, place }) =>
      typeof place === 'string'
        ? { name, found: place }
        : { name, found: 'once', vaddr: hex(place.vaddr), sizeBytes: place.sizeBytes },
    ),
    stripped: image.symbols.count === 0,
    lineInformation: image.hasLines,
    sections: sections.map(({ section, decoded }) => ({
      name: section.name,
      vaddr: hex(section.vaddr),
      sizeBytes: section.sizeBytes,
      state: decoded?.kind ?? 'of another size',
      fields: decoded?.kind === 'configured' ? fieldsAsJson(decoded.value) : null,
    })),
    instructions: {
      ...instructions,
      byExtension: Object.fromEntries(instructions.byExtension),
    },
    bulk: bulk.map(({ name, function: found, executed }) => ({
      name,
      vaddr: found === undefined ? null : hex(found.vaddr),
      executed: executed ?? null,
    })),
    translation,
  };
}
