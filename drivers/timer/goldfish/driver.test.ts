/**
 * Goal: the timer protocol of sDDF, exact to the nanosecond, for several clients with one alarm.
 * Method: the real driver on a clock of which the test sets the time, register by register; numbers
 * of the registers are declared again here.
 */

import { describe, expect, it } from 'vitest';
import { messageInfo, type ProtectionDomain } from '../../../microkit/pd.ts';
import type { TimerDriverConfig } from '../../../queues/timer/config.ts';
import { BareSystem, type BarePd } from '../../../test/support/bare-system.ts';
import { main } from './driver.ts';

const GET_TIME = messageInfo(0, 0);
const SET_TIMEOUT = messageInfo(1, 1);
/** 2024-01-01, and 0xffff_fffe ns more, so that the low half overflows at once. */
const START = 1_704_067_200_000_000_000n;

class FakeRtc {
  now = (START | 0xffff_fffen) & ~1n;
  alarm: bigint | undefined;
  irqEnabled = 0;
  interrupt = 0;
  #latched = 0n;
  #alarmHigh = 0n;

  read(offset: number): number {
    if (offset === 0x00) {
      this.#latched = this.now;
      return Number(this.now & 0xffff_ffffn);
    }
    return offset === 0x04 ? Number(this.#latched >> 32n) : 0;
  }

  write(offset: number, value: number): void {
    if (offset === 0x0c) this.#alarmHigh = BigInt(value);
    if (offset === 0x08) this.alarm = (this.#alarmHigh << 32n) | BigInt(value);
    if (offset === 0x10) this.irqEnabled = value;
    if (offset === 0x14) this.alarm = undefined;
    if (offset === 0x1c) this.interrupt = 0;
  }
}

function timerWithClients(count: number) {
  const system = new BareSystem({ ramBytes: 1 << 20 });
  const rtc = new FakeRtc();
  const acks: number[] = [];
  const config: TimerDriverConfig = {
    registers: 'rtc',
    irq: 0,
    clients: Array.from({ length: count }, (_, index) => index + 1),
  };
  const driver = system.addPd({
    name: 'timer',
    priority: 102,
    program: (pd: ProtectionDomain<TimerDriverConfig>) => main(pd),
    config,
    devices: { rtc },
    onIrqAck: (channel) => acks.push(channel),
  });
  const notified: number[] = [];
  const clients = config.clients.map((channel, index) => {
    const client = system.addPd({
      name: `client${index}`,
      priority: 1,
      program: () => ({ notified: () => void notified.push(index) }),
      config: {},
    });
    driver.connect(channel, client, 5);
    return client;
  });
  system.start();
  const setTimeout = (client: number, ns: number): void => {
    const pd = clients[client] as BarePd;
    pd.setMr(0, ns);
    pd.ppcall(5, SET_TIMEOUT);
  };
  const getTime = (client: number): number => {
    const pd = clients[client] as BarePd;
    expect(pd.ppcall(5, GET_TIME)).toBe(messageInfo(0, 1));
    return pd.mr(0);
  };
  /** Lets time pass up to the next alarm, if it comes within `ns`. */
  const pass = (ns: number): void => {
    const end = rtc.now + BigInt(ns);
    while (rtc.alarm !== undefined && rtc.alarm <= end) {
      if (rtc.alarm > rtc.now) rtc.now = rtc.alarm;
      rtc.alarm = undefined;
      driver.raise(0);
      system.run();
    }
    rtc.now = end;
  };
  return { system, driver, rtc, acks, notified, setTimeout, getTime, pass, clients };
}

describe('the Goldfish timer driver', () => {
  it('answers the time since its start, exactly, although the device counts from 1970', () => {
    const { getTime, rtc } = timerWithClients(1);

    expect(getTime(0)).toBe(0);
    rtc.now += 3n;
    expect(getTime(0)).toBe(3);
    rtc.now += 9_007_199_254_740_000n;
    expect(getTime(0)).toBe(9_007_199_254_740_003);
  });

  it('answers 0, and keeps time-outs, when the clock is set back to before its start', () => {
    const { getTime, setTimeout, pass, notified, rtc } = timerWithClients(1);
    rtc.now -= 5_000n;

    expect(getTime(0)).toBe(0);
    setTimeout(0, 1_000);
    pass(5_999);
    expect(notified).toEqual([]);
    pass(1);
    expect(notified).toEqual([0]);
  });

  it('fires a time-out at its nanosecond, once', () => {
    const { setTimeout, notified, pass, rtc } = timerWithClients(1);
    expect(rtc.irqEnabled).toBe(1);

    setTimeout(0, 10);
    expect(rtc.alarm).toBe(rtc.now + 10n);
    pass(9);
    expect(notified).toEqual([]);
    pass(1);
    expect(notified).toEqual([0]);
    expect(rtc.alarm).toBeUndefined();
    pass(1000);
    expect(notified).toEqual([0]);
  });

  it('keeps one time-out for each client, and the alarm at the earliest', () => {
    const { setTimeout, notified, pass, rtc, acks } = timerWithClients(3);
    setTimeout(0, 300);
    setTimeout(1, 100);
    setTimeout(2, 200);
    expect(rtc.alarm).toBe(rtc.now + 100n);

    // A new time-out replaces the old one.
    setTimeout(1, 250);
    expect(rtc.alarm).toBe(rtc.now + 200n);
    pass(1000);

    expect(notified).toEqual([2, 1, 0]);
    // One acknowledgement at init, one for each interrupt.
    expect(acks).toEqual([0, 0, 0, 0]);
  });

  it('arms an alarm that the device fires at once for a time-out of 0', () => {
    const { setTimeout, notified, pass } = timerWithClients(2);
    setTimeout(0, 0);
    setTimeout(1, 0);

    pass(0);

    expect(notified.toSorted((a, b) => a - b)).toEqual([0, 1]);
  });

  it('takes a time-out beyond 2^53 as one that never comes', () => {
    const { setTimeout, notified, pass, rtc } = timerWithClients(1);
    setTimeout(0, Number.MAX_SAFE_INTEGER);
    rtc.now += 5n;
    setTimeout(0, Number.MAX_SAFE_INTEGER);

    pass(1_000_000_000);

    expect(notified).toEqual([]);
    expect(rtc.alarm).toBeGreaterThan(rtc.now);
  });

  it('answers an unknown label, and a channel that is no client, with nothing', () => {
    const { clients, driver, rtc } = timerWithClients(1);

    expect((clients[0] as BarePd).ppcall(5, messageInfo(7, 1))).toBe(messageInfo(0, 0));
    expect(driver.entryPoints?.protected?.(60, SET_TIMEOUT)).toBe(messageInfo(0, 0));
    expect(rtc.alarm).toBeUndefined();
  });
});
