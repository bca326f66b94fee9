/**
 * Goal: the programs of the network path do the same by the loops over batches as by their steps,
 * byte for byte. Method: two systems, of which one has the loops, meet the same random traffic,
 * good frames and damaged ones in bursts, a device that lies now and then, and a client that writes
 * random bytes or forges entries. After each burst all memory is compared, counters with it.
 *
 * SDDF_LOOP_SEEDS: how many seeds of each kind.
 */

import { describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import { main as echoProgram } from '../../clients/echo/echo.ts';
import type { Batches, Ram } from '../../memory/ram.ts';
import {
  type BareEcho,
  bareEcho,
  clientIp,
  clientMac,
  type EchoPath,
  IRQ,
} from '../support/bare-echo.ts';
import { NetPeer } from '../support/net-peer.ts';
import { type Chain, F_EVENT_IDX, F_INDIRECT_DESC, ScriptedNic } from '../support/scripted-nic.ts';
import { checksum, udpFrame } from '../support/udp-frame.ts';

const SEEDS = Number(process.env['SDDF_LOOP_SEEDS'] ?? 6);
const BURSTS = 40;
const BUFFERS = 16;
const QUEUE_BYTES = 8 + 16 * BUFFERS;
const FEATURES = F_INDIRECT_DESC | F_EVENT_IDX;
/** The device vouches for checksums. */
const GUEST_CSUM = 1 << 1;
const DATA_VALID = 2;
const UNTRUE_HEAD = 80;

type Mischief = (peer: NetPeer, random: Random) => void;

/** Random bytes over the client's own queues. */
const scribble: Mischief = (peer, random) => {
  for (const direction of ['rx', 'tx'] as const) {
    for (const kind of ['freeQueue', 'activeQueue'] as const) {
      const region = peer.queueRegion(direction, kind);
      for (let i = 0; i < 6; i += 1) region.write8(random.below(QUEUE_BYTES), random.below(256));
    }
  }
};

/** Entries that nearly are good ones. */
const forge: Mischief = (peer, random) => {
  const rarely = (value: number): number => (random.below(9) === 0 ? value : 0);
  for (let i = 0; i < 4; i += 1) {
    const low = 2048 * random.below(BUFFERS + 2) + rarely(random.below(2048));
    const len = random.below(8) === 0 ? random.below(2100) : 60;
    peer.txActive.enqueue(low, rarely(1), len, rarely(1));
    peer.rxFree.enqueue(2048 * random.below(BUFFERS + 2) + rarely(4), rarely(1), 0, 0);
  }
  peer.txActive.publish();
  peer.rxFree.publish();
  if (random.below(3) === 0) peer.collect();
};

/** The system, its device's books, and chance: the same for both. */
class World {
  readonly echo: BareEcho;
  readonly #nic: ScriptedNic;
  readonly #random: Random;
  readonly #hostile: Random;
  readonly #rxChains: Chain[] = [];
  readonly #txChains: Chain[] = [];
  readonly #clients: number;
  sent = 0;

  constructor(path: EchoPath, batches: Batches, seed: number, mischief: Mischief | undefined) {
    const made: { nic?: ScriptedNic } = {};
    this.#random = new Random(seed);
    this.#hostile = new Random(seed + 1);
    this.#clients = path === '2pd' ? 1 : 2;
    this.echo = bareEcho({
      path,
      batches,
      clients: this.#clients,
      buffers: BUFFERS,
      startIndex: 65_530,
      device: ({ ram }) => (made.nic = makeNic(ram, seed)),
      clientProgram: (index) =>
        index === 1 && mischief !== undefined ? this.#hostileProgram(mischief) : echoProgram,
    });
    this.#nic = made.nic as ScriptedNic;
    this.#interrupt();
  }

  #hostileProgram(mischief: Mischief): typeof echoProgram {
    return (pd) => {
      const peer = new NetPeer(pd);
      return {
        notified: () => {
          mischief(peer, this.#hostile);
          pd.notify(pd.config.net.rx.channel);
          pd.notify(pd.config.net.tx.channel);
        },
      };
    };
  }

  burst(): void {
    const random = this.#random;
    for (let frames = 1 + random.below(10); frames > 0; frames -= 1) {
      const [chain] = this.#rxChains.splice(random.below(this.#rxChains.length || 1), 1);
      if (chain === undefined) break;
      const flags = random.below(9) === 0 ? 1 : random.below(2) * DATA_VALID;
      this.#nic.rx.receive(chain, someFrame(random, this.#clients), flags);
      if (random.below(40) === 0) {
        this.echo.system.ram.u8[chain.headerAt + 10] = random.below(3);
      }
    }
    for (let count = random.below(12); count > 0 && this.#txChains.length > 0; count -= 1) {
      const [chain] = this.#txChains.splice(random.below(this.#txChains.length), 1);
      this.#nic.tx.complete((chain as Chain).head, random.below(80) === 0 ? 1 : 0);
    }
    if (random.below(2) === 0) this.echo.clients[1]?.raise(1);
    if (random.below(60) === 0) this.#nic.tx.complete(random.below(UNTRUE_HEAD), 0);
    if (random.below(60) === 0) this.#nic.rx.complete(random.below(UNTRUE_HEAD), 100);
    this.#interrupt();
  }

  #interrupt(): void {
    const { rx, tx } = this.#nic;
    this.#nic.interruptStatus = 1;
    this.echo.driver.raise(IRQ);
    this.echo.system.run();
    // After a reset the device has what the driver gives it anew.
    if (rx.usedIdx === 0) this.#rxChains.length = 0;
    if (tx.usedIdx === 0) this.#txChains.length = 0;
    this.#rxChains.push(...rx.takeAll());
    const chains = tx.takeAll();
    this.sent += chains.length;
    this.#txChains.push(...chains);
  }
}

/** Half of the devices vouch for checksums. */
function makeNic(ram: Ram, seed: number): ScriptedNic {
  return new ScriptedNic({ ram, features: FEATURES | (seed % 2 === 0 ? 0 : GUEST_CSUM) });
}

function someFrame(random: Random, clients: number): Uint8Array {
  const client = random.below(clients);
  const kind = random.below(16);
  const others = ['ff:ff:ff:ff:ff:ff', '52:54:01:00:00:99', '52:54:02:00:00:0a'];
  const mac = kind === 0 ? (others[random.below(3)] as string) : clientMac(client);
  const port = [7, 1235, 1235, 1235, 9][random.below(5)] as number;
  const sourcePort = kind === 1 ? 7 : 40_000;
  const payload = Uint8Array.from({ length: random.below(60) }, () => random.below(256));
  const frame = udpFrame({ mac, ip: clientIp(client), payload, port, sourcePort });
  if (kind === 2) return frame.subarray(0, random.below(frame.length));
  if (kind === 3) frame[random.below(frame.length)] = random.below(256);
  if (kind < 8 && kind > 3) changeField(frame, random);
  return frame;
}

/** Another value in one field, with a right checksum of the header and none of the datagram. */
function changeField(frame: Uint8Array, random: Random): void {
  const view = new DataView(frame.buffer);
  const [at, value] = [
    [16, random.below(100)], // total length
    [20, [0x2000, 0x8000, 1][random.below(3)]], // fragment
    [22, 0x4000 | ([1, 6, 16, 17][random.below(4)] as number)], // time to live, protocol
    [30, random.below(65_536)],
    [32, 0x020f + random.below(2)],
    [38, random.below(100)], // UDP length
    [14, 0x4600],
  ][random.below(7)] as [number, number];
  view.setUint16(at, value);
  view.setUint16(24, 0);
  view.setUint16(24, checksum(frame.subarray(14, 34)));
  view.setUint16(40, 0);
}

describe.each<[string, EchoPath, Mischief | undefined]>([
  ['2 domains', '2pd', undefined],
  ['4 domains', '4pd', undefined],
  ['5 domains', '5pd', undefined],
  ['random bytes in queues, 4 domains', '4pd', scribble],
  ['random bytes in queues, 5 domains', '5pd', scribble],
  ['forged entries, 4 domains', '4pd', forge],
  ['forged entries, 5 domains', '5pd', forge],
])('%s', (_, path, mischief) => {
  it(`loops do what the steps do (${SEEDS} seeds)`, { timeout: 900_000 }, () => {
    let sent = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const loops = new World(path, 'wasm', seed, mischief);
      const steps = new World(path, 'steps', seed, mischief);
      for (let number = 1; number <= BURSTS; number += 1) {
        for (const world of [loops, steps]) world.burst();
        const [one, other] = [loops, steps].map(({ echo }) => echo.system.memory);
        const order = Buffer.compare(one as Uint8Array, other as Uint8Array);
        expect(order, `seed ${seed}, burst ${number}`).toBe(0);
      }
      sent += loops.sent;
    }
    expect(sent).toBeGreaterThan(4 * SEEDS);
  });
});
