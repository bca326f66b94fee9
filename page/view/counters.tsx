/** What was counted: work for each packet, queues as bars, domains. */

import type { JSX } from 'preact';
import { Help } from './help.tsx';
import type { WorldView } from '../engine/world-view.ts';
import type { PageState } from './page-state.ts';
import { digits, timeText } from './words.ts';

const OF_PACKETS =
  "Work since boot, divided by packets: [kernel entries|kernel entry] and [notifications|notification] are what a driver's speed is made of, and only the [copier|copier] and a client copy.";
const OF_ALL =
  'Work since power-on: [kernel entries|kernel entry], [notifications|notification], and the bytes that programs copied.';

export function Counters({ state }: { state: PageState }): JSX.Element {
  const { view } = state;
  if (view === undefined) return <section />;
  const hasNic = (state.info?.nics ?? 1) > 0;
  const rows = hasNic ? packetRows(view) : totalRows(view);
  return (
    <section aria-labelledby="counters-title">
      <h2 id="counters-title">Counters</h2>
      <Help text={hasNic ? OF_PACKETS : OF_ALL} />
      <table>
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="number">{value}</td>
            </tr>
          ))}
        </tbody>
        {hasNic ? <OfPacket view={view} /> : null}
      </table>
    </section>
  );
}

type Row = readonly [name: string, value: string];

function packetRows(view: WorldView): readonly Row[] {
  return [
    ['Packets that went all the way', digits(view.packets)],
    ['Round trip, median', view.roundTripNs === 0 ? '–' : timeText(view.roundTripNs)],
  ];
}

function OfPacket({ view: { perPacket: work } }: { view: WorldView }): JSX.Element {
  const rows: readonly Row[] = [
    ['Copies', perPacketText(work?.copies)],
    ['Bytes copied', perPacketText(work?.bytesCopied)],
    ['Kernel entries', perPacketText(work?.kernelEntries)],
    ['Notifications', perPacketText(work?.notifications)],
    ['Context switches', perPacketText(work?.contextSwitches)],
  ];
  return (
    <tbody>
      <tr>
        <th scope="rowgroup" colSpan={2} class="group">
          For each packet
        </th>
      </tr>
      {rows.map(([name, value]) => (
        <tr key={name}>
          <th scope="row">{name}</th>
          <td class="number">{value}</td>
        </tr>
      ))}
    </tbody>
  );
}

function totalRows(view: WorldView): readonly Row[] {
  const { counts, notifications, contextSwitches, copies, bytesCopied } = view;
  return [
    ['Kernel entries', digits(counts.entry)],
    ['Notifications', digits(notifications)],
    ['Context switches', digits(contextSwitches)],
    ['Copies', digits(copies)],
    ['Bytes copied', digits(bytesCopied)],
  ];
}

function perPacketText(value: number | undefined): string {
  return value === undefined ? '–' : digits(value);
}

export function Queues({ state }: { state: PageState }): JSX.Element {
  const queues = state.view?.queues ?? [];
  return (
    <section aria-labelledby="queues-title">
      <h2 id="queues-title">Queues</h2>
      <Help text="A bar is how full a queue is. [Active queues|active queue] hold filled buffers, [free queues|free queue] empty ones, and a [virtqueue|virtqueue] what the device has." />
      <ul class="queues" tabIndex={0} aria-label="Queues and how full they are">
        {queues.map(({ name, depth, capacity }) => (
          <li key={name}>
            <span class="name">{breakable(name)}</span>
            <meter min={0} max={capacity} value={depth} aria-label={name} />
            <span class="number">
              {depth}/{capacity}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Names of queues are long, and may be broken behind each of their parts. */
function breakable(name: string): readonly (string | JSX.Element)[] {
  return name.split('_').flatMap((part, index) => (index === 0 ? [part] : ['_', <wbr />, part]));
}

export function Domains({ state }: { state: PageState }): JSX.Element {
  return (
    <section aria-labelledby="domains-title">
      <h2 id="domains-title">Protection domains</h2>
      <Help text="How often each [domain|protection domain] has entered the kernel and was woken, and how often it then found nothing to do." />
      <div class="scrolls" tabIndex={0} role="group" aria-label="Table of domains">
        <table>
          <thead>
            <tr>
              <th scope="col">Domain</th>
              <th scope="col">Entries</th>
              <th scope="col">Wake-ups</th>
              <th scope="col">For nothing</th>
              <th scope="col">Faults</th>
            </tr>
          </thead>
          <tbody>
            {(state.view?.domains ?? []).map(({ name, entries, wakeUps, wasted, faults }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number">{digits(entries)}</td>
                <td class="number">{digits(wakeUps)}</td>
                <td class="number">{digits(wasted)}</td>
                <td class="number">{digits(faults)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
