/** Where a capture goes: a file, standard output, or Wireshark at the other end of a pipe. */

import { spawn } from 'node:child_process';
import { closeSync, fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { every } from '../event-loop.ts';
import { explainSystemError, UserMistake } from '../problem.ts';
import { NEW, openOutput } from '../regular-file.ts';
import type { NoticeListener } from './bridge.ts';
import type { CaptureSink } from './pcapng-writer.ts';

/** A reader that is this far behind misses frames, rather than filling the memory. */
const UNREAD_BYTES_MAX = 32 * 1024 * 1024;
/** A reader that takes nothing for so long does not hold the end of a run. */
const UNREAD_MS_MAX = 500;

export interface OpenSink {
  readonly write: CaptureSink;
  /**
   * A capture of another world follows: a file is written anew, a stream goes on.
   *
   * @throws UserMistake when the file cannot be made
   */
  rewind(): void;
  close(): Promise<void>;
}

/**
 * @param path of a file, or of a pipe that somebody reads: one who is too slow does not hold the
 * run
 * @throws UserMistake when the file cannot be made
 */
export function openCaptureFile(path: string, onNotice: NoticeListener): OpenSink {
  let fd = openNew(path);
  if (fstatSync(fd).isFIFO()) {
    return captureToStream(new Socket({ fd, readable: false, writable: true }), path, onNotice);
  }
  return {
    write: (bytes) => {
      try {
        for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      } catch (error) {
        throw explainSystemError(error, path); // the disk is full, say
      }
    },
    rewind: () => {
      closeSync(fd);
      fd = openNew(path);
    },
    close: () => {
      closeSync(fd);
      return Promise.resolve();
    },
  };
}

function openNew(path: string): number {
  try {
    return openOutput(path, NEW);
  } catch (error) {
    throw error instanceof UserMistake ? error : explainSystemError(error, path);
  }
}

/**
 * A capture into a stream, such as standard output. A reader that goes away ends the capture, not
 * the board.
 */
export function captureToStream(
  stream: Writable,
  name: string,
  onNotice: NoticeListener,
): OpenSink {
  let state: 'open' | 'behind' | 'gone' = 'open';
  stream.on('error', () => {
    if (state !== 'gone') onNotice(`${name}: the reader of the capture has gone`);
    state = 'gone';
  });
  return {
    write: (bytes) => {
      if (state === 'gone') return;
      if (stream.writableLength > UNREAD_BYTES_MAX) {
        if (state === 'open') onNotice(`${name}: the reader is too slow, frames are left out`);
        state = 'behind';
        return; // whole blocks are left out: what follows can be read
      }
      stream.write(Buffer.from(bytes));
    },
    rewind: () => undefined,
    close: () =>
      new Promise((resolve) => {
        if (state === 'gone') return resolve();
        let unread = stream.writableLength;
        const timer = every(UNREAD_MS_MAX, () => {
          if (stream.writableLength < unread) {
            unread = stream.writableLength;
            return;
          }
          timer.cancel();
          state = 'gone';
          onNotice(`${name}: the reader has stopped, the last frames are left out`);
          resolve();
        });
        stream.write(Buffer.alloc(0), () => {
          timer.cancel();
          resolve();
        });
      }),
  };
}

/** The command that shows a live capture when this program cannot start Wireshark itself. */
export const WIRESHARK_COMMAND = 'wireshark -k -i -';

/**
 * Starts Wireshark and captures into it.
 *
 * @returns `undefined` when Wireshark is not installed
 */
export function openWireshark(onNotice: NoticeListener): Promise<OpenSink | undefined> {
  const [command = '', ...args] = WIRESHARK_COMMAND.split(' ');
  const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'ignore'] });
  return new Promise((resolve) => {
    child.once('error', () => resolve(undefined));
    child.once('spawn', () => {
      const sink = captureToStream(child.stdin, 'wireshark', onNotice);
      resolve({
        write: sink.write,
        rewind: () => sink.rewind(),
        close: async () => {
          await sink.close();
          child.stdin.end(); // the window stays open, with all frames
          child.unref();
        },
      });
    });
  });
}
