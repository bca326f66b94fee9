/**
 * Text to elements, with the exact position of every element and attribute. Whatever the text is,
 * this ends soon: a document type definition is refused (so there are no entities to expand), and
 * size, depth and the number of elements are bounded.
 */

import { SaxesParser } from 'saxes';
import type { Diagnostic, Span } from '../diagnostic.ts';
import type { Element } from './element.ts';
import { TEXT } from './element.ts';
import { ATTRIBUTES_MAX, DEPTH_MAX, ELEMENTS_MAX, FILE_BYTES_MAX } from './limits.ts';
import { LineIndex } from './line-index.ts';
import { ParsedAttribute, ParsedElement } from './nodes.ts';
import { parsePlain } from './plain.ts';

const SYNTAX_ERRORS_MAX = 20;

export type ParseResult =
  | { readonly ok: true; readonly root: Element }
  | { readonly ok: false; readonly errors: readonly Diagnostic[] };

/** Thrown and caught in this file only: there is no other way to stop the parser. */
class Stop extends Error {}

/**
 * @param text the file's text
 * @param file its name, for messages
 */
export function parseXml(text: string, file: string): ParseResult {
  if (text.length <= FILE_BYTES_MAX) {
    const root = parsePlain(text, new LineIndex(text));
    if (root !== undefined) return { ok: true, root };
  }
  return parseFully(text, file);
}

/** The same by the XML parser, whatever the text is. */
export function parseFully(text: string, file: string): ParseResult {
  const reading = new Reading(text, file);
  if (text.length > FILE_BYTES_MAX) {
    reading.refuse(`longer than ${FILE_BYTES_MAX} characters`, undefined);
  } else {
    reading.run();
  }
  if (reading.errors.length > 0) return { ok: false, errors: reading.errors };
  if (reading.root === undefined) {
    reading.refuse('the document has no element', undefined);
    return { ok: false, errors: reading.errors };
  }
  return { ok: true, root: reading.root };
}

class Reading {
  readonly errors: Diagnostic[] = [];
  root: Element | undefined;
  readonly #text: string;
  readonly #file: string;
  readonly #lines: LineIndex;
  readonly #parser = new SaxesParser({ xmlns: false, position: true });
  readonly #open: ParsedElement[] = [];
  #count = 0;
  /** Offset behind the last tag, comment or text. */
  #textFrom = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    this.#lines = new LineIndex(text);
  }

  refuse(what: string, span: Span | undefined, hint?: string): void {
    this.errors.push({
      severity: 'error',
      message: `Could not parse '${this.#file}': ${what}`,
      path: '',
      ...(span === undefined ? {} : { span }),
      ...(hint === undefined ? {} : { hint }),
    });
  }

  run(): void {
    const parser = this.#parser;
    parser.on('error', (error) => this.#onSyntaxError(error));
    parser.on('doctype', () => this.#onDoctype());
    parser.on('opentagstart', (tag) => this.#onOpen(tag.name));
    parser.on('attribute', (attribute) => this.#onAttribute(attribute.name, attribute.value));
    parser.on('opentag', () => (this.#textFrom = parser.position));
    parser.on('closetag', () => this.#onClose());
    parser.on('text', (text) => this.#onText(text));
    parser.on('cdata', (text) => this.#onText(text));
    parser.on('comment', () => (this.#textFrom = parser.position));
    try {
      parser.write(this.#text).close();
    } catch (error) {
      if (error instanceof Stop) return;
      // saxes 6.0.0, for a text that ends within `-->`: it makes a character of the end, which is
      // none.
      if (!(error instanceof RangeError)) throw error;
      this.refuse('the text ends within a comment', this.#lines.span(this.#text.length - 1, 1));
    }
  }

  #stop(): never {
    throw new Stop();
  }

  #onSyntaxError(error: Error): void {
    // The parser writes its own line and column before the message.
    const what = error.message.replace(/^\d+:\d+: /, '').replace(/\.$/, '');
    const offset = Math.max(0, Math.min(this.#parser.position, this.#text.length) - 1);
    this.refuse(what, this.#lines.span(offset, 1));
    if (this.errors.length >= SYNTAX_ERRORS_MAX) this.#stop();
  }

  #onDoctype(): void {
    const offset = Math.max(0, this.#text.indexOf('<!DOCTYPE'));
    const hint = 'a description needs no document type and no entities: remove it';
    this.refuse('XML with DTD detected', this.#lines.span(offset, '<!DOCTYPE'.length), hint);
    this.#stop();
  }

  #onOpen(tag: string): void {
    const offset = Math.max(0, this.#text.lastIndexOf('<', this.#parser.position - 1));
    const element = new ParsedElement(tag, this.#lines, offset, tag.length + 1);
    this.#count += 1;
    if (this.#open.length >= DEPTH_MAX) {
      this.refuse(`elements are nested deeper than ${DEPTH_MAX}`, element.span);
      this.#stop();
    }
    if (this.#count > ELEMENTS_MAX) {
      this.refuse(`more than ${ELEMENTS_MAX} elements`, element.span);
      this.#stop();
    }
    this.#open.push(element);
  }

  #onAttribute(name: string, value: string): void {
    const element = this.#open.at(-1);
    if (element === undefined) return;
    const { offset, length } = this.#attributeRange(name);
    const attribute = new ParsedAttribute({ name, value }, this.#lines, offset, length);
    if (element.attributes.some((other) => other.name === name)) {
      const { span } = attribute;
      const at = `${span.line}:${span.column}`;
      this.refuse(`attribute '${name}' at ${at} is already defined`, span);
      this.#stop();
    }
    if (element.attributes.length >= ATTRIBUTES_MAX) {
      this.refuse(`an element has more than ${ATTRIBUTES_MAX} attributes`, attribute.span);
      this.#stop();
    }
    element.attributes.push(attribute);
  }

  /**
   * The parser is just behind the closing quote: the name stands before the `=` before the opening
   * one.
   */
  #attributeRange(name: string): { offset: number; length: number } {
    const text = this.#text;
    const close = this.#parser.position - 1;
    const quote = text.charAt(close);
    const equals = text.lastIndexOf('=', text.lastIndexOf(quote, close - 1));
    const offset = text.lastIndexOf(name, equals - 1);
    if ((quote !== '"' && quote !== "'") || equals < 0 || offset < 0) {
      return { offset: Math.max(0, close), length: 1 }; // malformed, and reported as such
    }
    return { offset, length: close + 1 - offset };
  }

  #onClose(): void {
    this.#textFrom = this.#parser.position;
    const element = this.#open.pop();
    if (element === undefined) return;
    const parent = this.#open.at(-1);
    if (parent === undefined) this.root ??= element;
    else parent.children.push(element);
  }

  #onText(text: string): void {
    const parent = this.#open.at(-1);
    const from = this.#textFrom;
    this.#textFrom = this.#parser.position;
    if (parent === undefined || text.trim() === '') return;
    const raw = this.#text.slice(from);
    const offset = from + (raw.length - raw.trimStart().length);
    const length = (/^[^<\r\n]*/.exec(this.#text.slice(offset))?.[0] ?? '').trimEnd().length;
    parent.children.push(new ParsedElement(TEXT, this.#lines, offset, Math.max(1, length)));
  }
}
