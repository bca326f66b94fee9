/**
 * Device status and feature negotiation (virtio 1.2 §2.1, §2.2, §3.1).
 *
 * By strict rules, FEATURES_OK is refused, by not being set, when the driver accepted what was not
 * offered, left out VERSION_1, or broke a dependency between features; and status bits stay until a
 * reset. By lenient rules a driver gets on as on QEMU: Status is what it writes, and of the
 * features those count that were offered.
 */

import { assert } from '../../memory/assert.ts';
import type { DeviceRules } from '../device.ts';
import { type Features, hasFeature, STATUS, VIRTIO_F_VERSION_1 } from './mmio-registers.ts';

/** The features of a device type. */
export interface FeatureRules {
  readonly offered: Features;
  /**
   * @returns the dependency between features that `accepted` breaks, undefined when it breaks none
   */
  brokenDependency(accepted: Features): string | undefined;
}

export class Negotiation {
  status = 0;
  deviceFeaturesSel = 0;
  driverFeaturesSel = 0;
  readonly #rules: FeatureRules;
  readonly #report: (section: string, what: string) => void;
  readonly #isLenient: boolean;
  /** What the driver wrote last. */
  #writtenLow = 0;
  #writtenHigh = 0;
  #accepted: Features = NO_FEATURES;
  /** FEATURES_OK was set since the reset, though Status may have been overwritten. */
  #isOver = false;
  /** Status bits that the driver has set since the reset. */
  #everSet = 0;

  /** @param report told of broken rules, with the section of virtio 1.2 */
  constructor(
    rules: FeatureRules,
    deviceRules: DeviceRules,
    report: (section: string, what: string) => void,
  ) {
    assert(hasFeature(rules.offered, VIRTIO_F_VERSION_1), 'a version 2 device offers VERSION_1');
    this.#rules = rules;
    this.#isLenient = deviceRules === 'lenient';
    this.#report = report;
  }

  /** What was agreed upon; nothing before that. */
  get accepted(): Features {
    return this.#accepted;
  }

  /** Whether features have been agreed upon since the reset. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** DeviceFeatures: the word that DeviceFeaturesSel selects. */
  offeredWord(): number {
    if (this.deviceFeaturesSel === 0) return this.#rules.offered.low;
    if (this.deviceFeaturesSel === 1) return this.#rules.offered.high;
    return 0;
  }

  /** DriverFeatures: accepts the bits of the word that DriverFeaturesSel selects. */
  accept(word: number): void {
    if (this.#isOver) {
      this.#report('§2.2.1', 'features are accepted after FEATURES_OK');
    } else if (this.driverFeaturesSel === 0) {
      this.#writtenLow = word;
    } else if (this.driverFeaturesSel === 1) {
      this.#writtenHigh = word;
    } else if (word !== 0) {
      this.#report('§2.2.1', 'a feature is accepted that was not offered');
    }
  }

  /**
   * Status: takes the bits that the driver may set.
   * @returns 'live' when it has just set DRIVER_OK
   */
  setStatus(value: number): 'live' | 'unchanged' {
    assert(value !== 0, 'a reset is not a status');
    const old = this.status;
    if ((old & ~value & ~STATUS.DEVICE_NEEDS_RESET) !== 0) {
      this.#report('§2.1.1', 'a status bit is cleared without a reset');
    }
    const added = value & ~old;
    if ((added & STATUS.DEVICE_NEEDS_RESET) !== 0) {
      this.#report('§2.1', 'the driver sets NEEDS_RESET');
    }
    this.#everSet |= added;
    if ((added & STATUS.FEATURES_OK) !== 0 && !this.#isOver) this.#isOver = this.#agree();
    const kept = this.#isLenient ? old & STATUS.DEVICE_NEEDS_RESET : old;
    this.status = kept | (value & this.#settable());
    if ((added & STATUS.DRIVER_OK) === 0) return 'unchanged';
    if (!this.#isOver) this.#report('§3.1.1', 'DRIVER_OK before FEATURES_OK');
    return (this.status & STATUS.DRIVER_OK) === 0 ? 'unchanged' : 'live';
  }

  needReset(): void {
    this.status |= STATUS.DEVICE_NEEDS_RESET;
  }

  reset(): void {
    this.status = 0;
    this.deviceFeaturesSel = 0;
    this.driverFeaturesSel = 0;
    this.#writtenLow = 0;
    this.#writtenHigh = 0;
    this.#accepted = NO_FEATURES;
    this.#isOver = false;
    this.#everSet = 0;
  }

  /** The bits of Status that the driver may set now. */
  #settable(): number {
    const always = STATUS.ACKNOWLEDGE | STATUS.DRIVER | STATUS.FAILED;
    const later = STATUS.FEATURES_OK | STATUS.DRIVER_OK;
    return this.#isOver || this.#isLenient ? always | later : always;
  }

  /** @returns whether the driver's features are taken, as far as they were offered */
  #agree(): boolean {
    const wrong = this.#wrongFeatures();
    for (const [section, what] of wrong) this.#report(section, what);
    const { low, high } = this.#rules.offered;
    const isAgreed = this.#isLenient || wrong.length === 0;
    if (isAgreed) {
      this.#accepted = {
        low: (this.#writtenLow & low) >>> 0,
        high: (this.#writtenHigh & high) >>> 0,
      };
    }
    return isAgreed;
  }

  /** @returns section and wording of each rule that is broken when the driver sets FEATURES_OK */
  #wrongFeatures(): readonly (readonly [string, string])[] {
    const before = STATUS.ACKNOWLEDGE | STATUS.DRIVER;
    const written = { low: this.#writtenLow, high: this.#writtenHigh };
    const { low, high } = this.#rules.offered;
    const wrong: (readonly [string, string])[] = [];
    if ((this.#everSet & before) !== before) {
      wrong.push(['§3.1.1', 'FEATURES_OK before ACKNOWLEDGE and DRIVER']);
    }
    if ((written.low & ~low) !== 0 || (written.high & ~high) !== 0) {
      wrong.push(['§2.2.1', 'a feature is accepted that was not offered']);
    }
    if (!hasFeature(written, VIRTIO_F_VERSION_1)) {
      wrong.push(['§6.1', 'VIRTIO_F_VERSION_1 is not accepted']);
    }
    const broken = this.#rules.brokenDependency(written);
    if (broken !== undefined) wrong.push(['§2.2.1', broken]);
    return wrong;
  }
}

const NO_FEATURES: Features = { low: 0, high: 0 };
