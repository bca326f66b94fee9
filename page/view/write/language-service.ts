/**
 * TypeScript over files in memory: those of a system of one's own, the declarations of the package
 * as it is published, and the language's own. TypeScript's last release in JavaScript: the current
 * one is a native program.
 */

import ts from 'typescript-js';
import { fileBeside, PACKAGE, pathBeside } from '../../engine/own/module-names.ts';
import type { Completion, TypeProblem } from './language-protocol.ts';

export interface LanguageFiles {
  /** The package's, by path from its root: `queues/signal.d.ts`. */
  readonly declarations: Readonly<Record<string, string>>;
  /** The language's, by name: `lib.es2023.d.ts`. */
  readonly libraries: Readonly<Record<string, string>>;
}

const OWN = '/own/';
const PACKAGES = '/package/';
const LIBRARY = '/library/';
const COMPLETIONS_MAX = 200;
/** As a project of `sddf new` has them: what runs is never narrower. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2023.d.ts'],
  types: [],
  strict: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
};

export class OwnLanguage {
  readonly #known: LanguageFiles;
  readonly #service: ts.LanguageService;
  #files: Readonly<Record<string, string>> = {};
  readonly #versions = new Map<string, number>();

  constructor(known: LanguageFiles) {
    this.#known = known;
    this.#service = ts.createLanguageService(this.#host());
  }

  setFiles(files: Readonly<Record<string, string>>): void {
    for (const [file, text] of Object.entries(files)) {
      if (this.#files[file] === text) continue;
      this.#versions.set(file, (this.#versions.get(file) ?? 0) + 1);
    }
    this.#files = files;
  }

  /** @returns what is wrong with all files, in the order of their names */
  check(): readonly TypeProblem[] {
    return this.#modules().flatMap((file) => {
      const path = `${OWN}${file}`;
      const found = [
        ...this.#service.getSyntacticDiagnostics(path),
        ...this.#service.getSemanticDiagnostics(path),
      ];
      return found.map((each) => problemOf(file, this.#files[file] ?? '', each));
    });
  }

  complete(file: string, at: number): readonly Completion[] {
    const found = this.#service.getCompletionsAtPosition(`${OWN}${file}`, at, {});
    return (found?.entries ?? [])
      .filter(({ kind }) => kind !== ts.ScriptElementKind.warning)
      .slice(0, COMPLETIONS_MAX)
      .map(({ name, kind }) => ({ label: name, type: kind }));
  }

  /** @returns type and description of what stands there; empty when there is nothing to say */
  explain(file: string, at: number): string {
    const found = this.#service.getQuickInfoAtPosition(`${OWN}${file}`, at);
    if (found === undefined) return '';
    const parts = [found.displayParts, found.documentation];
    return parts
      .map((each) => ts.displayPartsToString(each))
      .filter((text) => text !== '')
      .join('\n');
  }

  #modules(): readonly string[] {
    return Object.keys(this.#files).filter((file) => file.endsWith('.ts'));
  }

  #host(): ts.LanguageServiceHost {
    return {
      getCompilationSettings: () => OPTIONS,
      getScriptFileNames: () => this.#modules().map((file) => `${OWN}${file}`),
      getScriptVersion: (path) =>
        path.startsWith(OWN) ? String(this.#versions.get(path.slice(OWN.length)) ?? 0) : '1',
      getScriptSnapshot: (path) => {
        const text = this.#text(path);
        return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
      },
      getCurrentDirectory: () => OWN,
      getDefaultLibFileName: () => `${LIBRARY}lib.es2023.d.ts`,
      fileExists: (path) => this.#text(path) !== undefined,
      readFile: (path) => this.#text(path),
      resolveModuleNameLiterals: (literals, from) =>
        literals.map(({ text }) => ({ resolvedModule: this.#resolved(from, text) })),
    };
  }

  #text(path: string): string | undefined {
    const { declarations, libraries } = this.#known;
    for (const [folder, texts] of [
      [OWN, this.#files],
      [PACKAGES, declarations],
      [LIBRARY, libraries],
    ] as const) {
      if (!path.startsWith(folder)) continue;
      const name = path.slice(folder.length);
      return Object.hasOwn(texts, name) ? texts[name] : undefined;
    }
    return undefined;
  }

  #resolved(from: string, specifier: string): ts.ResolvedModuleFull | undefined {
    const path = specifier.startsWith(PACKAGE)
      ? this.#packageFile(specifier.slice(PACKAGE.length))
      : this.#fileBeside(from, specifier);
    if (path === undefined || this.#text(path) === undefined) return undefined;
    const extension = path.endsWith('.d.ts') ? ts.Extension.Dts : ts.Extension.Ts;
    return { resolvedFileName: path, extension, isExternalLibraryImport: false };
  }

  #packageFile(name: string): string | undefined {
    const candidates = [`${PACKAGES}${name}/public.d.ts`, `${PACKAGES}${name}.d.ts`];
    return candidates.find((path) => this.#text(path) !== undefined);
  }

  /** One's own are found as the linker finds them; in declarations, `./x.ts` is `./x.d.ts`. */
  #fileBeside(from: string, specifier: string): string | undefined {
    if (from.startsWith(OWN)) {
      const file = fileBeside(from.slice(OWN.length), specifier, this.#files);
      return file === undefined ? undefined : `${OWN}${file}`;
    }
    if (!specifier.startsWith('.')) return undefined;
    return pathBeside(from, specifier).replace(/\.[jt]s$/, '.d.ts');
  }
}

function problemOf(file: string, text: string, found: ts.Diagnostic): TypeProblem {
  const from = Math.min(found.start ?? 0, text.length);
  const to = Math.min(from + (found.length ?? 1), text.length);
  const line = text.slice(0, from).split('\n').length;
  return { file, from, to, line, text: ts.flattenDiagnosticMessageText(found.messageText, ' ') };
}
