/**
 * A client of the network block device protocol that keeps a number of requests in flight: for
 * machines without fio, and to fill a disk. It looks at no data.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { breathe } from '../../host/event-loop.ts';
import { hostNow } from '../../host/host-time.ts';
import * as P from '../../host/nbd/protocol.ts';

/** NBDMAGIC, IHAVEOPT, and flags. */
const GREETING_BYTES = 18;
/** Size and flags of the export. */
const EXPORT_BYTES = 10;

export interface NbdLoad {
  readonly order: 'random' | 'sequential';
  readonly type: 'read' | 'write';
  readonly requestBytes: number;
  readonly depth: number;
}

export class NbdClient {
  readonly sizeBytes: number;
  readonly #socket: Socket;

  private constructor(socket: Socket, sizeBytes: number) {
    this.#socket = socket;
    this.sizeBytes = sizeBytes;
  }

  static async connect(path: string): Promise<NbdClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    await readBytes(socket, GREETING_BYTES);
    const hello = Buffer.alloc(4 + P.OPTION_HEADER_BYTES);
    hello.writeUInt32BE(P.FLAG_FIXED_NEWSTYLE | P.FLAG_NO_ZEROES, 0);
    hello.write(P.IHAVEOPT, 4, 'latin1');
    hello.writeUInt32BE(P.OPT_EXPORT_NAME, 12);
    socket.write(hello);
    const exported = await readBytes(socket, EXPORT_BYTES);
    return new NbdClient(socket, P.readWord64(exported, 0));
  }

  /**
   * Sends requests, a new one for each that is answered, until enough of them have been or the time
   * is over.
   *
   * @returns requests answered per second
   */
  async run(
    load: NbdLoad,
    until: { readonly requests?: number; readonly ns?: number },
  ): Promise<number> {
    const { requests = Infinity, ns = Infinity } = until;
    const replyBytes = P.REPLY_BYTES + (load.type === 'read' ? load.requestBytes : 0);
    const startedAt = hostNow();
    let sent = 0;
    let answered = 0;
    let bytes = 0;
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      const all = Math.floor(bytes / replyBytes);
      const isOver = sent >= requests || hostNow() - startedAt >= ns;
      if (!isOver) this.#send(load, sent, all - answered);
      if (!isOver) sent += all - answered;
      answered = all;
    };
    this.#socket.on('data', onData);
    sent = Math.min(load.depth, requests);
    this.#send(load, 0, sent);
    while (answered < sent && !this.#socket.destroyed) await breathe();
    this.#socket.off('data', onData);
    if (answered < sent) throw new Error('the NBD server has hung up');
    return (answered * 1e9) / (hostNow() - startedAt);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** @param first number of the first of them: a sequential load goes on from there */
  #send(load: NbdLoad, first: number, count: number): void {
    if (count === 0) return;
    const { type, requestBytes } = load;
    const bytes = P.REQUEST_BYTES + (type === 'write' ? requestBytes : 0);
    const requests = Buffer.alloc(bytes * count);
    const places = Math.floor(this.sizeBytes / requestBytes);
    for (let index = 0; index < count; index += 1) {
      const at = index * bytes;
      const place =
        load.order === 'sequential' ? (first + index) % places : scatter(first + index, places);
      requests.writeUInt32BE(P.REQUEST_MAGIC, at);
      requests.writeUInt16BE(type === 'read' ? P.CMD_READ : P.CMD_WRITE, at + 6);
      P.writeWord64(requests, first + index, at + 8);
      P.writeWord64(requests, place * requestBytes, at + 16);
      requests.writeUInt32BE(requestBytes, at + 24);
    }
    this.#socket.write(requests);
  }
}

/** Knuth's multiplicative hash: spreads consecutive numbers. */
function scatter(number: number, bound: number): number {
  return (Math.imul(number, 2_654_435_761) >>> 0) % bound;
}

/** The next so many bytes, no more: the server waits for us between them. */
async function readBytes(socket: Socket, count: number): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < count) {
    const chunk = (await once(socket, 'data')) as [Buffer];
    bytes = Buffer.concat([bytes, chunk[0]]);
  }
  return bytes;
}
