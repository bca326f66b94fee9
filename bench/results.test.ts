// Results that are read back, and what is said of a file that holds none.

import { describe, expect, it } from 'vitest';
import { UserMistake } from '../host/problem.ts';
import {
  benchmarkLoad,
  benchResults,
  type BenchRow,
  machineLine,
  parametersOf,
  parseResults,
} from './results.ts';

const ROW: BenchRow = {
  name: 'net/echo',
  unit: 'packets/s',
  median: 2,
  min: 1,
  max: 3,
  ratioToNative: null,
  path: '5pd',
  frame: 64,
  nsPerPacket: 500,
  comparedWith: 'C',
};

describe('results', () => {
  it('are the same after having been written and read', () => {
    const results = benchResults([ROW]);

    expect(results).toMatchObject({ schema: 1, node: process.version });
    expect(parseResults(JSON.stringify(results), 'a.json')).toEqual(results);
  });

  it('tell rows apart by parameters, not by figures and remarks', () => {
    expect(parametersOf(ROW)).toEqual([
      ['path', '5pd'],
      ['frame', 64],
    ]);
  });

  it.each([
    ['', 'a.json: has been cut short (0 characters); measure again'],
    [JSON.stringify(benchResults([ROW])).slice(0, 40), /has been cut short \(40 characters\)/],
    ['{"schema" 1}', /is no JSON/],
    ['[]', /no results of `sddf bench --json`/],
    ['null', /no results of/],
    ['{"schema":1}', /no results of/],
    ['{"schema":2,"results":[]}', /schema 2, but this program reads schema 1/],
    ['{"schema":1,"results":[{"name":"a","unit":"s","median":1,"min":1}]}', /row 0 is no result/],
    ['{"schema":1,"results":[{"name":"a","unit":"s","median":"1","min":1,"max":1}]}', /row 0/],
    ['{"schema":1,"results":[{"name":"a","unit":"s","median":1,"min":1,"max":1,"x":{}}]}', /row 0/],
  ])('of %s are refused in one line', (text, message) => {
    const read = (): unknown => parseResults(text, 'a.json');

    expect(read).toThrow(UserMistake);
    expect(read).toThrow(message);
    expect(read).not.toThrow(/\n/);
  });
});

describe('the machine in one line', () => {
  const machine = { schema: 1, node: 'v20', cpu: 'a chip', cores: 2, results: [] } as const;

  it('is said to be busy when more was ready to run than it has processors', () => {
    expect(machineLine({ ...machine, loadBefore: 0.5, load: 1 })).toBe(
      '2 processors (a chip), load 0.5 before and 1.0 after',
    );
    expect(machineLine({ ...machine, load: 2 })).toBe('2 processors (a chip), load 2.0');
    expect(machineLine({ ...machine, load: 2.1 })).toBe(
      '2 processors (a chip), load 2.1: busy, compare ratios and repeat',
    );
  });
});

describe('the load of the machine', () => {
  const parts = { 'net/echo': [0.5, 1], 'net/paths': [1, 3.2], 'blk/nbd': [1, 1] };
  const text = JSON.stringify({
    schema: 1,
    node: 'n',
    cpu: 'c',
    cores: 2,
    loads: parts,
    results: [],
  });

  it('is read and told by benchmark, before and after, and when it was too much', () => {
    const results = parseResults(text, 'f');

    expect(benchmarkLoad(results, 'net')).toBe(
      'load 0.5 before and 3.2 after: busy, compare ratios and repeat',
    );
    expect(benchmarkLoad(results, 'blk')).toBe('load 1.0');
    expect(benchmarkLoad(results, 'serial')).toBeUndefined();
  });

  it('is left out where a file has something else in its place', () => {
    const odd = text.replace('[0.5,1]', '"high"').replace('[1,1]', '[1]');

    expect(parseResults(odd, 'f').loads).toEqual({ 'net/paths': [1, 3.2] });
  });
});
