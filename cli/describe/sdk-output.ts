/**
 * What the Microkit tool writes is no input here: the system that it was made from is. Nor is a
 * module, where a description is meant.
 */

import { basename } from 'node:path';
import { UserMistake } from '../../host/problem.ts';

const WRITTEN_BY_THE_TOOL = new Set(['loader.img', 'report.txt']);

/**
 * @param reference what a command was given as a system or an image
 * @throws UserMistake for the output of the Microkit tool, and for a program image where a system
 * is meant
 */
export function refuseSdkOutput(reference: string, meant: 'system' | 'image' = 'system'): void {
  const name = basename(reference);
  if (WRITTEN_BY_THE_TOOL.has(name) || name.endsWith('.img')) {
    throw new UserMistake(
      `${reference}: is what the Microkit tool has written; give the .system file that it was made from, with --search-path where its images are`,
    );
  }
  if (meant === 'system' && name.endsWith('.elf')) {
    throw new UserMistake(
      `${reference}: is a program image; give the .system file that names it (sddf inspect looks into an image)`,
    );
  }
}

const MODULE = /\.[cm]?[jt]s$/;

/** @throws UserMistake for a module, where only a description can be read */
export function refuseModule(reference: string): void {
  if (!MODULE.test(reference)) return;
  throw new UserMistake(
    `${reference}: is a module, which is checked whenever it is loaded (sddf graph, sddf run); check reads descriptions: FILE.system`,
  );
}
