/**
 * Microkit's "timer": a timer driver in one file, to show registers and interrupts. It sets a
 * time-out of one second again and again, and prints the time. (The driver that clients share is
 * `drivers/timer/goldfish`.)
 *
 * Registers: Goldfish real-time clock, "Goldfish Virtual Hardware".
 */

import type { DeviceRegion } from '../../memory/region.ts';
import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

const IRQ = 0;
const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_INTERRUPT = 0x1c;

const SECOND_NS = 1_000_000_000n;

export function main(pd: ProtectionDomain): EntryPoints {
  const registers = pd.deviceRegion('timer');
  const startNs = readTime(registers);
  let deadlineNs = startNs + SECOND_NS;
  const arm = (): void => {
    registers.write32(ALARM_HIGH, Number(deadlineNs >> 32n));
    registers.write32(ALARM_LOW, Number(deadlineNs & 0xffff_ffffn));
  };
  registers.write32(IRQ_ENABLED, 1);
  pd.log('Setting a timeout of 1 second.');
  arm();
  return {
    notified(channel) {
      if (channel !== IRQ) {
        pd.log('TIMER|ERROR: unexpected channel!');
        return;
      }
      pd.log('Got timer interrupt!');
      registers.write32(CLEAR_INTERRUPT, 1);
      pd.irqAck(channel);
      const elapsedNs = readTime(registers) - startNs;
      pd.log(`Current time is: 0x${elapsedNs.toString(16).padStart(16, '0')}`);
      deadlineNs += SECOND_NS;
      arm();
    },
  };
}

/** Reading the low half latches the high one. */
function readTime(registers: DeviceRegion): bigint {
  const low = registers.read32(TIME_LOW);
  return (BigInt(registers.read32(TIME_HIGH)) << 32n) | BigInt(low);
}
