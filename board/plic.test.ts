/** The PLIC by its registers, which are repeated here from the specification and QEMU's map. */

import { describe, expect, it } from 'vitest';
import { LintLog } from './lint.ts';
import { Plic } from './plic.ts';
import { Random } from './random.ts';

const PENDING = 0x1000;
const ENABLE_S = 0x2080;
const THRESHOLD_M = 0x20_0000;
const THRESHOLD_S = 0x20_1000;
const CLAIM_S = 0x20_1004;
const CLAIM_M = 0x20_0004;

function plicWith(priorities: Record<number, number>): { plic: Plic; lint: LintLog } {
  const lint = new LintLog();
  const plic = new Plic(lint);
  const enabled = new Uint32Array(3);
  for (const [source, priority] of Object.entries(priorities)) {
    plic.write(4 * Number(source), priority, 4);
    const word = Number(source) >>> 5;
    enabled[word] = (enabled[word] as number) | (1 << (Number(source) & 31));
  }
  enabled.forEach((word, i) => plic.write(ENABLE_S + 4 * i, word, 4));
  return { plic, lint };
}

const SOURCES = [1, 2, 31, 32, 40, 95];

/** What the specification says a claim returns, worked out anew from the registers. */
function best(plic: Plic, context: number): number {
  const threshold = plic.read(context === 1 ? THRESHOLD_S : THRESHOLD_M, 4);
  const wanted = SOURCES.filter(
    (source) =>
      plic.isPending(source) &&
      plic.enabled(context, source) &&
      plic.read(4 * source, 4) > threshold,
  );
  const order = wanted.sort((a, b) => plic.read(4 * b, 4) - plic.read(4 * a, 4) || a - b);
  return order[0] ?? 0;
}

describe('PLIC', () => {
  it('claims the highest priority first, and of equals the lowest source', () => {
    const { plic } = plicWith({ 3: 1, 40: 2, 10: 2, 95: 1 });
    for (const source of [95, 40, 3, 10]) plic.line(source).raise();

    const claimed = [1, 2, 3, 4, 5].map(() => plic.read(CLAIM_S, 4));
    expect(claimed).toEqual([10, 40, 3, 95, 0]);
  });

  it('shows pending bits and clears one at its claim', () => {
    const { plic } = plicWith({ 3: 1, 35: 1 });
    plic.line(3).raise();
    plic.line(35).raise();
    expect(plic.read(PENDING, 4)).toBe(8);
    expect(plic.read(PENDING + 4, 4)).toBe(8);
    plic.read(CLAIM_S, 4);
    expect(plic.read(PENDING, 4)).toBe(0);
  });

  it('makes a source pending again after complete while its line is high', () => {
    const { plic } = plicWith({ 5: 1 });
    const line = plic.line(5);
    line.raise();
    expect(plic.read(CLAIM_S, 4)).toBe(5);
    expect(plic.read(CLAIM_S, 4)).toBe(0);
    line.raise();
    expect(plic.isPending(5)).toBe(false);
    expect(plic.isInService(5)).toBe(true);

    plic.write(CLAIM_S, 5, 4);
    expect(plic.isPending(5)).toBe(true);
    expect(plic.read(CLAIM_S, 4)).toBe(5);
    line.lower();
    plic.write(CLAIM_S, 5, 4);
    expect(plic.isPending(5)).toBe(false);
  });

  it('keeps a request that was accepted though the line has dropped', () => {
    const { plic } = plicWith({ 5: 1 });
    const line = plic.line(5);
    line.raise();
    line.lower();
    expect(plic.read(CLAIM_S, 4)).toBe(5);
    plic.write(CLAIM_S, 5, 4);
    expect(plic.read(CLAIM_S, 4)).toBe(0);
  });

  it('forgets an edge that came and went while the source was in service', () => {
    const { plic } = plicWith({ 5: 1 });
    const line = plic.line(5);
    line.raise();
    plic.read(CLAIM_S, 4);
    line.lower();
    line.raise();
    line.lower();
    plic.write(CLAIM_S, 5, 4);
    expect(plic.isPending(5)).toBe(false);
  });

  it('presents the best of all that are pending after each of many random steps', () => {
    const random = new Random(7);
    const plic = new Plic(new LintLog());
    const lines = SOURCES.map((source) => plic.line(source));
    for (let step = 0; step < 3000; step += 1) {
      const source = SOURCES[random.below(SOURCES.length)] as number;
      const line = lines[SOURCES.indexOf(source)];
      const context = random.below(2);
      const doings = [
        () => line?.raise(),
        () => line?.raise(),
        () => line?.lower(),
        () => plic.claim(context),
        () => plic.complete(context, source),
        () => plic.setPriority(source, random.below(4)),
        () => plic.enable(context, source),
        () => plic.disable(context, source),
        () => plic.write(THRESHOLD_S, random.below(3), 4),
      ];
      doings[random.below(doings.length)]?.();
      for (const each of [0, 1])
        expect(plic.presented(each), `step ${step}`).toBe(best(plic, each));
    }
  });

  it('says when it presents another source, or none any more', () => {
    const told: number[] = [];
    const plic: Plic = new Plic(new LintLog(), () => told.push(plic.presented(1)));
    for (const source of [3, 5]) {
      plic.setPriority(source, 1);
      plic.enable(1, source);
    }
    plic.line(5).raise();
    plic.line(3).raise();
    plic.claim(1);
    plic.claim(1);
    expect(told).toEqual([5, 3, 5, 0]);
  });

  it('ignores the completion of a source that is not enabled', () => {
    const { plic, lint } = plicWith({ 5: 1 });
    plic.line(5).raise();
    plic.read(CLAIM_S, 4);
    plic.disable(1, 5);
    plic.write(CLAIM_S, 5, 4);
    expect(plic.isInService(5)).toBe(true);
    expect(lint.count('plic', 'PLIC §9')).toBe(1);
    plic.enable(1, 5);
    plic.write(CLAIM_S, 5, 4);
    expect(plic.isPending(5)).toBe(true);
  });

  it('presents nothing of priority 0 or not above the threshold', () => {
    const { plic } = plicWith({ 5: 0, 6: 2, 7: 3 });
    for (const source of [5, 6, 7]) plic.line(source).raise();
    plic.write(THRESHOLD_S, 2, 4);
    expect(plic.read(CLAIM_S, 4)).toBe(7);
    expect(plic.presented(1)).toBe(0);
    plic.write(THRESHOLD_S, 1, 4);
    expect(plic.presented(1)).toBe(6);
    plic.write(4 * 5, 7, 4);
    expect(plic.presented(1)).toBe(5);
  });

  it('keeps contexts apart', () => {
    const { plic } = plicWith({ 5: 1 });
    plic.line(5).raise();
    expect(plic.read(CLAIM_M, 4)).toBe(0);
    expect(plic.read(CLAIM_S, 4)).toBe(5);
  });

  it('has three bits of priority, and no source 0', () => {
    const { plic, lint } = plicWith({ 5: 0xf });
    expect(plic.read(20, 4)).toBe(7);
    plic.write(ENABLE_S, 0xffff_ffff, 4);
    expect(plic.read(ENABLE_S, 4)).toBe(0xffff_fffe);
    plic.write(0, 1, 4);
    expect(plic.read(0, 4)).toBe(0);
    expect(lint.count('plic', 'bus')).toBe(1);
  });

  it('refuses registers that do not exist and other widths', () => {
    const { plic, lint } = plicWith({});
    expect(plic.read(4 * 96, 4)).toBe(0);
    expect(plic.read(PENDING + 12, 4)).toBe(0);
    expect(plic.read(CLAIM_S + 0x1000, 4)).toBe(0);
    expect(plic.read(4, 2)).toBe(0);
    plic.write(PENDING, 1, 4);
    expect(lint.count('plic', 'bus')).toBe(5);
  });

  it('requests again after a reset if a line is high', () => {
    const { plic } = plicWith({ 5: 1 });
    plic.line(5).raise();
    plic.read(CLAIM_S, 4);
    plic.reset();
    expect(plic.presented(1)).toBe(0);
    expect(plic.isPending(5)).toBe(true);
    plic.setPriority(5, 1);
    plic.enable(1, 5);
    expect(plic.presented(1)).toBe(5);
  });
});
