/** The Goldfish RTC by its registers, with BigInt as the reference for 64-bit time. */

import { describe, expect, it } from 'vitest';
import { GoldfishRtc } from './goldfish-rtc.ts';
import { LintLog } from './lint.ts';
import { VirtualClock } from './virtual-clock.ts';

const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_ALARM = 0x14;
const ALARM_STATUS = 0x18;
const CLEAR_INTERRUPT = 0x1c;

function rtcAt(epochSeconds = 1_704_067_200) {
  const clock = new VirtualClock();
  const lint = new LintLog();
  const line = { level: 'low' };
  const irqLine = { raise: () => (line.level = 'high'), lower: () => (line.level = 'low') };
  const rtc = new GoldfishRtc({ clock, irqLine, lint, epochSeconds });
  const time = (): bigint => {
    const low = rtc.read(TIME_LOW, 4);
    return (BigInt(rtc.read(TIME_HIGH, 4)) << 32n) | BigInt(low);
  };
  const setAlarm = (at: bigint): void => {
    rtc.write(ALARM_HIGH, Number(at >> 32n), 4);
    rtc.write(ALARM_LOW, Number(at & 0xffff_ffffn), 4);
  };
  return { clock, lint, line, rtc, time, setAlarm };
}

describe('Goldfish RTC', () => {
  it('shows what reads would give, and latches nothing', () => {
    const { clock, rtc, setAlarm } = rtcAt(0);
    setAlarm(0x2_0000_0000n);
    rtc.read(TIME_LOW, 4);
    clock.runUntil(0x1_8000_0000);
    const offsets = [TIME_LOW, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED, ALARM_STATUS];
    const looks = offsets.map((offset) => rtc.peek(offset, 4));

    expect(rtc.peek(TIME_HIGH, 4)).toBe(0);
    expect(offsets.map((offset) => rtc.read(offset, 4))).toEqual(looks);
    expect(rtc.peek(TIME_HIGH, 4)).toBe(1);
    expect([rtc.peek(CLEAR_ALARM, 4), rtc.peek(TIME_LOW, 1)]).toEqual([undefined, undefined]);
  });

  it('starts at its epoch and counts nanoseconds', () => {
    for (const epochSeconds of [0, 1, 1_704_067_200, 4_294_967_295]) {
      const { clock, time } = rtcAt(epochSeconds);
      expect(time()).toBe(BigInt(epochSeconds) * 1_000_000_000n);
      for (const deltaNs of [1, 999, 0xffff_ffff, 0x1_0000_0000, 123_456_789_012]) {
        const before = time();
        clock.charge(deltaNs);
        expect(time() - before).toBe(BigInt(deltaNs));
      }
    }
  });

  it('latches the high half when the low half is read', () => {
    const { clock, rtc } = rtcAt(0);
    clock.charge(0xffff_ffff);
    expect(rtc.read(TIME_LOW, 4)).toBe(0xffff_ffff);
    clock.charge(1);
    expect(rtc.read(TIME_HIGH, 4)).toBe(0);
    expect(rtc.read(TIME_LOW, 4)).toBe(0);
    expect(rtc.read(TIME_HIGH, 4)).toBe(1);
  });

  it('raises its line at the alarm, and holds it until it is cleared', () => {
    const { clock, line, rtc, time, setAlarm } = rtcAt();
    rtc.write(IRQ_ENABLED, 1, 4);
    setAlarm(time() + 5_000_000_000n);
    expect(rtc.read(ALARM_STATUS, 4)).toBe(1);
    clock.runUntil(4_999_999_999);
    expect(line.level).toBe('low');
    clock.runUntil(5_000_000_000);
    expect(line.level).toBe('high');
    expect(rtc.read(ALARM_STATUS, 4)).toBe(0);
    clock.runUntil(6_000_000_000);
    expect(line.level).toBe('high');
    rtc.write(CLEAR_INTERRUPT, 1, 4);
    expect(line.level).toBe('low');
  });

  it('fires at once for an alarm that is not in the future', () => {
    const { line, rtc, time, setAlarm } = rtcAt();
    rtc.write(IRQ_ENABLED, 1, 4);
    setAlarm(time());
    expect(line.level).toBe('high');
    rtc.write(CLEAR_INTERRUPT, 0, 4);
    setAlarm(time() - 1n);
    expect(line.level).toBe('high');
  });

  it('keeps an interrupt pending until it is enabled', () => {
    const { line, rtc, time, setAlarm } = rtcAt();
    setAlarm(time());
    expect(line.level).toBe('low');
    rtc.write(IRQ_ENABLED, 1, 4);
    expect(line.level).toBe('high');
    rtc.write(IRQ_ENABLED, 0, 4);
    expect(line.level).toBe('low');
  });

  it('takes back an alarm', () => {
    const { clock, line, rtc, time, setAlarm } = rtcAt();
    rtc.write(IRQ_ENABLED, 1, 4);
    setAlarm(time() + 100n);
    rtc.write(CLEAR_ALARM, 1, 4);
    expect(rtc.read(ALARM_STATUS, 4)).toBe(0);
    clock.runUntil(1_000);
    expect(line.level).toBe('low');
  });

  it('can be set, and moves the alarm with it', () => {
    const { clock, line, rtc, time, setAlarm } = rtcAt();
    clock.charge(12_345_678_901);
    const target = 0x0123_4567_89ab_cdefn;
    rtc.write(TIME_HIGH, 0x0123_4567, 4);
    rtc.write(TIME_LOW, 0x89ab_cdef, 4);
    expect(time()).toBe(target);
    rtc.write(IRQ_ENABLED, 1, 4);
    setAlarm(target + 1_000n);
    rtc.write(TIME_LOW, Number((target + 400n) & 0xffff_ffffn), 4);
    clock.runUntil(clock.now() + 599);
    expect(line.level).toBe('low');
    clock.runUntil(clock.now() + 1);
    expect(line.level).toBe('high');
  });

  it('names accesses that are no registers', () => {
    const { lint, rtc } = rtcAt();
    expect(rtc.read(0x24, 4)).toBe(0);
    expect(rtc.read(TIME_LOW, 2)).toBe(0);
    rtc.write(ALARM_STATUS, 1, 4);
    rtc.write(TIME_LOW, 1, 1);
    expect(lint.count('goldfish-rtc', 'bus')).toBe(4);
  });

  it('is as after power-on when it is reset', () => {
    const { clock, line, rtc, time, setAlarm } = rtcAt(7);
    rtc.write(IRQ_ENABLED, 1, 4);
    setAlarm(0n);
    rtc.write(TIME_HIGH, 99, 4);
    rtc.reset();
    expect(line.level).toBe('low');
    expect(time()).toBe(7_000_000_000n);
    expect(clock.nextEventAt()).toBe(Infinity);
  });
});
