// The serial system on the kernel, under the virtual clock: sDDF's example, the shell, and each
// UART.

import { describe, expect, it } from 'vitest';
import { SerialLine } from '../board/uart/serial-line.ts';
import type { LineRate } from '../board/serial-wire.ts';
import { serialSystem } from './serial.ts';
import type { Uart } from './serial-devices.ts';
import { UARTS } from './serial-devices.ts';
import { completeChoices } from './system.ts';
import { createTestbed } from './testbed.ts';

const SECOND = 1_000_000_000;

function run(uart: Uart, rate: LineRate = 'real') {
  const built = serialSystem.build(completeChoices(serialSystem, { uart }));
  if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('; '));
  const lines: string[] = [];
  let line: SerialLine | undefined;
  const testbed = createTestbed({
    system: built.system,
    clock: 'virtual',
    counters: serialSystem.counters ?? {},
    wires: ({ board }) => {
      line = new SerialLine({ clock: board.clock, rate });
      return { serial: { wire: line, uart } };
    },
    observer: { log: (pd, text) => lines.push(`${pd}: ${text}`) },
  });
  if (line === undefined) throw new Error('the board has a line');
  const wire = line;
  const forSeconds = (seconds: number): void => {
    testbed.runUntil(testbed.now() + seconds * SECOND);
  };
  const output = (): string => {
    const bytes = new Uint8Array(wire.outputLength());
    wire.takeOutput(bytes);
    return String.fromCharCode(...bytes);
  };
  const type = (text: string): void => {
    wire.send(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  };
  /** Types into the shell and returns what it says, without colours. */
  const ask = (text: string): string => {
    type(text);
    forSeconds(1);
    return output().replaceAll('\u001b[33m', '').replaceAll('\u001b[0m', '');
  };
  forSeconds(1);
  return { testbed, lines, wire, output, type, ask, forSeconds };
}

describe.each(UARTS)('the serial system on the %s', (uart) => {
  it('is sDDF’s serial example', () => {
    const s = run(uart);
    const greeting = s.output();
    expect(greeting).toContain('Begin input\r\n');
    for (const index of [0, 1]) {
      expect(greeting).toContain(
        `Hello world! I am client${index}.\r\nPlease give me character!\r\n`,
      );
    }

    s.type('1234567890');
    s.forSeconds(1);
    const first = s.output();
    expect(first).toContain('\u001b[31m1\u001b[0m\u001b[31m2\u001b[0m');
    expect(first).toContain('client0 has received 10 characters so far!');
    s.type('\u001c1\rabcdefghij');
    s.forSeconds(1);

    const second = s.output();
    expect(s.lines).toContain('serial_virt_rx: VIRT_RX|LOG: switching to client 1');
    expect(second).toContain('\u001b[32ma\u001b[0m');
    expect(second).toContain('client1 has received 10 characters so far!');
  });

  it('has a shell that shows the system', () => {
    const s = run(uart);
    s.output();
    s.type('\u001c2\r');
    expect(s.ask('help\r')).toContain('queues  how full the queues are');
    expect(s.ask('pds\r')).toMatch(/serial_driver +200/);
    expect(s.ask('queues\r')).toMatch(/serial_virt_tx_serial_driver_tx +\d+ +131072/);
    expect(s.ask('irqs\r')).toMatch(new RegExp(`serial_driver +[1-9]`));
    expect(s.ask('mem\r')).toMatch(/regions of memory, \d+ KiB/);
    expect(s.ask('time\r')).toMatch(/time\r\n\d{9,} ns/);
    expect(s.ask('uptime\r')).toMatch(/up 00:00:\d\d/);
    expect(s.ask('net\r')).toContain('net: this system has none');
    expect(s.ask('pds serial_virt_rx\r')).toMatch(/serial_virt_rx\.switches +1/);
    expect(s.ask('nonsense\r')).toContain('nonsense: no such command; help lists them');
    expect(s.ask('clear\r')).toContain('\u001b[2J\u001b[H');
  });
});

describe('the serial system', () => {
  it('runs the same way twice', () => {
    const once = (): string => {
      const s = run('ns16550a');
      s.type('hello\u001c2\rpds\r');
      s.forSeconds(2);
      return s.output() + JSON.stringify(s.testbed.counters());
    };

    expect(once()).toBe(once());
  });
});
