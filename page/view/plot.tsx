/** Throughput and round trip over virtual time, and how full queues were. */

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { Help } from './help.tsx';
import { useSeen } from './seen.ts';
import type { PageState, Sample } from './page-state.ts';

const HEIGHT = 160;
const AXIS = '#808080';
const GRID = '#80808040';

/** A line of a chart, with an axis of its own. */
interface Line {
  readonly label: string;
  readonly colour: string;
}

const TRAFFIC: readonly Line[] = [
  { label: 'packets/ms', colour: '#1a73e8' },
  { label: 'round trip, µs', colour: '#d93025' },
];
const DEPTH: readonly Line[] = [{ label: 'entries', colour: '#188038' }];
/** In the place of one queue's name. */
const ALL = '';

export function Plot({ state }: { state: PageState }): JSX.Element {
  const [chosen, choose] = useState(ALL);
  const { samples, view, playing } = state;
  const names = (view?.queues ?? []).map(({ name }) => name);
  const at = names.indexOf(chosen);
  const traffic = useMemo(() => trafficOf(samples), [samples]);
  const depths = useMemo(() => depthsOf(samples, at), [samples, at]);
  return (
    <section aria-labelledby="plot-title">
      <h2 id="plot-title">Over time</h2>
      <Help text="Packets that went all the way, their round trip, and entries in queues, over [virtual time|virtual time] in ms." />
      {(state.info?.nics ?? 1) > 0 ? (
        <Chart lines={TRAFFIC} data={traffic} about="Packets and round trip" isMoving={playing} />
      ) : null}
      <label>
        Queue{' '}
        <select
          id="plot-queue"
          value={at < 0 ? ALL : chosen}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          <option value={ALL}>all that carry something</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Chart lines={DEPTH} data={depths} about="Entries in queues" isMoving={playing} />
    </section>
  );
}

function Chart(props: {
  lines: readonly Line[];
  data: uPlot.AlignedData;
  about: string;
  /** Time passes: what nobody sees then is not drawn. */
  isMoving: boolean;
}): JSX.Element {
  const { lines, data, about, isMoving } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  useEffect(() => {
    const box = place.current;
    if (box === null) return undefined;
    const empty: uPlot.AlignedData = [[], ...lines.map((): number[] => [])];
    const made = new uPlot(optionsFor(lines, box.clientWidth), empty, box);
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: box.clientWidth, height: HEIGHT }),
    );
    observer.observe(box);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [lines]);
  const isSeen = useSeen(place);
  const isDrawn = isSeen || !isMoving;
  useEffect(() => (isDrawn ? plot.current?.setData(data) : undefined), [data, isDrawn]);
  return <div ref={place} class="plot" role="img" aria-label={`${about} over virtual time`} />;
}

function optionsFor(lines: readonly Line[], width: number): uPlot.Options {
  const axis = { stroke: AXIS, grid: { stroke: GRID } };
  return {
    width,
    height: HEIGHT,
    legend: { live: false },
    scales: { x: { time: false } },
    axes: [
      axis,
      ...lines.map(({ label }, side) => ({ ...axis, scale: label, side: side === 0 ? 3 : 1 })),
    ],
    series: [{}, ...lines.map(({ label, colour }) => ({ label, stroke: colour, scale: label }))],
  };
}

function trafficOf(samples: readonly Sample[]): uPlot.AlignedData {
  const rate = samples.map(({ packets, timeNs }, at) => {
    const before = samples[at - 1];
    if (before === undefined || timeNs === before.timeNs) return null;
    return ((packets - before.packets) / (timeNs - before.timeNs)) * 1e6;
  });
  return [timesOf(samples), rate, samples.map(({ roundTripNs }) => roundTripNs / 1e3)];
}

/** @param queue its number; -1: those that carry something, together */
function depthsOf(samples: readonly Sample[], queue: number): uPlot.AlignedData {
  const depths = samples.map((sample) =>
    queue < 0 ? sample.queued : (sample.depths[queue] ?? null),
  );
  return [timesOf(samples), depths];
}

function timesOf(samples: readonly Sample[]): number[] {
  return samples.map(({ timeNs }) => timeNs / 1e6);
}
