/**
 * Of the example "camkes": a hardware component with registers and an interrupt. It emits `tick`
 * once, a second after the start. Registers: Goldfish real-time clock, "Goldfish Virtual Hardware".
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';

export interface TickerConfig {
  readonly regs: { readonly region: string };
  readonly irq: { readonly channel: number };
  readonly tick: { readonly channel: number };
}

const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_INTERRUPT = 0x1c;
const SECOND_NS = 1_000_000_000n;

export function main(pd: ProtectionDomain<TickerConfig>): EntryPoints {
  const { regs, irq, tick } = pd.config;
  const registers = pd.deviceRegion(regs.region);
  const low = registers.read32(TIME_LOW); // latches the high half
  const now = (BigInt(registers.read32(TIME_HIGH)) << 32n) | BigInt(low);
  const deadline = now + SECOND_NS;
  registers.write32(IRQ_ENABLED, 1);
  registers.write32(ALARM_HIGH, Number(deadline >> 32n));
  registers.write32(ALARM_LOW, Number(deadline & 0xffff_ffffn));
  return {
    notified(channel) {
      if (channel !== irq.channel) return;
      registers.write32(CLEAR_INTERRUPT, 1);
      pd.irqAck(channel);
      pd.notify(tick.channel);
    },
  };
}
