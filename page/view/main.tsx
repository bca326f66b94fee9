/** Where the page starts: what its address asks for, and the engine that does it. */

import { render } from 'preact';
import { fromFragment, type Shared } from '../share/link.ts';
import { App } from './app.tsx';
import { openGuide } from './guide.tsx';
import './page.css';
import { Store } from './store.ts';

/** A link that somebody writes by hand. */
const GUIDE = /^#guide=([\w-]{1,40})$/;
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
  const guide = GUIDE.exec(location.hash)?.[1];
  const isLink = token === undefined && guide === undefined;
  const { shared, problem } = isLink ? asked() : { shared: undefined, problem: '' };
  const live = token === undefined ? undefined : `ws://${location.host}/live?token=${token}`;
  const store = new Store(shared?.scenario, shared?.mode ?? 'whole', live);
  render(<App store={store} />, root);
  if (live === undefined) store.load(store.state.scenario, shared?.moment);
  if (problem !== undefined && problem !== '') store.tellProblem(problem);
  if (guide !== undefined) void openGuide(store, guide);
}

const root = document.getElementById('app');
if (root !== null) start(root);
// Another link in the same tab is another run.
addEventListener('hashchange', () => location.reload());
