// The bridge to libslirp over the loopback interface: a guest of a few lines asks for an address,
// and speaks TCP with a server of the test, each way. What is held against the frames is what
// QEMU's user network is documented to do.

import { createSocket } from 'node:dgram';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { isLong } from '../../test/support/long-test.ts';
import { checksum } from '../../test/support/udp-frame.ts';
import { breathe } from '../event-loop.ts';
import { freePort } from './free-port.ts';
import { loadSlirp } from './slirp-library.ts';
import { SlirpBridge, type SlirpForward } from './slirp-bridge.ts';

const lacking = await loadSlirp().then(
  () => undefined,
  (error: Error) => error.message,
);

const MAC = [0x52, 0x54, 0x01, 0, 0, 0x0a];
const GUEST = [10, 0, 2, 15];
const GATEWAY = [10, 0, 2, 2];
const CONFIG = {
  network: 0x0a00_0200,
  netmask: 0xffff_ff00,
  gateway: 0x0a00_0202,
  nameserver: 0x0a00_0203,
  dhcpStart: 0x0a00_020f,
  restricted: false,
};
/** Of a forward. */
const TO_GUEST = { hostIp: 0x7f00_0001, guestIp: 0x0a00_020f, guestPort: 80 };
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];
const GARBAGE_FRAMES = Number(process.env['SDDF_SLIRP_FRAMES'] ?? 3000);
const GARBAGE_SEED = Number(process.env['SDDF_SLIRP_SEED'] ?? 1);
/** As many as a process may have descriptors for, with room for others. */
const CONNECTIONS = isLong ? 1000 : 100;

interface Segment {
  readonly from: number;
  readonly to: number;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly flags: number;
  readonly data: string;
}

/** A guest on the bridge: frames by hand. */
class Guest {
  readonly frames: Buffer[] = [];
  bridge: SlirpBridge | undefined;
  isFull = false;

  offer(frame: Uint8Array): 'ok' | 'full' {
    if (this.isFull) return 'full';
    const bytes = Buffer.from(frame);
    // Who has our address is answered, as by any guest.
    const isArp = bytes.readUInt16BE(12) === 0x0806 && bytes.readUInt16BE(20) === 1;
    if (isArp) this.#arp(2, [...bytes.subarray(22, 28)]);
    else this.frames.push(bytes);
    return 'ok';
  }

  /** Lets time pass until a frame has come that `pick` takes something from. */
  async until<Found>(pick: (frame: Buffer) => Found | undefined): Promise<Found> {
    for (;;) {
      this.bridge?.flush();
      for (let frame = this.frames.shift(); frame !== undefined; frame = this.frames.shift()) {
        const found = pick(frame);
        if (found !== undefined) return found;
      }
      await breathe();
    }
  }

  hello(): void {
    this.#arp(1, [0, 0, 0, 0, 0, 0]);
  }

  #arp(operation: number, to: readonly number[]): void {
    const head = [...(operation === 1 ? [255, 255, 255, 255, 255, 255] : to), ...MAC, 8, 6];
    const body = [0, 1, 8, 0, 6, 4, 0, operation, ...MAC, ...GUEST, ...to, ...GATEWAY];
    this.bridge?.transmit(Uint8Array.from([...head, ...body]));
  }

  ip(protocol: number, payload: readonly number[], target = GATEWAY, source = GUEST): void {
    const total = 20 + payload.length;
    const header = [0x45, 0, total >> 8, total & 255, 0, 0, 0, 0, 64, protocol, 0, 0];
    const whole = Uint8Array.from([...header, ...source, ...target]);
    new DataView(whole.buffer).setUint16(10, checksum(whole));
    const ethernet = [0x52, 0x55, 10, 0, 2, 2, ...MAC, 8, 0];
    this.bridge?.transmit(Uint8Array.from([...ethernet, ...whole, ...payload]));
  }

  tcp(segment: Segment): void {
    const bytes = Buffer.alloc(20);
    bytes.writeUInt16BE(segment.from, 0);
    bytes.writeUInt16BE(segment.to, 2);
    bytes.writeUInt32BE(segment.sequence, 4);
    bytes.writeUInt32BE(segment.acknowledged, 8);
    bytes.writeUInt8(0x50, 12);
    bytes.writeUInt8(segment.flags, 13);
    bytes.writeUInt16BE(8192, 14);
    const whole = Buffer.concat([bytes, Buffer.from(segment.data)]);
    const pseudo = [...GUEST, ...GATEWAY, 0, 6, whole.length >> 8, whole.length & 255];
    whole.writeUInt16BE(checksum(Uint8Array.from([...pseudo, ...whole])), 16);
    this.ip(6, [...whole]);
  }

  segment(port: number): Promise<Segment> {
    return this.until((frame) => {
      if (frame.readUInt16BE(12) !== 0x0800 || frame[23] !== 6) return undefined;
      if (frame.readUInt16BE(36) !== port) return undefined;
      const dataAt = 34 + ((frame[46] as number) >> 4) * 4;
      return {
        from: frame.readUInt16BE(34),
        to: port,
        sequence: frame.readUInt32BE(38),
        acknowledged: frame.readUInt32BE(42),
        flags: frame[47] as number,
        data: frame.toString('latin1', dataAt, 14 + frame.readUInt16BE(16)),
      };
    });
  }
}

/** Numbers that look random; Lehmer's generator. */
class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (this.#state * 48_271) % 0x7fff_ffff;
    return this.#state % limit;
  }
}

/** Bytes of any kind, most of which begin as what the library looks into. */
function garbage(random: Numbers): Buffer {
  const frame = Buffer.from(
    Uint8Array.from({ length: 14 + random.below(random.below(8) === 0 ? 1500 : 120) }, () =>
      random.below(256),
    ),
  );
  const kind = random.below(8);
  const type = [0x0800, 0x0806, 0x86dd][random.below(3)] ?? 0;
  if (kind > 0) frame.set([0x52, 0x55, 10, 0, 2, 2, ...MAC, type >> 8, type & 255]);
  if (kind < 3 || frame.length < 34) return frame;
  // An IPv4 header that holds, before bytes of any kind.
  const total = kind === 7 ? random.below(1600) : frame.length - 14;
  const protocol = [1, 6, 17][random.below(3)] ?? 6;
  frame.set([8, 0, 0x45, 0, total >> 8, total & 255, 0, 0, kind === 6 ? 0x20 : 0, 0, 64], 12);
  frame.set([protocol, 0, 0, ...GUEST, ...GATEWAY], 23);
  frame.writeUInt16BE(checksum(frame.subarray(14, 34)), 24);
  return frame;
}

describe.skipIf(lacking !== undefined)(`libslirp (${lacking ?? 'is there'})`, () => {
  const servers: Server[] = [];
  const guests: Guest[] = [];
  afterEach(async () => {
    for (const guest of guests.splice(0)) await guest.bridge?.close();
    for (const server of servers.splice(0)) server.close();
  });

  async function guestWith(...forwards: readonly SlirpForward[]): Promise<Guest> {
    const guest = new Guest();
    guests.push(guest);
    guest.bridge = await SlirpBridge.open({
      port: guest,
      config: CONFIG,
      forwards,
      wake: () => undefined,
      onNotice: () => undefined,
    });
    guest.hello();
    return guest;
  }

  async function serverPort(onSocket: (socket: Socket) => void): Promise<number> {
    const server = createServer(onSocket);
    servers.push(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  it('offers 10.0.2.15, itself as router and 10.0.2.3 as name server', async () => {
    const guest = await guestWith();
    const bootp = Buffer.alloc(300);
    bootp.set([1, 1, 6, 0, 1, 2, 3, 4]);
    bootp.set(MAC, 28);
    bootp.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236);
    const udp = [0, 68, 0, 67, 308 >> 8, 308 & 255, 0, 0, ...bootp];
    guest.ip(17, udp, [255, 255, 255, 255], [0, 0, 0, 0]);
    const offer = await guest.until((frame) =>
      frame.readUInt16BE(12) === 0x0800 && frame[23] === 17 ? frame.subarray(42) : undefined,
    );

    expect([...offer.subarray(16, 20)]).toEqual(GUEST);
    const options = offer.subarray(240);
    expect(options.includes(Buffer.from([53, 1, 2]))).toBe(true);
    expect(options.includes(Buffer.from([3, 4, 10, 0, 2, 2]))).toBe(true);
    expect(options.includes(Buffer.from([6, 4, 10, 0, 2, 3]))).toBe(true);
  });

  it('carries a TCP connection of the guest to a server of the host', async () => {
    const port = await serverPort((socket) => {
      socket.on('data', (piece) => socket.end(`got ${piece.toString()}`));
    });
    const guest = await guestWith();
    const ours = { from: 5000, to: port };
    guest.tcp({ ...ours, sequence: 100, acknowledged: 0, flags: SYN, data: '' });
    const opened = await guest.segment(5000);
    const next = opened.sequence + 1;
    guest.tcp({ ...ours, sequence: 101, acknowledged: next, flags: ACK, data: 'hello' });
    let text = '';
    let last = opened;
    while ((last.flags & FIN) === 0) {
      last = await guest.segment(5000);
      text += last.data;
      const seen = last.sequence + last.data.length + (last.flags & FIN);
      guest.tcp({ ...ours, sequence: 106, acknowledged: seen, flags: ACK, data: '' });
    }

    expect(opened).toMatchObject({ flags: SYN | ACK, acknowledged: 101 });
    expect(text).toBe('got hello');
  });

  it('refuses a connection that the host refuses', async () => {
    const port = await serverPort(() => undefined);
    await new Promise<void>((resolve) => void servers.pop()?.close(() => resolve()));
    const guest = await guestWith();
    guest.tcp({ from: 5001, to: port, sequence: 1, acknowledged: 0, flags: SYN, data: '' });

    expect((await guest.segment(5001)).flags & RST).toBe(RST);
  });

  it('forwards TCP and UDP to the guest', async () => {
    const port = await freePort('tcp');
    const to = { ...TO_GUEST, hostPort: port };
    const guest = await guestWith({ protocol: 'tcp', ...to }, { protocol: 'udp', ...to });
    const peer = createConnection(port, '127.0.0.1');
    const opened = await guest.segment(80);
    const datagram = createSocket('udp4');
    datagram.send('ping', port, '127.0.0.1');
    const payload = await guest.until((frame) =>
      frame[23] === 17 && frame.readUInt16BE(36) === 80
        ? frame.toString('latin1', 42, 46)
        : undefined,
    );
    peer.destroy();
    datagram.close();

    expect(opened).toMatchObject({ flags: SYN, data: '' });
    expect(payload).toBe('ping');
  });

  it('holds what the board has no room for, and reads no more', async () => {
    const port = await freePort('tcp');
    const guest = await guestWith({ ...TO_GUEST, protocol: 'udp', hostPort: port });
    const peer = createSocket('udp4');
    const texts = ['one', 'two', 'three'];
    guest.isFull = true;
    for (const text of texts) {
      await new Promise((resolve) => peer.send(text, port, '127.0.0.1', resolve));
    }
    while (guest.bridge?.counters()['heldMax'] === 0) {
      guest.bridge.flush();
      await breathe();
    }
    for (let turn = 0; turn < 20; turn += 1) {
      guest.bridge?.flush();
      await breathe();
    }
    guest.isFull = false;
    for (const text of texts) {
      const payload = await guest.until((frame) =>
        frame[23] === 17 ? frame.toString('latin1', 42, 42 + text.length) : undefined,
      );
      expect(payload).toBe(text);
    }
    peer.close();

    expect(guest.bridge?.counters()).toMatchObject({ heldMax: 1, overflowDropped: 0 });
  });

  it('lets many wait to be accepted', async () => {
    const port = await freePort('tcp');
    await guestWith({ ...TO_GUEST, protocol: 'tcp', hostPort: port });
    // No round takes any of them: without room for all, some would wait for ever.
    const peers = Array.from({ length: 60 }, () => createConnection(port, '127.0.0.1'));
    await Promise.all(
      peers.map((peer) => new Promise<void>((resolve) => peer.once('connect', resolve))),
    );
    for (const peer of peers) peer.destroy();
  });

  it('says that a port is in use, and frees what it had', async () => {
    const port = await serverPort(() => undefined);
    const to = { ...TO_GUEST, hostPort: port };

    await expect(guestWith({ protocol: 'tcp', ...to })).rejects.toThrow(
      `--net slirp: 127.0.0.1:${port}/tcp: the address is already in use`,
    );
  });

  it(`outlives ${GARBAGE_FRAMES} frames of garbage, seed ${GARBAGE_SEED}`, async () => {
    const guest = await guestWith();
    const random = new Numbers(GARBAGE_SEED);
    for (let index = 0; index < GARBAGE_FRAMES; index += 1) {
      guest.bridge?.transmit(garbage(random));
      if (index % 100 !== 0) continue;
      guest.bridge?.flush();
      guest.frames.length = 0;
    }
    const port = await serverPort(() => undefined);
    guest.hello();
    guest.tcp({ from: 5002, to: port, sequence: 1, acknowledged: 0, flags: SYN, data: '' });

    expect((await guest.segment(5002)).flags).toBe(SYN | ACK);
    expect(guest.bridge?.counters()['framesOut']).toBeGreaterThan(GARBAGE_FRAMES);
  });

  it(`ends ${CONNECTIONS} open connections when it is closed`, async () => {
    let ended = 0;
    let all = (): void => undefined;
    const over = new Promise<void>((resolve) => (all = resolve));
    const port = await serverPort((socket) => {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        ended += 1;
        if (ended === CONNECTIONS) all();
      });
      socket.resume();
    });
    const guest = await guestWith();
    for (let index = 0; index < CONNECTIONS; index += 1) {
      const ours = { from: 6000 + index, to: port, data: '' };
      guest.tcp({ ...ours, sequence: 1, acknowledged: 0, flags: SYN });
      const { sequence, flags } = await guest.segment(ours.from);
      expect(flags).toBe(SYN | ACK);
      guest.tcp({ ...ours, sequence: 2, acknowledged: sequence + 1, flags: ACK });
    }
    await guest.bridge?.close();
    await over;

    expect(ended).toBe(CONNECTIONS);
  });
});
