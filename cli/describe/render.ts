/**
 * `sddf render`: a system as files: XML, configuration and report, and the files that regions are
 * filled from.
 */

import { writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { Command } from 'commander';
import { refuseClashes } from '../../host/file-use.ts';
import { UserMistake, explainSystemError } from '../../host/problem.ts';
import { misfitOf, renderConfigs } from '../../microkit/config-file.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { report } from '../../microkit/report.ts';
import { renderXml } from '../../microkit/xml/render.ts';
import { type RawOptions, readOptions } from '../option.ts';
import { SYSTEM_OPTIONS } from '../run/options.ts';
import { systemFile } from '../run/system-source.ts';
import { addSystemOptions, describedSystem } from './described-system.ts';
import { type ImageFiles, type ImageRequest, renderImages } from './render-images.ts';
import { makeFolder } from '../../host/make-folder.ts';
import { openTerminal } from '../terminal.ts';

interface RenderOptions extends RawOptions {
  readonly output: string;
  readonly elf?: true;
  readonly write?: true;
}

export function renderCommand(): Command {
  return addSystemOptions(new Command('render'))
    .description('Writes a system as NAME.system, NAME.config.json and NAME.report.txt.')
    .requiredOption('-o, --output <dir>', 'where to; made when it does not exist')
    .option('--elf', 'as a system of images, with the contents of their configuration sections')
    .option('--write', 'with --elf: puts them into the images, which --search-path finds')
    .addHelpText(
      'after',
      '\nExamples:\n  sddf render echo -o build\n' +
        '  sddf run build/echo.system     runs what was written\n' +
        '  sddf render echo --elf -o build                               prints objcopy lines\n' +
        '  sddf render echo --elf --write --search-path images -o build  writes the images',
    )
    .action(async (reference: string, options: RenderOptions) => {
      const described = await describedSystem(reference, options);
      const images = options.elf === true ? renderImages(described, imageRequest(options)) : NONE;
      if (images === NONE && options.write === true) {
        throw new UserMistake('--write: goes with --elf only; add it');
      }
      const terminal = openTerminal('stdout');
      const files = new Map([...filesOf(images.system ?? described), ...images.files]);
      for (const name of files.keys()) {
        const path = join(options.output, name);
        refuseClashes([...systemFile(reference), { path, use: 'written', by: '--output' }]);
      }
      for (const [name, contents] of files) {
        const path = join(options.output, name);
        write(path, contents);
        terminal.print(path);
      }
      for (const line of images.commands) terminal.print(line);
      for (const line of images.warnings) terminal.note(line);
    });
}

/** Nothing beside the system's own files. */
const NONE: Omit<ImageFiles, 'system'> & { readonly system?: undefined } = {
  files: new Map(),
  commands: [],
  warnings: [],
};

function imageRequest(options: RenderOptions): ImageRequest {
  const { output } = options;
  if (options.write !== true) return { output };
  const { searchPath } = readOptions(SYSTEM_OPTIONS, options);
  return { output, folders: [...searchPath, output, '.'] };
}

function filesOf(system: SystemDescription): ReadonlyMap<string, string | Uint8Array> {
  if (!/^[\w.-]+$/.test(system.name)) {
    throw new UserMistake(`the system's name '${system.name}' is no file name; give it another`);
  }
  const misfit = misfitOf(system);
  if (misfit !== undefined) {
    throw new UserMistake(`${misfit}, which a file of configurations (JSON) has no place for`);
  }
  const files = new Map<string, string | Uint8Array>([
    [`${system.name}.system`, renderXml(system)],
    [`${system.name}.config.json`, renderConfigs(system)],
    [`${system.name}.report.txt`, report(system)],
  ]);
  for (const { name, prefill } of system.regions) {
    if (prefill?.kind !== 'file') continue;
    if (isAbsolute(prefill.path) || normalize(prefill.path).startsWith('..')) {
      throw new UserMistake(
        `memory region '${name}': ${prefill.path} lies outside the output folder; name it relative`,
      );
    }
    files.set(prefill.path, prefill.bytes);
  }
  return files;
}

function write(path: string, contents: string | Uint8Array): void {
  try {
    makeFolder(dirname(path));
    writeFileSync(path, contents);
  } catch (error) {
    throw explainSystemError(error, path);
  }
}
