/**
 * The quick way through a text of the usual form: elements and attributes, comments, blanks, and
 * nothing else. Anything more (an entity, text, an unusual character, a mistake) is left to the XML
 * parser, which knows what it means or says what is wrong with it. Where this answers, its answer
 * is the parser's: `plain.test.ts` compares them.
 *
 * Why: the parser goes character by character. In a process that reads one file that takes most of
 * the time, because none of the parser has been compiled yet; regular expressions have.
 */

import type { Element } from './element.ts';
import { ATTRIBUTES_MAX, DEPTH_MAX, ELEMENTS_MAX } from './limits.ts';
import type { LineIndex } from './line-index.ts';
import { ParsedAttribute, ParsedElement } from './nodes.ts';

/**
 * What a plain text is made of: no carriage return, no tabulator (blanks in attributes change) and
 * no wide character.
 */
const OTHER_CHARACTER = /[^\n\x20-\x7e\xa0-\ud7ff]/;
const DECLARATION = /<\?xml version=(?:"1\.0"|'1\.0')(?: encoding=(?:"UTF-8"|'UTF-8'))? ?\?>/y;
const BLANKS = /[ \n]*/y;
const OPEN = /<([A-Za-z_][\w.-]*)/y;
const ATTRIBUTE = /[ \n]+([A-Za-z_][\w.-]*)[ \n]*=[ \n]*(?:"([^"<&\n]*)"|'([^'<&\n]*)')/y;
const OPEN_END = /[ \n]*(\/?)>/y;
const CLOSE = /<\/([A-Za-z_][\w.-]*)[ \n]*>/y;

/**
 * @returns the root element, or undefined when the text is not plain: then nothing is known about
 * it
 */
export function parsePlain(text: string, lines: LineIndex): Element | undefined {
  return OTHER_CHARACTER.test(text) ? undefined : new PlainReading(text, lines).run();
}

class PlainReading {
  readonly #text: string;
  readonly #lines: LineIndex;
  readonly #open: ParsedElement[] = [];
  #root: ParsedElement | undefined;
  #at = 0;
  #count = 0;

  constructor(text: string, lines: LineIndex) {
    this.#text = text;
    this.#lines = lines;
  }

  run(): Element | undefined {
    this.#match(DECLARATION);
    do {
      if (!this.#skip()) return undefined;
      if (this.#at === this.#text.length) return this.#open.length === 0 ? this.#root : undefined;
    } while (this.#onTag());
    return undefined;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  /** Blanks and comments. @returns false at a comment that is malformed */
  #skip(): boolean {
    for (;;) {
      this.#match(BLANKS);
      if (!this.#text.startsWith('<!--', this.#at)) return true;
      const end = this.#text.indexOf('--', this.#at + 4);
      if (end < 0 || this.#text.charAt(end + 2) !== '>') return false;
      this.#at = end + 3;
    }
  }

  /** @returns false at what is no plain tag */
  #onTag(): boolean {
    const from = this.#at;
    const open = this.#match(OPEN);
    if (open === null) return this.#onClose();
    const tag = open[1] as string;
    const element = new ParsedElement(tag, this.#lines, from, tag.length + 1);
    this.#count += 1;
    if (this.#count > ELEMENTS_MAX || this.#open.length >= DEPTH_MAX) return false;
    if (!this.#readAttributes(element)) return false;
    const parent = this.#open.at(-1);
    if (parent !== undefined) parent.children.push(element);
    else if (this.#root === undefined) this.#root = element;
    else return false;
    const end = this.#match(OPEN_END);
    if (end === null) return false;
    if (end[1] === '') this.#open.push(element);
    return true;
  }

  #onClose(): boolean {
    const close = this.#match(CLOSE);
    return close !== null && this.#open.pop()?.tag === close[1];
  }

  #readAttributes({ attributes }: ParsedElement): boolean {
    for (;;) {
      const from = this.#at;
      const match = this.#match(ATTRIBUTE);
      if (match === null) return true;
      const name = match[1] as string;
      const value = (match[2] ?? match[3]) as string;
      if (attributes.some((other) => other.name === name)) return false;
      if (attributes.length >= ATTRIBUTES_MAX) return false;
      const offset = this.#text.indexOf(name, from);
      attributes.push(new ParsedAttribute({ name, value }, this.#lines, offset, this.#at - offset));
    }
  }
}
