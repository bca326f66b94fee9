/** `sddf check`: is a `.system` file right? Every error at once, with its place and a hint. */

import { Command } from 'commander';
import { UserMistake } from '../../host/problem.ts';
import { type Diagnostic, formatDiagnostic, isError } from '../../microkit/diagnostic.ts';
import { type SystemDescription, flatten } from '../../microkit/model.ts';
import { checkRecords } from '../../microkit/sddf/check-records.ts';
import { RISCV64, TARGETS, type Target } from '../../microkit/target.ts';
import { parseSize } from '../quantities.ts';
import { openTerminal } from '../terminal.ts';
import { checkImages } from './check-images.ts';
import { readDescriptionFile, withConfigFile } from './description-file.ts';
import { refuseModule, refuseSdkOutput } from './sdk-output.ts';
import { jsonText } from '../../systems/json-text.ts';

const EXIT_MISTAKE = 2;

interface CheckOptions {
  readonly arch: string;
  readonly cores?: string;
  readonly iommu?: boolean;
  readonly hypervisor?: boolean;
  readonly searchPath: readonly string[];
  readonly programs?: true;
  readonly imageLimit?: string;
  readonly json?: true;
}

export function checkCommand(): Command {
  return new Command('check')
    .description('Checks system descriptions, and reports every error in them at once.')
    .argument('<file...>', 'descriptions: FILE.system')
    .option('--arch <arch>', `for which architecture: ${archNames()}`, 'riscv64')
    .option('--cores <count>', 'for a kernel on that many cores')
    .option('--iommu', 'for a kernel with an IOMMU')
    .option('--no-iommu', 'for a kernel without one')
    .option('--hypervisor', 'for a kernel that runs virtual machines')
    .option('--no-hypervisor', 'for one that does not')
    .option(
      '--search-path <dir>',
      'where prefill files and images are, which must be there',
      collect,
      [],
    )
    .option('--programs', 'program images must be there, beside the description')
    .option('--image-limit <size>', 'memory that an image may need, 64M unless told')
    .option('--json', 'prints what was found as JSON')
    .addHelpText(
      'after',
      '\nNAME.config.json beside NAME.system is held against it, too.\n' +
        'Images (ELF files) that are found must be for RISC-V 64, fit, and have the symbols that get patched;\n' +
        'with --search-path or --programs each must be found.\n' +
        'Exit status: 0 when all are right, 2 otherwise.\n\nExamples:\n' +
        '  sddf check web.system\n  sddf check build/echo.system --search-path build\n' +
        '  sddf check --arch x86_64 --json web.system',
    )
    .action((files: string[], options: CheckOptions) => {
      const target = readTarget(options);
      const checked = files.map((file) => check(file, target, options));
      const terminal = openTerminal('stdout');
      if (options.json === true) terminal.print(jsonText(checked.map(asJson)));
      else for (const one of checked) for (const line of asText(one)) terminal.print(line);
      if (checked.some(({ diagnostics }) => diagnostics.some(isError))) {
        process.exitCode = EXIT_MISTAKE;
      }
    });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function archNames(): string {
  return TARGETS.map((target) => target.name).join(', ');
}

function readTarget({ arch, cores, iommu, hypervisor }: CheckOptions): Target {
  const target = TARGETS.find((candidate) => candidate.name === arch);
  if (target === undefined) {
    throw new UserMistake(`--arch: no architecture '${arch}'; there are ${archNames()}`);
  }
  const count = cores === undefined ? target.cores : Number(cores);
  if (!Number.isInteger(count) || count < 1 || count > 255) {
    throw new UserMistake(`--cores: '${cores ?? ''}' is no number from 1 to 255`);
  }
  return {
    ...target,
    cores: count,
    ...(iommu === undefined ? {} : { iommu }),
    ...(hypervisor === undefined ? {} : { hypervisor }),
  };
}

interface Checked {
  readonly file: string;
  readonly source: readonly string[];
  readonly system: SystemDescription | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

function check(file: string, target: Target, options: CheckOptions): Checked {
  refuseSdkOutput(file);
  refuseModule(file);
  const description = readDescriptionFile(file, target, options.searchPath);
  const { read, source } = description;
  if (!read.ok) return { file, source, system: undefined, diagnostics: read.diagnostics };
  const system = withConfigFile(read.system, file);
  const images = checkImages({
    system,
    folders: description.folders,
    isForThisMachine: target.name === RISCV64.name,
    isEachWanted: wantsImages(options),
    ...limitOf(options),
  });
  const diagnostics = [...read.warnings, ...checkRecords(system), ...images];
  return { file, source, system, diagnostics };
}

/** Who says where images are wants all of them to be there. */
function wantsImages({ programs, searchPath, imageLimit }: CheckOptions): boolean {
  return programs === true || searchPath.length > 0 || imageLimit !== undefined;
}

function limitOf({ imageLimit }: CheckOptions): { readonly imageLimitBytes?: number } {
  if (imageLimit === undefined) return {};
  return { imageLimitBytes: parseSize(imageLimit, '--image-limit') };
}

function asText({ file, source, system, diagnostics }: Checked): string[] {
  const lines = diagnostics.map((each) => formatDiagnostic(each, file, source));
  const errors = diagnostics.filter(isError).length;
  const warnings = diagnostics.length - errors;
  const counts = [count(errors, 'error'), count(warnings, 'warning')].filter(
    (text) => text !== undefined,
  );
  if (system === undefined || errors > 0) return [...lines, `${file}: ${counts.join(', ')}`];
  const contents = [
    count(flatten(system).length, 'protection domain'),
    count(system.regions.length, 'memory region'),
    count(system.channels.length, 'channel'),
    ...counts,
  ].filter((text) => text !== undefined);
  return [...lines, `${file}: right: ${contents.join(', ')}`];
}

function count(number: number, what: string): string | undefined {
  if (number === 0) return undefined;
  return number === 1 ? `1 ${what}` : `${number} ${what}s`;
}

function asJson({ file, diagnostics }: Checked): object {
  return {
    file,
    ok: !diagnostics.some(isError),
    diagnostics: diagnostics.map(({ severity, message, path, span, hint }) => ({
      severity,
      message,
      path,
      line: span?.line ?? null,
      column: span?.column ?? null,
      length: span?.length ?? null,
      hint: hint ?? null,
    })),
  };
}
