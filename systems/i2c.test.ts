// The i2c class on the kernel: the shipped system, and buses, clients and targets that misbehave.
// Programs of the tests take the clients' places; the bus is the test's to break.

import { describe, expect, it } from 'vitest';
import type { I2cBus, I2cTarget } from '../board/i2c/i2c-bus.ts';
import { ScriptedTarget } from '../board/i2c/scripted-target.ts';
import { SerialLine } from '../board/uart/serial-line.ts';
import { Random } from '../board/random.ts';
import {
  I2cBusClient,
  type I2cOperation,
  type I2cResult,
  read,
  write,
  writeRead,
} from '../queues/i2c/client.ts';
import { main as i2cDriver } from '../drivers/i2c/opentitan/driver.ts';
import { system } from '../microkit/builder.ts';
import type { Program, ProtectionDomain } from '../microkit/pd.ts';
import { i2c } from '../microkit/sddf/i2c.ts';
import type { I2cClientConfig } from '../queues/i2c/config.ts';
import { I2C_HEADER, I2C_REPEATED_START } from '../queues/i2c/layout.ts';
import { I2cRequestProducer } from '../queues/i2c/queues.ts';
import { main as i2cVirt } from '../virtualisers/i2c/virt.ts';
import { attachI2c, I2C_MORE_IRQS, i2cDevice } from './i2c-devices.ts';
import { i2cSystem } from './i2c.ts';
import { completeChoices } from './system.ts';
import { createTestbed } from './testbed.ts';

const MS = 1_000_000;
const TARGET = 0x20;

type Pd = ProtectionDomain<{ readonly i2c: I2cClientConfig }>;
/** What a client of a test does; what it returns is called on each notification. */
type Client = (pd: Pd, bus: I2cBusClient) => (() => void) | undefined | void;

function bed(targets: readonly I2cTarget[], ...clients: readonly Client[]) {
  const sys = system({ name: 'i2c-test' });
  const driver = sys.pd('i2c_driver', { program: i2cDriver, priority: 200 });
  const virt = sys.pd('i2c_virt', { program: i2cVirt, priority: 199 });
  const bus = i2c(sys, { device: i2cDevice, moreIrqs: I2C_MORE_IRQS, driver, virt });
  for (const [index, client] of clients.entries()) {
    const program: Program<{ readonly i2c: I2cClientConfig }> = (pd) => {
      const own = new I2cBusClient(pd, pd.config.i2c);
      const notified = client(pd, own) ?? (() => own.notified());
      return { notified: () => notified() };
    };
    bus.addClient(sys.pd(`client${index}`, { program: program as Program, priority: 1 }));
  }
  const built = sys.build();
  if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('; '));
  const lines: string[] = [];
  const made: { bus?: I2cBus } = {};
  const testbed = createTestbed({
    system: built.system,
    clock: 'virtual',
    counters: {},
    attachDevices: (board) => void (made.bus = attachI2c(board, targets)),
    observer: {
      log: (pd, text) => {
        if (pd !== 'monitor') lines.push(`${pd}: ${text}`);
      },
    },
  });
  const counted = (pd: string): Readonly<Record<string, number>> =>
    testbed.counters().programs[pd] ?? {};
  const { bus: wires } = made;
  if (wires === undefined) throw new Error('the bus is there');
  return { testbed, lines, bus: wires, counted };
}

/** Sends these one after another, and says how each ended. */
function sends(address: number, ...transactions: readonly (readonly I2cOperation[])[]): Client {
  return (pd, bus) => {
    if (!bus.claim(address)) return pd.log('refused');
    const next = (index: number): void => {
      const operations = transactions[index];
      if (operations === undefined) return;
      bus.submit(address, operations, ({ error, command, reads }) => {
        const bytes = reads.map((each) => Array.from(each).join(' ')).join(', ');
        pd.log(`${index}: error ${error}, command ${command}, read ${bytes}`);
        next(index + 1);
      });
    };
    next(0);
  };
}

describe('the shipped system', () => {
  it('prints the time once a second, and what lies across a page', () => {
    const built = i2cSystem.build(completeChoices(i2cSystem, {}));
    if (!built.ok) throw new Error(built.errors.map(({ message }) => message).join('; '));
    const lines: string[] = [];
    const testbed = createTestbed({
      system: built.system,
      clock: 'virtual',
      counters: i2cSystem.counters ?? {},
      wires: ({ board }) => ({
        serial: { wire: new SerialLine({ clock: board.clock, rate: 'real' }), uart: 'ns16550a' },
      }),
      observer: { log: (pd, text) => lines.push(`${pd}: ${text}`) },
    });

    testbed.runUntil(1100 * MS);

    expect(lines.filter((line) => line.startsWith('clock'))).toEqual([
      'clock: 2024-01-01 00:00:00',
      'clock: 2024-01-01 00:00:01',
    ]);
    expect(lines.join('\n')).toMatch(/eeprom: read back 'written across the end of a page' after/);
  });
});

describe('a transaction', () => {
  it('is what was asked for, on the wire', () => {
    const target = new ScriptedTarget({ address: TARGET, answer: (n) => 100 + n });
    const { testbed, lines } = bed(
      [target],
      sends(
        TARGET,
        [write(1, 2, 3)],
        [writeRead(9, 2)],
        [write(5), read(1)],
        [write()],
        [write(...Array.from({ length: 200 }, (_, index) => index))],
        [read(200)],
      ),
    );
    testbed.runUntilQuiet();

    expect(target.seen.slice(0, 14)).toEqual([
      ...['start write', 1, 2, 3, 'stop'],
      ...['start write', 9, 'start read', 'stop'],
      ...['start write', 5, 'start read', 'stop'],
      ...['start write'],
    ]);
    expect(target.seen.slice(15, 217)).toEqual([
      'start write',
      ...Array.from({ length: 200 }, (_, index) => index),
      'stop',
    ]);
    const long = Array.from({ length: 200 }, (_, index) => (100 + index) & 0xff).join(' ');
    expect(lines).toEqual([
      'client0: 0: error 0, command 0, read ',
      'client0: 1: error 0, command 0, read 100 101',
      'client0: 2: error 0, command 0, read 100',
      'client0: 3: error 0, command 0, read ',
      'client0: 4: error 0, command 0, read ',
      `client0: 5: error 0, command 0, read ${long}`,
    ]);
  });

  it('longer than the target takes fails at the command that it refused', () => {
    const target = new ScriptedTarget({ address: TARGET, acknowledge: (n) => n < 3 });
    const { testbed, lines, counted } = bed(
      [target],
      sends(TARGET, [write(1), write(1, 2, 3, 4)], [write(1, 2)]),
    );
    testbed.runUntilQuiet();

    expect(lines).toEqual([
      'client0: 0: error 5, command 2, read ',
      'client0: 1: error 0, command 0, read ',
    ]);
    expect(counted('i2c_driver')['notAcknowledged']).toBe(1);
    // What was still in the FIFO has not reached the target.
    expect(target.seen.slice(0, 8)).toEqual([
      'start write',
      1,
      'start write',
      1,
      2,
      3,
      'stop',
      'start write',
    ]);
  });

  it('for an address where nobody is, is not acknowledged', () => {
    const { testbed, lines } = bed([], sends(TARGET, [writeRead(0, 4)]));
    testbed.runUntilQuiet();
    expect(lines).toEqual(['client0: 0: error 5, command 1, read ']);
  });
});

describe('a bus that hangs', () => {
  it('with SDA low is freed by nine clocks', () => {
    const { testbed, lines, bus, counted } = bed(
      [new ScriptedTarget({ address: TARGET })],
      (pd, own) => {
        own.claim(TARGET);
        own.submit(TARGET, [write(1)], ({ error }) => {
          pd.log(`error ${error}`);
          own.submit(TARGET, [write(1)], (result) => pd.log(`then ${result.error}`));
        });
      },
    );
    bus.holdSda(9);
    testbed.runUntilQuiet();

    expect(lines).toEqual(['client0: error 8', 'client0: then 0']);
    expect(counted('i2c_driver')).toMatchObject({ disturbed: 1, busCleared: 1, busStuck: 0 });
  });

  it('with SDA low for good is given up with a count, each time', () => {
    const { testbed, lines, bus, counted } = bed(
      [new ScriptedTarget({ address: TARGET })],
      sends(TARGET, [write(1)], [write(2)]),
    );
    bus.holdSda(Infinity);
    testbed.runUntilQuiet();

    expect(lines).toEqual([
      'client0: 0: error 8, command 1, read ',
      'client0: 1: error 8, command 1, read ',
    ]);
    expect(counted('i2c_driver')).toMatchObject({ disturbed: 2, busCleared: 0, busStuck: 2 });
  });

  it('with SCL low is a timeout after 25 ms, and works when it is let go', () => {
    const { testbed, lines, bus } = bed(
      [new ScriptedTarget({ address: TARGET })],
      sends(TARGET, [write(1)], [write(2)]),
    );
    bus.holdScl(Infinity);
    testbed.runUntil(30 * MS);
    expect(lines).toEqual(['client0: 0: error 4, command 1, read ']);
    bus.holdScl(0);
    testbed.runUntil(31 * MS);
    expect(lines.at(-1)).toBe('client0: 1: error 0, command 0, read ');
  });

  it('loses a byte to another controller: that transaction fails, the next one does not', () => {
    const { testbed, lines, bus } = bed(
      [new ScriptedTarget({ address: TARGET })],
      sends(TARGET, [write(1)], [write(2)]),
    );
    bus.collide(1);
    testbed.runUntilQuiet();
    expect(lines).toEqual([
      'client0: 0: error 8, command 1, read ',
      'client0: 1: error 0, command 0, read ',
    ]);
  });
});

describe('clients', () => {
  it('cannot have one address both, and reach only what they have claimed', () => {
    const target = new ScriptedTarget({ address: TARGET });
    const uses: Client = (pd, own) => {
      pd.log(`claim ${own.claim(TARGET)}, of none ${own.claim(0x80)}, release ${own.release(7)}`);
      own.submit(TARGET, [write(1)], ({ error }) => pd.log(`error ${error}`));
    };
    const { testbed, lines, counted } = bed([target], uses, uses);
    testbed.runUntilQuiet();

    // Of equals, the one that was made last runs first.
    expect(lines.filter((line) => line.startsWith('client1'))).toEqual([
      'client1: claim true, of none false, release false',
      'client1: error 0',
    ]);
    expect(lines.filter((line) => line.startsWith('client0'))).toEqual([
      'client0: claim false, of none false, release false',
      'client0: error 3',
    ]);
    expect(target.seen).toEqual(['start write', 1, 'stop']);
    expect(counted('i2c_virt')).toMatchObject({ claims: 1, claimsRefused: 5, refusedAddress: 1 });
  });

  it('claim again what they have: who was restarted does not know', () => {
    const { testbed, lines } = bed([], (pd, own) => {
      pd.log(`${own.claim(TARGET)}, ${own.claim(TARGET)}`);
      pd.log(`${own.release(TARGET)}, ${own.release(TARGET)}`);
    });
    testbed.runUntilQuiet();

    expect(lines).toEqual(['client0: true, true', 'client0: true, false']);
  });

  it('have their answers in order: a refusal does not overtake what is on the bus', () => {
    const target = new ScriptedTarget({ address: TARGET, answer: () => 7 });
    const { testbed, lines, counted } = bed([target], (pd, own) => {
      own.claim(TARGET);
      const say =
        (what: string) =>
        ({ error, reads }: I2cResult): void =>
          pd.log(`${what}: error ${error}, read ${reads.map(String).join()}`);
      own.submit(TARGET, [read(1)], say('first'));
      own.submit(0x21, [read(1)], say('second'));
      own.release(TARGET);
      own.submit(TARGET, [read(1)], say('third'));
    });
    testbed.runUntilQuiet();

    expect(lines).toEqual([
      'client0: first: error 0, read 7',
      'client0: second: error 3, read ',
      'client0: third: error 3, read ',
    ]);
    expect(counted('i2c_virt')).toMatchObject({ transactions: 1, refusedAddress: 2, failed: 2 });
  });

  it('take turns: one with many transactions ahead does not keep another waiting', () => {
    const order: string[] = [];
    const many: Client = (_pd, own) => {
      own.claim(0x21);
      for (let index = 0; index < 12; index += 1) {
        own.submit(0x21, [write(index)], () => order.push('many'));
      }
    };
    const one: Client = (_pd, own) => {
      own.claim(0x22);
      own.submit(0x22, [write(1)], () => order.push('one'));
    };
    const targets = [0x21, 0x22].map((address) => new ScriptedTarget({ address }));
    const { testbed } = bed(targets, many, one);
    testbed.runUntilQuiet();

    expect(order.length).toBe(13);
    expect(order.indexOf('one')).toBeLessThan(7);
  });

  it('that never collect their answers lose them, counted, and nobody else anything', () => {
    let isDone = false;
    const deaf: Client = (pd, own) => {
      own.claim(0x21);
      const requests = new I2cRequestProducer(pd.region(pd.config.i2c.virt.requestQueue));
      const { vaddr } = pd.region(pd.config.i2c.data.region);
      // Past the class's library: it collects. Each wake-up sends more.
      const flood = (): void => {
        while (requests.free() > 2) {
          requests.header(1, 0x21);
          requests.command({ payload: vaddr, length: 1, flags: 0 });
          requests.publish();
        }
        pd.notify(pd.config.i2c.virt.channel);
      };
      flood();
      return flood;
    };
    const targets = [0x21, TARGET].map((address) => new ScriptedTarget({ address }));
    const { testbed, counted } = bed(targets, deaf, (_pd, own) => {
      own.claim(TARGET);
      const again = (left: number): void => {
        own.submit(TARGET, [write(left)], () => {
          if (left > 0) again(left - 1);
          else isDone = true;
        });
      };
      again(20);
    });
    testbed.runUntil(50 * MS);

    expect(isDone).toBe(true);
    expect(counted('i2c_virt')['answersDropped']).toBeGreaterThan(0);
  });

  it('send what is malformed, and are told which command it was', () => {
    const raw: Client = (pd, own) => {
      own.claim(TARGET);
      const { virt, data } = pd.config.i2c;
      const requests = new I2cRequestProducer(pd.region(virt.requestQueue));
      const { vaddr, sizeBytes } = pd.region(data.region);
      const good = { payload: vaddr, length: 1, flags: 0 };
      const send = (count: number, ...commands: readonly (typeof good)[]): void => {
        requests.header(count, TARGET);
        for (const command of commands) requests.command(command);
        requests.publish();
      };
      send(0);
      send(1, { ...good, payload: vaddr - 1 });
      send(2, good, { ...good, payload: vaddr + sizeBytes });
      send(1, { ...good, payload: 2 ** 53 });
      send(2, good, { ...good, flags: I2C_REPEATED_START | 2 });
      send(1, { ...good, flags: 0x80 });
      send(2, good, { ...good, flags: I2C_HEADER });
      // No bytes, behind the last one: nothing is asked for that is not there.
      send(1, { ...good, payload: vaddr + sizeBytes, length: 0 });
      send(1, good);
      send(9, good);
      const region = pd.region(virt.responseQueue);
      let seen = 0;
      const collect = (): void => {
        for (; seen < region.read32(0); seen += 1) {
          pd.log(
            `error ${region.read32(8 + 16 * seen + 12)}, command ${region.read32(8 + 16 * seen)}`,
          );
        }
        region.write32(4, seen);
      };
      pd.notify(virt.channel);
      return collect;
    };
    const { testbed, lines, counted } = bed([new ScriptedTarget({ address: TARGET })], raw);
    testbed.runUntilQuiet();

    expect(lines.map((line) => line.replace('client0: ', ''))).toEqual([
      'error 2, command 0',
      'error 1, command 1',
      'error 1, command 2',
      'error 1, command 1',
      'error 1, command 2',
      'error 1, command 1',
      'error 1, command 2',
      'error 0, command 0',
      'error 0, command 0',
      'error 1, command 0',
    ]);
    expect(counted('i2c_virt')).toMatchObject({ transactions: 2, strayCommands: 1 });
    expect(counted('i2c_driver')).toMatchObject({ malformed: 0 });
  });

  it('that write random bytes over their queues and data cost nobody but themselves', () => {
    const SEEDS = Number(process.env['SDDF_I2C_SEEDS'] ?? 3);
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const random = new Random(seed);
      let done = 0;
      const hostile: Client = (pd, own) => {
        const { virt, data } = pd.config.i2c;
        const regions = [virt.requestQueue, virt.responseQueue, data.region];
        own.claim(0x21);
        const scribble = (): void => {
          for (let writes = 0; writes < 20; writes += 1) {
            const region = pd.region(regions[random.below(3)] as string);
            const within = random.below(2) === 0 ? 64 : region.sizeBytes;
            region.write8(random.below(within), random.below(256));
          }
          pd.notify(virt.channel);
        };
        scribble();
        return scribble;
      };
      const targets = [0x21, TARGET].map((address) => new ScriptedTarget({ address }));
      const { testbed, lines } = bed(targets, hostile, (pd, own) => {
        own.claim(TARGET);
        const again = (left: number): void => {
          own.submit(TARGET, [write(left), read(3)], ({ error }) => {
            done += 1;
            if (error !== 0) pd.log(`error ${error}`);
            if (left > 1) again(left - 1);
          });
        };
        again(50);
      });
      testbed.runUntil(100 * MS);

      expect({ seed, done, lines }).toEqual({ seed, done: 50, lines: [] });
    }
  });
});
