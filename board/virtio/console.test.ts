// The virtio console against a driver that does everything by hand: features, configuration, both
// directions, back-pressure, and what a hostile driver may try. Numbers are those of virtio 1.2,
// not the model's.

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import { RangedDmaWindow } from '../dma.ts';
import { LintLog } from '../lint.ts';
import { VirtualTurns } from '../turns.ts';
import { SerialLine } from '../uart/serial-line.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { VirtioConsole } from './console.ts';
import { MockDriver } from '../../test/support/mock-driver.ts';

const VERSION_1 = 32;
const SIZE = 0;
const EMERG_WRITE = 2;
const CONFIG = 0x100;
const NEEDS_RESET = 64;
const [RX, TX] = [0, 1];

function bench(outputBytes = 65_536) {
  const ram = new Ram({ sizeBytes: 0x10_0000 });
  const clock = new VirtualClock();
  const line = new SerialLine({ clock, rate: 'fast', outputBytes });
  const irq = { level: 0 };
  const lint = new LintLog();
  const model = new VirtioConsole({
    name: 'console',
    wire: line,
    ram,
    dma: new RangedDmaWindow(ram, [{ paddr: ram.base, sizeBytes: ram.sizeBytes }]),
    irqLine: { raise: () => (irq.level = 1), lower: () => (irq.level = 0) },
    lint,
    turns: new VirtualTurns(clock, 100),
  });
  const driver = new MockDriver({ device: model.transport, ram });
  const work = (): void => void clock.runUntil(clock.now() + 10_000);
  const output = (): string => {
    const bytes = new Uint8Array(line.outputLength());
    line.takeOutput(bytes);
    return String.fromCharCode(...bytes);
  };
  return { ram, line, irq, lint, model, driver, work, output };
}

function live(outputBytes = 65_536) {
  const b = bench(outputBytes);
  b.driver.negotiate(VERSION_1);
  const rx = b.driver.setUpQueue(RX, 8);
  const tx = b.driver.setUpQueue(TX, 8);
  b.driver.driverOk();
  b.work();
  return { ...b, rx, tx };
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe('the virtio console', () => {
  it('is device 3, offers SIZE and EMERG_WRITE, and not MULTIPORT', () => {
    const { driver } = bench();

    expect(driver.read(0x008)).toBe(3);
    expect([SIZE, 1, EMERG_WRITE, VERSION_1].map((bit) => driver.offered(bit))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  it('shows its size, and tells when the terminal changes it', () => {
    const { model, driver, irq } = live();
    expect([model.transport.read(CONFIG, 2), model.transport.read(CONFIG + 2, 2)]).toEqual([
      80, 25,
    ]);
    const generation = driver.read(0x0fc);
    model.resize(132, 50);

    expect([model.transport.read(CONFIG, 2), model.transport.read(CONFIG + 2, 2)]).toEqual([
      132, 50,
    ]);
    expect(driver.read(0x0fc)).not.toBe(generation);
    expect([irq.level, driver.read(0x060)]).toEqual([1, 2]);
  });

  it('prints a byte written to emerg_wr before anything is set up', () => {
    const { model, output } = bench();
    model.transport.write(CONFIG + 8, 0x1241, 4);

    expect(output()).toBe('A');
  });

  it('sends chains of any shape, in order, and uses each once', () => {
    const { driver, tx, work, output, irq } = live();
    const at = driver.memoryWith(bytes('hello world'));
    tx.add(
      { at, lengthBytes: 5, access: 'readable' },
      { at: at + 5, lengthBytes: 1, access: 'readable' },
    );
    tx.add({ at: at + 6, lengthBytes: 5, access: 'readable' });
    driver.notify(TX);
    work();

    expect(output()).toBe('hello world');
    expect(tx.usedIdx).toBe(2);
    expect(irq.level).toBe(1);
  });

  it('leaves buffers unused while the wire takes nothing, and loses no byte', () => {
    const { driver, tx, work, output } = live(8);
    const at = driver.memoryWith(bytes('0123456789abcdefghij'));
    tx.add({ at, lengthBytes: 20, access: 'readable' });
    driver.notify(TX);
    work();
    expect(tx.usedIdx).toBe(0);
    let got = output();
    for (let round = 0; round < 3; round += 1) {
      work();
      got += output();
    }

    expect(got).toBe('0123456789abcdefghij');
    expect(tx.usedIdx).toBe(1);
  });

  it('holds input until there is a buffer, and says how much it wrote', () => {
    const { driver, rx, line, work } = live();
    line.send(bytes('typed'));
    work();
    const at = driver.memory(16);
    rx.add({ at, lengthBytes: 16, access: 'writable' });
    driver.notify(RX);
    work();

    expect(rx.takeUsed()?.lengthBytes).toBe(5);
    expect(String.fromCharCode(...driver.bytes(at, 5))).toBe('typed');
  });

  it('keeps a sender waiting instead of losing input that nobody reads', () => {
    const { line, work, model } = live();
    line.send(new Uint8Array(10_000).fill(7));
    work();

    expect(line.inputLength()).toBe(10_000 - 4096);
    expect(model.counters.rxDroppedFull).toBe(0);
  });

  it('drops characters with line errors: they do not exist here', () => {
    const { driver, rx, line, model, work } = live();
    line.sendCharacter(0x141);
    line.send(bytes('b'));
    const at = driver.memory(4);
    rx.add({ at, lengthBytes: 4, access: 'writable' });
    driver.notify(RX);
    work();

    expect(rx.takeUsed()?.lengthBytes).toBe(1);
    expect(model.counters.rxLineErrors).toBe(1);
  });

  it('gives back a chain that it cannot reach, and latches a queue that cannot be', () => {
    const { ram, driver, tx, work, model, output } = live();
    tx.add({ at: ram.sizeBytes + 0x1000, lengthBytes: 4, access: 'readable' });
    driver.notify(TX);
    work();
    expect([tx.usedIdx, model.counters.txBadChains, output()]).toEqual([1, 1, '']);
    tx.availIdx = 100;
    driver.notify(TX);
    work();

    expect(driver.status() & NEEDS_RESET).toBe(NEEDS_RESET);
    driver.negotiate(VERSION_1);
    expect(driver.status() & NEEDS_RESET).toBe(0);
  });

  it('forgets a half-sent chain when it is reset', () => {
    const { driver, tx, work, output } = live(4);
    const at = driver.memoryWith(bytes('abcdefgh'));
    tx.add({ at, lengthBytes: 8, access: 'readable' });
    driver.notify(TX);
    work();
    driver.negotiate(VERSION_1);
    expect(output()).toBe('abcd');
    work();

    expect(output()).toBe('');
  });
});
