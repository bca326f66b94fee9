/** Elements and attributes that come from a text: they know where they stand in it. */

import type { Span } from '../diagnostic.ts';
import type { Attribute, Element } from './element.ts';
import type { LineIndex } from './line-index.ts';

/**
 * Lines and columns of a range of the text; counted when somebody asks, which is when something is
 * wrong.
 */
class Place {
  readonly #lines: LineIndex;
  readonly #offset: number;
  readonly #length: number;

  constructor(lines: LineIndex, offset: number, length: number) {
    this.#lines = lines;
    this.#offset = offset;
    this.#length = length;
  }

  get span(): Span {
    return this.#lines.span(this.#offset, this.#length);
  }
}

export class ParsedElement extends Place implements Element {
  readonly tag: string;
  readonly attributes: ParsedAttribute[] = [];
  readonly children: Element[] = [];

  constructor(tag: string, lines: LineIndex, offset: number, length: number) {
    super(lines, offset, length);
    this.tag = tag;
  }
}

export class ParsedAttribute extends Place implements Attribute {
  readonly name: string;
  readonly value: string;

  constructor(attribute: Attribute, lines: LineIndex, offset: number, length: number) {
    super(lines, offset, length);
    this.name = attribute.name;
    this.value = attribute.value;
  }
}
