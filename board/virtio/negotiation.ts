/**
 * Device status and feature negotiation (virtio 1.2 §2.1, §2.2, §3.1).
 *
 * FEATURES_OK is refused, by not being set, when the driver accepted what was not offered, left out VERSION_1, or broke
 * a dependency between features.
 */

import { assert } from '../../memory/assert.ts';
import { type Features, hasFeature, STATUS, VIRTIO_F_VERSION_1 } from './mmio-registers.ts';

/** The features of a device type. */
export interface FeatureRules {
  readonly offered: Features;
  /** @returns the dependency between features that `accepted` breaks, undefined when it breaks none */
  brokenDependency(accepted: Features): string | undefined;
}

export class Negotiation {
  status = 0;
  deviceFeaturesSel = 0;
  driverFeaturesSel = 0;
  readonly #rules: FeatureRules;
  readonly #report: (section: string, what: string) => void;
  #acceptedLow = 0;
  #acceptedHigh = 0;

  /** @param report told of broken rules, with the section of virtio 1.2 */
  constructor(rules: FeatureRules, report: (section: string, what: string) => void) {
    assert(hasFeature(rules.offered, VIRTIO_F_VERSION_1), 'a version 2 device offers VERSION_1');
    this.#rules = rules;
    this.#report = report;
  }

  get accepted(): Features {
    return { low: this.#acceptedLow, high: this.#acceptedHigh };
  }

  /** DeviceFeatures: the word that DeviceFeaturesSel selects. */
  offeredWord(): number {
    if (this.deviceFeaturesSel === 0) return this.#rules.offered.low;
    if (this.deviceFeaturesSel === 1) return this.#rules.offered.high;
    return 0;
  }

  /** DriverFeatures: accepts the bits of the word that DriverFeaturesSel selects. */
  accept(word: number): void {
    if ((this.status & STATUS.FEATURES_OK) !== 0) {
      this.#report('§2.2.1', 'features are accepted after FEATURES_OK');
    } else if (this.driverFeaturesSel === 0) {
      this.#acceptedLow = word;
    } else if (this.driverFeaturesSel === 1) {
      this.#acceptedHigh = word;
    } else if (word !== 0) {
      this.#report('§2.2.1', 'a feature is accepted that was not offered');
    }
  }

  /** Status: takes the bits that the driver may set. @returns 'live' when it has just set DRIVER_OK */
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
    this.status |= added & (STATUS.ACKNOWLEDGE | STATUS.DRIVER | STATUS.FAILED);
    if ((added & STATUS.FEATURES_OK) !== 0) this.#checkFeatures();
    if ((added & STATUS.DRIVER_OK) === 0) return 'unchanged';
    if ((this.status & STATUS.FEATURES_OK) === 0) {
      this.#report('§3.1.1', 'DRIVER_OK before FEATURES_OK');
      return 'unchanged';
    }
    this.status |= STATUS.DRIVER_OK;
    return 'live';
  }

  needReset(): void {
    this.status |= STATUS.DEVICE_NEEDS_RESET;
  }

  reset(): void {
    this.status = 0;
    this.deviceFeaturesSel = 0;
    this.driverFeaturesSel = 0;
    this.#acceptedLow = 0;
    this.#acceptedHigh = 0;
  }

  #checkFeatures(): void {
    const before = STATUS.ACKNOWLEDGE | STATUS.DRIVER;
    const accepted = this.accepted;
    const { low, high } = this.#rules.offered;
    if ((this.status & before) !== before) {
      this.#report('§3.1.1', 'FEATURES_OK before ACKNOWLEDGE and DRIVER');
    } else if ((accepted.low & ~low) !== 0 || (accepted.high & ~high) !== 0) {
      this.#report('§2.2.1', 'a feature is accepted that was not offered');
    } else if (!hasFeature(accepted, VIRTIO_F_VERSION_1)) {
      this.#report('§6.1', 'VIRTIO_F_VERSION_1 is not accepted');
    } else {
      const broken = this.#rules.brokenDependency(accepted);
      if (broken === undefined) this.status |= STATUS.FEATURES_OK;
      else this.#report('§2.2.1', broken);
    }
  }
}
