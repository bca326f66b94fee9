/** Hands the run on: a link, a line for a shell, a recording for Perfetto. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { thrownText } from '../../memory/thrown-text.ts';
import type { Moment } from '../engine/scenario.ts';
import { commandLine } from '../share/command-line.ts';
import { checkedFragment, type LinkMode, toFragment } from '../share/link.ts';
import { Help } from './help.tsx';
import type { PageState, Store } from './store.ts';

export function Share({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const [link, setLink] = useState('');
  const { view } = state;
  // What is written goes along, run or not.
  const own = state.draft ?? state.scenario.own;
  const scenario = { ...state.scenario, ...(own === undefined ? {} : { own }) };
  const forNs = (view?.timeNs ?? 0) - (view?.bootNs ?? 0);
  const hasImages = Object.keys(state.binaries).length > 0;
  const line =
    state.info === undefined
      ? undefined
      : commandLine(scenario, forNs, state.info, hasImages ? 'there' : 'written');
  const make = (mode: LinkMode): void => {
    try {
      const fragment = checkedFragment({ scenario, moment: momentOf(state), mode });
      setLink(`${location.href.replace(/[#?].*$/, '')}#${fragment}`);
    } catch (error) {
      store.tellProblem(thrownText(error));
    }
  };
  const record = (): void => {
    store.onceRecorded((json) =>
      download(`${state.info?.name ?? scenario.system}-trace.json`, json),
    );
    store.ask({ kind: 'trace' });
  };
  return (
    <section aria-labelledby="share-title">
      <h2 id="share-title">Hand on</h2>
      <Help text="A link has the system, its options, the [seed|seed], the [plan of faults|fault plan], what you did, and this moment. Nothing is sent anywhere." />
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
      <SameAtHome line={line} />
    </section>
  );
}

function SameAtHome({ line }: { line: string | undefined }): JSX.Element {
  return (
    <>
      <h3>The same on your machine</h3>
      {line === undefined ? (
        <p class="help">
          No options of the command say what you did by hand, that only you are at the cable, or in
          which order things happened.
        </p>
      ) : (
        <pre id="command" tabIndex={0}>
          {line}
        </pre>
      )}
    </>
  );
}

/** A live run shows itself as it is now: who wants to go back does so in the page's own engine. */
export function GoingBack({ state }: { state: PageState }): JSX.Element {
  const { scenario, view, info } = state;
  const moment = { kind: 'time', timeNs: view?.timeNs ?? 0 } as const;
  const isSame = info?.abilities.includes('again') === true;
  return (
    <section aria-labelledby="back-title">
      <h2 id="back-title">Going back</h2>
      {isSame ? (
        <p class="help">
          A live run only goes on.{' '}
          <a
            id="again"
            href={`#${toFragment({ scenario, moment, mode: 'whole' })}`}
            target="_blank"
            rel="noopener"
          >
            Run it again here, up to this moment
          </a>
          , and go back and forth in it: it depends on nothing but its options.
        </p>
      ) : (
        <p class="help" id="no-way-back">
          A live run cannot go back: what comes from outside, or by a clock on the wall, would not
          come again.
        </p>
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
