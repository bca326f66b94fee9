/** What is done about a packet while the world stands; names of methods are those of packets. */

import type { Debugger, Resume } from '../debugger.ts';
import type { Stop } from '../moment.ts';
import type { ClientThreads } from './client-threads.ts';
import { MemoryPackets } from './memory-packets.ts';
import { bytesOfHex, numberOf } from './packets.ts';
import { PointPackets } from './point-packets.ts';
import type { DebuggedProgram, ProgramGuess } from './program-guess.ts';
import { QueryPackets } from './query-packets.ts';
import { BAD, OK, stopReply, UNKNOWN } from './replies.ts';
import { resumeOf } from './resume-packets.ts';

export type Answer =
  | { readonly kind: 'answer'; readonly text: string }
  /** The next stop is the answer. */
  | { readonly kind: 'go'; readonly resume: Resume }
  /** A `monitor` command. */
  | { readonly kind: 'command'; readonly text: string }
  /** Packets are acknowledged no more. */
  | { readonly kind: 'quiet' }
  | { readonly kind: 'leave'; readonly how: 'let go' | 'kill'; readonly text: string | undefined };

export interface AnswersParts {
  readonly debugger: Debugger;
  readonly threads: ClientThreads;
  readonly guess: ProgramGuess;
  readonly programs: readonly DebuggedProgram[];
}

export class Answers {
  readonly #threads: ClientThreads;
  readonly #memory: MemoryPackets;
  readonly #points: PointPackets;
  readonly #queries: QueryPackets;

  constructor(parts: AnswersParts) {
    const { debugger: debug, threads, guess } = parts;
    this.#threads = threads;
    this.#memory = new MemoryPackets(threads, debug);
    this.#points = new PointPackets(threads, guess, debug);
    this.#queries = new QueryPackets(parts);
  }

  /** @param stop why the world stands */
  to(data: string, stop: Stop): Answer {
    switch (data[0]) {
      case 'q':
      case 'Q':
        return this.#query(data);
      case 'v':
        return this.#verbose(data);
      case 'c':
      case 's':
      case 'b':
        return this.#go(data);
      case 'D':
        return { kind: 'leave', how: 'let go', text: OK };
      case 'k':
        return { kind: 'leave', how: 'kill', text: undefined };
      default:
        return { kind: 'answer', text: this.#aboutState(data, stop) };
    }
  }

  #aboutState(data: string, stop: Stop): string {
    const rest = data.slice(1);
    switch (data[0]) {
      case '?':
        return stopReply(stop.cause, this.#threads.generalText);
      case '!':
        return this.#threads.mode === 'inferiors' ? OK : UNKNOWN;
      case 'H':
        return this.#threads.choose(data[1], data.slice(2)) ? OK : BAD;
      case 'T':
        return typeof this.#threads.names.read(rest) === 'number' ? OK : BAD;
      case 'g':
        return this.#memory.readRegisters();
      case 'G':
        return this.#memory.writeRegisters(rest);
      case 'p':
        return this.#memory.readRegister(rest);
      case 'P':
        return this.#memory.writeRegister(rest);
      case 'm':
        return this.#memory.readMemory(rest, stop);
      case 'M':
      case 'X':
        return this.#memory.writeMemory(data);
      case 'Z':
      case 'z':
        return this.#points.answer(data);
      default:
        return UNKNOWN;
    }
  }

  #query(data: string): Answer {
    const [name = ''] = /^[qQ][A-Za-z]*/.exec(data) ?? [];
    if (name === 'QStartNoAckMode') return { kind: 'quiet' };
    if (name !== 'qRcmd') return { kind: 'answer', text: this.#queries.answer(name, data) };
    const bytes = bytesOfHex(data.slice('qRcmd,'.length));
    if (bytes === undefined) return { kind: 'answer', text: BAD };
    return { kind: 'command', text: new TextDecoder().decode(bytes).trim() };
  }

  #verbose(data: string): Answer {
    if (data === 'vCont?') return { kind: 'answer', text: 'vCont;c;C;s;S;t' };
    if (data.startsWith('vCont;')) return this.#go(data);
    if (data.startsWith('vKill')) return { kind: 'leave', how: 'kill', text: OK };
    if (this.#threads.mode === 'inferiors') {
      if (data.startsWith('vAttach;')) return this.#vAttach(data.slice('vAttach;'.length));
      if (data.startsWith('vRun')) return { kind: 'go', resume: { kind: 'again' } };
    }
    return { kind: 'answer', text: UNKNOWN };
  }

  #vAttach(digits: string): Answer {
    const number = numberOf(digits);
    if (number === undefined || this.#threads.names.pdOf(number) === undefined) {
      return { kind: 'answer', text: BAD };
    }
    this.#threads.attach(number);
    return { kind: 'answer', text: stopReply({ kind: 'step' }, this.#threads.generalText) };
  }

  #go(data: string): Answer {
    const resume = resumeOf(data, this.#threads);
    return typeof resume === 'string' ? { kind: 'answer', text: resume } : { kind: 'go', resume };
  }
}
