/**
 * What the builder records of a system, and the protection domain under construction. `builder.ts`
 * collects these, `layout.ts` makes the model of them.
 */

import { assert } from '../memory/assert.ts';
import type {
  IrqDescription,
  PciAddress,
  Permissions,
  Trigger,
  UserCapDescription,
} from './model.ts';
import type { Program } from './pd.ts';

/** Bytes: a number, a bigint, or a text such as '64K', '2M', '1G' or '0x1000'. */
export type Size = number | bigint | string;

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

  /**
   * @throws Error before it is known: read it in a function given to {@link PdBuilder.configure}
   */
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

export interface IoPortOptions {
  readonly addr: number;
  readonly size: number;
  readonly id?: number;
  readonly setvarId?: string;
  readonly setvarAddr?: string;
}

export interface IoPortRecord {
  readonly id: Id;
  readonly options: IoPortOptions;
}

export interface VirtualMachineOptions {
  readonly priority?: number;
  /** Microseconds. */
  readonly budget?: number | bigint;
  readonly period?: number | bigint;
  readonly vcpus: readonly {
    readonly id: number;
    readonly cpu?: number;
    readonly setvarId?: string;
  }[];
  readonly maps?: readonly (Pick<MapOptions, 'perms' | 'vaddr' | 'cached'> & {
    readonly region: RegionBuilder;
  })[];
}

export interface IoAddressSpaceOptions {
  readonly device: PciAddress;
  readonly domainId?: number;
  readonly maps: readonly {
    readonly region: RegionBuilder;
    readonly iovaddr: number | bigint;
    readonly perms?: Permissions;
  }[];
}

export interface IoAddressSpaceRecord {
  readonly name: string;
  readonly options: IoAddressSpaceOptions;
}

/** A problem that a device class finds in what it was told. */
export interface Problem {
  readonly severity?: 'error' | 'warning';
  readonly message: string;
  readonly path: string;
  readonly hint?: string;
}

export interface DomainOptions {
  readonly domains: readonly (string | { readonly name: string; readonly id: number })[];
  /** Durations such as '1000 us' or '500 ticks'; 'end' is an end marker. */
  readonly schedule: readonly ({ readonly domain: string; readonly duration: string } | 'end')[];
  readonly startIndex?: number;
  readonly indexShift?: number;
}

/** Everything that has been recorded. */
export interface Recorded {
  readonly name: string;
  readonly pds: readonly PdBuilder[];
  readonly regions: readonly RegionBuilder[];
  readonly channels: readonly ChannelRecord[];
  readonly ioAddressSpaces: readonly IoAddressSpaceRecord[];
  readonly domains: DomainOptions | undefined;
}

/**
 * A protection domain under construction. Made by {@link SystemBuilder.pd} and
 * {@link PdBuilder.child}.
 */
export class PdBuilder {
  readonly name: string;
  readonly options: PdOptions;
  readonly maps: MapRecord[] = [];
  readonly irqs: IrqRecord[] = [];
  readonly ioPorts: IoPortRecord[] = [];
  readonly setvars: { symbol: string; region: RegionBuilder }[] = [];
  readonly children: ChildRecord[] = [];
  readonly caps: UserCapDescription[] = [];
  readonly sections: (object | (() => object))[] = [];

  vm: { readonly name: string; readonly options: VirtualMachineOptions } | undefined;

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

  /** A range of I/O ports (x86-64). @returns the identifier that the program names it by */
  ioPort(options: IoPortOptions): Id {
    const id = new Id(options.id);
    this.ioPorts.push({ id, options });
    return id;
  }

  /** A virtual machine whose faults this domain handles; one at most. */
  virtualMachine(name: string, options: VirtualMachineOptions): void {
    if (this.vm !== undefined) throw new Error(`'${this.name}' has a virtual machine already`);
    this.vm = { name, options };
  }

  /** The program's variable `symbol` receives the physical address of `region`. */
  setvar(symbol: string, region: RegionBuilder): void {
    this.setvars.push({ symbol, region });
  }

  /** An extra capability in this domain's CSpace, to an object of another. */
  cap(kind: UserCapDescription['kind'], slot: number, of: PdBuilder): void {
    this.caps.push({ kind, slot, pd: of.name });
  }

  /**
   * Adds to what the program receives as `pd.config`. A function is called when identifiers are
   * known.
   */
  configure(section: object | (() => object)): void {
    this.sections.push(section);
  }
}
