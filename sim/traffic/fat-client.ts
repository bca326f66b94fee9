/**
 * Takes the place of the file system's command line, in its domain and on its disk: writes,
 * replaces, reads, lists and removes files at random, one operation after the other, and compares
 * what it finds with a model (`file-model.ts`).
 */

import type { Random } from '../../board/random.ts';
import { type BlockTask, FatError } from '../../clients/fat/block-io.ts';
import { FatFileSystem } from '../../clients/fat/file-system.ts';
import { BlockRunner, type Outcome } from '../../clients/fat/runner.ts';
import type { EntryPoints, Program, ProtectionDomain } from '../../microkit/pd.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import { isStorageReady, readStorageInfo } from '../../queues/blk/storage-info.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import { type FileChange, type FileModel, fileBytes, versionOf } from './file-model.ts';
import type { Findings } from './findings.ts';

/**
 * Short ones, and long ones, whose entries lie in more than one sector of their directory now and
 * then.
 */
export const FILE_NAMES: readonly string[] = [
  'A.TXT',
  'NOTES.TXT',
  'a rather long name of a file.text',
  'another name, longer than many others are, and with dots.in.it.dat',
  'B',
  'one more file with a long name.bin',
  'and the last of them.txt',
];
const FILE_BYTES_MIN = 8;
const FILE_BYTES_MAX = 9000;
/** An operation in so many begins with a disk of which nothing is known. */
const MOUNT_ONE_IN = 8;

export interface FatClientConfigRecord {
  readonly blk: BlkClientConfig;
  readonly restart?: MemberConfig;
}

/** What a client and its workload have in common. */
export interface FatTask {
  readonly name: string;
  readonly random: Random;
  readonly model: FileModel;
  readonly findings: Findings;
  readonly nowNs: () => number;
  /** Operations that are to be made before it is done. */
  readonly amount: number;
  /** 'working': at random; 'checking': each file is read once more; 'over': no more. */
  phase: 'working' | 'checking' | 'over';
  asked: number;
  answered: number;
  failed: number;
  /** Of the next file that is written, whoever writes it. */
  version: number;
}

/** What is under way. */
interface Operation {
  readonly what: string;
  readonly task: (fs: FatFileSystem) => BlockTask<void>;
  readonly change: FileChange | undefined;
}

export function fatTraffic(task: FatTask): Program<FatClientConfigRecord> {
  return (pd: ProtectionDomain<FatClientConfigRecord>): EntryPoints => {
    const client = new FatTraffic(pd, task);
    return supervised(client.member, client, {
      notified: (channel) => client.notified(channel),
      progress: () => task.answered,
    });
  };
}

class FatTraffic implements Connections {
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<FatClientConfigRecord>;
  readonly #task: FatTask;
  readonly #runner: BlockRunner;
  #fs: FatFileSystem | undefined;
  /** Next file to be checked. */
  #checkAt = 0;

  constructor(pd: ProtectionDomain<FatClientConfigRecord>, task: FatTask) {
    this.#pd = pd;
    this.#task = task;
    this.#runner = new BlockRunner(pd, pd.config.blk);
    this.member = joinRestarts(pd, pd.config.restart);
    for (const channel of this.member?.abandoned ?? []) this.close(channel);
    this.#work();
  }

  close(channel: number): void {
    if (channel === this.#pd.config.blk.virt.channel) this.#runner.close();
  }

  open(channel: number): void {
    if (channel !== this.#pd.config.blk.virt.channel) return;
    this.#runner.open();
    this.#work();
  }

  notified(channel: number): void {
    if (channel !== this.#pd.config.blk.virt.channel) return;
    this.#runner.notified();
    this.#work();
  }

  /** Begins operations until one has to wait for the disk. */
  #work(): void {
    const page = this.#pd.readonlyRegion(this.#pd.config.blk.virt.storageInfo);
    if (!isStorageReady(page)) return;
    const { capacity } = readStorageInfo(page);
    while (!this.#runner.isBusy) {
      const operation = this.#next();
      if (operation === undefined) return;
      this.#task.asked += 1;
      const { cuts } = this.#task.model;
      this.#runner.run(this.#uncut(this.#run(operation, capacity), cuts), (outcome) => {
        this.#ended(operation, outcome, cuts);
      });
    }
  }

  #next(): Operation | undefined {
    const { phase, random, asked, amount } = this.#task;
    if (phase === 'over') return undefined;
    if (phase === 'checking') {
      const file = this.#checkAt;
      this.#fs = undefined;
      this.#checkAt += 1;
      if (file < FILE_NAMES.length) return this.#read(file);
      if (file === FILE_NAMES.length) return this.#list();
      this.#task.phase = 'over';
      return undefined;
    }
    // When it is done it goes on with what reaches the disk, so that there is always an answer that
    // wakes it.
    const isDone = asked >= amount;
    if (isDone || random.below(MOUNT_ONE_IN) === 0) this.#fs = undefined;
    const file = random.below(FILE_NAMES.length);
    const choice = random.below(100);
    if (isDone || choice < 30) return this.#read(file);
    if (choice < 80) return this.#write(file);
    return choice < 95 ? this.#remove(file) : this.#list();
  }

  #read(file: number): Operation {
    const name = nameOf(file);
    return { what: `read of ${name}`, task: (fs) => this.#compared(fs, file), change: undefined };
  }

  *#compared(fs: FatFileSystem, file: number): BlockTask<void> {
    const found = yield* readVersion(fs, file);
    const { model } = this.#task;
    if (model.mayBe(nameOf(file), found)) return;
    this.#find('payload', 'contents', `finds ${versionText(found)} in ${nameOf(file)}`);
  }

  #write(file: number): Operation {
    const { random, model } = this.#task;
    const name = nameOf(file);
    const { version } = this.#task;
    this.#task.version += 1;
    const length = FILE_BYTES_MIN + random.below(FILE_BYTES_MAX - FILE_BYTES_MIN);
    const bytes = fileBytes(file, version, length);
    const change = model.asked(name, version);
    return { what: `write of ${name}`, task: (fs) => fs.writeFile(name, bytes), change };
  }

  #remove(file: number): Operation {
    const name = nameOf(file);
    const change = this.#task.model.asked(name, 'absent');
    return { what: `removal of ${name}`, task: (fs) => fs.remove(name), change };
  }

  #list(): Operation {
    return { what: 'listing', task: (fs) => this.#listed(fs), change: undefined };
  }

  *#listed(fs: FatFileSystem): BlockTask<void> {
    const { model } = this.#task;
    const strange = yield* strangeFile(fs);
    if (strange !== undefined && !model.isDamaged) {
      this.#find('payload', 'contents', `finds a file ${strange}, which nobody has made`);
    }
  }

  *#run(operation: Operation, capacity: number): BlockTask<void> {
    this.#fs ??= yield* FatFileSystem.mount(capacity);
    yield* operation.task(this.#fs);
  }

  /** The same, until the power goes: what a machine has begun then, it does not end. */
  *#uncut(task: BlockTask<void>, cuts: number): BlockTask<void> {
    for (let step = task.next(); step.done !== true;) {
      const answer = yield step.value;
      if (this.#task.model.cuts !== cuts) throw new FatError('the power has gone');
      step = task.next(answer);
    }
  }

  #ended({ what, change }: Operation, outcome: Outcome<void>, cuts: number): void {
    const { model } = this.#task;
    this.#task.answered += 1;
    const isCut = model.cuts !== cuts;
    // After a failure, as after a power cut, all that was known of the disk is forgotten.
    if (outcome.kind === 'failed' || isCut) this.#fs = undefined;
    if (outcome.kind === 'done') {
      if (change !== undefined) model.done(change);
      return;
    }
    const { message } = outcome.error;
    if (change?.to === 'absent' && isAbsence(message)) return this.#foundAbsent(change);
    if (isCut || model.isDamaged) return;
    this.#task.failed += 1;
    this.#find('answer', ['errors', 'contents'], `is told of a ${what}: ${message}`);
  }

  /** What is not there need not be removed. */
  #foundAbsent({ name }: FileChange): void {
    if (this.#task.model.mayBe(name, 'absent')) return;
    this.#find('payload', 'contents', `finds no file ${name}`);
  }

  #find(oracle: string, excuse: Parameters<Findings['add']>[0]['excuse'], what: string): void {
    const { name: where, nowNs } = this.#task;
    this.#task.findings.add({ oracle, excuse, where, what, timeNs: nowNs() });
  }
}

/** @returns what a file holds @throws FatError, from the task, when that cannot be read */
export function* readVersion(
  fs: FatFileSystem,
  file: number,
): BlockTask<ReturnType<typeof versionOf>> {
  try {
    return versionOf(file, yield* fs.readFile(nameOf(file)));
  } catch (error) {
    if (error instanceof FatError && isAbsence(error.message)) return 'absent';
    throw error;
  }
}

/** @returns a file that nobody has made, or one that is there twice */
export function* strangeFile(fs: FatFileSystem): BlockTask<string | undefined> {
  const names = (yield* fs.list('/')).map(({ name }) => name);
  return names.find((name, index) => !FILE_NAMES.includes(name) || names.indexOf(name) !== index);
}

export function versionText(found: ReturnType<typeof versionOf>): string {
  if (found === 'mixture') return 'what nobody has written';
  return found === 'absent' ? 'nothing' : `version ${found}`;
}

function isAbsence(message: string): boolean {
  return message.includes('no such file');
}

function nameOf(file: number): string {
  return FILE_NAMES[file] ?? '';
}
