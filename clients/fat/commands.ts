/**
 * The commands of the FAT client: `ls`, `cat`, `write`, `rm`, `mkdir`, `df`. Each is a task that
 * ends with lines of text.
 */

import { type BlockTask, FatError } from './block-io.ts';
import type { FatFileSystem } from './file-system.ts';

export const HELP: readonly string[] = [
  'ls [DIR]           lists a directory',
  'cat FILE           prints a file',
  'write FILE TEXT    makes a file, or replaces what is in it',
  'rm PATH            removes a file or an empty directory',
  'mkdir DIR          makes a directory',
  'df                 how much room there is',
];

/** @throws FatError, from the task, for what a user can put right */
export function* runCommand(fs: FatFileSystem, line: string): BlockTask<readonly string[]> {
  const [command = '', ...words] = line.trim().split(/ +/);
  switch (command) {
    case '':
      return [];
    case 'help':
      return HELP;
    case 'ls':
      return yield* list(fs, words[0] ?? '/');
    case 'cat':
      return yield* print(fs, needed(words[0], 'cat FILE'));
    case 'write':
      return yield* write(fs, needed(words[0], 'write FILE TEXT'), words.slice(1).join(' '));
    case 'rm':
      return yield* done(fs.remove(needed(words[0], 'rm PATH')));
    case 'mkdir':
      return yield* done(fs.makeDirectory(needed(words[0], 'mkdir DIR')));
    case 'df':
      return yield* space(fs);
    default:
      throw new FatError(`${command}: no such command; help lists them`);
  }
}

function needed(word: string | undefined, usage: string): string {
  if (word === undefined) throw new FatError(`usage: ${usage}`);
  return word;
}

function* list(fs: FatFileSystem, path: string): BlockTask<readonly string[]> {
  const entries = yield* fs.list(path);
  return entries.map(({ name, kind, sizeBytes }) => {
    const size = kind === 'directory' ? '<dir>' : `${sizeBytes}`;
    return `${size.padStart(10)}  ${visible(name)}`;
  });
}

function* print(fs: FatFileSystem, path: string): BlockTask<readonly string[]> {
  const bytes = yield* fs.readFile(path);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').map(visible);
}

function* write(fs: FatFileSystem, path: string, text: string): BlockTask<readonly string[]> {
  const bytes = Uint8Array.from(`${text}\n`, (character) => character.charCodeAt(0) & 0xff);
  yield* fs.writeFile(path, bytes);
  return [`${path}: ${bytes.length} bytes`];
}

/** A change that has nothing to say when it has been made. */
function* done(change: BlockTask<void>): BlockTask<readonly string[]> {
  yield* change;
  return [];
}

function* space(fs: FatFileSystem): BlockTask<readonly string[]> {
  const { totalBytes, freeBytes, label, type } = yield* fs.spaceUse();
  return [`FAT${type} '${visible(label)}': ${freeBytes} of ${totalBytes} bytes free`];
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** What a disk has as a name, or in a file, must not steer the terminal behind the line. */
function visible(text: string): string {
  return text.replaceAll(
    CONTROLS,
    (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
