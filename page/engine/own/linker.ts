/**
 * Loads modules of one's own in a page, an instance for each domain. A module is turned into a
 * script of its own (a blob) whose imports name the scripts of what it imports; what it imports of
 * the package is a small script that hands out the engine's own module. So no text is evaluated,
 * and the page's policy holds.
 *
 *     driver.ts ── './regs.ts' ──▶ blob of regs.ts, of the same instance
 *          └────── 'sddf-testbed/microkit' ──▶ blob that exports what the engine's module exports
 */

import { type ModuleImport, type ModuleSource, readModule } from './module-source.ts';
import { fileBeside, PACKAGE } from './module-names.ts';
import { type Exports, packageModule } from './package-modules.ts';
import type { ScriptStore } from './script-store.ts';
import { SourceProblem } from './source-problem.ts';

/** In a browser. */
export const BLOBS: ScriptStore = {
  add: (code) => URL.createObjectURL(new Blob([code], { type: 'text/javascript' })),
  remove: (address) => URL.revokeObjectURL(address),
};

/** Scripts that hand out the engine's modules find these here: a script has nothing but globals. */
const SHARED = 'sddf-testbed/modules';

/** A type is no import of what runs. */
const INSTEAD = 'move what both need into a file of its own';

export class Linker {
  readonly #files: Readonly<Record<string, string>>;
  readonly #store: ScriptStore;
  readonly #sources = new Map<string, ModuleSource>();
  readonly #bridges = new Map<string, string>();

  constructor(files: Readonly<Record<string, string>>, store: ScriptStore = BLOBS) {
    this.#files = files;
    this.#store = store;
  }

  /** Loads a file and all that it imports as one new instance: each module of it once. */
  async load(file: string): Promise<Exports> {
    const scripts = new Map<string, string>();
    try {
      const address = this.#link(file, scripts, []);
      return (await import(/* @vite-ignore */ address)) as Exports;
    } catch (error) {
      throw named(error, scripts);
    } finally {
      for (const script of scripts.values()) this.#store.remove(script);
    }
  }

  /** Forgets what has been made for all instances. */
  close(): void {
    for (const bridge of this.#bridges.values()) this.#store.remove(bridge);
    this.#bridges.clear();
  }

  /** @param on modules that are being linked: the way to this one */
  #link(file: string, scripts: Map<string, string>, on: readonly string[]): string {
    const known = scripts.get(file);
    if (known !== undefined) return known;
    const source = this.#source(file);
    let code = source.code;
    // From the end, so that places before it stay where they are.
    for (const each of source.imports.toReversed()) {
      const address = this.#addressOf(file, each, scripts, [...on, file]);
      code = `${code.slice(0, each.start)}'${address}'${code.slice(each.end)}`;
    }
    const address = this.#store.add(`${code}\n//# sourceURL=${file}`);
    scripts.set(file, address);
    return address;
  }

  #addressOf(
    file: string,
    { specifier, line, names }: ModuleImport,
    scripts: Map<string, string>,
    on: readonly string[],
  ): string {
    const refuse = (what: string): SourceProblem => new SourceProblem(file, line, what);
    if (specifier.startsWith(PACKAGE)) {
      const exports = packageModule(specifier);
      if (exports === undefined) throw refuse(`'${specifier}' is not there in a page`);
      const lack = names.find((name) => !Object.hasOwn(exports, name));
      if (lack !== undefined) throw refuse(`'${specifier}' has no export '${lack}'`);
      return this.#bridge(specifier, exports);
    }
    const target = fileBeside(file, specifier, this.#files);
    if (target === undefined) {
      const known = `${PACKAGE}… and files beside this one can`;
      throw refuse(`'${specifier}' cannot be imported in a page; ${known}`);
    }
    const around = on.indexOf(target);
    if (around >= 0) {
      const circle = [...on.slice(around), target].join(' → ');
      throw refuse(`imports that go in a circle do not run in a page: ${circle}; ${INSTEAD}`);
    }
    const { exports } = this.#source(target);
    const lack = exports === undefined ? undefined : names.find((name) => !exports.has(name));
    if (lack !== undefined) throw refuse(`'${specifier}' has no export '${lack}'`);
    return this.#link(target, scripts, on);
  }

  #source(file: string): ModuleSource {
    const known = this.#sources.get(file);
    if (known !== undefined) return known;
    const source = readModule(file, this.#files[file] ?? '');
    this.#sources.set(file, source);
    return source;
  }

  #bridge(specifier: string, exports: Exports): string {
    const known = this.#bridges.get(specifier);
    if (known !== undefined) return known;
    share(specifier, exports);
    const names = Object.keys(exports).filter((name) => name !== 'default');
    const lines = names.map((name) => `export const ${name} = shared.${name};`);
    const from = `globalThis[Symbol.for('${SHARED}')]['${specifier}']`;
    const address = this.#store.add(`const shared = ${from};\n${lines.join('\n')}`);
    this.#bridges.set(specifier, address);
    return address;
  }
}

function share(specifier: string, exports: Exports): void {
  const place = globalThis as unknown as Record<symbol, Record<string, Exports> | undefined>;
  const key = Symbol.for(SHARED);
  place[key] = { ...place[key], [specifier]: exports };
}

/** What an engine says of a script, it says by its address. */
function named(error: unknown, scripts: ReadonlyMap<string, string>): unknown {
  if (!(error instanceof SyntaxError)) return error;
  let { message } = error;
  for (const [file, address] of scripts) message = message.replaceAll(address, file);
  return new SourceProblem([...scripts.keys()].at(-1) ?? '', 0, message);
}
