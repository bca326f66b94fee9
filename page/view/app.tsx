/** The whole page: what it shows in which view. */

import type { JSX } from 'preact';
import type { Ability } from '../engine/protocol.ts';
import { Brought } from './brought.tsx';
import { Campaign } from './campaign.tsx';
import { Chooser } from './chooser.tsx';
import { Consoles } from './consoles.tsx';
import { Counters, Domains, Queues } from './counters.tsx';
import { Faults } from './faults.tsx';
import { GoingBack } from './going-back.tsx';
import { Graph } from './graph.tsx';
import { Help } from './help.tsx';
import { Guide, GuideChoice } from './guide.tsx';
import { Disk } from './disk.tsx';
import { Drop } from './drop.tsx';
import { Capabilities, Log } from './inside.tsx';
import { Network } from './network.tsx';
import { Oracles } from './oracles.tsx';
import { Path } from './path.tsx';
import { Plot } from './plot.tsx';
import { Share } from './share.tsx';
import type { PageState } from './page-state.ts';
import { type Store, useStore } from './store.ts';
import { Timeline } from './timeline.tsx';
import { Trace } from './trace.tsx';
import { Write } from './write.tsx';

const ABOUT =
  'Drivers, [virtualisers|virtualiser] and clients of sDDF, on the semantics of seL4, run in this page: look at them, send them something, break them, change them. Nothing leaves the page.';

export function App({ store }: { store: Store }): JSX.Element {
  const state = useStore(store);
  const { mode, info, problem, dropped, brought } = state;
  const canDo = (ability: Ability): boolean => info?.abilities.includes(ability) === true;
  return (
    <main class={mode}>
      <header>
        <h1 tabIndex={-1}>sDDF testbed{store.isLive ? `: ${liveName(state)}` : ''}</h1>
        {mode === 'whole' && !store.isLive ? <Help text={ABOUT} /> : null}
        {mode === 'whole' && !store.isLive && brought === undefined ? (
          <>
            <Chooser store={store} state={state} />
            <div class="row">
              <GuideChoice store={store} state={state} />
              <Drop store={store} />
            </div>
          </>
        ) : null}
        {info === undefined || info.summary === '' ? null : (
          <p class="summary">
            <b>{info.name}</b>: {info.summary}
          </p>
        )}
        <p role="alert" id="problem">
          {problem}
        </p>
        {dropped > 0 ? (
          <p id="dropped">{dropped} frames were not shown: this page is slow</p>
        ) : null}
      </header>
      {brought === undefined ? null : <Brought store={store} shared={brought} />}
      {mode === 'whole' ? <Guide store={store} state={state} /> : null}
      {mode === 'embed' ? null : <Campaign store={store} state={state} />}
      {info === undefined ? null : <Run store={store} state={state} canDo={canDo} />}
    </main>
  );
}

function liveName({ info, campaign }: PageState): string {
  if (campaign !== undefined) return `campaign of ${campaign.system}`;
  const isLooked = info?.abilities.includes('time') === true;
  return `${info?.name ?? ''}, ${isLooked ? 'a failure' : 'live'}`;
}

/** One run, from all sides. */
function Run({ store, state, canDo }: RunProps): JSX.Element {
  const { mode } = state;
  return (
    <>
      {canDo('time') ? <Timeline store={store} state={state} /> : null}
      <div class="columns">
        <div class="side">
          <Graph store={store} state={state} />
          {canDo('time') && mode !== 'embed' ? <Capabilities state={state} /> : null}
        </div>
        <div class="side">
          <Counters state={state} />
          <Queues state={state} />
        </div>
      </div>
      {mode === 'embed' ? null : (
        <div class="cards">
          {store.isLive ? null : <Write store={store} state={state} />}
          {canDo('oracles') ? <Oracles store={store} state={state} /> : null}
          {canDo('time') ? <Trace store={store} state={state} /> : null}
          <Plot state={state} />
          <Domains state={state} />
          {canDo('frames') ? <Network store={store} state={state} /> : null}
          {canDo('faults') ? <Faults store={store} state={state} /> : null}
          {canDo('time') && !canDo('oracles') ? <Oracles store={store} state={state} /> : null}
          <Disk store={store} state={state} />
          <Log state={state} />
          {canDo('time') ? null : <GoingBack state={state} />}
          {canDo('links') ? <Share store={store} state={state} /> : null}
          <Consoles store={store} state={state} />
          {canDo('time') ? <Path store={store} state={state} /> : null}
        </div>
      )}
    </>
  );
}

interface RunProps {
  readonly store: Store;
  readonly state: PageState;
  readonly canDo: (ability: Ability) => boolean;
}
