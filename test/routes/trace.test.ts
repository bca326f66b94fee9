/**
 * The trace of the echo system: valid for Perfetto (Trace Event Format, "JSON Object Format"), the
 * same each time, and with an arrow for every signal from whoever sent it to whoever woke up.
 */

import { describe, expect, it } from 'vitest';
import type { EchoConfig } from '../../clients/echo/echo.ts';
import type { Program } from '../../microkit/pd.ts';
import { perfettoTrace } from '../../systems/trace/perfetto.ts';
import { runStatistics } from '../../systems/trace/statistics.ts';
import { echoTestbed } from '../support/echo-testbed.ts';
import { type RecordedEcho, recordedEcho } from '../support/recorded-echo.ts';
import { CLIENT0, payload, udpFrame } from '../support/udp-frames.ts';

interface TraceEvent {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly name: string;
  readonly id?: number;
  readonly bp?: string;
  readonly s?: string;
  readonly args?: Readonly<Record<string, string | number>>;
}

interface Trace {
  readonly displayTimeUnit: string;
  readonly otherData: Readonly<Record<string, string | number>>;
  readonly traceEvents: readonly TraceEvent[];
}

const DOMAINS = 1;
const KERNEL = 2;
const INTERRUPTS = 3;
const QUEUES = 4;

function sendFrames({ testbed, link }: RecordedEcho, frames: number): void {
  testbed.runUntilQuiet();
  for (let number = 0; number < frames; number += 1) {
    const frame = udpFrame({ ...CLIENT0, targetPort: 1235, payload: payload(100, number) });
    link.send(frame, 0, frame.length);
    testbed.runUntilQuiet();
  }
}

function traceText({ recording }: RecordedEcho): string {
  const about = { system: 'echo' };
  return [...perfettoTrace({ recorder: recording.recorder, clock: 'virtual', about })].join('');
}

function traceOf(frames: number, events?: number): Trace {
  const echo = recordedEcho(events === undefined ? {} : { events });
  sendFrames(echo, frames);
  return JSON.parse(traceText(echo)) as Trace;
}

const isNumber = (value: unknown): boolean => typeof value === 'number' && value >= 0;

/**
 * What Perfetto's importer requires of an event.
 * @returns what is wrong with it, if something is
 */
function fault(event: TraceEvent): string | undefined {
  if (!isNumber(event.pid) || !isNumber(event.tid)) return 'no track';
  if (typeof event.name !== 'string' || event.name === '') return 'no name';
  if (event.ph === 'M') return event.args === undefined ? 'metadata without arguments' : undefined;
  if (!isNumber(event.ts)) return 'no time';
  switch (event.ph) {
    case 'X':
      return isNumber(event.dur) ? undefined : 'no duration';
    case 'C':
      return isNumber(event.args?.['entries']) ? undefined : 'no value';
    case 'i':
      return event.s === 't' ? undefined : 'no scope';
    case 's':
      return isNumber(event.id) ? undefined : 'no id';
    case 'f':
      return isNumber(event.id) && event.bp === 'e' ? undefined : 'no id or binding';
    default:
      return `phase '${event.ph}'`;
  }
}

/** Nanoseconds: exact, where microseconds are not. */
function ns(microseconds: number): number {
  return Math.round(microseconds * 1000);
}

describe('the trace of the echo system', () => {
  it('is what Perfetto reads', () => {
    const { displayTimeUnit, otherData, traceEvents } = traceOf(3);

    expect(displayTimeUnit).toBe('ns');
    expect(otherData).toMatchObject({
      schema: 1,
      clock: 'virtual',
      system: 'echo',
      eventsDropped: 0,
    });
    expect(traceEvents.length).toBeGreaterThan(200);
    expect(traceEvents.map(fault).filter((found) => found !== undefined)).toEqual([]);
  });

  it('names every track, and every event is on a named one', () => {
    const { traceEvents } = traceOf(1);
    const named = (what: string) =>
      traceEvents
        .filter(({ ph, name }) => ph === 'M' && name === what)
        .map(({ pid, tid, args }) => ({ pid, tid, name: args?.['name'] }));

    const threads = named('thread_name');
    expect(threads.filter(({ pid }) => pid === DOMAINS).map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'ethernet_driver',
        'net_virt_rx',
        'net_virt_tx',
        'client0',
        'client0_net_copier',
        'monitor',
      ]),
    );
    expect(named('process_name').map(({ name }) => name)).toEqual([
      'protection domains',
      'kernel',
      'interrupts',
      'queues',
    ]);
    const tracks = new Set(threads.map(({ pid, tid }) => `${pid}/${tid}`));
    const unnamed = traceEvents.filter(
      ({ ph, pid, tid }) => ph !== 'M' && pid !== QUEUES && !tracks.has(`${pid}/${tid}`),
    );
    expect(unnamed).toEqual([]);
  });

  it('has slices that lie one after the other on each track, and one domain at a time', () => {
    const { traceEvents } = traceOf(3);
    const slices = traceEvents.filter(({ ph }) => ph === 'X');
    const overlaps = (track: readonly TraceEvent[]): readonly TraceEvent[] => {
      const sorted = track.toSorted((a, b) => a.ts - b.ts || a.dur - b.dur);
      return sorted.filter((slice, index) => {
        const before = sorted[index - 1];
        return before !== undefined && ns(before.ts) + ns(before.dur) > ns(slice.ts);
      });
    };

    // All domains together: there is one processor.
    expect(overlaps(slices.filter(({ pid }) => pid === DOMAINS))).toEqual([]);
    expect(overlaps(slices.filter(({ pid }) => pid === KERNEL))).toEqual([]);
    expect(overlaps(slices.filter(({ pid }) => pid === INTERRUPTS))).toEqual([]);
  });

  it('has an arrow for each signal of a packet, from a slice of its sender to the beginning of the wake-up', () => {
    const echo = recordedEcho();
    sendFrames(echo, 1);
    const { traceEvents } = JSON.parse(traceText(echo)) as Trace;
    const names = new Map(
      traceEvents
        .filter(({ name }) => name === 'thread_name')
        .map(({ pid, tid, args }) => [`${pid}/${tid}`, args?.['name']]),
    );
    const nameOf = ({ pid, tid }: TraceEvent) => names.get(`${pid}/${tid}`);
    const slices = traceEvents.filter(({ ph, pid }) => ph === 'X' && pid !== KERNEL);
    const begins = traceEvents.filter(({ ph }) => ph === 's');
    const ends = traceEvents.filter(({ ph }) => ph === 'f');

    expect(ends.map(({ id }) => id)).toEqual(begins.map(({ id }) => id));
    expect(new Set(begins.map(({ id }) => id)).size).toBe(begins.length);
    begins.forEach((from, index) => {
      const to = ends[index] as TraceEvent;
      expect(to.ts).toBeGreaterThanOrEqual(from.ts);
      const on = ({ pid, tid }: TraceEvent) =>
        slices.filter((each) => each.pid === pid && each.tid === tid);
      expect(
        on(from).some(({ ts, dur }) => ns(ts) <= ns(from.ts) && ns(from.ts) <= ns(ts) + ns(dur)),
      ).toBe(true);
      expect(on(to).some(({ ts }) => ts === to.ts)).toBe(true);
    });
    const firstNs = traceEvents
      .filter(({ name }) => name === 'pending')
      .map(({ ts }) => ns(ts))[0] as number;
    const arrows = begins.map((from, index) => [
      nameOf(from),
      nameOf(ends[index] as TraceEvent),
      from.ts,
    ]);
    // Those of test/routes/packet.test.ts, and the interrupts.
    expect(
      arrows.filter(([, , ts]) => ns(ts as number) >= firstNs).map(([from, to]) => [from, to]),
    ).toEqual([
      ['irq 1', 'ethernet_driver'],
      ['ethernet_driver', 'net_virt_rx'],
      ['net_virt_rx', 'client0_net_copier'],
      ['client0_net_copier', 'net_virt_rx'],
      ['client0_net_copier', 'client0'],
      ['client0', 'net_virt_tx'],
      ['net_virt_tx', 'ethernet_driver'],
      ['irq 1', 'ethernet_driver'],
      ['ethernet_driver', 'net_virt_tx'],
    ]);
  });

  it('counts the queues up and down: what goes in comes out', () => {
    const { traceEvents } = traceOf(2);
    const depths = traceEvents
      .filter(({ ph, name }) => ph === 'C' && name === 'client0_net_copier_client0_rx_active')
      .map(({ args }) => args?.['entries']);

    expect(depths).toEqual([1, 0, 1, 0]);
  });

  it('counts the chains that the NIC has: full of empty buffers, and each frame once', () => {
    const chains = (queue: string, frames: number) =>
      traceOf(frames)
        .traceEvents.filter(
          ({ ph, name }) => ph === 'C' && name === `virtio_net ${queue} virtqueue`,
        )
        .map(({ args }) => args?.['entries']);

    // The driver looks at it when it waits: it has given a frame to the device, and then the device
    // has sent it.
    expect(chains('transmit', 2)).toEqual([1, 0, 1, 0]);
    // Queues of empty buffers are looked at now and then; the driver has given a new one for each
    // frame by then.
    const empty = chains('receive', 20);
    expect(empty.length).toBeGreaterThan(0);
    expect(empty.every((count) => Number(count) === 256)).toBe(true);
  });

  it('is the same twice, byte for byte', () => {
    const once = recordedEcho();
    const again = recordedEcho();
    for (const echo of [once, again]) sendFrames(echo, 3);

    expect(traceText(once)).toBe(traceText(again));
  });

  it('changes nothing of the run', () => {
    const recorded = recordedEcho();
    sendFrames(recorded, 3);
    const alone = { ...echoTestbed(), recording: recorded.recording };
    sendFrames(alone, 3);

    expect(recorded.testbed.counters()).toEqual(alone.testbed.counters());
  });

  it('keeps the newest events in a small ring, counts the others, and is still valid', () => {
    const { otherData, traceEvents } = traceOf(40, 256);

    expect(otherData['eventsRecorded']).toBe(256);
    expect(otherData['eventsDropped']).toBeGreaterThan(1000);
    expect(traceEvents.map(fault).filter((found) => found !== undefined)).toEqual([]);
    const ids = (phase: string) => traceEvents.filter(({ ph }) => ph === phase).map(({ id }) => id);
    expect(ids('s')).toEqual(ids('f'));
    expect(ids('s').length).toBeGreaterThan(10);
  });
});

describe('the statistics of a recording', () => {
  it('are those derived by hand for three packets one after the other', () => {
    const echo = recordedEcho();
    echo.testbed.runUntilQuiet();
    const atRest = runStatistics(echo.recording.recorder, echo.testbed.counters());
    sendFrames(echo, 3);
    echo.recording.recorder.complete();
    const counters = echo.testbed.counters();
    const { domains, queues, devices } = runStatistics(echo.recording.recorder, counters);

    const queue = queues.find(({ name }) => name === 'client0_net_copier_client0_rx_active');
    expect(queue).toMatchObject({ capacity: 512, depthMax: 1, batches: [3] });
    expect(queue?.depthMean).toBeGreaterThan(0);
    expect(queue?.depthMean).toBeLessThan(1);
    const client = domains.find(({ name }) => name === 'client0');
    expect(client).toMatchObject({ wakeUps: 3, wastedWakeUps: 0 });
    // Each packet: two interrupts (their reason read and acknowledged), and one doorbell.
    const nic = (from: typeof devices) => from.find(({ name }) => name === 'virtio_net');
    expect((nic(devices)?.reads ?? 0) - (nic(atRest.devices)?.reads ?? 0)).toBe(3 * 2);
    expect((nic(devices)?.writes ?? 0) - (nic(atRest.devices)?.writes ?? 0)).toBe(3 * 3);
  });

  it('have batches of queues that are looked at each time, and none of empty buffers', () => {
    const echo = recordedEcho();
    sendFrames(echo, 40);
    echo.recording.recorder.complete();
    const { queues } = runStatistics(echo.recording.recorder, echo.testbed.counters());
    const batchesOf = (queue: string) => queues.find(({ name }) => name === queue)?.batches;

    expect(batchesOf('client0_net_copier_client0_rx_active')).toEqual([40]);
    expect(batchesOf('virtio_net transmit virtqueue')).toEqual([40]);
    expect(batchesOf('client0_net_copier_client0_rx_free')).toEqual([]);
    expect(batchesOf('virtio_net receive virtqueue')).toEqual([]);
  });

  it('count a wake-up without work as wasted', () => {
    const idler: Program<EchoConfig> = (pd) => {
      pd.notify(pd.config.net.tx.channel); // there is nothing in the queue
      return { notified: () => undefined };
    };
    const wasted = ({ testbed, recording }: RecordedEcho): number | undefined => {
      testbed.runUntilQuiet();
      const { domains } = runStatistics(recording.recorder, testbed.counters());
      return domains.find(({ name }) => name === 'net_virt_tx')?.wastedWakeUps;
    };

    expect(wasted(recordedEcho())).toBe(0);
    expect(wasted(recordedEcho({ replace: { client0: idler as Program } }))).toBe(1);
  });
});
