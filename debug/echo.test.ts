// Goal: whoever watches memory or a register learns who wrote it, also when no machine code has,
// and whoever asks for buffers learns where each is.
// Method: the echo system in TypeScript under a debugger that sets one watchpoint at the beginning
// and counts its stops, while one datagram comes and is answered.

import { expect, it } from 'vitest';
import { flatten } from '../microkit/model.ts';
import { NetQueueHeader } from '../queues/net/queue.ts';
import { echo } from '../systems/echo.ts';
import { completeChoices } from '../systems/system.ts';
import { described, echoTestbed } from '../test/support/echo-testbed.ts';
import { CLIENT0, payload, udpFrame } from '../test/support/udp-frames.ts';
import type { WatchKind } from './moment.ts';
import { Debugger } from './debugger.ts';
import { Rewound } from './rewound.ts';
import { DomainView } from './domains.ts';
import { describeBuffers } from './monitor/buffers.ts';
import { peek, readRegister } from './monitor/registers.ts';

/** Virtual I/O Device (VIRTIO) 1.2, 4.2.2. */
const QUEUE_NOTIFY = 0x50;

interface Watched {
  readonly pd: string;
  readonly region: string;
  readonly offset: number;
  readonly bytes: number;
  readonly kind: WatchKind;
}

/** @returns who has hit the watchpoint, from when the datagram comes; and how many were answered */
function watch({ pd, region, offset, bytes, kind }: Watched) {
  const system = described(echo.build(completeChoices(echo, {})));
  const map = flatten(system)
    .find((each) => each.pd.name === pd)
    ?.pd.maps.find((each) => each.region === region);
  const vaddr = Number(map?.vaddr) + offset;
  const hits: string[] = [];
  const caught: string[] = [];
  let isWanted = false;
  const debug = new Debugger({
    system,
    machineCode: [],
    begins: 'running',
    front: {
      wantsStop: () => isWanted,
      stopped: ({ cause, pd: who, text }) => {
        if (cause.kind === 'caught') caught.push(text ?? '');
        if (cause.kind === 'caught') return { kind: 'continue' };
        if (cause.kind === 'interrupt') {
          isWanted = false;
          const place = new DomainView(pd, debug).placeOf(vaddr);
          if (place === undefined) throw new Error(`${region} is not mapped`);
          debug.conditions.watch({ kind, vaddr, bytes, place });
          return { kind: 'continue' };
        }
        hits.push(`${cause.kind} ${who ?? 'nobody'}: ${text ?? ''}`);
        return { kind: 'continue' };
      },
    },
  });
  debug.trace.turn('on');
  debug.conditions.catch('irq', '1');
  debug.begin();
  const { testbed, link, received } = echoTestbed({
    more: {
      debugger: debug.makeEngine,
      onCreate: debug.onCreate,
      instrument: debug.instrument(undefined),
      onBoot: (kernel) => debug.booted(kernel),
    },
  });
  testbed.runUntilQuiet();
  isWanted = true;
  debug.look();
  const frame = udpFrame({ ...CLIENT0, targetPort: 7, payload: payload(100, 3) });
  link.send(frame, 0, frame.length);
  testbed.runUntilQuiet();
  const buffers = describeBuffers(debug, system);
  return { hits, answered: received().length, buffers, caught, debug, vaddr };
}

it('stops when a program in TypeScript has written, and says which', () => {
  const tail = { offset: NetQueueHeader.tail.offset, bytes: 2, kind: 'write' } as const;
  // The client fills this queue; it is watched as the virtualiser at the other end sees it.
  const region = 'net_virt_tx_client0_tx_active';
  const { hits, answered, buffers } = watch({ pd: 'net_virt_tx', region, ...tail });

  expect(hits).toEqual(['watch client0: written by client0']);
  expect(answered).toBe(1);
  // At rest: the device has what it may receive into, the others wait to be used.
  expect(buffers.slice(4, 7)).toEqual([
    'ethernet_driver_rx_data: 512 buffers',
    '    256 in ethernet_driver_net_virt_rx_rx_free, for ethernet_driver: 0, 257-511',
    '    256 in no queue: with the device, or in hand: 1-256',
  ]);
});

it('stops when a device has written by DMA', () => {
  const region = 'ethernet_driver_rx_data';
  const { hits, answered } = watch({
    pd: 'net_virt_rx',
    region,
    offset: 0,
    bytes: 2048,
    kind: 'write',
  });

  expect(hits).toEqual(['watch nobody: written by a device']);
  expect(answered).toBe(1);
});

it.each(['write', 'access', 'read'] as const)('watches a register of a device: %s', (kind) => {
  const register = { offset: QUEUE_NOTIFY, bytes: 4, kind };
  const { hits, answered } = watch({ pd: 'ethernet_driver', region: 'virtio_net', ...register });

  expect(hits).toEqual(kind === 'read' ? [] : ['watch ethernet_driver: ethernet_driver: write']);
  expect(answered).toBe(1);
});

it('shows registers without a read, stops at interrupts, and says what has happened', () => {
  const at = { pd: 'ethernet_driver', region: 'virtio_net', offset: 0, bytes: 4 } as const;
  const { debug, vaddr, hits, caught } = watch({ ...at, kind: 'read' });
  const read = new DomainView('ethernet_driver', debug).look(vaddr, 20);
  const magicVersionNet = Uint8Array.of(0x76, 0x69, 0x72, 0x74, 2, 0, 0, 0, 1, 0, 0, 0);

  expect(read.subarray(0, 12)).toEqual(magicVersionNet);
  // Behind the features is one that is only written.
  expect(read).toHaveLength(20);
  expect(new DomainView('ethernet_driver', debug).look(vaddr + QUEUE_NOTIFY, 4)).toHaveLength(0);
  const address = (offset: number): string => `0x${(vaddr + offset).toString(16)}`;
  expect(peek(debug, 'ethernet_driver', [address(8)])).toEqual(['virtio_net+0x8: 0x1']);
  expect(peek(debug, 'ethernet_driver', [address(QUEUE_NOTIFY)])[0]).toContain('no register');
  expect(peek(debug, 'client0', [address(8)])[0]).toContain('client0 has no device there');
  expect(debug.whyNotBack).toBeUndefined();
  expect(readRegister(debug, 'ethernet_driver', [address(8)])).toEqual(['virtio_net+0x8: 0x1']);
  expect(debug.whyNotBack).toContain('a register of a device was read by hand');
  expect(hits).toEqual([]);

  expect(new Set(caught)).toEqual(new Set(['interrupt 1']));
  const told = debug.trace.lines(1000).join('\n');
  expect(told).toContain('interrupt 1 of ethernet_driver is raised');
  expect(told).toContain('ethernet_driver is woken by irq 1');
});

it.each([
  // The client fills this queue; it is watched as the virtualiser at the other end sees it.
  ['net_virt_tx', 'net_virt_tx_client0_tx_active', 'written by client0'],
  ['net_virt_rx', 'ethernet_driver_rx_data', 'written by a device'],
] as const)('goes back to who has written what %s sees of %s', (pd, region, who) => {
  const system = described(echo.build(completeChoices(echo, {})));
  const maps = flatten(system).find((each) => each.pd.name === pd)?.pd.maps;
  // Of a queue, its tail; of buffers, what the frame begins with.
  const vaddr =
    Number(maps?.find((map) => map.region === region)?.vaddr) + NetQueueHeader.tail.offset;
  const stops: string[] = [];
  const debug = new Debugger({
    system,
    machineCode: [],
    begins: 'running',
    front: {
      wantsStop: () => false,
      stopped: ({ cause, text }) => {
        stops.push(`${cause.kind}: ${text}`);
        if (stops.length > 1) return { kind: 'continue' };
        const place = new DomainView(pd, debug).placeOf(vaddr);
        if (place === undefined) throw new Error(`${region} is not mapped`);
        debug.conditions.watch({ kind: 'write', vaddr, bytes: 2, place });
        return { kind: 'back' };
      },
    },
  });
  let runs = 0;
  const run = (): void => {
    runs += 1;
    debug.begin();
    const { testbed, link } = echoTestbed({
      more: {
        debugger: debug.makeEngine,
        onCreate: debug.onCreate,
        instrument: debug.instrument(undefined),
        onBoot: (kernel) => debug.booted(kernel),
      },
    });
    testbed.runUntilQuiet();
    const frame = udpFrame({ ...CLIENT0, targetPort: 7, payload: payload(100, 3) });
    link.send(frame, 0, frame.length);
    testbed.runUntilQuiet();
    if (stops.length < 2) debug.ended('over');
  };
  while (stops.length < 2) {
    try {
      run();
    } catch (error) {
      if (!(error instanceof Rewound)) throw error;
    }
  }

  // Before the write, and on the way forward behind it.
  expect(stops).toEqual(['end: over', `watch: ${who}`, `watch: ${who}`]);
  expect(runs).toBeLessThan(5);
});
