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
 * Nothing depends on the order of these calls: identifiers and addresses that are not given are
 * assigned by `build()`, which is one call and answers with a finished, validated system or with
 * every error at once. The checks are those of the XML reader, because `build()` hands its result
 * to the same reader.
 */

import { configsOf, loopIn } from './config-file.ts';
import type { Diagnostic } from './diagnostic.ts';
import { isError } from './diagnostic.ts';
import { layOut } from './layout.ts';
import type { SystemDescription } from './model.ts';
import type {
  ChannelBuilder,
  ChannelOptions,
  ChannelRecord,
  DomainOptions,
  IoAddressSpaceOptions,
  IoAddressSpaceRecord,
  PdOptions,
  Problem,
  RegionBuilder,
  RegionOptions,
} from './records.ts';
import { Id, PdBuilder } from './records.ts';
import { RISCV64, type Target } from './target.ts';
import { validate } from './validate.ts';

export type {
  ChannelBuilder,
  ChannelOptions,
  ChildOptions,
  DomainOptions,
  EndOptions,
  Id,
  IoAddressSpaceOptions,
  IoPortOptions,
  IrqOptions,
  MapOptions,
  PdBuilder,
  PdOptions,
  RegionBuilder,
  RegionOptions,
  Size,
  VirtualMachineOptions,
} from './records.ts';

/** What there is to say of a system as a whole. */
export interface SystemOptions {
  readonly name: string;
  /** What to check against; the testbed's own board unless told. */
  readonly target?: Target;
}

/**
 * Something that adds to the system when it is built: a device class, with all of its clients
 * known.
 */
export interface Extension {
  connect(): void;
}

/** What `build()` answers: a validated system, or every error at once. */
export type BuildResult =
  | {
      readonly ok: true;
      readonly system: SystemDescription;
      readonly warnings: readonly Diagnostic[];
    }
  | { readonly ok: false; readonly errors: readonly Diagnostic[] };

/** A system under construction. Made by {@link system}. */
export class SystemBuilder {
  readonly name: string;
  readonly target: Target;
  readonly pds: PdBuilder[] = [];
  readonly regions: RegionBuilder[] = [];
  readonly channels: ChannelRecord[] = [];
  readonly ioAddressSpaces: IoAddressSpaceRecord[] = [];
  readonly #extensions: Extension[] = [];
  readonly #problems: Problem[] = [];
  #domains: DomainOptions | undefined;
  #result: BuildResult | undefined;

  constructor(options: SystemOptions) {
    this.name = options.name;
    this.target = options.target ?? RISCV64;
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

  /** What one device may reach through the IOMMU. */
  ioAddressSpace(name: string, options: IoAddressSpaceOptions): void {
    this.#assertOpen();
    this.ioAddressSpaces.push({ name, options });
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
    const { name, pds, regions, channels, ioAddressSpaces } = this;
    const recorded = { name, pds, regions, channels, ioAddressSpaces, domains: this.#domains };
    const laidOut = layOut(recorded);
    const problems = [...this.#problems, ...laidOut.problems, ...endlessConfigs(laidOut.system)];
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

/** Configurations are plain data, which many read to the end. */
function endlessConfigs(described: SystemDescription): readonly Problem[] {
  return Object.entries(configsOf(described)).flatMap(([pd, config]) => {
    const place = loopIn(config);
    if (place === undefined) return [];
    return [
      {
        message: `Error: the configuration of '${pd}' has no end: config${place} is what it lies in`,
        path: `protection_domain '${pd}'`,
        hint: 'name what it means, such as a region or a channel, instead of holding it',
      },
    ];
  });
}

/** Begins a system description. */
export function system(options: SystemOptions): SystemBuilder {
  return new SystemBuilder(options);
}
