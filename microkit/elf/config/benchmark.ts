/**
 * Configuration sections of sDDF's benchmark programs (`benchmark/config.h`): the domain that
 * measures, the idle domain, and the client that starts and stops a measurement. They have no magic
 * number, and two structures share one name.
 */

import { bytes, counted, field, list, record, u64, u8 } from '../../../memory/c-layout.ts';
import { SLOTS } from '../../../queues/classes.ts';
import { type ConfigSection, configSection } from './section.ts';

const NAME_BYTES = 64;

const child = record(65, { name: field(0, bytes(NAME_BYTES)), id: field(64, u8) });

const bench = configSection({
  name: '.benchmark_config',
  layout: record(4175, {
    rxStart: field(0, u8),
    txStart: field(1, u8),
    rxStop: field(2, u8),
    txStop: field(3, u8),
    init: field(4, u8),
    core: field(5, u8),
    lastCore: field(6, u8),
    children: counted(8, { slots: SLOTS, of: child, countAt: 7, count: 'u8' }),
    pmuEvents: counted(4168, { slots: 6, of: u8, countAt: 4174, count: 'u8' }),
  }),
  from: (source) => {
    const benchmark = source.at('benchmark');
    if (!benchmark.has('children')) return undefined;
    const channel = (name: string): number => benchmark.at(name).number(0xff);
    return {
      rxStart: channel('rxStart'),
      txStart: channel('txStart'),
      rxStop: channel('rxStop'),
      txStop: channel('txStop'),
      init: channel('init'),
      core: benchmark.at('core').number(0xff, 0),
      lastCore: benchmark.at('lastCore').number(0xff, 1),
      children: benchmark
        .at('children')
        .items(SLOTS)
        .map((each) => ({
          name: each.at('name').text(NAME_BYTES),
          id: each.at('id').number(0xff),
        })),
      pmuEvents: benchmark
        .at('pmuEvents')
        .items(6)
        .map((event) => event.number(0xff)),
    };
  },
});

const idle = configSection({
  name: '.benchmark_config',
  layout: record(16, { cycleCounters: field(0, u64), init: field(8, u8) }),
  from: (source) => {
    const benchmark = source.at('benchmark');
    if (!benchmark.has('cycleCounters') || benchmark.has('start')) return undefined;
    return {
      cycleCounters: benchmark.at('cycleCounters').region().vaddr,
      init: benchmark.at('init').number(0xff),
    };
  },
});

/** `config.benchmark` of a client, with the cycle counters of one core. */
const client = configSection({
  name: '.benchmark_client_config',
  layout: record(16, {
    start: field(0, u8),
    stop: field(1, u8),
    numCores: field(2, u8),
    cycleCounters: field(8, list(1, u64)),
  }),
  from: (source) => {
    const benchmark = source.at('benchmark');
    if (!benchmark.has('cycleCounters', 'start')) return undefined;
    return {
      start: benchmark.at('start').number(0xff),
      stop: benchmark.at('stop').number(0xff),
      numCores: 1,
      cycleCounters: [benchmark.at('cycleCounters').region().vaddr],
    };
  },
});

export const BENCHMARK_SECTIONS: readonly ConfigSection[] = [bench, idle, client];
