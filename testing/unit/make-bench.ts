/** Makes the bench of a role: its description, its peers, and where their queues lie. */

import { UserMistake } from '../../host/problem.ts';
import type { Channel } from '../../microkit/pd.ts';
import { channelsOf, flatten, type SystemDescription } from '../../microkit/model.ts';
import { doorbellIrq } from '../../systems/devices.ts';
import { advice } from '../given/given.ts';
import type { Bench, BenchConnection } from './bench.ts';
import type { BenchNumbers, Role, UnitCode, UnitEnd } from './role.ts';
import { ROLES } from './roles.ts';

export interface MadeBench {
  readonly bench: Bench;
  readonly system: SystemDescription;
}

/** What a peer may be on a bench: more have no interrupt to be woken by. */
const NUMBERS_MAX: Readonly<Record<string, number>> = {
  clients: 16,
  buffers: 1024,
  'client-buffers': 1024,
  bytes: 0x1_0000,
  requests: 1024,
  blocks: 0x100_0000,
  window: 1024,
};

/**
 * Makes the bench of a role.
 *
 * @throws UserMistake when there is no such role, or its bench cannot have these numbers
 */
export function makeBench(role: string, code: UnitCode, given: BenchNumbers): MadeBench {
  const found = roleNamed(role);
  const numbers = numbersOf(found, given);
  const sys = found.build(numbers, code);
  const manners = found.manners?.(numbers) ?? {};
  const players = sys.pds.filter(
    ({ name, options }) => name !== found.unit && options.program === undefined,
  );
  const peers = players.map((pd, index) => {
    const irq = pd.irq(doorbellIrq(index), { trigger: 'level' });
    pd.configure(() => ({ doorbell: irq.value }));
    return { pd: pd.name, doorbellIrq: doorbellIrq(index), manners: manners[pd.name] ?? {} };
  });
  const built = sys.build();
  if (!built.ok)
    throw new UserMistake(`${role}: ${built.errors.map(({ message }) => message).join('; ')}`);
  const { system } = built;
  const record = recordOf(system, found.unit);
  const connections = found
    .ends(record as never, system)
    .map((end) => connectionAt(end, { system, record, unit: found.unit }));
  return {
    system,
    bench: { role, unit: found.unit, hasDevice: found.hasDevice, connections, peers },
  };
}

/**
 * @returns the connections of a role's bench as it is unless told
 * @throws UserMistake when there is no such role
 */
export function connectionsOf(role: string): readonly BenchConnection[] {
  return makeBench(role, { image: 'any' }, {}).bench.connections;
}

/** @throws UserMistake */
export function roleNamed(name: string): Role {
  const found = ROLES.find((role) => role.name === name);
  if (found !== undefined) return found;
  const names = ROLES.map((role) => role.name);
  throw new UserMistake(`no role '${name}'; ${advice(name, names)}`);
}

function numbersOf(role: Role, given: BenchNumbers): BenchNumbers {
  const known = Object.keys(role.numbers);
  for (const [name, value] of Object.entries(given)) {
    const usual = Object.hasOwn(role.numbers, name) ? role.numbers[name] : undefined;
    if (usual === undefined) {
      throw new UserMistake(`bench: ${role.name} has no '${name}'; ${advice(name, known)}`);
    }
    if (typeof usual !== 'number' && !(usual as readonly unknown[]).includes(value)) {
      throw new UserMistake(`bench: ${name} is one of ${usual.join(', ')}`);
    }
    const most = NUMBERS_MAX[name] ?? 0;
    const least = name === 'blocks' ? 0 : 1;
    if (typeof usual === 'number' && !(Number(value) >= least && Number(value) <= most)) {
      throw new UserMistake(`bench: ${name} is a number from ${least} to ${most}`);
    }
  }
  const usual = Object.entries(role.numbers).map(([name, value]) => [
    name,
    typeof value === 'number' ? value : (value[0] ?? ''),
  ]);
  return { ...(Object.fromEntries(usual) as BenchNumbers), ...given };
}

function recordOf(system: SystemDescription, pd: string): unknown {
  return flatten(system).find((each) => each.pd.name === pd)?.pd.config;
}

interface Around {
  readonly system: SystemDescription;
  readonly record: unknown;
  readonly unit: string;
}

/** The peer is the domain at the other end of the channel that the unit's record names. */
function connectionAt(end: UnitEnd, { system, record, unit }: Around): BenchConnection {
  const { field, ...rest } = end;
  const connection = field.split('.').reduce(fieldOf, record);
  const isTimer = typeof connection === 'number';
  const channel = isTimer ? connection : Number(fieldOf(connection, 'channel'));
  const link = channelsOf(system, unit).find(({ own }) => own.id === channel);
  if (link === undefined) throw new Error(`${unit} has no channel ${channel}`);
  const texts = isTimer
    ? []
    : Object.entries(connection as object).filter(([, value]) => typeof value === 'string');
  return {
    ...rest,
    pd: link.peer.pd,
    channel: link.peer.id as Channel,
    capacity: isTimer ? 0 : Number(fieldOf(connection, 'capacity')),
    regions: Object.fromEntries(texts) as Readonly<Record<string, string>>,
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return (value as Readonly<Record<string, unknown>> | undefined)?.[name];
}
