/** GDB's `monitor` commands: what is behind the threads and registers that GDB knows. */

import { dumpCapabilities } from '../../microkit/capabilities-dump/dump.ts';
import { capLines } from '../../microkit/capabilities-dump/text.ts';
import { flatten, type SystemDescription } from '../../microkit/model.ts';
import type { Testbed } from '../../systems/testbed.ts';
import type { Rule } from '../../sim/plan/plan.ts';
import { CATCHES, type Catch } from '../conditions.ts';
import type { Debugger } from '../debugger.ts';
import { DomainView, REGISTERS } from '../domains.ts';
import { TRACE_KEPT } from '../event-trace.ts';
import { describeBuffers } from './buffers.ts';
import { inject } from './injection.ts';
import { describeQueues } from './queues.ts';
import { peek, readRegister } from './registers.ts';

export interface MonitorOptions {
  readonly debugger: Debugger;
  readonly system: SystemDescription;
  /** The domain whose thread the user looks at. */
  readonly generalPd: () => string;
  /** @returns whose program breakpoints are of from now on */
  readonly chooseProgram: (pd: string) => string;
  /** Rules that worlds are made with from now on; undefined where a world is what it was. */
  readonly injected: Rule[] | undefined;
}

interface Command {
  readonly usage: string;
  readonly help: string;
  readonly run: (words: readonly string[]) => readonly string[];
}

export class Monitor {
  readonly #options: MonitorOptions;
  #testbed: Testbed | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** The world that it tells of, once its programs have run their `init`. */
  show(testbed: Testbed): void {
    this.#testbed = testbed;
  }

  /** @returns lines; one that says what is known when a command is not */
  answer(command: string): readonly string[] {
    const [name = '', ...words] = command.split(/\s+/);
    const commands = this.#commands();
    const found = commands[name];
    if (name !== 'help' && found !== undefined) return found.run(words);
    const rows = Object.values(commands).map(({ usage, help }) => `  ${usage.padEnd(28)} ${help}`);
    return name === 'help' || name === ''
      ? rows
      : [`no command '${name}'; there are ${Object.keys(commands).join(', ')}`];
  }

  #commands(): Readonly<Record<string, Command>> {
    return { ...this.#views(), ...this.#deviceViews(), ...this.#wishes() };
  }

  /** What shows domains and what they share. */
  #views(): Readonly<Record<string, Command>> {
    return {
      pds: {
        usage: 'pds',
        help: 'domains, and what each is doing',
        run: () => this.#pds(),
      },
      caps: {
        usage: 'caps PD',
        help: 'what a domain holds, in the manner of capDL',
        run: ([pd]) => this.#caps(pd),
      },
      faults: {
        usage: 'faults',
        help: 'domains that a fault has stopped, and where',
        run: () => this.#faults(),
      },
      queues: {
        usage: 'queues',
        help: 'how much each queue holds',
        run: () => this.#withTestbed(describeQueues),
      },
      buffers: {
        usage: 'buffers',
        help: 'whose each buffer of the network is: in which queue it lies, and who takes from it',
        run: () => describeBuffers(this.#options.debugger, this.#options.system),
      },
      time: {
        usage: 'time',
        help: 'how late it is, and how far all have come',
        run: () => this.#time(),
      },
      trace: {
        usage: 'trace on|off|[N]',
        help: 'what has happened, in words: the newest 20 events, or N',
        run: ([what]) => this.#trace(what),
      },
    };
  }

  #deviceViews(): Readonly<Record<string, Command>> {
    const { debugger: debug, generalPd } = this.#options;
    return {
      irq: {
        usage: 'irq',
        help: 'interrupts: lines, pending, in service',
        run: () => this.#irqs(),
      },
      devices: {
        usage: 'devices [NAME]',
        help: 'what devices show of themselves; nothing is read by it',
        run: ([device]) => this.#devices(device),
      },
      peek: {
        usage: 'peek ADDRESS [1|2|4]',
        help: "a device's register as the thread has it, without what a read does besides",
        run: (words) => peek(debug, generalPd(), words),
      },
      read: {
        usage: 'read ADDRESS [1|2|4]',
        help: 'the same by a read, with all that it does',
        run: (words) => readRegister(debug, generalPd(), words),
      },
    };
  }

  /** What changes where the world stops, or what it does. */
  #wishes(): Readonly<Record<string, Command>> {
    return {
      catch: {
        usage: 'catch KIND WHAT|all|off',
        help: `stops at ${CATCHES.join(', ')}; irq by number, others by domain`,
        run: (words) => this.#catch(words),
      },
      until: {
        usage: 'until TIME',
        help: 'stops at what comes first from then on, such as 12.5ms, or +100us from now',
        run: ([time]) => this.#until(time),
      },
      program: {
        usage: 'program PD|all|auto',
        help: 'whose code breakpoints are in; auto: as the symbols say',
        run: ([pd = 'auto']) => this.#program(pd),
      },
      inject: {
        usage: 'inject [POINT [FAULT …]]',
        help: 'something goes wrong from here on, as in a plan; without FAULT: what can',
        run: (words) => this.#inject(words),
      },
    };
  }

  #pds(): readonly string[] {
    const { debugger: debug, system } = this.#options;
    return flatten(system).map(({ pd }, index) => {
      const view = new DomainView(pd.name, debug);
      const steps = debug.hartOf(pd.name)?.steps ?? 0;
      const code = debug.isMachineCode(pd.name) ? `${steps} instructions` : 'TypeScript';
      return `${String(index + 1).padStart(3)} ${pd.name.padEnd(24)} ${view.state}; ${code}`;
    });
  }

  #caps(pd: string | undefined): readonly string[] {
    const { debugger: debug, system } = this.#options;
    const names = flatten(system).map((each) => each.pd.name);
    if (pd === undefined || !names.includes(pd)) {
      return [`no domain '${pd ?? ''}'; there are ${names.join(', ')}`];
    }
    if (debug.world === undefined) return NO_WORLD;
    const { state } = debug.world.kernel;
    const { caps } = dumpCapabilities({ system: system.name, state, census: debug.census });
    const holders = [`cnode_${pd}`, `cnode_root_${pd}`, `tcb_${pd}`];
    return capLines(caps.filter(({ holder }) => holders.includes(holder)));
  }

  #faults(): readonly string[] {
    const { debugger: debug, system } = this.#options;
    const faulted = flatten(system).flatMap(({ pd }) => {
      const fault = debug.tcbOf(pd.name)?.fault;
      if (fault === undefined || fault === null) return [];
      const pc = new DomainView(pd.name, debug).register(REGISTERS.pc) ?? new Uint8Array(8);
      const at = new DataView(pc.buffer).getBigUint64(0, true).toString(16);
      return [`${pd.name}: ${fault.kind}, at 0x${at}`];
    });
    return faulted.length === 0 ? ['no domain has faulted'] : faulted;
  }

  #irqs(): readonly string[] {
    const { debugger: debug } = this.#options;
    if (debug.world === undefined) return NO_WORLD;
    const { plic } = debug.world.board;
    return plic.sources().map((irq) => {
      const target = debug.names.irqTarget(irq);
      const owner = target === undefined ? 'no domain' : debug.names.pd(target.pd);
      const states = [
        plic.isHigh(irq) ? 'line high' : 'line low',
        ...(plic.isPending(irq) ? ['pending'] : []),
        ...(plic.isInService(irq) ? ['in service'] : []),
      ];
      return `${String(irq).padStart(3)} ${owner.padEnd(24)} ${states.join(', ')}; delivered ${plic.claimsOf(irq)} times`;
    });
  }

  #devices(wanted: string | undefined): readonly string[] {
    const { world } = this.#options.debugger;
    if (world === undefined) return NO_WORLD;
    const { devices } = world.board.snapshot();
    const all = Object.entries(devices as Record<string, unknown>);
    const shown = all.filter(([name]) => wanted === undefined || name === wanted);
    if (shown.length > 0) return shown.map(([name, state]) => `${name}: ${JSON.stringify(state)}`);
    return [`no device '${wanted ?? ''}'; there are ${all.map(([name]) => name).join(', ')}`];
  }

  #time(): readonly string[] {
    const { debugger: debug } = this.#options;
    if (debug.world === undefined) return NO_WORLD;
    const { counters } = debug.world.kernel;
    return [`${(debug.nowNs() / 1e6).toFixed(6)} ms`, `${counters.kernelEntries} kernel entries`];
  }

  #trace(what = String(TRACE_SHOWN)): readonly string[] {
    const { trace } = this.#options.debugger;
    if (what === 'on' || what === 'off') {
      trace.turn(what);
      return [`the trace is ${what}`];
    }
    if (!/^[1-9]\d{0,3}$/.test(what)) {
      return [`trace takes on, off, or how many of the newest ${TRACE_KEPT} events`];
    }
    if (trace.book === undefined) return ['the trace is off; monitor trace on'];
    const lines = trace.lines(Number(what));
    return lines.length === 0 ? ['nothing has happened since the trace is on'] : lines;
  }

  #inject(words: readonly string[]): readonly string[] {
    const { debugger: debug, system, injected } = this.#options;
    if (injected === undefined) return ['this world is what it was: inject is for sddf run'];
    return inject({ debugger: debug, system, injected }, words);
  }

  #catch([kind, what]: readonly string[]): readonly string[] {
    const { conditions } = this.#options.debugger;
    if (kind === undefined) return conditions.describe();
    if (!CATCHES.includes(kind as Catch) || what === undefined) {
      return [
        `catch takes ${CATCHES.join(', ')}, and what: a domain, a number for irq, all or off`,
      ];
    }
    const known = this.#caught(kind as Catch);
    if (![...known, 'all', 'off'].includes(what)) {
      return [
        `no ${kind === 'irq' ? 'interrupt' : 'domain'} '${what}'; there are ${known.join(', ')}`,
      ];
    }
    conditions.catch(kind as Catch, what);
    return conditions.describe();
  }

  /** What can be named. */
  #caught(kind: Catch): readonly string[] {
    const { debugger: debug, system } = this.#options;
    if (kind !== 'irq') return flatten(system).map(({ pd }) => pd.name);
    return (debug.world?.board.plic.sources() ?? []).map(String);
  }

  #until(text: string | undefined): readonly string[] {
    const match = /^(\+?)(\d+(?:\.\d+)?)(ns|us|ms|s)$/.exec(text ?? '');
    if (match === null) return ['until takes a time, such as 12.5ms, or +100us from now'];
    const [, plus = '', digits = '', unit = ''] = match;
    const { debugger: debug } = this.#options;
    const now = debug.nowNs();
    const atNs = Number(digits) * (UNITS_NS[unit] ?? 1) + (plus === '+' ? now : 0);
    if (atNs <= now) return [`it is ${now / 1e6} ms already`];
    debug.conditions.untilNs = atNs;
    return [`stops at the first instruction or event from ${atNs / 1e6} ms on`];
  }

  #program(pd: string): readonly string[] {
    const names = flatten(this.#options.system).map((each) => each.pd.name);
    if (![...names, 'all', 'auto'].includes(pd)) {
      return [`no domain '${pd}'; there are ${names.join(', ')}`];
    }
    return [`breakpoints are in ${this.#options.chooseProgram(pd)}`];
  }

  #withTestbed(describe: (testbed: Testbed) => readonly string[]): readonly string[] {
    return this.#testbed === undefined ? NO_WORLD : describe(this.#testbed);
  }
}

/** Events of the trace, unless told. */
const TRACE_SHOWN = 20;
const NO_WORLD = ['the world is not built yet'];
const UNITS_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };
