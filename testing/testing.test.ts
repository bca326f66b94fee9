/**
 * Scripted tests themselves: what is written wrong is said with its place, what does not hold is
 * found, and the same test gives the same answer. By examples, in this process.
 */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echo } from '../systems/echo.ts';
import { completeChoices } from '../systems/system.ts';
import { sddfInFolder, sddfInProcess } from '../test/support/sddf-in-process.ts';
import { decodeFrame } from './frames/decode.ts';
import { encodeFrame } from './frames/encode.ts';
import { differences, readFrameFacts, readFramePattern } from './frames/fields.ts';
import { givenObject } from './given/object.ts';
import { startTest } from './public.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sddf-testing-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function run(text: string, ...args: readonly string[]) {
  writeFileSync(join(folder, 'a.yaml'), text);
  return sddfInFolder(folder, 'test', 'a.yaml', ...args);
}

describe('examples', () => {
  const examples = readdirSync(new URL('examples', import.meta.url)).filter((name) =>
    name.endsWith('.yaml'),
  );

  it.each(examples)('%s passes', async (name) => {
    const { status, stdout, stderr } = await sddfInProcess('test', `testing/examples/${name}`);

    expect(stderr).toBe('');
    expect(stdout).toMatch(/^\d+ passed, 0 failed\n$/);
    expect(status).toBe(0);
  });
});

describe('what is written wrong', () => {
  const system = 'system: echo\n';
  const steps = (step: string): string => `${system}name: x\nsteps:\n  - ${step}\n`;
  const cases: readonly (readonly [what: string, text: string, message: RegExp])[] = [
    ['no YAML', 'system: [echo\n', /a\.yaml:2:1: no YAML: /],
    ['a list at the top', '- echo\n', /a\.yaml:1:1: a file of tests begins with system: NAME/],
    [
      'an unknown field',
      `${system}step: []\n`,
      /a\.yaml:2:7: there is no 'step' here; did you mean 'steps'\?/,
    ],
    ['no steps', system, /a\.yaml:1:1: a file of tests has tests, a list, or steps/],
    [
      'an unknown system',
      'system: ecko\nsteps: [at rest]\n',
      /a\.yaml:1:9: no system 'ecko' \(did you mean echo\?\)/,
    ],
    [
      'an unknown verb',
      steps('sned: {arp: {}}'),
      /a\.yaml:4:5: no verb 'sned'; did you mean 'send'\?/,
    ],
    [
      'two verbs in a step',
      steps('wait: 1ms\n    at rest: {}'),
      /a\.yaml:4:5: a step is one verb, and here are wait and at rest/,
    ],
    [
      'no time',
      steps('wait: soon'),
      /a\.yaml:4:11: a time such as 5ms or 200us is wanted here, and there is "soon"/,
    ],
    [
      'an unknown field of a frame',
      steps('send: {upd: {}}'),
      /a\.yaml:4:17: there is no 'upd' here; did you mean 'udp'\?/,
    ],
    [
      'an address that is none',
      steps('send: {arp: {to: 10.0.2.300}}'),
      /a\.yaml:4:22: an address such as 10\.0\.2\.15/,
    ],
    [
      'a frame that no wire carries',
      steps('expect frame: {len: 3000}'),
      /a\.yaml:4:25: a whole number from 1 to 2048/,
    ],
    [
      'a device that is not there',
      steps('type: hello'),
      /a\.yaml:4:5: 'type' cannot be done: this system has no serial device/,
    ],
    [
      'a domain that is not there',
      steps('expect fault: clientO'),
      /a\.yaml:4:19: no domain 'clientO'; did you mean 'client0'\?/,
    ],
    [
      'a signal that can never come',
      steps('expect signal: {from: client0, to: client1}'),
      /client0 has no channel to client1, so it can never signal it/,
    ],
    [
      'an unknown counter',
      steps('expect counter: {client0.recieved: 1}'),
      /client0 has no counter 'recieved'/,
    ],
    [
      'a count below nothing',
      steps("expect counter: {client0.notifies: '< 0'}"),
      /no count is below 0/,
    ],
    [
      'no time to wait',
      steps('expect frame: {arp: {}, within: 0}'),
      /nothing comes within no time/,
    ],
    [
      'two addresses in the place of one',
      steps('send: {arp: {to: 10.0.2.15 10.0.2.15}}'),
      /an address such as 10\.0\.2\.15 is wanted here, and there is "10\.0\.2\.15 10\.0\.2\.15"/,
    ],
    ['an expression that is none', steps('expect log: /(/'), /\/\(\/ is no regular expression/],
    [
      'an unknown fault',
      `${system}faults: [{at: net.irq, fault: loose}]\nsteps: [at rest]\n`,
      /a\.yaml:2:10: net\.irq has no fault 'loose'; did you mean 'lose'\?/,
    ],
    [
      'two tests of one name',
      `${system}tests:\n  - {name: a, steps: [at rest]}\n  - {name: a, steps: [at rest]}\n`,
      /two tests are called 'a'/,
    ],
    [
      'names made of what is no text',
      `${system}tests:\n  - {name: a $x, each: [{x: {toString: 1}}, {x: {toString: 1}}], steps: [at rest]}\n`,
      /two tests are called 'a \{"toString":1\}'/,
    ],
    [
      'bombs of aliases',
      `a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      /a\.yaml: no YAML: /,
    ],
  ];

  it.each(cases)('%s', async (_, text, message) => {
    const { status, stderr } = await run(text);

    expect(stderr).toMatch(message);
    expect(stderr.split('\n').filter((line) => /^\s+at /.test(line))).toEqual([]);
    expect(status).toBe(2);
  });
});

describe('what does not hold', () => {
  it('is said with the step, what was expected, what came, and what happened before', async () => {
    const { status, stdout } = await run(
      'system: echo\ntests:\n  - name: nobody is there\n    steps:\n' +
        '      - send: {arp: {to: 10.0.2.15}}\n' +
        '      - expect frame: {arp: {op: reply, from: 10.0.2.16}, within: 2ms}\n',
      '--junit',
      'out.xml',
    );

    expect(stdout).toContain('FAILED  nobody is there  (seed 1)\n  a.yaml:6:9: expect frame:');
    expect(stdout).toContain('expected  a frame with arp.op "reply", arp.from "10.0.2.16"');
    expect(stdout).toContain(
      'arp reply from 10.0.2.15 (52:54:01:00:00:0a) to 10.0.2.2, 60 bytes: arp.from is "10.0.2.15"',
    );
    expect(stdout).toContain('ms  client0 signals net_virt_tx');
    expect(stdout).toContain("replay: sddf test a.yaml --filter 'nobody is there' --seeds 1");
    expect(stdout).toMatch(/0 passed, 1 failed\n$/);
    expect(status).toBe(1);
  });

  const failing: readonly (readonly [what: string, steps: string, came: RegExp])[] = [
    [
      'a frame that should not come',
      'send: {arp: {to: 10.0.2.15}}\n  - expect no frame: {arp: {}}',
      /came {6}arp reply/,
    ],
    [
      'a signal',
      'expect signal: {from: client0, to: net_virt_tx, within: 1ms}',
      /came {6}0 signals/,
    ],
    [
      'a counter',
      "expect counter: {client0.wakeUps: '> 900', within: 1ms}",
      /came {6}client0\.wakeUps \d+/,
    ],
    ['a fault', 'expect fault: {of: client0, within: 1ms}', /expected {2}client0 to fault/],
    ['a line', 'expect log: {text: hello, within: 1ms}', /expected {2}a line with "hello"/],
    [
      'a note',
      'expect note: {device: virtio_net, within: 1ms}',
      /expected {2}a note on virtio_net/,
    ],
  ];

  it.each(failing)('%s', async (_, steps, came) => {
    const { status, stdout } = await run(`system: echo\nname: x\nsteps:\n  - ${steps}\n`);

    expect(stdout).toMatch(came);
    expect(status).toBe(1);
  });

  it('a fault that nobody expects', async () => {
    const { stdout, status } = await run(
      'system: echo\nfaults: [{at: pd.client0, fault: kill, when: {nth: 1}}]\nname: x\nsteps:\n' +
        '  - send: {udp: {to: 10.0.2.15:1235}}\n  - wait: 5ms\n',
    );

    expect(stdout).toContain('expected  client0 not to fault');
    expect(status).toBe(1);
  });

  it('a plan that never strikes: void, status 3', async () => {
    const { stdout, status } = await run(
      'system: echo\nfaults: [{at: net.irq, fault: lose, when: {nth: 900}}]\nname: x\nsteps: [at rest]\n',
    );

    expect(stdout).toContain('VOID  x  (seed 1)');
    expect(stdout).toContain('net.irq lose');
    expect(stdout).toContain('0 passed, 0 failed, 1 void');
    expect(status).toBe(3);
  });
});

describe('what is not the fault of the testbed', () => {
  const builder = join(import.meta.dirname, '../microkit/builder.ts');

  it('of a domain that prints megabytes, and thousands of lines: in as much as can be read', async () => {
    writeFileSync(
      join(folder, 'loud.system'),
      '<system><protection_domain name="loud" priority="1"><program_image path="loud.ts"/></protection_domain></system>',
    );
    writeFileSync(
      join(folder, 'loud.ts'),
      `export const main = (pd) => {
  pd.log('x'.repeat(1_000_000) + '\\n');
  for (let i = 0; i < 10_500; i += 1) pd.log('again\\n');
  pd.log('y'.repeat(1_000_000));
  return { notified() {} };
};
`,
    );
    const test = (step: string): string =>
      `system: loud.system\nname: x\nsteps:\n  - ${step}\n  - expect log: never\n`;

    const { stdout } = await run(test('expect log: again'));
    const lost = await run(test('expect no log: other'));
    const json = await run(test('expect log: never'), '--json');

    expect(stdout).toMatch(/\d+ lines of debug output behind the first 10000 are not kept/);
    expect(stdout).toContain(' more characters)');
    expect(stdout.length).toBeLessThan(100_000);
    expect(lost.stdout).toContain('are not kept');
    expect(lost.stdout).toContain('expected  not a line with "other"');
    expect(json.stdout.length).toBeLessThan(100_000);
  });

  it('has failed when it fails once, also if it does not when it is run again to be told of', async () => {
    writeFileSync(
      join(folder, 'flaky.mts'),
      `import { existsSync, writeFileSync } from 'node:fs';
const mark = new URL('mark', import.meta.url);
export const main = (pd) => {
  if (existsSync(mark)) pd.log('well');
  else writeFileSync(mark, '');
  return { notified() {} };
};
`,
    );
    writeFileSync(
      join(folder, 'flaky.system'),
      '<system><protection_domain name="flaky"><program_image path="flaky.mts"/></protection_domain></system>',
    );
    const { stdout, status } = await run(
      'system: flaky.system\nname: x\nsteps: [{expect log: {from: flaky, text: well, within: 1ms}}]\n',
    );

    expect(stdout).toContain('something in it is not the same each time');
    expect(stdout).toContain('0 passed, 1 failed');
    expect(status).toBe(1);
  });

  it('has failed when a program has left behind what nobody catches, and the next one is run', async () => {
    writeFileSync(
      join(folder, 'late.mts'),
      `export const main = (pd) => {
  if (pd.name === 'late') {
    Promise.reject(new Error('unheard'));
    Promise.reject(new Error('unheard, too'));
  }
  return { notified() {} };
};
`,
    );
    for (const name of ['late', 'sound']) {
      writeFileSync(
        join(folder, `${name}.system`),
        `<system><protection_domain name="${name}"><program_image path="late.mts"/></protection_domain></system>`,
      );
      writeFileSync(
        join(folder, `${name}.yaml`),
        `system: ${name}.system\nname: ${name}\nsteps: [{wait: 1ms}]\n`,
      );
    }
    const { stdout, stderr, status } = await sddfInFolder(
      folder,
      'test',
      'late.yaml',
      'sound.yaml',
    );

    expect(stdout).toMatch(
      /came +a program has thrown what nobody catches: \S+late\.mts:3: unheard\n/,
    );
    expect(stdout).toMatch(
      / a program has thrown what nobody catches: \S+late\.mts:4: unheard, too\n/,
    );
    expect(stdout).toContain('1 passed, 1 failed');
    expect([stderr, status]).toEqual(['', 1]);
  });

  it.each([
    ['throws as it is attached', "() => { throw new Error('worn out'); }", 'worn out'],
    [
      'throws when it is read',
      "(board) => board.attach('mine', { base: 0x1009_0000, sizeBytes: 4096 }, { read() { throw new Error('worn out'); }, write() {}, reset() {}, snapshot: () => ({}) })",
      'mine: read(0x0, 4) threw: worn out',
    ],
  ])('names a device of its own that %s', async (what, attach, message) => {
    const file = `${what.replaceAll(' ', '-')}.mts`;
    writeFileSync(
      join(folder, file),
      `import { system } from '${builder}';
const main = (pd) => { pd.deviceRegion('registers').read32(0); return { notified() {} }; };
const sys = system({ name: 'mine' });
const registers = sys.region('registers', { size: 0x1000, physAddr: 0x1009_0000 });
sys.pd('reader', { program: main }).map(registers, { vaddr: 0x300_0000, perms: 'rw', cached: false });
export const build = () => sys.build();
export const attachDevices = ${attach};
`,
    );
    const { stdout, status } = await run(`system: ./${file}\nname: x\nsteps: [{wait: 1ms}]\n`);

    expect(stdout).toContain(message);
    expect(stdout).toContain(`${file}:7`);
    expect(stdout).not.toContain('internal failure');
    expect(status).toBe(1);
  });
});

describe('results as JSON', () => {
  it.each(['test', 'replay'])('of sddf %s have nothing that a terminal obeys', async (command) => {
    writeFileSync(
      join(folder, 'b.yaml'),
      'system: hello\nname: "a\u009b31m"\nsteps: [{wait: 1ms}]\n',
    );
    const { stdout } = await sddfInFolder(folder, command, 'b.yaml', '--json');

    expect(stdout).toContain('\\u009b31m');
    expect(stdout).not.toContain('\u009b');
  });
});

describe('seeds', () => {
  const text =
    'system: echo\nname: x\nsteps:\n' +
    '  - send: {udp: {to: 10.0.2.15:1235, text: hi}}\n  - expect frame: {udp: {text: hi}}\n';
  const times = async (seeds: string): Promise<readonly number[]> => {
    const { stdout } = await run(text, '--json', '--seeds', seeds);
    const { results } = JSON.parse(stdout) as { results: readonly { timeNs: number }[] };
    return results.map(({ timeNs }) => timeNs);
  };

  it('are other orders of events, each the same whenever it is run', async () => {
    const [first, second, third] = await times('1..3');

    expect(new Set([first, second, third]).size).toBe(3);
    expect(await times('2..2')).toEqual([second]);
  });
});

describe('frames', () => {
  const cases: readonly (readonly [name: string, spec: object])[] = [
    [
      'arp',
      { arp: { op: 'reply', from: '10.0.2.2', to: '10.0.2.15', 'from-mac': '02:00:00:00:00:01' } },
    ],
    ['udp', { udp: { from: '10.0.2.2:4000', to: '10.0.2.15:7', text: 'odd', checksum: 'good' } }],
    ['udp with a wrong checksum', { udp: { to: '10.0.2.15:7', hex: '00ff', checksum: 'bad' } }],
    ['udp without', { udp: { to: '10.0.2.15:7', bytes: 100, checksum: 'none' }, len: 142 }],
    [
      'icmp',
      {
        icmp: { type: 'reply', to: '10.0.2.15', id: 5, seq: 6, text: 'x' },
        ip: { ttl: 3, checksum: 'good' },
      },
    ],
    ['a damaged header', { udp: { to: '10.0.2.15:7' }, ip: { checksum: 'bad' } }],
    ['bytes', { raw: 'ffffffffffff 020000000001 88b5 00' }],
    ['another type', { eth: { to: '02:00:00:00:00:02', type: 0x88b5 }, len: 60 }],
  ];

  it.each(cases)('%s is read as it was made', (_, spec) => {
    const made = givenObject('frame', spec);
    const pattern = givenObject('frame', spec);
    const bytes = encodeFrame(readFrameFacts(made.given));

    const found = differences(decodeFrame(bytes), readFramePattern(pattern.given));

    expect([...made.problems, ...pattern.problems, ...found]).toEqual([]);
  });

  it('one that differs in a field is told by it', () => {
    const [one, other] = ['10.0.2.15:7', '10.0.2.15:8'].map(
      (to) => givenObject('frame', { udp: { to } }).given,
    );
    const bytes = encodeFrame(readFrameFacts(one as NonNullable<typeof one>));

    const found = differences(
      decodeFrame(bytes),
      readFramePattern(other as NonNullable<typeof other>),
    );

    expect(found).toEqual(['udp.to is "10.0.2.15:7"']);
  });
});

describe('in a program', () => {
  it('steps are the same, and throw what the command prints', async () => {
    const built = echo.build(completeChoices(echo, {}));
    if (!built.ok) throw new Error('echo builds');
    const test = startTest({ system: built.system });

    test.step({ send: { udp: { to: '10.0.2.15:1235', text: 'hello' } } });
    test.step({ 'expect frame': { udp: { from: '10.0.2.15:1235', text: 'hello' } } });
    test.step('at rest');
    test.end();

    expect(() => test.step({ sned: {} })).toThrow("step 4: no verb 'sned'; did you mean 'send'?");
    expect(() => test.step({ 'expect frame': { arp: {}, within: '1ms' } })).toThrow(
      /step 5: expect frame: [^]*expected {2}a frame with arp\n[^]*before that:/,
    );
  });
});
