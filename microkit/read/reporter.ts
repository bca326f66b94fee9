/** Collects what is wrong, with the message forms of the Microkit tool. */

import type { Diagnostic } from '../diagnostic.ts';
import type { Element } from '../xml/element.ts';
import { attributeOf, label } from '../xml/element.ts';
import { didYouMean } from './spelling.ts';

/** More than this helps nobody; the rest is counted. */
const DIAGNOSTICS_MAX = 1000;
/** Spelling is looked up for this many errors only: it takes time for each name that is known. */
const SPELLING_MAX = 50;

export interface Extras {
  /** The attribute at fault: its span is better than the element's. */
  readonly attribute?: string;
  readonly hint?: string | undefined;
}

export class Reporter {
  readonly #file: string;
  readonly #diagnostics: Diagnostic[] = [];
  readonly #parents = new Map<Element, Element>();
  #errors = 0;
  #dropped = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Errors so far. */
  get errors(): number {
    return this.#errors;
  }

  get full(): boolean {
    return this.#diagnostics.length >= DIAGNOSTICS_MAX;
  }

  /** @returns a hint with the name that may have been meant */
  didYouMean(word: string, known: Iterable<string>): string | undefined {
    return this.#errors < SPELLING_MAX ? didYouMean(word, known) : undefined;
  }

  /** Remembers the tree, so that a message can say where an element without a position is. */
  enter(root: Element): void {
    for (const child of root.children) {
      this.#parents.set(child, root);
      this.enter(child);
    }
  }

  diagnostics(): readonly Diagnostic[] {
    if (this.#dropped === 0) return this.#diagnostics;
    const message = `Error: ${this.#dropped} more errors are not shown`;
    return [...this.#diagnostics, { severity: 'error', message, path: '' }];
  }

  /** `MESSAGE on element 'tag': file:row:col` */
  onElement(message: string, element: Element, extras: Extras = {}): void {
    this.#add(
      `Error: ${message} on element '${element.tag}': ${this.place(element)}`,
      element,
      extras,
    );
  }

  /** `MESSAGE @ file:row:col` */
  at(message: string, element: Element, extras: Extras = {}): void {
    this.#add(`Error: ${message} @ ${this.place(element)}`, element, extras);
  }

  /** `MESSAGE: file:row:col` */
  colon(message: string, element: Element, extras: Extras = {}): void {
    this.#add(`Error: ${message}: ${this.place(element)}`, element, extras);
  }

  /** The whole message, as the tool words it. */
  exactly(message: string, element: Element | undefined, extras: Extras = {}): void {
    this.#add(message, element, extras);
  }

  warn(message: string, element: Element, extras: Extras = {}): void {
    if (!this.full) this.#diagnostics.push(this.#describe('warning', message, element, extras));
  }

  /** Where an element is: `file:row:col`, or its path when it does not come from a file. */
  place(element: Element): string {
    const { span } = element;
    if (span === undefined) return this.#path(element);
    return `${this.#file}:${span.line}:${span.column}`;
  }

  #add(message: string, element: Element | undefined, extras: Extras): void {
    this.#errors += 1;
    if (this.full) this.#dropped += 1;
    else this.#diagnostics.push(this.#describe('error', message, element, extras));
  }

  #describe(
    severity: Diagnostic['severity'],
    message: string,
    element: Element | undefined,
    { attribute, hint }: Extras,
  ): Diagnostic {
    const found =
      element && attribute !== undefined ? attributeOf(element, attribute)?.span : undefined;
    const span = found ?? element?.span;
    return {
      severity,
      message,
      path: element === undefined ? '' : this.#path(element),
      ...(span === undefined ? {} : { span }),
      ...(hint === undefined ? {} : { hint }),
    };
  }

  #path(element: Element): string {
    const names: string[] = [];
    let at: Element | undefined = element;
    while (at !== undefined && at.tag !== 'system') {
      names.unshift(label(at));
      at = this.#parents.get(at);
    }
    return names.join(' > ');
  }
}
