/** `--serial`: what the UART's line is plugged into. */

import type { LineFormat, Parity } from '../../board/serial-wire.ts';
import type { SocketProtocol } from '../../host/serial/socket-bridge.ts';
import { UserMistake } from '../../host/problem.ts';
import { OptionString } from '../option-string.ts';
import { parseChoice, parseCount } from '../quantities.ts';

export type SerialOptions =
  | { readonly kind: 'none' }
  | { readonly kind: 'stdio' }
  | { readonly kind: 'pty'; readonly link?: string }
  | {
      readonly kind: 'port';
      readonly path: string;
      readonly format: LineFormat;
      readonly flow: 'none' | 'rtscts';
    }
  | {
      readonly kind: 'socket';
      readonly protocol: SocketProtocol;
      readonly address: string;
      readonly port: number;
    }
  | { readonly kind: 'file'; readonly inPath?: string; readonly outPath?: string };

export const SERIAL_HELP = `Where a UART's line is plugged in (--serial; of several UARTs by name, as in uart1=pty):
  stdio                             this terminal, raw; Ctrl-] quits
  pty[,link=./uart0]                a pseudo-terminal, whose name is printed; output is kept until somebody attaches
  port,path=/dev/ttyUSB0[,baud=115200,bits=8,parity=none,stop=1,flow=none|rtscts]
                                    a serial port; what the driver programs is set on it
  tcp,listen=127.0.0.1:4444         a socket; one client writes, further ones read only
  telnet,listen=127.0.0.1:4444      the same for a telnet client
  rfc2217,listen=127.0.0.1:4444     the same with COM-PORT-OPTION, for pyserial's rfc2217://
  file[,in=script.txt][,out=log.txt]
  none                              nothing`;

const SOCKETS = ['tcp', 'telnet', 'rfc2217'] as const;
const LISTEN = { once: ['listen'] };
const KINDS = {
  stdio: {},
  pty: { once: ['link'] },
  port: { once: ['path', 'baud', 'bits', 'parity', 'stop', 'flow'] },
  tcp: LISTEN,
  telnet: LISTEN,
  rfc2217: LISTEN,
  file: { once: ['in', 'out'] },
  none: {},
};
/** What may stand first in the text. */
export const SERIAL_WORDS: readonly string[] = [
  'stdio',
  'pty',
  'port,path=@files',
  ...SOCKETS.map((socket) => `${socket},listen=`),
  'file,in=@files',
  'file,out=@files',
  'none',
];
const BAUD = { min: 50, max: 4_000_000 };
const PORT = { min: 0, max: 65_535 };

/** @throws UserMistake */
export function parseSerialOptions(text: string): SerialOptions {
  const given = OptionString.parse('--serial', text, KINDS);
  switch (given.kind) {
    case 'stdio':
    case 'none':
      return { kind: given.kind };
    case 'pty': {
      const link = given.value('link');
      return { kind: 'pty', ...(link === undefined ? {} : { link }) };
    }
    case 'port':
      return parsePort(given);
    case 'file':
      return parseFile(given);
    default:
      return parseSocket(given);
  }
}

function parsePort(given: OptionString): SerialOptions {
  const { where } = given;
  const bits = Number(
    parseChoice(given.value('bits') ?? '8', `${where},bits`, ['5', '6', '7', '8']),
  );
  const parities = ['none', 'odd', 'even', 'mark', 'space'] as const;
  const parity: Parity = parseChoice(given.value('parity') ?? 'none', `${where},parity`, parities);
  const stop = Number(parseChoice(given.value('stop') ?? '1', `${where},stop`, ['1', '1.5', '2']));
  return {
    kind: 'port',
    path: given.required('path', '/dev/ttyUSB0'),
    format: {
      baud: parseCount(given.value('baud') ?? '115200', `${where},baud`, BAUD),
      dataBits: bits as LineFormat['dataBits'],
      parity,
      stopBits: stop as LineFormat['stopBits'],
    },
    flow: parseChoice(given.value('flow') ?? 'none', `${where},flow`, ['none', 'rtscts']),
  };
}

function parseFile(given: OptionString): SerialOptions {
  const inPath = given.value('in');
  const outPath = given.value('out');
  return {
    kind: 'file',
    ...(inPath === undefined ? {} : { inPath }),
    ...(outPath === undefined ? {} : { outPath }),
  };
}

function parseSocket(given: OptionString): SerialOptions {
  const protocol = parseChoice(given.kind, '--serial', SOCKETS);
  const listen = given.required('listen', '127.0.0.1:4444');
  const colon = listen.lastIndexOf(':');
  if (colon < 0) {
    throw new UserMistake(`${given.where}: listen=${listen} is not ADDRESS:PORT`);
  }
  const port = parseCount(listen.slice(colon + 1), `${given.where},listen`, PORT);
  // An empty address, as in listen=:4444, is this machine only: a console is nobody else's
  // business.
  const address = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { kind: 'socket', protocol, address: address === '' ? '127.0.0.1' : address, port };
}
