/**
 * What a run's devices are plugged into, for as long as the command lasts: a run that a debugger
 * begins again finds its connections as they are, and is brought from a record what they have
 * brought before.
 */

import { OutsideRecord, type RunUntil } from '../../host/record/outside-record.ts';
import type { Testbed } from '../../systems/testbed.ts';
import { attachmentKinds } from './attachment-kinds.ts';
import type { Attachment, ParsedAttachment, RunParts } from './attachment.ts';
import type { DebuggedRun } from './part.ts';

const MIB = 1024 * 1024;

export class Outside {
  /** By the names of their kinds. */
  readonly attachments = new Map<string, Attachment>();
  /** Of a run that somebody may begin again. */
  record: OutsideRecord | undefined;
  #isOpen = false;
  /** Attachments have been started, and a record has it. */
  #isStarted = false;

  get all(): readonly Attachment[] {
    return [...this.attachments.values()];
  }

  /** @throws UserMistake */
  async open(
    parsed: readonly ParsedAttachment[],
    run: RunParts,
    debugged: DebuggedRun | undefined,
  ): Promise<void> {
    if (this.#isOpen) return;
    this.#isOpen = true;
    for (const [index, kind] of attachmentKinds.entries()) {
      const opened = await parsed[index]?.open(run);
      if (opened !== undefined) this.attachments.set(kind.name, opened);
    }
    // Under the host clock there is no going back.
    if (debugged !== undefined && run.clock === 'virtual') this.#beginRecord(run, debugged);
  }

  #beginRecord({ demo, onNotice }: RunParts, debugged: DebuggedRun): void {
    const unrecorded = this.all.flatMap(({ unrecorded: option }) => option ?? []);
    if (demo === 'yes') unrecorded.push('--demo');
    if (unrecorded.length > 0) {
      const what = unrecorded.join(' and ');
      debugged.cannotGoBack(`what ${what} brings from outside would not come again`);
      return;
    }
    const record = new OutsideRecord({
      onFull: () => {
        const limit = `${record.limitBytes / MIB} MiB`;
        debugged.cannotGoBack(`the record of what came from outside is full (${limit})`);
        onNotice(`--gdb: there is no going back any more: more than ${limit} came from outside`);
      },
    });
    for (const attachment of this.all) attachment.record(record);
    this.record = record;
  }

  /** Starts what has a beginning: now, and at the same moment of worlds that are made again. */
  start(): void {
    const start = (): void => this.all.forEach((attachment) => attachment.start());
    if (this.record === undefined) return start();
    // A world that was left during its `init` has started nothing: then the next one does.
    if (this.record.isReplaying && this.#isStarted) return;
    this.#isStarted = true;
    this.record.perform(start);
  }

  /** What runs a testbed, with a note of each turn where there is a record. */
  runUntil(testbed: Testbed): RunUntil {
    const { record } = this;
    return (atNs) => {
      record?.turn(atNs);
      testbed.runUntil(atNs);
    };
  }

  /** The world is to be made again. */
  async rewind(): Promise<void> {
    this.record?.rewind();
    for (const attachment of this.all) await attachment.rewind();
  }

  async close(): Promise<void> {
    for (const attachment of this.all) await attachment.close();
  }
}
