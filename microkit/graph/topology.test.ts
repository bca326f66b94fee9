// What is drawn where: lines between two, boxes of one, nodes for three and more, devices.

import { describe, expect, it } from 'vitest';
import { system } from '../builder.ts';
import type { SystemDescription } from '../model.ts';
import { renderDot } from './dot.ts';
import { renderMermaid } from './mermaid.ts';
import { describeShared, formatSize, shortName, topology } from './topology.ts';

function three(): SystemDescription {
  const sys = system({ name: 'th"ree' });
  const low = sys.pd('low', { priority: 1 });
  const high = sys.pd('high', { priority: 9, passive: true });
  const other = sys.pd('other', { priority: 5 });
  const pair = sys.region('low_high_pair', { size: '8K' });
  const all = sys.region('all', { size: '4K' });
  low.map(pair, { perms: 'r' });
  high.map(pair);
  for (const pd of [low, high, other]) pd.map(all, { perms: 'r' });
  low.map(sys.region('low_own', { size: '2M' }));
  other.map(sys.region('uart', { size: '4K', physAddr: 0x1000_0000 }), { cached: false });
  other.irq(10);
  sys.channel(low, high, { a: { id: 3, pp: true }, b: { id: 4, notify: false } });
  other.child('kid', { priority: 5, id: 7 });
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors[0]?.message);
  return built.system;
}

describe('the graph of a system', () => {
  const graph = topology(three());

  it('has the higher priority first on a line, with both ends and what they share', () => {
    expect(graph.lines).toEqual([
      {
        first: 'high',
        second: 'low',
        channels: [
          {
            firstId: 4,
            secondId: 3,
            firstNotifies: false,
            secondNotifies: true,
            calls: 'second calls first',
          },
        ],
        regions: [
          expect.objectContaining({
            name: 'low_high_pair',
            firstPermissions: 'rw',
            secondPermissions: 'r',
          }),
        ],
      },
    ]);
    expect(graph.lines.map(describeShared)).toEqual([['pair: 8K rw|r']]);
  });

  it('has a node for memory of three, and puts what one has alone into its box', () => {
    expect(graph.hubs.map(({ region, users }) => [region.name, users.length])).toEqual([
      ['all', 3],
    ]);
    expect(graph.pds.map(({ own }) => own.map(({ name }) => name))).toEqual([
      ['low_own'],
      [],
      [],
      [],
    ]);
  });

  it('has devices, interrupts and children', () => {
    expect(graph.devices.map(({ name }) => name)).toEqual(['uart']);
    expect(graph.irqs).toEqual([{ pd: 'other', number: 10, id: 0 }]);
    expect(graph.children).toEqual([{ parent: 'other', child: 'kid', id: 7 }]);
  });

  it('is the same text every time, with names quoted', () => {
    const dot = renderDot(three());

    expect(renderDot(three())).toBe(dot);
    expect(dot).toContain('digraph "th\\"ree" {');
    expect(dot).toContain('taillabel="4", headlabel="3"');
    expect(dot).toMatchSnapshot();
    expect(renderMermaid(three())).toMatchSnapshot();
  });
});

describe('names and sizes', () => {
  it('lose what the picture shows anyway', () => {
    expect(shortName('a_b_free', ['a', 'b'])).toBe('free');
    expect(shortName('b_free', ['a'])).toBe('b_free');
    expect([formatSize(0x3000n), formatSize(1n << 20n), formatSize(10n)]).toEqual([
      '12K',
      '1M',
      '10',
    ]);
  });
});
