/**
 * `sddf new driver CLASS/NAME`: a device's model, its registers, a driver, the queue between driver
 * and client, a client, and a system that runs them and prints something at once; with
 * `--virtualiser`, two clients share the device. A test of the driver alone, and one of the system.
 */

import {
  type Dialect,
  type DriverScaffold,
  type ScaffoldNames,
  unindented,
} from './scaffold-dialect.ts';
import { driverSystemFiles } from './scaffold-driver-system.ts';

export function driverFiles(scaffold: DriverScaffold): ReadonlyMap<string, string> {
  const { deviceClass, name, dialect } = scaffold;
  const folder = `drivers/${deviceClass}/${name.file}`;
  return new Map([
    [`board/${deviceClass}/${name.file}.ts`, modelText(name, dialect)],
    [`queues/${deviceClass}/${name.file}.ts`, queueText(name, dialect)],
    [`${folder}/regs.ts`, registersText(name)],
    [`${folder}/driver.ts`, driverText(scaffold)],
    [`${folder}/driver.test.ts`, testText(scaffold)],
    ...driverSystemFiles(scaffold),
  ]);
}

function modelText(name: ScaffoldNames, dialect: Dialect): string {
  const device = dialect.from('board', 'device.ts', '../../');
  return (
    unindented(`
    /**
     * ${name.type}: it has a sample every millisecond, and says so by its interrupt. The registers
     * are an invention: put your chip's data sheet in their place.
     *
     * Not modelled: (what the data sheet has and this model does not)
     */

    import type { Board } from ${dialect.from('board', 'board.ts', '../../')};
    import type { Clock } from ${dialect.from('board', 'clock.ts', '../../')};
    import type { Device, IrqLine } from ${device};

    /** Where it lies on the board: a free page, and a free interrupt. */
    export const ${name.constant}_PLACE = { base: 0x1004_0000, sizeBytes: 0x1000, irq: 14 };

    const ID = 0x5344_4446;
    const ENABLED = 1 << 0;
    const IRQ_ENABLED = 1 << 1;
    const HAS_SAMPLE = 1 << 0;
    const PERIOD_NS = 1_000_000;

`) + modelClassText(name)
  );
}

function modelClassText(name: ScaffoldNames): string {
  return (
    unindented(`
    export class ${name.type} implements Device {
      readonly #clock: Clock;
      readonly #irqLine: IrqLine;
      readonly #tick = { fire: () => this.#measure() };
      #control = 0;
      #status = 0;
      #sample = 0;

      constructor(clock: Clock, irqLine: IrqLine) {
        this.#clock = clock;
        this.#irqLine = irqLine;
      }

      read(offset: number): number {
        switch (offset) {
          case 0x00:
            return ID;
          case 0x04:
            return this.#control;
          case 0x08:
            return this.#status;
          case 0x0c:
            return this.#sample;
          default:
            return 0;
        }
      }

      write(offset: number, value: number): void {
        if (offset === 0x04) {
          this.#control = value;
          if ((value & ENABLED) !== 0) this.#schedule();
          else this.#clock.cancel(this.#tick);
        }
        // Writing ones clears them, and lowers the interrupt.
        if (offset === 0x08) this.#status &= ~value;
        this.#updateLine();
      }

`) + modelRestText(name)
  );
}

function modelRestText(name: ScaffoldNames): string {
  return unindented(`
      reset(): void {
        this.#clock.cancel(this.#tick);
        this.#control = 0;
        this.#status = 0;
        this.#sample = 0;
        this.#irqLine.lower();
      }

      snapshot(): Record<string, unknown> {
        return { control: this.#control, status: this.#status, sample: this.#sample };
      }

      #measure(): void {
        this.#sample += 1;
        this.#status |= HAS_SAMPLE;
        this.#updateLine();
        this.#schedule();
      }

      #updateLine(): void {
        const isRaised = this.#status !== 0 && (this.#control & IRQ_ENABLED) !== 0;
        if (isRaised) this.#irqLine.raise();
        else this.#irqLine.lower();
      }

      #schedule(): void {
        this.#clock.schedule(this.#tick, this.#clock.now() + PERIOD_NS);
      }
    }

    export function attach${name.type}(board: Board): void {
      const irqLine = board.irqLine(${name.constant}_PLACE.irq);
      board.attach('${name.pd}', ${name.constant}_PLACE, new ${name.type}(board.clock, irqLine));
    }
`);
}

function queueText(name: ScaffoldNames, dialect: Dialect): string {
  return unindented(`
    /** What ${name.type}'s driver and whoever is behind it agree on: samples, in a ring. */

    import { struct } from ${dialect.from('memory', 'struct.ts', '../../')};
    import { createQueue } from ${dialect.from('queues', 'generic/queue.ts', '../../')};

    export const ${name.variable}Samples = createQueue({
      name: '${name.pd} samples',
      entry: struct(8, { sample: 'u32', flags: 'u32' }),
      /** A power of two; both ends have it from here. */
      capacity: 64,
    });
`);
}

function registersText(name: ScaffoldNames): string {
  return unindented(`
    /**
     * Registers of ${name.type}. 32-bit accesses only.
     *
     * Source: (the data sheet: title, document number, revision, page of each group of registers)
     */

    /** Reads as {@link ID_VALUE}. */
    export const ID = 0x00;
    export const ID_VALUE = 0x5344_4446;

    export const CONTROL = 0x04;
    export const CONTROL_ENABLE = 1 << 0;
    export const CONTROL_IRQ_ENABLE = 1 << 1;

    /** Why the device has interrupted; writing ones clears them. */
    export const STATUS = 0x08;
    export const STATUS_SAMPLE = 1 << 0;

    export const SAMPLE = 0x0c;
`);
}

function driverText({ deviceClass, name, dialect }: DriverScaffold): string {
  const pd = dialect.from('microkit', 'pd.ts', '../../../');
  const counters = dialect.from('queues', 'counters.ts', '../../../');
  return (
    unindented(`
    /**
     * Driver of ${name.type}.
     *
     * Not modelled: (what the data sheet has and this driver does not use)
     */

    import type { Channel, EntryPoints, ProtectionDomain } from ${pd};
    import { counterNames, Counters } from ${counters};
    import { ${name.variable}Samples } from '../../../queues/${deviceClass}/${name.file}.ts';
    import {
      CONTROL,
      CONTROL_ENABLE,
      CONTROL_IRQ_ENABLE,
      ID,
      ID_VALUE,
      SAMPLE,
      STATUS,
      STATUS_SAMPLE,
    } from './regs.ts';

    export interface ${name.type}Config {
      /** Names of regions, as the description maps them: the registers, and the queue. */
      readonly registers: string;
      readonly samples: string;
      /** Channel of the interrupt. */
      readonly irq: Channel;
      /** Channel of whoever takes the samples. */
      readonly peer: Channel;
    }

    const COUNT = counterNames('samples', 'droppedFull', 'spuriousInterrupts');

`) + driverMainText(name)
  );
}

function driverMainText(name: ScaffoldNames): string {
  return unindented(`
    /** Microkit's \`init\`: the steps of the data sheet's section on initialisation. */
    export function main(pd: ProtectionDomain<${name.type}Config>): EntryPoints {
      const { registers, samples, irq, peer } = pd.config;
      const device = pd.deviceRegion(registers);
      const id = device.read32(ID);
      if (id !== ID_VALUE) {
        pd.log(\`no ${name.file} here: it identifies itself as 0x\${id.toString(16)}\`);
        return { notified: () => undefined };
      }
      const out = ${name.variable}Samples.producer(pd.region(samples));
      const counters = new Counters(COUNT);
      device.write32(CONTROL, CONTROL_ENABLE | CONTROL_IRQ_ENABLE);
      pd.log('${name.file}: ready');

      /** What the device reports is not trusted: unknown bits are cleared and ignored. */
      function handleIrq(): void {
        const status = device.read32(STATUS);
        device.write32(STATUS, status);
        if ((status & STATUS_SAMPLE) === 0) {
          counters.add(COUNT.spuriousInterrupts, 1);
          return;
        }
        const isTaken = out.enqueue({ sample: device.read32(SAMPLE), flags: 0 });
        counters.add(isTaken ? COUNT.samples : COUNT.droppedFull, 1);
        if (out.publish()) pd.notify(peer);
      }

      return {
        notified(channel) {
          if (channel !== irq) return; // the peer's: it may have made room
          handleIrq();
          pd.deferredIrqAck(irq);
        },
        counters,
      };
    }
`);
}

function testText({ deviceClass, name, dialect }: DriverScaffold): string {
  return (
    unindented(`
    // ${name.type}: the driver against a device of a few lines. Register numbers are declared
    // again, from the data sheet.

    ${dialect.testImports}
    import { Ram } from ${dialect.from('memory', 'ram.ts', '../../../')};
    import { DeviceRegion, Region } from ${dialect.from('memory', 'region.ts', '../../../')};
    import type { ProtectionDomain } from ${dialect.from('microkit', 'pd.ts', '../../../')};
    import { ${name.variable}Samples } from '../../../queues/${deviceClass}/${name.file}.ts';
    import { main, type ${name.type}Config } from './driver.ts';

    class FakeDevice {
      id = 0x5344_4446;
      control = 0;
      status = 0;

      read(offset: number): number {
        if (offset === 0) return this.id;
        if (offset === 12) return 42;
        return offset === 4 ? this.control : this.status;
      }

      write(offset: number, value: number): void {
        if (offset === 4) this.control = value;
        if (offset === 8) this.status &= ~value;
      }
    }

    function driverOn(device: FakeDevice) {
      const lines: string[] = [];
      const acks: number[] = [];
      const registers = new DeviceRegion({ device, sizeBytes: 0x1000, vaddr: 0x2000_0000 });
      const ram = new Ram({ sizeBytes: 0x1_0000 });
      const samples = new Region({ ram, at: 0x1000, sizeBytes: 0x1000, vaddr: 0x2000_1000 });
      // The part of a protection domain that this driver uses.
      const pd: Partial<ProtectionDomain<${name.type}Config>> = {
        config: { registers: '${name.pd}', samples: 'samples', irq: 3, peer: 4 },
        deviceRegion: () => registers,
        region: () => samples,
        deferredIrqAck: (channel) => void acks.push(channel),
        notify: (channel) => void acks.push(channel),
        log: (line) => void lines.push(line),
      };
      const driver = main(pd as ProtectionDomain<${name.type}Config>);
      return { lines, acks, driver, taken: ${name.variable}Samples.consumer(samples) };
    }

`) + testCasesText(name, dialect)
  );
}

function testCasesText(name: ScaffoldNames, dialect: Dialect): string {
  return unindented(`
    describe('the ${name.file} driver', () => {
      it('enables a device that it knows', () => {
        const device = new FakeDevice();
        const { lines } = driverOn(device);

        ${dialect.equal('[device.control, lines]', `[3, ['${name.file}: ready']]`)}
      });

      it('leaves another device alone', () => {
        const device = new FakeDevice();
        device.id = 0x1234;
        const { lines } = driverOn(device);

        const [line] = lines;
        ${dialect.equal('line', `'no ${name.file} here: it identifies itself as 0x1234'`)}
        ${dialect.equal('device.control', '0')}
      });

      it('passes a sample on, notifies, and acknowledges the interrupt', () => {
        const device = new FakeDevice();
        const { driver, taken, acks } = driverOn(device);

        device.status = 1;
        driver.notified(3);

        const found = [device.status, taken.dequeue()?.sample, acks];
        ${dialect.equal('found', `[0, 42, [4, 3]]`)}
      });
    });
`);
}
