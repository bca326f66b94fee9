/**
 * A server for GDB's remote protocol: one client at a time, all domains stop together.
 *
 * While the world runs, it looks for a wish to stop; while the world stands, it answers packets
 * until one of them lets the world go on. Source: "Debugging with GDB", appendix "GDB Remote Serial
 * Protocol"; names of methods are those of packets.
 */

import type { Debugger, Front, Resume } from '../debugger.ts';
import { DomainView, REGISTERS } from '../domains.ts';
import type { Stop, WatchKind } from '../moment.ts';
import { memoryMapXml, TARGET_XML, threadsXml } from './documents.ts';
import {
  bytesOfHex,
  hexOf,
  numberOf,
  PACKET_BYTES_MAX,
  packetOf,
  PacketReader,
  type Received,
} from './packets.ts';
import { type DebuggedProgram, ProgramGuess } from './program-guess.ts';
import { ThreadNames, type Mode } from './threads.ts';

/** How the server hears and answers, from the middle of a run that stands still. */
export interface Line {
  readonly hasNews: boolean;
  take():
    | { readonly kind: 'connected' | 'gone' | 'refused' }
    | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
    | undefined;
  wait(): void;
  send(text: string): void;
  drop(): void;
}

export interface GdbServerOptions {
  readonly line: Line;
  readonly mode: Mode;
  /** 'wait': the world is held until the first client has come. */
  readonly begins: 'wait' | 'at once';
  readonly programs: readonly DebuggedProgram[];
  /** Answers `monitor` commands with lines of text. */
  readonly monitor: (command: string) => readonly string[];
  /** A line for whoever has started the run. */
  readonly note: (text: string) => void;
  /** Whether the run is to end, asked while the world stands. */
  readonly isEnding: () => boolean;
  /** The client wants the run to end. */
  readonly kill: () => void;
}

const OK = 'OK';
const NOTHING = '';
const BAD = 'E01';
const NO_MEMORY = 'E0e';
const SIGNALS = { interrupt: 2, illegal: 4, trap: 5, bus: 7, fpe: 8, segv: 11 } as const;
/** By number of the exception. */
const SIGNAL_OF_EXCEPTION: Readonly<Record<number, number>> = {
  2: SIGNALS.illegal,
  3: SIGNALS.trap,
  4: SIGNALS.bus,
  6: SIGNALS.bus,
};
const MEMORY_BYTES_MAX = (PACKET_BYTES_MAX - 16) / 2;
/** Packets that are none, until a client is told to go. */
const SPOILT_MAX = 1000;
const TEXT_BYTES_MAX = 2000;
/** Packets that wait for the next stop; GDB sends one at most. */
const KEPT_MAX = 16;

export class GdbServer implements Front {
  readonly #options: GdbServerOptions;
  readonly #threads: ThreadNames;
  readonly #guess: ProgramGuess;
  #debugger: Debugger | undefined;
  #reader = new PacketReader();
  /** What has come, and is not looked at yet. */
  #received: Received[] = [];
  /** Packets that have come while the world ran: they are answered when it stands. */
  #kept: string[] = [];
  #isAttached = false;
  /** Whoever was waited for has come, even if gone by now. */
  #hasCome = false;
  #isAcknowledged = true;
  #wantsStop = false;
  /** Whether the client waits to be told of a stop. */
  #isAwaited = false;
  #spoilt = 0;
  #lastSent = '';
  #stop: Stop | undefined;
  /** Numbers: of threads that packets are about. */
  #general = 1;
  #resumed = 1;
  /** In mode inferiors: those that the client has. */
  #attached = new Set<number>();
  #resume: Resume | undefined;

  constructor(options: GdbServerOptions) {
    this.#options = options;
    this.#threads = new ThreadNames(
      options.mode,
      options.programs.map(({ pd }) => pd),
    );
    this.#guess = new ProgramGuess(options.programs);
  }

  /** What it shows; to be told before the world begins. */
  show(debug: Debugger): void {
    this.#debugger = debug;
  }

  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** Chooses the program that breakpoints are of, in mode threads; see {@link ProgramGuess}. */
  chooseProgram(pd: string): string {
    return this.#guess.choose(pd);
  }

  /** The thread that the client looks at. */
  get generalPd(): string {
    return this.#threads.pdOf(this.#general) ?? '';
  }

  /** The run is over for good. */
  over(status: number): void {
    if (!this.#isAttached) return;
    this.#send(`W${hexOf([status])}`);
    this.#options.line.drop();
    this.#isAttached = false;
  }

  // ---------------------------------------------------------------------------------------- front

  wantsStop(): boolean {
    const { line } = this.#options;
    if (line.hasNews || this.#received.length > 0) {
      this.#resume = undefined;
      this.#hear();
    }
    const wants = this.#wantsStop;
    this.#wantsStop = false;
    return wants;
  }

  stopped(stop: Stop): Resume {
    const { line, begins, isEnding } = this.#options;
    const isHeld = stop.cause.kind !== 'end' && begins === 'wait' && !this.#hasCome;
    if (!this.#isAttached && !isHeld) return { kind: 'continue' };
    this.#stop = stop;
    const number = stop.pd === undefined ? this.#general : this.#threads.numberOf(stop.pd);
    this.#general = this.#isShown(number) ? number : this.#anyShown();
    if (this.#isAwaited) this.#tellStop();
    this.#resume = undefined;
    this.#answerKept();
    while (this.#resume === undefined && !isEnding()) {
      if (this.#received.length === 0) line.wait();
      this.#hear();
      if (!this.#isAttached && !isHeld) break;
    }
    this.#stop = undefined;
    this.#wantsStop = false;
    return this.#resume ?? { kind: 'continue' };
  }

  #answerKept(): void {
    while (this.#resume === undefined) {
      const data = this.#kept.shift();
      if (data === undefined) return;
      this.#answer(data);
    }
  }

  #isShown(number: number | undefined): number is number {
    if (number === undefined) return false;
    return this.#options.mode === 'threads' || this.#attached.has(number);
  }

  #anyShown(): number {
    return this.#isShown(this.#general) ? this.#general : ([...this.#attached][0] ?? 1);
  }

  #tellStop(): void {
    this.#isAwaited = false;
    const { text, pd } = this.#stop as Stop;
    if (text !== undefined) this.#say(`${text}${pd === undefined ? '' : ` [${pd}]`}\n`);
    this.#send(this.#stopReply());
  }

  // ----------------------------------------------------------------------------------------- line

  /** Takes what has come, up to what lets the world go on, or a wish that it stops. */
  #hear(): void {
    while (this.#resume === undefined && !(this.#stop === undefined && this.#wantsStop)) {
      const received = this.#received.shift();
      if (received !== undefined) this.#receive(received);
      else if (!this.#takeNews()) return;
    }
  }

  /** @returns whether there was some */
  #takeNews(): boolean {
    const { line, note } = this.#options;
    const news = line.take();
    if (news === undefined) return false;
    switch (news.kind) {
      case 'connected':
        this.#attach();
        break;
      case 'refused':
        note('a second debugger was refused; there is one already');
        break;
      case 'gone':
        this.#detach('the debugger is gone; the run goes on without it');
        break;
      case 'bytes':
        this.#received.push(...this.#reader.read(news.bytes));
        break;
      default:
        news satisfies never;
    }
    return true;
  }

  #attach(): void {
    this.#forgetPackets();
    this.#isAttached = true;
    this.#hasCome = true;
    this.#isAcknowledged = true;
    this.#isAwaited = false;
    this.#spoilt = 0;
    this.#wantsStop = true;
    this.#attached = new Set([1]);
    this.#guess.forget();
    this.#debugger?.conditions.renew();
    this.#options.note('a debugger has come; all domains stop');
  }

  #detach(why: string): void {
    if (!this.#isAttached) return;
    this.#isAttached = false;
    this.#wantsStop = false;
    this.#forgetPackets();
    this.#resume = { kind: 'continue' };
    this.#debugger?.letGo();
    this.#options.note(why);
  }

  #forgetPackets(): void {
    this.#reader = new PacketReader();
    this.#received = [];
    this.#kept = [];
  }

  #receive(received: Received): void {
    switch (received.kind) {
      case 'stop':
        this.#wantsStop = true;
        return;
      case 'acknowledged':
        return;
      case 'asked again':
        if (this.#lastSent !== '') this.#options.line.send(this.#lastSent);
        return;
      case 'spoilt':
        this.#spoil();
        return;
      case 'packet':
        if (this.#isAcknowledged) this.#options.line.send('+');
        if (this.#stop !== undefined) this.#answer(received.data);
        else this.#keep(received.data);
        return;
      default:
        received satisfies never;
    }
  }

  /** A client that has just come asks before the world stands. */
  #keep(data: string): void {
    if (this.#kept.length < KEPT_MAX) this.#kept.push(data);
    else this.#spoil();
  }

  #spoil(): void {
    this.#spoilt += 1;
    if (this.#isAcknowledged) this.#options.line.send('-');
    if (this.#spoilt < SPOILT_MAX) return;
    this.#options.line.drop();
    this.#detach('the debugger sends what is no packet; it was dropped');
  }

  #send(data: string): void {
    this.#lastSent = packetOf(data);
    this.#options.line.send(this.#lastSent);
  }

  /** Text for the client's user. */
  #say(text: string): void {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += TEXT_BYTES_MAX) {
      this.#send(`O${hexOf(bytes.subarray(at, at + TEXT_BYTES_MAX))}`);
    }
  }

  // -------------------------------------------------------------------------------------- packets

  #answer(data: string): void {
    const answer = this.#answerTo(data);
    if (answer !== undefined) this.#send(answer);
  }

  /** @returns undefined when the world goes on: the next stop is the answer */
  #answerTo(data: string): string | undefined {
    switch (data[0]) {
      case '?':
        return this.#stopReply();
      case 'q':
      case 'Q':
        return this.#query(data);
      case 'v':
        return this.#verbose(data);
      case 'H':
        return this.#setThread(data);
      case 'T':
        return typeof this.#threads.read(data.slice(1)) === 'number' ? OK : BAD;
      case 'g':
        return this.#readRegisters();
      case 'G':
        return this.#writeRegisters(data.slice(1));
      case 'p':
        return this.#readRegister(data.slice(1));
      case 'P':
        return this.#writeRegister(data.slice(1));
      case 'm':
        return this.#readMemory(data.slice(1));
      case 'M':
      case 'X':
        return this.#writeMemory(data);
      case 'Z':
      case 'z':
        return this.#point(data);
      case 'c':
      case 's':
      case 'b':
        return this.#go(data);
      case 'D':
        return this.#letGo();
      case 'k':
        return this.#kill();
      case '!':
        return this.#options.mode === 'inferiors' ? OK : NOTHING;
      default:
        return NOTHING;
    }
  }

  #stopReply(): string {
    const { cause } = this.#stop as Stop;
    const thread = `thread:${this.#threads.write(this.#general)};core:0;`;
    switch (cause.kind) {
      case 'breakpoint':
        return `T05swbreak:;${thread}`;
      case 'watch':
        return `T05${WATCH_REPLIES[cause.access]}:${cause.vaddr.toString(16)};${thread}`;
      case 'interrupt':
        return `T${hexOf([SIGNALS.interrupt])}${thread}`;
      case 'exception':
        return `T${hexOf([SIGNAL_OF_EXCEPTION[cause.cause] ?? SIGNALS.segv])}${thread}`;
      case 'begin':
      case 'end':
        return `T05replaylog:${cause.kind};${thread}`;
      case 'step':
      case 'caught':
        return `T05${thread}`;
      default:
        return cause satisfies never;
    }
  }

  #setThread(data: string): string {
    const id = this.#threads.read(data.slice(2));
    if (id === undefined) return BAD;
    const number = typeof id === 'number' ? id : this.#anyShown();
    if (data[1] === 'g') this.#general = number;
    else if (data[1] === 'c') this.#resumed = typeof id === 'number' ? id : this.#general;
    else return BAD;
    return OK;
  }

  #letGo(): undefined {
    this.#send(OK);
    this.#detach('the debugger has let go; the run goes on');
    this.#options.line.drop();
    return undefined;
  }

  #kill(): undefined {
    this.#options.kill();
    this.#detach('the debugger ends the run');
    this.#options.line.drop();
    return undefined;
  }

  // -------------------------------------------------------------------------------------- queries

  #query(data: string): string | undefined {
    const [name] = /^[qQ][A-Za-z]*/.exec(data) ?? [''];
    switch (name) {
      case 'qSupported':
        return this.#supported(data);
      case 'QStartNoAckMode':
        this.#send(OK);
        this.#isAcknowledged = false;
        return undefined;
      case 'qC':
        return `QC${this.#threads.write(this.#general)}`;
      case 'qAttached':
        return '1';
      case 'qfThreadInfo':
        return `m${this.#shown()
          .map((number) => this.#threads.write(number))
          .join(',')}`;
      case 'qsThreadInfo':
        return 'l';
      case 'qThreadExtraInfo':
        return this.#threadInfo(data.slice('qThreadExtraInfo,'.length));
      case 'qXfer':
        return this.#transfer(data);
      case 'qRcmd':
        return this.#command(data.slice('qRcmd,'.length));
      case 'qSymbol':
        return this.#guess.onSymbol(data.slice('qSymbol:'.length));
      default:
        return NOTHING;
    }
  }

  #supported(data: string): string {
    const features = [
      `PacketSize=${PACKET_BYTES_MAX.toString(16)}`,
      'QStartNoAckMode+',
      'qXfer:features:read+',
      'qXfer:threads:read+',
      'qXfer:memory-map:read+',
      'qXfer:exec-file:read+',
      'vContSupported+',
      'ReverseStep+',
      'ReverseContinue+',
      'swbreak+',
      'hwbreak+',
    ];
    const isMany = this.#options.mode === 'inferiors' && data.includes('multiprocess+');
    return [...features, ...(isMany ? ['multiprocess+'] : [])].join(';');
  }

  #threadInfo(text: string): string {
    const id = this.#threads.read(text);
    if (typeof id !== 'number') return BAD;
    return hexOf(new TextEncoder().encode(this.#view(id).state));
  }

  /** qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH */
  #transfer(data: string): string {
    const match = /^qXfer:([a-z-]+):read:([^:]*):([0-9a-f]+),([0-9a-f]+)$/.exec(data);
    if (match === null) return NOTHING;
    const [, object = '', annex = '', offset = '', length = ''] = match;
    const document = this.#document(object, annex);
    if (document === undefined) return 'E00';
    const at = parseInt(offset, 16);
    const bytes = Array.from(new TextEncoder().encode(document), (byte) =>
      String.fromCharCode(byte),
    ).join('');
    // Escaping makes it longer at most by a factor of two.
    const piece = bytes.slice(at, at + Math.min(parseInt(length, 16), PACKET_BYTES_MAX / 4));
    return `${at + piece.length < bytes.length ? 'm' : 'l'}${piece}`;
  }

  #document(object: string, annex: string): string | undefined {
    switch (object) {
      case 'features':
        return annex === 'target.xml' ? TARGET_XML : undefined;
      case 'threads':
        return threadsXml(
          this.#shown().map((number) => {
            const { pd, state } = this.#view(number);
            return { id: this.#threads.write(number), name: pd, state };
          }),
        );
      case 'memory-map':
        // All of an address space that user programs can have, less what no number reaches.
        return memoryMapXml([{ start: 0, sizeBytes: 2 ** 38 }]);
      case 'exec-file':
        return this.#execFile(annex);
      default:
        return undefined;
    }
  }

  #execFile(annex: string): string | undefined {
    const number = annex === '' ? this.#general : parseInt(annex, 16);
    const pd = this.#threads.pdOf(number);
    return this.#options.programs.find((each) => each.pd === pd)?.path;
  }

  #command(digits: string): string {
    const bytes = bytesOfHex(digits);
    if (bytes === undefined) return BAD;
    const lines = this.#options.monitor(new TextDecoder().decode(bytes).trim());
    if (lines.length > 0) this.#say(`${lines.join('\n')}\n`);
    return OK;
  }

  #shown(): readonly number[] {
    return this.#threads.numbers.filter((number) => this.#isShown(number));
  }

  // ---------------------------------------------------------------------------------------- going

  #verbose(data: string): string | undefined {
    if (data === 'vCont?') return 'vCont;c;C;s;S;t';
    if (data.startsWith('vCont;')) return this.#vCont(data.slice('vCont;'.length));
    if (data.startsWith('vKill')) {
      this.#send(OK);
      return this.#kill();
    }
    if (this.#options.mode === 'inferiors') {
      if (data.startsWith('vAttach;')) return this.#vAttach(data.slice('vAttach;'.length));
      if (data.startsWith('vRun')) {
        this.#isAwaited = true;
        return this.#goOn({ kind: 'again' });
      }
    }
    return NOTHING;
  }

  #vAttach(digits: string): string {
    const number = numberOf(digits);
    if (number === undefined || this.#threads.pdOf(number) === undefined) return BAD;
    this.#attached.add(number);
    this.#general = number;
    return `T05thread:${this.#threads.write(number)};core:0;`;
  }

  /** Actions with threads, the first that fits a thread counts: `s:1;c`. */
  #vCont(text: string): string | undefined {
    const actions = text.split(';').map((each) => {
      const [action = '', thread] = each.split(':');
      return {
        action: action[0] ?? '',
        id: thread === undefined ? 'all' : this.#threads.read(thread),
      };
    });
    if (actions.some(({ action, id }) => id === undefined || !'cCsSt'.includes(action))) return BAD;
    if (actions.every(({ action }) => action === 't' || action === '')) return BAD;
    const step = actions.find(({ action }) => action === 's' || action === 'S');
    if (step === undefined) return this.#goOn({ kind: 'continue' });
    const pd = this.#threads.pdOf(typeof step.id === 'number' ? step.id : this.#general) ?? '';
    const alone = !actions.some(({ action }) => action === 'c' || action === 'C');
    return this.#goOn({ kind: 'step', pd, alone });
  }

  #go(data: string): string | undefined {
    const pd = this.#threads.pdOf(this.#resumed) ?? '';
    switch (data) {
      case 'c':
        return this.#goOn({ kind: 'continue' });
      case 's':
        return this.#goOn({ kind: 'step', pd, alone: false });
      case 'bc':
        return this.#goBack({ kind: 'back' });
      case 'bs':
        return this.#goBack({ kind: 'back-step', pd });
      default:
        return NOTHING;
    }
  }

  #goBack(resume: Resume): string | undefined {
    const why = this.#debugger?.whyNotBack;
    if (why === undefined) return this.#goOn(resume);
    this.#say(`cannot go back: ${why}\n`);
    return `T05${`thread:${this.#threads.write(this.#general)};core:0;`}`;
  }

  #goOn(resume: Resume): undefined {
    this.#isAwaited = true;
    this.#resume = resume;
    return undefined;
  }

  // ----------------------------------------------------------------------- registers and memory

  #view(number: number): DomainView {
    return new DomainView(this.#threads.pdOf(number) ?? '', this.#debugger as Debugger);
  }

  #readRegisters(): string {
    const view = this.#view(this.#general);
    const numbers = Array.from({ length: REGISTERS.count }, (_, number) => number);
    return numbers.map((number) => hexOf(view.register(number) ?? [])).join('');
  }

  #writeRegisters(digits: string): string {
    const bytes = bytesOfHex(digits);
    if (bytes === undefined) return BAD;
    const view = this.#view(this.#general);
    let at = 0;
    for (let number = 0; number < REGISTERS.count && at < bytes.length; number += 1) {
      const { length } = view.register(number) ?? [];
      if (length === undefined || at + length > bytes.length) return BAD;
      view.setRegister(number, bytes.subarray(at, at + length));
      at += length;
    }
    this.#touch('registers were written by hand');
    return OK;
  }

  #readRegister(digits: string): string {
    const number = numberOf(digits);
    const bytes = number === undefined ? undefined : this.#view(this.#general).register(number);
    return bytes === undefined ? BAD : hexOf(bytes);
  }

  #writeRegister(text: string): string {
    const [digits = '', value = ''] = text.split('=');
    const number = numberOf(digits);
    const bytes = bytesOfHex(value);
    if (number === undefined || bytes === undefined) return BAD;
    if (!this.#view(this.#general).setRegister(number, bytes)) return BAD;
    this.#touch('a register was written by hand');
    return OK;
  }

  #readMemory(text: string): string {
    const range = rangeOf(text);
    if (range === undefined) return BAD;
    const bytes = Math.min(range.bytes, MEMORY_BYTES_MAX);
    const read =
      this.#watchedBytes(range.vaddr, bytes) ?? this.#view(this.#general).read(range.vaddr, bytes);
    return read.length === 0 && bytes > 0 ? NO_MEMORY : hexOf(read);
  }

  /**
   * What has been written by somebody who has it elsewhere: the client asks for it by the address
   * that it was watched at.
   */
  #watchedBytes(vaddr: number, bytes: number): Uint8Array | undefined {
    const { cause } = this.#stop as Stop;
    const debug = this.#debugger as Debugger;
    if (cause.kind !== 'watch' || debug.world === undefined) return undefined;
    const watchpoint = debug.conditions.watchpoints.find((each) => each.vaddr === cause.vaddr);
    if (watchpoint === undefined || watchpoint.place.kind !== 'ram') return undefined;
    const offset = vaddr - watchpoint.vaddr;
    if (offset < 0 || offset + bytes > watchpoint.bytes) return undefined;
    const at = watchpoint.place.at + offset;
    return debug.world.board.ram.u8.slice(at, at + bytes);
  }

  #writeMemory(data: string): string {
    const colon = data.indexOf(':');
    const range = colon < 0 ? undefined : rangeOf(data.slice(1, colon));
    const rest = data.slice(colon + 1);
    const bytes =
      data[0] === 'M' ? bytesOfHex(rest) : Uint8Array.from(rest, (each) => each.charCodeAt(0));
    if (range === undefined || bytes === undefined || bytes.length !== range.bytes) return BAD;
    if (bytes.length === 0) return OK;
    if (!this.#view(this.#general).write(range.vaddr, bytes)) return NO_MEMORY;
    this.#touch('memory was written by hand');
    return OK;
  }

  /** What the user does to the world, a world that is run again would not have. */
  #touch(why: string): void {
    this.#debugger?.touched(why);
  }

  /** Z0 and Z1: breakpoints; Z2 to Z4: watchpoints. z takes away. */
  #point(data: string): string {
    const match = /^([zZ])([0-4]),([0-9a-fA-F]+),([0-9a-fA-F]+)$/.exec(data);
    const range = match === null ? undefined : rangeOf(`${match[3] ?? ''},${match[4] ?? ''}`);
    if (match === null || range === undefined) return NOTHING;
    const isSet = match[1] === 'Z';
    const kind = WATCH_KINDS[Number(match[2])];
    if (kind !== undefined) return this.#watch(isSet, kind, range);
    const { conditions } = this.#debugger as Debugger;
    const pds =
      this.#options.mode === 'threads'
        ? this.#guess.pds
        : [this.#threads.pdOf(this.#general) ?? ''];
    if (isSet) conditions.setBreakpoint(pds, range.vaddr);
    else conditions.clearBreakpoint(pds, range.vaddr);
    return OK;
  }

  #watch(isSet: boolean, kind: WatchKind, { vaddr, bytes }: Range): string {
    const { conditions } = this.#debugger as Debugger;
    if (!isSet) {
      conditions.unwatch({ kind, vaddr, bytes });
      return OK;
    }
    const place = this.#placeOf(vaddr);
    if (place === undefined || bytes === 0) return BAD;
    conditions.watch({ kind, vaddr, bytes, place });
    return OK;
  }

  /** In the thread that the client looks at, or in one whose program it has. */
  #placeOf(vaddr: number): ReturnType<DomainView['placeOf']> {
    const general = this.generalPd;
    const { pds } = this.#guess;
    const isOwn = this.#options.mode === 'inferiors' || pds.includes(general);
    for (const pd of isOwn ? [general] : pds) {
      const place = new DomainView(pd, this.#debugger as Debugger).placeOf(vaddr);
      if (place !== undefined) return place;
    }
    return undefined;
  }
}

interface Range {
  readonly vaddr: number;
  readonly bytes: number;
}

const WATCH_KINDS: readonly (WatchKind | undefined)[] = [
  undefined,
  undefined,
  'write',
  'read',
  'access',
];
const WATCH_REPLIES = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

/** ADDRESS,LENGTH */
function rangeOf(text: string): Range | undefined {
  const [address = '', length = '', ...more] = text.split(',');
  const vaddr = numberOf(address);
  const bytes = numberOf(length);
  if (vaddr === undefined || bytes === undefined || more.length > 0) return undefined;
  return { vaddr, bytes };
}
