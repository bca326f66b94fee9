/**
 * What is fed with bad input: every reader of bytes or text that comes from outside. A target takes
 * any bytes; what it may throw is a mistake of the user's, or its own kind of "this is damaged".
 * Anything else is a bug of ours.
 */

import { VirtualClock } from '../../../board/virtual-clock.ts';
import { SerialLine } from '../../../board/uart/serial-line.ts';
import { parseDisk, parseNbd } from '../../../cli/blk/disk-options.ts';
import { parseNetOptions } from '../../../cli/net/options.ts';
import { parseDuration, parseRate, parseSize } from '../../../cli/quantities.ts';
import { parseSerialOptions } from '../../../cli/serial/options.ts';
import { type BlockTask, FatError } from '../../../clients/fat/block-io.ts';
import { FatFileSystem } from '../../../clients/fat/file-system.ts';
import { planImage } from '../../../host/disk/create-image.ts';
import { fatPatches } from '../../../host/disk/fat-format.ts';
import { NbdSession } from '../../../host/nbd/session.ts';
import { Transfer } from '../../../host/nbd/transfer.ts';
import { Ingress } from '../../../host/net/bridge.ts';
import { MemoryBytes } from '../../../host/net/capture-bytes.ts';
import { readCapture } from '../../../host/net/capture-reader.ts';
import { PcapngWriter } from '../../../host/net/pcapng-writer.ts';
import { StreamDecoder, StreamEncoder } from '../../../host/net/stream-framing.ts';
import { UserNetwork } from '../../../host/net/user-network.ts';
import { uselessness } from '../../../host/net/usable-capture.ts';
import { UserMistake } from '../../../host/problem.ts';
import { ComPort } from '../../../host/serial/com-port.ts';
import { HostLine } from '../../../host/serial/host-line.ts';
import { OPTION_COM_PORT, TelnetCodec } from '../../../host/serial/telnet-codec.ts';
import { readSystemText } from '../../../microkit/read/text.ts';
import { RISCV64 } from '../../../microkit/target.ts';
import { readPlan } from '../../../sim/plan/read-plan.ts';
import { PartitionScan } from '../../../virtualisers/blk/partition/scan.ts';
import { option, requestBytes } from '../../support/nbd-client.ts';
import { FILE_TARGETS } from './file-targets.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { pieces } from './mutation.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes);

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** Mistakes of the user's are what these are for. */
function forgiving(
  action: () => void,
  ...kinds: readonly (new (...args: never[]) => Error)[]
): void {
  try {
    action();
  } catch (error) {
    if (![UserMistake, ...kinds].some((kind) => error instanceof kind)) throw error;
  }
}

const nbd: FuzzTarget = {
  name: 'NBD',
  seeds: [
    Buffer.concat([
      Buffer.from('00000003', 'hex'),
      option(3, Buffer.alloc(0)),
      option(8, Buffer.alloc(0)),
      option(7, Buffer.alloc(6)),
      requestBytes({ type: 1, offset: 100, length: 600 }),
      Buffer.alloc(600, 1),
      requestBytes({ type: 0, offset: 0, length: 4096 }),
      requestBytes({ type: 6, offset: 100, length: 9000 }),
      requestBytes({ type: 4, offset: 0, length: 1 << 20 }),
      requestBytes({ type: 3, offset: 0, length: 0 }),
      requestBytes({ type: 2, offset: 0, length: 0 }),
    ]),
    Buffer.concat([Buffer.from('00000001', 'hex'), option(1, Buffer.from('disk'))]),
  ],
  run: (bytes, random) => {
    const exported = { name: 'disk', sizeBytes: 1 << 24, readOnly: false, preferredBytes: 4096 };
    let ended = 0;
    const transfers: Transfer[] = [];
    const session = new NbdSession(exported, {
      send: (message) => check(message.length < 512, 'a long reply'),
      isBehind: () => random.below(20) === 0,
      over: () => void (ended += 1),
      request: (request) => {
        const transfer = new Transfer(request);
        transfers.push(transfer);
        return {
          nextPart: (left) => {
            if (random.below(10) === 0) return 'wait';
            return Buffer.alloc(Math.min(transfer.nextPayloadBytes(left), 70_000));
          },
          partFilled: () => transfer.addPayload(Buffer.alloc(1)),
          ended: () => void (transfer.payload = 'complete'),
        };
      },
    });
    for (const piece of pieces(bytes, random)) {
      session.receive(Buffer.from(piece));
      session.resume();
    }
    check(ended <= 1, 'a session ended twice');
    for (const transfer of transfers) {
      for (let n = 0; n < 300 && transfer.next() !== undefined; n += 1) transfer.underWay -= 1;
    }
  },
};

const stream: FuzzTarget = {
  name: 'stream',
  seeds: [framed(60, 14, 1514), framed(1), framed(69_632)],
  run: (bytes, random) => {
    const decoder = new StreamDecoder();
    let given = 0;
    for (const piece of pieces(bytes, random)) {
      decoder.push(piece);
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
        if (frame === 'badLength') return;
        given += frame.length + 4;
      }
    }
    check(given <= bytes.length, 'more frames than bytes');
  },
};

function framed(...lengths: readonly number[]): Uint8Array {
  const encoder = new StreamEncoder();
  for (const length of lengths) encoder.add(new Uint8Array(length).fill(0x5a));
  return encoder.take();
}

const dgram: FuzzTarget = {
  name: 'dgram',
  seeds: [
    new Uint8Array(60),
    new Uint8Array(1514),
    Uint8Array.of(...new Array(12).fill(0), 0x81, 0),
  ],
  run: (bytes, random) => {
    const ingress = new Ingress({ offer: () => (random.below(3) === 0 ? 'full' : 'ok') });
    ingress.offerOrDrop(bytes);
    const {
      framesIn = 0,
      runtsDropped = 0,
      giantsDropped = 0,
      overflowDropped = 0,
    } = ingress.counters() as Record<string, number>;
    check(framesIn + runtsDropped + giantsDropped + overflowDropped === 1, 'a frame uncounted');
  },
};

const telnetSeeds = [
  Uint8Array.of(255, 251, 44, 255, 253, 44, 255, 250, 44, 1, 0, 1, 0xc2, 0, 255, 240, 65, 13, 0),
  Uint8Array.of(255, 250, 44, 5, 5, 255, 240, 255, 250, 44, 5, 6, 255, 240, 255, 255, 255, 243),
  Uint8Array.of(255, 250, 44, 12, 3, 255, 240, 255, 250, 44, 10, 255, 255, 255, 240, 255, 246),
];

const telnet: FuzzTarget = {
  name: 'telnet',
  seeds: telnetSeeds,
  run: (bytes, random) => {
    const codec = new TelnetCodec({ send: () => undefined, breakReceived: () => undefined });
    let data = 0;
    for (const piece of pieces(bytes, random)) {
      data += codec.decode(piece).length;
      check(codec.encode(piece).length <= 3 * piece.length + 1, 'encoded too long');
    }
    check(data <= bytes.length, 'more data than bytes');
  },
};

const rfc2217: FuzzTarget = {
  name: 'RFC 2217',
  seeds: telnetSeeds,
  run: (bytes, random) => {
    const clock = new VirtualClock();
    const sizes = { outputBytes: 1024, inputCharacters: 1024 };
    const line = new SerialLine({ clock, rate: 'real', ...sizes });
    line.attach({
      receive: () => undefined,
      breakChanged: () => undefined,
      inputsChanged: () => undefined,
      lineReady: () => undefined,
      room: () => 16,
    });
    line.setFormat({ baud: 115_200, dataBits: 8, parity: 'none', stopBits: 1 });
    const host = new HostLine(line, () => undefined);
    const port = new ComPort({
      role: random.below(2) === 0 ? 'owner' : 'watcher',
      host,
      answer: (answer) => check(answer.length < 64, 'a long answer'),
      purgeOutput: () => host.purgeOutput(),
    });
    const codec = new TelnetCodec(
      {
        send: () => undefined,
        breakReceived: () => host.pulseBreak(1000),
        subnegotiation: (number, value) => {
          if (number === OPTION_COM_PORT) port.command(value);
        },
      },
      [OPTION_COM_PORT],
    );
    for (const piece of pieces(bytes, random)) {
      const data = codec.decode(piece);
      if (data.length > 0) host.offer(data);
      if (line.ready()) line.transmit(random.below(256));
      clock.runUntil(clock.now() + random.below(1_000_000));
      host.flush();
    }
    port.release();
  },
};

const captures: FuzzTarget = {
  name: 'captures',
  seeds: [captured(), classicCapture()],
  run: (bytes) => {
    for (const reader of [readCapture(new MemoryBytes(bytes))]) {
      let total = 0;
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        total += frame.bytes.length;
      }
      check(total <= bytes.length, 'more frames than bytes');
    }
    uselessness(readCapture(new MemoryBytes(bytes)));
  },
};

function captured(): Uint8Array {
  const parts: Uint8Array[] = [];
  const writer = new PcapngWriter({
    sink: (bytes) => parts.push(Uint8Array.from(bytes)),
    interfaceName: 'net0',
    epochNs: 0n,
  });
  writer.frame(1000, 'in', new Uint8Array(60));
  writer.frame(2000, 'out', new Uint8Array(90), 'dropped: no room');
  writer.flush();
  return Buffer.concat(parts);
}

function classicCapture(): Uint8Array {
  const header = 'd4c3b2a102000400000000000000000000ff000001000000';
  const record = '00f1536500000000400000004000000000';
  return Buffer.concat([Buffer.from(header + record, 'hex'), Buffer.alloc(63)]);
}

/** A disk that is zero but for its first bytes, and for its last 64 KiB. */
interface SmallDisk {
  readonly bytes: Uint8Array;
  readonly head: Uint8Array;
}

const MIB = 1 << 20;
const HEAD_BYTES = 48 * 1024;

function tabled(scheme: 'gpt' | 'mbr'): SmallDisk {
  const bytes = new Uint8Array(4 * MIB);
  const { patches } = planImage({
    sizeBytes: bytes.length,
    sectorBytes: 512,
    scheme,
    partitions: [
      { use: 'raw', name: 'a', sizeBytes: MIB },
      { use: 'raw', name: 'b', sizeBytes: MIB },
    ],
    randomBytes: (count) => new Uint8Array(count).fill(7),
  });
  for (const patch of patches) bytes.set(patch.bytes, patch.at);
  return { bytes, head: bytes.slice(0, HEAD_BYTES) };
}

const disks = [tabled('gpt'), tabled('mbr')];
const tables: FuzzTarget = {
  name: 'tables',
  seeds: disks.map(({ head }) => head),
  run: (bytes, random) => {
    const disk = disks[random.below(2)] as SmallDisk;
    disk.bytes.set(bytes.subarray(0, HEAD_BYTES));
    const diskBlocks = disk.bytes.length / 4096;
    const scan = new PartitionScan({ diskBlocks, sectorBytes: 512, bufferBytes: 65_536 });
    let reads = 0;
    for (let next = scan.next; next !== undefined; next = scan.next) {
      reads += 1;
      check(reads < 2000, 'a table without end');
      const end = (next.block + next.count) * 4096;
      check(next.count <= 16 && end <= disk.bytes.length, 'a read beyond the disk');
      const isRead = random.below(20) > 0;
      scan.feed(isRead ? disk.bytes.slice(next.block * 4096, end) : undefined);
    }
    disk.bytes.set(disk.head);
  },
};

function fatVolume(): SmallDisk {
  const bytes = new Uint8Array(2 * MIB);
  const made = fatPatches({
    startBytes: 0,
    sizeBytes: bytes.length,
    sectorBytes: 512,
    label: 'FUZZ',
    serial: 1,
  });
  if ('problem' in made) throw new Error(made.problem);
  for (const patch of made) bytes.set(patch.bytes, patch.at);
  const fs = onDisk(bytes, FatFileSystem.mount(bytes.length / 4096));
  onDisk(bytes, fs.writeFile('a long name.text', new Uint8Array(5000).fill(9)));
  onDisk(bytes, fs.makeDirectory('INNER'));
  onDisk(bytes, fs.writeFile('INNER/B.TXT', new Uint8Array(700).fill(8)));
  return { bytes, head: bytes.slice(0, HEAD_BYTES) };
}

const READS_MAX = 20_000;

function onDisk<Result>(disk: Uint8Array, task: BlockTask<Result>): Result {
  let step = task.next();
  for (let steps = 0; step.done !== true; steps += 1) {
    check(steps < READS_MAX, 'a file system without end');
    const wish = step.value;
    let answer = new Uint8Array(0);
    if (wish.kind !== 'flush') {
      const end = (wish.block + (wish.kind === 'read' ? wish.count : 0)) * 4096;
      check(end <= disk.length, 'a block beyond the disk');
    }
    if (wish.kind === 'read') {
      answer = disk.slice(wish.block * 4096, (wish.block + wish.count) * 4096);
    } else if (wish.kind === 'write') disk.set(wish.bytes, wish.block * 4096);
    step = task.next(answer);
  }
  return step.value;
}

const volume = fatVolume();
const whole = volume.bytes.slice();
const fat: FuzzTarget = {
  name: 'FAT',
  seeds: [volume.head],
  run: (bytes) => {
    const { bytes: disk } = volume;
    disk.set(bytes.subarray(0, HEAD_BYTES));
    forgiving(() => {
      const fs = onDisk(disk, FatFileSystem.mount(disk.length / 4096));
      for (const { name, kind } of onDisk(disk, fs.list('/'))) {
        forgiving(() => {
          if (kind === 'file') onDisk(disk, fs.readFile(name));
          else onDisk(disk, fs.list(name));
        }, FatError);
      }
      onDisk(disk, fs.writeFile('NEW.TXT', new Uint8Array(3000)));
    }, FatError);
    disk.set(whole);
  },
};

const descriptions: FuzzTarget = {
  name: 'descriptions',
  seeds: [
    bytesOf(
      '<?xml version="1.0"?><system><memory_region name="m" size="0x2000" phys_addr="0x9000000"/>' +
        '<protection_domain name="p" priority="3"><program_image path="p.ts" />' +
        '<map mr="m" vaddr="0x20000000" perms="rw" setvar_vaddr="v"/><irq irq="3" id="9" />' +
        '<protection_domain name="c" id="1"><program_image path="c.ts"/></protection_domain>' +
        '</protection_domain><channel><end pd="c" id="1" pp="true" /><end pd="p" id="1"/></channel></system>',
    ),
  ],
  run: (bytes) => {
    const files = { read: (): Uint8Array => new Uint8Array(100) };
    readSystemText(textOf(bytes), { file: 'a.system', target: RISCV64, files });
  },
};

const plans: FuzzTarget = {
  name: 'plans',
  seeds: [
    bytesOf('{ "rules": [{ "point": "nic.rx", "fault": "drop", "nth": 3, "from": "1ms" }] }'),
    bytesOf('{ "include": ["other.json"], "rules": [{ "point": "*", "probability": 0.5 }] }'),
  ],
  run: (bytes) => {
    const source = { name: 'a.json', text: textOf(bytes) };
    readPlan(source, { points: [], include: () => source });
  },
};

const options: FuzzTarget = {
  name: 'options',
  seeds: [
    'user,hostfwd=udp:127.0.0.1:5001-10.0.2.15:1235',
    'stream,server=unix:a.sock',
    'dgram,local=127.0.0.1:5558,remote=127.0.0.1:5557',
    'pty,link=./uart0',
    'port,path=/dev/ttyUSB0,baud=115200,bits=8,parity=none,stop=1,flow=none',
    'rfc2217,listen=127.0.0.1:4444',
    'file=disk.img,overlay=delta,sector=4096',
    'mem=64M,fat',
    'unix:d.sock,client=3',
    '10ms',
    '1.5G',
  ].map(bytesOf),
  run: (bytes) => {
    const text = textOf(bytes);
    const parsers: readonly ((given: string) => unknown)[] = [
      parseNetOptions,
      parseSerialOptions,
      (given) => parseDisk(given, 'none'),
      parseNbd,
      (given) => parseDuration(given, '--for'),
      (given) => parseSize(given, '--size'),
      (given) => parseRate(given, '--rate'),
    ];
    for (const parser of parsers) forgiving(() => void parser(text));
  },
};

/** What a guest sends to the network that the host plays for it, and what comes from the host. */
const userNetwork: FuzzTarget = {
  name: 'user network',
  seeds: [
    // ARP for the gateway; a datagram to port 67, with a DHCPDISCOVER in it; an echo request.
    '5254000f00015254000f000108060001080006040001' + '5254000f00010a00020f0000000000000a000202',
    `ffffffffffff5254000f00010800450001100000000040110000000000000ffffffff004400430` +
      `0fc000001010600deadbeef${'00'.repeat(20)}5254000f0001${'00'.repeat(202)}63825363350101ff`,
    '5254000f00025254000f000108004500001c0000000040010000' + '0a00020f0a0002020800f7ff00000000',
  ].map((hex) => Buffer.from(hex.length % 2 === 0 ? hex : `${hex}0`, 'hex')),
  run: (bytes, random) => {
    let nowNs = 0;
    const network = new UserNetwork({
      toBoard: (frame) => check(frame.length <= 1514, 'a long frame'),
      toHost: (_forward, _peer, payload) => check(payload.length <= 1472, 'a long datagram'),
      forwards: [{ guestIp: 0x0a00_020f, guestPort: 1235 }],
      nowNs: () => (nowNs += random.below(1e9)),
      onNotice: (text) => check(text.length < 400, 'a long notice'),
    });
    for (const piece of pieces(bytes, random)) {
      if (piece.length >= 14) network.fromBoard(piece);
      network.fromHost(0, { address: '127.0.0.1', port: random.below(65_536) }, piece);
    }
    if (bytes.length >= 14) network.fromBoard(bytes);
  },
};

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  nbd,
  stream,
  dgram,
  telnet,
  rfc2217,
  captures,
  tables,
  fat,
  descriptions,
  plans,
  options,
  userNetwork,
  ...FILE_TARGETS,
];
