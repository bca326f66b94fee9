/** Packets that ask: what the server can do, which threads there are, and for documents. */

import type { Debugger } from '../debugger.ts';
import { DomainView } from '../domains.ts';
import type { ClientThreads } from './client-threads.ts';
import { memoryMapXml, TARGET_XML, threadsXml } from './documents.ts';
import { hexOf, PACKET_BYTES_MAX } from './packets.ts';
import type { DebuggedProgram, ProgramGuess } from './program-guess.ts';
import { BAD, UNKNOWN } from './replies.ts';

const FEATURES = [
  `PacketSize=${PACKET_BYTES_MAX.toString(16)}`,
  'QStartNoAckMode+',
  'qXfer:features:read+',
  'qXfer:threads:read+',
  'qXfer:memory-map:read+',
  'qXfer:exec-file:read+',
  'vContSupported+',
  'ReverseStep+',
  'ReverseContinue+',
  'swbreak+',
  'hwbreak+',
];
const NO_DOCUMENT = 'E00';
/** User programs have addresses below this one: Sv39. */
const USER_BYTES = 2 ** 38;

export interface QueryParts {
  readonly threads: ClientThreads;
  readonly guess: ProgramGuess;
  readonly programs: readonly DebuggedProgram[];
  readonly debugger: Debugger;
}

export class QueryPackets {
  readonly #parts: QueryParts;

  constructor(parts: QueryParts) {
    this.#parts = parts;
  }

  /**
   * @param name as in `qSupported`
   * @param data the whole packet
   */
  answer(name: string, data: string): string {
    const { threads, guess } = this.#parts;
    switch (name) {
      case 'qSupported':
        return this.#supported(data);
      case 'qC':
        return `QC${threads.names.write(threads.general)}`;
      case 'qAttached':
        return '1';
      case 'qfThreadInfo':
        return `m${threads.shown.map((number) => threads.names.write(number)).join(',')}`;
      case 'qsThreadInfo':
        return 'l';
      case 'qThreadExtraInfo':
        return this.#threadInfo(data.slice('qThreadExtraInfo,'.length));
      case 'qXfer':
        return this.#transfer(data);
      case 'qSymbol':
        return guess.onSymbol(data.slice('qSymbol:'.length));
      default:
        return UNKNOWN;
    }
  }

  #supported(data: string): string {
    const isMany = this.#parts.threads.mode === 'inferiors' && data.includes('multiprocess+');
    return [...FEATURES, ...(isMany ? ['multiprocess+'] : [])].join(';');
  }

  #threadInfo(text: string): string {
    const id = this.#parts.threads.names.read(text);
    if (typeof id !== 'number') return BAD;
    return hexOf(new TextEncoder().encode(this.#view(id).state));
  }

  /** QXfer:OBJECT:read:ANNEX:OFFSET,LENGTH */
  #transfer(data: string): string {
    const match = /^qXfer:([a-z-]+):read:([^:]*):([0-9a-f]+),([0-9a-f]+)$/.exec(data);
    if (match === null) return UNKNOWN;
    const [, object = '', annex = '', offset = '', length = ''] = match;
    const document = this.#document(object, annex);
    if (document === undefined) return NO_DOCUMENT;
    const at = parseInt(offset, 16);
    const bytes = Array.from(new TextEncoder().encode(document), (byte) =>
      String.fromCharCode(byte),
    ).join('');
    // Escaping makes it longer at most by a factor of two.
    const piece = bytes.slice(at, at + Math.min(parseInt(length, 16), PACKET_BYTES_MAX / 4));
    return `${at + piece.length < bytes.length ? 'm' : 'l'}${piece}`;
  }

  #document(object: string, annex: string): string | undefined {
    switch (object) {
      case 'features':
        return annex === 'target.xml' ? TARGET_XML : undefined;
      case 'threads':
        return this.#threadList();
      case 'memory-map':
        return memoryMapXml([{ start: 0, sizeBytes: USER_BYTES }]);
      case 'exec-file':
        return this.#execFile(annex);
      default:
        return undefined;
    }
  }

  #threadList(): string {
    const { threads } = this.#parts;
    return threadsXml(
      threads.shown.map((number) => {
        const { pd, state } = this.#view(number);
        return { id: threads.names.write(number), name: pd, state };
      }),
    );
  }

  #execFile(annex: string): string | undefined {
    const { threads, programs } = this.#parts;
    const number = annex === '' ? threads.general : parseInt(annex, 16);
    const pd = threads.names.pdOf(number);
    return programs.find((each) => each.pd === pd)?.path;
  }

  #view(number: number): DomainView {
    const { threads, debugger: debug } = this.#parts;
    return new DomainView(threads.names.pdOf(number) ?? '', debug);
  }
}
