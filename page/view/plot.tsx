/** Throughput, round trip and queue depth over virtual time. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { Help } from './help.tsx';
import type { PageState, Sample } from './store.ts';

const HEIGHT = 180;
const COLOURS = ['#1a73e8', '#d93025', '#188038'] as const;
const AXIS = '#808080';

export function Plot({ state }: { state: PageState }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  useEffect(() => {
    const box = place.current;
    if (box === null) return undefined;
    const made = new uPlot(optionsFor(box.clientWidth), [[], [], [], []], box);
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: box.clientWidth, height: HEIGHT }),
    );
    observer.observe(box);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(seriesOf(state.samples)), [state.samples]);
  return (
    <section aria-labelledby="plot-title">
      <h2 id="plot-title">Over time</h2>
      <Help text="Packets that went all the way, their round trip, and entries in all [active queues|active queue], over [virtual time|virtual time]." />
      <div
        ref={place}
        class="plot"
        role="img"
        aria-label="Packets, round trip and queued entries over virtual time"
      />
    </section>
  );
}

function optionsFor(width: number): uPlot.Options {
  const axis = { stroke: AXIS, grid: { stroke: '#80808040' } };
  return {
    width,
    height: HEIGHT,
    legend: { live: false },
    scales: { x: { time: false }, packets: {}, us: {}, queued: {} },
    axes: [axis, { ...axis, scale: 'packets' }, { ...axis, scale: 'us', side: 1 }],
    series: [
      { label: 'ms' },
      { label: 'packets/ms', stroke: COLOURS[0], scale: 'packets' },
      { label: 'round trip, µs', stroke: COLOURS[1], scale: 'us' },
      { label: 'queued', stroke: COLOURS[2], scale: 'queued' },
    ],
  };
}

function seriesOf(samples: readonly Sample[]): uPlot.AlignedData {
  const rate = samples.map(({ packets, timeNs }, at) => {
    const before = samples[at - 1];
    if (before === undefined || timeNs === before.timeNs) return null;
    return ((packets - before.packets) / (timeNs - before.timeNs)) * 1e6;
  });
  return [
    samples.map(({ timeNs }) => timeNs / 1e6),
    rate,
    samples.map(({ roundTripNs }) => roundTripNs / 1e3),
    samples.map(({ queued }) => queued),
  ];
}
