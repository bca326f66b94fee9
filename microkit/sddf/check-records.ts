/**
 * Holds configuration records against the description that they come with, which upstream's tools
 * do not: whether the regions, symbols and channels that they name are there and large enough;
 * whether capacities are powers of two and have room for every buffer; whether who serves has a
 * higher priority; and whether a domain has more access than its record needs. The builder cannot
 * go wrong here; a `.system` file with its JSON beside it, changed by hand, can.
 */

import type { NetData } from '../../queues/net/config.ts';
import type { Diagnostic } from '../diagnostic.ts';
import type { MapDescription, PdDescription, SystemDescription } from '../model.ts';
import { channelsOf, flatten, regionNamed } from '../model.ts';
import { isPowerOfTwo } from './device.ts';
import {
  type Capacity,
  type ConnectionFacts,
  connectionFacts,
  demandsOf,
  isNetData,
  netDataAccess,
  namesRegion,
  netDataBytes,
  type Position,
  type Use,
} from './record-shapes.ts';

/** @returns errors for what cannot work, warnings for access that is wider than its use */
export function checkRecords(system: SystemDescription): readonly Diagnostic[] {
  return flatten(system).flatMap(({ pd }) => new RecordCheck(system, pd).run());
}

class RecordCheck {
  readonly #system: SystemDescription;
  readonly #pd: PdDescription;
  readonly #found: Diagnostic[] = [];
  readonly #uses: Use[] = [];

  constructor(system: SystemDescription, pd: PdDescription) {
    this.#system = system;
    this.#pd = pd;
  }

  run(): readonly Diagnostic[] {
    this.#visit(this.#pd.config, { around: [], key: '' });
    for (const use of this.#uses) this.#checkUse(use);
    return this.#found;
  }

  /** Looks for what has a known shape anywhere in a configuration. */
  #visit(value: unknown, position: Position): void {
    if (Array.isArray(value)) {
      for (const each of value as unknown[]) this.#visit(each, position);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const connection = connectionFacts(value, position);
    if (connection !== undefined) return this.#onConnection(connection);
    if (isNetData(value)) return this.#onData(value, position);
    for (const [key, each] of Object.entries(value)) {
      if (typeof each === 'string')
        this.#onText(each, { around: [value, ...position.around], key });
      else this.#visit(each, { around: [value, ...position.around], key });
    }
    this.#checkRoom(value);
  }

  #onConnection({ channel, capacity, uses, isServed }: ConnectionFacts): void {
    if (!this.#checkCapacity(capacity)) return;
    this.#uses.push(...uses);
    const own = channelsOf(this.#system, this.#pd.name).find((each) => each.own.id === channel);
    if (own === undefined) {
      this.#report('error', `the configuration names channel ${channel}, there is none`);
    } else if (isServed) {
      this.#checkPriority(own.peer.pd);
    }
  }

  #checkCapacity({ slots, queue, indexBits }: Capacity): boolean {
    const most = 2 ** (indexBits - 1);
    if (isPowerOfTwo(slots) && slots <= most) return true;
    const hint = `queue indices are ${indexBits} bits wide and wrap, so a capacity has to divide 2^${indexBits}`;
    this.#report('error', `capacity ${slots} of '${queue}' is no power of two up to ${most}`, hint);
    return false;
  }

  #checkPriority(name: string): void {
    const peer = flatten(this.#system).find(({ pd }) => pd.name === name)?.pd;
    if (peer === undefined || peer.priority > this.#pd.priority) return;
    this.#report(
      'error',
      `'${this.#pd.name}' (priority: ${this.#pd.priority}) must have a lower priority than ` +
        `'${name}' (priority: ${peer.priority}), which serves it`,
      'priorities rise from the client over the copier and the virtualisers to the driver',
    );
  }

  /** Queues overflow when there are more buffers than slots: nobody looks whether there is room. */
  #checkRoom(record: object): void {
    for (const { slots, needed, queue, what } of demandsOf(record)) {
      if (needed <= slots) continue;
      this.#report('error', `${queue} has ${slots} slots, ${what} are ${needed}`);
    }
  }

  #onData(data: NetData, position: Position): void {
    const needs = netDataAccess(position);
    const { region, paddrSymbol } = data;
    this.#uses.push({ region, needs, bytes: netDataBytes(data) });
    if (paddrSymbol === undefined) return;
    const set = this.#pd.setvars.find(({ symbol }) => symbol === paddrSymbol);
    if (set?.region === region) return;
    const what = `the configuration takes the address of '${region}' from '${paddrSymbol}'`;
    this.#report('error', `${what}, which no setvar sets to it`);
  }

  /** Names that mean the same in the records of every class. */
  #onText(text: string, position: Position): void {
    if (namesRegion(position)) {
      this.#uses.push({ region: text, needs: 'rw', bytes: 0 });
    } else if (position.key === 'ringsPaddrSymbol' || position.key === 'paddrSymbol') {
      if (this.#pd.setvars.some(({ symbol }) => symbol === text)) return;
      const what = `the configuration takes an address from '${text}'`;
      this.#report('error', `${what}, which no setvar sets`);
    }
  }

  #checkUse({ region: name, needs, bytes }: Use): void {
    const region = regionNamed(this.#system, name);
    const map = this.#pd.maps.find((candidate) => candidate.region === name);
    if (region === undefined || map === undefined) {
      this.#report('error', `the configuration uses region '${name}', which is not mapped here`);
      return;
    }
    if (region.size < BigInt(bytes)) {
      const what = `region '${name}' has ${region.size} bytes`;
      this.#report('error', `${what}, the configuration needs ${bytes}`);
    }
    this.#checkAccess(map, needs);
  }

  #checkAccess({ region, permissions }: MapDescription, needs: Use['needs']): void {
    const lacks = Array.from(needs).filter((letter) => !permissions.includes(letter));
    const spare = Array.from(permissions).filter((letter) => !needs.includes(letter));
    // Another use of the same region may need more.
    const other = this.#uses.some((use) => use.region === region && use.needs === 'rw');
    const what = `region '${region}' is mapped '${permissions}', its use needs '${needs}'`;
    if (lacks.length > 0) this.#report('error', what);
    else if (spare.length > 0 && !(other && permissions === 'rw')) this.#report('warning', what);
  }

  #report(severity: Diagnostic['severity'], message: string, hint?: string): void {
    const text = severity === 'error' ? `Error: ${message}` : message;
    const path = `protection_domain '${this.#pd.name}'`;
    this.#found.push({ severity, message: text, path, ...(hint === undefined ? {} : { hint }) });
  }
}
