/** Virtual time: play, pause, a slider, and steps forwards and backwards. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { STEP_UNITS, type StepUnit } from '../engine/scenario.ts';
import { SPEEDS } from '../share/opening.ts';
import { useNow } from './draw-now.ts';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';
import { digits, timeText } from './words.ts';

/** What the slider reaches at first. */
const FIRST_RANGE_NS = 10_000_000;

const UNIT_HELP: Readonly<Record<StepUnit, string>> = {
  entry: 'kernel entry: a program makes a system call',
  event: 'event: a device raises its interrupt',
  packet: 'packet: the NIC takes a frame from the wire',
};

export function Timeline({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const { playing, speed } = state;
  const toggle = (): void => (playing ? store.ask({ kind: 'pause' }) : store.play(speed));
  return (
    <section aria-labelledby="time-title" class="timeline">
      <h2 id="time-title">Virtual time</h2>
      <Help text="[Virtual time|virtual time] stands still until you play or step: by [kernel entry|kernel entry], by interrupt, or by packet. Going back is running again." />
      <p class="clock">
        <Clock store={store} />
        <UnderWay state={state} />
      </p>
      <div class="row">
        <button type="button" id="play" class="main" onClick={toggle}>
          {playing ? 'Pause' : 'Play'}
        </button>
        <label>
          Speed{' '}
          <select
            value={speed}
            onChange={(event) => store.setSpeed(Number(event.currentTarget.value))}
          >
            {SPEEDS.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        {STEP_UNITS.map((unit) => (
          <span key={unit} class="steps" title={UNIT_HELP[unit]}>
            <StepButton store={store} unit={unit} by={-1} />
            <span>
              {unit} <Count store={store} unit={unit} />
            </span>
            <StepButton store={store} unit={unit} by={1} />
          </span>
        ))}
      </div>
      <Slider store={store} state={state} />
      {state.isLedHere ? (
        <p class="help" id="led-here">
          The link leads to this moment; “Play” goes on from it.
        </p>
      ) : null}
    </section>
  );
}

function Clock({ store }: { store: Store }): JSX.Element {
  return <output id="time">{timeText(useNow(store)?.timeNs ?? 0)}</output>;
}

function Count({ store, unit }: { store: Store; unit: StepUnit }): JSX.Element {
  return <output id={`count-${unit}`}>{digits(useNow(store)?.counts[unit] ?? 0)}</output>;
}

function UnderWay({ state: { view, playing } }: { state: PageState }): JSX.Element | null {
  if (view?.stands !== 'middle' || playing) return null;
  return (
    <span class="middle">
      in the middle of {view.underWay?.pd ?? 'a device'} {view.underWay?.call ?? ''}
    </span>
  );
}

/** It stays where somebody has drawn it until he lets go, also while time passes. */
function Slider({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const [drawnTo, draw] = useState<number>();
  const nowNs = useNow(store)?.timeNs ?? 0;
  const endNs = Math.max(nowNs, state.seenNs, FIRST_RANGE_NS);
  return (
    <input
      type="range"
      id="slider"
      aria-label="Moment of the run, in microseconds"
      min={0}
      max={Math.ceil(endNs / 1000)}
      step={1}
      value={drawnTo ?? Math.round(nowNs / 1000)}
      onInput={(event) => draw(Number(event.currentTarget.value))}
      onBlur={() => draw(undefined)}
      onChange={(event) => {
        draw(undefined);
        const timeNs = Number(event.currentTarget.value) * 1000;
        store.ask({ kind: 'seek', moment: { kind: 'time', timeNs } });
      }}
    />
  );
}

function StepButton(props: { store: Store; unit: StepUnit; by: 1 | -1 }): JSX.Element {
  const { store, unit, by } = props;
  const way = by === 1 ? 'forwards' : 'backwards';
  return (
    <button
      type="button"
      id={`${unit}-${way}`}
      aria-label={`One ${unit} ${way}`}
      onClick={() => store.ask({ kind: 'step', unit, by })}
    >
      {by === 1 ? '▶' : '◀'}
    </button>
  );
}
