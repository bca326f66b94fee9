/** A campaign: how far it is, what failed, and each failure to be opened. */

import type { JSX } from 'preact';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';
import { digits } from './words.ts';

const NAMES_MAX = 12;

export function Campaign({ store, state }: { store: Store; state: PageState }): JSX.Element | null {
  const { campaign } = state;
  if (campaign === undefined) return null;
  const { system, worlds, total, failed, strikes, kinds, neverStruck, isOver } = campaign;
  const isStopped = isOver && worlds < total;
  return (
    <section aria-labelledby="campaign-title" class="campaign">
      <h2 id="campaign-title">Campaign of {system}</h2>
      <Help text="A [campaign|campaign] runs many [worlds|world], each with its own seed and [plan of faults|fault plan], and asks the [oracles|oracle] at the end of each." />
      <progress max={total} value={worlds} aria-label="Worlds that are over" />
      <p id="campaign-state">
        {digits(worlds)} of {digits(total)} worlds
        {isOver ? (isStopped ? ', stopped' : ', over') : ''};{' '}
        {failed === 0 ? 'none failed' : `${digits(failed)} failed`}
        {campaign.void === 0 ? '' : `; ${digits(campaign.void)} prove nothing`}; {digits(strikes)}{' '}
        faults struck, of {digits(kinds - neverStruck.length)} of {digits(kinds)} kinds
      </p>
      <div class="campaign-parts">
        <FailedBy state={state} />
        <Failures store={store} state={state} />
      </div>
      {isOver && neverStruck.length > 0 ? (
        <p class="help">
          Never struck: {neverStruck.slice(0, NAMES_MAX).join(', ')}
          {neverStruck.length > NAMES_MAX ? ` and ${neverStruck.length - NAMES_MAX} more` : ''}
        </p>
      ) : null}
    </section>
  );
}

function FailedBy({ state: { campaign } }: { state: PageState }): JSX.Element | null {
  const failedBy = campaign?.failedBy ?? [];
  if (failedBy.length === 0) return null;
  return (
    <table id="failed-by">
      <caption>Failed worlds by the oracle that spoke first</caption>
      <tbody>
        {failedBy.map(({ oracle, count }) => (
          <tr key={oracle}>
            <th scope="row">{oracle}</th>
            <td class="number">{digits(count)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Failures({ store, state }: { store: Store; state: PageState }): JSX.Element | null {
  const failures = state.campaign?.failures ?? [];
  if (failures.length === 0) return null;
  return (
    <ol class="failures" id="failures" aria-label="Ways to fail">
      {failures.map(({ signature, seed, count }) => (
        <li key={signature}>
          <button type="button" data-seed={seed} onClick={() => store.ask({ kind: 'open', seed })}>
            Open seed {seed}
          </button>
          <span>
            {count === 1 ? '' : `${digits(count)} × `}
            {signature}
          </span>
        </li>
      ))}
    </ol>
  );
}
