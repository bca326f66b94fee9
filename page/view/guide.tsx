/** Guided examples: one is chosen, and its steps are ticked off when the engine shows them. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { thrownText } from '../../memory/thrown-text.ts';
import type { Seen, Step } from '../guides/guide.ts';
import { GUIDE_NAMES, GUIDE_TITLES } from '../guides/names.ts';
import { Help } from './help.tsx';
import type { ChosenGuide, PageState } from './page-state.ts';
import type { Store } from './store.ts';

/** More of a console no step looks at. */
const CONSOLE_MAX = 20_000;

export function GuideChoice({ store, state }: { store: Store; state: PageState }): JSX.Element {
  return (
    <label>
      Guided example{' '}
      <select
        id="guide"
        value={state.guide?.name ?? ''}
        onChange={(event) => void openGuide(store, event.currentTarget.value)}
      >
        <option value="">none</option>
        {GUIDE_NAMES.map((name) => (
          <option key={name} value={name}>
            {GUIDE_TITLES[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** @param asked a name; '' ends the one that there is */
export async function openGuide(store: Store, asked: string): Promise<void> {
  if (asked === '') {
    store.guide(undefined);
    return;
  }
  const name = GUIDE_NAMES.find((each) => each === asked);
  if (name === undefined) {
    const names = GUIDE_NAMES.join(', ');
    store.tellProblem(`there is no guided example '${asked}'; there are ${names}`);
    return;
  }
  try {
    const { ALL_GUIDES } = await import('../guides/guides.ts');
    const guide = ALL_GUIDES[name];
    store.guide({ ...guide, name });
    store.load(guide.scenario);
  } catch (error) {
    store.tellProblem(`the guided example cannot be loaded: ${thrownText(error)}`);
  }
}

export function Guide({ store, state }: { store: Store; state: PageState }): JSX.Element | null {
  const { guide } = state;
  return guide === undefined ? null : (
    <Steps key={guide.name} guide={guide} store={store} state={state} />
  );
}

function Steps(props: { guide: ChosenGuide; store: Store; state: PageState }): JSX.Element {
  const { guide, store, state } = props;
  const [done, setDone] = useState(0);
  const console = useConsole(store);
  const current = guide.steps[done];
  useEffect(() => {
    if (state.view === undefined) return;
    const seen: Seen = { ...state, console: console.current };
    if (current?.isDone(seen) === true) setDone(done + 1);
  }, [state, current, done, console]);
  return (
    <section aria-labelledby="guide-title" class="guide">
      <h2 id="guide-title">{GUIDE_TITLES[guide.name]}</h2>
      <Help text={guide.about} />
      <ol class="steps-list">
        {guide.steps.map((step, index) => (
          <StepItem
            key={step.say}
            step={step}
            store={store}
            state={state}
            when={index < done ? 'done' : index === done ? 'now' : 'later'}
          />
        ))}
      </ol>
      {current === undefined ? (
        <p id="guide-done" role="status">
          <b>All steps are done.</b> What you have now is a run as any other: go on with it, or hand
          it on as a link.
        </p>
      ) : null}
    </section>
  );
}

function StepItem(props: {
  step: Step;
  store: Store;
  state: PageState;
  when: 'done' | 'now' | 'later';
}): JSX.Element {
  const { step, store, state, when } = props;
  const own = state.draft ?? state.scenario.own;
  const { edit } = step;
  return (
    <li class={when} {...(when === 'now' ? { 'aria-current': 'step' } : {})}>
      <Help text={step.say} />
      {when === 'now' && edit !== undefined && own !== undefined ? (
        <button
          type="button"
          class="write-for-me"
          onClick={() => {
            store.edit(edit(own));
            store.runOwn();
          }}
        >
          Write and run it for me
        </button>
      ) : null}
      {when === 'done' ? (
        <div class="seen">
          <Help text={`✓ ${step.shows}`} />
        </div>
      ) : null}
    </li>
  );
}

/** What UARTs have sent, as text. */
function useConsole(store: Store): { readonly current: string } {
  const text = useRef('');
  useEffect(() => {
    const decoder = new TextDecoder();
    return store.onConsole((_, bytes) => {
      if (bytes === 'clear') text.current = '';
      else text.current = `${text.current}${decoder.decode(bytes)}`.slice(-CONSOLE_MAX);
    });
  }, [store]);
  return text;
}
