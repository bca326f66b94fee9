/**
 * A client of the NBD protocol that does what it is told, wrong things too: it sends what a test
 * gives it, and reads only what a test asks for. Numbers are repeated from the protocol's
 * description.
 */

import { createConnection, type Socket } from 'node:net';

const GREETING_BYTES = 18;
const OPT_GO = 7;
const OPT_STRUCTURED_REPLY = 8;

export interface WireRequest {
  readonly type: number;
  readonly offset: number;
  readonly length: number;
  readonly flags?: number;
  readonly cookie?: number;
}

export class NbdClient {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #ended = false;
  #news: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    const over = (): void => {
      this.#ended = true;
      this.#news();
    };
    socket.on('error', over);
    socket.on('close', over);
    socket.on('end', over);
    socket.pause();
  }

  /** Connects to a UNIX socket, and does nothing else. */
  static connect(path: string): Promise<NbdClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ path, allowHalfOpen: true }, () => {
        socket.off('error', reject);
        resolve(new NbdClient(socket));
      });
      socket.once('error', reject);
    });
  }

  /** Connects, and chooses the export. */
  static async open(path: string, replies: 'simple' | 'structured' = 'simple'): Promise<NbdClient> {
    const client = await NbdClient.connect(path);
    await client.take(GREETING_BYTES);
    client.socket.write(Buffer.from('00000003', 'hex'));
    if (replies === 'structured') {
      client.socket.write(option(OPT_STRUCTURED_REPLY, Buffer.alloc(0)));
      await client.take(20);
    }
    client.socket.write(option(OPT_GO, Buffer.alloc(6)));
    for (let type = 0; type !== 1;) {
      const header = await client.take(20);
      type = header.readUInt32BE(12);
      await client.take(header.readUInt32BE(16));
    }
    return client;
  }

  send(request: WireRequest, payload?: Buffer): void {
    this.socket.write(requestBytes(request));
    if (payload !== undefined) this.socket.write(payload);
  }

  /** @returns exactly so many bytes; fewer when the server hangs up before */
  async take(count: number): Promise<Buffer> {
    while (this.#length < count && !this.#ended) await this.#more();
    const all = Buffer.concat(this.#chunks.splice(0));
    const taken = all.subarray(0, count);
    this.#chunks.push(all.subarray(taken.length));
    this.#length = all.length - taken.length;
    return taken;
  }

  /** A simple reply. */
  async reply(dataBytes = 0): Promise<{ error: number; cookie: number; data: Buffer }> {
    const header = await this.take(16);
    if (header.length < 16) throw new Error('the server has hung up');
    const error = header.readUInt32BE(4);
    const data = await this.take(error === 0 ? dataBytes : 0);
    return { error, cookie: header.readUInt32BE(12), data };
  }

  /** Resolves when the server has hung up; what it says before is thrown away. */
  async ended(): Promise<void> {
    while (!this.#ended) await this.#more();
  }

  close(): void {
    this.socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      const heard = (chunk?: Buffer): void => {
        this.socket.pause();
        this.socket.off('data', heard);
        if (chunk !== undefined) this.#chunks.push(chunk);
        this.#length += chunk?.length ?? 0;
        resolve();
      };
      this.#news = () => heard();
      this.socket.on('data', heard);
      this.socket.resume();
    });
  }
}

export function requestBytes(request: WireRequest): Buffer {
  const header = Buffer.alloc(28);
  header.writeUInt32BE(0x2560_9513, 0);
  header.writeUInt16BE(request.flags ?? 0, 4);
  header.writeUInt16BE(request.type, 6);
  header.writeUInt32BE(request.cookie ?? 0, 12);
  header.writeBigUInt64BE(BigInt(request.offset), 16);
  header.writeUInt32BE(request.length, 24);
  return header;
}

export function option(number: number, data: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.write('IHAVEOPT', 'latin1');
  header.writeUInt32BE(number, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}
