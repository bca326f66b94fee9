/** What one looks into: a domain's capabilities, a disk's blocks, what programs have printed. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageState, Store } from './store.ts';
import { hexText, timeText } from './words.ts';

const ROW_BYTES = 16;

export function Capabilities({ state }: { state: PageState }): JSX.Element {
  const { capabilities } = state;
  return (
    <section aria-labelledby="capabilities-title">
      <h2 id="capabilities-title">Capabilities {capabilities?.pd ?? ''}</h2>
      {capabilities === undefined ? (
        <p class="help">Choose a domain in the picture: what it holds is all that it can do.</p>
      ) : (
        <div class="scrolls" tabIndex={0} role="group" aria-label="Capabilities of the domain">
          <table id="capabilities">
            <thead>
              <tr>
                <th scope="col">Slot</th>
                <th scope="col">Type</th>
                <th scope="col">Object</th>
                <th scope="col">Rights</th>
                <th scope="col">Badge</th>
              </tr>
            </thead>
            <tbody>
              {capabilities.rows.map(({ slot, type, object, rights, badge }) => (
                <tr key={slot}>
                  <td class="number">{slot}</td>
                  <td>{type}</td>
                  <td>{object}</td>
                  <td>{rights}</td>
                  <td class="number">{badge}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

export function Disk({ store, state }: { store: Store; state: PageState }): JSX.Element | null {
  const [block, setBlock] = useState(0);
  const disks = state.info?.disks ?? 0;
  if (disks === 0) return null;
  const bytes = state.blocks?.bytes ?? new Uint8Array();
  const rows = Array.from({ length: bytes.length / ROW_BYTES }, (_, row) =>
    bytes.subarray(row * ROW_BYTES, (row + 1) * ROW_BYTES),
  );
  return (
    <section aria-labelledby="disk-title">
      <h2 id="disk-title">Disk</h2>
      <div class="row">
        <label>
          Block of 512 bytes{' '}
          <input
            type="number"
            min={0}
            value={block}
            onInput={(event) => setBlock(Math.max(0, Number(event.currentTarget.value)))}
          />
        </label>
        <button
          type="button"
          id="read-block"
          onClick={() => store.ask({ kind: 'blocks', disk: 0, block })}
        >
          Look
        </button>
      </div>
      <pre id="block" tabIndex={0}>
        {rows.map((row) => `${hexText(row)}  ${plain(row)}`).join('\n')}
      </pre>
    </section>
  );
}

function plain(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
  ).join('');
}

export function Log({ state }: { state: PageState }): JSX.Element {
  return (
    <section aria-labelledby="log-title">
      <h2 id="log-title">What programs print</h2>
      <ol class="frames" id="log" tabIndex={0}>
        {state.log.map(({ pd, line, timeNs }, index) => (
          <li key={index}>
            {timeText(timeNs)} <b>{pd}</b>: {line}
          </li>
        ))}
      </ol>
    </section>
  );
}
