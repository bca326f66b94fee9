/**
 * What a link brings that somebody has written, before anything of it runs: its files, and what
 * they can do. One click runs it.
 */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Shared } from '../share/link.ts';
import { Help } from './help.tsx';
import type { Store } from './store.ts';
import { digits } from './words.ts';

const CAN =
  'Somebody has written them. They run in a worker of this page, which reaches no network, nothing that this browser keeps, and no other page: at worst they keep a processor busy, or show you what is not so.';

export function Brought({ store, shared }: { store: Store; shared: Shared }): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  // Who cannot see it is told what the page waits for.
  useEffect(() => heading.current?.focus(), []);
  const { own } = shared.scenario;
  const files = Object.entries(own?.files ?? {});
  const images = Object.entries(shared.binaries ?? {});
  return (
    <section aria-labelledby="brought-title" class="brought" id="brought">
      <h2 id="brought-title" ref={heading} tabIndex={-1}>
        This link brings programs
      </h2>
      <Help text={CAN} />
      <ul class="brought-files" aria-label="Files that the link brings">
        {files.map(([name, text]) => (
          <li key={name}>
            <details>
              <summary>
                {name} <Size bytes={new TextEncoder().encode(text).length} />
              </summary>
              <pre tabIndex={0}>{text}</pre>
            </details>
          </li>
        ))}
        {images.map(([name, { length }]) => (
          <li key={name}>
            {name} <Size bytes={length} />
          </li>
        ))}
      </ul>
      <div class="row">
        <button type="button" id="run-brought" class="main" onClick={() => run(store)}>
          Run it
        </button>
        {shared.mode === 'whole' ? <a href={location.href.replace(/#.*$/, '')}>Not now</a> : null}
      </div>
    </section>
  );
}

function Size({ bytes }: { bytes: number }): JSX.Element {
  return <span class="size">{digits(bytes)} bytes</span>;
}

function run(store: Store): void {
  store.runBrought();
  // The button is gone: whoever pressed it by the keyboard goes on from the beginning of the page.
  document.querySelector<HTMLElement>('h1')?.focus();
}
