/**
 * Telnet (RFC 854, 855, 856, 857, 858) as a serial console needs it: data with IAC doubled, option
 * negotiation, BREAK, and subnegotiations handed on. Until both sides agree on binary, a carriage
 * return is CR NUL or CR LF on the wire.
 *
 * Everything a client sends is believed only as far as it goes: half an option waits for its other
 * half without holding memory, and a subnegotiation that is too long is dropped and counted.
 */

export const IAC = 255;
const DONT = 254;
const DO = 253;
const WONT = 252;
const WILL = 251;
const SB = 250;
const AYT = 246;
const BRK = 243;
const SE = 240;

export const OPTION_BINARY = 0;
export const OPTION_ECHO = 1;
export const OPTION_SGA = 3;
export const OPTION_COM_PORT = 44;

const CR = 13;
const LF = 10;
const NUL = 0;
const SUBNEGOTIATION_BYTES_MAX = 256;

/** Where the decoder stands between two bytes. */
type DecoderState = 'data' | 'cr' | 'iac' | 'option' | 'sub' | 'sub iac';

/** An option of one side: asked for by us, in force, or not. */
type OptionState = 'off' | 'asked' | 'on';

export interface TelnetEvents {
  /** Bytes for the client's socket. */
  send(bytes: Uint8Array): void;
  breakReceived(): void;
  /** @param bytes what followed the option, IAC undoubled; valid during the call */
  subnegotiation?(option: number, bytes: Uint8Array): void;
}

export class TelnetCodec {
  /** Subnegotiations that were too long. */
  dropped = 0;
  readonly #events: TelnetEvents;
  /** Options that we may perform, and that the client may perform. */
  readonly #ours: Map<number, OptionState>;
  readonly #theirs: Map<number, OptionState>;
  #state: DecoderState = 'data';
  #verb = 0;
  readonly #sub = new Uint8Array(SUBNEGOTIATION_BYTES_MAX);
  #subLength = 0;
  #lastSent = 0;

  /** @param more options that either side may perform besides ECHO (ours only), SGA and BINARY */
  constructor(events: TelnetEvents, more: readonly number[] = []) {
    this.#events = events;
    const both = [OPTION_SGA, OPTION_BINARY, ...more];
    this.#ours = new Map([OPTION_ECHO, ...both].map((option) => [option, 'off']));
    this.#theirs = new Map(both.map((option) => [option, 'off']));
  }

  /** Tells a terminal to send character by character and not to echo. */
  greet(): void {
    for (const option of [OPTION_ECHO, OPTION_SGA]) this.#ours.set(option, 'asked');
    this.#theirs.set(OPTION_SGA, 'asked');
    this.#events.send(
      Uint8Array.of(IAC, WILL, OPTION_ECHO, IAC, WILL, OPTION_SGA, IAC, DO, OPTION_SGA),
    );
  }

  /** @returns the data in what the client has sent, in memory of its own */
  decode(bytes: Uint8Array): Uint8Array {
    const data = Buffer.allocUnsafe(bytes.length + 1);
    let length = 0;
    for (const byte of bytes) {
      // A byte means at most one byte of data.
      const meaning = this.#decodeByte(byte);
      if (meaning >= 0) {
        data[length] = meaning;
        length += 1;
      }
    }
    return data.subarray(0, length);
  }

  /** @returns data as it has to be sent */
  encode(bytes: Uint8Array): Uint8Array {
    const binary = this.#ours.get(OPTION_BINARY) === 'on';
    let extra = 0;
    for (const byte of bytes) if (byte === IAC || (byte === CR && !binary)) extra += 1;
    if (extra === 0 && (binary || this.#lastSent !== CR)) {
      this.#lastSent = bytes.at(-1) ?? this.#lastSent;
      return bytes;
    }
    const sent = Buffer.allocUnsafe(bytes.length + extra + 1);
    let length = 0;
    for (const byte of bytes) {
      // CR LF is a new line; a CR with anything else behind it is CR NUL.
      if (!binary && this.#lastSent === CR && byte !== LF) sent[length++] = NUL;
      sent[length++] = byte;
      if (byte === IAC) sent[length++] = IAC;
      this.#lastSent = byte;
    }
    return sent.subarray(0, length);
  }

  sendSubnegotiation(option: number, bytes: readonly number[]): void {
    const doubled = bytes.flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte]));
    this.#events.send(Uint8Array.of(IAC, SB, option, ...doubled, IAC, SE));
  }

  #decodeByte(byte: number): number {
    switch (this.#state) {
      case 'data':
        return this.#decodeData(byte);
      case 'cr':
        this.#state = 'data';
        // CR NUL and CR LF are what a terminal sends for Enter: the CR has been passed on already.
        if (byte === NUL || byte === LF) return -1;
        return this.#decodeData(byte);
      case 'iac':
        return this.#decodeCommand(byte);
      case 'option':
        this.#state = 'data';
        this.#negotiate(this.#verb, byte);
        return -1;
      case 'sub':
        if (byte === IAC) this.#state = 'sub iac';
        else this.#collect(byte);
        return -1;
      case 'sub iac':
        this.#endOrCollect(byte);
        return -1;
    }
  }

  #decodeData(byte: number): number {
    if (byte === IAC) {
      this.#state = 'iac';
      return -1;
    }
    if (byte === CR && this.#theirs.get(OPTION_BINARY) !== 'on') this.#state = 'cr';
    return byte;
  }

  #decodeCommand(byte: number): number {
    this.#state = 'data';
    if (byte === IAC) return IAC;
    if (byte >= WILL && byte <= DONT) {
      this.#state = 'option';
      this.#verb = byte;
    } else if (byte === SB) {
      this.#state = 'sub';
      this.#subLength = 0;
    } else if (byte === BRK) {
      this.#events.breakReceived();
    } else if (byte === AYT) {
      this.#events.send(Buffer.from('[sddf]\r\n'));
    }
    return -1;
  }

  #collect(byte: number): void {
    // One more than fits marks it as too long.
    if (this.#subLength < this.#sub.length) this.#sub[this.#subLength] = byte;
    if (this.#subLength <= this.#sub.length) this.#subLength += 1;
  }

  #endOrCollect(byte: number): void {
    if (byte === IAC) {
      this.#state = 'sub';
      this.#collect(IAC);
      return;
    }
    // SE, or a client that broke off: either way the subnegotiation is over.
    this.#state = 'data';
    if (byte !== SE || this.#subLength > this.#sub.length) this.dropped += 1;
    else if (this.#subLength > 0) {
      this.#events.subnegotiation?.(this.#sub[0] as number, this.#sub.subarray(1, this.#subLength));
    }
  }

  /** RFC 1143 in short: answer only what changes something, so that no two sides talk for ever. */
  #negotiate(verb: number, option: number): void {
    const asksUs = verb === DO || verb === DONT;
    const states = asksUs ? this.#ours : this.#theirs;
    const state = states.get(option);
    const [yes, no] = asksUs ? [WILL, WONT] : [DO, DONT];
    if (verb === DO || verb === WILL) {
      if (state === undefined) this.#events.send(Uint8Array.of(IAC, no, option));
      else if (state === 'off') this.#events.send(Uint8Array.of(IAC, yes, option));
      if (state !== undefined) states.set(option, 'on');
      return;
    }
    if (state === 'on') this.#events.send(Uint8Array.of(IAC, no, option));
    if (state !== undefined) states.set(option, 'off');
  }
}
