/**
 * Every place of one system where something can go wrong: from its devices, and from its
 * description.
 */

import {
  channelsOf,
  flatten,
  type PdDescription,
  type SystemDescription,
} from '../../microkit/model.ts';
import type { DeviceNode } from '../../microkit/sddf/device.ts';
import type { NetCopyConfig } from '../../queues/net/config.ts';
import { blockDevices, networkDevice, timerDevice } from '../../systems/devices.ts';
import { i2cDevice } from '../../systems/i2c-devices.ts';
import { serialDevices, uartOf } from '../../systems/serial-devices.ts';
import { calledDomains } from './called-domains.ts';
import { clockPoint } from './clock-point.ts';
import { diskPointKinds } from './disk-points.ts';
import { dmaPoint } from './dma-window.ts';
import { clientsOf, domainPoints } from './domains.ts';
import { i2cBusPoints } from './i2c-bus.ts';
import { irqPoint, type Watchdog } from './irq-line.ts';
import { netWirePoints } from './net-wire.ts';
import type { Excuse, PointKind } from './point.ts';
import { clientQueues, sharedQueuePoint } from './shared-queues.ts';
import { uartLinePoints } from './uart-line.ts';
import { usedRingPoint } from './used-ring-points.ts';
import { virtioRegisterPoints } from './virtio-registers.ts';

export type DeviceClass = 'net' | 'blk' | 'serial' | 'timer' | 'i2c';

/** A device of the board that the system uses. */
export interface SimDevice {
  /** Short, as points are called: 'net', 'blk0', 'uart', 'rtc'. */
  readonly name: string;
  readonly class: DeviceClass;
  readonly irq: number;
  /** Its name on the board. */
  readonly boardName: string;
  /** Names of its virtqueues, by their number; none of a device that is not virtio. */
  readonly queues: readonly string[];
  readonly watchdog: Watchdog;
}

/** The control queue, which no driver of ours uses, is none. */
const NET_QUEUES = ['net.rx', 'net.tx'];
const CONSOLE_QUEUES = ['uart.rx', 'uart.tx'];

/** @returns the devices whose registers the system maps, in the board's order */
export function devicesOf(system: SystemDescription): readonly SimDevice[] {
  const isUsed = (node: DeviceNode): boolean =>
    system.regions.some((region) => region.physAddr === BigInt(node.physAddr));
  const found: SimDevice[] = [];
  const add = (
    name: string,
    kind: DeviceClass,
    node: DeviceNode,
    queues: readonly string[],
  ): void => {
    const { irq, name: boardName } = node;
    const watchdog = watchdogOf(system, irq);
    if (isUsed(node)) found.push({ name, class: kind, irq, boardName, queues, watchdog });
  };
  add('net', 'net', networkDevice, NET_QUEUES);
  blockDevices.forEach((node, index) => add(`blk${index}`, 'blk', node, [`blk${index}`]));
  const uart = uartOf(system);
  if (uart !== undefined) {
    add('uart', 'serial', serialDevices[uart], uart === 'virtio' ? CONSOLE_QUEUES : []);
  }
  add('i2c', 'i2c', i2cDevice, []);
  add('rtc', 'timer', { ...timerDevice, name: 'goldfish-rtc' }, []);
  return found;
}

/** Whether the domain that has an interrupt has a watchdog and a timer for it, by its record. */
function watchdogOf(system: SystemDescription, irq: number): Watchdog {
  const driver = flatten(system).find(({ pd }) =>
    pd.irqs.some((each) => 'irq' in each && each.irq === irq),
  );
  const config = driver?.pd.config;
  if (typeof config !== 'object' || config === null) return 'unwatched';
  return 'watchdogNs' in config && 'timer' in config ? 'watched' : 'unwatched';
}

/** @returns all points, those of a device together */
export function pointsOf(system: SystemDescription): readonly PointKind[] {
  const clients = clientsOf(system);
  const called = calledDomains(system);
  // A UART's receiver holds what comes in 1.4 ms; then it overruns.
  const lateExcuses: readonly Excuse[] = uartOf(system) === undefined ? [] : ['loss', 'contents'];
  return [
    ...devicesOf(system).flatMap(devicePoints),
    ...flatten(system).flatMap(({ pd }) =>
      domainPoints(pd.name, {
        ...(clients.has(pd.name) ? { client: pd.name } : clientOf(system, pd)),
        isSupervised: isMember(pd.config),
        lateExcuses,
        diesAnywhere: pd.image.program !== undefined && !called.has(pd.name),
      }),
    ),
    ...clientQueues(system).map(sharedQueuePoint),
  ];
}

/** Of a copier that is started again when it dies: nobody but its client loses anything. */
function clientOf(system: SystemDescription, { name, config }: PdDescription): { client?: string } {
  if (!isMember(config) || !isCopier(config)) return {};
  const { channel } = config.client;
  const client = channelsOf(system, name).find(({ own }) => own.id === channel);
  return client === undefined ? {} : { client: client.peer.pd };
}

function isCopier(config: unknown): config is Pick<NetCopyConfig, 'client'> {
  return typeof config === 'object' && config !== null && 'clientData' in config;
}

/** Whether a configuration has a part in the restart protocol. */
function isMember(config: unknown): boolean {
  return typeof config === 'object' && config !== null && 'restart' in config;
}

function devicePoints({ name, class: group, queues, watchdog }: SimDevice): readonly PointKind[] {
  return [
    irqPoint(name, group, watchdog),
    ...(group === 'net' ? netWirePoints(name) : []),
    ...(group === 'blk' ? diskPointKinds(name) : []),
    ...(group === 'serial' ? uartLinePoints(name) : []),
    ...(group === 'i2c' ? i2cBusPoints(name) : []),
    ...(group === 'timer' ? [clockPoint(name)] : []),
    ...(queues.length === 0
      ? []
      : [...virtioRegisterPoints(name, group, watchdog), dmaPoint(name, group)]),
    ...queues.map((queue) => usedRingPoint(queue, group, watchdog)),
  ];
}
