/**
 * `net/tx-policy`: two clients that send without end, one large frames and one small ones: who gets
 * how much of the wire under each policy of the transmit virtualiser? Under the virtual clock with
 * the cost table of the published board.
 *
 * The driver takes a window of frames at a time, so that the wire, and not the processor, is what
 * they share. Without a policy each queue is emptied in turn and nothing waits: then the clients'
 * buffers are what they share.
 */

import type { EthernetWire } from '../../board/ethernet.ts';
import type { Ram } from '../../memory/ram.ts';
import type { NetTxPolicyConfig } from '../../queues/net/config.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { publishedBoardCosts } from '../../systems/costs/read-costs.ts';
import type { BenchRow } from '../results.ts';
import { clientStation } from '../net-rig.ts';
import { once, round } from '../statistics.ts';
import { withConfig, withProgram } from './replace.ts';
import { SENDER_BYTE_AT, senderClient } from './sender-client.ts';
import { forLength, type NetSettings } from './settings.ts';

const PATH = '4pd';
const FRAMES = [1514, 64];
const WINDOW = 16;
/** After boot, until everybody has found the rhythm. */
const WARM_UP_NS = 2_000_000;

const POLICIES: readonly {
  readonly name: string;
  readonly config?: NetTxPolicyConfig;
}[] = [
  { name: 'none' },
  { name: 'strict', config: { kind: 'strict', window: WINDOW } },
  { name: 'round-robin', config: { kind: 'round-robin', window: WINDOW } },
  { name: 'drr', config: { kind: 'drr', quantumBytes: 1514, window: WINDOW } },
  {
    name: 'drr 1:3',
    config: { kind: 'drr', quantumBytes: 1514, weights: [1, 3], window: WINDOW },
  },
];

export function benchNetTxPolicy(settings: NetSettings): readonly BenchRow[] {
  const durationNs = forLength(settings, { smoke: 4e6, quick: 20e6, full: 200e6 });
  return POLICIES.flatMap(({ name, config }) => {
    settings.onProgress(`net/tx-policy: ${name}`);
    return policyRows(name, sentUnder(config, durationNs));
  });
}

interface Sent {
  readonly frames: number;
  readonly bytes: number;
}

function policyRows(policy: string, sent: readonly Sent[]): readonly BenchRow[] {
  const bytes = sent.reduce((sum, each) => sum + each.bytes, 0);
  const frames = sent.reduce((sum, each) => sum + each.frames, 0);
  return sent.map((each, index) => ({
    name: 'net/tx-policy',
    policy,
    client: `${FRAMES[index]}-byte frames`,
    window: policy === 'none' ? null : WINDOW,
    unit: 'share of bytes',
    ...once(round(each.bytes / bytes)),
    shareOfFrames: round(each.frames / frames),
  }));
}

function sentUnder(policy: NetTxPolicyConfig | undefined, durationNs: number): readonly Sent[] {
  const built = echo.build(completeChoices(echo, { path: PATH, clients: String(FRAMES.length) }));
  if (!built.ok) throw new Error(built.errors.map((error) => error.message).join('\n'));
  let system = built.system;
  for (const [index, frame] of FRAMES.entries()) {
    system = withProgram(system, `client${index}`, senderClient(frame));
  }
  if (policy !== undefined) system = withConfig(system, 'net_virt_tx', { policy });
  let sink: CountingSink | undefined;
  const testbed = createTestbed({
    system,
    clock: 'virtual',
    costs: publishedBoardCosts(),
    wires: ({ ram }) => {
      sink = new CountingSink(ram);
      return { net: sink };
    },
  });
  const counted = (): readonly Sent[] => FRAMES.map((_, index) => sink?.sentBy(index) ?? NOTHING);
  testbed.runUntil(testbed.now() + WARM_UP_NS);
  const before = counted();
  testbed.runUntil(testbed.now() + durationNs);
  return counted().map(({ frames, bytes }, index) => ({
    frames: frames - (before[index]?.frames ?? 0),
    bytes: bytes - (before[index]?.bytes ?? 0),
  }));
}

const NOTHING: Sent = { frames: 0, bytes: 0 };

/** Takes every frame, and counts them by sender. */
class CountingSink implements EthernetWire {
  readonly #ram: Ram;
  readonly #sent = new Map<number, Sent>();

  constructor(ram: Ram) {
    this.#ram = ram;
  }

  sentBy(client: number): Sent {
    return this.#sent.get(clientStation(client).mac[5] ?? 0) ?? NOTHING;
  }

  attach(): void {
    // Nothing ever arrives.
  }

  linkUp(): boolean {
    return true;
  }

  nextLength(): number {
    return 0;
  }

  copyNext(): void {
    // As above.
  }

  takeNext(): void {
    // As above.
  }

  dropNext(): void {
    // As above.
  }

  transmit(at: number, lengthBytes: number): void {
    const sender = this.#ram.u8[at + SENDER_BYTE_AT] as number;
    const { frames, bytes } = this.#sent.get(sender) ?? NOTHING;
    this.#sent.set(sender, { frames: frames + 1, bytes: bytes + lengthBytes });
  }

  dropTransmit(): void {
    // Not sent, not counted.
  }
}
