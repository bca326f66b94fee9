// `sddf run` as a user runs it: real sockets, captures, and a process of its own where something
// has to be sent to it meanwhile. No test waits for a time; each waits for what it wants to see,
// and the runner's time-out ends it when that never comes.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { MemoryBytes } from '../../host/net/capture-bytes.ts';
import { readCapture } from '../../host/net/capture-reader.ts';
import { PcapngWriter } from '../../host/net/pcapng-writer.ts';
import { sddfCommand } from '../../test/support/sddf-command.ts';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'run-'));
const SDDF = sddfCommand();

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly errors: string;
}

/** In this process, which takes a tenth of the time. */
async function run(line: string): Promise<Ended> {
  const { status, stdout, stderr } = await sddfInProcess(...line.split(' '));
  return { status, out: stdout, errors: stderr };
}

function runProcess(line: string): Ended {
  const result = spawnSync(process.execPath, [SDDF, ...line.split(' ')], { encoding: 'utf8' });
  return { status: result.status, out: result.stdout, errors: result.stderr };
}

/** A run in the background, whose text can be waited for. */
class LiveRun {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  text = '';

  constructor(line: string) {
    this.#child = spawn(process.execPath, [SDDF, ...line.split(' ')]);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (piece: Buffer) => (this.text += piece.toString()));
    }
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** @returns the first match of `pattern` in what it prints */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      const more = new Promise((resolve) => {
        this.#child.stdout?.once('data', resolve);
        this.#child.stderr?.once('data', resolve);
      });
      const over = await Promise.race([more.then(() => 'more'), this.ended.then(() => 'over')]);
      if (over === 'over' && pattern.exec(this.text) === null) {
        throw new Error(`it ended without ${String(pattern)}: ${this.text}`);
      }
    }
  }

  async interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT');
    return this.ended;
  }
}

async function udpSocket(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

/** Frames of a ping, an ARP request, and UDP to both clients and to nobody, made by hand. */
function writeFrames(path: string, count: number, gapNs = 10_000): Buffer {
  const pieces: Buffer[] = [];
  const writer = new PcapngWriter({
    sink: (bytes) => pieces.push(Buffer.from(bytes)),
    interfaceName: 'in',
    epochNs: 1_700_000_000_000_000_000n,
  });
  for (let index = 0; index < count; index += 1) {
    writer.frame(index * gapNs, 'in', arpRequest(index % 2 === 0 ? 15 : 16));
  }
  writer.flush();
  const bytes = Buffer.concat(pieces);
  writeFileSync(path, bytes);
  return bytes;
}

function arpRequest(lastByte: number): Buffer {
  const hex = `ffffffffffff525400000001080600010800060400015254000000010a000202000000000000`;
  const frame = Buffer.alloc(60);
  frame.write(`${hex}0a0002${lastByte.toString(16).padStart(2, '0')}`, 0, 'hex');
  return frame;
}

describe('a run under the virtual clock', () => {
  it('of the generator gives the same JSON and capture every time, in any process', async () => {
    const [first = '', second = ''] = [1, 2].map(
      (index) =>
        `run echo --net loop --seed 7 --clock virtual --for 1ms --json --rate 1M ` +
        `--capture ${join(directory, `loop${String(index)}.pcapng`)}`,
    );
    const one = await run(first);
    const two = runProcess(second);

    expect(one.status).toBe(0);
    expect(one.out).toBe(two.out);
    const captures = [1, 2].map((index) =>
      readFileSync(join(directory, `loop${String(index)}.pcapng`)),
    );
    expect(captures[0]?.equals(captures[1] ?? Buffer.alloc(0))).toBe(true);
    const result = JSON.parse(one.out) as { packets: number; perPacket: { copies: number } };
    expect(result.packets).toBeGreaterThan(900);
    expect(result.perPacket.copies).toBeGreaterThanOrEqual(2);
  });

  it('of a capture answers every frame at its own time and ends when all is quiet', async () => {
    const input = join(directory, 'arp.pcapng');
    writeFrames(input, 100);
    const outputs = [1, 2].map((index) => join(directory, `out${String(index)}.pcapng`));
    const [first = '', second = ''] = outputs;
    const line = `run echo --net pcap,in=${input} --clock virtual --json --capture`;
    const one = await run(`${line} ${first}`);
    const two = await run(`${line} ${second}`);

    expect(one.status).toBe(0);
    expect(one.out).toBe(two.out);
    expect(JSON.parse(one.out)).toMatchObject({
      ending: 'quiet',
      packets: 100,
      net: { bridge: { framesRead: 100, framesIn: 100, framesOut: 100 } },
    });
    expect(readFileSync(first).equals(readFileSync(second))).toBe(true);
    const times: number[] = [];
    const reader = readCapture(new MemoryBytes(readFileSync(first)));
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      if (frame.bytes[0] === 0xff) times.push(Number(frame.timeNs));
    }
    expect(times).toHaveLength(100);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // The NIC takes a frame in its turn, a fixed latency after it came.
    expect(new Set(gaps)).toEqual(new Set([10_000]));
  });

  it('answers a burst of more frames than the device has buffers: the wire holds them', async () => {
    const input = join(directory, 'burst.pcapng');
    writeFrames(input, 1500, 0);
    const { status, out } = await run(`run echo --net pcap,in=${input} --clock virtual --json`);

    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ending: 'quiet',
      packets: 1500,
      net: { bridge: { framesRead: 1500, framesIn: 1500, framesOut: 1500, framesLate: 988 } },
    });
  });

  it('of a damaged capture uses what lies before the damage and says where that is', async () => {
    const input = join(directory, 'cut.pcapng');
    const whole = writeFrames(input, 10);
    writeFileSync(input, whole.subarray(0, whole.length - 7));
    const { status, out, errors } = await run(
      `run echo --net pcap,in=${input} --clock virtual --json`,
    );

    expect(status).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      packets: 9,
      net: { captureProblem: expect.stringContaining('truncated at offset') },
    });
    expect(errors).toContain(
      `sddf: ${input}: truncated at offset ${String(whole.length - 7)}: in a block; the 9 frames before it are used`,
    );
  });

  it.each(['5pd', '4pd', '2pd', 'dummy'])('runs the path %s', async (path) => {
    const { status, out } = await run(
      `run echo --path ${path} --net loop --clock virtual --for 1ms --rate 100k --json`,
    );

    expect(status).toBe(0);
    const copies = { '5pd': 2, '4pd': 1, '2pd': 1, dummy: 1 }[path] ?? 0;
    const result = JSON.parse(out) as { packets: number; copies: number };
    expect(result.packets).toBeGreaterThan(50);
    expect(result.copies / result.packets).toBeCloseTo(copies, 0);
  });
});

describe('a live run', () => {
  const FORWARD = 'user,hostfwd=udp:127.0.0.1:0-10.0.2.15:1235';

  async function portOf(live: LiveRun): Promise<number> {
    const match = await live.says(/127\.0\.0\.1:(\d+)\/udp reaches 10\.0\.2\.15:1235/);
    return Number(match[1]);
  }

  it('echoes 10,000 datagrams of random sizes without loss at window 32', async () => {
    const live = new LiveRun(`run echo --net ${FORWARD}`);
    const port = await portOf(live);
    const socket = await udpSocket();
    const random = new Random(1);
    const total = 10_000;
    const sent: Buffer[] = [];
    const send = (): void => {
      if (sent.length === total) return;
      const datagram = Buffer.alloc(1 + random.below(1472));
      for (let at = 0; at < datagram.length; at += 1) datagram[at] = random.below(256);
      sent.push(datagram);
      socket.send(datagram, port, '127.0.0.1');
    };
    let wrong = 0;
    let received = 0;
    await new Promise<void>((resolve) => {
      socket.on('message', (datagram) => {
        if (!datagram.equals(sent[received] ?? Buffer.alloc(0))) wrong += 1;
        received += 1;
        if (received === total) resolve();
        else send();
      });
      for (let index = 0; index < 32; index += 1) send();
    });

    expect(wrong).toBe(0);
    socket.close();
    expect(await live.interrupt()).toBe(0);
    expect(live.text).toMatch(/10,0\d\d packets/); // and answers to the gateway's ARP requests
  });

  it('says once that a datagram is too large, and goes on', async () => {
    const live = new LiveRun(`run echo --net ${FORWARD}`);
    const port = await portOf(live);
    const socket = await udpSocket();
    socket.send(Buffer.alloc(1473), port, '127.0.0.1');
    await live.says(/a datagram of 1473 bytes from 127\.0\.0\.1 does not fit a frame/);
    const answer = new Promise<Buffer>((resolve) => socket.once('message', resolve));
    socket.send('still there?', port, '127.0.0.1');

    expect((await answer).toString()).toBe('still there?');
    socket.close();
    expect(await live.interrupt()).toBe(0);
  });

  it('says in one line that its port is in use', async () => {
    const holder = await udpSocket();
    const { port } = holder.address();
    const forward = `user,hostfwd=udp:127.0.0.1:${String(port)}-10.0.2.15:1235`;
    const { status, errors } = await run(`run echo --net ${forward} --for 1s`);
    holder.close();

    expect(status).toBe(2);
    const lines = errors
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('sddf: '));
    expect(lines).toEqual([
      `sddf: 127.0.0.1:${String(port)}/udp: the address is already in use; ` +
        'end the program that has it, or choose another',
    ]);
    expect(errors).not.toContain('    at ');
  });

  it('speaks the stream protocol over a UNIX socket, and outlives its peer', async () => {
    const path = join(directory, 'a.sock');
    const live = new LiveRun(`run echo --net stream,server=unix:${path}`);
    await live.says(/is running/);
    for (const round of [1, 2]) {
      const peer = createConnection(path);
      const answer = new Promise<Buffer>((resolve) => peer.once('data', resolve));
      peer.write(Buffer.concat([Buffer.from([0, 0, 0, 60]), arpRequest(16)]));
      const bytes = await answer;

      expect(bytes.readUInt32BE(0), String(round)).toBe(bytes.length - 4);
      expect(bytes.subarray(10, 16).toString('hex')).toBe('52540100000b');
      const closed = new Promise((resolve) => peer.once('close', resolve));
      peer.end();
      await closed;
    }

    expect(await live.interrupt()).toBe(0);
  });

  it('ends by itself after --for, also when nothing happens', async () => {
    const { status, out } = await run(`run echo --net ${FORWARD} --for 200ms`);

    expect(status).toBe(0);
    expect(out).toMatch(/echo: 0\.\d+ s, 0 packets/);
  });

  it('ends by itself when all is quiet and nothing is attached', async () => {
    for (const system of ['hello', 'domains']) {
      const { status, out } = await run(`run ${system}`);

      expect(status).toBe(0);
      expect(out).toMatch(new RegExp(`^${system}: [0-9.]+ s, then all was quiet$`, 'm'));
    }
    expect((await run('run hello')).out).not.toContain('Ctrl-C');
  });

  it('runs under the virtual clock too, paced by the host', async () => {
    const live = new LiveRun(`run echo --clock virtual --net ${FORWARD}`);
    const port = await portOf(live);
    const socket = await udpSocket();
    const answer = new Promise<Buffer>((resolve) => socket.once('message', resolve));
    socket.send('hello', port, '127.0.0.1');

    expect((await answer).toString()).toBe('hello');
    socket.close();
    expect(await live.interrupt()).toBe(0);
  });

  it('captures to standard output for another program', async () => {
    const child = spawnSync(
      process.execPath,
      [SDDF, 'run', 'echo', '--net', 'pcap,in=' + join(directory, 'arp.pcapng'), '--capture', '-'],
      { maxBuffer: 1 << 26 },
    );
    let frames = 0;
    const reader = readCapture(new MemoryBytes(child.stdout));
    while (reader.next() !== undefined) frames += 1;

    expect(child.status).toBe(0);
    expect(reader.problem).toBeUndefined();
    expect(frames).toBe(200);
  });

  it('tells how to see frames when Wireshark is not there', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [SDDF, 'run', 'echo', '--wireshark', '--net', 'loop', '--for', '1ms'],
      { encoding: 'utf8', env: { PATH: directory } },
    );

    expect(status).toBe(0);
    expect(stderr).toContain(
      'npx sddf run echo --net loop --for 1ms --capture - | wireshark -k -i -',
    );
  });
});

describe('a run under the virtual clock that keeps to real time', () => {
  it('ends at its limit though nothing happens, and says when it will', async () => {
    const { status, out, errors } = await run(
      'run echo --net user --clock virtual --for 200ms --json',
    );

    expect(status).toBe(0);
    expect(errors).toContain('sddf: echo is running; ends after 0.2 s');
    const result = JSON.parse(out) as { ending: string; bootNs: number; timeNs: number };
    expect(result.ending).toBe('time');
    expect(result.timeNs - result.bootNs).toBe(200_000_000);
  });
});

describe('npm start', () => {
  it('prints the topology and figures, says how to try it, and ends with Ctrl-C', async () => {
    const live = new LiveRun('run echo --demo --net user,hostfwd=udp:127.0.0.1:0-10.0.2.15:1235');
    const match = await live.says(/nc -u -w1 127\.0\.0\.1 (\d+)/);
    const socket = await udpSocket();
    const answer = new Promise<Buffer>((resolve) => socket.once('message', resolve));
    socket.send('hi', Number(match[1]), '127.0.0.1');

    expect((await answer).toString()).toBe('hi');
    socket.close();
    expect(await live.interrupt()).toBe(0);
    expect(live.text).toMatch(/└─ client0 +priority +97 +10\.0\.2\.15/);
    for (const frame of [64, 1514]) {
      const figures = `${String(frame)} bytes +[\\d,]+ packets/s +[\\d.]+ Gb/s +round trip p50 .+, p99 .+`;
      expect(live.text).toMatch(new RegExp(figures));
    }
    const work = 'copies .+ bytes copied .+ kernel entries .+ notifications .+ context switches .+';
    expect(live.text.match(new RegExp(work, 'g'))?.length).toBeGreaterThanOrEqual(2);
  });

  it('ends by itself with --for', () => {
    // A port of its own: the usual one may be another run's.
    const net = ['--net', 'user,hostfwd=udp:127.0.0.1:0-10.0.2.15:1235'];
    const { status, stdout } = spawnSync('npm', ['start', '--', '--for', '500ms', ...net], {
      encoding: 'utf8',
    });

    expect(status).toBe(0);
    expect(stdout).toContain('packets/s');
  });
});
