// The host's serial port: what the driver programs is set on it and its lines come back (a port
// made of paper), unplugging, and the real package on a pseudo-terminal.

import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { LineFormat } from '../../board/serial-wire.ts';
import { scrambledBytes, SerialPeer } from '../../test/support/serial-peer.ts';
import { PortBridge } from './port-bridge.ts';
import { explainPortError, openWithSerialport, watchAllThatIsAwaited } from './port-driver.ts';
import type { HostPort, OpenHostPort, PortEvents, PortSettings } from './port-driver.ts';
import { PtyBridge } from './pty-bridge.ts';

const MEGABYTE = 1024 * 1024;
const FORMAT: LineFormat = { baud: 115_200, dataBits: 8, parity: 'none', stopBits: 1 };

/** A port that remembers what is done to it. */
class PaperPort {
  readonly done: string[] = [];
  readonly written: number[] = [];
  events: PortEvents | undefined;
  inputs = { cts: true, dsr: true, dcd: true };
  modem: 'has lines' | 'has none' = 'has lines';
  absent: 'no' | 'yes' = 'no';

  readonly open: OpenHostPort = async (settings: PortSettings, events: PortEvents) => {
    if (this.absent === 'yes') throw new Error('no such file');
    const { baud, dataBits, parity, stopBits } = settings.format;
    this.done.push(`open ${baud} ${dataBits} ${parity} ${stopBits} ${settings.flow}`);
    this.events = events;
    const note = async (text: string): Promise<void> => {
      this.done.push(text);
      await Promise.resolve();
    };
    const port: HostPort = {
      write: (bytes) => {
        this.written.push(...bytes);
        return true;
      },
      writableLength: 0,
      pause: () => undefined,
      resume: () => undefined,
      setBaud: (rate) => note(`baud ${rate}`),
      setOutputs: (outputs) => {
        if (this.modem === 'has none') return Promise.reject(new Error('Inappropriate ioctl'));
        return note(`outputs ${JSON.stringify(outputs)}`);
      },
      inputs: () =>
        this.modem === 'has none'
          ? Promise.reject(new Error('Inappropriate ioctl'))
          : Promise.resolve(this.inputs),
      close: () => note('close'),
    };
    return Promise.resolve(port);
  };
}

async function paperBench(modem: 'has lines' | 'has none' = 'has lines') {
  const paper = new PaperPort();
  paper.modem = modem;
  const peer = new SerialPeer();
  const bridge = await PortBridge.open({
    host: peer.host,
    path: '/dev/ttyPAPER',
    format: FORMAT,
    flow: 'none',
    open: paper.open,
    onNotice: peer.onNotice,
    retryMs: 5,
  });
  peer.start(bridge);
  return { paper, peer, bridge };
}

describe('a port bridge', () => {
  it('sets on the port what the driver programs into the UART', async () => {
    const { paper, peer, bridge } = await paperBench();
    peer.line.setFormat({ ...FORMAT, baud: 9600 });
    peer.line.setFormat({ baud: 9600, dataBits: 7, parity: 'even', stopBits: 2 });
    await peer.until(() => paper.done.includes('open 9600 7 even 2 none'));
    peer.line.setBreak('space');
    peer.line.setBreak('mark');
    peer.line.setOutputs(0);
    await peer.until(() => paper.done.includes('outputs {"dtr":false,"rts":false}'));

    expect(paper.done).toEqual([
      'open 115200 8 none 1 none',
      'outputs {"dtr":true,"rts":true}',
      'baud 9600',
      'close',
      'open 9600 7 even 2 none',
      'outputs {"brk":true}',
      'outputs {"brk":false}',
      'outputs {"dtr":false,"rts":false}',
    ]);
    await peer.stop(bridge);
  });

  it('brings the port’s modem lines back to the UART', async () => {
    const { paper, peer, bridge } = await paperBench();
    paper.inputs = { cts: false, dsr: true, dcd: false };
    await peer.until(() => peer.inputs.includes(2));
    await peer.stop(bridge);

    expect(peer.line.inputs()).toBe(2);
  });

  it('says once that a port has no modem lines, and goes on', async () => {
    const { paper, peer, bridge } = await paperBench('has none');
    peer.sendText('still here');
    await peer.until(() => paper.written.length === 10);
    peer.line.setOutputs(0);
    peer.line.setOutputs(3);
    await peer.until(() => peer.notices.length > 0);
    paper.events?.data(Buffer.from('and back'));
    await peer.until(() => peer.receivedLength === 8);
    await peer.stop(bridge);

    expect(peer.notices).toEqual([
      'serial: port /dev/ttyPAPER cannot do modem lines (Inappropriate ioctl); going on without',
    ]);
  });

  it('tells of an unplugged port, keeps output, and takes the port back', async () => {
    const { paper, peer, bridge } = await paperBench();
    paper.absent = 'yes';
    paper.events?.gone('device disconnected');
    peer.sendText('kept');
    await peer.until(() => peer.sentAll);
    expect(paper.written).toEqual([]);
    paper.absent = 'no';
    await peer.until(() => paper.written.length === 4);
    await peer.stop(bridge);

    expect(peer.notices).toEqual([
      'serial: port /dev/ttyPAPER has gone (device disconnected); trying again every second',
      'serial: port /dev/ttyPAPER is back',
    ]);
    expect(bridge.counters()).toMatchObject({ unplugged: 1, reopened: 1 });
  });

  it('says in one line what is wrong with a port, and what to do', () => {
    const text = (message: string): string =>
      explainPortError(new Error(message), '/dev/x').message;

    expect(text('No such file or directory, cannot open /dev/x')).toContain(
      'there is no such port',
    );
    expect(text('Error: Permission denied, cannot open /dev/x')).toContain('group dialout');
    expect(text('Error Resource temporarily unavailable Cannot lock port')).toContain(
      'another program has this port',
    );
    expect(text('Error: Invalid argument setting custom baud rate')).toContain(
      'does not take these settings',
    );
    expect(text('Invalid parity setting 2')).toContain('cannot do that (parity)');
    expect(text('Inappropriate ioctl for device, cannot open')).toContain('not a serial port');
  });
});

describe('the package’s poller', () => {
  it('goes on waiting for room when a reader waits again', () => {
    const asked: number[] = [];
    const emitter = new EventEmitter();
    const poller = Object.assign(emitter, {
      poll: (_events?: number): void => undefined,
      poller: { poll: (events: number) => void asked.push(events) },
    });
    watchAllThatIsAwaited(poller);
    const wait = (event: string, bit: number): void => {
      poller.poll(bit);
      emitter.once(event, () => undefined);
    };
    wait('readable', 1);
    wait('writable', 2);
    emitter.emit('readable');
    wait('readable', 1);
    emitter.emit('writable');
    wait('writable', 2);

    expect(asked).toEqual([1, 3, 3, 3]);
  });
});

const serialportInstalled = await import('serialport').then(
  () => true,
  () => false,
);
const usable = serialportInstalled && process.platform === 'linux';

describe.runIf(usable)('the package serialport on a pseudo-terminal', () => {
  async function pairBench() {
    const far = new SerialPeer();
    const pty = await PtyBridge.open({ host: far.host });
    far.start(pty);
    const near = new SerialPeer();
    const port = await PortBridge.open({
      host: near.host,
      path: pty.slavePath,
      format: FORMAT,
      flow: 'none',
      open: openWithSerialport,
      onNotice: near.onNotice,
    });
    near.start(port);
    return { far, pty, near, port };
  }

  it('passes 1 MB both ways at once, and has no modem lines', async () => {
    const { far, pty, near, port } = await pairBench();
    await far.until(() => pty.attached === 'yes');
    const one = scrambledBytes(MEGABYTE, 21);
    const other = scrambledBytes(MEGABYTE, 22);
    far.send(one);
    near.send(other);
    await far.until(() => near.receivedLength >= MEGABYTE && far.receivedLength >= MEGABYTE);
    await near.stop(port);
    await far.stop(pty);

    expect(Buffer.compare(near.received.subarray(0, MEGABYTE), one)).toBe(0);
    expect(Buffer.compare(far.received.subarray(0, MEGABYTE), other)).toBe(0);
    expect(near.notices.some((line) => line.includes('cannot do modem lines'))).toBe(true);
  });

  it('refuses a wrong path and a port that is in use', async () => {
    const { far, pty, near, port } = await pairBench();
    const again = (path: string) =>
      PortBridge.open({
        host: new SerialPeer().host,
        path,
        format: FORMAT,
        flow: 'none',
        open: openWithSerialport,
        onNotice: () => undefined,
      });

    await expect(again('/dev/nosuchport')).rejects.toThrow('there is no such port');
    await expect(again(pty.slavePath)).rejects.toThrow('another program has this port');
    await expect(again('/dev/null')).rejects.toThrow('not a serial port');
    await near.stop(port);
    await far.stop(pty);
  });
});
