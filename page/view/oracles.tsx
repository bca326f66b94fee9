/** What must hold, whether it does, and what happened as a story. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Judgement } from '../engine/judgement.ts';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';
import { SEED_MAX, seedOf, timeText } from './words.ts';

const VERDICTS: Readonly<Record<Judgement['verdict'], string>> = {
  passed: 'Everything held.',
  failed: 'Something broke.',
  void: 'Nothing is shown: a planned fault never struck, or nobody asks this system anything.',
};

export function Oracles({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const { judged, scenario, mode } = state;
  return (
    <section aria-labelledby="oracles-title" class={judged === undefined ? '' : 'wide'}>
      <h2 id="oracles-title">Oracles</h2>
      <Help text="An [oracle|oracle] says what must hold. Test traffic asks questions whose answers are known; at the end of the [world|world] all oracles are asked." />
      {judged === undefined ? null : <Verdict store={store} {...judged} />}
      {mode !== 'whole' || store.isLive ? null : (
        <div class="row">
          {scenario.net === 'test' ? null : (
            <button
              type="button"
              id="judge"
              onClick={() => store.load({ ...scenario, net: 'test', inputs: [] })}
            >
              Judge this system, seed and plan
            </button>
          )}
          <HuntForm store={store} state={state} />
        </div>
      )}
    </section>
  );
}

function Verdict({
  store,
  judgement,
  isSame,
}: {
  store: Store;
  judgement: Judgement;
  isSame: boolean | undefined;
}): JSX.Element {
  const { verdict, story, oracles } = judgement;
  return (
    <>
      <p id="verdict" class={`verdict ${verdict}`}>
        {VERDICTS[verdict]}
        {isSame === undefined
          ? ''
          : isSame
            ? ' The same as then, byte for byte.'
            : ' It is not as it was then.'}
      </p>
      {story.length === 0 ? null : (
        <>
          <h3>What happened</h3>
          <ol class="story" id="story">
            {story.map(({ timeNs, text }, index) => (
              <li key={index}>
                <button
                  type="button"
                  class="moment"
                  title="Go to this moment"
                  onClick={() => store.ask({ kind: 'seek', moment: { kind: 'time', timeNs } })}
                >
                  {timeText(timeNs)}
                </button>
                <span>{text}</span>
              </li>
            ))}
          </ol>
        </>
      )}
      <h3>What must hold</h3>
      <ul class="oracles" id="oracles">
        {oracles.map(({ name, holds, broken }) => (
          <li key={name} class={broken.length === 0 ? '' : 'broken'}>
            <b>{broken.length === 0 ? 'holds' : 'broken'}</b>
            <span>
              <code>{name}</code> {holds}
              {broken.map(({ text, timeNs }, index) => (
                <p key={index}>
                  {timeText(timeNs)}: {text}
                </p>
              ))}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

const COUNT_MAX = 100_000;

function HuntForm({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const [from, setFrom] = useState(1);
  const [count, setCount] = useState(100);
  const isGoing = state.campaign?.isOver === false;
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        store.ask(isGoing ? { kind: 'stop hunt' } : { kind: 'hunt', from, count });
      }}
    >
      <label>
        Seeds from{' '}
        <input
          id="hunt-from"
          type="number"
          min={0}
          max={SEED_MAX}
          value={from}
          onInput={(event) => setFrom(seedOf(event.currentTarget.value))}
        />
      </label>
      <label>
        Worlds{' '}
        <input
          id="hunt-count"
          type="number"
          min={1}
          max={COUNT_MAX}
          value={count}
          onInput={(event) =>
            setCount(Math.min(COUNT_MAX, Math.max(1, seedOf(event.currentTarget.value))))
          }
        />
      </label>
      <button id="hunt">{isGoing ? 'Stop the campaign' : 'Run a campaign'}</button>
    </form>
  );
}
