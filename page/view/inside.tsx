/** What one looks into: a domain's capabilities, and what programs have printed. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import { timeText } from './words.ts';

export function Capabilities({ state }: { state: PageState }): JSX.Element | null {
  const { capabilities } = state;
  const heading = useRef<HTMLHeadingElement>(null);
  // Whoever chose it by the keyboard goes on from here.
  useEffect(() => heading.current?.focus(), [capabilities?.pd]);
  if (capabilities === undefined) return null;
  return (
    <section aria-labelledby="capabilities-title">
      <h2 id="capabilities-title" ref={heading} tabIndex={-1}>
        Capabilities of {capabilities.pd}
      </h2>
      <Help text="The [capabilities|capability] that a [domain|protection domain] holds are all that it can do." />
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
    </section>
  );
}

export function Log({ state }: { state: PageState }): JSX.Element {
  return (
    <section aria-labelledby="log-title">
      <h2 id="log-title">What programs print</h2>
      <Help text="Lines of [domains|protection domain] and of the [monitor|monitor], with the time at which each was printed." />
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
