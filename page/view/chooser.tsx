/** Which system runs, with which options and seed, and who is at its cable. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { FIRST_SCENARIO, type Scenario } from '../engine/scenario.ts';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';
import { SEED_MAX, seedOf } from './words.ts';

/** No system is called so. */
const OWN = './';

type Change = (changes: Partial<Scenario>) => void;

export function Chooser({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const { scenario, info } = state;
  const change: Change = (changes): void =>
    store.load({ ...scenario, plan: '', inputs: [], ...changes });
  return (
    <form class="row chooser" onSubmit={(event) => event.preventDefault()}>
      <label>
        System{' '}
        <select
          id="system"
          value={scenario.own === undefined ? scenario.system : OWN}
          onChange={(event) => store.load({ ...FIRST_SCENARIO, system: event.currentTarget.value })}
        >
          {scenario.own === undefined ? null : <option value={OWN}>{scenario.own.main}</option>}
          {(info?.systems ?? []).map(({ name, summary }) => (
            <option key={name} value={name} title={summary}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <SeedField seed={scenario.seed} change={change} />
      <label>
        Traffic{' '}
        <select
          id="cable"
          value={scenario.net}
          onChange={(event) => change({ net: netOf(event.currentTarget.value) })}
        >
          <option value="loop">traffic generator</option>
          <option value="hand">only you</option>
          <option value="test">test traffic, with oracles</option>
        </select>
      </label>
      <Options state={state} change={change} />
    </form>
  );
}

/** What is being typed is kept: while time passes, all this is drawn anew many times a second. */
function SeedField({ seed, change }: { seed: number; change: Change }): JSX.Element {
  const [typed, setTyped] = useState<string>();
  return (
    <label>
      Seed{' '}
      <input
        id="seed"
        type="number"
        min={0}
        max={SEED_MAX}
        value={typed ?? seed}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onBlur={() => setTyped(undefined)}
        onChange={(event) => {
          setTyped(undefined);
          change({ seed: seedOf(event.currentTarget.value) });
        }}
      />
    </label>
  );
}

function netOf(chosen: string): Scenario['net'] {
  return chosen === 'hand' || chosen === 'test' ? chosen : 'loop';
}

function Options({ state, change }: { state: PageState; change: Change }): JSX.Element {
  const { scenario, info } = state;
  const options = info?.options ?? [];
  if (options.length === 0) return <></>;
  const made = Object.entries(scenario.choices).map(([name, choice]) => `${name} ${choice}`);
  return (
    <details class="options">
      <summary>
        {options.length} options{made.length === 0 ? '' : `: ${made.join(', ')}`}
      </summary>
      <div class="row">
        {options.map(({ name, help, choices, value }) => (
          <label key={name} title={help}>
            {name}{' '}
            <select
              value={value}
              onChange={(event) =>
                change({ choices: { ...scenario.choices, [name]: event.currentTarget.value } })
              }
            >
              {choices.map((choice) => (
                <option key={choice} value={choice}>
                  {choice}
                </option>
              ))}
            </select>
          </label>
        ))}
      </div>
    </details>
  );
}
