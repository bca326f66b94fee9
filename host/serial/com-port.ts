/**
 * RFC 2217, the server's side: a telnet client sets and watches the serial port at the far end of
 * the line.
 *
 * The client's port is the far end of the UART's line: what it sets (baud, size, parity, stop bits)
 * is the far end's format, and when the UART is programmed differently both get what real hardware
 * would give them.
 */

import type { LineFormat, Parity } from '../../board/serial-wire.ts';
import {
  INPUT_CTS,
  INPUT_DCD,
  INPUT_DSR,
  OUTPUT_DTR,
  OUTPUT_RTS,
} from '../../board/serial-wire.ts';
import type { HostLine } from './host-line.ts';

const SIGNATURE = 0;
const SET_BAUDRATE = 1;
const SET_DATASIZE = 2;
const SET_PARITY = 3;
const SET_STOPSIZE = 4;
const SET_CONTROL = 5;
const NOTIFY_LINESTATE = 6;
const NOTIFY_MODEMSTATE = 7;
const FLOWCONTROL_SUSPEND = 8;
const FLOWCONTROL_RESUME = 9;
const SET_LINESTATE_MASK = 10;
const SET_MODEMSTATE_MASK = 11;
const PURGE_DATA = 12;
/** The server answers a command with its number and this. */
const SERVER = 100;

const PARITIES: readonly Parity[] = ['none', 'odd', 'even', 'mark', 'space'];
const LINESTATE_BREAK = 0x10;
const MODEM_CTS = 0x10;
const MODEM_DSR = 0x20;
const MODEM_DCD = 0x80;

/** Commands of SET-CONTROL. */
const CONTROL = {
  flowQuery: 0,
  flowNone: 1,
  flowXonXoff: 2,
  flowHardware: 3,
  breakQuery: 4,
  breakOn: 5,
  breakOff: 6,
  dtrQuery: 7,
  dtrOn: 8,
  dtrOff: 9,
  rtsQuery: 10,
  rtsOn: 11,
  rtsOff: 12,
  inboundQuery: 13,
  inboundNone: 14,
} as const;

export interface ComPortOptions {
  /** 'watcher': a client that only reads. It is told what is in force, and sets nothing. */
  readonly role: 'owner' | 'watcher';
  readonly host: HostLine;
  /** Sends a subnegotiation of COM-PORT-OPTION. */
  readonly answer: (bytes: readonly number[]) => void;
  /** Throws away output that waits for the client. */
  readonly purgeOutput: () => void;
}

/** One client's control of the port. */
export class ComPort {
  /** Whether the client has asked us to hold output back. */
  isSuspended = false;
  /** Commands that were malformed or unknown. */
  refused = 0;
  readonly #host: HostLine;
  readonly #answer: (bytes: readonly number[]) => void;
  readonly #purgeOutput: () => void;
  readonly #isOwner: boolean;
  #own: Partial<LineFormat> = {};
  #dtr = true;
  #rts = true;
  #break = false;
  #lineMask = 0;
  #modemMask = 0xff;
  /**
   * Whether the client has been told the modem state: it wants to know it before the first change.
   */
  #announced = false;
  #modem = 0;

  constructor(options: ComPortOptions) {
    this.#host = options.host;
    this.#answer = options.answer;
    this.#purgeOutput = options.purgeOutput;
    this.#isOwner = options.role === 'owner';
    this.#modem = modemState(this.#host.line.outputs);
  }

  /** A subnegotiation from the client: command and value. */
  command(bytes: Uint8Array): void {
    const command = bytes[0];
    const value = bytes.subarray(1);
    if (!this.#announced) {
      this.#announced = true;
      this.#reply(NOTIFY_MODEMSTATE, this.#modem);
    }
    switch (command) {
      case SIGNATURE:
        this.#reply(SIGNATURE, ...Buffer.from('sddf virtual serial port'));
        break;
      case SET_BAUDRATE:
        this.#setBaud(value);
        break;
      case SET_DATASIZE:
        this.#setDataSize(value[0]);
        break;
      case SET_PARITY:
        this.#setParity(value[0]);
        break;
      case SET_STOPSIZE:
        this.#setStopSize(value[0]);
        break;
      case SET_CONTROL:
        this.#setControl(value[0]);
        break;
      case FLOWCONTROL_SUSPEND:
        this.isSuspended = true;
        break;
      case FLOWCONTROL_RESUME:
        this.isSuspended = false;
        break;
      case SET_LINESTATE_MASK:
        this.#lineMask = value[0] ?? 0;
        this.#reply(SET_LINESTATE_MASK, this.#lineMask);
        break;
      case SET_MODEMSTATE_MASK:
        this.#modemMask = value[0] ?? 0;
        this.#reply(SET_MODEMSTATE_MASK, this.#modemMask);
        break;
      case PURGE_DATA:
        this.#purge(value[0]);
        break;
      default:
        this.refused += 1;
    }
  }

  /** The UART's outputs have changed: the client sees them as its inputs. */
  outputsChanged(outputs: number): void {
    const now = modemState(outputs);
    const changed = (now ^ this.#modem) >>> 4;
    this.#modem = now;
    if (changed !== 0) this.#notifyModem(changed);
  }

  breakChanged(level: 'mark' | 'space'): void {
    if (level === 'space' && (this.#lineMask & LINESTATE_BREAK) !== 0) {
      this.#reply(NOTIFY_LINESTATE, LINESTATE_BREAK);
    }
  }

  /** The client has gone: the far end is as it was. */
  release(): void {
    if (!this.#isOwner) return;
    this.#host.setFarFormat(undefined);
    this.#host.setInputs(INPUT_CTS | INPUT_DSR | INPUT_DCD);
    if (this.#break) this.#host.sendBreak('mark');
  }

  #reply(command: number, ...value: readonly number[]): void {
    this.#answer([command + SERVER, ...value]);
  }

  #notifyModem(changed: number): void {
    if ((changed & this.#modemMask) === 0 && ((changed << 4) & this.#modemMask) === 0) return;
    this.#reply(NOTIFY_MODEMSTATE, (this.#modem | changed) & this.#modemMask);
  }

  get #format(): LineFormat {
    return { ...this.#host.line.farFormat, ...this.#own };
  }

  #set(part: Partial<LineFormat>): void {
    if (!this.#isOwner) return;
    this.#own = { ...this.#own, ...part };
    this.#host.setFarFormat(this.#format);
  }

  #setBaud(value: Uint8Array): void {
    if (value.length !== 4) {
      this.refused += 1;
      return;
    }
    const baud = new DataView(value.buffer, value.byteOffset, 4).getUint32(0);
    if (baud > 0) this.#set({ baud });
    const now = Math.round(this.#format.baud);
    this.#reply(SET_BAUDRATE, now >>> 24, (now >>> 16) & 0xff, (now >>> 8) & 0xff, now & 0xff);
  }

  #setDataSize(size: number | undefined): void {
    if (size === 5 || size === 6 || size === 7 || size === 8) this.#set({ dataBits: size });
    else if (size !== 0) this.refused += 1;
    this.#reply(SET_DATASIZE, this.#format.dataBits);
  }

  #setParity(value: number | undefined): void {
    const parity = value === undefined || value === 0 ? undefined : PARITIES[value - 1];
    if (parity !== undefined) this.#set({ parity });
    else if (value !== 0) this.refused += 1;
    this.#reply(SET_PARITY, PARITIES.indexOf(this.#format.parity) + 1);
  }

  #setStopSize(value: number | undefined): void {
    if (value === 1 || value === 2) this.#set({ stopBits: value });
    else if (value === 3) this.#set({ stopBits: 1.5 });
    else if (value !== 0) this.refused += 1;
    const { stopBits } = this.#format;
    this.#reply(SET_STOPSIZE, stopBits === 1.5 ? 3 : stopBits);
  }

  #setControl(value: number | undefined): void {
    switch (this.#isOwner ? value : undefined) {
      case CONTROL.breakOn:
        if (!this.#break) this.#host.sendBreak('space');
        this.#break = true;
        break;
      case CONTROL.breakOff:
        if (this.#break) this.#host.sendBreak('mark');
        this.#break = false;
        break;
      case CONTROL.dtrOn:
      case CONTROL.dtrOff:
        this.#dtr = value === CONTROL.dtrOn;
        this.#driveInputs();
        break;
      case CONTROL.rtsOn:
      case CONTROL.rtsOff:
        this.#rts = value === CONTROL.rtsOn;
        this.#driveInputs();
        break;
      default:
    }
    this.#reply(SET_CONTROL, this.#controlState(value));
  }

  /** What is in force, of the group that a command belongs to. */
  #controlState(value: number | undefined): number {
    if (value === undefined || value > CONTROL.rtsOff) return CONTROL.inboundNone;
    // The line's own flow control is chosen with the board, not by the client: none is what it is
    // told.
    if (value <= CONTROL.flowHardware) return CONTROL.flowNone;
    if (value <= CONTROL.breakOff) return this.#break ? CONTROL.breakOn : CONTROL.breakOff;
    if (value <= CONTROL.dtrOff) return this.#dtr ? CONTROL.dtrOn : CONTROL.dtrOff;
    return this.#rts ? CONTROL.rtsOn : CONTROL.rtsOff;
  }

  /** A null modem: the client's RTS is the UART's CTS, its DTR the UART's DSR and DCD. */
  #driveInputs(): void {
    const cts = this.#rts ? INPUT_CTS : 0;
    const dsr = this.#dtr ? INPUT_DSR | INPUT_DCD : 0;
    this.#host.setInputs(cts | dsr);
  }

  #purge(value: number | undefined): void {
    if (this.#isOwner && (value === 1 || value === 3)) this.#purgeOutput();
    if (this.#isOwner && (value === 2 || value === 3)) this.#host.purgeInput();
    if (value === undefined || value < 1 || value > 3) this.refused += 1;
    this.#reply(PURGE_DATA, value ?? 0);
  }
}

function modemState(outputs: number): number {
  return (
    ((outputs & OUTPUT_RTS) !== 0 ? MODEM_CTS : 0) |
    ((outputs & OUTPUT_DTR) !== 0 ? MODEM_DSR | MODEM_DCD : 0)
  );
}
