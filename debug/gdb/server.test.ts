// Goal: a client that keeps to the protocol gets what GDB's manual promises; one that does not is
// refused or survived, and changes nothing of the world. Method: a scripted line in place of a
// socket; packets that are changed at random (SDDF_GDB_FUZZ_PACKETS, SDDF_GDB_FUZZ_SEED), with the
// protocol's own ones among them.

import { describe, expect, it } from 'vitest';
import { Random } from '../../board/random.ts';
import type { Debugger } from '../debugger.ts';
import { Monitor } from '../monitor/monitor.ts';
import { TEXT } from '../../test/support/machine-system.ts';
import {
  runDebugged,
  runPlain,
  worldSystem,
  WRITER_SHARED,
} from '../../test/support/debugged-world.ts';
import { packetOf, PacketReader } from './packets.ts';
import type { Line } from './client-line.ts';
import { GdbServer, type GdbServerOptions } from './server.ts';

type News = ReturnType<Line['take']>;

/** What a client does next, whenever the server waits: 'gone', 'refused', or text. */
type Script = (answers: readonly string[]) => readonly string[] | undefined;

class ScriptedLine implements Line {
  readonly sent: string[] = [];
  readonly #script: Script;
  #news: News[] = [{ kind: 'connected' }];
  #isOver = false;
  dropped = 0;
  isAcknowledged = true;

  constructor(script: Script) {
    this.#script = script;
  }

  get hasNews(): boolean {
    return this.#news.length > 0;
  }

  take(): News {
    return this.#news.shift();
  }

  wait(): void {
    if (this.hasNews) return;
    if (this.#isOver) throw new Error('the world stands for a client that will not come');
    const next = this.#script(this.sent);
    this.#isOver = next === undefined;
    const said = next ?? ['gone'];
    this.#news = said.map((each) =>
      each === 'gone' || each === 'refused'
        ? { kind: each }
        : { kind: 'bytes', bytes: Uint8Array.from(each, (one) => one.charCodeAt(0)) },
    );
  }

  send(text: string): void {
    const bytes = Uint8Array.from(text, (each) => each.charCodeAt(0));
    for (const received of new PacketReader().read(bytes)) {
      if (received.kind === 'packet') this.sent.push(received.data);
    }
  }

  acknowledgeNoMore(): void {
    this.isAcknowledged = false;
  }

  drop(): void {
    this.dropped += 1;
  }
}

/** A client that comes in the middle of the run, and asks at once. */
class LateLine extends ScriptedLine {
  #looks = 0;

  override get hasNews(): boolean {
    this.#looks += 1;
    return this.#looks > LATE_LOOKS && super.hasNews;
  }
}

/** The world has begun, and is not over. */
const LATE_LOOKS = 40;

const PROGRAMS = [
  { pd: 'reader', path: '/images/reader.elf', symbol: symbolOf({ main: 0x20_0010 }) },
  { pd: 'writer', path: '/images/writer.elf', symbol: symbolOf({ main: 0x20_0020 }) },
];

function symbolOf(symbols: Readonly<Record<string, number>>): (name: string) => number | undefined {
  return (name) => symbols[name];
}

function serve(
  script: Script,
  { runNs, ...options }: Partial<GdbServerOptions> & { readonly runNs?: number } = {},
  line = new ScriptedLine(script),
) {
  const notes: string[] = [];
  const monitor: { is?: Monitor } = {};
  let isKilled = false;
  const server = new GdbServer({
    line,
    mode: 'threads',
    begins: 'wait',
    programs: PROGRAMS,
    monitor: (command) => monitor.is?.answer(command) ?? [],
    note: (text) => notes.push(text),
    isEnding: () => isKilled,
    kill: () => (isKilled = true),
    ...options,
  });
  const onMade = (made: Debugger): void => {
    server.show(made);
    const chooseProgram = (pd: string): string => server.chooseProgram(pd);
    monitor.is = new Monitor({
      debugger: made,
      system: worldSystem(),
      injected: undefined,
      generalPd: () => server.generalPd,
      chooseProgram,
    });
  };
  const begins = options.begins === 'at once' ? 'running' : 'held';
  const { counters } = runDebugged(server, 'auto', begins, onMade, runNs);
  return { line, notes, counters, server, isKilled: () => isKilled };
}

/** Sends these, one after each answer, and then goes. @returns the answers */
function ask(...packets: readonly string[]) {
  const rest = [...packets];
  const served = serve(() => {
    const next = rest.shift();
    return next === undefined ? undefined : [packetOf(next)];
  });
  return { ...served, answers: served.line.sent };
}

describe('a server', () => {
  it('says where the world stands, and whose threads there are', () => {
    const { answers } = ask('?', 'qfThreadInfo', 'qsThreadInfo', 'qC', 'T2', 'T3');

    expect(answers).toEqual(['T05thread:1;core:0;', 'm1,2', 'l', 'QC1', 'OK', 'E01']);
  });

  it('shows each domain as a program, those that the client has', () => {
    const rest = ['qSupported:multiprocess+', 'qfThreadInfo', 'vAttach;2', 'qfThreadInfo'];
    const { line } = serve(
      () => {
        const next = rest.shift();
        return next === undefined ? undefined : [packetOf(next)];
      },
      { mode: 'inferiors' },
    );

    expect(line.sent[0]).toContain('multiprocess+');
    expect(line.sent.slice(1)).toEqual(['mp1.1', 'T05thread:p2.2;core:0;', 'mp1.1,p2.2']);
  });

  it('reads and writes registers and memory through a domain’s page table', () => {
    const { answers } = ask(
      'Hg2',
      'p20',
      'P9=2a00000000000000',
      'p9',
      `m${TEXT.toString(16)},4`,
      `M${WRITER_SHARED.toString(16)},2:1234`,
      `m${WRITER_SHARED.toString(16)},3`,
      'm0,4',
    );

    expect(answers).toEqual([
      'OK',
      '0000200000000000',
      'OK',
      '2a00000000000000',
      '37044000',
      'OK',
      '123400',
      'E0e',
    ]);
  });

  it('sets breakpoints in the programs whose symbols the client has', () => {
    const hex = (text: string): string => Buffer.from(text).toString('hex');
    const { answers } = ask(
      'qSymbol::',
      `qSymbol:200020:${hex('main')}`,
      ...Array.from({ length: 6 }, () => 'qSymbol::6e6f6e65'),
      `Z0,${(TEXT + 12).toString(16)},4`,
      'vCont;c',
      `z0,${(TEXT + 12).toString(16)},4`,
    );

    expect(answers.at(-2)).toBe('T05swbreak:;thread:2;core:0;');
  });

  it('steps a domain, with others or alone', () => {
    const { answers } = ask('Hg2', 'vCont;s:2;c', 'p20', 'vCont;s:2', 'p20');

    expect(answers).toEqual([
      'OK',
      'T05thread:2;core:0;',
      '0400200000000000',
      'T05thread:2;core:0;',
      '0800200000000000',
    ]);
  });

  it('goes back, unless the user has changed the world', () => {
    const step = ['Hg2', 'Hc2', 'vCont;s:2;c', 'vCont;s:2;c'];
    const back = ask(...step, 'bs', 'p20');
    const not = ask(...step, 'P9=2a00000000000000', 'bs', 'p20');

    expect(back.answers.at(-1)).toBe('0400200000000000');
    expect(Buffer.from(not.answers.at(-3)?.slice(1) ?? '', 'hex').toString()).toBe(
      'cannot go back: a register was written by hand, which running again would undo\n',
    );
    expect(not.answers.at(-1)).toBe('0800200000000000');
  });

  it('has packets acknowledged no more when the client wants that', () => {
    const { line, answers } = ask('QStartNoAckMode', 'qC');

    expect(answers).toEqual(['OK', 'QC1']);
    expect(line.isAcknowledged).toBe(false);
    expect(ask('qC').line.isAcknowledged).toBe(true);
  });

  it('answers monitor commands, and says which there are', () => {
    const command = (text: string): string => `qRcmd,${Buffer.from(text).toString('hex')}`;
    const { answers } = ask(command('pds'), command('nonsense'));
    const told = answers.filter((each) => each.startsWith('O') && each !== 'OK');
    const [pds, nonsense] = told.map((each) => Buffer.from(each.slice(1), 'hex').toString());

    expect(pds).toContain('writer');
    expect(nonsense).toMatch(/^no command 'nonsense'; there are pds, /);
  });

  it('stops for a client that comes in the middle, and for one that interrupts, at once', () => {
    const rest = [
      // All at once: what stands behind the wish to go on, or to stop, is not lost.
      [`${packetOf('?')}${packetOf('vCont;c')}\u0003${packetOf('qC')}`],
      [packetOf('vCont;c'), '\u0003'],
      [packetOf('qC')],
    ];
    const script: Script = () => rest.shift();
    const { line, notes, counters } = serve(script, { begins: 'at once' }, new LateLine(script));

    expect(line.sent.map((each) => each.slice(0, 3))).toEqual(['T02', 'T02', 'QC2', 'T02', 'QC2']);
    expect(notes[0]).toBe('a debugger has come; all domains stop');
    expect(counters).toEqual(runPlain());
  });

  it('keeps what is asked while the world runs for the next stop, within reason', () => {
    const rest = [[packetOf('vCont;c'), packetOf('qC').repeat(2000)]];
    const { notes } = serve(() => rest.shift());

    expect(notes.at(-1)).toBe('the debugger sends what is no packet; it was dropped');
  });

  it('survives a client that vanishes: the world is what it is without', () => {
    const { counters, notes } = serve(() => ['gone']);

    expect(counters).toEqual(runPlain());
    expect(notes).toEqual([
      'a debugger has come; all domains stop',
      'the debugger is gone; the run goes on without it',
    ]);
  });

  it.each(['vCont;s:2;c', 'vCont;s:2', 'vRun;', 'bs', 'bc'])(
    'does not stand for a client that is gone in the middle of %s, though it waited for one',
    (packet) => {
      const begin = packetOf('vCont;s:2;c');
      const rest = [[begin], [begin], [packetOf('Hc2')], [packetOf(packet), 'gone']];
      const { counters, notes } = serve(() => rest.shift(), { mode: 'inferiors' });

      expect(counters).toEqual(runPlain());
      expect(notes).toHaveLength(2);
    },
  );

  it('drops a client that sends no packets, and says so in a line', () => {
    const { notes, line } = serve(() => ['$x#00'.repeat(50)]);

    expect(notes.at(-1)).toBe('the debugger sends what is no packet; it was dropped');
    expect(line.dropped).toBe(1);
  });

  it('tells of a second client that was refused, and keeps the first', () => {
    const rest = ['refused', packetOf('qC')];
    const { notes, line } = serve(() => {
      const next = rest.shift();
      return next === undefined ? undefined : [next];
    });

    expect(notes[1]).toBe('a second debugger was refused; there is one already');
    expect(line.sent).toEqual(['QC1']);
  });

  it('ends the run for a client that kills it', () => {
    const { isKilled, notes } = ask('k');

    expect(isKilled()).toBe(true);
    expect(notes.at(-1)).toBe('the debugger ends the run');
  });
});

const OWN = [
  '?',
  'qSupported:multiprocess+;swbreak+',
  'Hg2',
  'Hc-1',
  'g',
  'p20',
  'P9=2a00000000000000',
  'm200000,40',
  'M400000,2:1234',
  'X400000,2:ab',
  'Z0,200018,4',
  'z0,200018,4',
  'Z2,400000,8',
  'z2,400000,8',
  'Z4,400000,8',
  'z4,400000,8',
  'vCont?',
  'vCont;s:2;c',
  'vCont;s:1',
  'qXfer:threads:read::0,100',
  'qXfer:features:read:target.xml:0,1000',
  'qXfer:memory-map:read::0,100',
  'qXfer:exec-file:read:2:0,100',
  'qRcmd,706473',
  'qRcmd,636174636820697271203120',
  'qSymbol::',
  'qThreadExtraInfo,2',
  'QStartNoAckMode',
  'c',
  's',
  'vAttach;2',
  'vCont;c',
  '!',
];

/** Those that cost a world: now and then. */
const DEAR = ['bs', 'bc', 'vRun;', 'D;1'];

/** Packets end worlds again and again: short ones leave more time for packets. */
const FUZZED_RUN_NS = 20_000;

it('answers, refuses or survives packets that are changed at random', () => {
  const packets = Number(process.env['SDDF_GDB_FUZZ_PACKETS'] ?? 1000);
  const seed = Number(process.env['SDDF_GDB_FUZZ_SEED'] ?? 1);
  const random = new Random(seed);
  const below = (bound: number): number => random.below(bound);
  let left = packets;
  while (left > 0) {
    serve(
      () => {
        if (left <= 0) return undefined;
        left -= 1;
        return [raw(random), ...(below(4) === 0 ? ['\u0003'] : [])];
      },
      { mode: below(2) === 0 ? 'threads' : 'inferiors', runNs: FUZZED_RUN_NS },
    );
  }

  expect(left, `seed ${seed}`).toBe(0);
});

/** A packet, changed; now and then with a wrong end, or none. */
function raw(random: Random): string {
  const own = random.below(40) === 0 ? DEAR : OWN;
  const data = Array.from(own[random.below(own.length)] ?? '');
  for (let changes = random.below(4); changes > 0; changes -= 1) {
    const at = random.below(data.length + 1);
    const byte = String.fromCharCode(random.below(256));
    const digit = '0123456789abcdef,;:='.charAt(random.below(20));
    data.splice(at, random.below(3), random.below(2) === 0 ? byte : digit);
  }
  const packet = packetOf(data.join(''));
  return random.below(20) === 0 ? packet.slice(0, random.below(packet.length + 1)) : packet;
}
