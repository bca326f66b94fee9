/**
 * The client of sDDF's serial example: it greets, echoes every character, and says so after every
 * ten.
 *
 * A newline goes out as CR LF; an echoed character is sent by itself. While there is no room for an
 * answer, input is left in its queue and room is asked for: back-pressure, nothing lost here.
 */

import type { EntryPoints, ProtectionDomain } from '../../microkit/pd.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { joinRestarts } from '../../queues/restart/member.ts';
import type { SerialClientConfig } from '../../queues/serial/config.ts';
import { SerialConsumer, SerialProducer } from '../../queues/serial/queue.ts';
import { supervisedSerial } from '../../queues/serial/restart.ts';

export interface SerialEchoConfig {
  readonly serial: SerialClientConfig;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

const CARRIAGE_RETURN = 13;
const REPORT_EVERY = 10;
/** More than the answer to one character can need. */
const ANSWER_BYTES_MAX = 128;

export function main(pd: ProtectionDomain<SerialEchoConfig>): EntryPoints {
  const { tx, rx } = pd.config.serial;
  const output = new SerialProducer(pd.region(tx.queue), pd.region(tx.data), tx.capacity);
  const input =
    rx === undefined
      ? undefined
      : new SerialConsumer(pd.region(rx.queue), pd.readonlyRegion(rx.data), rx.capacity);
  let characters = 0;
  output.cancelSignal();

  const flush = (): void => {
    if (output.publish()) pd.notify(tx.channel);
  };
  const print = (text: string): void => {
    for (const character of text.replaceAll('\n', '\r\n')) output.enqueue(character.charCodeAt(0));
    flush();
  };
  const echo = (byte: number): void => {
    if (byte === CARRIAGE_RETURN) {
      print('\\');
      print('r');
    } else {
      output.enqueue(byte);
      flush();
    }
    characters += 1;
    if (characters % REPORT_EVERY === 0) {
      print(`\n${pd.name} has received ${characters} characters so far!\n`);
    }
  };

  /** Echoes while there is input and room for the answers. */
  const work = (): void => {
    if (input === undefined || rx === undefined) return;
    while (input.length() > 0) {
      if (output.room() < ANSWER_BYTES_MAX) {
        output.requestSignal();
        if (output.room() < ANSWER_BYTES_MAX) break;
        output.cancelSignal();
      }
      echo(input.dequeue());
    }
    if (input.publish()) pd.notify(rx.channel);
  };

  print(`Hello world! I am ${pd.name}.\nPlease give me character!\n`);
  return supervisedSerial(pd, joinRestarts(pd, pd.config.restart), {
    notified: work,
    progress: () => characters,
  });
}
