/**
 * The parts that a run under exploration is made of: each program gets memory and registers that
 * tell when they are touched where others can see it. A run without exploration is made of the
 * plain parts, and has none of this on its path.
 *
 * - A *publication* is an ordered store: the point is before it and behind it.
 * - A *look* is a load of an index that the other end of a queue writes: the point is before it.
 * - A *register access* of a device: the point is before it; of machine code, behind it.
 * - A *kernel entry*: the point is before it.
 */

import type {
  HartThread,
  MachineCode,
  ProgramImage,
  Mapping,
  UserThread,
} from '../../kernel/user.ts';
import { Ram } from '../../memory/ram.ts';
import type { Access, MmioDevice } from '../../memory/region.ts';
import { type AroundThread, withBeforeCalls } from '../points/before-calls.ts';
import type { Explorer, PointKindName } from './explorer.ts';
import { lateMachineCode, LateThread } from '../points/late-thread.ts';
import type { LookedAt } from './index-places.ts';

export interface ExploredOptions {
  readonly explorer: Explorer;
  readonly nowNs: () => number;
  /** Time until something happens without the processor. */
  readonly untilNextEventNs: () => number;
  /** Where in RAM the indices lie that one domain looks at. */
  readonly looksOf: (domain: string, thread: UserThread) => LookedAt;
}

export function exploredImage(image: ProgramImage, options: ExploredOptions): ProgramImage {
  return withBeforeCalls(
    image,
    (thread, isRunning) => new ExploredProgram({ thread, isRunning, domain: image.name, options }),
  );
}

/**
 * The same body of machine code, whose system calls and accesses to registers of devices are points
 * of choice: the time that passes at one is the time that the instructions up to there took longer.
 * It is held up between two instructions: before a call, and behind an access, which the engine
 * cannot leave in the middle.
 */
export function exploredMachineCode(
  start: (thread: HartThread) => MachineCode,
  domain: string,
  { explorer, nowNs, untilNextEventNs }: Omit<ExploredOptions, 'looksOf'>,
): (thread: HartThread) => MachineCode {
  return (thread) => {
    const reach = (kind: PointKindName): number =>
      explorer.reach({ kind, domain, timeNs: nowNs(), untilNextEventNs: untilNextEventNs() });
    const late = new LateThread(thread, {
      ofCall: () => reach('kernel'),
      ofAccess: () => reach('register'),
    });
    return lateMachineCode(late, start(late));
  };
}

interface ExploredProgramParts {
  readonly thread: UserThread;
  readonly isRunning: () => boolean;
  readonly domain: string;
  readonly options: ExploredOptions;
}

class ExploredProgram implements AroundThread {
  readonly #parts: ExploredProgramParts;
  readonly #devices = new Map<MmioDevice, MmioDevice>();
  #looks: LookedAt | undefined;
  #ram: Ram | undefined;

  constructor(parts: ExploredProgramParts) {
    this.#parts = parts;
  }

  readonly beforeCall = (): void => this.reach('kernel');

  readonly mapping = (vaddr: number, lengthBytes: number, access: Access): Mapping | undefined => {
    const found = this.#parts.thread.mapping(vaddr, lengthBytes, access);
    if (found === undefined) return undefined;
    if (found.kind === 'device') {
      return { ...found, device: this.#exploredDevice(found.device) };
    }
    const ram = this.#exploredRam(found.memory.ram);
    return { ...found, memory: { ...found.memory, ram } };
  };

  /** A point of choice. */
  reach(kind: PointKindName): void {
    const { thread, isRunning, domain, options } = this.#parts;
    if (!isRunning()) return;
    const { explorer, nowNs, untilNextEventNs } = options;
    const ns = explorer.reach({
      kind,
      domain,
      timeNs: nowNs(),
      untilNextEventNs: untilNextEventNs(),
    });
    if (ns > 0) thread.pass(ns);
  }

  #exploredRam(plain: Ram): Ram {
    const { thread, domain, options } = this.#parts;
    this.#looks ??= options.looksOf(domain, thread);
    this.#ram ??= exploredRam(plain, this.#looks, (kind) => this.reach(kind));
    return this.#ram;
  }

  #exploredDevice(plain: MmioDevice): MmioDevice {
    const known = this.#devices.get(plain);
    if (known !== undefined) return known;
    const device: MmioDevice = {
      read: (offset, width) => {
        this.reach('register');
        return plain.read(offset, width);
      },
      write: (offset, value, width) => {
        this.reach('register');
        plain.write(offset, value, width);
      },
    };
    this.#devices.set(plain, device);
    return device;
  }
}

/** The same memory, whose ordered stores and watched loads are points of choice. */
function exploredRam(plain: Ram, looks: LookedAt, reach: (kind: PointKindName) => void): Ram {
  const stored =
    (store: (at: number, value: number) => void) =>
    (at: number, value: number): void => {
      reach('publish');
      store(at, value);
      reach('publish');
    };
  const parts = {
    base: plain.base,
    sizeBytes: plain.sizeBytes,
    batches: 'steps' as const,
    u8: plain.u8,
    u16: watched(plain.u16, looks.halfwords, reach),
    u32: watched(plain.u32, looks.words, reach),
    i32: watched(plain.i32, looks.words, reach),
    view: plain.view,
    copy: plain.copy,
    fill: plain.fill,
    store16: stored(plain.store16),
    store32: stored(plain.store32),
  };
  return Object.assign(Object.create(Ram.prototype) as object, parts) as Ram;
}

/** @param places indices of the array at which a load is a look */
function watched<T extends Uint16Array | Uint32Array | Int32Array>(
  array: T,
  places: ReadonlySet<string>,
  reach: (kind: PointKindName) => void,
): T {
  if (places.size === 0) return array;
  return new Proxy(array, {
    get: (target, key) => {
      if (typeof key === 'string' && places.has(key)) reach('look');
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value),
  });
}
