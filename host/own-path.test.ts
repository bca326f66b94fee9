/**
 * Goal: a run takes a path that a killed one has left, and no path that somebody has; at its end it
 * removes its own and nothing else. The links of a pseudo-terminal are made to paths of files that
 * stand for it, below /dev/pts where they have to be.
 */

import { existsSync, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linkTo, listenAt } from './own-path.ts';

const NOBODYS_PTY = '/dev/pts/999999';
const OURS = '/dev/pts/999998';

let folder = '';
let path = '';
const servers: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-own-'));
  path = join(folder, 'a.sock');
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  }
  rmSync(folder, { recursive: true, force: true });
});

function server(): Server {
  const one = createServer((socket) => socket.end());
  servers.push(one);
  return one;
}

function connects(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ path });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
}

/** A socket whose program has been killed. */
function leaveSocket(): void {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(lstatSync(path).isSocket()).toBe(true);
}

describe('a UNIX socket', () => {
  it('is had, and given back with nothing left', async () => {
    const own = await listenAt(server(), path, 'here');
    expect(await connects()).toBe(true);
    expect(readdirSync(folder)).toEqual(['a.sock']);

    own.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is taken over when its program has been killed', async () => {
    leaveSocket();
    await listenAt(server(), path, 'here');
    expect(await connects()).toBe(true);
  });

  it('is not taken from a live owner', async () => {
    await listenAt(server(), path, 'first');
    await expect(listenAt(server(), path, 'second')).rejects.toThrow(/^second: .*in use/);
    expect(await connects()).toBe(true);
    expect(readdirSync(folder)).toEqual(['a.sock']);
  });

  it('goes to one of several that find a leftover together', async () => {
    leaveSocket();
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, () => listenAt(server(), path, 'here')),
    );
    expect(all.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    expect(await connects()).toBe(true);
  });

  it.each([
    ['a file', (at: string) => writeFileSync(at, 'mine')],
    ['a link', (at: string) => symlinkSync('/nowhere', at)],
  ])('does not replace %s', async (_name, make) => {
    make(path);
    await expect(listenAt(server(), path, 'here')).rejects.toThrow(/something else of this name/);
    expect(lstatSync(path).isSocket()).toBe(false);
  });

  it("is not removed at the end when it has become somebody else's", async () => {
    const own = await listenAt(server(), path, 'here');
    unlinkSync(path);
    const other = await listenAt(server(), path, 'there');
    own.release();
    expect(await connects()).toBe(true);
    other.release();
    expect(existsSync(path)).toBe(false);
  });

  it('is no TCP port, whatever its name and the one that it is bound under first', async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      // One of 26 random names of hexadecimal digits behind a point is a number.
      for (let round = 0; round < 200; round += 1) {
        const one = createServer();
        const own = await listenAt(one, '5001', 'here');
        expect(one.address()).toMatch(/^\./);
        own.release();
        await new Promise<void>((resolve) => void one.close(() => resolve()));
      }
    } finally {
      process.chdir(before);
    }
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a link to a pseudo-terminal', () => {
  it('is made and removed', () => {
    const own = linkTo(path, OURS, 'here');
    expect(readlinkSync(path)).toBe(OURS);
    own.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['leads to one that has gone', NOBODYS_PTY],
    ['leads to ours', OURS],
  ])('is taken over when it %s', (_name, target) => {
    symlinkSync(target, path);
    linkTo(path, OURS, 'here');
    expect(readlinkSync(path)).toBe(OURS);
  });

  it.each([
    ['leads elsewhere', '/etc/hostname', /not of our making/],
    // Any file below /dev/pts that is there will do: it is somebody's.
    ['leads to one that somebody has', '/dev/pts/0', /which somebody has/],
  ])('is left alone when it %s', (_name, target, message) => {
    if (!existsSync(target)) return;
    symlinkSync(target, path);
    expect(() => linkTo(path, OURS, 'here')).toThrow(message);
    expect(readlinkSync(path)).toBe(target);
  });

  it('is left alone when it is a file', () => {
    writeFileSync(path, 'mine');
    expect(() => linkTo(path, OURS, 'here')).toThrow(/a file of this name/);
  });

  it("is not removed at the end when it has become somebody else's", () => {
    const own = linkTo(path, OURS, 'here');
    unlinkSync(path);
    symlinkSync('/etc/hostname', path);
    own.release();
    expect(readlinkSync(path)).toBe('/etc/hostname');
  });
});
