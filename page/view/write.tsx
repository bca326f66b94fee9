/**
 * Programs and system as text. The editor and its TypeScript are larger than all the rest of the
 * page: they are loaded when somebody wants to write, or has files of his own to show.
 */

import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { thrownText } from '../../memory/thrown-text.ts';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';

type Panel = ComponentType<{ readonly store: Store; readonly state: PageState }>;

export function Write({ store, state }: { store: Store; state: PageState }): JSX.Element {
  const [panel, setPanel] = useState<{ readonly Panel: Panel } | undefined>(undefined);
  const [isWanted, want] = useState(false);
  const hasOwn = state.scenario.own !== undefined;
  useEffect(() => {
    if (!isWanted && !hasOwn) return;
    import('./write/panel.tsx').then(
      ({ WritePanel }) => setPanel({ Panel: WritePanel }),
      (error: unknown) => store.tellProblem(`the editor cannot be loaded: ${thrownText(error)}`),
    );
  }, [isWanted, hasOwn, store]);
  return (
    <section aria-labelledby="write-title" class="wide write">
      <h2 id="write-title">Write</h2>
      {panel === undefined ? (
        <>
          <p class="help">
            Change a driver, a virtualiser, a client or the system itself, and run it at once.
          </p>
          <button type="button" id="edit" disabled={isWanted} onClick={() => want(true)}>
            {isWanted || hasOwn ? 'The editor is being loaded …' : 'Edit programs'}
          </button>
        </>
      ) : (
        <panel.Panel store={store} state={state} />
      )}
    </section>
  );
}
