/**
 * An I2C bus and what hangs on it, byte by byte: a controller says what it puts on the wires, and
 * is told what the targets answer. Bits are not played; how long they take, the controller knows.
 *
 * What goes wrong on a bus is done to this object: `holdSda`, `holdScl`, `collide`.
 *
 * Source: NXP UM10204 rev. 7, sections 3.1.4 to 3.1.10 and 3.1.16 (bus clear).
 */

/** A chip on the bus, seen at its own address. */
export interface I2cTarget {
  readonly name: string;
  /** 7 bits. */
  readonly address: number;
  /** Bits a second that it follows. */
  readonly speedMax: number;
  /**
   * A start condition and its address. @returns whether it acknowledges: one that is busy does not
   */
  start(way: 'read' | 'write', nowNs: number): boolean;
  /**
   * A start condition for somebody else: every chip's logic begins anew (UM10204, 3.1.10), so what
   * was written and waited for a stop is dropped.
   */
  startOfOther?(): void;
  /** @returns whether it acknowledges the byte */
  write(byte: number, nowNs: number): boolean;
  /** @returns the byte that it sends next */
  read(nowNs: number): number;
  /** A stop condition: what was written takes effect. */
  stop(nowNs: number): void;
  /** How long it holds SCL low before the acknowledgement of the byte that has just passed. */
  stretchNs?(): number;
  /** Its visible state by name, for dumps and tests. */
  snapshot(): Record<string, unknown>;
}

/** What came of a byte on the wires. */
export interface Outcome {
  readonly isAcknowledged: boolean;
  /** Nanoseconds for which SCL was held low; `Infinity`: it still is. */
  readonly stretchNs: number;
  /** SDA was low where the controller had let it go. */
  readonly isDisturbed: boolean;
}

/** What happens to one byte that the controller sends: see {@link I2cBus.tamper}. */
export interface BusTamper {
  readonly kind: 'nak' | 'stretch' | 'collide';
  /** Of a stretch. */
  readonly stretchNs: number;
}

export interface Byte extends Outcome {
  readonly byte: number;
}

const QUIET = { stretchNs: 0, isDisturbed: false } as const;
const LOST: Outcome = { isAcknowledged: false, stretchNs: 0, isDisturbed: true };

export class I2cBus {
  readonly #targets = new Map<number, I2cTarget>();
  #addressed: I2cTarget | undefined;
  /** Every target that has seen a start since the last stop. */
  readonly #begun = new Set<I2cTarget>();
  /** The controller's: called when SCL is let go that was held without an end. */
  whenSclFree: () => void = () => undefined;
  /** Asked for each byte that the controller sends, also for addresses: what goes wrong with it. */
  tamper: () => BusTamper | undefined = () => undefined;
  /**
   * Asked for each byte that a target sends: for how many ns it holds the clock behind it. Nothing
   * else can go wrong with it that is seen, since it is the controller who acknowledges it.
   */
  tamperRead: () => number = () => 0;
  #sdaClocks = 0;
  #sclHeldNs = 0;
  #collisions = 0;

  /** @throws RangeError for an address that a target cannot have, or another one has */
  plug(target: I2cTarget): void {
    const { address, name } = target;
    // 0 to 7 and 0x78 up are reserved: UM10204, table 4.
    if (!Number.isInteger(address) || address < 8 || address > 0x77) {
      throw new RangeError(`'${name}' has the I2C address ${address}, which is not 8 to 0x77`);
    }
    const other = this.#targets.get(address);
    if (other !== undefined) {
      const at = `0x${address.toString(16)}`;
      throw new RangeError(`'${name}' and '${other.name}' have the same I2C address, ${at}`);
    }
    this.#targets.set(address, target);
  }

  get targets(): readonly I2cTarget[] {
    return [...this.#targets.values()];
  }

  // --------------------------------------------------------------------------- what goes wrong

  /** A target that was cut off in the middle of a byte holds SDA low until this many clocks. */
  holdSda(clocks: number): void {
    this.#sdaClocks = clocks;
  }

  /** Something holds SCL low after the next byte; `Infinity`: until it is 0 again. */
  holdScl(forNs: number): void {
    this.#sclHeldNs = forNs;
    if (forNs === 0) this.whenSclFree();
  }

  /** Another controller wins the bus in each of the next bytes that are written. */
  collide(bytes: number): void {
    this.#collisions = bytes;
  }

  get isSdaLow(): boolean {
    return this.#sdaClocks > 0;
  }

  get isSclLow(): boolean {
    return this.#sclHeldNs > 0;
  }

  // ------------------------------------------------------------------------------- controller

  /** One clock by hand, as a driver gives it to clear the bus (UM10204, 3.1.16). */
  clock(): void {
    if (this.#sdaClocks > 0) this.#sdaClocks -= 1;
  }

  /** A start condition, or a repeated one, and the byte with address and direction. */
  start(byte: number, nowNs: number): Outcome {
    if (this.isSdaLow) return { isAcknowledged: true, stretchNs: 0, isDisturbed: true };
    const way = (byte & 1) === 1 ? 'read' : 'write';
    this.#addressed = undefined;
    const tamper = this.tamper();
    if (this.#isLost(tamper)) return LOST;
    const target = this.#targets.get(byte >>> 1);
    for (const other of this.#begun) if (other !== target) other.startOfOther?.();
    if (tamper?.kind === 'nak') return { ...QUIET, isAcknowledged: false };
    if (target === undefined) return { ...QUIET, isAcknowledged: false };
    this.#begun.add(target);
    if (!target.start(way, nowNs)) return { ...QUIET, isAcknowledged: false };
    this.#addressed = target;
    return { ...QUIET, isAcknowledged: true, stretchNs: this.#stretch(target, tamper?.stretchNs) };
  }

  write(byte: number, nowNs: number): Outcome {
    // SDA is low, whatever is written: to the controller that looks like an acknowledgement.
    if (this.isSdaLow) return { isAcknowledged: true, stretchNs: 0, isDisturbed: true };
    const tamper = this.tamper();
    if (this.#isLost(tamper)) {
      this.#addressed = undefined;
      return LOST;
    }
    const target = this.#addressed;
    if (target === undefined || tamper?.kind === 'nak') return { ...QUIET, isAcknowledged: false };
    const isAcknowledged = target.write(byte & 0xff, nowNs);
    return { ...QUIET, isAcknowledged, stretchNs: this.#stretch(target, tamper?.stretchNs) };
  }

  /** A byte that nobody sends reads as ones: the wire is pulled up. */
  read(nowNs: number): Byte {
    const quiet = { ...QUIET, isAcknowledged: true };
    if (this.isSdaLow) return { ...quiet, byte: 0, isDisturbed: true };
    const target = this.#addressed;
    if (target === undefined) return { ...quiet, byte: 0xff };
    const byte = target.read(nowNs) & 0xff;
    return { ...quiet, byte, stretchNs: this.#stretch(target, this.tamperRead()) };
  }

  stop(nowNs: number): void {
    // With SDA low there is no edge that could be a stop condition.
    if (this.isSdaLow) return;
    for (const target of this.#begun) target.stop(nowNs);
    this.#begun.clear();
    this.#addressed = undefined;
  }

  snapshot(): Record<string, unknown> {
    const of = this.targets.map((target) => [target.name, target.snapshot()]);
    return { sdaLow: this.isSdaLow, sclLow: this.isSclLow, targets: Object.fromEntries(of) };
  }

  #isLost(tamper: BusTamper | undefined): boolean {
    if (tamper?.kind === 'collide') return true;
    if (this.#collisions === 0) return false;
    this.#collisions -= 1;
    return true;
  }

  #stretch(target: I2cTarget, tamperNs = 0): number {
    const held = this.#sclHeldNs;
    if (held !== Infinity) this.#sclHeldNs = 0;
    return Math.max(held, target.stretchNs?.() ?? 0, tamperNs);
  }
}
