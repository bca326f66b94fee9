/**
 * V8's own coverage of the modules of this process, by Node's inspector: block by block, of what is
 * loaded after it has begun. Source: the inspector's protocol, Profiler.startPreciseCoverage.
 */

import { type Debugger, type Profiler, Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';

/** A module of which something was executed. */
export interface ExecutedScript {
  /** Of its file: instances of one module are one source. */
  readonly url: string;
  readonly functions: readonly Profiler.FunctionCoverage[];
  /** What V8 has compiled, with the source map at its end, if it has one. */
  readonly code: string;
}

export class ScriptCoverage {
  readonly #session = new Session();
  readonly #isWanted: (path: string) => boolean;

  /** @param isWanted which files' modules are told of */
  constructor(isWanted: (path: string) => boolean) {
    this.#isWanted = isWanted;
    this.#session.connect();
    // For the sources of scripts. When it is disabled, V8 forgets which blocks there are.
    this.#post('Debugger.enable');
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** @returns what was executed since the last time; V8 walks through its heap for it */
  take(): readonly ExecutedScript[] {
    const { result } = this.#post('Profiler.takePreciseCoverage') as Taken;
    return result.flatMap(({ url, scriptId, functions }) => {
      const file = url.startsWith('file:') ? plainUrl(url) : undefined;
      if (file === undefined || !this.#isWanted(fileURLToPath(file))) return [];
      const { scriptSource } = this.#post('Debugger.getScriptSource', { scriptId }) as Source;
      return [{ url: file.href, functions, code: scriptSource }];
    });
  }

  close(): void {
    this.#session.disconnect();
  }

  /** Answers come before it returns: the session is with the thread itself. */
  #post(method: string, parameters: object = {}): unknown {
    const answer: { error: Error | null; result?: unknown } = {
      error: new Error(`${method}: no answer`),
    };
    this.#session.post(method, parameters, (error: Error | null, result?: unknown) => {
      answer.error = error;
      answer.result = result;
    });
    if (answer.error !== null) throw answer.error;
    return answer.result;
  }
}

/** Instances of a module for domains differ in what stands behind its path. */
function plainUrl(url: string): URL {
  const plain = new URL(url);
  plain.search = '';
  plain.hash = '';
  return plain;
}

type Taken = Profiler.TakePreciseCoverageReturnType;
type Source = Debugger.GetScriptSourceReturnType;
