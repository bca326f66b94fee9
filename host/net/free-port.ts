/**
 * A port of the loopback interface that nobody has, for whoever has to be told one: libslirp and
 * other programs, which do not say which one the system has chosen for 0.
 */

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';

/** Free a moment ago: somebody else may take it before it is used. */
export function freePort(protocol: 'tcp' | 'udp'): Promise<number> {
  return protocol === 'tcp' ? freeTcpPort() : freeUdpPort();
}

async function freeTcpPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, LOOPBACK, resolve));
  const address = server.address();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('a server that listens on TCP has a port');
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => void socket.bind(0, LOOPBACK, resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => void socket.close(() => resolve()));
  return port;
}
