/**
 * The form between text and model: elements with attributes, and where each of them stands in the
 * file. The XML reader makes them with positions, the renderer and the builder without.
 */

import type { Span } from '../diagnostic.ts';

/** Tag of the pseudo-elements that stand for text that is more than blanks. */
export const TEXT = '#text';

export interface Attribute {
  readonly name: string;
  readonly value: string;
  readonly span?: Span;
}

export interface Element {
  readonly tag: string;
  readonly attributes: readonly Attribute[];
  readonly children: readonly Element[];
  /** The start tag up to its name; the element's position is where this begins. */
  readonly span?: Span;
}

/** @returns undefined when the element has none of this name */
export function attributeOf(element: Element, name: string): Attribute | undefined {
  return element.attributes.find((attribute) => attribute.name === name);
}

/** @returns a name for messages: `map 'data'`, by the attribute that names such elements best */
export function label(element: Element): string {
  for (const key of ['name', 'mr', 'pd', 'symbol', 'path', 'id']) {
    const value = attributeOf(element, key)?.value;
    if (value !== undefined) return `${element.tag} '${value}'`;
  }
  return element.tag;
}
