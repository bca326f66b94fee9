/**
 * The serial line on a TCP port: raw bytes, telnet, or RFC 2217.
 *
 * The first client writes; further ones see the output and their input is dropped and counted. When
 * the writer goes, the client that has been there longest becomes the writer. The writer's pace is
 * the line's; a reader that does not keep up loses output of its own, counted, and holds nobody.
 * While nobody is connected output is kept.
 *
 * A client of RFC 2217 opens a port by setting everything and throwing away what has come so far,
 * as it would with a port of its own machine. What the board said before it came is not meant by
 * that: output begins when its settings have come to an end. A further client is told what is in
 * force, and sets nothing.
 */

import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, breathe } from '../event-loop.ts';
import type { HostTimer } from '../event-loop.ts';
import { explainSystemError } from '../problem.ts';
import { KeptOutput } from './bridge.ts';
import type { NoticeListener, SerialBridge } from './bridge.ts';
import { ComPort } from './com-port.ts';
import type { HostLine } from './host-line.ts';
import { OPTION_COM_PORT, TelnetCodec } from './telnet-codec.ts';

export type SocketProtocol = 'tcp' | 'telnet' | 'rfc2217';

export interface SocketBridgeOptions {
  readonly host: HostLine;
  readonly protocol: SocketProtocol;
  readonly address: string;
  /** 0: any free port, to be read from {@link SocketBridge.port}. */
  readonly port: number;
  readonly onNotice: NoticeListener;
}

const BUFFERED_BYTES_MAX = 262_144;
const PIECE_BYTES_MAX = 65_536;
/** A quarter of a second, what `sendbreak` of a terminal gives. */
const TELNET_BREAK_NS = 250_000_000;
/** A client of RFC 2217 that has set nothing for so long has set all. */
const SETTLED_MS = 250;
/** Clients at once; a further one is told and disconnected. */
const CLIENTS_MAX = 32;

interface Client {
  readonly socket: Socket;
  readonly codec: TelnetCodec | undefined;
  comPort: ComPort | undefined;
  /** Runs while a client of RFC 2217 opens the port. */
  opening: HostTimer | undefined;
}

export class SocketBridge implements SerialBridge {
  readonly inputOver = false;
  readonly #options: SocketBridgeOptions;
  readonly #host: HostLine;
  readonly #server: Server;
  readonly #kept = new KeptOutput();
  readonly #clients: Client[] = [];
  readonly #counts = {
    connections: 0,
    refusedConnections: 0,
    droppedReaderInput: 0,
    droppedSlowReader: 0,
    brokenOptions: 0,
  };

  private constructor(options: SocketBridgeOptions) {
    this.#options = options;
    this.#host = options.host;
    this.#server = createServer({ noDelay: true }, (socket) => this.#connected(socket));
    this.#host.listen({
      roomForInput: () => this.#writer?.socket.resume(),
      breakChanged: (level) => this.#writer?.comPort?.breakChanged(level),
      outputsChanged: (outputs) => this.#writer?.comPort?.outputsChanged(outputs),
    });
  }

  /** @throws UserMistake when the address cannot be had */
  static async open(options: SocketBridgeOptions): Promise<SocketBridge> {
    const bridge = new SocketBridge(options);
    const { protocol, address, port } = options;
    await new Promise<void>((resolve, reject) => {
      bridge.#server.once('error', (error) => {
        reject(explainSystemError(error, `--serial ${protocol},listen=${address}:${port}`));
      });
      bridge.#server.listen(port, address, () => resolve());
    });
    return bridge;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get description(): string {
    const { protocol, address } = this.#options;
    const how = {
      tcp: `nc ${address} ${this.port}`,
      telnet: `telnet ${address} ${this.port}`,
      rfc2217: `python3 -m serial.tools.miniterm rfc2217://${address}:${this.port} 115200`,
    }[protocol];
    return `serial: ${protocol} on ${address}:${this.port}; try: ${how}`;
  }

  get #writer(): Client | undefined {
    return this.#clients[0];
  }

  flush(): void {
    this.#host.flush();
    const writer = this.#writer;
    if (writer === undefined) {
      for (let bytes = this.#read(); bytes !== undefined; bytes = this.#read()) {
        this.#kept.put(bytes);
      }
      return;
    }
    if (writer.opening !== undefined || writer.comPort?.isSuspended === true) return;
    while (writer.socket.writableLength < BUFFERED_BYTES_MAX) {
      const bytes = this.#read();
      if (bytes === undefined) return;
      this.#sendAll(bytes);
    }
  }

  #read(): Uint8Array | undefined {
    return this.#host.read(PIECE_BYTES_MAX);
  }

  #sendAll(bytes: Uint8Array): void {
    for (const [index, { socket, codec }] of this.#clients.entries()) {
      const isBehind = socket.writableLength >= BUFFERED_BYTES_MAX;
      if (index > 0 && (isBehind || this.#clients[index]?.opening !== undefined)) {
        this.#counts.droppedSlowReader += bytes.length;
      } else {
        socket.write(codec === undefined ? bytes : codec.encode(bytes));
      }
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const { socket, opening } of this.#clients) {
      opening?.cancel();
      socket.end();
    }
    await breathe();
    for (const { socket } of this.#clients) socket.destroy();
    this.#host.unplug();
    await closed;
  }

  counters(): Record<string, number> {
    return { ...this.#host.counters(), keptDropped: this.#kept.dropped, ...this.#counts };
  }

  #connected(socket: Socket): void {
    this.#counts.connections += 1;
    if (this.#clients.length >= CLIENTS_MAX) {
      this.#counts.refusedConnections += 1;
      socket.end('too many clients\r\n');
      return;
    }
    const client = this.#makeClient(socket);
    this.#clients.push(client);
    // An error is followed by 'close'; what a broken connection has not read is lost with it.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#disconnected(client));
    socket.on('data', (bytes: Buffer) => this.#received(client, bytes));
    client.codec?.greet();
    this.#makePort(client);
    if (this.#writer !== client) {
      this.#options.onNotice('serial: a further client has connected: it reads only');
      return;
    }
    if (client.comPort === undefined) this.#opened(client);
  }

  /** It may have output now. */
  #opened(client: Client): void {
    client.opening?.cancel();
    client.opening = undefined;
    if (client !== this.#writer) return;
    for (const bytes of this.#kept.take()) this.#sendAll(bytes);
    this.#host.wake();
  }

  /** As long as settings come, the port is being opened. */
  #setting(client: Client): void {
    client.opening?.cancel();
    client.opening = after(SETTLED_MS, () => this.#opened(client));
  }

  #makeClient(socket: Socket): Client {
    const { protocol } = this.#options;
    if (protocol === 'tcp') {
      return { socket, codec: undefined, comPort: undefined, opening: undefined };
    }
    const events = {
      send: (bytes: Uint8Array) => void socket.write(bytes),
      breakReceived: () => this.#breakFrom(client),
      subnegotiation: (option: number, bytes: Uint8Array) => {
        if (option !== OPTION_COM_PORT) return;
        if (client.opening !== undefined) this.#setting(client);
        client.comPort?.command(bytes);
        this.#host.wake();
      },
    };
    const codec = new TelnetCodec(events, protocol === 'rfc2217' ? [OPTION_COM_PORT] : []);
    const client: Client = { socket, codec, comPort: undefined, opening: undefined };
    return client;
  }

  /** The port is the writer's to set. */
  #makePort(client: Client): void {
    const { codec } = client;
    if (this.#options.protocol !== 'rfc2217' || codec === undefined) return;
    const isNew = client.comPort === undefined;
    client.comPort = new ComPort({
      role: client === this.#writer ? 'owner' : 'watcher',
      host: this.#host,
      answer: (bytes) => codec.sendSubnegotiation(OPTION_COM_PORT, bytes),
      purgeOutput: () => {
        // What was said before it came is not what it means.
        if (client.opening === undefined) this.#host.purgeOutput();
      },
    });
    if (isNew) this.#setting(client);
  }

  #breakFrom(client: Client): void {
    if (client !== this.#writer) return;
    // Telnet's BREAK has no length; RFC 2217's has, and comes as a command.
    this.#host.pulseBreak(TELNET_BREAK_NS);
  }

  #received(client: Client, bytes: Uint8Array): void {
    const data = client.codec === undefined ? bytes : client.codec.decode(bytes);
    if (data.length === 0) return;
    // One that writes has opened its port.
    if (client.opening !== undefined) this.#opened(client);
    if (client !== this.#writer) {
      this.#counts.droppedReaderInput += data.length;
      return;
    }
    if (this.#host.offer(data) === 'wait') client.socket.pause();
  }

  #disconnected(client: Client): void {
    const wasWriter = client === this.#writer;
    this.#clients.splice(this.#clients.indexOf(client), 1);
    this.#counts.brokenOptions += (client.codec?.dropped ?? 0) + (client.comPort?.refused ?? 0);
    client.comPort?.release();
    client.opening?.cancel();
    const next = this.#writer;
    if (!wasWriter || next === undefined) return;
    this.#makePort(next);
    this.#options.onNotice('serial: the writer has gone; the next client writes now');
  }
}
