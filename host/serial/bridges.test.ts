// Every bridge as it runs, against real sockets, pseudo-terminals and files: 1 MB of scrambled
// bytes both ways at once, equal at the end; who writes and who only reads; what happens when
// clients misbehave or nobody is there.

import {
  readlinkSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { afterEach, describe, expect, it } from 'vitest';
import { sleep } from '../event-loop.ts';
import { hostNow } from '../host-time.ts';
import { scrambledBytes, SerialPeer } from '../../test/support/serial-peer.ts';
import type { SerialBridge } from './bridge.ts';
import { FileBridge } from './file-bridge.ts';
import { PtyBridge } from './pty-bridge.ts';
import { SocketBridge } from './socket-bridge.ts';
import type { SocketProtocol } from './socket-bridge.ts';

const MEGABYTE = 1024 * 1024;
const IAC = 255;
const WILL_BINARY = [IAC, 251, 0];
const DO_BINARY = [IAC, 253, 0];

const open: { peer: SerialPeer; bridge: SerialBridge }[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const { peer, bridge } of open.splice(0)) await peer.stop(bridge);
});

async function socketBench(protocol: SocketProtocol) {
  const peer = new SerialPeer();
  const { host, onNotice } = peer;
  const options = { host, onNotice, protocol, address: '127.0.0.1', port: 0 };
  const bridge = await SocketBridge.open(options);
  peer.start(bridge);
  open.push({ peer, bridge });
  return { peer, bridge };
}

class Client {
  readonly socket: Socket;
  length = 0;
  readonly #pieces: Buffer[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      this.#pieces.push(bytes as Buffer);
      this.length += bytes.length;
    });
  }

  static async connect(port: number): Promise<Client> {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    return new Client(socket);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  text(): string {
    return this.bytes().toString('latin1');
  }

  send(bytes: readonly number[] | string): void {
    this.socket.write(
      typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes),
    );
  }
}

/** Telnet as a client would decode it, written here a second time: commands out, IAC IAC to IAC. */
function telnetData(bytes: Buffer): Buffer {
  const data: number[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    if (byte !== IAC) data.push(byte);
    else if (bytes[at + 1] === IAC) {
      data.push(IAC);
      at += 1;
    } else if (bytes[at + 1] === 250) {
      while (at < bytes.length && !(bytes[at] === IAC && bytes[at + 1] === 240)) at += 1;
      at += 1;
    } else at += 2;
  }
  return Buffer.from(data);
}

function doubled(bytes: Uint8Array): Buffer {
  const out: number[] = [];
  for (const byte of bytes) {
    out.push(byte);
    if (byte === IAC) out.push(IAC);
  }
  return Buffer.from(out);
}

function same(one: Uint8Array, other: Uint8Array): string {
  if (one.length !== other.length) return `lengths ${one.length} and ${other.length}`;
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at < 0 ? 'equal' : `differ at ${at}`;
}

describe('a TCP bridge', () => {
  it('passes 1 MB both ways at once', async () => {
    const { peer, bridge } = await socketBench('tcp');
    const client = await Client.connect(bridge.port);
    const out = scrambledBytes(MEGABYTE, 1);
    const into = scrambledBytes(MEGABYTE, 2);
    peer.send(out);
    client.socket.write(into);

    await peer.until(() => client.length >= MEGABYTE && peer.receivedLength >= MEGABYTE);

    expect(same(client.bytes(), out)).toBe('equal');
    expect(same(peer.received.subarray(0, peer.receivedLength), into)).toBe('equal');
  });

  it('has one writer: further clients read only, and the oldest takes over', async () => {
    const { peer, bridge } = await socketBench('tcp');
    const writer = await Client.connect(bridge.port);
    await peer.until(() => bridge.counters()['connections'] === 1);
    const reader = await Client.connect(bridge.port);
    await peer.until(() => bridge.counters()['connections'] === 2);
    reader.send('not heard');
    await peer.until(() => bridge.counters()['droppedReaderInput'] === 9);
    writer.send('one ');
    await peer.until(() => peer.receivedLength === 4);
    peer.sendText('to both');
    await peer.until(() => writer.length === 7 && reader.length === 7);

    writer.socket.destroy();
    await peer.until(() => peer.notices.some((line) => line.includes('writes now')));
    reader.send('two');
    await peer.until(() => peer.receivedLength === 7);

    expect(peer.text()).toBe('one two');
  });

  it('keeps the newest 64 KiB while nobody is there, and counts the rest', async () => {
    const { peer, bridge } = await socketBench('tcp');
    const out = scrambledBytes(200_000, 3);
    peer.send(out);
    await peer.until(() => peer.sentAll);
    const client = await Client.connect(bridge.port);
    await peer.until(() => client.length >= 65_536);

    expect(same(client.bytes(), out.subarray(200_000 - 65_536))).toBe('equal');
    expect(bridge.counters()['keptDropped']).toBe(200_000 - 65_536);
  });

  it('survives a writer that disconnects in mid-line', async () => {
    const { peer, bridge } = await socketBench('tcp');
    const first = await Client.connect(bridge.port);
    first.send('half a li');
    await peer.until(() => peer.receivedLength === 9);
    first.socket.resetAndDestroy();
    await peer.until(() => bridge.counters()['connections'] === 1);
    const second = await Client.connect(bridge.port);
    second.send('ne\r');
    await peer.until(() => peer.receivedLength === 12);

    expect(peer.text()).toBe('half a line\r');
  });

  it('holds the line, and loses nothing, for a writer that reads slowly', async () => {
    const { peer, bridge } = await socketBench('tcp');
    const client = await Client.connect(bridge.port);
    await peer.until(() => bridge.counters()['connections'] === 1);
    client.socket.pause();
    // More than the buffers of both sockets and the line take together.
    const out = scrambledBytes(16 * MEGABYTE, 4);
    peer.send(out);
    await peer.until(() => (bridge.counters()['holds'] ?? 0) > 0);
    client.socket.resume();
    await peer.until(() => client.length >= out.length);

    expect(same(client.bytes(), out)).toBe('equal');
  });

  it('says in one line what is wrong with an address in use', async () => {
    const { bridge } = await socketBench('tcp');
    const peer = new SerialPeer();
    const { host, onNotice } = peer;
    const options = { host, onNotice, protocol: 'tcp' as const, address: '127.0.0.1' };

    await expect(SocketBridge.open({ ...options, port: bridge.port })).rejects.toThrow(
      /--serial tcp,listen=127.0.0.1:\d+: the address is already in use/,
    );
  });
});

describe('a telnet bridge', () => {
  it('offers echo and character mode, and passes 1 MB both ways in binary', async () => {
    const { peer, bridge } = await socketBench('telnet');
    const client = await Client.connect(bridge.port);
    client.send([...WILL_BINARY, ...DO_BINARY]);
    await peer.until(() => client.text().includes(Buffer.from(WILL_BINARY).toString('latin1')));
    expect(client.bytes().subarray(0, 9)).toEqual(
      Buffer.from([IAC, 251, 1, IAC, 251, 3, IAC, 253, 3]),
    );
    const out = scrambledBytes(MEGABYTE, 5);
    const into = scrambledBytes(MEGABYTE, 6);
    peer.send(out);
    client.socket.write(doubled(into));

    await peer.until(() => peer.receivedLength >= MEGABYTE && peer.sentAll);
    await peer.until(() => telnetData(client.bytes()).length >= MEGABYTE);

    expect(same(telnetData(client.bytes()), out)).toBe('equal');
    expect(same(peer.received.subarray(0, peer.receivedLength), into)).toBe('equal');
  });

  it('translates Enter, sends CR NUL and CR LF, and passes IAC doubled', async () => {
    const { peer, bridge } = await socketBench('telnet');
    const client = await Client.connect(bridge.port);
    client.send('a\r\0b\r\nc\n');
    client.send([IAC, IAC]);
    await peer.until(() => peer.receivedLength === 7);
    expect(peer.text()).toBe('a\rb\rc\n\u00ff');

    await peer.until(() => client.length === 9);
    peer.sendText('x\ry\r\nz\u00ff');
    await peer.until(() => client.length === 9 + 9);

    expect(client.text().slice(9)).toBe('x\r\0y\r\nz\u00ff\u00ff');
  });

  it('waits for the other half of an option, and drops an endless one', async () => {
    const { peer, bridge } = await socketBench('telnet');
    const client = await Client.connect(bridge.port);
    client.send([0x61, IAC]);
    await peer.until(() => peer.receivedLength === 1);
    client.send([253]);
    client.send([99, 0x62]);
    await peer.until(() => peer.receivedLength === 2);
    client.send([IAC, 250, 31, ...Array.from({ length: 100_000 }, () => 7), IAC, 240, 0x63]);
    await peer.until(() => peer.receivedLength === 3);
    client.send([IAC, 250, 31]);
    client.socket.end();
    await peer.until(() => (bridge.counters()['brokenOptions'] ?? 0) > 0);

    expect(peer.text()).toBe('abc');
    // Answered: an option that it does not know is refused.
    expect(client.bytes().includes(Buffer.from([IAC, 252, 99]))).toBe(true);
  });

  it('turns BREAK into a break on the line', async () => {
    const { peer, bridge } = await socketBench('telnet');
    const client = await Client.connect(bridge.port);
    client.send([IAC, 243]);
    await peer.until(() => peer.breaks.length === 2);

    expect(peer.breaks).toEqual(['space', 'mark']);
  });
});

describe('an RFC 2217 bridge', () => {
  const COM = 44;
  const command = (...bytes: number[]): number[] => [IAC, 250, COM, ...bytes, IAC, 240];

  async function negotiated() {
    const bench = await socketBench('rfc2217');
    const client = await Client.connect(bench.bridge.port);
    client.send([IAC, 251, COM, IAC, 253, COM, ...WILL_BINARY, ...DO_BINARY]);
    await bench.peer.until(() => client.bytes().includes(Buffer.from([IAC, 251, COM])));
    const answer = async (...bytes: number[]): Promise<void> => {
      const wanted = Buffer.from(command(...bytes));
      await bench.peer.until(() => client.bytes().includes(wanted));
    };
    return { ...bench, client, answer };
  }

  it('sets and reports baud, size, parity and stop bits: the far end’s own format', async () => {
    const { peer, client, answer } = await negotiated();
    client.send(command(1, 0, 0, 0x25, 0x80));
    await answer(101, 0, 0, 0x25, 0x80);
    client.send(command(2, 7));
    await answer(102, 7);
    client.send(command(3, 3));
    await answer(103, 3);
    client.send(command(4, 2));
    await answer(104, 2);

    expect(peer.line.farFormat).toEqual({ baud: 9600, dataBits: 7, parity: 'even', stopBits: 2 });
    client.socket.destroy();
    await peer.until(() => peer.line.farFormat.baud === 115_200);
  });

  it('answers queries with what is in force', async () => {
    const { client, answer } = await negotiated();
    client.send(command(1, 0, 0, 0, 0));
    await answer(101, 0, 1, 0xc2, 0);
    client.send(command(2, 0));
    await answer(102, 8);
    client.send(command(5, 7));
    await answer(105, 8);
  });

  it('drives DTR, RTS and break, and reports modem and line state', async () => {
    const { peer, client, answer } = await negotiated();
    client.send(command(5, 9));
    await answer(105, 9);
    client.send(command(5, 12));
    await answer(105, 12);
    expect(peer.inputs.at(-1)).toBe(0);
    client.send(command(5, 5));
    await answer(105, 5);
    client.send(command(5, 6));
    await answer(105, 6);
    expect(peer.breaks).toEqual(['space', 'mark']);

    client.send(command(11, IAC, IAC));
    await answer(111, IAC, IAC);
    peer.line.setOutputs(1);
    await answer(107, 0xa1);
    client.send(command(10, 0x10));
    await answer(110, 0x10);
    peer.line.setBreak('space');
    await answer(106, 0x10);
  });

  it('dates a break by when it comes, on a board that sleeps', async () => {
    const { peer, client } = await negotiated();
    const zeroNs = hostNow() - peer.clock.refresh();
    const staleNs: number[] = [];
    peer.onBreak = () => staleNs.push(hostNow() - zeroNs - peer.clock.now());
    for (let n = 1; n <= 10; n += 1) {
      for (const control of [5, 6]) {
        await peer.sleeps();
        await sleep(20);
        client.send(command(5, control));
        while (staleNs.length < 2 * n - (control === 5 ? 1 : 0)) await sleep(1);
      }
    }
    expect(peer.breaks.length).toBe(20);
    // Two readings one behind the other, against the 20 ms and more for which the board has slept.
    const median = staleNs.sort((one, other) => one - other)[10] as number;
    expect(median).toBeLessThan(10e6);
  });

  it('wakes a board that sleeps for a command without data', async () => {
    const { peer, client } = await negotiated();
    await peer.sleeps();
    const before = peer.slices;
    client.send(command(5, 5));
    while (peer.slices === before) await sleep(1);
    expect(peer.breaks).toEqual(['space']);
  });

  it('gives what was said before the client came, after its settings and its purge', async () => {
    const { peer, bridge } = await socketBench('rfc2217');
    peer.sendText('hello');
    await peer.until(() => peer.sentAll);
    const client = await Client.connect(bridge.port);
    client.send([IAC, 251, COM, IAC, 253, COM]);
    client.send(command(1, 0, 1, 0xc2, 0));
    client.send(command(12, 1));
    const purged = Buffer.from(command(112, 1));
    await peer.until(() => client.bytes().includes(purged));
    peer.sendText(' again');
    await peer.until(() => client.text().endsWith('hello again'));
    const at = client.bytes().indexOf(purged);
    expect(client.text().indexOf('hello')).toBeGreaterThan(at);
  });

  it('tells a second client what is in force, and lets it set nothing', async () => {
    const { peer, bridge, answer, client } = await negotiated();
    client.send(command(1, 0, 0, 0x25, 0x80));
    await answer(101, 0, 0, 0x25, 0x80);
    const second = await Client.connect(bridge.port);
    second.send([IAC, 251, COM, IAC, 253, COM]);
    second.send(command(1, 0, 1, 0xc2, 0));
    second.send(command(5, 9));
    second.send(command(12, 3));
    for (const wanted of [command(101, 0, 0, 0x25, 0x80), command(105, 8), command(112, 3)]) {
      await peer.until(() => second.bytes().includes(Buffer.from(wanted)));
    }
    expect(peer.line.farFormat.baud).toBe(9600);
    client.socket.destroy();
    await peer.until(() => peer.line.farFormat.baud === 115_200);
    second.send(command(1, 0, 0, 0x25, 0x80));
    await peer.until(() => peer.line.farFormat.baud === 9600);
  });

  it('purges, suspends and resumes', async () => {
    const { peer, client, answer } = await negotiated();
    client.send(command(8));
    client.send(command(12, 3));
    await answer(112, 3);
    peer.sendText('held');
    await peer.until(() => peer.line.outputLength() === 4);
    client.send(command(9));
    await peer.until(() => client.text().endsWith('held'));
  });

  it('passes 1 MB both ways at once', async () => {
    const { peer, client } = await negotiated();
    const before = client.length;
    const out = scrambledBytes(MEGABYTE, 7);
    const into = scrambledBytes(MEGABYTE, 8);
    peer.send(out);
    client.socket.write(doubled(into));
    await peer.until(() => peer.receivedLength >= MEGABYTE && peer.sentAll);
    await peer.until(() => client.length - before >= doubled(out).length);

    expect(same(telnetData(client.bytes()), out)).toBe('equal');
    expect(same(peer.received.subarray(0, peer.receivedLength), into)).toBe('equal');
  });
});

/**
 * Opens a slave as a program would. Node opens it a second time inside, so both are to be closed.
 */
function openSlave(path: string): { readonly stream: ReadStream; close(): void } {
  const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
  const descriptor = openSync(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
  const stream = new ReadStream(descriptor);
  return {
    stream,
    close: () => {
      stream.destroy();
      closeSync(descriptor);
    },
  };
}

describe.runIf(process.platform === 'linux')('a pseudo-terminal bridge', () => {
  async function ptyBench(link?: string) {
    const peer = new SerialPeer();
    const bridge = await PtyBridge.open({
      host: peer.host,
      ...(link === undefined ? {} : { link }),
    });
    peer.start(bridge);
    open.push({ peer, bridge });
    return { peer, bridge };
  }

  it('passes 1 MB both ways at once', async () => {
    const { peer, bridge } = await ptyBench();
    const slave = openSlave(bridge.slavePath);
    const pieces: Buffer[] = [];
    let length = 0;
    slave.stream.on('data', (bytes: Buffer) => {
      pieces.push(bytes);
      length += bytes.length;
    });
    const out = scrambledBytes(MEGABYTE, 9);
    const into = scrambledBytes(MEGABYTE, 10);
    peer.send(out);
    slave.stream.write(into);

    await peer.until(() => length >= MEGABYTE && peer.receivedLength >= MEGABYTE);
    slave.close();

    expect(same(Buffer.concat(pieces), out)).toBe('equal');
    expect(same(peer.received.subarray(0, peer.receivedLength), into)).toBe('equal');
  });

  it('keeps output until somebody attaches, again and again', async () => {
    const { peer, bridge } = await ptyBench();
    for (const text of ['first', 'second', 'third']) {
      peer.sendText(text);
      await peer.until(() => peer.sentAll);
      const slave = openSlave(bridge.slavePath);
      let got = '';
      slave.stream.on('data', (bytes: Buffer) => (got += bytes.toString()));
      await peer.until(() => got === text);
      slave.stream.write(`${text}!`);
      await peer.until(() => peer.text().endsWith(`${text}!`));
      slave.close();
      // Gone when the master has noticed: output is kept again from then on.
      await peer.until(() => bridge.attached === 'no');
    }

    expect(bridge.counters()['attachments']).toBe(3);
  });

  it('makes a link to its slave, which a second one does not take, refuses a file, and removes the link', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sddf-pty-'));
    const link = join(folder, 'uart0');
    const { peer, bridge } = await ptyBench(link);
    const slave = openSync(link, constants.O_RDWR | constants.O_NOCTTY);
    closeSync(slave);
    const second = PtyBridge.open({ host: new SerialPeer().host, link });
    await expect(second).rejects.toThrow(/which somebody has/);
    expect(readlinkSync(link)).toBe(bridge.slavePath);
    await bridge.close();
    expect(existsSync(link)).toBe(false);
    writeFileSync(link, 'precious');
    await expect(PtyBridge.open({ host: peer.host, link })).rejects.toThrow(/there is a file/);

    expect(readFileSync(link, 'utf8')).toBe('precious');
    expect(bridge.description).toContain(link);
  });
});

describe('a file bridge', () => {
  it('passes 1 MB both ways at once, and its input is over at the end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sddf-serial-'));
    const [inPath, outPath] = [join(folder, 'in'), join(folder, 'out')];
    const into = scrambledBytes(MEGABYTE, 11);
    const out = scrambledBytes(MEGABYTE, 12);
    writeFileSync(inPath, into);
    const peer = new SerialPeer();
    const bridge = new FileBridge({ host: peer.host, inPath, outPath });
    peer.start(bridge);
    open.push({ peer, bridge });
    expect(bridge.inputOver).toBe(false);
    peer.send(out);

    await peer.until(() => bridge.inputOver && peer.sentAll);
    await peer.until(() => readFileSync(outPath).length === MEGABYTE);

    expect(same(peer.received.subarray(0, peer.receivedLength), into)).toBe('equal');
    expect(same(readFileSync(outPath), out)).toBe('equal');
  });

  it('names the file that cannot be opened', () => {
    const { host } = new SerialPeer();

    expect(() => new FileBridge({ host, inPath: '/nonexistent/in' })).toThrow(
      '--serial file,in=/nonexistent/in: no such file or directory',
    );
  });
});
