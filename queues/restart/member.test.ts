/** A member of the restart protocol: what it lets go of, what it answers, what it refuses. */

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { Region } from '../../memory/region.ts';
import { type Connections, Member, supervised } from './member.ts';
import { readAnswer, readRefused, RESTART_PAGE_BYTES, writeEpoch } from './pages.ts';

const SUPERVISOR = 9;
const SELF = 1;
const DRIVER = 4;
const CLIENT = 6;

/** A member with two neighbours, one of which it shares two connections with. */
function setUp(): {
  readonly epochs: Region;
  readonly answers: Region;
  readonly did: string[];
  readonly join: () => Member;
  readonly connections: Connections;
  clear: boolean;
} {
  const ram = new Ram({ sizeBytes: 0x10_000 });
  const regionAt = (at: number): Region =>
    new Region({ ram, at, sizeBytes: RESTART_PAGE_BYTES, vaddr: 0 });
  const epochs = regionAt(0);
  const answers = regionAt(RESTART_PAGE_BYTES);
  const did: string[] = [];
  const pd = {
    region: () => answers,
    readonlyRegion: () => epochs,
    notify: (channel: number) => did.push(`notify ${channel}`),
  };
  const neighbours = [
    { channel: 2, child: DRIVER },
    { channel: 3, child: DRIVER },
    { channel: 5, child: CLIENT },
  ];
  const record = { epochs: 'epochs', answers: 'answers', supervisor: SUPERVISOR, self: SELF };
  const parts = {
    epochs,
    answers,
    did,
    join: () => new Member(pd, { ...record, neighbours }),
    clear: true,
    connections: {
      close: (channel: number) => did.push(`close ${channel}`),
      isClear: () => parts.clear,
      open: (channel: number) => did.push(`open ${channel}`),
    },
  };
  return parts;
}

describe('a member', () => {
  it('says nothing at its first start, while all run', () => {
    const { did, join, connections } = setUp();
    join().start(connections);
    expect(did).toEqual([]);
  });

  it('closes every connection with a neighbour that is down, answers, and opens them again', () => {
    const { epochs, answers, did, join, connections } = setUp();
    const member = join();
    member.start(connections);
    writeEpoch(epochs, DRIVER, 1);
    member.notice(connections);
    expect(did.splice(0)).toEqual(['close 2', 'close 3', `notify ${SUPERVISOR}`]);
    expect(readAnswer(answers, DRIVER)).toBe(1);
    writeEpoch(epochs, DRIVER, 2);
    member.notice(connections);
    expect(did).toEqual(['open 2', 'open 3']);
  });

  it('answers when everything has come back, and not before', () => {
    const parts = setUp();
    const { epochs, answers, did, join, connections } = parts;
    const member = join();
    member.start(connections);
    parts.clear = false;
    writeEpoch(epochs, CLIENT, 1);
    member.notice(connections);
    member.proceed(connections);
    expect(did.splice(0)).toEqual(['close 5']);
    expect(readAnswer(answers, CLIENT)).toBe(0);
    parts.clear = true;
    member.proceed(connections);
    member.proceed(connections);
    expect(did).toEqual([`notify ${SUPERVISOR}`]);
    expect(readAnswer(answers, CLIENT)).toBe(1);
  });

  it('closes again for one that dies again before it runs', () => {
    const { epochs, answers, did, join, connections } = setUp();
    const member = join();
    member.start(connections);
    for (const epoch of [1, 3]) {
      writeEpoch(epochs, CLIENT, epoch);
      member.notice(connections);
      expect(did.splice(0)).toEqual(['close 5', `notify ${SUPERVISOR}`]);
      expect(readAnswer(answers, CLIENT)).toBe(epoch);
    }
  });

  it('closes and opens for one that has died and come back since it was last looked at', () => {
    const { epochs, did, join, connections } = setUp();
    const member = join();
    member.start(connections);
    for (const epoch of [2, 4]) {
      writeEpoch(epochs, CLIENT, epoch);
      member.notice(connections);
      expect(did.splice(0)).toEqual(['close 5', 'open 5', `notify ${SUPERVISOR}`]);
    }
  });

  it('does not believe an epoch that goes back, and counts it', () => {
    const { epochs, answers, did, join, connections } = setUp();
    writeEpoch(epochs, CLIENT, 6);
    const member = join();
    member.start(connections);
    for (const epoch of [5, 4, 0xffff_ffff]) {
      writeEpoch(epochs, CLIENT, epoch);
      member.notice(connections);
    }
    expect(did).toEqual([]);
    expect(readRefused(answers)).toBe(3);
    // From the largest number it goes on with 0.
    writeEpoch(epochs, CLIENT, 7);
    member.notice(connections);
    expect(did).toEqual(['close 5', `notify ${SUPERVISOR}`]);
  });

  it('goes on behind the largest number with 0', () => {
    const { epochs, answers, did, join, connections } = setUp();
    writeEpoch(epochs, CLIENT, 0xffff_fffe);
    const member = join();
    for (const epoch of [0xffff_ffff, 0]) {
      writeEpoch(epochs, CLIENT, epoch);
      member.notice(connections);
    }
    expect(did).toEqual(['close 5', `notify ${SUPERVISOR}`, 'open 5']);
    expect(readRefused(answers)).toBe(0);
  });

  it('that starts after a death says so, and answers for who is down', () => {
    const { epochs, answers, did, join, connections } = setUp();
    writeEpoch(epochs, SELF, 5);
    writeEpoch(epochs, DRIVER, 3);
    const member = join();
    expect(member.abandoned).toEqual([2, 3]);
    member.start(connections);
    expect(did).toEqual(['close 2', 'close 3', `notify ${SUPERVISOR}`]);
    expect(readAnswer(answers, SELF)).toBe(5);
    expect(readAnswer(answers, DRIVER)).toBe(3);
  });
});

describe('supervised', () => {
  it('leaves entry points as they are where nobody supervises', () => {
    const entry = { notified: () => undefined };
    expect(supervised(undefined, setUp().connections, entry)).toBe(entry);
  });

  it('keeps what the supervisor says from the program', () => {
    const { epochs, did, join, connections } = setUp();
    const entry = supervised(join(), connections, {
      notified: (channel: number) => void did.push(`notified ${channel}`),
    });
    writeEpoch(epochs, CLIENT, 1);
    entry.notified(2);
    entry.notified(SUPERVISOR);
    expect(did).toEqual(['notified 2', 'close 5', `notify ${SUPERVISOR}`]);
  });
});
