/** Where the page starts: what its address asks for, and the engine that does it. */

import { render } from 'preact';
import { thrownText } from '../../memory/thrown-text.ts';
import { FIRST_SCENARIO } from '../engine/scenario.ts';
import { fromFragment, type Shared } from '../share/link.ts';
import { App } from './app.tsx';
import { openGuide } from './guide.tsx';
import './page.css';
import { Store } from './store.ts';

/** A link that somebody writes by hand. */
const GUIDE = /^#guide=([\w-]{1,40})$/;
const TOKEN = /^#live=([\w-]{16,100})$/;

/** What the address asks for; or why that cannot be read. */
function asked(): { readonly shared?: Shared | undefined; readonly problem?: string } {
  try {
    return { shared: fromFragment(location.hash) };
  } catch (error) {
    return { problem: thrownText(error) };
  }
}

function start(root: HTMLElement): void {
  const token = TOKEN.exec(location.hash)?.[1];
  const guide = GUIDE.exec(location.hash)?.[1];
  const isLink = token === undefined && guide === undefined;
  const { shared, problem = '' } = isLink ? asked() : {};
  const live = token === undefined ? undefined : `ws://${location.host}/live?token=${token}`;
  const store = new Store(shared?.mode ?? 'whole', live);
  render(<App store={store} />, root);
  if (shared !== undefined) store.open(shared);
  else if (live === undefined) store.load(FIRST_SCENARIO);
  if (problem !== '') store.tellProblem(problem);
  if (guide !== undefined) void openGuide(store, guide);
}

const root = document.getElementById('app');
if (root !== null) start(root);
// Another link in the same tab is another run.
addEventListener('hashchange', () => location.reload());
