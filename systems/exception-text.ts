/** What a person is told of an exception that a program has thrown: the error, and where in the program it was. */

import { fileURLToPath } from 'node:url';

const FRAMES_MAX = 5;
/** Rooms that call programs: their frames say nothing about the program. */
const OWN = ['kernel', 'microkit', 'board', 'systems', 'host', 'cli'];
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @returns the error and, a line each, the frames of the program, as `    at name (file:line:column)` */
export function exceptionText(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^ +at /.test(line))
    .map((line) => line.replace('file://', ''))
    // Node's own, and code without a file: its address would be the code itself.
    .filter((line) => !/[( ](?:node:|data:)/.test(line));
  const ofProgram = frames.filter((line) => !isOwn(line));
  const shown = ofProgram.length > 0 ? ofProgram : frames;
  return [`${error.name}: ${error.message}`, ...shown.slice(0, FRAMES_MAX)].join('\n');
}

function isOwn(frame: string): boolean {
  return OWN.some((room) => frame.includes(`${ROOT}${room}/`));
}
