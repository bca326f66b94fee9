/**
 * The serial line on files: input is typed from one at the line's rate, output goes to another.
 * With the virtual clock a run is repeatable byte for byte, and ends when the input is over and all
 * is quiet.
 */

import { closeSync, readSync, writeSync } from 'node:fs';
import { explainSystemError, UserMistake } from '../problem.ts';
import { NEW, openOutput, openRegular } from '../regular-file.ts';
import type { SerialBridge } from './bridge.ts';
import type { HostLine } from './host-line.ts';

const PIECE_BYTES = 16_384;

export interface FileBridgeOptions {
  readonly host: HostLine;
  readonly inPath?: string;
  readonly outPath?: string;
}

export class FileBridge implements SerialBridge {
  readonly description: string;
  readonly #host: HostLine;
  readonly #outPath: string | undefined;
  #output: number | undefined;
  #input: number | undefined;

  /** @throws UserMistake when a file cannot be opened */
  constructor(options: FileBridgeOptions) {
    const { inPath, outPath } = options;
    this.#host = options.host;
    this.#outPath = outPath;
    this.#input = inPath === undefined ? undefined : openFile(inPath, 'in');
    try {
      this.#output = outPath === undefined ? undefined : openFile(outPath, 'out');
    } catch (error) {
      if (this.#input !== undefined) closeSync(this.#input);
      throw error;
    }
    this.description = `serial: file, in ${inPath ?? 'none'}, out ${outPath ?? 'none'}`;
    this.#host.listen({ roomForInput: () => this.#fill() });
    this.#fill();
  }

  get inputOver(): boolean {
    const { line } = this.#host;
    return this.#input === undefined && this.#host.inputWaits === 'no' && line.inputLength() === 0;
  }

  flush(): void {
    this.#host.flush();
    for (;;) {
      const bytes = this.#host.read(PIECE_BYTES);
      if (bytes === undefined) return;
      this.#write(bytes);
    }
  }

  async close(): Promise<void> {
    this.flush();
    this.#closeInput();
    if (this.#output !== undefined) closeSync(this.#output);
    this.#host.unplug();
    await Promise.resolve();
  }

  counters(): Record<string, number> {
    return this.#host.counters();
  }

  /** @throws UserMistake when it cannot be written, the first time */
  #write(bytes: Uint8Array): void {
    const output = this.#output;
    if (output === undefined) return;
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(output, bytes, at);
    } catch (error) {
      this.#output = undefined;
      closeSync(output);
      throw explainSystemError(error, `--serial file,out=${this.#outPath ?? ''}`);
    }
  }

  /** Reads until the line has enough. */
  #fill(): void {
    while (this.#input !== undefined) {
      const bytes = Buffer.allocUnsafe(PIECE_BYTES);
      const length = readSync(this.#input, bytes);
      if (length === 0) {
        this.#closeInput();
        return;
      }
      if (this.#host.offer(bytes.subarray(0, length)) === 'wait') return;
    }
  }

  #closeInput(): void {
    if (this.#input !== undefined) closeSync(this.#input);
    this.#input = undefined;
  }
}

function openFile(path: string, key: 'in' | 'out'): number {
  try {
    return key === 'in' ? openRegular(path, 'read-only') : openOutput(path, NEW);
  } catch (error) {
    if (error instanceof UserMistake)
      throw new UserMistake(`--serial file,${key}=${error.message}`);
    throw explainSystemError(error, `--serial file,${key}=${path}`);
  }
}
