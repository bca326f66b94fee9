/**
 * A host serial port behind an interface, and its implementation by the npm package `serialport`:
 * an optional dependency that is loaded only when a port is asked for.
 */

import { readFileSync, statSync } from 'node:fs';
import type { LineFormat } from '../../board/serial-wire.ts';
import { systemErrorCode, UserMistake } from '../problem.ts';

/** Modem lines as the port's inputs. */
export interface PortInputs {
  readonly cts: boolean;
  readonly dsr: boolean;
  readonly dcd: boolean;
}

export interface PortOutputs {
  readonly rts?: boolean;
  readonly dtr?: boolean;
  readonly brk?: boolean;
}

export interface PortSettings {
  readonly path: string;
  readonly format: LineFormat;
  readonly flow: 'none' | 'rtscts';
}

export interface PortEvents {
  data(bytes: Uint8Array): void;
  /** The port has gone: unplugged, or closed by the system. */
  gone(reason: string): void;
  drained(): void;
}

export interface HostPort {
  /** @returns false when the port's buffer is full: wait for `drained` */
  write(bytes: Uint8Array): boolean;
  readonly writableLength: number;
  pause(): void;
  resume(): void;
  setBaud(baud: number): Promise<void>;
  setOutputs(outputs: PortOutputs): Promise<void>;
  inputs(): Promise<PortInputs>;
  close(): Promise<void>;
}

export type OpenHostPort = (settings: PortSettings, events: PortEvents) => Promise<HostPort>;

/**
 * Opens a port with `serialport`.
 * @throws UserMistake when it is missing, or the port cannot be opened
 */
export const openWithSerialport: OpenHostPort = async (settings, events) => {
  const { SerialPort } = await import('serialport').catch(() => {
    throw new UserMistake(
      '--serial port: the package serialport is not installed; npm install serialport@13.0.0',
    );
  });
  const { path, format, flow } = settings;
  const port = new SerialPort({
    path,
    baudRate: Math.round(format.baud),
    dataBits: format.dataBits,
    parity: format.parity,
    stopBits: format.stopBits,
    rtscts: flow === 'rtscts',
    autoOpen: false,
    highWaterMark: 65_536,
  });
  await new Promise<void>((resolve, reject) => {
    port.open((error) => (error === null ? resolve() : reject(explainPortError(error, path))));
  });
  const binding = port.port;
  if (binding !== undefined && 'poller' in binding) watchAllThatIsAwaited(binding.poller);
  port.on('data', (bytes: Buffer) => events.data(bytes));
  port.on('drain', () => events.drained());
  port.on('error', (error) => events.gone(error.message));
  port.on('close', (error: Error | null) => events.gone(error?.message ?? 'closed'));
  return {
    write: (bytes) => port.write(bytes),
    get writableLength() {
      return port.writableLength;
    },
    pause: () => void port.pause(),
    resume: () => void port.resume(),
    setBaud: (baud) => promised((done) => port.update({ baudRate: Math.round(baud) }, done)),
    setOutputs: (outputs) => promised((done) => port.set(outputs, done)),
    inputs: () =>
      new Promise((resolve, reject) => {
        port.get((error, status) => {
          if (error !== null || status === undefined) reject(error ?? new Error('no status'));
          else resolve(status);
        });
      }),
    close: () => {
      port.removeAllListeners('close');
      return port.isOpen ? promised((done) => port.close(done)) : Promise.resolve();
    },
  };
};

/** Debian's and Fedora's group of serial ports. */
const USUAL_GROUP = 'dialout';
const GROUP_READ_WRITE = 0o060;

const READABLE = 1;
const WRITABLE = 2;

/**
 * What the package waits with on Linux and macOS: an emitter of 'readable' and 'writable' around a
 * native poller.
 */
export interface PortPoller {
  poll(events?: number): void;
  listenerCount(event: string): number;
  readonly poller: { poll(events: number): void };
}

/**
 * Makes each wait cover everything that is being waited for. The package watches only what was
 * asked for last (bindings-cpp 13.0.0, `Poller::poll`): when a reader waits again while the writer
 * waits for room, the writer is forgotten, and output stalls until some input comes.
 */
export function watchAllThatIsAwaited(poller: PortPoller): void {
  poller.poll = (events = 0) => {
    const readable = poller.listenerCount('readable') > 0 ? READABLE : 0;
    const writable = poller.listenerCount('writable') > 0 ? WRITABLE : 0;
    poller.poller.poll(events | readable | writable);
  };
}

function promised(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}

/** Says what is wrong with a port, and what to do. */
export function explainPortError(error: Error, path: string): UserMistake {
  const where = `--serial port,path=${path}`;
  const text = error.message;
  const code = systemErrorCode(error) ?? '';
  if (/no such file|ENOENT/i.test(text + code)) {
    return new UserMistake(`${where}: there is no such port; ls /dev/tty* shows those there are`);
  }
  if (/permission denied|EACCES/i.test(text + code)) {
    const group = portGroup(path);
    return new UserMistake(
      `${where}: permission denied; serial ports belong to the group ${group}: sudo usermod -aG ${group} $USER, and log in again`,
    );
  }
  if (/lock|busy|EBUSY|temporarily unavailable/i.test(text + code)) {
    return new UserMistake(`${where}: another program has this port; end it first`);
  }
  if (/inappropriate ioctl|ENOTTY|not a (tty|serial)/i.test(text + code)) {
    return new UserMistake(`${where}: this is not a serial port`);
  }
  const setting = /invalid (parity|stop bits|data bits) setting/i.exec(text)?.[1];
  if (setting !== undefined) {
    return new UserMistake(`${where}: serial ports of this system cannot do that (${setting})`);
  }
  if (/baud|invalid argument|EINVAL/i.test(text + code)) {
    return new UserMistake(`${where}: the port does not take these settings (${text})`);
  }
  return new UserMistake(`${where}: ${text}`);
}

/**
 * The group that may use a port: that of its device file, or `dialout` where that cannot be told.
 */
function portGroup(path: string): string {
  try {
    const { gid, mode } = statSync(path);
    const lines = readFileSync('/etc/group', 'utf8').split('\n');
    const name = lines.map((line) => line.split(':')).find((fields) => fields[2] === String(gid));
    const isOpenToGroup = gid !== 0 && (mode & GROUP_READ_WRITE) === GROUP_READ_WRITE;
    return isOpenToGroup ? (name?.[0] ?? USUAL_GROUP) : USUAL_GROUP;
  } catch {
    return USUAL_GROUP; // the port or the list of groups cannot be read: the usual one is a fair guess
  }
}
