/**
 * Debian's passt as the other end of the NIC: TCP, UDP and DHCP by the host's own sockets, without
 * any rights. It gets one end of a pair of sockets, so that no path has to be reachable for the
 * user that it becomes (`nobody`, where it is started by root), and ends with us, however we end.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { after } from '../event-loop.ts';
import { systemErrorCode, UserMistake } from '../problem.ts';
import { ipv4Text } from './socket-address.ts';

const WHERE = '--net passt';
/** The descriptor of its end. */
const LINE = 3;
/** How long it may take to say that it cannot run. */
const START_MS = 2000;
const MESSAGE_BYTES_MAX = 16_384;

export interface PasstRequest {
  /** What its DHCP gives, and where forwards go. */
  readonly guestIp: number;
  readonly gatewayIp: number;
  /** As passt has them: `5001`, `5001:1235`, `127.0.0.1/5001:1235`. */
  readonly udp: readonly string[];
  readonly tcp: readonly string[];
}

export interface Passt {
  readonly socket: Socket;
  close(): Promise<void>;
}

/** @throws UserMistake */
export async function startPasst(request: PasstRequest): Promise<Passt> {
  const passt = spawn('passt', argumentsOf(request), {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  await hasStarted(passt);
  return {
    socket: passt.stdio[LINE] as Socket,
    close: () =>
      new Promise((resolve) => {
        if (passt.exitCode !== null || passt.signalCode !== null) return resolve();
        passt.once('exit', () => resolve());
        passt.kill();
      }),
  };
}

function argumentsOf({ guestIp, gatewayIp, udp, tcp }: PasstRequest): readonly string[] {
  const addresses = ['-a', ipv4Text(guestIp), '-n', '24', '-g', ipv4Text(gatewayIp)];
  const forwards = [
    ...(udp.length === 0 ? ['-u', 'none'] : udp.flatMap((each) => ['-u', each])),
    ...(tcp.length === 0 ? ['-t', 'none'] : tcp.flatMap((each) => ['-t', each])),
  ];
  // Other addresses of the host are not the guest's, and a frame has 1514 bytes.
  const rest = ['--ipv4-only', '--mtu', '1500'];
  return ['--foreground', '--stderr', '--fd', String(LINE), ...addresses, ...rest, ...forwards];
}

/** It says nothing when it is ready: it is, when it has told its addresses, or still lives. */
function hasStarted(passt: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const patience = after(START_MS, resolve);
    passt.stderr?.on('data', (piece: Buffer) => {
      if (said.length < MESSAGE_BYTES_MAX) said += piece.toString();
      if (said.includes('router:')) resolve();
    });
    passt.once('error', (error) => {
      patience.cancel();
      const isMissing = systemErrorCode(error) === 'ENOENT';
      const why = isMissing ? 'passt is not installed; apt install passt' : error.message;
      reject(new UserMistake(`${WHERE}: ${why}, or use --net user`));
    });
    passt.once('exit', () => {
      patience.cancel();
      reject(new UserMistake(`${WHERE}: passt has ended: ${lastLine(said)}`));
    });
  });
}

function lastLine(said: string): string {
  const lines = said.split('\n').filter((line) => line !== '' && !line.includes('to syslog'));
  return lines.at(-1) ?? 'it says nothing';
}
