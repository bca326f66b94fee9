/**
 * Holds the configuration records of the network class against the description that they come with: whether the regions,
 * symbols and channels that they name are there and large enough, and whether a domain has more access than its record
 * needs. The builder cannot go wrong here; a `.system` file with its JSON beside it, changed by hand, can.
 */

import type { NetConnection, NetData } from '../../queues/net/config.ts';
import type { Diagnostic } from '../diagnostic.ts';
import type { MapDescription, PdDescription, SystemDescription } from '../model.ts';
import { channelsOf, flatten, regionNamed } from '../model.ts';
import { isPowerOfTwo } from './device.ts';

const NET_BUFFER_BYTES = 2048;
const QUEUE_HEADER_BYTES = 8;
const QUEUE_ENTRY_BYTES = 16;
const NET_CAPACITY_MAX = 32_768;

type Access = 'r' | 'rw';

interface Use {
  readonly region: string;
  readonly needs: Access;
  readonly bytes: number;
}

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
    this.#visit(this.#pd.config, 'rw');
    for (const use of this.#uses) this.#checkUse(use);
    return this.#found;
  }

  /** Looks for connections and data regions anywhere in a configuration. */
  #visit(value: unknown, access: Access): void {
    if (Array.isArray(value)) {
      for (const each of value as unknown[]) this.#visit(each, access);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    if (isConnection(value)) return this.#onConnection(value);
    if (isData(value)) return this.#onData(value, access);
    for (const [key, each] of Object.entries(value)) {
      this.#visit(each, readsOnly(value, key) ? 'r' : access);
    }
  }

  #onConnection({ freeQueue, activeQueue, capacity, channel }: NetConnection): void {
    if (!isPowerOfTwo(capacity) || capacity > NET_CAPACITY_MAX) {
      const hint = 'queue indices are 16 bits wide and wrap, so a capacity has to divide 65536';
      this.#report(
        'error',
        `capacity ${capacity} of '${activeQueue}' is no power of two up to ${NET_CAPACITY_MAX}`,
        hint,
      );
      return;
    }
    const bytes = QUEUE_HEADER_BYTES + QUEUE_ENTRY_BYTES * capacity;
    for (const region of [freeQueue, activeQueue]) this.#uses.push({ region, needs: 'rw', bytes });
    const known = channelsOf(this.#system, this.#pd.name).some(({ own }) => own.id === channel);
    if (!known) this.#report('error', `the configuration names channel ${channel}, there is none`);
  }

  #onData({ region, buffers, paddrSymbol }: NetData, needs: Access): void {
    this.#uses.push({ region, needs, bytes: buffers * NET_BUFFER_BYTES });
    if (paddrSymbol === undefined) return;
    const set = this.#pd.setvars.find(({ symbol }) => symbol === paddrSymbol);
    if (set?.region === region) return;
    const what = `the configuration takes the address of '${region}' from '${paddrSymbol}'`;
    this.#report('error', `${what}, which no setvar sets to it`);
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

  #checkAccess({ region, permissions }: MapDescription, needs: Access): void {
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

/** Data that a virtualiser only translates, a switch only looks at, and a copier only copies from. */
function readsOnly(record: object, key: string): boolean {
  const virtualiserRx = 'bufferMetadata' in record && key === 'data';
  const virtualiserTx = !('macs' in record) && 'connection' in record && key === 'data';
  const copier = 'clientData' in record && key === 'rxData';
  const vswitch = 'reach' in record && key === 'txData';
  const portCopier = 'clientData' in record && key === 'sources';
  const idleCopier = 'mode' in record && record.mode === 'dummy' && key === 'clientData';
  return virtualiserRx || virtualiserTx || copier || idleCopier || vswitch || portCopier;
}

function isConnection(value: object): value is NetConnection {
  return (
    'freeQueue' in value &&
    'activeQueue' in value &&
    typeof value.freeQueue === 'string' &&
    typeof value.activeQueue === 'string' &&
    'capacity' in value &&
    typeof value.capacity === 'number' &&
    'channel' in value &&
    typeof value.channel === 'number'
  );
}

function isData(value: object): value is NetData {
  return (
    'region' in value &&
    typeof value.region === 'string' &&
    'buffers' in value &&
    typeof value.buffers === 'number'
  );
}
