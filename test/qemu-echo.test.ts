// The whole system at one end of QEMU, a socket of this test at the other: frames go through QEMU's
// hub to the echo system's stream link and come back over its dgram link. Skipped when QEMU is not
// there.

import { spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sddfCommand } from './support/sddf-command.ts';

const QEMU = ['qemu-system-x86_64', 'qemu-system-aarch64', 'qemu-system-riscv64'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);

async function udpSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

/** Who has 10.0.2.16? */
function arpRequest(): Buffer {
  const frame = Buffer.alloc(60);
  const request =
    'ffffffffffff525400000001080600010800060400015254000000010a0002020000000000000a000210';
  frame.write(request, 0, 'hex');
  return frame;
}

describe.skipIf(QEMU === undefined)('QEMU (qemu-system-x86_64, -aarch64 or -riscv64)', () => {
  it('carries an ARP request to the echo system and its answer back', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'qemu-echo-')), 's.sock');
    const ours = await udpSocket();
    const probe = await udpSocket();
    const qemuPort = probe.address().port;
    await new Promise<void>((resolve) => void probe.close(() => resolve()));
    const sddf = spawn(process.execPath, [
      sddfCommand(),
      ...['run', 'echo', '--net', `stream,server=unix:${path}`],
    ]);
    await new Promise<void>((resolve) => {
      sddf.stderr.on('data', (text: Buffer) => {
        if (text.toString().includes('is running')) resolve();
      });
    });
    const qemu = spawn(QEMU ?? '', [
      ...['-M', 'none', '-nodefaults', '-display', 'none', '-monitor', 'none', '-serial', 'none'],
      ...['-netdev', `stream,id=s0,server=off,addr.type=unix,addr.path=${path}`],
      '-netdev',
      `dgram,id=d0,local.type=inet,local.host=127.0.0.1,local.port=${String(qemuPort)},` +
        `remote.type=inet,remote.host=127.0.0.1,remote.port=${String(ours.address().port)}`,
      ...['-netdev', 'hubport,id=h0,hubid=0,netdev=s0'],
      ...['-netdev', 'hubport,id=h1,hubid=0,netdev=d0'],
    ]);
    const answer = new Promise<Buffer>((resolve) => ours.once('message', resolve));
    // QEMU's sockets open a while after it starts: ask until somebody answers.
    const asking = setInterval(() => ours.send(arpRequest(), qemuPort, '127.0.0.1'), 50);
    const frame = await answer;
    clearInterval(asking);
    const ended = new Promise((resolve) => sddf.once('close', resolve));
    qemu.kill();
    sddf.kill('SIGINT');

    expect(frame.subarray(0, 6).toString('hex')).toBe('525400000001');
    expect(frame.subarray(6, 12).toString('hex')).toBe('52540100000b');
    expect(frame.readUInt16BE(20)).toBe(2);
    expect(await ended).toBe(0);
    ours.close();
  });
});
