/**
 * Goal: a run with a thousand TCP connections open through slirp ends on Ctrl-C like any other: at
 * once, without a word too many, and with every connection closed. Method: the command, a forward
 * to a guest that does not answer, and connections over the loopback interface; the library accepts
 * them before the guest does.
 */

import { readdirSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { freePort } from '../../host/net/free-port.ts';
import { loadSlirp } from '../../host/net/slirp-library.ts';
import { isLong } from '../support/long-test.ts';
import { SddfProcess } from '../support/sddf-process.ts';

const CONNECTIONS = isLong ? 1000 : 60;
/** More than wait to be accepted: when so many have come behind them, those are open. */
const FURTHER = 140;
const lacking = await loadSlirp().then(
  () => undefined,
  (error: Error) => error.message,
);

async function connected(port: number): Promise<Socket> {
  const socket = createConnection(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

it.skipIf(lacking !== undefined)(
  `ends on Ctrl-C with ${CONNECTIONS} connections open through slirp (lacking: ${lacking ?? 'nothing'})`,
  async () => {
    const port = await freePort('tcp');
    const net = `slirp,hostfwd=tcp:127.0.0.1:${port}-10.0.2.20:80`;
    const run = new SddfProcess(['run', 'echo', '--set', 'address=dhcp', '--net', net, '--json']);
    try {
      await run.says(/echo is running/);
      const sockets: Socket[] = [];
      for (let index = 0; index < CONNECTIONS + FURTHER; index += 1) {
        sockets.push(await connected(port));
      }
      const closed = sockets.map(
        (socket) => new Promise((resolve) => socket.once('close', resolve)),
      );
      const descriptors = readdirSync(`/proc/${run.child.pid}/fd`).length;
      const before = performance.now();
      const status = await run.interrupt();
      console.log(
        `slirp: ${CONNECTIONS} connections, ended in ${(performance.now() - before).toFixed(0)} ms`,
      );
      await Promise.all(closed);

      expect(status).toBe(0);
      expect(run.text).not.toMatch(/^ {4}at |internal failure/m);
      expect(descriptors).toBeGreaterThan(CONNECTIONS);
    } finally {
      run.child.kill('SIGKILL');
    }
  },
);
