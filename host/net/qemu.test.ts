// Interoperation with QEMU, which needs no guest for it: its hub joins a `stream` and a `dgram`
// back end. Our bridges are at both ends, QEMU in the middle, and its own capture of what passed is
// read by our reader. Skipped when QEMU is not there.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { breathe, sleep } from '../event-loop.ts';
import type { Bridge } from './bridge.ts';
import { FileBytes } from './capture-bytes.ts';
import { readCapture } from './capture-reader.ts';
import { DgramBridge } from './dgram-bridge.ts';
import { freePort } from './free-port.ts';
import { McastBridge } from './mcast-bridge.ts';
import { StreamBridge } from './stream-bridge.ts';

const QEMU = ['qemu-system-x86_64', 'qemu-system-aarch64', 'qemu-system-riscv64'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);

class Collector {
  readonly frames: Buffer[] = [];

  offer(frame: Uint8Array): 'ok' {
    this.frames.push(Buffer.from(frame));
    return 'ok';
  }
}

function frame(index: number): Buffer {
  const bytes = Buffer.alloc(60 + ((index * 97) % 1455), index);
  bytes.write('52540100000a52540100000b88b5', 0, 'hex');
  return bytes;
}

function dgramOptions(qemuPort: number, ourPort: number): string {
  return (
    `dgram,local.type=inet,local.host=127.0.0.1,local.port=${String(qemuPort)},` +
    `remote.type=inet,remote.host=127.0.0.1,remote.port=${String(ourPort)}`
  );
}

/** A hub with a `stream` and another back end. */
function startQemu(streamOptions: string, other: string, dump: string): ChildProcess {
  const args = [
    ['-M', 'none', '-nodefaults', '-display', 'none', '-monitor', 'none', '-serial', 'none'],
    ['-netdev', `stream,id=s0,${streamOptions}`, '-netdev', `${other},id=d0`],
    ['-netdev', 'hubport,id=h0,hubid=0,netdev=s0', '-netdev', 'hubport,id=h1,hubid=0,netdev=d0'],
    ['-object', `filter-dump,id=f0,netdev=s0,file=${dump}`],
  ].flat();
  return spawn(QEMU ?? '', args, { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Sends until something arrives: QEMU's sockets open a while after it starts. */
async function warmUp(from: Bridge, to: Bridge, at: Collector, back: Collector): Promise<void> {
  while (at.frames.length === 0 || back.frames.length === 0) {
    if (at.frames.length === 0) from.transmit(frame(255));
    if (back.frames.length === 0) to.transmit(frame(255));
    from.flush();
    to.flush();
    await sleep(20);
  }
}

const AGAIN = { retry: 2, timeout: 40_000 };

describe.skipIf(QEMU === undefined)('QEMU (qemu-system-x86_64, -aarch64 or -riscv64)', () => {
  for (const role of ['server', 'client'] as const) {
    // A port that is free now may be taken by the time QEMU binds it: then once more, with another.
    it(`exchanges frames over stream (we are the ${role}) and dgram`, AGAIN, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'qemu-'));
      const path = join(directory, 's.sock');
      const dump = join(directory, 'dump.pcap');
      const [qemuPort, ourPort] = [await freePort('udp'), await freePort('udp')];
      const silent = { wake: (): void => undefined, onNotice: (): void => undefined };
      const [streamEnd, dgramEnd] = [new Collector(), new Collector()];
      const openStream = () =>
        StreamBridge.open({ port: streamEnd, role, address: { kind: 'unix', path }, ...silent });
      const server = role === 'client' ? 'on' : 'off';

      const stream = await openStream();
      const qemu = startQemu(
        `server=${server},addr.type=unix,addr.path=${path}`,
        dgramOptions(qemuPort, ourPort),
        dump,
      );
      const dgram = await DgramBridge.open({
        port: dgramEnd,
        local: { host: '127.0.0.1', port: ourPort },
        remote: { host: '127.0.0.1', port: qemuPort },
        wake: silent.wake,
      });
      await warmUp(stream, dgram, dgramEnd, streamEnd);
      const isReal = (bytes: Buffer): boolean => bytes[20] !== 255;
      for (let index = 0; index < 100; index += 1) {
        stream.transmit(frame(index));
        stream.flush();
        dgram.transmit(frame(100 + index));
        const done = (): boolean =>
          dgramEnd.frames.filter(isReal).length === index + 1 &&
          streamEnd.frames.filter(isReal).length === index + 1;
        while (!done()) await breathe();
      }
      await stream.close();
      await dgram.close();
      const ended = new Promise((resolve) => qemu.once('exit', resolve));
      qemu.kill();
      await ended;

      const sent = Array.from({ length: 200 }, (_, index) => frame(index));
      expect(dgramEnd.frames.filter(isReal)).toEqual(sent.slice(0, 100));
      expect(streamEnd.frames.filter(isReal)).toEqual(sent.slice(100));
      const reader = readCapture(new FileBytes(dump));
      let dumped = 0;
      for (let read = reader.next(); read !== undefined; read = reader.next()) {
        if (isReal(Buffer.from(read.bytes))) dumped += 1;
      }
      expect(dumped).toBe(200);
      expect(reader.problem).toBeUndefined();
      rmSync(directory, { recursive: true });
    });
  }

  it('is in a multicast group with us', AGAIN, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'qemu-'));
    const path = join(directory, 's.sock');
    const port = await freePort('udp');
    const silent = { wake: (): void => undefined, onNotice: (): void => undefined };
    const [streamEnd, mcastEnd] = [new Collector(), new Collector()];
    const stream = await StreamBridge.open({
      port: streamEnd,
      role: 'server',
      address: { kind: 'unix', path },
      ...silent,
    });
    const group = { host: '239.255.42.98', port };
    const mcast = await McastBridge.open({ port: mcastEnd, group, local: '127.0.0.1', ...silent });
    const qemu = startQemu(
      `server=off,addr.type=unix,addr.path=${path}`,
      `socket,mcast=${group.host}:${port},localaddr=127.0.0.1`,
      join(directory, 'dump.pcap'),
    );
    await warmUp(stream, mcast, mcastEnd, streamEnd);
    const real = ({ frames }: Collector): Buffer[] => frames.filter((bytes) => bytes[20] !== 255);
    // QEMU gets its own frames back from the group, and passes them on: they are in between.
    const ours = (): Buffer[] => real(streamEnd).filter((bytes) => (bytes[20] ?? 0) >= 100);
    for (let index = 0; index < 20; index += 1) {
      stream.transmit(frame(index));
      stream.flush();
      while (real(mcastEnd).length <= index) await breathe();
      mcast.transmit(frame(100 + index));
      while (ours().length <= index) await breathe();
    }
    await stream.close();
    await mcast.close();
    const ended = new Promise((resolve) => qemu.once('exit', resolve));
    qemu.kill();
    await ended;

    const sent = Array.from({ length: 20 }, (_, index) => frame(index));
    expect(real(mcastEnd)).toEqual(sent);
    expect(ours()).toEqual(Array.from({ length: 20 }, (_, index) => frame(100 + index)));
    rmSync(directory, { recursive: true });
  });
});
