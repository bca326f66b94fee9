// What a stranger's modules find in the engine's worker: nothing that reaches out of it.

import { describe, expect, it } from 'vitest';
import { closeScope } from './closed-scope.ts';

/** As in a browser: some names are a worker's own, others it inherits. */
class Inherited {
  get indexedDB(): string {
    return 'a store';
  }

  get navigator(): string {
    return 'storage';
  }
}

class Scope extends Inherited {
  fetch = (): string => 'an answer';
  postMessage = (): string => 'told';
  setTimeout = (): string => 'later';
}

describe('a scope that is closed', () => {
  it('has nothing that reaches out, own or inherited, and the rest', () => {
    const scope = new Scope();
    closeScope(scope);

    expect('fetch' in scope).toBe(false);
    expect('indexedDB' in scope).toBe(false);
    expect('navigator' in scope).toBe(false);
    expect('postMessage' in scope).toBe(false);
    expect(scope.setTimeout()).toBe('later');
  });

  it('is not believed to be closed where a name cannot be taken away', () => {
    const scope = Object.defineProperty({}, 'fetch', { value: 1, configurable: false });

    expect(() => closeScope(scope)).toThrow(TypeError);
  });
});
