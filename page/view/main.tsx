/** Where the page starts: what its address asks for, and the engine that does it. */

import { render } from 'preact';
import { fromFragment, type Shared } from '../share/link.ts';
import { App } from './app.tsx';
import './page.css';
import { Store } from './store.ts';

const TOKEN = /^#live=([\w-]{16,100})$/;

/** What the address asks for; or why that cannot be read. */
function asked(): { readonly shared: Shared | undefined; readonly problem: string | undefined } {
  try {
    return { shared: fromFragment(location.hash), problem: undefined };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { shared: undefined, problem };
  }
}

function start(root: HTMLElement): void {
  const token = TOKEN.exec(location.hash)?.[1];
  const { shared, problem } = token === undefined ? asked() : { shared: undefined, problem: '' };
  const live = token === undefined ? undefined : `ws://${location.host}/live?token=${token}`;
  const store = new Store(shared?.scenario, shared?.mode ?? 'whole', live);
  render(<App store={store} />, root);
  if (live === undefined) store.load(store.state.scenario, shared?.moment);
  if (problem !== undefined && problem !== '') store.tellProblem(problem);
}

const root = document.getElementById('app');
if (root !== null) start(root);
// Another link in the same tab is another run.
addEventListener('hashchange', () => location.reload());
