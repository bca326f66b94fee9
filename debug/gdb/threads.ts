/**
 * Domains as GDB knows them: as threads of one program, or each as a program with a thread. Numbers
 * are those of the description, from 1 on.
 */

export type Mode = 'threads' | 'inferiors';

/** A thread of a packet: a domain's number, or all of them, or any. */
export type ThreadId = number | 'all' | 'any';

export class ThreadNames {
  readonly mode: Mode;
  readonly #pds: readonly string[];

  constructor(mode: Mode, pds: readonly string[]) {
    this.mode = mode;
    this.#pds = pds;
  }

  get numbers(): readonly number[] {
    return this.#pds.map((_, index) => index + 1);
  }

  pdOf(number: number): string | undefined {
    return this.#pds[number - 1];
  }

  numberOf(pd: string): number | undefined {
    const index = this.#pds.indexOf(pd);
    return index < 0 ? undefined : index + 1;
  }

  /** @returns as packets have it: `3`, or `p3.3` */
  write(number: number): string {
    const digits = number.toString(16);
    return this.mode === 'threads' ? digits : `p${digits}.${digits}`;
  }

  /** @returns undefined for what is none, or is no domain's */
  read(text: string): ThreadId | undefined {
    const match = /^(?:p(-1|[0-9a-f]{1,8})(?:\.(-1|[0-9a-f]{1,8}))?|(-1|[0-9a-f]{1,8}))$/i.exec(
      text,
    );
    if (match === null) return undefined;
    const [, process, thread, alone] = match;
    const digits =
      alone ?? (process === '-1' || process === '0' ? process : wanted(process, thread));
    if (digits === '-1') return 'all';
    const number = parseInt(digits ?? '', 16);
    if (number === 0) return 'any';
    return this.pdOf(number) === undefined ? undefined : number;
  }
}

/** In mode inferiors a process has one thread: any and all of its threads are that one. */
function wanted(process: string | undefined, thread: string | undefined): string | undefined {
  return thread === undefined || thread === '-1' || thread === '0' ? process : thread;
}
