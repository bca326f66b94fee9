// `npm run programs`: builds programs/ into programs/build/ with Debian's compiler for RISC-V. Only
// what has changed is compiled: an object is as old as the youngest file that it was made from, and
// as the command that made it.
//
//     npm run programs                all of them
//     npm run programs -- hello echo  some of them
//
// Ends with 2 when the compiler is missing, with 1 when it complains.

import { execFile, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(dirname(fileURLToPath(import.meta.url))), 'programs');
const BUILD = join(ROOT, 'build');
const COMPILER = process.env.SDDF_RISCV_CC ?? 'riscv64-unknown-elf-gcc';
const PACKAGE = 'gcc-riscv64-unknown-elf';

// Zba and Zbb are what the board's processor offers as well (QEMU's `virt` says so in its device
// tree). Without them the programs build, too, and take 3 to 5 % more instructions.
const MACHINE = [
  '-march=rv64imafdc_zicsr_zifencei_zba_zbb',
  '-mabi=lp64d',
  '-mcmodel=medany',
  '-mstrict-align',
];
const COMPILE = [
  ...MACHINE,
  ...[
    '-std=gnu11',
    '-O2',
    // Scheduling before registers are allocated costs more of these than there are.
    '-fno-schedule-insns',
    '-g',
    '-ffreestanding',
    '-fno-math-errno',
    '-ffp-contract=off',
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

/**
 * Images, and what is in each beside the runtime. Files, or `{ sources, script }` with a linker
 * script of its own.
 */
const PROGRAMS = JSON.parse(readFileSync(join(ROOT, 'programs.json'), 'utf8'));

/** Who builds at the moment: its process id. Two at a time would write the same files. */
const LOCK = join(BUILD, '.lock');
const LOCK_LOOK_MS = 50;

/** What the compiler does not like. */
class Complaint extends Error {}

await main(process.argv.slice(2));

async function main(names) {
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
  const wanted = (names.length === 0 ? Object.keys(PROGRAMS) : names).map(readProgram);
  takeLock();
  try {
    const sources = [...new Set(wanted.flatMap((program) => program.sources))];
    await forEach(sources, (source) => compile(source, compiler));
    let built = 0;
    await forEach(wanted, async (program) => {
      if ((await link(program, compiler)) === 'built') built += 1;
    });
    console.log(`programs: ${wanted.length} images in programs/build, ${built} of them new`);
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    process.exitCode = 1;
    console.error(`programs: ${error.message}`);
  } finally {
    rmSync(LOCK, { force: true });
  }
}

function readProgram(name) {
  const entry = PROGRAMS[name];
  const { sources, script = STANDARD_SCRIPT } = Array.isArray(entry) ? { sources: entry } : entry;
  return { name, sources: [...RUNTIME, ...LIBRARY, ...sources], script: join(ROOT, script) };
}

/** As many at a time as there are processors. */
async function forEach(items, work) {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

async function link({ name, sources, script }, compiler) {
  const objects = sources.map(objectOf);
  const image = join(BUILD, `${name}.elf`);
  const command = [...LINK, '-T', script, ...objects];
  if (isFresh(image, [...objects, script], stamp(compiler, command))) return 'fresh';
  await run([...command, '-o', `${image}.new`], `${name}.elf`);
  // Whoever runs the old image meanwhile has a whole one.
  renameSync(`${image}.new`, image);
  writeFileSync(`${image}.cmd`, stamp(compiler, command));
  return 'built';
}

function objectOf(source) {
  return join(BUILD, 'obj', source.replace(/\.[cS]$/, '.o'));
}

async function compile(source, compiler) {
  const object = objectOf(source);
  const notes = `${object}.d`;
  const command = [...COMPILE, '-MMD', '-MF', notes, '-c', join(ROOT, source), '-o', object];
  const inputs = existsSync(notes) ? dependencies(notes) : [join(ROOT, source)];
  if (isFresh(object, inputs, stamp(compiler, command)) && existsSync(notes)) return;
  mkdirSync(dirname(object), { recursive: true });
  await run(command, source);
  writeFileSync(`${object}.cmd`, stamp(compiler, command));
}

/** Waits for another build to end. One that was killed leaves its lock behind. */
function takeLock() {
  mkdirSync(BUILD, { recursive: true });
  for (;;) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAlive(lockOwner())) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_LOOK_MS);
    } else {
      rmSync(LOCK, { force: true });
    }
  }
}

/** @returns a process id; 0 while the lock has none, or is gone again */
function lockOwner() {
  try {
    return Number(readFileSync(LOCK, 'utf8'));
  } catch {
    return 0;
  }
}

function isAlive(pid) {
  if (pid === 0) return true; // to be looked at again
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
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
  return new Promise((resolve, reject) => {
    execFile(COMPILER, command, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Complaint(`${what}: the compiler complains\n${stderr}`));
    });
  });
}

function fail(status, message) {
  console.error(`programs: ${message}`);
  process.exit(status);
}
