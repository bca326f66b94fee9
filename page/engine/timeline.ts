/**
 * Who had the processor when, and what devices did: the newest of it, in rings of fixed size, so
 * that a page can draw it. It is told of every kernel entry, and allocates nothing.
 */

const SPANS = 1 << 14;
const MARKS = 1 << 12;

/** What happens at one moment. */
export const MARKS_SHOWN = ['interrupt', 'frame in', 'frame out'] as const;
export type MarkKind = (typeof MARKS_SHOWN)[number];

export interface TimelineSpan {
  /** Its number among the system's domains. */
  readonly pd: number;
  readonly fromNs: number;
  readonly toNs: number;
}

export interface TimelineMark {
  readonly kind: MarkKind;
  readonly atNs: number;
}

export interface TimelineView {
  readonly fromNs: number;
  readonly toNs: number;
  /** Names by number; the monitor is the last. */
  readonly pds: readonly string[];
  readonly spans: readonly TimelineSpan[];
  readonly marks: readonly TimelineMark[];
  /** Before this time nothing is known any more. */
  readonly knownFromNs: number;
}

export class Timeline {
  readonly #pds: readonly string[];
  readonly #spanPds = new Int32Array(SPANS);
  readonly #spanTimes = new Float64Array(2 * SPANS);
  readonly #markKinds = new Uint8Array(MARKS);
  readonly #markTimes = new Float64Array(MARKS);
  #spans = 0;
  #marks = 0;
  #running = -1;
  #sinceNs = 0;

  constructor(pds: readonly string[]) {
    this.#pds = pds;
  }

  /** @param pd who has the processor from now on; -1: nobody */
  runs(pd: number, nowNs: number): void {
    if (pd === this.#running) return;
    if (this.#running >= 0) {
      const at = this.#spans & (SPANS - 1);
      this.#spanPds[at] = this.#running;
      this.#spanTimes[2 * at] = this.#sinceNs;
      this.#spanTimes[2 * at + 1] = nowNs;
      this.#spans += 1;
    }
    this.#running = pd;
    this.#sinceNs = nowNs;
  }

  /** @param kind index in {@link MARKS_SHOWN} */
  mark(kind: number, nowNs: number): void {
    const at = this.#marks & (MARKS - 1);
    this.#markKinds[at] = kind;
    this.#markTimes[at] = nowNs;
    this.#marks += 1;
  }

  /** @returns what lies between two times */
  view(fromNs: number, toNs: number): TimelineView {
    const spans: TimelineSpan[] = [];
    const firstSpan = Math.max(0, this.#spans - SPANS);
    for (let number = firstSpan; number < this.#spans; number += 1) {
      const at = number & (SPANS - 1);
      const [begin, end] = [this.#spanTimes[2 * at] ?? 0, this.#spanTimes[2 * at + 1] ?? 0];
      if (end < fromNs || begin > toNs) continue;
      spans.push({ pd: this.#spanPds[at] ?? 0, fromNs: begin, toNs: end });
    }
    if (this.#running >= 0 && this.#sinceNs <= toNs) {
      spans.push({ pd: this.#running, fromNs: this.#sinceNs, toNs });
    }
    const oldest = firstSpan & (SPANS - 1);
    const knownFromNs = firstSpan === 0 ? 0 : (this.#spanTimes[2 * oldest] ?? 0);
    return { fromNs, toNs, pds: this.#pds, spans, marks: this.#marksIn(fromNs, toNs), knownFromNs };
  }

  #marksIn(fromNs: number, toNs: number): readonly TimelineMark[] {
    const marks: TimelineMark[] = [];
    for (let number = Math.max(0, this.#marks - MARKS); number < this.#marks; number += 1) {
      const at = number & (MARKS - 1);
      const atNs = this.#markTimes[at] ?? 0;
      const kind = MARKS_SHOWN[this.#markKinds[at] ?? 0];
      if (kind !== undefined && atNs >= fromNs && atNs <= toNs) marks.push({ kind, atNs });
    }
    return marks;
  }
}
