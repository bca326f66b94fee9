/** A disk: its files, where it has a FAT file system, and its blocks. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { FileListing } from '../engine/disk-files.ts';
import { Help } from './help.tsx';
import type { PageState } from './page-state.ts';
import type { Store } from './store.ts';
import { digits, hexText } from './words.ts';

const ROW_BYTES = 16;

export function Disk({ store, state }: { store: Store; state: PageState }): JSX.Element | null {
  const [disk, setDisk] = useState(0);
  const disks = state.info?.disks ?? 0;
  if (disks === 0) return null;
  return (
    <section aria-labelledby="disk-title">
      <h2 id="disk-title">Disk</h2>
      <Help text="What is on the disk at this moment. What a [virtualiser|virtualiser] or a client still holds has not come here yet." />
      {disks === 1 ? null : (
        <label>
          Disk{' '}
          <select value={disk} onChange={(event) => setDisk(Number(event.currentTarget.value))}>
            {Array.from({ length: disks }, (_, number) => (
              <option key={number} value={number}>
                {number}
              </option>
            ))}
          </select>
        </label>
      )}
      <Files store={store} state={state} disk={disk} />
      <Blocks store={store} state={state} disk={disk} />
    </section>
  );
}

interface DiskProps {
  readonly store: Store;
  readonly state: PageState;
  readonly disk: number;
}

function Files({ store, state, disk }: DiskProps): JSX.Element {
  const listing = state.files?.disk === disk ? state.files.listing : undefined;
  const look = (path: string): void => store.ask({ kind: 'files', disk, path });
  return (
    <>
      <h3>Files</h3>
      <div class="row">
        <button type="button" id="list-files" onClick={() => look('/')}>
          List files
        </button>
        {listing === undefined || listing.path === '/' ? null : (
          <button type="button" onClick={() => look(parentOf(listing.path))}>
            Up
          </button>
        )}
        <span id="file-path">{listing?.path}</span>
      </div>
      {listing === undefined ? null : <Listing listing={listing} look={look} />}
    </>
  );
}

function Listing(props: { listing: FileListing; look: (path: string) => void }): JSX.Element {
  const { listing, look } = props;
  if (listing.kind === 'none') return <p class="help">{listing.why}</p>;
  if (listing.kind === 'file') {
    return (
      <>
        <p class="help">{digits(listing.sizeBytes)} bytes</p>
        <pre id="file" tabIndex={0}>
          {contents(listing.bytes)}
        </pre>
      </>
    );
  }
  if (listing.entries.length === 0) return <p class="help">This directory is empty.</p>;
  const base = listing.path === '/' ? '' : listing.path;
  return (
    <ul class="files" id="files">
      {listing.entries.map(({ name, kind, sizeBytes }) => (
        <li key={name}>
          <button type="button" class="link" onClick={() => look(`${base}/${name}`)}>
            {name}
            {kind === 'directory' ? '/' : ''}
          </button>
          <span class="number">{kind === 'directory' ? '' : digits(sizeBytes)}</span>
        </li>
      ))}
    </ul>
  );
}

function parentOf(path: string): string {
  return path.replace(/\/[^/]*$/, '') || '/';
}

/** As text where it is one. */
function contents(bytes: Uint8Array): string {
  const isText = bytes.every((byte) => byte >= 32 || [9, 10, 13].includes(byte));
  return isText ? new TextDecoder().decode(bytes) : rowsText(bytes);
}

function Blocks({ store, state, disk }: DiskProps): JSX.Element {
  const [block, setBlock] = useState(0);
  const bytes = state.blocks?.disk === disk ? state.blocks.bytes : new Uint8Array();
  return (
    <>
      <h3>Blocks</h3>
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
          onClick={() => store.ask({ kind: 'blocks', disk, block })}
        >
          Look
        </button>
      </div>
      {bytes.length === 0 ? null : (
        <pre id="block" tabIndex={0}>
          {rowsText(bytes)}
        </pre>
      )}
    </>
  );
}

function rowsText(bytes: Uint8Array): string {
  const rows = Array.from({ length: Math.ceil(bytes.length / ROW_BYTES) }, (_, row) =>
    bytes.subarray(row * ROW_BYTES, (row + 1) * ROW_BYTES),
  );
  return rows.map((row) => `${hexText(row)}  ${plain(row)}`).join('\n');
}

function plain(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
  ).join('');
}
