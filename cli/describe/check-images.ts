/**
 * Checks the program images of a system: whether each is there, is for this machine, fits its
 * domain and has the symbols that get patched. Modules are only looked for.
 */

import { basename } from 'node:path';
import { UserMistake } from '../../host/problem.ts';
import type { Diagnostic } from '../../microkit/diagnostic.ts';
import type { ElfImage } from '../../microkit/elf/image.ts';
import { planImage } from '../../microkit/elf/plan.ts';
import { type FlatPd, flatten, type SystemDescription } from '../../microkit/model.ts';
import { findAlong, findProgram } from './description-file.ts';
import { ImageCache } from './program-image.ts';

export interface ImageCheck {
  readonly system: SystemDescription;
  /** Where images are looked for, in order. */
  readonly folders: readonly string[];
  /**
   * Whether the description is for the machine of this testbed; images for others are only looked
   * for.
   */
  readonly isForThisMachine: boolean;
  /** Whether each must be there; otherwise those that are there are checked. */
  readonly isEachWanted: boolean;
  readonly imageLimitBytes?: number;
}

export function checkImages(check: ImageCheck): readonly Diagnostic[] {
  const { imageLimitBytes } = check;
  const images = new ImageCache(imageLimitBytes === undefined ? {} : { imageLimitBytes });
  return flatten(check.system).flatMap((flat) => checkImage(check, images, flat));
}

function checkImage(check: ImageCheck, images: ImageCache, { pd }: FlatPd): readonly Diagnostic[] {
  const path = `protection_domain '${pd.name}'`;
  const found = findProgram(check.folders, pd.image.path);
  if (found === undefined) return check.isEachWanted ? [missing(check, pd.image.path, path)] : [];
  if (!check.isForThisMachine) return [];
  try {
    const image = images.read(found);
    if (image === undefined) return checkModule(found, path);
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

function checkModule(file: string, path: string): readonly Diagnostic[] {
  if (MODULE.test(basename(file))) return [];
  const line = `${file}: is neither an ELF file nor a module; a program is one of these`;
  return [diagnostic('error', line, path)];
}

function missing({ folders }: ImageCheck, image: string, path: string): Diagnostic {
  return {
    severity: 'error',
    message: `Error: unable to find program image: '${image}'`,
    path,
    hint: `looked for in ${[...new Set(folders)].join(', ')}; --search-path adds to these`,
  };
}

function symbolsOf(
  { folders }: ImageCheck,
  images: ImageCache,
  name: string | undefined,
): { readonly symbols?: ElfImage['symbols'] } {
  if (name === undefined) return {};
  const found = findAlong(folders, name);
  if (found === undefined) {
    const places = [...new Set(folders)].join(', ');
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

const MODULE = /\.[cm]?[jt]s$/;
