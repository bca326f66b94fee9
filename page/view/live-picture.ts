/**
 * The drawn graph of a system, and what moves in it: a domain that has entered the kernel since the
 * last picture is lit, a line on which a signal flew is thick. Only what has changed is touched.
 */

import type { Pulse } from '../engine/protocol.ts';

/** What is shown of a moment. */
export interface Activity extends Pick<Pulse, 'entries' | 'signals'> {
  /** The domain in the middle of a kernel entry. */
  readonly underWay: string | undefined;
  /** Domains that a fault has stopped. */
  readonly faulted: readonly string[];
}

interface Node {
  readonly name: string;
  readonly element: Element;
  /** Its number among the domains. */
  readonly domain: number;
}

interface Line {
  readonly element: Element;
  /** Where {@link Activity.signals} has those that fly on it, one way and the other. */
  readonly signals: readonly number[];
}

export class LivePicture {
  readonly #nodes: readonly Node[];
  readonly #lines: readonly Line[];
  #entries: ArrayLike<number> = [];
  #signals: ArrayLike<number> = [];

  /** @param names of all domains, the monitor's last */
  constructor(svg: Element, names: readonly string[]) {
    const numbers = new Map(names.map((name, number) => [name, number]));
    this.#nodes = [...svg.querySelectorAll('g.node')].map((element) => {
      const name = titleOf(element);
      return { name, element, domain: numbers.get(name) ?? names.length };
    });
    this.#lines = [...svg.querySelectorAll('g.edge')].map((element) => {
      // A line is drawn once, from the higher priority.
      const ends = titleOf(element).split('->');
      const [from, to] = ends.map((name) => numbers.get(name));
      if (from === undefined || to === undefined) return { element, signals: [] };
      return { element, signals: [from * names.length + to, to * names.length + from] };
    });
  }

  show({ entries, signals, underWay, faulted }: Activity): void {
    for (const { name, element, domain } of this.#nodes) {
      set(element, 'busy', (entries[domain] ?? 0) !== (this.#entries[domain] ?? 0));
      set(element, 'under-way', name === underWay);
      set(element, 'faulted', faulted.includes(name));
    }
    for (const { element, signals: places } of this.#lines) {
      const flew = (at: number): boolean => (signals[at] ?? 0) !== (this.#signals[at] ?? 0);
      set(element, 'flying', places.some(flew));
    }
    this.#entries = entries;
    this.#signals = signals;
  }
}

/** A class that is set to what it is already has a browser look all the same. */
function set(element: Element, name: string, isSo: boolean): void {
  const { classList } = element;
  if (classList.contains(name) !== isSo) classList.toggle(name, isSo);
}

export function titleOf(element: Element): string {
  return element.querySelector('title')?.textContent ?? '';
}
