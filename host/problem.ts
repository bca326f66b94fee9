/**
 * Problems that a user can put right. The command line prints one as a single line,
 * `sddf: what, where, what to do`, without a stack trace, and ends with status 2.
 */

import { thrownText } from '../memory/thrown-text.ts';

export class UserMistake extends Error {
  override readonly name = 'UserMistake';
}

/** The code of a Node system error, such as `EADDRINUSE`; `undefined` for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Says in words what a system error about `where` means, and what to do. */
export function explainSystemError(error: unknown, where: string): UserMistake {
  const code = systemErrorCode(error);
  switch (code) {
    case 'EADDRINUSE':
      return new UserMistake(
        `${where}: the address is already in use; end the program that has it, or choose another`,
      );
    case 'EADDRNOTAVAIL':
      return new UserMistake(`${where}: this machine has no such address; 127.0.0.1 always works`);
    case 'ENOENT':
      return new UserMistake(`${where}: no such file or directory; check the path`);
    case 'EACCES':
    case 'EPERM':
      // Binding a socket gives EACCES for a missing folder, too.
      if (/(^| )unix:/.test(where)) {
        return new UserMistake(
          `${where}: permission denied, or no such directory; choose a directory that is there and yours`,
        );
      }
      return new UserMistake(
        `${where}: permission denied; ports below 1024 and other users' files need rights`,
      );
    case 'EEXIST':
      return new UserMistake(`${where}: something else is there already; name another`);
    case 'EISDIR':
      return new UserMistake(`${where}: is a directory; name a file`);
    case 'ENOTDIR':
      return new UserMistake(`${where}: part of the path is not a directory; check the path`);
    case 'ECONNREFUSED':
      return new UserMistake(`${where}: nobody listens there; start the other side first`);
    default:
      return new UserMistake(`${where}: ${thrownText(error)}`);
  }
}
