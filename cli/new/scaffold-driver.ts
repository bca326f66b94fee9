/**
 * `sddf new driver CLASS/NAME`: a register table, a driver that brings its device up and handles
 * its interrupt, and a test against a device of a few lines.
 */

import { type Dialect, type ScaffoldNames, unindented } from './scaffold-dialect.ts';

export function driverFiles(
  deviceClass: string,
  name: ScaffoldNames,
  dialect: Dialect,
): ReadonlyMap<string, string> {
  const folder = `drivers/${deviceClass}/${name.file}`;
  return new Map([
    [`${folder}/regs.ts`, registersText(name)],
    [`${folder}/driver.ts`, driverText(name, dialect)],
    [`${folder}/driver.test.ts`, testText(name, dialect)],
  ]);
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
    export const STATUS_RX_DONE = 1 << 0;
    export const STATUS_TX_DONE = 1 << 1;
`);
}

function driverText(name: ScaffoldNames, dialect: Dialect): string {
  return unindented(`
    /**
     * Driver of ${name.type}.
     *
     * Not modelled: (what the data sheet has and this driver does not use)
     */

    import type { DeviceRegion } from ${dialect.from('memory', 'region.ts', '../../../')};
    import type { Channel, EntryPoints, ProtectionDomain } from ${dialect.from('microkit', 'pd.ts', '../../../')};
    import {
      CONTROL,
      CONTROL_ENABLE,
      CONTROL_IRQ_ENABLE,
      ID,
      ID_VALUE,
      STATUS,
      STATUS_RX_DONE,
      STATUS_TX_DONE,
    } from './regs.ts';

    export interface ${name.type}Config {
      /** Name of the register region, as the description maps it. */
      readonly registers: string;
      /** Channel of the interrupt. */
      readonly irq: Channel;
    }

    /** Microkit's \`init\`: the steps of the data sheet's section on initialisation. */
    export function main(pd: ProtectionDomain<${name.type}Config>): EntryPoints {
      const { registers, irq } = pd.config;
      const device = pd.deviceRegion(registers);
      const id = device.read32(ID);
      if (id !== ID_VALUE) {
        pd.log(\`no ${name.file} here: it identifies itself as 0x\${id.toString(16)}\`);
        return { notified: () => undefined };
      }
      device.write32(CONTROL, CONTROL_ENABLE | CONTROL_IRQ_ENABLE);
      pd.log('${name.file}: ready');
      return {
        notified(channel) {
          if (channel !== irq) return; // a queue's channel: provide buffers here
          handleIrq(pd, device);
          pd.deferredIrqAck(irq);
        },
      };
    }

    /** What the device reports is not trusted: unknown bits are cleared and ignored. */
    function handleIrq(pd: ProtectionDomain<${name.type}Config>, device: DeviceRegion): void {
      const status = device.read32(STATUS);
      device.write32(STATUS, status);
      if ((status & STATUS_RX_DONE) !== 0) pd.log('${name.file}: received');
      if ((status & STATUS_TX_DONE) !== 0) pd.log('${name.file}: sent');
    }
`);
}

function testText(name: ScaffoldNames, dialect: Dialect): string {
  return unindented(`
    // ${name.type}: the driver against a device of a few lines. Register numbers are declared
    // again, from the data sheet.

    ${dialect.testImports}
    import { DeviceRegion } from ${dialect.from('memory', 'region.ts', '../../../')};
    import type { ProtectionDomain } from ${dialect.from('microkit', 'pd.ts', '../../../')};
    import { main, type ${name.type}Config } from './driver.ts';

    class FakeDevice {
      id = 0x5344_4446;
      control = 0;
      status = 0;

      read(offset: number): number {
        if (offset === 0) return this.id;
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
      const region = new DeviceRegion({ device, sizeBytes: 0x1000, vaddr: 0x2000_0000 });
      // The part of a protection domain that this driver uses.
      const pd: Partial<ProtectionDomain<${name.type}Config>> = {
        config: { registers: '${name.pd}', irq: 3 },
        deviceRegion: () => region,
        deferredIrqAck: (channel) => void acks.push(channel),
        log: (line) => void lines.push(line),
      };
      return { lines, acks, driver: main(pd as ProtectionDomain<${name.type}Config>) };
    }

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

        ${dialect.equal('[device.control, lines]', `[0, ['no ${name.file} here: it identifies itself as 0x1234']]`)}
      });

      it('clears what an interrupt reports, and acknowledges it', () => {
        const device = new FakeDevice();
        const { driver, lines, acks } = driverOn(device);

        device.status = 1;
        driver.notified(3);

        ${dialect.equal('[device.status, lines.at(-1), acks]', `[0, '${name.file}: received', [3]]`)}
      });
    });
`);
}
