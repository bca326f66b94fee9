/** What a role is, and the domains that play on its bench. */

import { type PdBuilder, system, type SystemBuilder } from '../../microkit/builder.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { PdOptions } from '../../microkit/records.ts';
import type { BenchConnection } from './bench.ts';
import type { PeerManners } from './peer.ts';

/** Numbers of a bench, by name. */
export type BenchNumbers = Readonly<Record<string, number | string>>;

/** What the domain that is tried is made of: an image, or a program. */
export type UnitCode = Pick<PdOptions, 'image' | 'program'>;

/** An end of the unit, and who is at the other one. */
export type UnitEnd = Pick<BenchConnection, 'peer' | 'name' | 'class' | 'end' | 'data'> & {
  /** Field of the unit's record that has the connection, such as 'clients.0.connection'. */
  readonly field: string;
};

export interface Role {
  /** Such as 'net/virt-rx'. */
  readonly name: string;
  /** One line: who the peers are. */
  readonly what: string;
  readonly unit: string;
  readonly hasDevice: boolean;
  /** Numbers and words that a bench may set, with what they are unless told. */
  readonly numbers: Readonly<Record<string, number | readonly string[]>>;
  readonly build: (numbers: BenchNumbers, code: UnitCode) => SystemBuilder;
  /** What peers do of their own accord, by domain. */
  readonly manners?: (numbers: BenchNumbers) => Readonly<Record<string, PeerManners>>;
  readonly ends: (record: never, system: SystemDescription) => readonly UnitEnd[];
}

export const PRIORITY = { timer: 202, driver: 201, virt: 200, copier: 199, client: 198 } as const;

/** Domains of a bench: the unit has its own code, all others are played. */
export class Cast {
  readonly sys: SystemBuilder;
  readonly #unit: string;
  readonly #code: UnitCode;

  constructor(role: string, unit: string, code: UnitCode) {
    this.sys = system({ name: `bench of ${role}` });
    this.#unit = unit;
    this.#code = code;
  }

  pd(name: string, priority: number, options: Partial<PdOptions> = {}): PdBuilder {
    const code = name === this.#unit ? this.#code : { image: `a peer, ${name}` };
    return this.sys.pd(name, { ...code, priority, ...options });
  }
}

export function count(numbers: BenchNumbers, name: string): number {
  return Number(numbers[name]);
}

export function indices(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index);
}
