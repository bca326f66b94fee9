/** Reads a DS3231 once a second and prints its time, as sDDF's i2c example does. */

import { messageInfo } from '../../microkit/pd.ts';
import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import type { I2cClientConfig } from '../../queues/i2c/config.ts';
import { I2C_OK } from '../../queues/i2c/layout.ts';
import { TIMER_SET_TIMEOUT, type TimerClientConfig } from '../../queues/timer/config.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { joinRestarts, supervised } from '../../queues/restart/member.ts';
import { describeError, I2cBusClient } from '../../queues/i2c/client.ts';
import { DS3231_ADDRESS, readTime, timeText } from '../../queues/i2c/devices/ds3231.ts';
import { type I2cTask, I2cTasks } from '../../queues/i2c/tasks.ts';

export interface I2cClockConfig {
  readonly i2c: I2cClientConfig;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
  readonly timer: TimerClientConfig;
}

const EVERY_NS = 1e9;

export function main(pd: ProtectionDomain<I2cClockConfig>): EntryPoints {
  const { i2c, timer } = pd.config;
  const member = joinRestarts(pd, pd.config.restart);
  const bus = new I2cBusClient(pd, i2c, member);
  const tasks = new I2cTasks(bus);
  let reads = 0;

  function* printTime(): I2cTask {
    const { error, reads: found } = yield { address: DS3231_ADDRESS, operations: [readTime] };
    const [registers] = found;
    reads += 1;
    if (error === I2C_OK && registers !== undefined) pd.log(timeText(registers));
    else pd.log(`no time: ${describeError(error)}`);
    pd.setMr(0, EVERY_NS);
    pd.ppcall(timer.channel, messageInfo(TIMER_SET_TIMEOUT, 1));
  }

  if (bus.claim(DS3231_ADDRESS)) tasks.start(printTime());
  else pd.log(`another client has claimed 0x${DS3231_ADDRESS.toString(16)}`);
  return supervised(member, tasks, {
    notified: (channel) => {
      if (channel === timer.channel) tasks.start(printTime());
      else tasks.notified();
    },
    progress: () => reads,
  });
}
