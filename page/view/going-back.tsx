/**
 * A live run shows itself as it is now, and only goes on: who wants to go back does so in the
 * page's own engine, which runs it again where it depends on nothing but its options.
 */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { toFragment } from '../share/link.ts';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import { timeText } from './words.ts';

export function GoingBack({ state }: { state: PageState }): JSX.Element {
  const { info } = state;
  return (
    <section aria-labelledby="back-title">
      <h2 id="back-title">Going back</h2>
      {info?.abilities.includes('again') === true ? (
        <Again state={state} />
      ) : (
        <p class="help" id="no-way-back">
          This live run only goes on, and cannot go back: {info?.whyNotBack}.
        </p>
      )}
    </section>
  );
}

/** To the moment that is shown, unless one before it is chosen. */
function Again({ state: { scenario, view } }: { state: PageState }): JSX.Element {
  const [chosenNs, choose] = useState<number | undefined>(undefined);
  const nowNs = view?.timeNs ?? 0;
  const timeNs = chosenNs ?? nowNs;
  const fragment = toFragment({ scenario, moment: { kind: 'time', timeNs }, mode: 'whole' });
  return (
    <>
      <Help text="This live run only goes on. It depends on nothing but its options: run again it is the same, and there [time|virtual time] goes back and forth." />
      <input
        type="range"
        id="back-to"
        aria-label="Moment to go back to, in microseconds"
        min={0}
        max={Math.ceil(nowNs / 1000)}
        value={Math.round(timeNs / 1000)}
        onInput={(event) => choose(Number(event.currentTarget.value) * 1000)}
      />
      <p>
        <a id="again" href={`#${fragment}`} target="_blank" rel="noopener">
          Run it again here, up to {timeText(timeNs)}
        </a>
      </p>
    </>
  );
}
