// The terminal's bridge on streams that stand in for a terminal: raw mode and its end, Ctrl-], 1 MB
// both ways at once.

import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { scrambledBytes, SerialPeer } from '../../test/support/serial-peer.ts';
import { StdioBridge } from './stdio-bridge.ts';

const MEGABYTE = 1024 * 1024;

class PaperTerminal extends PassThrough {
  readonly isTTY: boolean;
  readonly modes: boolean[] = [];

  constructor(kind: 'terminal' | 'pipe') {
    super();
    this.isTTY = kind === 'terminal';
  }

  setRawMode(mode: boolean): this {
    this.modes.push(mode);
    return this;
  }
}

function bench(kind: 'terminal' | 'pipe') {
  const input = new PaperTerminal(kind);
  const output = new PassThrough();
  const pieces: Buffer[] = [];
  output.on('data', (piece: Buffer) => pieces.push(piece));
  const peer = new SerialPeer();
  let quits = 0;
  const bridge = new StdioBridge({
    host: peer.host,
    onQuit: () => (quits += 1),
    input: input as unknown as NodeJS.ReadStream,
    output,
  });
  peer.start(bridge);
  return { input, peer, bridge, seen: () => Buffer.concat(pieces), quits: () => quits };
}

describe('the terminal bridge', () => {
  it('makes a terminal raw, and puts it back when it is closed', async () => {
    const { input, peer, bridge } = bench('terminal');
    expect(input.modes).toEqual([true]);
    const listeners = process.listenerCount('SIGTERM');
    await peer.stop(bridge);

    expect(input.modes).toEqual([true, false]);
    expect(process.listenerCount('SIGTERM')).toBe(listeners - 1);
  });

  it('puts the terminal back when the process exits without closing it', async () => {
    const { input, peer, bridge } = bench('terminal');
    const [restore] = process.listeners('exit').slice(-1);
    restore?.(0);
    expect(input.modes).toEqual([true, false]);
    await peer.stop(bridge);

    expect(input.modes).toEqual([true, false]);
  });

  it('passes every key but Ctrl-], which quits', async () => {
    const { input, peer, bridge, quits } = bench('terminal');
    input.write('\u0003\u0004\u001c');
    await peer.until(() => peer.receivedLength === 3);
    input.write('last\u001dlost');
    await peer.until(() => peer.receivedLength === 7);
    await peer.stop(bridge);

    expect(peer.text()).toBe('\u0003\u0004\u001clast');
    expect(quits()).toBe(1);
  });

  it('passes 1 MB both ways at once through pipes, and its input is over at the end', async () => {
    const { input, peer, bridge, seen } = bench('pipe');
    const out = scrambledBytes(MEGABYTE, 31);
    const into = scrambledBytes(MEGABYTE, 32);
    peer.send(out);
    input.end(into);
    await peer.until(() => peer.receivedLength >= MEGABYTE && seen().length >= MEGABYTE);
    await peer.until(() => bridge.inputOver);
    await peer.stop(bridge);

    expect(Buffer.compare(seen(), out)).toBe(0);
    expect(Buffer.compare(peer.received.subarray(0, MEGABYTE), into)).toBe(0);
    expect(input.modes).toEqual([]);
  });
});
