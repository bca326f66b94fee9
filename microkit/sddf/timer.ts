/**
 * The timer class: a passive driver that its clients call, and that notifies them when their
 * time-out has come. A client must have a lower priority than the driver. There is no virtualiser.
 *
 *     const time = timer(sys, { device, driver });
 *     time.addClient(client);            // the client finds its record as `config.timer`
 */

import type { TimerClientConfig, TimerDriverConfig } from '../../queues/timer/config.ts';
import type { PdBuilder, SystemBuilder } from '../builder.ts';
import type { DeviceNode } from './device.ts';
import { attachDevice } from './device.ts';
import { checkNewClient, checkPriorities } from './priorities.ts';

export interface TimerOptions {
  readonly device: DeviceNode;
  /** Declared passive: it runs on its callers' time. */
  readonly driver: PdBuilder;
}

/**
 * Begins the timer class of one device. `sys.build()` connects the clients that were added to it.
 */
export function timer(sys: SystemBuilder, options: TimerOptions): Timer {
  const made = new Timer(sys, options);
  sys.extend(made);
  return made;
}

/** A timer class while it is being described: see {@link timer}. */
export class Timer {
  readonly #sys: SystemBuilder;
  readonly #options: TimerOptions;
  readonly #clients: PdBuilder[] = [];
  readonly #watchdogs = new Set<PdBuilder>();

  constructor(sys: SystemBuilder, options: TimerOptions) {
    this.#sys = sys;
    this.#options = options;
  }

  addClient(pd: PdBuilder): void {
    const { driver } = this.#options;
    const known = [driver, ...this.#clients];
    if (checkNewClient(this.#sys, known, pd, `the timer '${driver.name}'`)) this.#clients.push(pd);
  }

  /** A client for whose time-outs nobody waits: they do not keep a run from coming to rest. */
  addWatchdog(pd: PdBuilder): void {
    this.addClient(pd);
    this.#watchdogs.add(pd);
  }

  /** Called by `build()`. */
  connect(): void {
    const { driver, device } = this.#options;
    if (driver.options.passive !== true) {
      this.#sys.problem({
        message: `Error: the timer driver '${driver.name}' must be passive`,
        path: `protection_domain '${driver.name}'`,
        hint: 'make it with passive: true, so that calls run on the time of the caller',
      });
    }
    const { registers, irq } = attachDevice(this.#sys, driver, device);
    const channels = this.#clients.map((client) => {
      checkPriorities(this.#sys, [client, driver]);
      const channel = this.#sys.channel(driver, client, { b: { pp: true, notify: false } });
      client.configure((): { timer: TimerClientConfig } => ({
        timer: { channel: channel.b.value },
      }));
      return { id: channel.a, isWatchdog: this.#watchdogs.has(client) };
    });
    const watchdogs = channels.filter(({ isWatchdog }) => isWatchdog);
    driver.configure((): TimerDriverConfig => ({
      registers,
      irq: irq.value,
      clients: channels.map(({ id }) => id.value),
      ...(watchdogs.length === 0 ? {} : { watchdogs: watchdogs.map(({ id }) => id.value) }),
    }));
  }
}
