/** The trace as a timeline: who had the processor, and what devices did, up to what is shown. */

import type { JSX, TargetedMouseEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { every } from '../clock.ts';
import { MARKS_SHOWN, type TimelineView } from '../engine/timeline.ts';
import { Help } from './help.tsx';
import { useSeen } from './seen.ts';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';
import { timeText } from './words.ts';

const WINDOWS = [
  [20_000, '20 µs'],
  [100_000, '100 µs'],
  [1_000_000, '1 ms'],
  [10_000_000, '10 ms'],
] as const;
const FIRST_WINDOW_NS = 1_000_000;
/** While time passes it is drawn so often. */
const REFRESH_MS = 250;
const WIDTH = 1000;
const NAME_WIDTH = 170;
const LANE = 18;
/** Below this nothing is seen. */
const BAR_WIDTH_MIN = 1.5;

export function Trace({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const [lastNs, setLastNs] = useState<number>(FIRST_WINDOW_NS);
  const { playing, view, timeline } = state;
  const place = useRef<HTMLElement>(null);
  const isMoving = useSeen(place) && playing;
  const restsAt = playing ? undefined : view;
  useEffect(() => {
    if (restsAt !== undefined) store.ask({ kind: 'timeline', lastNs });
  }, [store, restsAt, lastNs]);
  useEffect(() => {
    if (!isMoving) return undefined;
    const timer = every(REFRESH_MS, () => store.ask({ kind: 'timeline', lastNs }));
    return () => timer.cancel();
  }, [store, isMoving, lastNs]);
  return (
    <section aria-labelledby="trace-title" class="wide" ref={place}>
      <h2 id="trace-title">Who runs when</h2>
      <Help text="A bar is a stretch of [virtual time|virtual time] in which a [domain|protection domain] has the processor; a mark is an interrupt or a frame. Choose a moment by a click, or with the slider above." />
      <label>
        The last{' '}
        <select
          id="trace-window"
          value={lastNs}
          onChange={(event) => setLastNs(Number(event.currentTarget.value))}
        >
          {WINDOWS.map(([ns, text]) => (
            <option key={ns} value={ns}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {timeline === undefined ? null : <Lanes store={store} timeline={timeline} />}
    </section>
  );
}

function Lanes({ store, timeline }: { store: Store; timeline: TimelineView }): JSX.Element {
  const { fromNs, toNs, spans } = timeline;
  const lanes = lanesOf(timeline);
  const seek = (event: TargetedMouseEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * WIDTH;
    if (at < NAME_WIDTH) return;
    const timeNs = fromNs + ((at - NAME_WIDTH) / (WIDTH - NAME_WIDTH)) * (toNs - fromNs);
    store.ask({ kind: 'seek', moment: { kind: 'time', timeNs: Math.max(0, Math.round(timeNs)) } });
  };
  return (
    <figure class="trace">
      <svg
        id="trace-lanes"
        viewBox={`0 0 ${WIDTH} ${(lanes.length + 1) * LANE}`}
        role="img"
        aria-label={`Processor and devices from ${timeText(fromNs)} to ${timeText(toNs)}`}
        onClick={seek}
      >
        {lanes.map(({ name, kind, bars }, index) => (
          <g key={name} class={`lane ${kind}`} transform={`translate(0 ${index * LANE})`}>
            <text y={0.75 * LANE}>{name}</text>
            <line x1={NAME_WIDTH} x2={WIDTH} y1={LANE} y2={LANE} />
            <path d={bars} />
          </g>
        ))}
        <text class="axis" x={NAME_WIDTH} y={(lanes.length + 0.8) * LANE}>
          {timeText(fromNs)}
        </text>
        <text class="axis end" x={WIDTH} y={(lanes.length + 0.8) * LANE}>
          {timeText(toNs)}
        </text>
      </svg>
      {spans.length === 0 ? <figcaption>Nobody runs here.</figcaption> : null}
    </figure>
  );
}

interface Lane {
  readonly name: string;
  readonly kind: 'domain' | 'marks';
  /** All of its bars, as one outline: there may be thousands. */
  readonly bars: string;
}

/** One for each domain that runs, and for each kind of mark that is there. */
function lanesOf({ fromNs, toNs, pds, spans, marks }: TimelineView): readonly Lane[] {
  const x = (ns: number): number =>
    NAME_WIDTH + ((Math.max(ns, fromNs) - fromNs) / (toNs - fromNs)) * (WIDTH - NAME_WIDTH);
  const bar = (from: number, to: number): string => {
    const width = Math.max(BAR_WIDTH_MIN, x(to) - x(from));
    return `M${x(from).toFixed(2)} 3h${width.toFixed(2)}v${LANE - 6}h-${width.toFixed(2)}z`;
  };
  const domains = pds.map((name, pd): Lane => {
    const own = spans.filter((span) => span.pd === pd);
    return { name, kind: 'domain', bars: own.map((each) => bar(each.fromNs, each.toNs)).join('') };
  });
  const devices = MARKS_SHOWN.map((name): Lane => {
    const own = marks.filter(({ kind }) => kind === name);
    return { name, kind: 'marks', bars: own.map(({ atNs }) => bar(atNs, atNs)).join('') };
  });
  return [...domains, ...devices].filter(({ bars }) => bars !== '');
}
