/**
 * Which program a client has the symbols of, when all domains are threads of one: breakpoints are
 * of that program, since others have other code at the same addresses.
 *
 * The client is asked for the values of some symbols (packet `qSymbol`). It means the images in
 * which all of these symbols have the values that it gave. A client that knows none of the symbols
 * means all images.
 */

import { bytesOfHex, hexOf, numberOf } from './packets.ts';

/** A domain's image, as the server tells of it. */
export interface DebuggedProgram {
  readonly pd: string;
  /** Of machine code: its file. */
  readonly path: string | undefined;
  /** @returns the value of a symbol; undefined where there is none of this name, or several */
  readonly symbol: (name: string) => number | undefined;
}

/** Those of Microkit and sDDF whose addresses differ from image to image. */
const ASKED = ['main', 'init', 'notified', 'protected', 'microkit_name', '_bss_end', '__extptr'];

export class ProgramGuess {
  readonly #programs: readonly DebuggedProgram[];
  #next = 0;
  #known: { readonly name: string; readonly value: number }[] = [];
  #chosen: string | undefined;

  constructor(programs: readonly DebuggedProgram[]) {
    this.#programs = programs;
  }

  /** Domains that run the program. */
  get pds(): readonly string[] {
    if (this.#chosen !== undefined) return [this.#chosen];
    const all = this.#programs.map(({ pd }) => pd);
    if (this.#known.length === 0) return all;
    const meant = this.#programs.filter(({ symbol }) =>
      this.#known.every(({ name, value }) => symbol(name) === value),
    );
    return meant.length === 0 ? all : meant.map(({ pd }) => pd);
  }

  forget(): void {
    this.#next = 0;
    this.#known = [];
    this.#chosen = undefined;
  }

  /** @param pd 'all' or 'auto', too @returns what is meant from now on */
  choose(pd: string): string {
    if (pd === 'auto' || pd === 'all') this.#chosen = undefined;
    if (pd === 'all') this.#known = [];
    if (this.#programs.some((each) => each.pd === pd)) this.#chosen = pd;
    return this.pds.join(', ');
  }

  /**
   * `qSymbol::` offers, `qSymbol:VALUE:NAME` answers.
   * @param text behind `qSymbol:`
   */
  onSymbol(text: string): string {
    const [value = '', digits = ''] = text.split(':');
    if (digits === '') {
      this.#next = 0;
      this.#known = [];
    } else {
      const name = new TextDecoder().decode(bytesOfHex(digits));
      const number = numberOf(value);
      if (number !== undefined && ASKED.includes(name)) this.#known.push({ name, value: number });
    }
    const asked = ASKED[this.#next];
    this.#next += 1;
    return asked === undefined ? 'OK' : `qSymbol:${hexOf(new TextEncoder().encode(asked))}`;
  }
}
