// What a user sees who gets something wrong: exit status 2 and exactly one line, which says what,
// where and what to do.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sddfCommand } from '../test/support/sddf-command.ts';
import { sddfInProcess } from '../test/support/sddf-in-process.ts';
import { commands } from './commands.ts';
import { runProgram } from './program.ts';

const directory = mkdtempSync(join(tmpdir(), 'cli-'));
const textFile = join(directory, 'text.pcap');
writeFileSync(textFile, 'this is no capture');
const emptyFile = join(directory, 'empty.pcap');
writeFileSync(emptyFile, '');
const noSystem = join(directory, 'no-system.mjs');
writeFileSync(noSystem, 'export const nothing = 1;');
const broken = join(directory, 'broken.mjs');
writeFileSync(broken, 'export const = ;');
const elf = join(directory, 'elf.system');
writeFileSync(
  elf,
  '<system><protection_domain name="p"><program_image path="p.elf" /></protection_domain></system>',
);

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(...args: string[]): Promise<{ status: number; errors: string[] }> {
  const errors: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((text: string) => void errors.push(text));
  const status = await runProgram(args);
  return { status, errors };
}

const MISTAKES: readonly (readonly [string, string])[] = [
  ['', 'no command given; try sddf --help'],
  ['nope', "unknown command 'nope'"],
  ['lst', "unknown command 'lst' (did you mean list?); try sddf --help"],
  ['lsit', 'did you mean list?'],
  ['disk crate', "unknown command 'crate' (did you mean create?); try sddf disk --help"],
  ['help nope', "unknown command 'nope'"],
  ['--nope', "unknown option '--nope'"],
  ['list --nope', "unknown option '--nope'"],
  ['list more', 'too many arguments'],
  ['run', "missing required argument 'system'; see sddf run --help"],
  ['run nope', "no system 'nope'; sddf list shows them"],
  ['run ecko', 'did you mean echo?'],
  ['run echo more', 'too many arguments'],
  ['run echo --nope', "unknown option '--nope'"],
  ['run echo --nte loop', "unknown option '--nte' (did you mean --net?); see sddf run --help"],
  ['trace echo -o t --capure x', 'did you mean --capture?'],
  ['run echo --net', "option '--net <link>' argument missing"],
  [
    'run echo --net foo',
    "--net: unknown kind 'foo'; known are user, slirp, stream, dgram, tap, passt, vde, socket, pcap, loop, none",
  ],
  [
    'run echo --net loop --net loop',
    '--net: nic0 is given twice; another device is named, as in --net nic1=',
  ],
  [
    'run echo --net user,hostfwd=udp::5001-10.0.2.99:7',
    'nobody has the address 10.0.2.99; known are 10.0.2.15, 10.0.2.16',
  ],
  ['run echo --path 2pd --net user,hostfwd=udp::5001-10.0.2.16:7', 'known are 10.0.2.15'],
  ['run echo --net pcap,in=/nope/in.pcap', '/nope/in.pcap: no such file or directory'],
  [`run echo --net pcap,in=${directory}`, 'is a directory'],
  [`run echo --net pcap,in=${textFile}`, 'neither pcap nor pcapng'],
  [`run echo --net pcap,in=${emptyFile}`, 'the capture is empty'],
  [`run echo --net pcap,in=${textFile} --capture ${textFile}`, 'is read already, by --net pcap'],
  ['run echo --capture /nope/out.pcapng', '/nope/out.pcapng: no such file or directory'],
  ['run echo --capture - --json', 'cannot carry --json too'],
  ['run echo --clock sun', "--clock: 'sun' is none of host, virtual"],
  ['run echo --for 3', "--for: '3' is not a duration such as 3s"],
  ['run echo --seed x', "--seed: 'x' is not a whole number from 0 to 4294967295"],
  ['run echo --seed -1', "'-1'"],
  ['run echo --path 9pd', 'path is one of 5pd, 4pd, 2pd, dummy'],
  ['run echo --set path', "--set: 'path' is not NAME=VALUE"],
  ['run echo --clock virtal', '(did you mean virtual?)'],
  [
    'run echo --set color=red',
    "echo: this system has no option 'color'; it has path, clients, address, closed, checksums, code, driver, rx, tx, copier, client, supervised, restart, hang; sddf run echo --help tells",
  ],
  ['run echo --set clinets=2', '(did you mean clients?)'],
  ['run echo --set constructor=2', "this system has no option 'constructor'"],
  ['run serial --set uart=pl01', '(did you mean pl011?)'],
  ['run hello --set path=4pd', "hello: this system has no option 'path'; it has none"],
  ['run ecko --help', 'did you mean echo?'],
  ['graph echo --set path', "--set: 'path' is not NAME=VALUE"],
  ['run echo --rate fast', "--rate: 'fast' is not a rate"],
  ['run echo --frame 1515', "--frame: '1515' is not a whole number from"],
  ['run echo --burst 0', "--burst: '0' is not a whole number from 1"],
  ['run echo --net none --rate 5 --for 1ms', '--rate: is for the generator; add --net loop'],
  [
    'run serial --serial none --frame 64 --for 1ms',
    '--frame: is for the generator; add --net loop',
  ],
  ['run echo --demo --burst 2 --for 1ms', '--burst: --demo chooses its own'],
  ['run hello --demo --for 1ms', 'hello: the system has no NIC; leave --demo out'],
  ['run a.system --search-path /nope', '--search-path: there is no folder /nope; check the path'],
  ['check --search-path /nope a.system', '--search-path: there is no folder /nope; check the path'],
  ['report --search-path /nope a.system', '--search-path: there is no folder /nope'],
  [
    'run echo --set clients=32',
    'echo: 32 clients with a copier each are more than the 63 protection domains of a system; ' +
      '--set path=4pd leaves the copiers out',
  ],
  [
    'run echo --ram 16M --set path=4pd --set clients=32',
    "contiguous bytes left in the board's 16 MiB of RAM; --ram gives it more, 1792M at most",
  ],
  ['run echo --search-path . --for 1ms', '--search-path: is for .system files, and echo is none'],
  ['disk create a.img', 'not specified; see sddf disk create --help'],
  ['new driver', "missing required argument 'class/name'; see sddf new driver --help"],
  ['list more', 'got 1; see sddf list --help'],
  ['run echo --ram 1M', "--ram: '1M' is not a multiple of 64K from 16M to 1792M"],
  ['run ./nope.ts', './nope.ts: no such file or directory'],
  ['run nope.system', 'nope.system: no such file or directory'],
  [`run ${noSystem}`, 'exports no system; export function build(), see docs/writing-a-driver.md'],
  [`run ${broken}`, 'cannot be loaded'],
  [`run ${elf}`, "protection domain 'p': no program p.elf in "],
  [
    'run build/loader.img',
    'build/loader.img: is what the Microkit tool has written; give the .system file',
  ],
  ['check mine.ts', 'mine.ts: is a module, which is checked whenever it is loaded'],
  ['run echo --ui-port 8081', '--ui-port: goes with --ui'],
  ['run report.txt', 'report.txt: is what the Microkit tool has written; give the .system file'],
];

describe("a user's mistake", () => {
  it.each(MISTAKES)('sddf %s', async (line, expected) => {
    const { status, errors } = await run(...line.split(' ').filter((word) => word !== ''));

    expect(status).toBe(2);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^sddf: /);
    expect(errors[0]).toContain(expected);
    expect(errors[0]).not.toContain('\n');
  });
});

describe('help', () => {
  it.each(commands.map((command) => command.name))('of %s has examples', async (name) => {
    const { status, stdout } = await sddfInProcess(name, '--help');

    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: sddf ${name}`);
    expect(stdout).toContain('Examples:');
  });

  it('of run says that a capture replaces a file', async () => {
    const { stdout } = await sddfInProcess('run', '--help');
    const [, capture] = /--capture <file>([^]*?)\n {2}-/.exec(stdout) ?? [];

    expect(capture?.replaceAll(/\s+/g, ' ')).toContain('which is replaced if there is one');
  });

  it.each(['trace', 'path'])('of %s has its own options, and one line for others', async (name) => {
    const { stdout } = await sddfInProcess(name, '--help');

    expect(stdout).toContain('--force');
    expect(stdout).toMatch(/^Options of every run: sddf run --help$/m);
    expect(stdout).not.toContain('--capture');
    expect(stdout.indexOf('Options of every run')).toBeGreaterThan(stdout.indexOf('--force'));
  });

  it.each([
    'run echo --help',
    'run -h echo',
    'trace --net loop -o trace.json echo --help',
    'report echo --help',
  ])('%s tells what --set takes', async (line) => {
    const { status, stdout } = await sddfInProcess(...line.split(' '));

    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}path=5pd\|4pd\|2pd\|dummy \(default: 5pd\) +which protection/m);
    expect(stdout).not.toContain('--clock');
  });

  it('takes no value of an option for the system', async () => {
    const { stdout } = await sddfInProcess('run', '--capture', 'echo', '--help');

    expect(stdout).toContain('--clock <clock>');
  });

  it('says that a system lets nothing be chosen', async () => {
    expect((await sddfInProcess('run', 'hello', '--help')).stdout).toContain('--set takes nothing');
  });

  it('names every command', () => {
    const { status, stdout } = spawnSync(process.execPath, ['cli/sddf.mjs', '--help'], {
      encoding: 'utf8',
    });

    expect(status).toBe(0);
    for (const { name, summary } of commands) {
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
      expect(stdout).toContain(summary.slice(0, 20));
    }
  });

  it('lists the systems, and below each what --set takes', () => {
    const { status, stdout } = spawnSync(process.execPath, [sddfCommand(), 'list'], {
      encoding: 'utf8',
    });

    expect(status).toBe(0);
    expect(stdout).toMatch(/^echo +\S/m);
    expect(stdout).toMatch(/^ +--set clients=1\|2\|8\|32 \(default: 2\)$/m);
  });

  it('lists what --set takes as JSON, too', async () => {
    const rows: unknown = JSON.parse((await sddfInProcess('list', '--json')).stdout);

    expect(rows).toContainEqual({
      name: 'serial',
      summary: expect.stringContaining('UART') as string,
      options: expect.arrayContaining([
        {
          name: 'uart',
          help: 'the serial device',
          choices: ['ns16550a', 'pl011', 'virtio'],
          standard: 'ns16550a',
        },
      ]) as object[],
    });
    expect(rows).toContainEqual(expect.objectContaining({ name: 'hello', options: [] }));
  });
});

describe('one line and exit status 2', () => {
  it.each([
    ['output that is full', 'node cli/sddf.mjs list >/dev/full', 'standard output: '],
    ['a Node without WebAssembly', 'node --jitless cli/sddf.mjs list', 'leave --jitless out'],
  ])('for %s', (_, line, expected) => {
    const { status, stderr } = spawnSync('sh', ['-c', line], { encoding: 'utf8' });
    const lines = stderr.split('\n').filter((one) => one.startsWith('sddf: '));

    expect(lines).toEqual([expect.stringContaining(expected)]);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(2);
  });
});
