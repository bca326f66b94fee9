/**
 * Holds the program images of a system against it: whether each is there, is for this machine, fits its domain and has the
 * symbols that get patched. Modules are only looked for.
 */

import { basename } from 'node:path';
import { UserMistake } from '../../host/problem.ts';
import type { Diagnostic } from '../../microkit/diagnostic.ts';
import type { ElfImage } from '../../microkit/elf/image.ts';
import { planImage } from '../../microkit/elf/plan.ts';
import { type FlatPd, flatten, type SystemDescription } from '../../microkit/model.ts';
import { findAlong, findProgram } from './description-file.ts';
import { isElfFile, readImageFile } from './program-image.ts';

export interface ImageCheck {
  readonly system: SystemDescription;
  /** Where images are looked for, in order. */
  readonly folders: readonly string[];
  /** Whether the description is for the machine of this testbed; images for others are only looked for. */
  readonly isForThisMachine: boolean;
  readonly imageLimitBytes?: number;
}

export function checkImages(check: ImageCheck): readonly Diagnostic[] {
  const images = new Images(check);
  return flatten(check.system).flatMap((flat) => checkImage(check, images, flat));
}

function checkImage(check: ImageCheck, images: Images, { pd }: FlatPd): readonly Diagnostic[] {
  const path = `protection_domain '${pd.name}'`;
  const found = findProgram(check.folders, pd.image.path);
  if (found === undefined) return [missing(check, pd.image.path, path)];
  if (!check.isForThisMachine) return [];
  try {
    const image = images.read(found);
    if (image === undefined) return [];
    const symbols = symbolsOf(check, images, pd.image.pathForSymbols);
    const planned = planImage({ system: check.system, pd, image, ...symbols });
    const lines = planned.ok ? planned.plan.notes : planned.problems;
    const severity = planned.ok ? 'warning' : 'error';
    return lines.map((line) => diagnostic(severity, `${pd.image.path}: ${line}`, path));
  } catch (error) {
    if (error instanceof UserMistake) return [diagnostic('error', error.message, path)];
    throw error;
  }
}

function missing({ folders }: ImageCheck, image: string, path: string): Diagnostic {
  return {
    severity: 'error',
    message: `Error: unable to find program image: '${image}'`,
    path,
    hint: `looked for in ${folders.join(', ')}; --search-path adds to these`,
  };
}

function symbolsOf(
  { folders }: ImageCheck,
  images: Images,
  name: string | undefined,
): { readonly symbols?: ElfImage['symbols'] } {
  if (name === undefined) return {};
  const found = findAlong(folders, name);
  if (found === undefined) {
    const places = folders.join(', ');
    throw new UserMistake(
      `${name}: path_for_symbols names no file in ${places}; see --search-path`,
    );
  }
  const symbols = images.read(found)?.symbols;
  return symbols === undefined ? {} : { symbols };
}

/** Of an error the first clause is what is wrong, and the last what to do. */
function diagnostic(severity: Diagnostic['severity'], line: string, path: string): Diagnostic {
  const at = line.lastIndexOf('; ');
  const what = severity === 'error' ? 'Error: ' : '';
  if (at < 0) return { severity, message: `${what}${line}`, path };
  return { severity, message: `${what}${line.slice(0, at)}`, path, hint: line.slice(at + 2) };
}

/** Images by path: several domains may run one. */
class Images {
  readonly #known = new Map<string, ElfImage | undefined>();
  readonly #check: ImageCheck;

  constructor(check: ImageCheck) {
    this.#check = check;
  }

  /** @returns undefined for a module @throws UserMistake for what is neither */
  read(path: string): ElfImage | undefined {
    if (!this.#known.has(path)) this.#known.set(path, this.#load(path));
    return this.#known.get(path);
  }

  #load(path: string): ElfImage | undefined {
    const { imageLimitBytes } = this.#check;
    if (isElfFile(path)) {
      return readImageFile(path, imageLimitBytes === undefined ? {} : { imageLimitBytes });
    }
    if (MODULE.test(basename(path))) return undefined;
    throw new UserMistake(
      `${path}: is neither an ELF file nor a module; a program is one of these`,
    );
  }
}

const MODULE = /\.[cm]?[jt]s$/;
