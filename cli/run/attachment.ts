/**
 * What plugs a run's devices into the host: one kind for each class of device. A kind declares its
 * options of `sddf run`, checks what was given, and opens the wires and bridges. To add one, write
 * its module and name it in `attachment-kinds.ts`.
 */

import type { LoopPort } from '../../host/event-loop.ts';
import type { FileUse } from '../../host/file-use.ts';
import type { OutsideRecord } from '../../host/record/outside-record.ts';
import type { Program } from '../../microkit/pd.ts';
import type { WireParts, Wires } from '../../systems/testbed.ts';
import type { OptionTable, RawOptions } from '../option.ts';
import type { RunOptions } from './options.ts';
import type { LoadedSystem } from './loaded-system.ts';

/** The run that an attachment belongs to. */
export interface RunParts {
  readonly loaded: LoadedSystem;
  readonly clock: 'virtual' | 'host';
  readonly demo: 'no' | 'yes';
  /** One line for the user about something that happened. */
  readonly onNotice: (line: string) => void;
}

export interface AttachmentKind {
  /** Its part of the counters' JSON. */
  readonly name: string;
  /**
   * What `sddf run --help` says about its options: their heading, what their values are, and
   * examples.
   */
  readonly heading: string;
  readonly help: string;
  readonly examples: readonly string[];
  readonly options: OptionTable;
  /**
   * Checks what can be checked without the system.
   *
   * @param raw has the values of its options @param run those of every run
   * @throws UserMistake
   */
  parse(raw: RawOptions, run: RunOptions): ParsedAttachment | Promise<ParsedAttachment>;
}

export interface ParsedAttachment {
  /** Standard output carries data: people's text goes to standard error. */
  readonly standardOutput: 'free' | 'taken';
  /** The host's files that its options name. */
  readonly files: readonly FileUse[];
  /**
   * What its options mean for the description, unless `--set` says otherwise. A system need not
   * offer them: `open` refuses what cannot be left out.
   */
  readonly choices?: Readonly<Record<string, string>>;
  /**
   * Checks the rest, and opens what must be there before the system boots.
   *
   * @returns undefined when the system has no such device
   * @throws UserMistake
   */
  open(run: RunParts): Promise<Attachment | undefined>;
}

export interface Attachment extends LoopPort {
  /** Programs of domains whose description names a path only, because they need the host. */
  readonly programs?: ReadonlyMap<string, Program>;
  /** Bytes of the staging area that its devices need; the testbed's own size unless told. */
  readonly stagingBytes?: number;
  /** The option that brings from the host what {@link record} does not note, if one does. */
  readonly unrecorded: string | undefined;
  /**
   * What it does to the world is noted from now on, and done again to a world that is made again;
   * called before {@link wires}, or never.
   */
  record(record: OutsideRecord): void;
  /** The wires of its devices; called while a testbed is made, again after {@link rewind}. */
  wires(parts: WireParts): Wires;
  /**
   * Connects them to the host, once the system has booted.
   * @param wake called when the host has brought something
   */
  plugIn(wake: () => void): Promise<void>;
  /**
   * The world is to be made again: files are as they were when it began. With a record the host
   * keeps its connections; without one, they are made again.
   */
  rewind(): Promise<void>;
  /** Starts what has a beginning: a replay, a generator. */
  start(): void;
  /**
   * 'host': input may come at any time, so the run keeps to real time. 'own': all input follows the
   * board's clock.
   */
  readonly pace: 'host' | 'own';
  /** Whether its input has an end: a run whose inputs are over ends when all is quiet. */
  readonly input: 'endless' | 'coming' | 'over';
  /** 'taken': the terminal is a console of the board, so nothing else may be shown on it. */
  readonly terminal?: 'free' | 'taken';
  /** Packets or requests that went all the way: what work is divided by. */
  readonly packets: number;
  close(): Promise<void>;
  counters(): Record<string, unknown>;
}
