/** Hands the run on: a link, a line for a shell, a recording for Perfetto. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Moment } from '../engine/scenario.ts';
import { commandLine } from '../share/command-line.ts';
import { type LinkMode, toFragment } from '../share/link.ts';
import type { PageState, Store } from './store.ts';

export function Share({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const [link, setLink] = useState('');
  const { scenario, view } = state;
  const forNs = (view?.timeNs ?? 0) - (view?.bootNs ?? 0);
  const line = state.info === undefined ? undefined : commandLine(scenario, forNs, state.info);
  const make = (mode: LinkMode): void => {
    const fragment = toFragment({ scenario, moment: momentOf(state), mode });
    setLink(`${location.href.replace(/[#?].*$/, '')}#${fragment}`);
  };
  const record = (): void => {
    store.onceRecorded((json) => download(`${scenario.system}-trace.json`, json));
    store.ask({ kind: 'trace' });
  };
  return (
    <section aria-labelledby="share-title">
      <h2 id="share-title">Hand on</h2>
      <p class="help">
        A link has the system, its options, the seed, the plan of faults, what you did, and this
        moment. Nothing is sent anywhere.
      </p>
      <div class="row">
        <button type="button" id="share" onClick={() => make('whole')}>
          Link
        </button>
        <button type="button" id="share-look" onClick={() => make('look')}>
          Link to look at
        </button>
        <button type="button" id="share-embed" onClick={() => make('embed')}>
          Link to embed
        </button>
        <button type="button" id="trace" onClick={record}>
          Trace for Perfetto
        </button>
      </div>
      <input id="link" aria-label="The link" readOnly value={link} />
      <h3>The same on your machine</h3>
      {line === undefined ? (
        <p class="help">
          No options of the command say what you did by hand, that only you are at the cable, or how
          several NICs are plugged in here.
        </p>
      ) : (
        <pre id="command" tabIndex={0}>
          {line}
        </pre>
      )}
    </section>
  );
}

function momentOf({ view }: PageState): Moment {
  if (view === undefined) return { kind: 'time', timeNs: 0 };
  if (view.stands === 'rest') return { kind: 'time', timeNs: view.timeNs };
  return { kind: 'entry', count: Math.max(1, view.counts.entry) };
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(url);
}
