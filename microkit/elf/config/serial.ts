/** Configuration sections of the serial class: sDDF 0.7, `serial/config.h`. */

import { BEGIN_BYTES, NAME_BYTES, SERIAL_SECTIONS, SLOTS } from '../../../queues/classes.ts';
import type { RegionValue } from '../../../queues/sections.ts';
import { type ConfigSection, configSection } from './section.ts';
import { NO_REGION, type Source } from './source.ts';

const BAUD = 115_200;
const BEGIN = 'Begin input\r\n';
/** Ctrl-\ */
const SWITCH_CHARACTER = 28;
/** Enter */
const TERMINATE_CHARACTER = 13;
/** A byte that no keyboard sends: input is never switched. */
const NO_CHARACTER = 0xff;

interface ConnectionValue {
  readonly queue: RegionValue;
  readonly data: RegionValue;
  readonly id: number;
}

/** A null queue says that there is no such direction. */
const NO_CONNECTION: ConnectionValue = { queue: NO_REGION, data: NO_REGION, id: 0 };

function isConnection(source: Source): boolean {
  return source.has('queue', 'data', 'capacity', 'channel');
}

function connectionOf(source: Source): ConnectionValue {
  const capacity = BigInt(source.at('capacity').number(0x8000_0000));
  // The program takes the region's size for the queue's capacity.
  const data = { vaddr: source.at('data').region().vaddr, size: capacity };
  return { queue: source.at('queue').region(), data, id: source.at('channel').number(0xff) };
}

function optionalConnectionOf(source: Source): ConnectionValue {
  return source.isThere ? connectionOf(source) : NO_CONNECTION;
}

const driver = configSection({
  ...SERIAL_SECTIONS.driver,
  from: (source) => {
    if (!source.has('registers') || !isConnection(source.at('tx'))) return undefined;
    return {
      rx: optionalConnectionOf(source.at('rx')),
      tx: connectionOf(source.at('tx')),
      defaultBaud: BigInt(source.at('defaultBaud').number(0xffff_ffff, BAUD)),
      rxEnabled: source.has('rx') ? 1 : 0,
    };
  },
});

const virtRx = configSection({
  ...SERIAL_SECTIONS.virtRx,
  from: (source) => {
    if (!isConnection(source.at('driver')) || source.has('colour')) return undefined;
    return {
      driver: connectionOf(source.at('driver')),
      clients: source
        .at('clients')
        .items(SLOTS)
        .map((client) => connectionOf(client.at('connection'))),
      switchChar: switchCharacterOf(source),
      terminateNumChar: source.at('terminateCharacter').number(0xff, TERMINATE_CHARACTER),
    };
  },
});

function switchCharacterOf(source: Source): number {
  const character = source.at('switchCharacter');
  return character.is(-1) ? NO_CHARACTER : character.number(0xff, SWITCH_CHARACTER);
}

const virtTx = configSection({
  ...SERIAL_SECTIONS.virtTx,
  from: (source) => {
    if (!isConnection(source.at('driver')) || !source.has('colour')) return undefined;
    return {
      driver: connectionOf(source.at('driver')),
      clients: source
        .at('clients')
        .items(SLOTS)
        .map((client) => ({
          conn: connectionOf(client.at('connection')),
          name: client.at('name').text(NAME_BYTES),
        })),
      beginStr: source.at('beginString').text(BEGIN_BYTES, BEGIN),
      enableColour: source.at('colour').is('on') ? 1 : 0,
      enableRx: source.at('input').is('on') ? 1 : 0,
    };
  },
});

const client = configSection({
  ...SERIAL_SECTIONS.client,
  from: (source) => {
    const serial = source.at('serial');
    if (!isConnection(serial.at('tx'))) return undefined;
    return { rx: optionalConnectionOf(serial.at('rx')), tx: connectionOf(serial.at('tx')) };
  },
});

export const SERIAL_CONFIG: readonly ConfigSection[] = [driver, virtRx, virtTx, client];
