/**
 * Paths that a run takes for itself while it lasts: UNIX sockets that it listens on, links to a
 * pseudo-terminal.
 *
 * What a live owner has is never taken; what a killed run has left behind is; the end removes only
 * what is still ours. A socket is bound under a name of its own and then linked to the path, which
 * fails when something is there: two runs that start at the same time cannot take it from each
 * other, and Node, which removes the name that it has bound, removes only that.
 */

import { randomBytes } from 'node:crypto';
import {
  linkSync,
  lstatSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { createConnection, Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { explainSystemError, systemErrorCode, UserMistake } from './problem.ts';

/** Something at a path that is ours. */
export interface OwnPath {
  /** Removes it, unless somebody else's is there by now. */
  release(): void;
}

/** The longest path that fits a UNIX socket's address. */
const UNIX_PATH_BYTES_MAX = 107;
/** Attempts at a path that others take and leave meanwhile. */
const ATTEMPTS = 3;

/** Somebody who listens on a UNIX socket, if it is not a server of this thread. */
export interface SocketListener {
  /** @param path of a name that nobody else takes @throws a system error, or a UserMistake */
  listen(path: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Lets a server listen on a UNIX socket.
 *
 * @param where what to blame, such as `--nbd unix:a.sock`
 * @throws UserMistake when a live program has the path, or something is there that is no socket
 */
export async function listenAt(
  server: Server | SocketListener,
  path: string,
  where: string,
): Promise<OwnPath> {
  const listener = server instanceof Server ? listenerOf(server) : server;
  const bound = besides(path);
  try {
    await listener.listen(bound);
  } catch (error) {
    throw error instanceof UserMistake ? error : explainSystemError(error, where);
  }
  try {
    return await linkSocket(bound, path, where);
  } catch (error) {
    await listener.close();
    throw error;
  } finally {
    rmSync(bound, { force: true });
  }
}

function listenerOf(server: Server): SocketListener {
  return {
    listen: (path) =>
      new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => {
          server.off('error', reject);
          resolve();
        });
      }),
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

async function linkSocket(bound: string, path: string, where: string): Promise<OwnPath> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      linkSync(bound, path);
      return ownInode(path);
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw explainSystemError(error, where);
    }
    await removeLeftSocket(path, where);
  }
  throw taken(where);
}

/** @throws UserMistake unless it is a socket that nobody listens on */
async function removeLeftSocket(path: string, where: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new UserMistake(
      `${where}: there is something else of this name; remove it, or choose another`,
    );
  }
  // Taken before the question: what is there after it may be another one.
  const identity = identityOf(path);
  if (await isListenedOn(path)) throw taken(where);
  removeIf(path, identity);
}

function taken(where: string): UserMistake {
  return new UserMistake(
    `${where}: the address is already in use; end the program that has it, or choose another`,
  );
}

/** Whether some program accepts connections there. One that is too busy to take ours does. */
function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error) => {
      const code = systemErrorCode(error);
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT');
    });
  });
}

/**
 * Makes a link to our own pseudo-terminal.
 *
 * A link is a leftover when it leads to a pseudo-terminal that has gone, or to ours: its number has
 * been given to us. One that leads to another that is there is a live owner's as far as can be
 * told, and one that leads elsewhere is somebody's.
 *
 * @throws UserMistake when something is there that is no leftover
 */
export function linkTo(path: string, target: string, where: string): OwnPath {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      symlinkSync(target, path);
      return ownInode(path);
    } catch (error) {
      if (systemErrorCode(error) !== 'EEXIST') throw explainSystemError(error, where);
    }
    removeLeftLink(path, target, where);
  }
  throw taken(where);
}

function removeLeftLink(path: string, ours: string, where: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSymbolicLink()) {
    throw new UserMistake(`${where}: there is a file of this name; remove it`);
  }
  const target = readlinkSync(path);
  if (!PSEUDO_TERMINAL.test(target)) {
    throw new UserMistake(`${where}: is a link to ${target}, and not of our making; remove it`);
  }
  const isThere = lstatSync(target, { throwIfNoEntry: false }) !== undefined;
  if (isThere && target !== ours) {
    throw new UserMistake(
      `${where}: leads to ${target}, which somebody has; end that program, or choose another name`,
    );
  }
  removeIf(path, identityOf(path));
}

const PSEUDO_TERMINAL = /^\/dev\/pts\/\d+$/;

/** @returns what is at the path now, which is ours */
function ownInode(path: string): OwnPath {
  const identity = identityOf(path);
  return { release: () => removeIf(path, identity) };
}

/**
 * What tells a file from another one at the same path. The number of a socket's inode is not given
 * again while its program listens; that of a link may be, so where it leads counts as well.
 * Undefined: there is nothing.
 */
function identityOf(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return `${found.ino} ${found.isSymbolicLink() ? readlinkSync(path) : ''}`;
}

/**
 * Removes a path if it is still the same file: it is looked at under a name that nobody else takes.
 */
function removeIf(path: string, identity: string | undefined): void {
  if (identity === undefined || identityOf(path) !== identity) return;
  const aside = besides(path);
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return; // somebody else was faster
    throw explainSystemError(error, path);
  }
  // Somebody else's, made since we looked: it goes back, unless a third one has come meanwhile.
  if (identityOf(aside) !== identity) putBack(aside, path);
  unlinkSync(aside);
}

function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw explainSystemError(error, path);
  }
}

/**
 * A name in the same folder that no other run uses, short enough for a socket wherever the path
 * itself is. It begins with a letter: `.5353e709` alone is a number, which Node takes for a port.
 */
function besides(path: string): string {
  const name = `.s${randomBytes(4).toString('hex')}`;
  const beside = join(dirname(path), name);
  if (Buffer.byteLength(beside) <= UNIX_PATH_BYTES_MAX) return beside;
  return join(dirname(path), name.slice(0, Math.max(3, Buffer.byteLength(basename(path)))));
}
