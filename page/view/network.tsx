/** The cable of the NIC in a person's hand: ping, UDP, raw frames, and what comes back. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { frameText, type Peer, pingFrame, udpFrame } from '../engine/frames.ts';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';
import { hexBytes, hexText, timeText } from './words.ts';

const ECHO_PORT = 1235;
const FRAME_BYTES_MIN = 14;
const FRAME_BYTES_MAX = 1514;

export function Network({ store, state }: { store: Store; state: PageState }): JSX.Element | null {
  const guests = state.info?.guests ?? [];
  const [chosen, choose] = useState(0);
  const guest = guests[chosen] ?? guests[0];
  if (guest === undefined) return null;
  const form = { store, guest, isFixed: state.mode !== 'whole' };
  return (
    <section aria-labelledby="network-title">
      <h2 id="network-title">Send</h2>
      <Help text="Frames go onto the NIC's [wire|wire] at once, as from 10.0.2.2. Let [time|virtual time] pass to see answers." />
      <label>
        To{' '}
        <select value={chosen} onChange={(event) => choose(Number(event.currentTarget.value))}>
          {guests.map(({ pd, ip }, index) => (
            <option key={pd} value={index}>
              {pd} {ip}
            </option>
          ))}
        </select>
      </label>
      <Ping {...form} />
      <Udp {...form} />
      <Raw {...form} />
      <ol class="frames" id="frames" tabIndex={0} aria-label="Frames that the NIC has sent">
        {state.frames.map(({ timeNs, bytes }, index) => (
          <li key={index} title={hexText(bytes)}>
            {timeText(timeNs)} {frameText(bytes)}
          </li>
        ))}
      </ol>
    </section>
  );
}

interface FormProps {
  readonly store: Store;
  readonly guest: Peer;
  readonly isFixed: boolean;
}

function send(store: Store, bytes: readonly number[]): void {
  store.ask({ kind: 'input', input: { kind: 'frame', bytes } });
}

function Ping({ store, guest, isFixed }: FormProps): JSX.Element {
  const [sequence, setSequence] = useState(1);
  const ping = (): void => {
    send(store, pingFrame(guest, sequence));
    setSequence(sequence + 1);
  };
  return (
    <div class="row">
      <button type="button" id="ping" disabled={isFixed} onClick={ping}>
        Ping
      </button>
    </div>
  );
}

function Udp({ store, guest, isFixed }: FormProps): JSX.Element {
  const [text, setText] = useState('hello');
  const go = (): void => send(store, udpFrame(guest, ECHO_PORT, text));
  return (
    <div class="row">
      <label>
        UDP text <input value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="button" id="udp" disabled={isFixed} onClick={go}>
        Send to port {ECHO_PORT}
      </button>
    </div>
  );
}

function Raw({ store, isFixed }: FormProps): JSX.Element {
  const [raw, setRaw] = useState('');
  const go = (): void => {
    const bytes = hexBytes(raw) ?? [];
    if (bytes.length >= FRAME_BYTES_MIN && bytes.length <= FRAME_BYTES_MAX) send(store, bytes);
    else store.tellProblem('a raw frame is 14 to 1514 bytes in hexadecimal digits');
  };
  return (
    <div class="row">
      <label>
        Raw frame{' '}
        <input
          value={raw}
          placeholder="52 54 01 00 00 07 …"
          onInput={(event) => setRaw(event.currentTarget.value)}
        />
      </label>
      <button type="button" id="raw" disabled={isFixed} onClick={go}>
        Send frame
      </button>
    </div>
  );
}
