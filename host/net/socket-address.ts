/**
 * Addresses of host sockets as they are written on the command line: `unix:PATH`, `tcp:HOST:PORT`,
 * `HOST:PORT`.
 */

import { UserMistake } from '../problem.ts';

export type StreamAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface UdpAddress {
  /** A dotted IPv4 address. */
  readonly host: string;
  readonly port: number;
}

/** The longest path that fits a UNIX socket's address. */
const UNIX_PATH_BYTES_MAX = 107;

/** @param where what to blame in the message, such as `--net stream,server=…` */
export function parseStreamAddress(text: string, where: string): StreamAddress {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    if (path === '') throw new UserMistake(`${where}: unix: needs a path, such as unix:a.sock`);
    if (new TextEncoder().encode(path).length > UNIX_PATH_BYTES_MAX) {
      throw new UserMistake(
        `${where}: a UNIX socket's path has at most ${UNIX_PATH_BYTES_MAX} bytes; use a shorter one`,
      );
    }
    return { kind: 'unix', path };
  }
  if (text.startsWith('tcp:')) {
    const { host, port } = splitHostPort(text.slice('tcp:'.length), where);
    return { kind: 'tcp', host, port };
  }
  throw new UserMistake(`${where}: '${text}' is neither unix:PATH nor tcp:HOST:PORT`);
}

export function parseUdpAddress(text: string, where: string): UdpAddress {
  const { host, port } = splitHostPort(text, where);
  if (!isIpv4(host)) {
    throw new UserMistake(`${where}: '${host}' is not an IPv4 address such as 127.0.0.1`);
  }
  return { host, port };
}

function splitHostPort(text: string, where: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  if (colon === -1) throw new UserMistake(`${where}: '${text}' is not HOST:PORT`);
  const name = text.slice(0, colon);
  const host = name === '' || name === 'localhost' ? '127.0.0.1' : name;
  return { host, port: parsePort(text.slice(colon + 1), where) };
}

/** @returns a port, 0..65535; 0 lets the system choose */
export function parsePort(text: string, where: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new UserMistake(`${where}: '${text}' is not a port from 0 to 65535`);
  }
  return port;
}

export function isIpv4(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  return match !== null && match.slice(1).every((part) => Number(part) <= 255);
}

export function formatStreamAddress(address: StreamAddress): string {
  return address.kind === 'unix'
    ? `unix:${address.path}`
    : `tcp:${address.host}:${String(address.port)}`;
}

/** @param text a dotted address that {@link isIpv4} accepts */
export function ipv4Number(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function ipv4Text(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
}
