/** Hands the run on: a link, a line for a shell, a recording for Perfetto. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { thrownText } from '../../memory/thrown-text.ts';
import type { Scenario } from '../engine/scenario.ts';
import { commandLine } from '../share/command-line.ts';
import { checkedFragment, type LinkMode, LinkProblem, ROOM } from '../share/link.ts';
import { momentToShare } from '../share/opening.ts';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';

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
      const { fragment, lacks } = linkOf(state, scenario, mode);
      setLink(`${location.href.replace(/[#?].*$/, '')}#${fragment}`);
      if (lacks !== '') store.tellProblem(lacks);
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
    <section aria-labelledby="share-title" class="wide">
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

/**
 * @returns the link, and what it had no room for, in a line
 * @throws LinkProblem
 */
function linkOf(
  { view, playing, speed, binaries }: PageState,
  scenario: Scenario,
  mode: LinkMode,
): { readonly fragment: string; readonly lacks: string } {
  const passing = playing ? { speed } : {};
  const shared = { scenario, mode, ...momentToShare(view), ...passing };
  const images = Object.keys(binaries);
  if (scenario.own === undefined || images.length === 0) {
    return { fragment: checkedFragment(shared), lacks: '' };
  }
  try {
    return { fragment: checkedFragment({ ...shared, binaries }), lacks: '' };
  } catch (error) {
    if (!(error instanceof LinkProblem)) throw error;
    return { fragment: checkedFragment(shared), lacks: lacksImages(images) };
  }
}

function lacksImages(images: readonly string[]): string {
  return `the link has no room for ${images.join(', ')} (${ROOM}): whoever opens it drops them onto the page`;
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  URL.revokeObjectURL(url);
}
