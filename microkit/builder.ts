/**
 * The builder: a system description written in TypeScript.
 *
 *     const sys = system({ name: 'pair' });
 *     const server = sys.pd('server', { program: server.main, priority: 200 });
 *     const client = sys.pd('client', { program: client.main, priority: 100 });
 *     const data = sys.region('data', { size: '64K' });
 *     server.map(data, { perms: 'r' });
 *     client.map(data, { perms: 'rw' });
 *     const call = sys.channel(client, server, { a: { pp: true } });
 *     client.configure(() => ({ data: 'data', server: call.a.value }));
 *     const built = sys.build();        // { ok: true, system } or { ok: false, errors }
 *
 * Nothing depends on the order of these calls: identifiers and addresses that are not given are assigned by `build()`,
 * which is one call and answers with a finished, validated system or with every error at once. The checks are those of
 * the XML reader, because `build()` hands its result to the same reader.
 */

import { assert } from '../memory/assert.ts';
import type { Diagnostic } from './diagnostic.ts';
import { isError } from './diagnostic.ts';
import { layOut } from './layout.ts';
import type {
  IrqDescription,
  Permissions,
  SystemDescription,
  Trigger,
  UserCapDescription,
} from './model.ts';
import type { Program } from './pd.ts';
import { RISCV64, type Target } from './target.ts';
import { validate } from './validate.ts';

/** Bytes: a number, a bigint, or a text such as '64K', '2M', '1G' or '0x1000'. */
export type Size = number | bigint | string;

export interface SystemOptions {
  readonly name: string;
  /** What to check against; the testbed's own board unless told. */
  readonly target?: Target;
}

export interface PdOptions {
  /** The program: a function, a module's path, or both (the path is then what `render` writes). */
  readonly program?: Program;
  readonly image?: string;
  readonly priority?: number;
  /** Microseconds. */
  readonly budget?: number | bigint;
  readonly period?: number | bigint;
  readonly passive?: boolean;
  readonly stackSize?: Size;
  readonly cpu?: number;
  readonly fpu?: boolean;
  readonly smc?: boolean;
  readonly domain?: string;
  /** What the program receives as `pd.config`; {@link PdBuilder.configure} adds to it. */
  readonly config?: object;
}

export interface ChildOptions extends PdOptions {
  /** Identifier among its parent's children; the lowest free one unless told. */
  readonly id?: number;
  /** Symbol of the parent that receives the identifier. */
  readonly setvarId?: string;
}

export interface RegionOptions {
  /** May be left out with `prefill`: the length of its bytes, rounded up to pages. */
  readonly size?: Size;
  readonly pageSize?: 0x1000 | 0x20_0000;
  readonly physAddr?: number | bigint;
  readonly prefill?: { readonly path: string; readonly bytes: Uint8Array };
}

export interface MapOptions {
  readonly perms?: Permissions;
  /** The first free address from 0x2000_0000 on, unless told. */
  readonly vaddr?: number | bigint;
  readonly cached?: boolean;
  readonly setvarVaddr?: string;
  readonly setvarSize?: string;
  readonly setvarPrefillSize?: string;
}

export interface IrqOptions {
  readonly trigger?: Trigger;
  readonly id?: number;
  readonly setvarId?: string;
}

export interface EndOptions {
  readonly id?: number;
  /** This end may call the other. */
  readonly pp?: boolean;
  /** This end may notify the other; it may unless told. */
  readonly notify?: boolean;
  readonly setvarId?: string;
}

export interface ChannelOptions {
  readonly a?: EndOptions;
  readonly b?: EndOptions;
}

/** An identifier that `build()` assigns, unless it was given. */
export class Id {
  #value: number | undefined;

  constructor(value?: number) {
    this.#value = value;
  }

  /** @throws Error before it is known: read it in a function given to {@link PdBuilder.configure} */
  get value(): number {
    if (this.#value === undefined) {
      throw new Error('an identifier is known once build() runs: use configure(() => ({ … }))');
    }
    return this.#value;
  }

  get known(): boolean {
    return this.#value !== undefined;
  }

  assign(value: number): void {
    assert(this.#value === undefined, 'an identifier is assigned once');
    this.#value = value;
  }
}

export interface RegionBuilder {
  readonly name: string;
  readonly options: RegionOptions;
}

export interface ChannelBuilder {
  readonly a: Id;
  readonly b: Id;
}

/** A channel as it was recorded. */
export interface ChannelRecord extends ChannelBuilder {
  readonly aPd: PdBuilder;
  readonly bPd: PdBuilder;
  readonly options: ChannelOptions;
}

export interface MapRecord {
  readonly region: RegionBuilder;
  readonly options: MapOptions;
}

type WithoutId<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never;

export interface IrqRecord {
  readonly id: Id;
  readonly irq: WithoutId<IrqDescription>;
}

export interface ChildRecord {
  readonly id: Id;
  readonly setvarId?: string;
  readonly pd: PdBuilder;
}

/** Something that adds to the system when it is built: a device class, with all of its clients known. */
export interface Extension {
  connect(): void;
}

/** A problem that a device class finds in what it was told. */
export interface Problem {
  readonly severity?: 'error' | 'warning';
  readonly message: string;
  readonly path: string;
  readonly hint?: string;
}

export type BuildResult =
  | {
      readonly ok: true;
      readonly system: SystemDescription;
      readonly warnings: readonly Diagnostic[];
    }
  | { readonly ok: false; readonly errors: readonly Diagnostic[] };

/** A protection domain under construction. Made by {@link SystemBuilder.pd} and {@link PdBuilder.child}. */
export class PdBuilder {
  readonly name: string;
  readonly options: PdOptions;
  readonly maps: MapRecord[] = [];
  readonly irqs: IrqRecord[] = [];
  readonly setvars: { symbol: string; region: RegionBuilder }[] = [];
  readonly children: ChildRecord[] = [];
  readonly caps: UserCapDescription[] = [];
  readonly sections: (object | (() => object))[] = [];

  constructor(name: string, options: PdOptions) {
    this.name = name;
    this.options = options;
    if (options.config !== undefined) this.sections.push(options.config);
  }

  /** Priority that it will have, for checks of device classes. */
  get priority(): number {
    return this.options.priority ?? 0;
  }

  /** Makes a child: this domain handles its faults and may stop, resume and restart it. */
  child(name: string, options: ChildOptions): PdBuilder {
    const pd = new PdBuilder(name, options);
    const { id, setvarId } = options;
    this.children.push({ id: new Id(id), pd, ...(setvarId === undefined ? {} : { setvarId }) });
    return pd;
  }

  /** Identifier of a child, known once `build()` runs. */
  childId(child: PdBuilder): Id {
    const record = this.children.find((candidate) => candidate.pd === child);
    if (record === undefined) throw new Error(`'${child.name}' is no child of '${this.name}'`);
    return record.id;
  }

  map(region: RegionBuilder, options: MapOptions = {}): void {
    this.maps.push({ region, options });
  }

  /** An interrupt of the platform's controller. @returns the identifier that it is delivered on */
  irq(irq: number, options: IrqOptions = {}): Id {
    const { trigger = 'level', setvarId } = options;
    const rest = setvarId === undefined ? {} : { setvarId };
    return this.interrupt({ kind: 'conventional', irq, trigger, ...rest }, options.id);
  }

  /** An interrupt of any form. */
  interrupt(irq: WithoutId<IrqDescription>, givenId?: number): Id {
    const id = new Id(givenId);
    this.irqs.push({ id, irq });
    return id;
  }

  /** The program's variable `symbol` receives the physical address of `region`. */
  setvar(symbol: string, region: RegionBuilder): void {
    this.setvars.push({ symbol, region });
  }

  /** An extra capability in this domain's CSpace, to an object of another. */
  cap(kind: UserCapDescription['kind'], slot: number, of: PdBuilder): void {
    this.caps.push({ kind, slot, pd: of.name });
  }

  /** Adds to what the program receives as `pd.config`. A function is called when identifiers are known. */
  configure(section: object | (() => object)): void {
    this.sections.push(section);
  }
}

export interface DomainOptions {
  readonly domains: readonly (string | { readonly name: string; readonly id: number })[];
  /** Durations such as '1000 us' or '500 ticks'; 'end' is an end marker. */
  readonly schedule: readonly ({ readonly domain: string; readonly duration: string } | 'end')[];
  readonly startIndex?: number;
  readonly indexShift?: number;
}

/** A system under construction. Made by {@link system}. */
export class SystemBuilder {
  readonly name: string;
  readonly target: Target;
  readonly pds: PdBuilder[] = [];
  readonly regions: RegionBuilder[] = [];
  readonly channels: ChannelRecord[] = [];
  readonly #extensions: Extension[] = [];
  readonly #problems: Problem[] = [];
  #domains: DomainOptions | undefined;
  #result: BuildResult | undefined;

  constructor(options: SystemOptions) {
    this.name = options.name;
    this.target = options.target ?? RISCV64;
  }

  get domainOptions(): DomainOptions | undefined {
    return this.#domains;
  }

  pd(name: string, options: PdOptions): PdBuilder {
    this.#assertOpen();
    const pd = new PdBuilder(name, options);
    this.pds.push(pd);
    return pd;
  }

  region(name: string, options: RegionOptions): RegionBuilder {
    this.#assertOpen();
    const region = { name, options };
    this.regions.push(region);
    return region;
  }

  /** A channel between two domains; either end may notify the other unless told. */
  channel(a: PdBuilder, b: PdBuilder, options: ChannelOptions = {}): ChannelBuilder {
    this.#assertOpen();
    const record: ChannelRecord = {
      a: new Id(options.a?.id),
      b: new Id(options.b?.id),
      aPd: a,
      bPd: b,
      options,
    };
    this.channels.push(record);
    return record;
  }

  /** The domain scheduler's table. */
  domains(options: DomainOptions): void {
    this.#assertOpen();
    this.#domains = options;
  }

  /** Has `extension.connect()` called at the start of `build()`. */
  extend(extension: Extension): void {
    this.#assertOpen();
    this.#extensions.push(extension);
  }

  /** Reports a problem; one that is not a warning makes `build()` fail. */
  problem(problem: Problem): void {
    this.#problems.push(problem);
  }

  /** Finishes and validates. Calling it again returns the same result. */
  build(): BuildResult {
    this.#result ??= this.#finish();
    return this.#result;
  }

  #finish(): BuildResult {
    for (const extension of this.#extensions) extension.connect();
    const laidOut = layOut(this);
    const problems = [...this.#problems, ...laidOut.problems];
    const diagnostics: Diagnostic[] = [
      ...problems.map((problem) => ({ severity: 'error' as const, ...problem })),
      ...validate(laidOut.system, this.target),
    ];
    const errors = diagnostics.filter(isError);
    if (errors.length > 0) return { ok: false, errors };
    return { ok: true, system: laidOut.system, warnings: diagnostics };
  }

  #assertOpen(): void {
    if (this.#result !== undefined) throw new Error(`system '${this.name}' has been built already`);
  }
}

/** Begins a system description. */
export function system(options: SystemOptions): SystemBuilder {
  return new SystemBuilder(options);
}
