/** The UARTs' consoles, side by side: what a UART sends is shown, what is typed it receives. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';

export function Consoles({ store, state }: { store: Store; state: PageState }): JSX.Element | null {
  const uarts = state.info?.uarts ?? [];
  if (uarts.length === 0) return null;
  return (
    <section aria-labelledby="consoles-title" class="wide">
      <h2 id="consoles-title">Consoles</h2>
      <Help text="What is typed here goes to the UART; what the system's clients print comes through a [virtualiser|virtualiser]. Let [time|virtual time] pass." />
      <div class="consoles">
        {uarts.map((uart, index) => (
          <Console key={uart} store={store} uart={index} name={uart} mode={state.mode} />
        ))}
      </div>
    </section>
  );
}

function Console(props: {
  store: Store;
  uart: number;
  name: string;
  mode: PageState['mode'];
}): JSX.Element {
  const { store, uart, name, mode } = props;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = place.current;
    if (box === null) return undefined;
    const terminal = new Terminal({ rows: 16, cols: 72, screenReaderMode: true, fontSize: 13 });
    terminal.open(box);
    const typed = terminal.onData((text) => {
      if (mode !== 'whole') return;
      const bytes = [...new TextEncoder().encode(text)];
      store.ask({ kind: 'input', input: { kind: 'typed', uart, bytes } });
    });
    const heard = store.onConsole((from, bytes) => {
      if (bytes === 'clear') terminal.reset();
      else if (from === uart) terminal.write(bytes);
    });
    return () => {
      typed.dispose();
      heard();
      terminal.dispose();
    };
  }, [store, uart, mode]);
  return (
    <figure>
      <figcaption>{name}</figcaption>
      <div ref={place} class="console" />
    </figure>
  );
}
