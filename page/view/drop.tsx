/**
 * Files of somebody's own: dropped onto the page, or chosen. They go to the engine, nowhere else.
 */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { thrownText } from '../../memory/thrown-text.ts';
import { FILES_BYTES_MAX, withGiven } from './dropped-files.ts';
import type { Store } from './store.ts';

export function Drop({ store }: { store: Store }): JSX.Element {
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const take = (event: DragEvent): void => {
      if (event.dataTransfer?.types.includes('Files') !== true) return;
      event.preventDefault();
      setOver(event.type === 'dragover');
      if (event.type === 'drop') void give(store, [...event.dataTransfer.files]);
    };
    const leave = ({ relatedTarget }: DragEvent): void => {
      if (relatedTarget === null) setOver(false);
    };
    addEventListener('dragover', take);
    addEventListener('drop', take);
    addEventListener('dragleave', leave);
    return () => {
      removeEventListener('dragover', take);
      removeEventListener('drop', take);
      removeEventListener('dragleave', leave);
    };
  }, [store]);
  return (
    <>
      <button
        type="button"
        id="open-files"
        title="A .system file with its ELF images, or modules of your own. Or drop them anywhere onto the page. Nothing leaves the page."
        onClick={() => input.current?.click()}
      >
        Open files …
      </button>
      <input
        ref={input}
        id="files-input"
        type="file"
        multiple
        hidden
        aria-label="Files of a system of your own"
        onChange={(event) => {
          void give(store, [...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }}
      />
      {isOver ? (
        <div class="drop" role="status">
          Drop a .system file with its ELF images, or modules of your own
        </div>
      ) : null}
    </>
  );
}

async function give(store: Store, files: readonly File[]): Promise<void> {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  if (bytes > FILES_BYTES_MAX) {
    store.tellProblem('these files have more than 256 MiB; strip images with objcopy -g');
    return;
  }
  try {
    const read = files.map(async (file) => ({
      name: file.name,
      bytes: new Uint8Array(await file.arrayBuffer()),
    }));
    const { scenario, draft, binaries } = store.state;
    const given = withGiven(await Promise.all(read), { own: draft ?? scenario.own, binaries });
    if (given.kind === 'problem') store.tellProblem(given.text);
    else store.openOwn(given.own, given.binaries);
  } catch (error) {
    store.tellProblem(`the files cannot be read: ${thrownText(error)}`);
  }
}
