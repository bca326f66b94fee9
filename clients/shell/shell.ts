/**
 * A shell on the serial class, like any client of it: a line editor, and commands that show the
 * system. What it shows it gets through regions and protected calls that its description grants; it
 * holds nothing else.
 *
 * Output that has no room waits here, and no input is read meanwhile: what can wait is bounded by
 * one answer.
 */

import { messageInfo } from '../../microkit/pd.ts';
import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import type { I2cClientConfig } from '../../queues/i2c/config.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import {
  type Connections,
  joinRestarts,
  type Member,
  supervised,
} from '../../queues/restart/member.ts';
import type { SerialClientConfig } from '../../queues/serial/config.ts';
import { SerialConsumer, SerialProducer } from '../../queues/serial/queue.ts';
import { serialConnections } from '../../queues/serial/restart.ts';
import { TIMER_GET_TIME } from '../../queues/timer/config.ts';
import type { TimerClientConfig } from '../../queues/timer/config.ts';
import type { CommandParts } from './commands.ts';
import { completions, runLine } from './commands.ts';
import { Calendar } from './calendar.ts';
import { LineEditor } from './line-editor.ts';
import type { SystemView } from './view.ts';

export interface ShellConfig {
  readonly serial: SerialClientConfig;
  readonly timer?: TimerClientConfig;
  readonly i2c?: I2cClientConfig;
  readonly view: SystemView;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

const PROMPT = 'sddf> ';

export function main(pd: ProtectionDomain<ShellConfig>): EntryPoints {
  const member = joinRestarts(pd, pd.config.restart);
  const shell = new Shell(pd, member);
  const serial = serialConnections(pd, () => shell.work());
  const connectionOf = (channel: number): Connections => {
    const isBus = channel === pd.config.i2c?.virt.channel;
    return isBus ? (shell.calendar ?? serial) : serial;
  };
  const connections: Connections = {
    close: (channel) => connectionOf(channel).close(channel),
    open: (channel) => {
      connectionOf(channel).open(channel);
      shell.work();
    },
  };
  return supervised(member, connections, {
    notified: () => shell.work(),
    progress: () => shell.characters,
  });
}

class Shell {
  /** Characters read so far. */
  characters = 0;
  readonly #pd: ProtectionDomain<ShellConfig>;
  readonly #output: SerialProducer;
  readonly #input: SerialConsumer | undefined;
  readonly #editor: LineEditor;
  readonly calendar: Calendar | undefined;
  /** Output that had no room yet. */
  #waiting = '';

  constructor(pd: ProtectionDomain<ShellConfig>, member?: Member) {
    const { serial, view, timer, i2c } = pd.config;
    const { tx, rx } = serial;
    this.#pd = pd;
    this.#output = new SerialProducer(pd.region(tx.queue), pd.region(tx.data), tx.capacity);
    this.#output.cancelSignal();
    if (rx !== undefined) {
      this.#input = new SerialConsumer(
        pd.region(rx.queue),
        pd.readonlyRegion(rx.data),
        rx.capacity,
      );
    }
    this.calendar = i2c === undefined ? undefined : new Calendar(pd, i2c, member);
    const parts: CommandParts = {
      view,
      region: (name) => pd.readonlyRegion(name),
      now: () => {
        if (timer === undefined) return undefined;
        pd.ppcall(timer.channel, messageInfo(TIMER_GET_TIME, 0));
        return pd.mr(0);
      },
      ...(this.calendar === undefined
        ? {}
        : { date: () => this.calendar?.ask((text) => this.#printLate(text)) }),
    };
    this.#editor = new LineEditor(PROMPT, {
      print: (text) => this.#print(text),
      line: (text) => this.#print(runLine(parts, text)),
      complete: (before) => completions(view, before),
    });
    this.#print(`${pd.name}: help lists the commands\n`);
    this.#editor.show();
    this.work();
  }

  /** Sends what waits, then reads while there is input and nothing waits. */
  work(): void {
    this.calendar?.notified();
    this.#send();
    const input = this.#input;
    if (input === undefined) return;
    while (this.#waiting === '') {
      const byte = input.dequeue();
      if (byte < 0) break;
      this.characters += 1;
      this.#editor.input(byte);
      this.#send();
    }
    const { rx } = this.#pd.config.serial;
    if (input.publish() && rx !== undefined) this.#pd.notify(rx.channel);
  }

  /** In place of the prompt, which then stands below. */
  #printLate(text: string): void {
    this.#print(`\r\u001b[K${text}\n`);
    this.#editor.show();
  }

  #print(text: string): void {
    this.#waiting += text.replaceAll('\n', '\r\n');
  }

  #send(): void {
    const output = this.#output;
    const { channel } = this.#pd.config.serial.tx;
    while (this.#waiting !== '') {
      let sent = 0;
      while (sent < this.#waiting.length && output.enqueue(this.#waiting.charCodeAt(sent))) {
        sent += 1;
      }
      this.#waiting = this.#waiting.slice(sent);
      if (output.publish()) this.#pd.notify(channel);
      if (this.#waiting === '') return;
      output.requestSignal();
      if (output.room() === 0) return;
      output.cancelSignal();
    }
  }
}
