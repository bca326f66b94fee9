/** A packet's path as text, and as rows of JSON. */

import { groupDigits } from '../../systems/figures.ts';
import {
  type BufferPlace,
  bytesCopiedOf,
  copiesOf,
  type FollowedPath,
  type PathHop,
} from '../../systems/trace/packet-path.ts';
import { textTable } from '../text-table.ts';

/** @returns a flat row for each hop and each return, in the order of time */
export function pathRows(path: FollowedPath): readonly Readonly<Record<string, string | number>>[] {
  const { subject, number, outcome, hops, returns } = path;
  const forth = hops.map(({ buffer, ...hop }, index) => ({
    name: 'path/hop',
    [subject]: number,
    outcome,
    hop: index + 1,
    ...hop,
    region: buffer.region,
    offset: buffer.offset,
  }));
  const back = returns.map(({ buffer, ...hop }) => ({
    name: 'path/return',
    [subject]: number,
    ...hop,
    region: buffer.region,
    offset: buffer.offset,
  }));
  return [...forth, ...back];
}

export function pathText(
  system: string,
  path: FollowedPath,
  clock: 'virtual' | 'host',
): readonly string[] {
  const startNs = path.hops[0]?.doneNs ?? 0;
  const rows = path.hops.map((hop) => [
    since(hop.doneNs, startNs),
    hop.at,
    whatText(hop),
    bufferText(hop.buffer),
    `${hop.into === '' ? '' : '→ '}${hop.into}${slotText(hop)}`,
    hop.by,
  ]);
  const back = path.returns.map((hop) => [
    since(hop.doneNs, startNs),
    hop.at,
    'gives back',
    bufferText(hop.buffer),
    `→ ${hop.into}`,
  ]);
  const head = ['µs', 'where', 'what', 'bytes are in', 'put into', 'told by'];
  const lines = textTable(
    [head, ...rows, ...back],
    ['right', 'left', 'left', 'left', 'left', 'left'],
  );
  const title = `${system}, ${path.subject} ${groupDigits(path.number)}: ${outcomeText(path, clock)}`;
  const [columns = '', ...others] = lines;
  const forth = others.slice(0, rows.length).map((line) => `  ${line}`);
  const returned = others.slice(rows.length).map((line) => `  ${line}`);
  const empty = returned.length === 0 ? [] : ['', '  the empty buffers', ...returned];
  return [title, '', `  ${columns}`, ...forth, ...empty];
}

/** One sentence: how it ended, and what it cost. */
export function outcomeText(path: FollowedPath, clock: 'virtual' | 'host'): string {
  const { hops } = path;
  const first = hops[0];
  const last = hops.at(-1);
  if (first === undefined || last === undefined) return 'not seen';
  const time = `${since(last.doneNs, first.doneNs)} µs${clock === 'virtual' ? ' of virtual time' : ''}`;
  const copies = copiesOf(path);
  const cost = `${copies} ${copies === 1 ? 'copy' : 'copies'}, ${groupDigits(bytesCopiedOf(path))} bytes copied`;
  const length = `${groupDigits(first.lengthBytes)} bytes`;
  switch (path.outcome) {
    case 'sent':
      return `${length}, answered on the wire after ${time}; ${cost}`;
    case 'ended':
      return `${length}, ends in ${last.at} after ${time}; ${cost}`;
    case 'lost':
      return `dropped by the device: ${last.into}`;
    case 'taken':
      return `${length}, ${first.at} has the response after ${time}; ${cost}`;
    case 'refused':
      return `${length}, refused after ${time}; ${cost}`;
    case 'under way':
      return `${length}, still under way at the end of the run; ${cost}`;
    default:
      return path.outcome satisfies never;
  }
}

function whatText(hop: PathHop): string {
  switch (hop.what) {
    case 'received':
      return `receives ${groupDigits(hop.lengthBytes)} bytes`;
    case 'passed':
      return 'passes them on';
    case 'copied':
      return `copies ${groupDigits(hop.bytesCopied)} bytes`;
    case 'answered':
      return `answers, copies ${groupDigits(hop.bytesCopied)} bytes`;
    case 'sent':
      return `sends ${groupDigits(hop.lengthBytes)} bytes`;
    case 'ended':
      return 'lets nothing go on';
    case 'asked':
      return `asks for ${groupDigits(hop.lengthBytes)} bytes`;
    case 'read':
      return `is read, ${groupDigits(hop.lengthBytes)} bytes`;
    case 'wrote':
      return `is written, ${groupDigits(hop.lengthBytes)} bytes`;
    case 'finished':
      return 'does it';
    case 'replied':
      return 'passes the response on';
    case 'taken':
      return 'takes the response';
    default:
      return hop.what satisfies never;
  }
}

function slotText({ slot, ahead }: PathHop): string {
  if (slot < 0) return '';
  return ahead === 0 ? ` [${slot}]` : ` [${slot}], behind ${ahead}`;
}

export function bufferText({ region, offset }: BufferPlace): string {
  return region === '' ? 'memory of its own' : `${region}+0x${offset.toString(16)}`;
}

/** Microseconds with three decimals. */
export function since(ns: number, startNs: number): string {
  return ((ns - startNs) / 1000).toFixed(3);
}
