/** The shell's `date`: asks a DS3231 on the i2c class, and prints when it has answered. */

import type { ProtectionDomain } from '../../microkit/pd.ts';
import type { I2cClientConfig } from '../../queues/i2c/config.ts';
import type { Connections, Member } from '../../queues/restart/member.ts';
import { describeError, I2cBusClient, type I2cResult } from '../../queues/i2c/client.ts';
import { DS3231_ADDRESS, readTime, timeText } from '../../queues/i2c/devices/ds3231.ts';

export class Calendar implements Connections {
  readonly #bus: I2cBusClient;
  #isOurs = false;

  constructor(pd: ProtectionDomain<unknown>, config: I2cClientConfig, member?: Member) {
    this.#bus = new I2cBusClient(pd, config, member);
  }

  close(): void {
    this.#bus.close();
  }

  open(): void {
    this.#bus.open();
  }

  /** @returns what is wrong already, a line; nothing when an answer will be printed */
  ask(print: (text: string) => void): string | undefined {
    // Whoever has it may have let it go meanwhile.
    this.#isOurs ||= this.#bus.claim(DS3231_ADDRESS);
    if (!this.#isOurs) return 'date: another client has the clock\n';
    const sent = this.#bus.submit(DS3231_ADDRESS, [readTime], (result) => print(textOf(result)));
    return sent === 'sent' ? undefined : 'date: the bus is busy\n';
  }

  /** To be called on every notification. */
  notified(): void {
    this.#bus.notified();
  }
}

function textOf({ error, reads: [registers] }: I2cResult): string {
  if (registers === undefined) return `date: ${describeError(error)}`;
  return timeText(registers);
}
