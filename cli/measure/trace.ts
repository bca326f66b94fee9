/** `sddf trace`: runs a system and writes what happened as a trace for Perfetto. */

import { Command } from 'commander';
import { benchResults } from '../../bench/results.ts';
import { groupDigits, seconds } from '../../systems/figures.ts';
import { perfettoTrace } from '../../systems/trace/perfetto.ts';
import { EVENTS_KEPT, type Recording, startRecording } from '../../systems/trace/recording.ts';
import { runStatistics } from '../../systems/trace/statistics.ts';
import { OutputFile } from '../output-file.ts';
import { addOptions, asWritten, flag, type RawOptions, readOptions, text } from '../option.ts';
import { parseCount, type Range } from '../quantities.ts';
import { addCommonRunOptions, watchSystem } from '../run/run.ts';
import type { RunOptions } from '../run/options.ts';
import type { RunResult } from '../../systems/run-report.ts';
import type { Terminal } from '../terminal.ts';
import { statisticsRows, statisticsText } from './trace-report.ts';
import { jsonText } from '../../systems/json-text.ts';

const EVENTS: Range = { min: 1024, max: 1 << 24 };
const EVERY: Range = { min: 1, max: 1024 };

const HELP = `
The trace has a track for each protection domain, with a slice from where it gets the processor to
where another one does and the reason of its wake-up; kernel entries by system call; interrupts;
depths of queues; and arrows from each signal, call or interrupt to the wake-up that it causes.
Open it at https://ui.perfetto.dev (nothing is uploaded) or chrome://tracing.

The newest events are kept, and those that were pushed out are counted. Under the virtual clock
the same run gives the same file, byte for byte, unless --host-times is given.

Examples:
  sddf trace echo -o trace.json --net loop --clock virtual --for 2ms
  sddf trace echo -o trace.json --net user --for 10s
  sddf trace serial -o serial.json --serial file,in=script.txt,out=log.txt --clock virtual`;

const OPTIONS = {
  existing: flag({
    flags: '--force',
    help: 'replaces a file that is there already',
    words: ['keep', 'replace'],
  }),
  events: text({
    flags: '--events <count>',
    help: 'events that are kept: the newest ones',
    standard: String(EVENTS_KEPT),
    parse: (given, option) => powerOfTwo(parseCount(given, option, EVENTS)),
  }),
  every: text({
    flags: '--stamp-every <count>',
    help: 'host clock: reads it at least for every so many events',
    parse: (given, option) => parseCount(given, option, EVERY),
  }),
  registers: flag({
    flags: '--registers',
    help: 'records each access to device registers too; they are counted anyway',
    words: ['count', 'record'],
  }),
  hostTimes: flag({
    flags: '--host-times',
    help: 'virtual clock: host times too, as hostNs of each slice',
    words: ['off', 'on'],
  }),
};
const OUTPUT = {
  output: text({ flags: '-o, --output <file>', help: 'the trace, JSON', parse: asWritten }),
};

export function traceCommand(): Command {
  const command = new Command('trace')
    .description('Runs a system as sddf run does, and writes what happens as a trace for Perfetto.')
    .argument('<system>', 'what to run');
  addOptions(command, OUTPUT, { needed: 'yes' });
  addOptions(command, OPTIONS);
  return addCommonRunOptions(command).addHelpText('after', HELP).action(trace);
}

async function trace(reference: string, raw: RawOptions): Promise<void> {
  const { existing, ...recorded } = readOptions(OPTIONS, raw);
  const { output = '' } = readOptions(OUTPUT, raw);
  const file = new OutputFile(output, existing);
  try {
    await watchSystem(reference, raw, ({ loaded, options, terminal }) => {
      const { clock } = options.testbed;
      const recording = startRecording({ system: loaded.system, clock, ...recorded });
      return {
        files: [{ path: output, use: 'written', by: '--output' }],
        instrument: recording.around,
        report: (result) => finish({ recording, file, options, result, terminal }),
      };
    });
  } finally {
    file.close();
  }
}

function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}

interface Finished {
  readonly recording: Recording;
  readonly file: OutputFile;
  readonly options: RunOptions;
  readonly result: RunResult;
  readonly terminal: Terminal;
}

function finish({ recording, file, options, result, terminal }: Finished): void {
  const { recorder } = recording;
  const { clock, seed, system } = result;
  for (const piece of perfettoTrace({ recorder, clock, about: { system, seed } })) {
    file.write(piece);
  }
  const statistics = runStatistics(recorder, result.after);
  if (options.output === 'json') {
    process.stdout.write(`${jsonText(benchResults(statisticsRows(statistics)))}\n`);
    return;
  }
  const { count, dropped } = recorder;
  const older = dropped === 0 ? '' : `, ${groupDigits(dropped)} older ones dropped (see --events)`;
  terminal.print(
    `${file.path}: ${groupDigits(count - dropped)} events of ${system}${older}; ` +
      `${seconds(result.after.timeNs)}${clock === 'virtual' ? ' of virtual time' : ''}`,
  );
  for (const line of statisticsText(statistics)) terminal.print(`  ${line}`);
}
