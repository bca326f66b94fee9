// Driver, virtualisers and clients of the serial class together, on both UART models, under the
// virtual clock: sDDF's example, switching of input, colours, back-pressure, line errors and
// faults. No kernel here.

import { describe, expect, it } from 'vitest';
import { main as serialEcho } from '../../clients/serial-echo/serial-echo.ts';
import type { Program } from '../../microkit/pd.ts';
import type { SerialClientConfig } from '../../queues/serial/config.ts';
import { SerialProducer } from '../../queues/serial/queue.ts';
import { BareSerial } from '../../test/support/bare-serial.ts';
import type { BareSerialOptions, Uart } from '../../test/support/bare-serial.ts';

const SECOND = 1_000_000_000;
const GREETING = (index: number): string =>
  `Hello world! I am client${index}.\r\nPlease give me character!\r\n`;
const UARTS: readonly Uart[] = ['ns16550a', 'pl011'];
const DEVICES: readonly Uart[] = ['ns16550a', 'pl011', 'virtio'];

type Client = Program<{ serial: SerialClientConfig }>;

/** Never reads, never writes. */
const deaf: Client = () => ({ notified: () => undefined });

/** Writes a text over and over, as much as its queue takes, until `total` bytes are out. */
function writer(text: string, total: number): Client {
  return (pd) => {
    const { tx } = pd.config.serial;
    const output = new SerialProducer(pd.region(tx.queue), pd.region(tx.data), tx.capacity);
    let sent = 0;
    const work = (): void => {
      for (;;) {
        let batch = 0;
        while (sent < total && output.enqueue(text.charCodeAt(sent % text.length))) {
          sent += 1;
          batch += 1;
        }
        if (output.publish()) pd.notify(tx.channel);
        if (sent === total) return;
        output.requestSignal();
        if (output.room() === 0 && batch === 0) return;
        if (output.room() === 0) continue;
        output.cancelSignal();
      }
    };
    work();
    return { notified: work };
  };
}

function started(options: Partial<BareSerialOptions> = {}): BareSerial {
  const system = new BareSerial({ clients: [serialEcho, serialEcho], ...options });
  system.run(SECOND);
  return system;
}

describe.each(DEVICES)('the serial class on the %s', (uart) => {
  it('greets, echoes, reports after ten characters and switches input, as sDDF does', () => {
    const s = started({ uart, colour: 'on' });
    expect(s.output()).toBe(
      `Begin input\r\n\u001b[31m${GREETING(0)}\u001b[0m`.replace(
        'character!\r\n\u001b[0m',
        `character!\r\n\u001b[0m\u001b[32m${GREETING(1)}\u001b[0m`,
      ),
    );

    s.type('1234567890');
    s.run(SECOND);
    const echoed = s.output();
    expect(echoed.startsWith('\u001b[31m1\u001b[0m\u001b[31m2\u001b[0m')).toBe(true);
    expect(echoed).toContain('client0 has received 10 characters so far!');

    s.type('\u001c1\r');
    s.type('abcdefghij');
    s.run(SECOND);

    const switched = s.output();
    expect(s.virtRx.logged).toEqual(['VIRT_RX|LOG: switching to client 1']);
    expect(switched.startsWith('\u001b[32ma\u001b[0m')).toBe(true);
    expect(switched).toContain('client1 has received 10 characters so far!');
  });

  it('gives a doubled switch character as itself, and stays with the client after a bad number', () => {
    const s = started({ uart });
    s.output();
    s.type('\u001c\u001cx');
    s.type('\u001c7\ry');
    s.type('\u001cqz');
    s.type('\u001c12345\rw');
    s.run(SECOND);

    // The fifth digit ends the attempt; what follows it is input again.
    expect(s.output()).toBe('\u001cxyz\\r' + 'w');
    expect(s.counters().virtRx).toMatchObject({ switches: 0, badSwitches: 3 });
  });

  it('passes every byte both ways at once', () => {
    const s = started({ uart, rate: 'fast', clients: [serialEcho], switchCharacter: -1 });
    s.output();
    let expected = '';
    let got = '';
    for (let round = 0; round < 50; round += 1) {
      const text = Array.from({ length: 200 }, (_, index) =>
        String.fromCharCode((index * 7 + round) & 0xff),
      ).join('');
      expected += text;
      s.type(text);
      s.run(1000);
      got += s.output();
    }
    const echoed = got
      .replaceAll(/\r\nclient0 has received \d+ characters so far!\r\n/g, '')
      .replaceAll('\\r', '\r');

    expect(echoed).toBe(expected);
    expect(s.lint.total).toBe(0);
  });

  it('never tears output and loses none when everybody has too much', () => {
    const totals = [30_000, 20_000, 10_000];
    const texts = ['aaaaaaaaab', 'cccccccccd', 'eeeeeeeeef'];
    const s = new BareSerial({
      uart,
      rate: 'fast',
      colour: 'on',
      dataBytes: 1024,
      outputBytes: 256,
      beginString: '',
      clients: texts.map((text, index) => writer(text, totals[index] as number)),
    });
    let all = '';
    for (let round = 0; round < 2000; round += 1) {
      s.run(1000);
      all += s.output();
    }
    const pieces = all.split('\u001b[0m').slice(0, -1);

    for (const [index, text] of texts.entries()) {
      const begin = `\u001b[${31 + index}m`;
      const mine = pieces.filter((piece) => piece.startsWith(begin));
      const joined = mine.map((piece) => piece.slice(begin.length)).join('');
      expect(joined).toBe(text.repeat((totals[index] as number) / text.length));
    }
    const colours = ['\u001b[31m', '\u001b[32m', '\u001b[33m'];
    expect(pieces.every((piece) => colours.includes(piece.slice(0, 5)))).toBe(true);
    expect(pieces.every((piece) => /^[a-f]+$/.test(piece.slice(5)))).toBe(true);
    expect(s.counters().virtTx.clientsMadeToWait).toBeGreaterThan(0);
  });

  it('drops the newest for a client that does not read, counts it, and serves the others', () => {
    const s = started({ uart, clients: [deaf, serialEcho], dataBytes: 1024 });
    s.output();
    s.type('x'.repeat(5000));
    s.run(2 * SECOND);
    expect(s.counters().virtRx).toMatchObject({ bytes: 1024, droppedClientFull: 5000 - 1024 });
    s.type('\u001c1\rhello');
    s.run(SECOND);

    expect(s.output()).toBe('hello');
    expect(s.counters().driver).toMatchObject({ overruns: 0, rxDroppedFull: 0 });
  });
});

describe.each(UARTS)('a line on the %s', (uart) => {
  it('sends at the line’s rate, within one per cent', () => {
    const s = new BareSerial({ uart, clients: [writer('abc', 40_000)], beginString: '' });
    s.run(2 * SECOND);
    const bytes = s.line.counters.characters;

    // 115,200 bit/s at the NS16550A; the PL011's fractional divider gives 115,246.
    expect(bytes).toBeGreaterThan(23_040 * 0.99);
    expect(bytes).toBeLessThan(23_040 * 1.01);
  });

  it('drops and counts characters with errors, and a break is no data', () => {
    const s = started({ uart });
    s.output();
    s.type('a');
    for (const character of [0x162, 0x263]) s.line.sendCharacter(character);
    s.type('d');
    s.run(SECOND);
    s.line.sendBreak('space');
    s.run(SECOND);
    s.line.sendBreak('mark');
    s.type('e');
    s.run(SECOND);

    expect(s.output()).toBe('ade');
    expect(s.counters().driver).toMatchObject({ framingErrors: 1, parityErrors: 1, breaks: 1 });
  });

  it('survives a storm of breaks and a mismatch of formats', () => {
    const s = started({ uart });
    s.output();
    for (let index = 0; index < 500; index += 1) {
      s.line.sendBreak('space');
      s.run(300_000);
      s.line.sendBreak('mark');
      s.run(50_000);
    }
    s.line.setFarFormat({ baud: 57_600, dataBits: 8, parity: 'none', stopBits: 1 });
    s.type('garbage garbage garbage');
    s.run(SECOND);
    s.line.setFarFormat(undefined);
    s.run(SECOND);
    s.output();
    s.type('okok');
    s.run(SECOND);

    expect(s.output()).toContain('ok');
    expect(s.counters().driver.breaks).toBeGreaterThanOrEqual(500);
    expect(s.counters().driver.framingErrors).toBeGreaterThan(0);
  });

  it('with CTS stuck low holds the clients back and goes on receiving', () => {
    const s = new BareSerial({
      uart,
      flow: 'rtscts',
      dataBytes: 1024,
      clients: [writer('x', 100_000), deaf],
      beginString: '',
    });
    s.run(SECOND / 10);
    s.line.setInputs(0);
    s.run(SECOND);
    const stuckAt = s.line.counters.characters;
    s.run(SECOND);
    expect(s.line.counters.characters).toBe(stuckAt);
    s.type('\u001c1\rstill heard');
    s.run(SECOND);
    expect(s.counters().virtRx.bytes).toBe('still heard'.length);

    s.line.setInputs(1);
    s.run(SECOND);

    expect(s.line.counters.characters).toBeGreaterThan(stuckAt + 11_000);
  });

  it('recovers from interrupts that were lost, without losing a character', () => {
    const s = started({ uart });
    s.output();
    s.loseInterrupts('on');
    s.type('x');
    s.run(SECOND / 100);
    expect(s.output()).toBe('');
    s.loseInterrupts('off');
    s.type('y');
    s.run(SECOND);

    expect(s.output()).toBe('xy');
  });

  it('takes a burst of noise on an idle line for nothing, or for garbage, and goes on', () => {
    const s = started({ uart });
    s.output();
    for (let index = 0; index < 100; index += 1) {
      s.line.sendBreak('space');
      s.run(2000);
      s.line.sendBreak('mark');
      s.run(150_000);
    }
    s.type('ok');
    s.run(SECOND);

    expect(s.output()).toBe('ok');
  });
});

describe('a hostile client', () => {
  it('that scribbles over its own queues and data harms only itself', () => {
    let seed = 12345;
    const random = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8;
    const hostile: Client = (pd) => {
      const { tx, rx } = pd.config.serial;
      const scribble = (): void => {
        for (const link of [tx, rx ?? tx]) {
          const queue = pd.region(link.queue);
          for (const offset of [0, 4, 8]) queue.write32(offset, random() * 257);
          pd.region(link.data).write8(random() % link.capacity, random() & 0xff);
        }
        pd.notify(tx.channel);
      };
      scribble();
      return { notified: scribble };
    };
    const s = started({ clients: [hostile, serialEcho], rate: 'fast' });
    const one = s.clients[0];
    for (let round = 0; round < 2000; round += 1) {
      one?.raise(1);
      s.run(100);
      s.output();
    }
    s.type('\u001c1\r');
    s.run(SECOND);
    s.output();
    s.type('alive');
    s.run(SECOND);

    expect(s.output().replaceAll(/[^a-z]/g, '')).toContain('alive');
    expect(s.counters().virtTx.queueLies).toBeGreaterThan(100);
  });
});
