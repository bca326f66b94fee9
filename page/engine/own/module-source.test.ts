// What the linker reads of a module of one's own: every name that it exports, and nothing late.

import { describe, expect, it } from 'vitest';
import { readModule } from './module-source.ts';

describe("a module of one's own", () => {
  it('exports what it declares, in patterns too', () => {
    const text = [
      'export const { a, b: [c = 1, , ...d], ...e } = given, f: number = 2;',
      'export function g(): void {}',
      'export { f as h };',
    ].join('\n');

    expect([...(readModule('m.ts', text).exports ?? [])]).toEqual('acdefgh'.split(''));
  });

  it('loads nothing late, wherever that stands; what only looks like it is no matter', () => {
    const late = 'export const get = {\n  of: async () => [await import(`./${name}.ts`)],\n};';

    expect(() => readModule('m.ts', late)).toThrow(/^m\.ts:2: import\(…\) does not run in a page/);
    expect(readModule('m.ts', 'own.import(import.meta); // import(x)').imports).toEqual([]);
  });
});
