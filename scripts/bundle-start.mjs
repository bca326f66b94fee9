// Makes `dist/start/` of the compiled modules: what `sddf run` of a ready-made system loads, in few
// files instead of 400, since Node spends more than half of a short command on finding and linking
// modules. `core.js` is what `sddf run echo` needs, each program is a file, and `parts.js` what only
// programs of other systems import.
//
// The files are for that command alone (`cli/ready-made.mjs` says which): no code of a user's may
// import what is here, since the same classes stand in `dist/` a second time.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';

/** Where such a command begins, and what it loads in any case. */
const ENTRY = 'cli/main.js';
const ALWAYS_LOADED = ['cli/run/run.js', 'systems/load-testbed.js', 'systems/echo.js'];
/** Domains have instances of their own of these, so each stays a file: systems/own-programs.ts. */
const PROGRAM_ROOMS = /^(?:drivers|virtualisers|clients)\//;
const HAS_MAIN = /^export (?:async )?(?:function|const) main\b/m;
const STATIC_IMPORT = /^(?:(?:import|export)\b[^;]*?from |import )'(\.[^']*)'/gm;

/** The module that finds programs by their paths: here it finds those of `start/`. */
const FINDS_PROGRAMS = 'systems/own-programs.js';
/** Other commands are loaded from `dist/`, if ever. */
const COMMANDS = 'cli/commands.js';

/** @param folder of the compiled modules */
export async function bundleStart(folder) {
  const dist = resolve(folder);
  const modules = new CompiledModules(dist);
  const core = modules.belowPrograms([ENTRY, ...ALWAYS_LOADED]);
  core.delete(ENTRY);
  const parts = modules.belowPrograms(modules.programs());
  const chunkOf = (path) => {
    if (modules.isProgram(path)) return path.replace(/\.js$/, '');
    if (core.has(path)) return 'core';
    return parts.has(path) ? 'parts' : null;
  };
  const bundle = await rolldown({
    input: { [ENTRY.replace(/\.js$/, '')]: join(dist, ENTRY) },
    platform: 'node',
    external: (id) => !id.startsWith('.') && !id.startsWith('/'),
    plugins: [
      { name: 'where-they-were', transform: (code, id) => moved(code, relative(dist, id)) },
    ],
    preserveEntrySignatures: 'allow-extension',
    checks: { ineffectiveDynamicImport: false },
  });
  await bundle.write({
    dir: join(dist, 'start'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    comments: false,
    minifyInternalExports: false,
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ debugName: 'core and programs', name: (id) => chunkOf(relative(dist, id)) }],
    },
  });
  await bundle.close();
}

/** A module's code, for which files beside it lie where they lay. */
function moved(code, path) {
  const own = path === FINDS_PROGRAMS ? `./${path}` : `../${path}`;
  const there = code.replaceAll('import.meta.url', `new URL('${own}', import.meta.url).href`);
  if (path !== COMMANDS) return { code: there };
  const elsewhere = /import\('\.\/(?!run\/run\.js)([^']+)'\)/g;
  return { code: there.replace(elsewhere, "import(new URL('../cli/$1', import.meta.url).href)") };
}

/** The compiled modules, and what imports what. */
class CompiledModules {
  #code = new Map();

  constructor(dist) {
    for (const path of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
      if (path.endsWith('.js')) this.#code.set(path, readFileSync(join(dist, path), 'utf8'));
    }
  }

  programs() {
    return [...this.#code.keys()].filter((path) => this.isProgram(path));
  }

  isProgram(path) {
    return PROGRAM_ROOMS.test(path) && HAS_MAIN.test(this.#code.get(path));
  }

  /**
   * What `roots` load, except programs and what imports programs: one file of these imports no other
   * one that would import it.
   */
  belowPrograms(roots) {
    const isBelow = (path) => ![...this.#loadedWith([path])].some((one) => this.isProgram(one));
    return new Set([...this.#loadedWith(roots)].filter(isBelow));
  }

  #loadedWith(roots) {
    const seen = new Set(roots);
    for (const path of seen) for (const other of this.#importsOf(path)) seen.add(other);
    return seen;
  }

  #importsOf(path) {
    const found = [...(this.#code.get(path) ?? '').matchAll(STATIC_IMPORT)];
    return found.map(([, file]) => join(dirname(path), file)).filter((one) => this.#code.has(one));
  }
}
