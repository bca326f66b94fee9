/** The parts of a testbed that tell an observer what they do: a board, and the images that programs start from. */

import { Board, type BoardOptions } from '../../board/board.ts';
import type { BusRange } from '../../board/bus.ts';
import type { IrqLine } from '../../board/device.ts';
import type { Mapping, ProgramImage, UserContext, UserThread } from '../../kernel/user.ts';
import { Configured } from '../../memory/configured.ts';
import type { Access, MmioDevice } from '../../memory/region.ts';
import { ObservedMachineCode } from './observed-machine-code.ts';
import {
  type BoardObserver,
  type Instrument,
  RUN_AGAIN,
  RUN_INIT,
  RUN_WOKEN,
  type ThreadObserver,
} from './observer.ts';

/** A testbed with this instrument tells `observer` everything. */
export function instrument(observer: ThreadObserver & BoardObserver): Instrument {
  return {
    makeBoard: (options) => new ObservedBoard(options, observer),
    observe: (image, pd) => new ObservedImage(image, pd, observer),
    observeMachineCode: (start, pd) => (thread) =>
      new ObservedMachineCode({ thread, body: start(thread), pd, observer }),
  };
}

class ObservedBoard extends Board {
  readonly #observer: BoardObserver;
  readonly #devices = new Map<MmioDevice, BusRange>();

  constructor(options: BoardOptions, observer: BoardObserver) {
    super(options);
    this.#observer = observer;
  }

  override irqLine(irq: number): IrqLine {
    const line = super.irqLine(irq);
    let isRaised = 0;
    return {
      raise: () => {
        if (isRaised === 0) this.#observer.raised(irq);
        isRaised = 1;
        line.raise();
      },
      lower: () => {
        isRaised = 0;
        line.lower();
      },
    };
  }

  override claimIrq(): number {
    const irq = super.claimIrq();
    if (irq !== 0) this.#observer.claimed(irq);
    return irq;
  }

  override completeIrq(irq: number): void {
    super.completeIrq(irq);
    this.#observer.completed(irq);
  }

  /** The kernel sets its deadline when it stops running threads, and only then. */
  override setDeadline(atNs: number): void {
    super.setDeadline(atNs);
    this.#observer.idle();
  }

  override beginSlice(sliceNs: number): number {
    this.#observer.sliceBegins();
    return super.beginSlice(sliceNs);
  }

  override deviceAt(paddr: number): BusRange | undefined {
    const range = super.deviceAt(paddr);
    if (range === undefined) return undefined;
    const known = this.#devices.get(range.device);
    if (known !== undefined) return known;
    const number = this.#devices.size;
    this.#observer.deviceMapped(number, range.name);
    const device = new ObservedDevice(range.device, number, this.#observer);
    const observed = { ...range, device };
    this.#devices.set(range.device, observed);
    return observed;
  }
}

/** A device's registers, as drivers reach them. */
class ObservedDevice implements MmioDevice {
  readonly #device: MmioDevice;
  readonly #number: number;
  readonly #observer: BoardObserver;

  constructor(device: MmioDevice, number: number, observer: BoardObserver) {
    this.#device = device;
    this.#number = number;
    this.#observer = observer;
  }

  read(offset: number, width: number): number {
    this.#observer.deviceRead(this.#number, offset);
    return this.#device.read(offset, width);
  }

  write(offset: number, value: number, width: number): void {
    this.#observer.deviceWritten(this.#number, offset, value);
    this.#device.write(offset, value, width);
  }
}

class ObservedImage implements ProgramImage {
  readonly name: string;
  readonly #image: ProgramImage;
  readonly #pd: number;
  readonly #observer: ThreadObserver;

  constructor(image: ProgramImage, pd: number, observer: ThreadObserver) {
    this.name = image.name;
    this.#image = image;
    this.#pd = pd;
    this.#observer = observer;
  }

  start(thread: UserThread): UserContext {
    this.#observer.started(this.#pd, thread);
    const observer = this.#observer;
    const observed = new ObservedThread({ thread, pd: this.#pd, observer });
    const context = this.#image.start(observed);
    return new ObservedContext({ context, observed, thread, observer });
  }
}

interface ThreadParts {
  readonly thread: UserThread;
  readonly pd: number;
  readonly observer: ThreadObserver;
}

class ObservedThread extends Configured<ThreadParts> implements UserThread {
  readonly regs: Uint32Array = this.options.thread.regs;
  readonly pd: number = this.options.pd;
  /** How the thread will next come to run: {@link RUN_WOKEN} once it has waited. */
  next = RUN_INIT;
  readonly #thread: UserThread = this.options.thread;
  readonly #observer: ThreadObserver = this.options.observer;

  trap(): void {
    this.#observer.enters(this.pd, this.regs);
    this.#thread.trap();
    this.#observer.returns(this.pd);
  }

  /** What follows is left to {@link ObservedContext}: the runtime's own loop stays small enough to be compiled as one. */
  trapLast(): void {
    this.next = RUN_WOKEN;
  }

  spend(durationNs: number): number {
    return this.#thread.spend(durationNs);
  }

  pass(durationNs: number): void {
    this.#thread.pass(durationNs);
  }

  keepsPc(): void {
    this.#thread.keepsPc();
  }

  mapping(vaddr: number, lengthBytes: number, access: Access): Mapping | undefined {
    return this.#thread.mapping(vaddr, lengthBytes, access);
  }
}

interface ContextParts {
  readonly context: UserContext;
  readonly observed: ObservedThread;
  readonly thread: UserThread;
  readonly observer: ThreadObserver;
}

class ObservedContext extends Configured<ContextParts> implements UserContext {
  readonly #context: UserContext = this.options.context;
  readonly #thread: ObservedThread = this.options.observed;
  readonly #kernel: UserThread = this.options.thread;
  readonly #observer: ThreadObserver = this.options.observer;

  resume(): void {
    const thread = this.#thread;
    this.#observer.runs(thread.pd, thread.next, thread.regs);
    thread.next = RUN_AGAIN;
    try {
      this.#context.resume();
    } catch (error) {
      this.#observer.throws(thread.pd, error);
      throw error;
    }
    if (thread.next !== RUN_WOKEN) return;
    this.#observer.waits(thread.pd, thread.regs);
    this.#kernel.trapLast();
  }
}
