/**
 * A device model that does what no device can: it throws, or answers a read with something that is
 * no number. That is the model's fault, whoever accessed it: the run ends, and names the model and
 * the place in it.
 */

import { RunFailure } from '../memory/assert.ts';
import { demand } from '../memory/misuse.ts';
import type { MmioDevice } from '../memory/region.ts';
import type { Device } from './device.ts';
import { thrownText } from '../memory/thrown-text.ts';

type Snapshotting = Pick<Device, 'snapshot'>;

export class DeviceFailure extends RunFailure {
  override readonly name = 'DeviceFailure';
  /** What the model has thrown; undefined when it has answered nonsense. */
  override readonly cause: unknown;
  /** It came out of the registers of a model that is not ours. */
  isGuests = false;

  constructor(what: string, cause?: unknown) {
    super(what);
    this.cause = cause;
  }
}

/**
 * @returns what ends the run: an error that a model has let escape, as its failure; a failure that
 * there is already, as it is
 */
export function deviceFailure(where: string, error: unknown): RunFailure {
  if (error instanceof RunFailure) return error;
  const what = thrownText(error);
  return new DeviceFailure(`${where} threw: ${what}`, error);
}

const CALLS = ['read', 'write'] as const;

/** @throws Misuse when this is no device model */
export function demandDevice(name: string, device: unknown): void {
  const calls: Record<string, unknown> = Object(device);
  const missing = CALLS.filter((call) => typeof calls[call] !== 'function');
  demand(missing.length === 0, `${name} is no device: it has no ${missing.join(', ')}`);
}

/** A device model that is not ours, held to what the bus asks of one. */
export class GuardedDevice implements MmioDevice {
  /** As the model has it. */
  readonly snapshot: (() => Record<string, unknown>) | undefined;
  readonly #name: string;
  readonly #device: MmioDevice;
  readonly #onFailure: (failure: RunFailure) => void;

  constructor(name: string, device: MmioDevice, onFailure: (failure: RunFailure) => void) {
    this.#name = name;
    this.#device = device;
    this.#onFailure = onFailure;
    this.snapshot = isSnapshotting(device) ? () => this.#snapshot(device) : undefined;
  }

  /** A value that is too wide loses its upper bits, as on a bus that has no wires for them. */
  read(offset: number, width: number): number {
    let value: unknown;
    try {
      value = this.#device.read(offset, width);
    } catch (error) {
      this.#fail(`read(${hex(offset)}, ${width})`, error);
    }
    if (Number.isSafeInteger(value)) return masked(value as number, width);
    const what = `read(${hex(offset)}, ${width}) answered ${shown(value)}, which is no number of bits`;
    return this.#end(new DeviceFailure(`${this.#name}: ${what}`));
  }

  peek(offset: number, width: number): number | undefined {
    let value: unknown;
    try {
      value = this.#device.peek?.(offset, width);
    } catch (error) {
      this.#fail(`peek(${hex(offset)}, ${width})`, error);
    }
    return Number.isSafeInteger(value) ? masked(value as number, width) : undefined;
  }

  write(offset: number, value: number, width: number): void {
    try {
      this.#device.write(offset, value, width);
    } catch (error) {
      this.#fail(`write(${hex(offset)}, ${hex(value)}, ${width})`, error);
    }
  }

  #snapshot(device: Snapshotting): Record<string, unknown> {
    try {
      return device.snapshot();
    } catch (error) {
      return this.#fail('snapshot()', error);
    }
  }

  #fail(call: string, error: unknown): never {
    return this.#end(deviceFailure(`${this.#name}: ${call}`, error));
  }

  /** A program that catches the error does not thereby undo the failure. */
  #end(failure: RunFailure): never {
    if (failure instanceof DeviceFailure) failure.isGuests = true;
    this.#onFailure(failure);
    throw failure;
  }
}

function isSnapshotting(device: object): device is Snapshotting {
  return 'snapshot' in device && typeof device.snapshot === 'function';
}

function masked(value: number, width: number): number {
  if (width >= 4) return value >>> 0;
  return value & (width === 2 ? 0xffff : 0xff);
}

/** The beginning of a value that is no number, on one line. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 20));
  return typeof value === 'object' && value !== null ? 'an object' : thrownText(value);
}

function hex(value: number): string {
  return `0x${Number(value).toString(16)}`;
}
