/** What can go wrong, as buttons; what has; and what is wrong now, in sentences. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { FaultKind, PointKind } from '../../sim/points/point.ts';
import type { Rule } from '../../sim/plan/plan.ts';
import { rulesOf } from '../engine/scenario-plan.ts';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';
import { timeText } from './words.ts';

const STRIKES_SHOWN = 20;

export function Faults({ store, state }: { store: Store; state: PageState }): JSX.Element | null {
  const points = state.info?.points ?? [];
  const [chosen, choose] = useState('');
  const point = points.find(({ name }) => name === chosen) ?? points[0];
  if (point === undefined) return null;
  const { view, mode, scenario } = state;
  return (
    <section aria-labelledby="faults-title">
      <h2 id="faults-title">Break</h2>
      <Help
        text={`A [fault|fault plan] strikes once, at the next opportunity from this moment on. The [seed|seed] is ${scenario.seed}.`}
      />
      <label>
        Place{' '}
        <select
          id="point"
          value={point.name}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {points.map(({ name, what }) => (
            <option key={name} value={name}>
              {name}: {what}
            </option>
          ))}
        </select>
      </label>
      <div class="buttons">
        {point.faults.map((fault) => (
          <button
            type="button"
            key={fault.name}
            title={fault.what}
            disabled={mode !== 'whole'}
            data-fault={fault.name}
            onClick={() =>
              store.ask({ kind: 'break', rule: ruleFor(point, fault, view?.timeNs ?? 0) })
            }
          >
            {fault.name}
          </button>
        ))}
      </div>
      <p class="help">
        Faults in the plan: <output id="planned">{rulesOf(scenario, points).length}</output>
      </p>
      <Struck state={state} />
    </section>
  );
}

function Struck({ state: { view } }: { state: PageState }): JSX.Element {
  return (
    <>
      <h3>What has struck</h3>
      {(view?.strikes ?? []).length === 0 ? <p class="help">Nothing so far.</p> : null}
      <ol class="frames" id="strikes">
        {(view?.strikes ?? []).slice(-STRIKES_SHOWN).map(({ at, fault, timeNs }, index) => (
          <li key={index}>
            {timeText(timeNs)} {at}: {fault}
          </li>
        ))}
      </ol>
      <h3>What is wrong now</h3>
      {(view?.findings ?? []).length === 0 ? <p class="help">Nothing that can be seen.</p> : null}
      <ul class="frames" id="findings">
        {(view?.findings ?? []).map((finding) => (
          <li key={finding}>{finding}</li>
        ))}
      </ul>
    </>
  );
}

function ruleFor({ name }: PointKind, fault: FaultKind, nowNs: number): Rule {
  const when = fault.trigger === 'moment' ? { timeNs: nowNs } : { fromNs: nowNs };
  const once = fault.trigger === 'moment' ? {} : { times: 1 };
  return { at: name, fault: fault.name, when, for: once, parameters: {}, optional: 'yes' };
}
