/**
 * The parts of a testbed that tell an observer what they do: a board, and the images that programs
 * start from.
 */

import { Board } from '../../board/board.ts';
import type { BusRange } from '../../board/bus.ts';
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
import { replaceMethod } from '../../memory/replace-method.ts';

/**
 * A testbed with this instrument tells `observer` everything.
 *
 * @param inner makes the parts that are observed; plain ones unless told
 */
export function instrument(
  observer: ThreadObserver & BoardObserver,
  inner?: Instrument,
): Instrument {
  return {
    makeBoard: (options) => observeBoard(inner?.makeBoard(options) ?? new Board(options), observer),
    observe: (image, pd) => new ObservedImage(inner?.observe(image, pd) ?? image, pd, observer),
    observeMachineCode: (start, pd) => {
      const body = inner?.observeMachineCode?.(start, pd) ?? start;
      return (thread) => new ObservedMachineCode({ thread, body: body(thread), pd, observer });
    },
  };
}

/**
 * The same board. Its methods are replaced and not inherited, so that any board can be observed.
 */
function observeBoard(board: Board, observer: BoardObserver): Board {
  observeInterrupts(board, observer);
  observeDevices(board, observer);
  const setDeadline = board.setDeadline.bind(board);
  // The kernel sets its deadline when it stops running threads, and only then.
  replaceMethod(board, 'setDeadline', (atNs) => {
    setDeadline(atNs);
    observer.idle();
  });
  const beginSlice = board.beginSlice.bind(board);
  replaceMethod(board, 'beginSlice', (sliceNs) => {
    observer.sliceBegins();
    return beginSlice(sliceNs);
  });
  return board;
}

function observeInterrupts(board: Board, observer: BoardObserver): void {
  const irqLine = board.irqLine.bind(board);
  replaceMethod(board, 'irqLine', (irq) => {
    const line = irqLine(irq);
    let isRaised = 0;
    return {
      raise: () => {
        if (isRaised === 0) observer.raised(irq);
        isRaised = 1;
        line.raise();
      },
      lower: () => {
        isRaised = 0;
        line.lower();
      },
    };
  });
  const claimIrq = board.claimIrq.bind(board);
  replaceMethod(board, 'claimIrq', () => {
    const irq = claimIrq();
    if (irq !== 0) observer.claimed(irq);
    return irq;
  });
  const completeIrq = board.completeIrq.bind(board);
  replaceMethod(board, 'completeIrq', (irq) => {
    completeIrq(irq);
    observer.completed(irq);
  });
}

function observeDevices(board: Board, observer: BoardObserver): void {
  const deviceAt = board.deviceAt.bind(board);
  const devices = new Map<MmioDevice, BusRange>();
  replaceMethod(board, 'deviceAt', (paddr) => {
    const range = deviceAt(paddr);
    if (range === undefined) return undefined;
    const known = devices.get(range.device);
    if (known !== undefined) return known;
    const number = devices.size;
    observer.deviceMapped(number, range.name);
    const device = new ObservedDevice(range.device, number, observer);
    const observed = { ...range, device };
    devices.set(range.device, observed);
    return observed;
  });
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

  /**
   * What follows is left to {@link ObservedContext}: the runtime's own loop stays small enough to
   * be compiled as one.
   */
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

  demandRunning(): void {
    this.#thread.demandRunning();
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
