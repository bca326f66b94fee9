/** The whole page: what it shows in which view. */

import type { JSX } from 'preact';
import { Chooser } from './chooser.tsx';
import { Consoles } from './consoles.tsx';
import { Counters, Domains, Queues } from './counters.tsx';
import { Faults } from './faults.tsx';
import { Graph } from './graph.tsx';
import { Capabilities, Disk, Log } from './inside.tsx';
import { Network } from './network.tsx';
import { Path } from './path.tsx';
import { Plot } from './plot.tsx';
import { Share } from './share.tsx';
import { type Store, useStore } from './store.ts';
import { Timeline } from './timeline.tsx';

export function App({ store }: { store: Store }): JSX.Element {
  const state = useStore(store);
  const { mode, info, problem, dropped } = state;
  const canDo = (ability: 'time' | 'faults' | 'frames'): boolean =>
    info?.abilities.includes(ability) === true;
  return (
    <main class={mode}>
      <header>
        <h1>sDDF testbed{store.isLive ? `: ${info?.name ?? ''}, live` : ''}</h1>
        {mode === 'whole' && !store.isLive ? <Chooser store={store} state={state} /> : null}
        <p class="help">{info?.summary}</p>
        <p role="alert" id="problem">
          {problem}
        </p>
        {dropped > 0 ? (
          <p id="dropped">{dropped} frames were not shown: this page is slow</p>
        ) : null}
      </header>
      {canDo('time') ? <Timeline store={store} state={state} /> : null}
      <div class="columns">
        <Graph store={store} state={state} />
        <div class="side">
          <Counters state={state} />
          <Queues state={state} />
        </div>
      </div>
      {mode === 'embed' ? null : (
        <div class="cards">
          <Plot state={state} />
          <Domains state={state} />
          {store.isLive ? null : <Capabilities state={state} />}
          {canDo('frames') ? <Network store={store} state={state} /> : null}
          {canDo('faults') ? <Faults store={store} state={state} /> : null}
          <Disk store={store} state={state} />
          <Log state={state} />
          {canDo('time') ? <Share store={store} state={state} /> : null}
          <Consoles store={store} state={state} />
          {canDo('time') ? <Path store={store} state={state} /> : null}
        </div>
      )}
    </main>
  );
}
