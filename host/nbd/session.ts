/**
 * One client's session of the NBD protocol: bytes in, replies and requests out. It knows no socket
 * and no disk.
 *
 * It keeps at most the chunk that it was given last: while its peer is behind, it parses no
 * further, and a payload goes into buffers that the peer provides, a part at a time.
 *
 *     greeting ──client flags──▶ options ──GO / EXPORT_NAME──▶ transmission ──DISC──▶ over
 *                                   └────────ABORT, or nonsense──────────────────────▶ over
 */

import * as P from './protocol.ts';

export interface NbdExport {
  readonly name: string;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /** Best size of requests. */
  readonly preferredBytes: number;
}

/** The header of a request. */
export interface NbdRequest {
  readonly type: number;
  readonly flags: number;
  readonly cookieHigh: number;
  readonly cookieLow: number;
  readonly offset: number;
  readonly length: number;
}

/** Where the payload of a WRITE goes. */
export interface PayloadSink {
  /**
   * @param leftBytes what is still to come of the payload
   * @returns a buffer of at most that length for the next part; 'wait' while there is no room for
   *   one; 'skip' when what is left is of no use
   */
  nextPart(leftBytes: number): Buffer | 'wait' | 'skip';
  /** The part that was asked for last is full. */
  partFilled(): void;
  /** The whole payload has come. */
  ended(): void;
}

export interface NbdSessionPeer {
  send(message: Buffer): void;
  /**
   * Whether so much is under way that nothing more is to be parsed until {@link NbdSession.resume}.
   */
  isBehind(): boolean;
  /** @returns where the payload goes; undefined when there is none */
  request(request: NbdRequest): PayloadSink | undefined;
  /** The session is over: everything outstanding is to be answered, then the connection closed. */
  over(reason: string): void;
}

const EMPTY = Buffer.alloc(0);

interface Payload {
  readonly kind: 'payload';
  readonly sink: PayloadSink;
  /** Bytes of the payload that have not come. */
  left: number;
  /** The part that is being filled, and how far it is. */
  part: Buffer | undefined;
  filled: number;
}

type State =
  | { readonly kind: 'flags' }
  | { readonly kind: 'options' }
  | { readonly kind: 'transmission' }
  | Payload
  | { readonly kind: 'over' };

export class NbdSession {
  readonly #export: NbdExport | undefined;
  readonly #peer: NbdSessionPeer;
  #state: State = { kind: 'flags' };
  #rest: Buffer = EMPTY;
  #noZeroes = false;
  #replies: 'simple' | 'structured' = 'simple';

  /** @param exported undefined: there is no device, and no export */
  constructor(exported: NbdExport | undefined, peer: NbdSessionPeer) {
    this.#export = exported;
    this.#peer = peer;
    peer.send(P.greeting());
  }

  /** Whether the client has chosen the export. */
  get isTransmitting(): boolean {
    return this.#state.kind === 'transmission' || this.#state.kind === 'payload';
  }

  /** What answers to READ the client has asked for. */
  get replies(): 'simple' | 'structured' {
    return this.#replies;
  }

  /**
   * Bytes from the client, in pieces of any size. They must not change until they have been parsed.
   */
  receive(chunk: Buffer): void {
    this.#parse(this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]));
  }

  /** Parses on with what is here: the peer is no longer behind. */
  resume(): void {
    if (this.#rest.length > 0) this.#parse(this.#rest);
  }

  #parse(chunk: Buffer): void {
    let bytes = chunk;
    // A request that is answered at once may call resume(): it finds nothing.
    this.#rest = EMPTY;
    while (!this.#peer.isBehind()) {
      const used = this.#step(bytes);
      if (used < 0) break;
      bytes = bytes.subarray(used);
    }
    if (this.#state.kind !== 'over') this.#rest = bytes;
  }

  /** @returns bytes that were used, or -1 when more are needed */
  #step(bytes: Buffer): number {
    switch (this.#state.kind) {
      case 'flags':
        return bytes.length < 4 ? -1 : this.#clientFlags(bytes);
      case 'options':
        return bytes.length < P.OPTION_HEADER_BYTES ? -1 : this.#option(bytes);
      case 'transmission':
        return bytes.length < P.REQUEST_BYTES ? -1 : this.#request(bytes);
      case 'payload':
        return bytes.length === 0 ? -1 : this.#payload(this.#state, bytes);
      case 'over':
        return -1;
    }
  }

  #clientFlags(bytes: Buffer): number {
    const flags = bytes.readUInt32BE(0);
    if ((flags & ~(P.FLAG_FIXED_NEWSTYLE | P.FLAG_NO_ZEROES)) !== 0) {
      return this.#end('unknown client flags');
    }
    this.#noZeroes = (flags & P.FLAG_NO_ZEROES) !== 0;
    this.#state = { kind: 'options' };
    return 4;
  }

  #option(bytes: Buffer): number {
    if (bytes.toString('latin1', 0, 8) !== P.IHAVEOPT)
      return this.#end('no option where one is due');
    const option = bytes.readUInt32BE(8);
    const length = bytes.readUInt32BE(12);
    if (length > P.OPTION_BYTES_MAX) return this.#end('an option that is too long');
    const end = P.OPTION_HEADER_BYTES + length;
    if (bytes.length < end) return -1;
    const data = bytes.subarray(P.OPTION_HEADER_BYTES, end);
    switch (option) {
      case P.OPT_EXPORT_NAME:
        this.#exportName(data.toString('utf8'));
        break;
      case P.OPT_ABORT:
        this.#peer.send(P.optionReply(option, P.REP_ACK));
        this.#end('aborted by the client');
        break;
      case P.OPT_LIST:
        this.#list(data);
        break;
      case P.OPT_STRUCTURED_REPLY:
        this.#structuredReply(data);
        break;
      case P.OPT_INFO:
      case P.OPT_GO:
        this.#info(option, data);
        break;
      default:
        this.#peer.send(P.optionReply(option, P.REP_ERR_UNSUP));
    }
    return end;
  }

  #exportName(name: string): void {
    const exported = this.#find(name);
    // This oldest of options has no way to refuse but to hang up.
    if (exported === undefined) return void this.#end('an export that does not exist');
    const reply = Buffer.alloc(this.#noZeroes ? 10 : 134);
    P.writeWord64(reply, exported.sizeBytes, 0);
    reply.writeUInt16BE(flagsOf(exported), 8);
    this.#peer.send(reply);
    this.#state = { kind: 'transmission' };
  }

  #list(data: Buffer): void {
    if (data.length !== 0) {
      return this.#peer.send(P.optionReply(P.OPT_LIST, P.REP_ERR_INVALID));
    }
    if (this.#export !== undefined) {
      const name = Buffer.from(this.#export.name, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(name.length, 0);
      this.#peer.send(P.optionReply(P.OPT_LIST, P.REP_SERVER, Buffer.concat([length, name])));
    }
    this.#peer.send(P.optionReply(P.OPT_LIST, P.REP_ACK));
  }

  #structuredReply(data: Buffer): void {
    if (data.length !== 0) {
      return this.#peer.send(P.optionReply(P.OPT_STRUCTURED_REPLY, P.REP_ERR_INVALID));
    }
    this.#replies = 'structured';
    this.#peer.send(P.optionReply(P.OPT_STRUCTURED_REPLY, P.REP_ACK));
  }

  #info(option: number, data: Buffer): void {
    const name = nameOf(data);
    if (name === undefined) return this.#peer.send(P.optionReply(option, P.REP_ERR_INVALID));
    const exported = this.#find(name);
    if (exported === undefined) return this.#peer.send(P.optionReply(option, P.REP_ERR_UNKNOWN));
    const main = Buffer.alloc(12);
    main.writeUInt16BE(P.INFO_EXPORT, 0);
    P.writeWord64(main, exported.sizeBytes, 2);
    main.writeUInt16BE(flagsOf(exported), 10);
    const sizes = Buffer.alloc(14);
    sizes.writeUInt16BE(P.INFO_BLOCK_SIZE, 0);
    sizes.writeUInt32BE(1, 2);
    sizes.writeUInt32BE(exported.preferredBytes, 6);
    sizes.writeUInt32BE(P.PAYLOAD_BYTES_MAX, 10);
    this.#peer.send(P.optionReply(option, P.REP_INFO, main));
    this.#peer.send(P.optionReply(option, P.REP_INFO, sizes));
    this.#peer.send(P.optionReply(option, P.REP_ACK));
    if (option === P.OPT_GO) this.#state = { kind: 'transmission' };
  }

  #request(bytes: Buffer): number {
    if (bytes.readUInt32BE(0) !== P.REQUEST_MAGIC) return this.#end('no request where one is due');
    const type = bytes.readUInt16BE(6);
    const length = bytes.readUInt32BE(24);
    const hasPayload = type === P.CMD_WRITE;
    if (hasPayload && length > P.PAYLOAD_BYTES_MAX) return this.#end('a payload that is too long');
    const request: NbdRequest = {
      type,
      flags: bytes.readUInt16BE(4),
      cookieHigh: bytes.readUInt32BE(8),
      cookieLow: bytes.readUInt32BE(12),
      offset: P.readWord64(bytes, 16),
      length,
    };
    if (type === P.CMD_DISC) return this.#end('the client has disconnected');
    const sink = this.#peer.request(request);
    if (hasPayload && length > 0 && sink !== undefined) {
      this.#state = { kind: 'payload', sink, left: length, part: undefined, filled: 0 };
    }
    return P.REQUEST_BYTES;
  }

  /** @returns bytes that were used, or -1 when there is no room for a part */
  #payload(state: Payload, bytes: Buffer): number {
    if (state.part === undefined) {
      const part = state.sink.nextPart(state.left);
      if (part === 'wait') return -1;
      if (part === 'skip') return this.#skip(state, bytes);
      state.part = part;
      state.filled = 0;
    }
    const { part } = state;
    const length = Math.min(bytes.length, part.length - state.filled);
    bytes.copy(part, state.filled, 0, length);
    state.filled += length;
    state.left -= length;
    if (state.filled < part.length) return length;
    state.part = undefined;
    state.sink.partFilled();
    if (state.left === 0) this.#payloadEnded(state);
    return length;
  }

  #skip(state: Payload, bytes: Buffer): number {
    const length = Math.min(bytes.length, state.left);
    state.left -= length;
    if (state.left === 0) this.#payloadEnded(state);
    return length;
  }

  #payloadEnded(state: Payload): void {
    this.#state = { kind: 'transmission' };
    state.sink.ended();
  }

  /** The export by its name; the empty name is the only one there is. */
  #find(name: string): NbdExport | undefined {
    return name === '' || name === this.#export?.name ? this.#export : undefined;
  }

  #end(reason: string): -1 {
    if (this.#state.kind !== 'over') {
      this.#state = { kind: 'over' };
      this.#peer.over(reason);
    }
    return -1;
  }
}

/** The name in the data of INFO and GO; undefined when the data is malformed. */
function nameOf(data: Buffer): string | undefined {
  if (data.length < 6) return undefined;
  const length = data.readUInt32BE(0);
  if (length > data.length - 6) return undefined;
  const requests = data.readUInt16BE(4 + length);
  if (data.length !== 6 + length + 2 * requests) return undefined;
  return data.toString('utf8', 4, 4 + length);
}

function flagsOf(exported: NbdExport): number {
  const common = P.EXPORT_HAS_FLAGS | P.EXPORT_SEND_FLUSH | P.EXPORT_CAN_MULTI_CONN;
  if (exported.readOnly) return common | P.EXPORT_READ_ONLY;
  return common | P.EXPORT_SEND_FUA | P.EXPORT_SEND_TRIM | P.EXPORT_SEND_WRITE_ZEROES;
}
