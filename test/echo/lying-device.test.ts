/**
 * A network device that lies in its used rings, in the whole system: the driver resets it and goes
 * on, and no buffer is lost. The lie is told in the moment when the device raises its interrupt
 * line, so that the device does not correct it.
 */

import { describe, expect, it } from 'vitest';
import type { Board } from '../../board/board.ts';
import { networkDevice } from '../../systems/devices.ts';
import { echoTestbed, type EchoTestbed } from '../support/echo-testbed.ts';
import { CLIENT0, CLIENT1, payload, readUdp, udpFrame } from '../support/udp-frames.ts';
import { replaceMethod } from '../../memory/replace-method.ts';

/** Registers of virtio-mmio (virtio 1.2 §4.2.2), and the layout of a used ring (§2.7.8). */
const QUEUE_SEL = 0x30;
const QUEUE_SIZE = 0x38;
const QUEUE_DEVICE_LOW = 0xa0;
const USED_INDEX = 2;
const USED_RING = 4;
const USED_ELEMENT_BYTES = 8;
const RX = 0;
const TX = 1;

/** A used ring as the driver has told the device of it. */
interface UsedRing {
  entries: number;
  /** Offset in RAM. */
  at: number;
  /** The device's index at the last interrupt. */
  seenIndex: number;
}

class Liar {
  readonly rings: readonly UsedRing[] = [
    { entries: 0, at: 0, seenIndex: 0 },
    { entries: 0, at: 0, seenIndex: 0 },
  ];
  /** Told once, with the next interrupt for which the device has used a buffer of that queue. */
  #lie: { readonly ring: UsedRing; readonly tell: (view: DataView) => void } | undefined;
  #selected = 0;

  constructor(board: Board) {
    const attach = board.attach.bind(board);
    replaceMethod(board, 'attach', (name, place, device) => {
      if (name !== networkDevice.name) {
        attach(name, place, device);
        return;
      }
      attach(name, place, {
        read: (offset, width) => device.read(offset, width),
        write: (offset, value, width) => {
          this.#observe(board, offset, value);
          device.write(offset, value, width);
        },
      });
    });
    const lineOf = board.irqLine.bind(board);
    replaceMethod(board, 'irqLine', (irq) => {
      const line = lineOf(irq);
      if (irq !== networkDevice.irq) return line;
      return {
        raise: () => {
          this.#tellLie(board.ram.view);
          line.raise();
        },
        lower: () => line.lower(),
      };
    });
  }

  #tellLie(view: DataView): void {
    for (const ring of this.rings) {
      const index = view.getUint16(ring.at + USED_INDEX, true);
      const isNew = index !== ring.seenIndex;
      ring.seenIndex = index;
      if (!isNew || this.#lie?.ring !== ring) continue;
      this.#lie.tell(view);
      this.#lie = undefined;
    }
  }

  #observe(board: Board, offset: number, value: number): void {
    const ring = this.rings[this.#selected];
    if (offset === QUEUE_SEL) this.#selected = value;
    else if (ring !== undefined && offset === QUEUE_SIZE) ring.entries = value;
    else if (ring !== undefined && offset === QUEUE_DEVICE_LOW) ring.at = value - board.ram.base;
  }

  /** The index claims entries that there are not. */
  index(queue: number): void {
    const ring = this.rings[queue] as UsedRing;
    const tell = (view: DataView): void => {
      const at = ring.at + USED_INDEX;
      view.setUint16(at, (view.getUint16(at, true) + 3 * ring.entries) & 0xffff, true);
    };
    this.#lie = { ring, tell };
  }

  /**
   * The newest entry names a chain that was never made available, or a length that no buffer has.
   */
  element(queue: number, field: 'id' | 'length', value: number): void {
    const ring = this.rings[queue] as UsedRing;
    const tell = (view: DataView): void => {
      const newest = (view.getUint16(ring.at + USED_INDEX, true) - 1) & (ring.entries - 1);
      const at = ring.at + USED_RING + USED_ELEMENT_BYTES * newest;
      view.setUint32(at + (field === 'id' ? 0 : 4), value, true);
    };
    this.#lie = { ring, tell };
  }
}

function withLiar(): { bed: EchoTestbed; liar: Liar } {
  let liar: Liar | undefined;
  const bed = echoTestbed({
    wrap: (wire, { board }) => {
      liar = new Liar(board);
      return wire;
    },
  });
  bed.testbed.runUntilQuiet();
  if (liar === undefined) throw new Error('the testbed has asked for its wires');
  return { bed, liar };
}

function exchange(bed: EchoTestbed, count: number): number {
  let answered = 0;
  const run = (): void => {
    bed.testbed.runUntilQuiet();
    for (const frame of bed.received()) if (readUdp(frame)?.checksums === 'good') answered++;
  };
  for (let i = 0; i < count; i++) {
    const client = i % 2 === 0 ? CLIENT0 : CLIENT1;
    const frame = udpFrame({ ...client, targetPort: 7, payload: payload(200, i) });
    bed.link.send(frame, 0, frame.length);
    if (i % 16 === 15) run();
  }
  run();
  return answered;
}

type Lie = readonly [name: string, counter: string, tell: (liar: Liar) => void];

const LIES: readonly Lie[] = [
  ['a receive index ahead of its chains', 'usedIndexLies', (liar) => liar.index(RX)],
  ['a receive id that is no chain', 'usedIdLies', (liar) => liar.element(RX, 'id', 0xffff)],
  [
    'a receive length beyond the buffer',
    'usedLengthLies',
    (liar) => liar.element(RX, 'length', 0xffff_fff0),
  ],
  ['a transmit index ahead of its chains', 'usedIndexLies', (liar) => liar.index(TX)],
  ['a transmit id that is no chain', 'usedIdLies', (liar) => liar.element(TX, 'id', 77_777)],
];

describe.each(LIES)('a device that tells %s', (_name, counter, tell) => {
  it('is reset by its driver, and traffic goes on with every buffer in place', () => {
    const { bed, liar } = withLiar();
    expect(exchange(bed, 32)).toBe(32);

    tell(liar);
    exchange(bed, 4);

    const driver = (): Record<string, number> =>
      bed.testbed.counters().programs['ethernet_driver'] ?? {};
    expect(driver()).toMatchObject({ resets: 1, [counter]: 1 });
    // More packets than there are buffers: if one were lost at each reset, this would run dry.
    expect(exchange(bed, 1024)).toBe(1024);
    expect(bed.faults).toEqual([]);
    expect(driver()['resets']).toBe(1);
  });

  it('is reset as often as it lies', () => {
    const { bed, liar } = withLiar();
    for (let round = 0; round < 40; round++) {
      exchange(bed, 4);
      tell(liar);
      exchange(bed, 4);
    }

    expect(bed.testbed.counters().programs['ethernet_driver']).toMatchObject({ resets: 40 });
    expect(exchange(bed, 512)).toBe(512);
  });
});
