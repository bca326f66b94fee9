/** The serial options of `sddf run`: `--serial`, `--uart`, `--line-rate`. */

import type { LineRate } from '../../board/serial-wire.ts';
import type { FileUse } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import { UARTS, uartOf } from '../../systems/serial-devices.ts';
import {
  type Attachment,
  type AttachmentKind,
  type ParsedAttachment,
  type RunParts,
} from '../run/attachment.ts';
import { choice, type OptionValues, readOptions, text } from '../option.ts';
import type { RunOptions } from '../run/options.ts';
import { SerialAttachment } from './attachment.ts';
import { parseSerialOptions, SERIAL_HELP, SERIAL_WORDS, type SerialOptions } from './options.ts';
import type { LoadedSystem } from '../run/system-source.ts';

const STANDARD_BAUD = 115_200;

const OPTIONS = {
  serial: text({
    flags: '--serial <line>',
    help: "where the UART's line is plugged in, see below",
    parse: parseSerialOptions,
    completes: { words: SERIAL_WORDS },
    twice: 'refused',
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
  readonly #serial: SerialOptions | undefined;
  readonly #rate: LineRate;
  readonly #output: 'text' | 'json';
  readonly #uart: string | undefined;

  constructor({ serial, uart, rate }: OptionValues<typeof OPTIONS>, { output }: RunOptions) {
    this.#serial = serial;
    this.#rate = rate;
    this.#output = output;
    this.#uart = uart;
    this.choices = choicesOf(serial, uart);
    this.files = filesOf(serial);
    this.standardOutput = serial?.kind === 'stdio' ? 'taken' : 'free';
    if (output === 'json' && serial?.kind === 'stdio') {
      throw new UserMistake('--serial stdio: standard output cannot carry --json too; use a file');
    }
  }

  async open(run: RunParts): Promise<Attachment | undefined> {
    const { name, system } = run.loaded;
    const uart = uartOf(system);
    if (uart === undefined) {
      if (this.#serial === undefined && this.#uart === undefined) return undefined;
      throw new UserMistake(`${name}: the system has no UART; leave --serial and --uart out`);
    }
    this.#checkOffered(run.loaded, uart);
    if (this.#serial?.kind === 'stdio' && run.clock === 'virtual' && process.stdin.isTTY) {
      throw new UserMistake(
        '--serial stdio: a person types in real time; leave --clock virtual out',
      );
    }
    const serial = this.#serial ?? this.#standard(run);
    const { clock, onNotice } = run;
    return Promise.resolve(
      new SerialAttachment({ serial, uart, rate: this.#rate, clock, onNotice }),
    );
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

  /** Without `--serial`: the terminal, where there is one to be had. */
  #standard(run: RunParts): SerialOptions {
    return run.clock === 'host' && this.#output === 'text' ? { kind: 'stdio' } : { kind: 'none' };
  }
}

function filesOf(serial: SerialOptions | undefined): readonly FileUse[] {
  if (serial?.kind !== 'file') return [];
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
