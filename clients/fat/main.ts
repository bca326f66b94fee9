/**
 * A FAT file system on the block class, with a command line: `ls`, `cat`, `write`, `rm`, `mkdir`,
 * `df`.
 *
 * Commands come from the configuration, one after the other, and then from the serial class if the
 * domain has it. What they answer goes to the same place: to the serial console, or to the debug
 * output.
 *
 * The file system is our own and not js-fatfs, the FatFs library as WebAssembly: that one calls for
 * a sector in the middle of a call and wants it at once, which a domain that is driven by events
 * cannot give. It serves in the tests, to check that others can read what is written here.
 */

import type { Channel, EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import { isStorageReady, readStorageInfo } from '../../queues/blk/storage-info.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import type { SerialClientConfig } from '../../queues/serial/config.ts';
import { type BlockTask } from './block-io.ts';
import { runCommand } from './commands.ts';
import { LineConsole } from './console.ts';
import { FatFileSystem } from './file-system.ts';
import { BlockRunner, type Outcome } from './runner.ts';

export interface FatConfig {
  readonly blk: BlkClientConfig;
  readonly serial?: SerialClientConfig;
  /** Commands to run at the start. */
  readonly commands?: readonly string[];
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

const PROMPT = 'fat> ';

export function main(pd: ProtectionDomain<FatConfig>): EntryPoints {
  const client = new FatClient(pd);
  return supervised(client.member, client, { notified: (channel) => client.notified(channel) });
}

class FatClient implements Connections {
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<FatConfig>;
  readonly #runner: BlockRunner;
  readonly #console: LineConsole | undefined;
  readonly #commands: string[];
  #fs: FatFileSystem | undefined;
  #mountFailure: 'none' | 'said' = 'none';

  constructor(pd: ProtectionDomain<FatConfig>) {
    const { blk, serial, commands, restart } = pd.config;
    this.#pd = pd;
    this.#runner = new BlockRunner(pd, blk);
    this.member = joinRestarts(pd, restart);
    for (const channel of this.member?.abandoned ?? []) this.close(channel);
    this.#commands = [...(commands ?? [])];
    if (serial !== undefined) {
      this.#console = new LineConsole(pd, serial, (line) => this.#typed(line));
    }
    this.#next();
  }

  notified(channel: Channel): void {
    if (this.#isDisk(channel)) {
      this.#runner.notified();
      this.#next();
    } else {
      this.#console?.notified(channel);
    }
  }

  /** A line to a terminal lends nothing: there is nothing to let go of. */
  close(channel: Channel): void {
    if (this.#isDisk(channel)) this.#runner.close();
  }

  /** A command that waited for the disk has failed. On a terminal, a signal may have been lost. */
  open(channel: Channel): void {
    if (this.#isDisk(channel)) {
      this.#runner.open();
      this.#next();
    } else {
      this.#pd.notify(channel);
      this.#console?.notified(channel);
    }
  }

  #isDisk(channel: Channel): boolean {
    return channel === this.#pd.config.blk.virt.channel;
  }

  #typed(line: string): void {
    this.#commands.push(line);
    this.#next();
  }

  /** Starts the next command, if nothing is under way. */
  #next(): void {
    if (this.#runner.isBusy || this.#commands.length === 0) return;
    const page = this.#pd.readonlyRegion(this.#pd.config.blk.virt.storageInfo);
    if (this.#fs === undefined && !isStorageReady(page)) return;
    const line = this.#commands.shift() as string;
    if (this.#console === undefined) this.#say(`${PROMPT}${line}`);
    const { capacity } = readStorageInfo(page);
    this.#runner.run(this.#execute(line, capacity), (outcome) => this.#ended(outcome));
  }

  *#execute(line: string, capacity: number): BlockTask<readonly string[]> {
    this.#fs ??= yield* FatFileSystem.mount(capacity);
    return yield* runCommand(this.#fs, line);
  }

  #ended(outcome: Outcome<readonly string[]>): void {
    if (outcome.kind === 'failed') {
      this.#say(`error: ${outcome.error.message}`);
      if (this.#fs === undefined) this.#reportUnmounted(outcome.error.message);
    } else for (const line of outcome.result) this.#say(line);
    this.#console?.print(PROMPT);
    this.#next();
  }

  /** To the debug output, once, in the form by which a run knows that a client has failed. */
  #reportUnmounted(why: string): void {
    if (this.#mountFailure === 'said') return;
    this.#mountFailure = 'said';
    const advice = 'choose another partition, or make a file system with sddf disk create';
    this.#pd.log(`CLIENT|ERROR: the disk cannot be used: ${why}; ${advice}`);
  }

  #say(line: string): void {
    if (this.#console === undefined) this.#pd.log(line);
    else this.#console.print(`${line}\n`);
  }
}
