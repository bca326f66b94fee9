/** The testbed's devices: what they are plugged into, and how they are put on the board. */

import { type Board, GOLDFISH_RTC_PLACE, virtioPlace } from '../board/board.ts';
import type { Device } from '../board/device.ts';
import type { EthernetWire } from '../board/ethernet.ts';
import { GoldfishRtc } from '../board/goldfish-rtc.ts';
import { VirtioBlk, type VirtioBlkOptions } from '../board/virtio/blk.ts';
import { VirtioNet } from '../board/virtio/net.ts';
import { demand } from '../memory/misuse.ts';
import { BLOCK_SLOTS, blockDevices, NET_SLOTS, networkDevices } from './devices.ts';
import { attachSerial, type SerialPlug } from './serial-devices.ts';
import { TrafficMeter } from './traffic.ts';

/** What the board's devices are plugged into; a device without a wire is not on the board. */
export interface Wires {
  readonly net?: EthernetWire;
  /** Those of the second NIC and the ones behind it, in the order of `devices.ts`. */
  readonly furtherNets?: readonly (EthernetWire | undefined)[];
  readonly serial?: SerialPlug;
  /** Lines of other UARTs than that of `serial`. */
  readonly furtherSerials?: readonly SerialPlug[];
  /** One for each disk, in the order of `devices.ts`. */
  readonly blocks?: readonly BlockPlug[];
}

/** A disk, and how its device presents it. */
export type BlockPlug = Pick<VirtioBlkOptions, 'wire' | 'limits'>;

/**
 * 52:54:01:00:00:07, the first NIC's own address: the one that sDDF's virtio driver sets. Those of
 * the others follow.
 */
const NIC_MAC = [0x52, 0x54, 0x01, 0x00, 0x00, 0x07] as const;

/**
 * Puts the testbed's devices on the board: the clock always, the others when they are plugged into
 * something.
 *
 * @returns what reads how much goes through them
 */
export function attachDevices(board: Board, wires: Wires): TrafficMeter {
  const meter = new TrafficMeter();
  const rtc = new GoldfishRtc({
    clock: board.clock,
    irqLine: board.irqLine(GOLDFISH_RTC_PLACE.irq),
    lint: board.lint,
  });
  board.attach('goldfish-rtc', GOLDFISH_RTC_PLACE, rtc);
  board.alarm = rtc.alarm;
  for (const [index, wire] of [wires.net, ...(wires.furtherNets ?? [])].entries()) {
    if (wire !== undefined) meter.addNetwork(index, attachNetwork(board, index, wire).counters);
  }
  for (const [index, plug] of (wires.blocks ?? []).entries()) {
    meter.addDisk(attachDisk(board, index, plug).counters);
  }
  for (const plug of serialPlugs(wires)) {
    attachSerial(board, plug);
    meter.addSerial(plug.uart, plug.wire);
  }
  return meter;
}

function serialPlugs({ serial, furtherSerials = [] }: Wires): readonly SerialPlug[] {
  return serial === undefined ? furtherSerials : [serial, ...furtherSerials];
}

function attachNetwork(board: Board, index: number, wire: EthernetWire): VirtioNet {
  const slot = NET_SLOTS[index];
  const node = networkDevices[index];
  const isPlace = slot !== undefined && node !== undefined;
  demand(
    isPlace,
    `${index + 1} NICs are plugged in, the board has ${NET_SLOTS.length} slots for them`,
  );
  const place = virtioPlace(slot);
  const [ownMac, lastByte] = [NIC_MAC.slice(0, 5), NIC_MAC[5]];
  const device = new VirtioNet({
    name: node.name,
    wire,
    ram: board.ram,
    dma: board.dmaWindow(),
    irqLine: board.irqLine(place.irq),
    lint: board.lint,
    rules: board.rules,
    turns: board.turns,
    mac: Uint8Array.from([...ownMac, lastByte + index]),
    // Frames for which the driver has no buffer yet wait on the wire, as in QEMU: what is lost, the
    // wire counts.
    whenNoBuffer: 'hold',
    rxChecksums: wire.checksums === 'right' ? 'asserted' : 'unchecked',
    makeQueue: (queue) => board.makeDeviceQueue(node.name, queue),
  });
  board.attach(node.name, place, new ObservedTransport(device));
  return device;
}

function attachDisk(board: Board, index: number, plug: BlockPlug): VirtioBlk {
  const slot = BLOCK_SLOTS[index];
  const node = blockDevices[index];
  const isPlace = slot !== undefined && node !== undefined;
  demand(
    isPlace,
    `${index + 1} disks are plugged in, the board has ${BLOCK_SLOTS.length} slots for them`,
  );
  const place = virtioPlace(slot);
  const device = new VirtioBlk({
    name: node.name,
    ram: board.ram,
    dma: board.dmaWindow(),
    irqLine: board.irqLine(place.irq),
    lint: board.lint,
    rules: board.rules,
    turns: board.turns,
    makeQueue: (queue) => board.makeDeviceQueue(node.name, queue),
    ...plug,
  });
  board.attach(node.name, place, device.transport);
  return device;
}

/**
 * The NIC's registers on the bus, with the snapshot of the whole NIC: its counters go into every
 * report.
 */
class ObservedTransport implements Device {
  readonly #nic: VirtioNet;

  constructor(nic: VirtioNet) {
    this.#nic = nic;
  }

  read(offset: number, width: number): number {
    return this.#nic.transport.read(offset, width);
  }

  peek(offset: number, width: number): number | undefined {
    return this.#nic.transport.peek(offset, width);
  }

  write(offset: number, value: number, width: number): void {
    this.#nic.transport.write(offset, value, width);
  }

  reset(): void {
    this.#nic.transport.reset();
  }

  snapshot(): Record<string, unknown> {
    return this.#nic.snapshot();
  }
}
