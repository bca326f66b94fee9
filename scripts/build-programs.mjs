// `npm run programs`: builds programs/ into programs/build/ with Debian's compiler for RISC-V. Only what has changed is
// compiled: an object is as old as the youngest file that it was made from, and as the command that made it.
//
//     npm run programs                all of them
//     npm run programs -- hello echo  some of them
//
// Ends with 2 when the compiler is missing, with 1 when it complains.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(dirname(fileURLToPath(import.meta.url))), 'programs');
const BUILD = join(ROOT, 'build');
const COMPILER = process.env.SDDF_RISCV_CC ?? 'riscv64-unknown-elf-gcc';
const PACKAGE = 'gcc-riscv64-unknown-elf';

const MACHINE = [
  '-march=rv64imafdc_zicsr_zifencei',
  '-mabi=lp64d',
  '-mcmodel=medany',
  '-mstrict-align',
];
const COMPILE = [
  ...MACHINE,
  ...[
    '-std=gnu11',
    '-O2',
    '-g',
    '-ffreestanding',
    '-fno-math-errno',
    '-fno-tree-loop-distribute-patterns',
  ],
  ...['-Wall', '-Wextra', '-Werror', '-Wshadow', '-Wstrict-prototypes', '-Wmissing-prototypes'],
  ...['-fdebug-prefix-map=' + ROOT + '=programs', '-I', join(ROOT, 'runtime/include')],
];
const LINK = [
  ...[...MACHINE, '-nostdlib', '-nostartfiles', '-static', '-no-pie'],
  ...[
    '-Wl,--build-id=none',
    '-Wl,-z,max-page-size=4096',
    '-Wl,--no-warn-rwx-segments',
    '-Wl,--fatal-warnings',
  ],
];

const RUNTIME = ['runtime/start.S', 'runtime/main.c', 'runtime/debug.c'];
const LIBRARY = ['lib/memory.c', 'lib/print.c'];
const STANDARD_SCRIPT = 'runtime/microkit.ld';

/** Images, and what is in each beside the runtime. Files, or `{ sources, script }` with a linker script of its own. */
const PROGRAMS = JSON.parse(readFileSync(join(ROOT, 'programs.json'), 'utf8'));

main(process.argv.slice(2));

function main(names) {
  const unknown = names.filter((name) => PROGRAMS[name] === undefined);
  if (unknown.length > 0) {
    fail(1, `no program '${unknown[0]}'; there are ${Object.keys(PROGRAMS).join(', ')}`);
  }
  const version = spawnSync(COMPILER, ['--version'], { encoding: 'utf8' });
  if (version.error !== undefined) {
    fail(
      2,
      `${COMPILER} is missing: install Debian's package ${PACKAGE}, or name a compiler in SDDF_RISCV_CC`,
    );
  }
  const compiler = version.stdout.split('\n')[0];
  let built = 0;
  const wanted = names.length === 0 ? Object.keys(PROGRAMS) : names;
  for (const name of wanted) built += buildImage(name, compiler);
  console.log(`programs: ${wanted.length} images in programs/build, ${built} of them new`);
}

/** @returns 1 when the image was made anew, else 0 */
function buildImage(name, compiler) {
  const program = Array.isArray(PROGRAMS[name]) ? { sources: PROGRAMS[name] } : PROGRAMS[name];
  const script = join(ROOT, program.script ?? STANDARD_SCRIPT);
  const sources = [...new Set([...RUNTIME, ...LIBRARY, ...program.sources])];
  const objects = sources.map((source) => compile(source, compiler));
  const image = join(BUILD, `${name}.elf`);
  const command = [...LINK, '-T', script, '-o', image, ...objects];
  if (isFresh(image, [...objects, script], stamp(compiler, command))) return 0;
  run(command, `${name}.elf`);
  writeFileSync(`${image}.cmd`, stamp(compiler, command));
  return 1;
}

function compile(source, compiler) {
  const object = join(BUILD, 'obj', source.replace(/\.[cS]$/, '.o'));
  const notes = `${object}.d`;
  const command = [...COMPILE, '-MMD', '-MF', notes, '-c', join(ROOT, source), '-o', object];
  const inputs = existsSync(notes) ? dependencies(notes) : [join(ROOT, source)];
  if (isFresh(object, inputs, stamp(compiler, command)) && existsSync(notes)) return object;
  mkdirSync(dirname(object), { recursive: true });
  run(command, source);
  writeFileSync(`${object}.cmd`, stamp(compiler, command));
  return object;
}

/** A rule of make, as the compiler writes it: `object: source header …`, with continued lines. */
function dependencies(notes) {
  const rule = readFileSync(notes, 'utf8').replace(/\\\n/g, ' ');
  return rule
    .slice(rule.indexOf(':') + 1)
    .trim()
    .split(/\s+/);
}

function isFresh(output, inputs, command) {
  if (!existsSync(output) || !existsSync(`${output}.cmd`)) return false;
  if (readFileSync(`${output}.cmd`, 'utf8') !== command) return false;
  const madeAt = statSync(output).mtimeMs;
  return inputs.every((input) => existsSync(input) && statSync(input).mtimeMs <= madeAt);
}

function stamp(compiler, command) {
  return `${compiler}\n${command.join('\n')}\n`;
}

function run(command, what) {
  const result = spawnSync(COMPILER, command, { encoding: 'utf8' });
  if (result.status !== 0) fail(1, `${what}: the compiler complains\n${result.stderr}`);
}

function fail(status, message) {
  console.error(`programs: ${message}`);
  process.exit(status);
}
