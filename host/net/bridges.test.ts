// The bridges over real sockets on the loopback interface, with ports that the system chooses.

import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { lstatSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { breathe } from '../event-loop.ts';
import { hostNow } from '../host-time.ts';
import { type Bridge, FRAMES_PER_LOOK, READ_NS } from './bridge.ts';
import type { CLibrary } from './c-library.ts';
import { DescriptorBridge } from './descriptor-bridge.ts';
import { DgramBridge } from './dgram-bridge.ts';
import { McastBridge } from './mcast-bridge.ts';
import { StreamBridge } from './stream-bridge.ts';
import { UserBridge } from './user-bridge.ts';

class FakePort {
  readonly frames: Buffer[] = [];
  room = Infinity;

  offer(frame: Uint8Array): 'ok' | 'full' {
    if (this.frames.length >= this.room) return 'full';
    this.frames.push(Buffer.from(frame));
    return 'ok';
  }
}

function spend(ns: number): void {
  const endNs = hostNow() + ns;
  while (hostNow() < endNs);
}

/** Takes as long for each frame as a bridge may read for in a whole turn. */
class SlowPort extends FakePort {
  /** Frames in each turn that had some. */
  readonly turns: number[] = [];
  #before = 0;

  override offer(frame: Uint8Array): 'ok' | 'full' {
    spend(READ_NS);
    return super.offer(frame);
  }

  /** Called at the end of each turn. */
  readonly wake = (): void => {
    if (this.frames.length > this.#before) this.turns.push(this.frames.length - this.#before);
    this.#before = this.frames.length;
  };
}

const hasBatches =
  process.platform === 'linux' &&
  (await import('koffi').then(
    () => true,
    () => false,
  ));

const directory = mkdtempSync(join(tmpdir(), 'bridges-'));

async function until(condition: () => boolean, bridge?: Bridge): Promise<void> {
  while (!condition()) {
    bridge?.flush();
    await breathe();
  }
}

function framed(frame: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

const silent = { wake: (): void => undefined, onNotice: (): void => undefined };

describe('the stream bridge', () => {
  async function serverRig(
    port = new FakePort(),
    wake = (): void => undefined,
  ): Promise<{
    bridge: StreamBridge;
    port: FakePort;
    notices: string[];
    connect: () => Promise<Socket>;
  }> {
    const notices: string[] = [];
    const bridge = await StreamBridge.open({
      port,
      role: 'server',
      address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      wake,
      onNotice: (line) => notices.push(line),
    });
    const connect = (): Promise<Socket> =>
      new Promise((resolve) => {
        const socket = createConnection(bridge.listeningPort ?? 0, '127.0.0.1', () =>
          resolve(socket),
        );
        socket.on('error', () => undefined);
      });
    return { bridge, port, notices, connect };
  }

  it('carries frames both ways', async () => {
    const { bridge, port, connect } = await serverRig();
    const peer = await connect();
    const received: Buffer[] = [];
    peer.on('data', (piece) => received.push(piece));
    peer.write(framed(Buffer.alloc(60, 1)));
    await until(() => port.frames.length === 1);
    bridge.transmit(Buffer.alloc(14, 2));
    bridge.transmit(Buffer.alloc(15, 3));
    await until(() => Buffer.concat(received).length === 4 + 14 + 4 + 15, bridge);

    expect(port.frames[0]).toEqual(Buffer.alloc(60, 1));
    expect(Buffer.concat(received)).toEqual(
      Buffer.concat([framed(Buffer.alloc(14, 2)), framed(Buffer.alloc(15, 3))]),
    );
    await bridge.close();
  });

  it('drops and counts frames that no wire carries', async () => {
    const { bridge, port, connect } = await serverRig();
    const peer = await connect();
    for (const length of [13, 1515, 14]) peer.write(framed(Buffer.alloc(length)));
    await until(() => port.frames.length === 1);

    expect(bridge.counters()).toMatchObject({ framesIn: 1, runtsDropped: 1, giantsDropped: 1 });
    await bridge.close();
  });

  it('disconnects a peer with bad framing and takes the next one', async () => {
    const { bridge, port, notices, connect } = await serverRig();
    const bad = await connect();
    bad.write(Buffer.from('this is not a frame'));
    await until(() => bridge.counters()['peersLost'] === 1);
    const good = await connect();
    good.write(framed(Buffer.alloc(60)));
    await until(() => port.frames.length === 1);

    expect(notices.some((line) => line.includes('bad frame length'))).toBe(true);
    expect(bridge.counters()).toMatchObject({ badLengths: 1, peersAccepted: 2 });
    await bridge.close();
  });

  it('holds frames back while the board has no room, and loses none', async () => {
    const port = new FakePort();
    port.room = 10;
    const { bridge, connect } = await serverRig(port);
    const peer = await connect();
    for (let index = 0; index < 200; index += 1) peer.write(framed(Buffer.alloc(1514, index)));
    await until(() => port.frames.length === 10);
    port.room = Infinity;
    await until(() => port.frames.length === 200, bridge);

    expect(port.frames.map((frame) => frame[0])).toEqual(
      Array.from({ length: 200 }, (_, index) => index),
    );
    await bridge.close();
  });

  it('counts as lost what it held back of a peer that has gone', async () => {
    const port = new FakePort();
    port.room = 10;
    const { bridge, connect } = await serverRig(port);
    const peer = await connect();
    peer.write(Buffer.concat(Array.from({ length: 200 }, () => framed(Buffer.alloc(60)))));
    await until(() => port.frames.length === 10);
    peer.resetAndDestroy();
    await until(() => {
      bridge.transmit(Buffer.alloc(60)); // what is not read is not known to have ended
      return bridge.counters()['peersLost'] === 1;
    }, bridge);

    expect(bridge.counters()).toMatchObject({ framesIn: 10, overflowDropped: 190 });
    await bridge.close();
  });

  it('gives everybody else a turn while much has come', async () => {
    const port = new SlowPort();
    const { bridge, connect } = await serverRig(port, port.wake);
    const peer = await connect();
    peer.write(Buffer.concat(Array.from({ length: 100 }, () => framed(Buffer.alloc(60)))));
    await until(() => port.frames.length === 100, bridge);

    expect(Math.max(...port.turns)).toBe(FRAMES_PER_LOOK);
    await bridge.close();
  });

  it('drops and counts what it sends to nobody', async () => {
    const { bridge } = await serverRig();
    bridge.transmit(Buffer.alloc(60));

    expect(bridge.counters()['noPeerDropped']).toBe(1);
    await bridge.close();
  });

  it('refuses a second peer', async () => {
    const { bridge, connect } = await serverRig();
    await connect();
    const second = await connect();
    await new Promise((resolve) => second.once('close', resolve));

    expect(bridge.counters()['peersRefused']).toBe(1);
    await bridge.close();
  });

  it('connects to a server that comes later', async () => {
    const path = join(directory, 'later.sock');
    const port = new FakePort();
    const notices: string[] = [];
    const bridge = await StreamBridge.open({
      port,
      role: 'client',
      address: { kind: 'unix', path },
      wake: () => undefined,
      onNotice: (line) => notices.push(line),
    });
    await until(() => notices.length === 1);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.write(framed(Buffer.alloc(60)));
    }).listen(path);
    await until(() => port.frames.length === 1);

    expect(notices[0]).toContain('no peer yet (ENOENT)');
    await bridge.close();
    server.close();
  });

  function serverAt(path: string): Promise<StreamBridge> {
    const address = { kind: 'unix' as const, path };
    return StreamBridge.open({ port: new FakePort(), role: 'server', address, ...silent });
  }

  it('takes over a UNIX socket whose program has ended', async () => {
    const path = join(directory, 'left.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(path)},
      () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(lstatSync(path).isSocket()).toBe(true);

    const bridge = await serverAt(path);
    await bridge.close();
  });

  it('refuses a UNIX socket that is in use', async () => {
    const path = join(directory, 'used.sock');
    const first = await serverAt(path);

    await expect(serverAt(path)).rejects.toThrow(`unix:${path}: the address is already in use`);
    await first.close();
  });

  it('never removes a file that is no socket', async () => {
    const path = join(directory, 'precious.txt');
    writeFileSync(path, 'precious');

    await expect(serverAt(path)).rejects.toThrow(`unix:${path}`);
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });
});

describe('a bridge over a descriptor', () => {
  it('tells what the host has lost up to its end, and asks no longer', async () => {
    let lost: number | undefined = 7;
    const bridge = new DescriptorBridge({
      library: { watch: () => ({ close: () => undefined }) } as unknown as CLibrary,
      frames: {
        name: 'lossy',
        descriptor: 0,
        receive: () => 0,
        hostDropped: () => lost ?? Number.NaN,
        send: () => 'sent',
        close: () => (lost = undefined),
      },
      port: new FakePort(),
      ...silent,
    });
    expect(bridge.counters()).toMatchObject({ hostDropped: 7 });
    lost = 9;
    await bridge.close();

    expect(bridge.counters()).toMatchObject({ hostDropped: 9 });
  });

  it('gives everybody else a turn while there is always another frame', () => {
    const port = new SlowPort();
    let onReadable = (): void => undefined;
    const watch = (_: number, action: () => void): ReturnType<CLibrary['watch']> => {
      onReadable = action;
      return { pause: () => undefined, resume: () => undefined, close: () => undefined };
    };
    const bridge = new DescriptorBridge({
      library: { watch } as unknown as CLibrary,
      frames: {
        name: 'endless',
        descriptor: 0,
        receive: () => 60,
        send: () => 'sent',
        close: () => undefined,
      },
      port,
      wake: port.wake,
      onNotice: () => undefined,
    });
    onReadable();
    onReadable();

    expect(port.turns).toEqual([FRAMES_PER_LOOK, FRAMES_PER_LOOK]);
    expect(bridge.counters()).toMatchObject({ framesIn: 2 * FRAMES_PER_LOOK });
  });
});

describe('the dgram bridge', () => {
  it('carries frames both ways and drops what strangers send', async () => {
    const remote = createSocket('udp4');
    const stranger = createSocket('udp4');
    await new Promise<void>((resolve) => void remote.bind(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => void stranger.bind(0, '127.0.0.1', resolve));
    const probe = createSocket('udp4');
    await new Promise<void>((resolve) => void probe.bind(0, '127.0.0.1', resolve));
    const localPort = probe.address().port;
    await new Promise<void>((resolve) => void probe.close(() => resolve()));
    const port = new FakePort();
    const bridge = await DgramBridge.open({
      port,
      local: { host: '127.0.0.1', port: localPort },
      remote: { host: '127.0.0.1', port: remote.address().port },
      wake: () => undefined,
    });
    const received: Buffer[] = [];
    remote.on('message', (frame) => received.push(frame));

    stranger.send(Buffer.alloc(60, 9), localPort, '127.0.0.1');
    await until(() => bridge.counters()['strangersDropped'] === 1);
    remote.send(Buffer.alloc(60, 1), localPort, '127.0.0.1');
    remote.send(Buffer.alloc(13, 1), localPort, '127.0.0.1');
    await until(() => bridge.counters()['runtsDropped'] === 1);
    bridge.transmit(Buffer.alloc(61, 2));
    await until(() => received.length === 1);

    expect(port.frames).toEqual([Buffer.alloc(60, 1)]);
    expect(received).toEqual([Buffer.alloc(61, 2)]);
    await bridge.close();
    remote.close();
    stranger.close();
  });
});

describe('the mcast bridge', () => {
  it('reaches all others of its group, and not itself', async () => {
    // A port that is free now; bridges of one group share it.
    const probe = createSocket('udp4');
    await new Promise<void>((resolve) => void probe.bind(0, '127.0.0.1', resolve));
    const group = { host: '239.255.42.99', port: probe.address().port };
    await new Promise<void>((resolve) => void probe.close(() => resolve()));
    const ports = [new FakePort(), new FakePort(), new FakePort()];
    const bridges = await Promise.all(
      ports.map((port) => McastBridge.open({ port, group, local: '127.0.0.1', ...silent })),
    );
    bridges[0]?.transmit(Buffer.alloc(60, 1));
    bridges[1]?.transmit(Buffer.alloc(61, 2));
    await until(() => ports[2]?.frames.length === 2);
    await until(() => bridges.slice(0, 2).every((each) => each.counters()['ownDropped'] === 1));

    expect(ports[0]?.frames).toEqual([Buffer.alloc(61, 2)]);
    expect(ports[1]?.frames).toEqual([Buffer.alloc(60, 1)]);
    for (const bridge of bridges) await bridge.close();
  });

  it('says which interfaces there are not', async () => {
    const opening = McastBridge.open({
      port: new FakePort(),
      group: { host: '239.255.42.99', port: 0 },
      local: '192.0.2.77',
      ...silent,
    });

    await expect(opening).rejects.toThrow("name one's address, as in localaddr=127.0.0.1");
  });
});

describe.each(['best', 'node'] as const)('the user bridge (%s sockets)', (sockets) => {
  const forward = (port: number) => ({
    host: { host: '127.0.0.1', port },
    guestIp: 0x0a00_020f,
    guestPort: 1235,
  });

  it('says in one line that an address is in use', async () => {
    const holder = createSocket('udp4');
    await new Promise<void>((resolve) => void holder.bind(0, '127.0.0.1', resolve));
    const port = holder.address().port;
    const opening = UserBridge.open({
      port: new FakePort(),
      forwards: [forward(0), forward(port)],
      nowNs: () => 0,
      sockets,
      ...silent,
    });

    await expect(opening).rejects.toThrow(
      `127.0.0.1:${String(port)}/udp: the address is already in use`,
    );
    holder.close();
  });

  it('says once that datagrams are too large, and counts each', async () => {
    const notices: string[] = [];
    const bridge = await UserBridge.open({
      port: new FakePort(),
      forwards: [forward(0)],
      nowNs: () => 0,
      sockets,
      wake: () => undefined,
      onNotice: (line) => notices.push(line),
    });
    const client = createSocket('udp4');
    const to = bridge.listening()[0]?.port ?? 0;
    for (let index = 0; index < 3; index += 1) client.send(Buffer.alloc(1473), to, '127.0.0.1');
    await until(() => bridge.counters()['tooLargeDropped'] === 3);

    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain('1473 bytes');
    client.close();
    await bridge.close();
  });

  it('brings datagrams to the guest, each with its own peer, and answers back to them', async () => {
    const port = new FakePort();
    const bridge = await UserBridge.open({
      port,
      forwards: [forward(0)],
      nowNs: () => 0,
      sockets,
      ...silent,
    });
    const { host, port: to } = bridge.listening()[0] ?? { host: '', port: 0 };
    const clients = [createSocket('udp4'), createSocket('udp4')];
    const heard: string[][] = [[], []];
    clients.forEach((client, index) =>
      client.on('message', (bytes) => heard[index]?.push(bytes.toString())),
    );
    const sent = clients.map((_, index) =>
      Array.from({ length: 100 }, (__, each) => `${index} ${each}`.padEnd(each * 7, '.')),
    );
    for (const [index, client] of clients.entries()) {
      for (const text of sent[index] ?? []) client.send(text, to, host);
    }
    // Who has 10.0.2.15 is asked for, and the test is.
    await until(() => port.frames.length > 0, bridge);
    bridge.transmit(arpReply());
    const isDatagram = (frame: Buffer): boolean => frame[12] === 8 && frame[13] === 0;
    await until(() => port.frames.filter(isDatagram).length === 200, bridge);
    for (const frame of port.frames.filter(isDatagram)) bridge.transmit(answered(frame));
    await until(() => heard.every((texts) => texts.length === 100), bridge);

    expect(heard).toEqual(sent);
    expect(bridge.counters()).toMatchObject({ datagramsIn: 200, datagramsOut: 200, sendErrors: 0 });
    for (const client of clients) client.close();
    await bridge.close();
  });
});

// Node's sockets know no holding back.
describe.skipIf(!hasBatches)('the user bridge (batch sockets, which koffi makes)', () => {
  /** Datagrams in one system call. */
  const BATCH = 64;
  const FORWARD = {
    host: { host: '127.0.0.1', port: 0 },
    guestIp: 0x0a00_020f,
    guestPort: 1235,
  };

  /** Sends to a bridge that reads nothing while the board has no room. */
  async function flooded(datagrams: number, room: () => number): Promise<UserBridge> {
    const port = new FakePort();
    const bridge = await UserBridge.open({
      port: { offer: (frame) => port.offer(frame), roomLeft: room },
      forwards: [FORWARD],
      nowNs: () => 0,
      ...silent,
    });
    const { host, port: to } = bridge.listening()[0] ?? { host: '', port: 0 };
    const client = createSocket('udp4');
    for (let index = 1; index < datagrams; index += 1) client.send(Buffer.alloc(1400), to, host);
    // The last one has left, so that all are there, in the kernel's buffer.
    await new Promise<void>((resolve) =>
      client.send(Buffer.alloc(1400), to, host, () => resolve()),
    );
    client.close();
    for (let turn = 0; turn < 20; turn += 1) {
      bridge.flush();
      await breathe();
    }
    return bridge;
  }

  /** Sends to a bridge that reads nothing, and then to one that reads. */
  async function heldBack(
    datagrams: number,
  ): Promise<Record<'before' | 'after', Record<string, number>>> {
    let room = 0;
    const bridge = await flooded(datagrams, () => room);
    const before = bridge.counters();
    room = 512;
    const rest = datagrams - (before['hostDropped'] ?? 0);
    await until(() => bridge.counters()['datagramsIn'] === rest, bridge);
    await bridge.close();
    return { before, after: bridge.counters() };
  }

  it('reads nothing while the board has no room, and loses nothing by it', async () => {
    const { before, after } = await heldBack(201);

    expect(before).toMatchObject({ datagramsIn: 0, hostDropped: 0 });
    expect(after).toMatchObject({ datagramsIn: 201, hostDropped: 0 });
  });

  it('gives everybody else a turn while much has come', async () => {
    const after: number[] = [0];
    const bridge = await UserBridge.open({
      port: new FakePort(),
      forwards: [FORWARD],
      // Asked for with each datagram, for nobody says who has the guest's address.
      nowNs: () => {
        spend(READ_NS);
        return 0;
      },
      ...silent,
      wake: () => after.push(bridge.counters()['datagramsIn'] ?? 0),
    });
    const { host, port: to } = bridge.listening()[0] ?? { host: '', port: 0 };
    const client = createSocket('udp4');
    for (let index = 0; index < 200; index += 1) client.send(Buffer.alloc(18), to, host);
    await until(() => after.at(-1) === 200);

    const turns = after.slice(1).map((count, turn) => count - (after[turn] ?? 0));
    expect(Math.max(...turns)).toBe(BATCH);
    client.close();
    await bridge.close();
  });

  it('counts what no longer fits the buffer that the host has for it', async () => {
    // 4 MiB, which the kernel doubles, and 2304 bytes for each.
    const { before, after } = await heldBack(6000);

    expect(before['hostDropped']).toBeGreaterThan(0);
    expect(after['hostDropped']).toBe(before['hostDropped']);
  });

  it('counts it up to its end, also when nobody has asked before', async () => {
    const bridge = await flooded(6000, () => 0);
    await bridge.close();

    expect(bridge.counters()['hostDropped']).toBeGreaterThan(0);
  });
});

const GUEST_MAC = [0x52, 0x54, 1, 0, 0, 0x0a];
const GATEWAY_MAC = [0x52, 0x55, 10, 0, 2, 2];

function arpReply(): Buffer {
  const addresses = [...GUEST_MAC, 10, 0, 2, 15, ...GATEWAY_MAC, 10, 0, 2, 2];
  return Buffer.from([...GATEWAY_MAC, ...GUEST_MAC, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, ...addresses]);
}

/** The datagram back: exchanging addresses and ports changes no checksum. */
function answered(frame: Buffer): Buffer {
  const back = Buffer.from(frame);
  frame.copy(back, 0, 6, 12);
  frame.copy(back, 6, 0, 6);
  frame.copy(back, 26, 30, 34);
  frame.copy(back, 30, 26, 30);
  frame.copy(back, 34, 36, 38);
  frame.copy(back, 36, 34, 36);
  return back;
}
