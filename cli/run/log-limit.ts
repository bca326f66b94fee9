/**
 * `--log-limit`: so many lines a second of each domain, and of the command itself, are shown, and
 * the rest is counted. Files of `--log-dir` have all of them.
 */

import { UserMistake } from '../../host/problem.ts';
import { groupDigits } from '../../systems/figures.ts';
import { parseCount, type Range } from '../quantities.ts';

const SECOND_NS = 1e9;
const LINES: Range = { min: 1, max: 1_000_000 };

/** Lines of one source in the second that goes on. */
interface Shown {
  sinceNs: number;
  lines: number;
  leftOut: number;
}

export class LogLimit {
  readonly #linesPerSecond: number;
  readonly #now: () => number;
  readonly #show: (line: string) => void;
  readonly #sources = new Map<string, Shown>();

  /**
   * @param now nanoseconds in which seconds are counted: of the run, or of the host
   * @param show shows how many lines were left out
   */
  constructor(linesPerSecond: number, now: () => number, show: (line: string) => void) {
    this.#linesPerSecond = linesPerSecond;
    this.#now = now;
    this.#show = show;
  }

  /** @returns whether one more line of this source is to be shown */
  admits(source: string): boolean {
    const nowNs = this.#now();
    let shown = this.#sources.get(source);
    if (shown === undefined) {
      shown = { sinceNs: nowNs, lines: 0, leftOut: 0 };
      this.#sources.set(source, shown);
    }
    if (nowNs - shown.sinceNs >= SECOND_NS) {
      this.#tell(source, shown);
      shown.sinceNs = nowNs;
      shown.lines = 0;
    }
    if (shown.lines >= this.#linesPerSecond) {
      shown.leftOut += 1;
      return false;
    }
    shown.lines += 1;
    return true;
  }

  /** The run is over: says what has been left out since it was last said. */
  end(): void {
    for (const [source, shown] of this.#sources) this.#tell(source, shown);
  }

  #tell(source: string, shown: Shown): void {
    if (shown.leftOut === 0) return;
    const lines = shown.leftOut === 1 ? 'line' : 'lines';
    const limit = `--log-limit ${String(this.#linesPerSecond)}`;
    this.#show(`${source}: ${groupDigits(shown.leftOut)} ${lines} left out (${limit})`);
    shown.leftOut = 0;
  }
}

/** @returns lines a second, `Infinity` for `none` @throws UserMistake */
export function parseLogLimit(given: string, option: string): number {
  if (given === 'none') return Infinity;
  if (!/^\d+$/.test(given)) {
    throw new UserMistake(`${option}: '${given}' is neither a number of lines a second nor none`);
  }
  return parseCount(given, option, LINES);
}
