/**
 * A server for GDB's remote protocol: one client at a time, all domains stop together.
 *
 * While the world runs, it looks for a wish to stop; while the world stands, it answers packets
 * until one of them lets the world go on:
 *
 *     runs ──▶ a wish to stop, or a stop ──▶ stands: packet, answer, packet … ──▶ runs
 *
 * Source: "Debugging with GDB", appendix "GDB Remote Serial Protocol".
 */

import { assert } from '../../memory/assert.ts';
import type { Debugger, Front, Resume } from '../debugger.ts';
import type { Stop } from '../moment.ts';
import { Answers } from './answers.ts';
import { ClientLine, type Heard, type Line } from './client-line.ts';
import { ClientThreads } from './client-threads.ts';
import { hexOf } from './packets.ts';
import { type DebuggedProgram, ProgramGuess } from './program-guess.ts';
import { OK, stopReply } from './replies.ts';
import type { Mode } from './threads.ts';

/** Where GDB comes, and what it is shown. */
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

/** What it shows. */
interface Shown {
  readonly debugger: Debugger;
  readonly answers: Answers;
}

/** Packets that wait for the next stop; GDB sends one at most. */
const KEPT_MAX = 16;
const GO_ON: Resume = { kind: 'continue' };

/** What a `Debugger` talks to: GDB. */
export class GdbServer implements Front {
  readonly #options: GdbServerOptions;
  readonly #line: ClientLine;
  readonly #threads: ClientThreads;
  readonly #guess: ProgramGuess;
  #shown: Shown | undefined;
  /** Packets that have come while the world ran: they are answered when it stands. */
  #kept: string[] = [];
  #isAttached = false;
  /** Whoever was waited for has come, even if gone by now. */
  #hasCome = false;
  #wantsStop = false;
  /** What the client waits for, while the world runs. */
  #awaited: 'stop' | 'command' | 'nothing' = 'nothing';
  /** Why the world stands; undefined while it runs. */
  #stop: Stop | undefined;
  /** How it is to go on. */
  #resume: Resume | undefined;

  constructor(options: GdbServerOptions) {
    const { line, mode, programs } = options;
    this.#options = options;
    this.#line = new ClientLine(line);
    this.#threads = new ClientThreads(
      mode,
      programs.map(({ pd }) => pd),
    );
    this.#guess = new ProgramGuess(programs);
  }

  /** What it shows; to be told before the world begins. */
  show(debug: Debugger): void {
    const { programs } = this.#options;
    const parts = { debugger: debug, threads: this.#threads, guess: this.#guess, programs };
    this.#shown = { debugger: debug, answers: new Answers(parts) };
  }

  /** Chooses the program that breakpoints are of, in mode threads; see {@link ProgramGuess}. */
  chooseProgram(pd: string): string {
    return this.#guess.choose(pd);
  }

  /** The thread that the client looks at. */
  get generalPd(): string {
    return this.#threads.generalPd;
  }

  /** The run is over for good. */
  over(status: number): void {
    if (!this.#isAttached) return;
    this.#line.send(`W${hexOf([status])}`);
    this.#line.drop();
    this.#isAttached = false;
  }

  wantsStop(): boolean {
    if (this.#line.hasNews) {
      this.#resume = undefined;
      this.#hear();
    }
    const wants = this.#wantsStop;
    this.#wantsStop = false;
    return wants;
  }

  stopped(stop: Stop): Resume {
    const { begins, isEnding } = this.#options;
    const isHeld = stop.cause.kind !== 'end' && begins === 'wait' && !this.#hasCome;
    if (!this.#isAttached && !isHeld) return GO_ON;
    this.#stop = stop;
    // Of a world that was made anew for a command, the client shall not notice it.
    if (this.#awaited === 'command') this.#done(stop);
    else this.#threads.turnTo(stop.pd);
    if (this.#awaited === 'stop') this.#tell(stop);
    this.#awaited = 'nothing';
    this.#resume = undefined;
    this.#answerKept(stop);
    while (this.#resume === undefined && !isEnding()) {
      this.#line.wait();
      this.#hear();
      if (!this.#isAttached && !isHeld) break;
    }
    this.#stop = undefined;
    this.#wantsStop = false;
    return this.#resume ?? GO_ON;
  }

  /** A command is done. */
  #done({ warning }: Stop): void {
    if (warning !== undefined) this.#line.say(`${warning}\n`);
    this.#line.send(OK);
  }

  #tell({ cause, text, warning, pd }: Stop): void {
    if (text !== undefined) this.#line.say(`${text}${pd === undefined ? '' : ` [${pd}]`}\n`);
    if (warning !== undefined) this.#line.say(`${warning}\n`);
    this.#line.send(stopReply(cause, this.#threads.generalText));
  }

  // -------------------------------------------------------------------------------------- clients

  /** Takes what has come, up to what lets the world go on, or a wish that it stops. */
  #hear(): void {
    while (this.#resume === undefined && !(this.#stop === undefined && this.#wantsStop)) {
      const heard = this.#line.hear();
      if (heard === undefined) return;
      this.#take(heard);
    }
  }

  #take(heard: Heard): void {
    switch (heard.kind) {
      case 'packet':
        if (this.#stop === undefined) this.#keep(heard.data);
        else this.#answer(heard.data, this.#stop);
        break;
      case 'stop':
        this.#wantsStop = true;
        break;
      case 'connected':
        this.#attach();
        break;
      case 'refused':
        this.#options.note('a second debugger was refused; there is one already');
        break;
      case 'gone':
        this.#detach('the debugger is gone; the run goes on without it');
        break;
      case 'hopeless':
        this.#line.drop();
        this.#detach('the debugger sends what is no packet; it was dropped');
        break;
      default:
        heard satisfies never;
    }
  }

  #attach(): void {
    this.#line.renew();
    this.#kept = [];
    this.#isAttached = true;
    this.#hasCome = true;
    this.#awaited = 'nothing';
    this.#wantsStop = true;
    this.#threads.renew();
    this.#guess.forget();
    this.#shown?.debugger.conditions.renew();
    this.#options.note('a debugger has come; all domains stop');
  }

  #detach(why: string): void {
    if (!this.#isAttached) return;
    this.#isAttached = false;
    this.#wantsStop = false;
    this.#line.renew();
    this.#kept = [];
    this.#resume = GO_ON;
    this.#shown?.debugger.letGo();
    this.#options.note(why);
  }

  /** A client that has just come asks before the world stands. */
  #keep(data: string): void {
    if (this.#kept.length < KEPT_MAX) {
      this.#kept.push(data);
      return;
    }
    const heard = this.#line.spoil();
    if (heard !== undefined) this.#take(heard);
  }

  #answerKept(stop: Stop): void {
    while (this.#resume === undefined) {
      const data = this.#kept.shift();
      if (data === undefined) return;
      this.#answer(data, stop);
    }
  }

  // -------------------------------------------------------------------------------------- packets

  #answer(data: string, stop: Stop): void {
    assert(this.#shown !== undefined, 'a world that stands is shown');
    const answer = this.#shown.answers.to(data, stop);
    switch (answer.kind) {
      case 'answer':
        this.#line.send(answer.text);
        break;
      case 'command':
        this.#command(answer.text, this.#shown.debugger);
        break;
      case 'quiet':
        this.#line.send(OK);
        this.#line.acknowledgeNoMore();
        break;
      case 'go':
        this.#go(answer.resume, this.#shown.debugger);
        break;
      case 'leave':
        if (answer.text !== undefined) this.#line.send(answer.text);
        this.#leave(answer.how);
        break;
      default:
        answer satisfies never;
    }
  }

  #command(command: string, debug: Debugger): void {
    const lines = this.#options.monitor(command);
    if (lines.length > 0) this.#line.say(`${lines.join('\n')}\n`);
    if (debug.hasNewCourse) {
      this.#awaited = 'command';
      this.#resume = { kind: 'here' };
    } else {
      this.#line.send(OK);
    }
  }

  #go(resume: Resume, { whyNotBack }: Debugger): void {
    const isBackwards = resume.kind === 'back' || resume.kind === 'back-step';
    if (!isBackwards || whyNotBack === undefined) {
      this.#awaited = 'stop';
      this.#resume = resume;
      return;
    }
    this.#line.say(`cannot go back: ${whyNotBack}\n`);
    this.#line.send(stopReply({ kind: 'step' }, this.#threads.generalText));
  }

  #leave(how: 'let go' | 'kill'): void {
    if (how === 'kill') this.#options.kill();
    this.#detach(
      how === 'kill' ? 'the debugger ends the run' : 'the debugger has let go; the run goes on',
    );
    this.#line.drop();
  }
}
