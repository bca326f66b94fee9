/** The serial options of `sddf run`: `--serial`, `--uart`, `--line-rate`. */

import type { LineRate } from '../../board/serial-wire.ts';
import type { FileUse } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import { type Uart, UARTS, uartsOf } from '../../systems/serial-devices.ts';
import {
  type Attachment,
  type AttachmentKind,
  type ParsedAttachment,
  type RunParts,
} from '../run/attachment.ts';
import { choice, type OptionValues, readOptions, texts } from '../option.ts';
import { checkGiven, type DeviceClass, devicesGiven, parseNamed } from '../run/named-devices.ts';
import type { RunOptions } from '../run/options.ts';
import type { SerialAttachmentOptions } from './attachment.ts';
import { parseSerialOptions, SERIAL_HELP, SERIAL_WORDS, type SerialOptions } from './options.ts';
import type { LoadedSystem } from '../run/loaded-system.ts';

const STANDARD_BAUD = 115_200;

const LINES: DeviceClass = { option: '--serial', prefix: 'uart', unnamed: 'the first' };

const OPTIONS = {
  serials: texts({
    flags: '--serial <line>',
    help: "where a UART's line is plugged in, see below; once for each UART",
    parse: (given) => parseNamed(given, LINES, parseSerialOptions),
    completes: { words: SERIAL_WORDS },
  }),
  uart: choice({
    flags: '--uart <uart>',
    help: `the serial device: ${UARTS.join(', ')}`,
    words: UARTS,
  }),
  rate: choice({
    flags: '--line-rate <rate>',
    help: 'real, or fast: characters take no time',
    words: ['real', 'fast'],
    standard: 'real',
  }),
};

export const serialKind: AttachmentKind = {
  name: 'serial',
  heading: 'Serial:',
  help: SERIAL_HELP,
  examples: [
    'sddf run serial --serial stdio',
    'sddf run serial --serial pty,link=./uart0 --uart pl011',
    'sddf run serial --serial rfc2217,listen=127.0.0.1:4444 --line-rate fast',
    'sddf run serial --serial file,in=script.txt,out=log.txt --clock virtual --json',
  ],
  options: OPTIONS,
  parse: (raw, run) => new ParsedSerial(readOptions(OPTIONS, raw), run),
};

class ParsedSerial implements ParsedAttachment {
  readonly standardOutput: 'free' | 'taken';
  readonly files: readonly FileUse[];
  readonly choices: Readonly<Record<string, string>>;
  /** By the UART's number. */
  readonly #serials: ReadonlyMap<number, SerialOptions>;
  readonly #rate: LineRate;
  readonly #output: 'text' | 'json';
  readonly #uart: string | undefined;

  constructor({ serials, uart, rate }: OptionValues<typeof OPTIONS>, { output }: RunOptions) {
    this.#serials = devicesGiven(serials, LINES);
    this.#rate = rate;
    this.#output = output;
    this.#uart = uart;
    this.choices = choicesOf(this.#serials.get(0), uart);
    this.files = [...this.#serials.values()].flatMap(filesOf);
    const terminals = serials.filter(({ spec }) => spec.kind === 'stdio').length;
    this.standardOutput = terminals > 0 ? 'taken' : 'free';
    if (terminals > 1) {
      throw new UserMistake('--serial stdio: two UARTs cannot share this terminal; use pty');
    }
    if (output === 'json' && terminals > 0) {
      throw new UserMistake('--serial stdio: standard output cannot carry --json too; use a file');
    }
  }

  async open(run: RunParts): Promise<Attachment | undefined> {
    const { name, system } = run.loaded;
    const uarts = uartsOf(system);
    const [first] = uarts;
    if (first === undefined) {
      if (this.#serials.size === 0 && this.#uart === undefined) return undefined;
      throw new UserMistake(`${name}: the system has no UART; leave --serial and --uart out`);
    }
    this.#checkOffered(run.loaded, first);
    checkGiven(name, this.#serials.keys(), [...uarts.keys()], LINES);
    const isTyped = [...this.#serials.values()].some(({ kind }) => kind === 'stdio');
    if (isTyped && run.clock === 'virtual' && process.stdin.isTTY) {
      throw new UserMistake(
        '--serial stdio: a person types in real time; leave --clock virtual out',
      );
    }
    const lines = uarts.map((uart, index) => this.#lineOf(uart, index, run));
    const { SerialAttachments } = await import('./attachments.ts');
    return new SerialAttachments(lines);
  }

  #lineOf(uart: Uart, index: number, run: RunParts): SerialAttachmentOptions {
    const { clock, onNotice } = run;
    const serial = this.#serials.get(index) ?? this.#standard(index, run);
    return { serial, uart, rate: this.#rate, clock, onNotice };
  }

  /** @throws UserMistake for a UART or a format that the system does not let be chosen */
  #checkOffered({ name, notOffered }: LoadedSystem, uart: string): void {
    if (this.#uart !== undefined && this.#uart !== uart) {
      throw new UserMistake(`${name}: the system's UART is ${uart}; leave --uart out`);
    }
    const fixed = ['baud', 'flow'].filter((option) => notOffered.includes(option));
    if (fixed.length === 0) return;
    const fields = fixed.map((option) => `${option}=`).join(' and ');
    throw new UserMistake(`${name}: the format of its UART is fixed; leave ${fields} out`);
  }

  /** Of a UART of which nothing was said: the first has the terminal, where it is to be had. */
  #standard(index: number, run: RunParts): SerialOptions {
    const isTaken = [...this.#serials.values()].some(({ kind }) => kind === 'stdio');
    const has = index === 0 && !isTaken && run.clock === 'host' && this.#output === 'text';
    return { kind: has ? 'stdio' : 'none' };
  }
}

function filesOf(serial: SerialOptions): readonly FileUse[] {
  if (serial.kind !== 'file') return [];
  const { inPath, outPath } = serial;
  const files: FileUse[] = [];
  if (inPath !== undefined) files.push({ path: inPath, use: 'read', by: '--serial file,in=' });
  if (outPath !== undefined) {
    files.push({ path: outPath, use: 'written', by: '--serial file,out=' });
  }
  return files;
}

/**
 * What the options mean for the description: which UART, and with a port the baud rate and flow
 * control asked for.
 */
function choicesOf(
  serial: SerialOptions | undefined,
  uart: string | undefined,
): Readonly<Record<string, string>> {
  const port: Record<string, string> = {};
  if (serial?.kind === 'port') {
    // Only what differs: a system of the user's own need not have these options.
    const { format, flow } = serial;
    if (format.baud !== STANDARD_BAUD) port['baud'] = String(format.baud);
    if (flow !== 'none') port['flow'] = flow;
  }
  return { ...port, ...(uart === undefined ? {} : { uart }) };
}
