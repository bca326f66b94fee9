/** One packet, hop by hop, as `sddf path` prints it. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';
import { digits } from './words.ts';

export function Path({ store, state }: { store: Store; state: PageState }): JSX.Element | null {
  const [packet, setPacket] = useState(1);
  const { path, info } = state;
  if (info === undefined || info.guests.length === 0) return null;
  const startNs = path?.hops[0]?.doneNs ?? 0;
  return (
    <section aria-labelledby="path-title" class="wide">
      <h2 id="path-title">One packet</h2>
      <Help text="A frame from [wire|wire] to wire: each [domain|protection domain] that it passes, the bytes that were copied there, and the [notification|notification] that told the next one." />
      <div class="row">
        <label>
          Packet{' '}
          <input
            type="number"
            min={1}
            value={packet}
            onInput={(event) => setPacket(Math.max(1, Number(event.currentTarget.value)))}
          />
        </label>
        <button type="button" id="follow" onClick={() => store.ask({ kind: 'path', packet })}>
          Follow it
        </button>
        {path === undefined ? null : <span id="outcome">{path.outcome}</span>}
      </div>
      {path === undefined ? null : (
        <div class="scrolls" tabIndex={0} role="group" aria-label="Hops of the packet">
          <table id="path">
            <thead>
              <tr>
                <th scope="col">µs</th>
                <th scope="col">Where</th>
                <th scope="col">What</th>
                <th scope="col">Bytes copied</th>
                <th scope="col">Put into</th>
                <th scope="col">Told by</th>
              </tr>
            </thead>
            <tbody>
              {(path?.hops ?? []).map((hop, index) => (
                <tr key={index}>
                  <td class="number">{((hop.doneNs - startNs) / 1000).toFixed(3)}</td>
                  <th scope="row">{hop.at}</th>
                  <td>{hop.what}</td>
                  <td class="number">{digits(hop.bytesCopied)}</td>
                  <td>{hop.into}</td>
                  <td>{hop.by}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
