/** `sddf` as a user runs it: a child process whose text can be waited for. */

import { type ChildProcess, spawn } from 'node:child_process';
import { sddfCommand } from './sddf-command.ts';

export class SddfProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  text = '';
  readonly #waits: (() => void)[] = [];

  /** @param command another program that runs it, such as `script` */
  constructor(
    args: readonly string[],
    command: readonly string[] = [process.execPath, sddfCommand()],
  ) {
    const [program = '', ...first] = command;
    this.child = spawn(program, [...first, ...args]);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (piece: Buffer) => {
        this.text += piece.toString('latin1');
        for (const wait of this.#waits.splice(0)) wait();
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.once('close', (status) => {
        resolve(status);
        for (const wait of this.#waits.splice(0)) wait();
      });
    });
  }

  /** @returns the first match of `pattern` in what it has printed so far or prints later */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      if (this.child.exitCode !== null) {
        throw new Error(`it ended without ${String(pattern)}: ${this.text}`);
      }
      await new Promise<void>((resolve) => this.#waits.push(resolve));
    }
  }

  type(text: string): void {
    this.child.stdin?.write(Buffer.from(text, 'latin1'));
  }

  async interrupt(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.ended;
  }
}
