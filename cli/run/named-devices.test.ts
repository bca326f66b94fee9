// Which of several devices `--net`, `--serial` and `--disk` are for: by name, in turn, and what is
// wrong.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import { type DeviceClass, devicesGiven, parseNamed } from './named-devices.ts';

const folder = mkdtempSync(join(tmpdir(), 'sddf-named-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string): string => join(folder, name);

const NICS: DeviceClass = { option: '--net', prefix: 'nic', unnamed: 'the first' };
const DISKS: DeviceClass = { option: '--disk', prefix: 'blk', unnamed: 'the next' };
const given = (kind: DeviceClass, ...texts: string[]): Record<string, string> =>
  Object.fromEntries(
    devicesGiven(
      texts.map((text) => parseNamed(text, kind, (spec) => spec)),
      kind,
    ),
  );

describe('a device', () => {
  it('is the first without a name, or the next', () => {
    expect(given(NICS, 'user')).toEqual({ 0: 'user' });
    expect(given(NICS, 'nic1=tap,name=tap1', 'user')).toEqual({ 0: 'user', 1: 'tap,name=tap1' });
    expect(given(DISKS, 'a', 'blk0=b', 'c')).toEqual({ 0: 'b', 1: 'a', 2: 'c' });
    expect(given(DISKS, 'file=blk1=x'), 'no name').toEqual({ 0: 'file=blk1=x' });
  });

  it.each([
    [['user', 'none'], '--net: nic0 is given twice; another device is named, as in --net nic1=…'],
    [['nic1=a', 'nic1=b'], '--net: nic1 is given twice'],
    [['eth0=tap,name=tap0'], "--net: there is no device 'eth0'; they are nic0, nic1 and on"],
    [['nic01=user'], "--net: there is no device 'nic01'"],
  ])('is refused: %j', (texts, message) => {
    expect(() => given(NICS, ...texts)).toThrow(message);
  });
});

const UARTS = join(import.meta.dirname, '../..');
/** Two UARTs, each with a driver, virtualisers and an echo client of its own. */
const TWO_UARTS = `
import { system } from '${UARTS}/microkit/builder.ts';
import { serial } from '${UARTS}/microkit/sddf/serial.ts';
import { serialDevices } from '${UARTS}/systems/serial-devices.ts';
import { main as ns16550a } from '${UARTS}/drivers/serial/ns16550a/driver.ts';
import { main as pl011 } from '${UARTS}/drivers/serial/pl011/driver.ts';
import { main as virtRx } from '${UARTS}/virtualisers/serial/rx/virt-rx.ts';
import { main as virtTx } from '${UARTS}/virtualisers/serial/tx/virt-tx.ts';
import { main as client } from '${UARTS}/clients/serial-echo/serial-echo.ts';
export function build() {
  const sys = system({ name: 'two-uarts' });
  for (const [name, driver] of Object.entries({ ns16550a, pl011 })) {
    const terminal = serial(sys, {
      device: serialDevices[name],
      driver: sys.pd(name + '_driver', { program: driver, priority: 200 }),
      tx: sys.pd(name + '_tx', { program: (pd) => virtTx(pd), priority: 199 }),
      rx: sys.pd(name + '_rx', { program: (pd) => virtRx(pd), priority: 199 }),
      colour: 'off',
    });
    terminal.addClient(sys.pd('client_of_' + name, { program: (pd) => client(pd), priority: 1 }));
  }
  return sys.build();
}`;

describe('sddf run', () => {
  it('plugs two UARTs into what each is given', async () => {
    writeFileSync(file('two.ts'), TWO_UARTS);
    writeFileSync(file('in'), 'abc');
    const lines = ['--serial', `uart1=file,in=${file('in')},out=${file('1')}`];
    lines.push('--serial', `file,out=${file('0')}`);
    const options = ['--clock', 'virtual', '--line-rate', 'fast', '--json'];
    const { stdout, stderr, status } = await sddfInProcess(
      ...['run', file('two.ts')],
      ...lines,
      ...options,
    );

    expect(status, stderr).toBe(0);
    expect(readFileSync(file('0'), 'utf8')).toContain('I am client_of_ns16550a.');
    expect(readFileSync(file('0'), 'utf8')).not.toContain('abc');
    expect(readFileSync(file('1'), 'utf8')).toMatch(/I am client_of_pl011[^]*abc/);
    const { serial, traffic } = JSON.parse(stdout);
    expect(serial).toMatchObject({
      uart0: { kind: 'file', uart: 'ns16550a' },
      uart1: { kind: 'file', uart: 'pl011' },
    });
    expect(traffic['pl011 in']).toEqual({ bytes: 3 });
  });

  it('plugs in NICs and disks by name, and says what each has counted', async () => {
    const nics = ['--net', 'nic1=loop', '--rate', '10k', '--frame', '60', '--for', '1ms'];
    const router = await sddfInProcess('run', 'router', ...nics, '--clock', 'virtual', '--json');
    const text = await sddfInProcess('run', 'router', ...nics, '--clock', 'virtual');
    const disks = ['--disk', 'blk1=mem=1M', '--clock', 'virtual', '--json'];
    const blk = await sddfInProcess('run', 'blk', ...disks);

    const { net, programs } = JSON.parse(router.stdout);
    expect(net).toMatchObject({ nic0: { kind: 'user' }, nic1: { kind: 'loop' } });
    expect(programs['nic1_driver'].rxPackets).toBeGreaterThan(0);
    expect(programs['nic0_driver'].rxPackets).toBe(0);
    expect(text.stdout).toMatch(/^ {2}nic1 in +\d+ packets/m);
    const { disks: sizes } = JSON.parse(blk.stdout).blk;
    expect(sizes.map(({ sizeBytes }: { sizeBytes: number }) => sizeBytes)).toEqual([
      64 << 20,
      1 << 20,
    ]);
  });

  it.each([
    [['echo', '--net', 'nic1=none'], 'echo: the system has no nic1, only nic0; leave --net nic1='],
    [['router', '--net', 'nic2=none'], 'router: the system has no nic2, only nic0, nic1; leave'],
    [['router', '--net', 'user', '--net', 'none'], '--net: nic0 is given twice'],
    [['serial', '--serial', 'uart1=none'], 'serial: the system has no uart1, only uart0'],
    [['serial', '--serial', 'stdio', '--serial', 'uart1=stdio'], 'two UARTs cannot share'],
    [['fat', '--disk', 'blk1=mem=1M,fat'], 'fat: disks is one of 1'],
    [['blk', '--disk', 'blk4=mem=1M'], '--disk: the board has blk0 to blk3'],
    [['blk', '--disk', 'disk0=mem=1M'], "--disk: there is no device 'disk0'"],
    [['router', '--net', 'nic1=tap,nam=x'], "--net tap: unknown key 'nam' (did you mean name?)"],
  ])('refuses %j', async (args, message) => {
    const { status, stderr } = await sddfInProcess('run', ...args);

    expect({ status, stderr }).toMatchObject({ status: 2 });
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n'), 'one line').toHaveLength(1);
  });
});
