/**
 * The host's event loop: the only file of the room with timers, so that it is easy to see what a
 * run under the virtual clock never touches; the clock is in `host-time.ts`.
 *
 * The live loop: let the board run until it is idle or its time slice is over, let the bridges send
 * what has gathered, let the host's event loop breathe (sockets are read there), again. An idle
 * board sleeps until somebody waits for its time or until the host brings something, and uses no
 * processor time.
 */

/** As they are before any module of a user's is loaded, which might replace them. */
const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval } = globalThis;

/** Lets the host's event loop run once: sockets, files, signals. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

export interface HostTimer {
  cancel(): void;
}

/** Calls `action` once, after a time; does not keep the process alive by itself. */
export function after(milliseconds: number, action: () => void): HostTimer {
  const timer = setTimeout(action, milliseconds);
  timer.unref();
  return { cancel: () => clearTimeout(timer) };
}

/** Calls `action` again and again; does not keep the process alive by itself. */
export function every(milliseconds: number, action: () => void): HostTimer {
  const timer = setInterval(action, milliseconds);
  timer.unref();
  return { cancel: () => clearInterval(timer) };
}

/** What the live loop drives: a testbed, seen from outside. */
export interface Drivable {
  /** Runs kernel and devices until nothing is left to do, or the slice is over. */
  runSlice(sliceNs: number): 'idle' | 'busy';
  /** The testbed's own time. */
  now(): number;
  /**
   * When it has to be run next unless the host brings something, in its own time; `Infinity` when
   * it need not be. It may be run later: whatever would find nothing then need not be told.
   */
  nextNeededAt(): number;
}

/** A bridge, as the loop sees it. */
export interface LoopPort {
  /** The longest time that the board may run before this has its turn, if shorter than usual. */
  readonly sliceNs?: number;
  /** Sends what has gathered and offers again what had to wait; called in every turn. */
  flush(): void;
}

export interface LiveLoopOptions {
  /**
   * The longest time that the board runs before the host gets its turn; 1 ms unless told, or what
   * a port asks for. When the host has just brought something, 0.2 ms at most.
   */
  readonly sliceNs?: number;
}

const SLICE_NS = 1_000_000;
/**
 * Where a person may type: a character waits for the end of the present slice. Shorter slices
 * cost a loop that never waits 4 % of its instructions.
 */
export const TYPED_SLICE_NS = 500_000;
/**
 * After the host has brought something, an answer is likely: it goes out sooner, whatever else
 * keeps the board busy.
 */
const ANSWER_SLICE_NS = 200_000;
/**
 * Below this, a host timer would come too late: the loop looks again instead of sleeping. What is
 * due later comes up to two milliseconds late, as with any program's timers: woken before it, the
 * loop would look again and again for most of a millisecond, at each of a watchdog's ticks.
 */
const TIMER_RESOLUTION_NS = 1_500_000;
/** Node counts a timer from the last whole millisecond on, so it may come this much too early. */
const TIMER_EARLY_NS = 1_000_000;
/**
 * A sleeping board is run this often even when it need not be: what it does not wait for, such as
 * the ticks of watchdogs, comes this late at most. It also keeps the process alive.
 */
const SLEEP_MS_MAX = 500;

/** Drives one testbed in real time. */
export class LiveLoop {
  readonly #board: Drivable;
  readonly #ports: LoopPort[] = [];
  #sliceNs: number;
  #state: 'new' | 'running' | 'stopping' = 'new';
  #wakeUps = 0;
  #resume: (() => void) | undefined;

  constructor(board: Drivable, options: LiveLoopOptions = {}) {
    this.#board = board;
    this.#sliceNs = options.sliceNs ?? SLICE_NS;
  }

  addPort(port: LoopPort): void {
    this.#ports.push(port);
    this.#sliceNs = Math.min(this.#sliceNs, port.sliceNs ?? Infinity);
  }

  /**
   * The host has brought something: a sleeping loop goes on at once. Cheap; call it for every
   * frame.
   */
  wake(): void {
    this.#wakeUps += 1;
    this.#resume?.();
  }

  /** Ends {@link run} after the present turn. */
  stop(): void {
    this.#state = 'stopping';
    this.#resume?.();
  }

  /** Runs until {@link stop}. Rejects when the testbed throws: that is our own bug. */
  async run(): Promise<void> {
    if (this.#state === 'new') this.#state = 'running';
    let before = this.#wakeUps;
    while (this.#isRunning()) {
      const seen = this.#wakeUps;
      const most = seen === before ? this.#sliceNs : ANSWER_SLICE_NS;
      before = seen;
      const outcome = this.#board.runSlice(Math.min(this.#sliceNs, most));
      for (const port of this.#ports) port.flush();
      if (!this.#isRunning()) return;
      // What came while flushing is work at once: a sleep here would lose the wake-up.
      if (outcome === 'busy' || seen !== this.#wakeUps) {
        await breathe();
      } else {
        await this.#waitForWork();
      }
    }
  }

  /** A method, because `stop` is called from inside the turn. */
  #isRunning(): boolean {
    return this.#state === 'running';
  }

  #waitForWork(): Promise<void> {
    const waitNs = this.#board.nextNeededAt() - this.#board.now();
    if (waitNs < TIMER_RESOLUTION_NS) return breathe();
    return new Promise((resolve) => {
      const sleepNs = waitNs + TIMER_EARLY_NS;
      const milliseconds = Math.min(Math.ceil(sleepNs / 1e6), SLEEP_MS_MAX);
      const timer = setTimeout(() => this.#resume?.(), milliseconds);
      this.#resume = () => {
        clearTimeout(timer);
        this.#resume = undefined;
        resolve();
      };
    });
  }
}
