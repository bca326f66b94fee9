/**
 * The block system, live: with disks and an NBD server as `sddf run blk` has them, driven by the
 * host's event loop.
 */

import { BlockAttachment } from '../../cli/blk/attachment.ts';
import { blkChoices } from '../../cli/blk/disk-choices.ts';
import { parseDisk, parseNbd } from '../../cli/blk/disk-options.ts';
import { LiveLoop } from '../../host/event-loop.ts';
import type { Program } from '../../microkit/pd.ts';
import { blkSystem } from '../../systems/blk.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed, type Testbed } from '../../systems/testbed.ts';

export interface LiveBlk {
  readonly testbed: Testbed;
  /** What the programs have said, `domain: line`. */
  readonly lines: string[];
  /** What the user has been told: notices, and the address of the server. */
  readonly notices: string[];
  readonly attachment: BlockAttachment;
  stop(): Promise<void>;
}

export interface LiveBlkMore {
  /** Of the system. */
  readonly choices?: Readonly<Record<string, string>>;
  /** Programs in place of others, by domain; `own` are those that need the host. */
  readonly programs?: (own: ReadonlyMap<string, Program>) => ReadonlyMap<string, Program>;
}

/** @param nbd as `--nbd` has it; without it the check client runs */
export async function startLiveBlk(
  disks: readonly string[],
  nbd?: string,
  { choices = {}, programs = (own) => own }: LiveBlkMore = {},
): Promise<LiveBlk> {
  const notices: string[] = [];
  const lines: string[] = [];
  const standardOverlay = nbd === undefined ? 'discard' : 'none';
  const specs = disks.map((disk) => parseDisk(disk, standardOverlay));
  const server = nbd === undefined ? undefined : parseNbd(nbd);
  const attachment = new BlockAttachment({
    disks: specs,
    ...(server === undefined ? {} : { nbd: server }),
    clock: 'host',
    onNotice: (line) => notices.push(line),
  });
  const built = blkSystem.build(
    completeChoices(blkSystem, { ...blkChoices(specs, server), ...choices }),
  );
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  const testbed = createTestbed({
    system: built.system,
    clock: 'host',
    programs: programs(attachment.programs),
    counters: blkSystem.counters ?? {},
    stagingBytes: attachment.stagingBytes,
    wires: (parts) => attachment.wires(parts),
    observer: { log: (pd, line) => lines.push(`${pd}: ${line}`) },
  });
  const loop = new LiveLoop(testbed);
  await attachment.plugIn(() => loop.wake());
  const running = loop.run();
  const stop = async (): Promise<void> => {
    loop.stop();
    await running;
    await attachment.close();
  };
  return { testbed, lines, notices, attachment, stop };
}
