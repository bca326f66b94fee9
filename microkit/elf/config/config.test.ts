// Goal: every structure has its fields where sDDF's headers have them, and what a record cannot say
// is a problem with its place. Method: offsets are typed here a second time, from the headers; one
// marked byte at a time is found by its name.

import { describe, expect, it } from 'vitest';
import type { PdDescription, SystemDescription } from '../../model.ts';
import { readSystemText } from '../../read/text.ts';
import { RISCV64 } from '../../target.ts';
import { field, record, u16, u32, u64, u8 } from '../../../memory/c-layout.ts';
import type { ConfigSection, EncodedSection } from './section.ts';
import { CONFIG_SECTIONS, configSectionsNamed, configurationOf } from './table.ts';

/**
 * Section, size, class, and bytes with the field that they belong to. Counts are set to 64, so that
 * all slots are shown.
 */
const LAYOUTS: readonly (readonly [
  string,
  number,
  number | null,
  Readonly<Record<string, number>>,
  Readonly<Record<string, number>>,
])[] = [
  [
    '.device_resources',
    1608,
    1,
    { 5: 64, 6: 64 },
    { 'regions.0.region.vaddr': 8, 'regions.63.ioAddr': 1536, 'irqs.0': 1544, 'irqs.63': 1607 },
  ],
  [
    '.net_driver_config',
    88,
    5,
    {},
    {
      'virtRx.freeQueue.vaddr': 8,
      'virtRx.freeQueue.size': 16,
      'virtRx.activeQueue.vaddr': 24,
      'virtRx.numBuffers': 40,
      'virtRx.id': 42,
      'virtTx.freeQueue.vaddr': 48,
      'virtTx.id': 82,
    },
  ],
  [
    '.net_virt_rx_config',
    27_744,
    5,
    { 27736: 64, 512: 64, 27728: 64 },
    {
      'driver.id': 42,
      'data.region.vaddr': 48,
      'data.ioAddr': 64,
      'bufferMetadata.vaddr': 72,
      'clients.0.conn.freeQueue.vaddr': 88,
      'clients.0.macs.0.0': 128,
      'clients.63.conn.id': 27_338,
    },
  ],
  [
    '.net_virt_tx_config',
    134_200,
    5,
    { 134192: 64, 2136: 64, 134184: 64 },
    {
      'driver.freeQueue.vaddr': 8,
      'clients.0.data.0.data.ioAddr': 104,
      'clients.0.data.0.numBuffers': 112,
      'clients.63.conn.id': 132_130,
      'clients.63.data.63.numBuffers': 134_176,
    },
  ],
  [
    '.net_copy_config',
    1128,
    5,
    {},
    {
      'rx.id': 42,
      'rxData.0.vaddr': 48,
      'rxData.63.size': 1064,
      'client.id': 1106,
      'clientData.vaddr': 1112,
    },
  ],
  [
    '.net_client_config',
    128,
    5,
    {},
    {
      'rx.id': 42,
      'rxData.vaddr': 48,
      'tx.freeQueue.vaddr': 64,
      'txData.size': 112,
      'mac.0': 120,
      'mac.5': 125,
    },
  ],
  [
    '.net_vswitch_config',
    7200,
    5,
    { 7176: 64 },
    {
      'ports.0.rx.freeQueue.vaddr': 8,
      'ports.0.tx.freeQueue.vaddr': 48,
      'ports.0.txData.vaddr': 88,
      'ports.0.mac.0': 104,
      'ports.0.acl': 112,
      'ports.63.acl': 7168,
      'bufferMetadata.vaddr': 7184,
    },
  ],
  ['.lib_sddf_lwip_config', 32, 8, {}, { 'pbufPool.vaddr': 8, numPbufs: 24 }],
  [
    '.blk_driver_config',
    64,
    2,
    {},
    {
      'virt.storageInfo.vaddr': 8,
      'virt.reqQueue.vaddr': 24,
      'virt.respQueue.vaddr': 40,
      'virt.numBuffers': 56,
      'virt.id': 58,
    },
  ],
  [
    '.blk_virt_config',
    5728,
    2,
    { 8: 64 },
    {
      'driver.conn.storageInfo.vaddr': 16,
      'driver.data.region.vaddr': 72,
      'driver.data.ioAddr': 88,
      'clients.0.conn.storageInfo.vaddr': 96,
      'clients.0.data.ioAddr': 168,
      'clients.0.partition': 176,
      'clients.63.partition': 5720,
    },
  ],
  ['.blk_client_config', 80, 2, {}, { 'virt.id': 58, 'data.vaddr': 64 }],
  [
    '.serial_driver_config',
    104,
    3,
    {},
    {
      'rx.queue.vaddr': 8,
      'rx.data.vaddr': 24,
      'rx.id': 40,
      'tx.queue.vaddr': 48,
      defaultBaud: 88,
      rxEnabled: 96,
    },
  ],
  [
    '.serial_virt_rx_config',
    2616,
    3,
    { 2608: 64 },
    {
      'driver.id': 40,
      'clients.0.queue.vaddr': 48,
      'clients.63.id': 2600,
      switchChar: 2609,
      terminateNumChar: 2610,
    },
  ],
  [
    '.serial_virt_tx_config',
    6840,
    3,
    { 6704: 64 },
    {
      'clients.0.conn.queue.vaddr': 48,
      'clients.0.name.0': 88,
      'clients.63.name.63': 6703,
      'beginStr.0': 6705,
      enableColour: 6833,
      enableRx: 6834,
    },
  ],
  ['.serial_client_config', 88, 3, {}, { 'rx.id': 40, 'tx.id': 80 }],
  ['.timer_client_config', 6, 6, {}, { driverId: 5 }],
  [
    '.i2c_driver_config',
    48,
    4,
    {},
    { 'virt.reqQueue.vaddr': 8, 'virt.respQueue.vaddr': 24, 'virt.numBuffers': 40, 'virt.id': 42 },
  ],
  [
    '.i2c_virt_config',
    4152,
    4,
    { 8: 64 },
    {
      'driver.id': 50,
      'clients.0.conn.id': 90,
      'clients.0.dataSize': 96,
      'clients.0.driverDataVaddr': 104,
      'clients.63.clientDataVaddr': 4144,
    },
  ],
  ['.i2c_client_config', 64, 4, {}, { 'virt.id': 42, 'data.vaddr': 48 }],
  [
    '.benchmark_config',
    4175,
    null,
    { 7: 64, 4174: 6 },
    {
      rxStart: 0,
      txStart: 1,
      rxStop: 2,
      txStop: 3,
      init: 4,
      core: 5,
      lastCore: 6,
      'children.0.name.0': 8,
      'children.0.id': 72,
      'children.63.id': 4167,
      'pmuEvents.0': 4168,
    },
  ],
  ['.benchmark_config', 16, null, {}, { cycleCounters: 0, init: 8 }],
  [
    '.benchmark_client_config',
    16,
    null,
    {},
    { start: 0, stop: 1, numCores: 2, 'cycleCounters.0': 8 },
  ],
  ['.echo_config', 8, null, {}, { 'ip.0': 0, 'ip.3': 3, isSilent: 4, leavesChecksums: 5 }],
  [
    '.restart_config',
    168,
    null,
    { 160: 64 },
    {
      'epochs.vaddr': 0,
      'answers.vaddr': 16,
      'neighbours.0.channel': 32,
      'neighbours.63.child': 159,
      supervisor: 161,
      self: 162,
    },
  ],
];

function layoutOf(name: string, sizeBytes: number): ConfigSection {
  const found = configSectionsNamed(name).find((section) => section.sizeBytes === sizeBytes);
  if (found === undefined) throw new Error(`no ${name} of ${sizeBytes} bytes`);
  return found;
}

function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => {
    if (at instanceof Uint8Array) return at[Number(key)];
    return typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
  }, value);
}

describe('structures', () => {
  it('are all in the table above', () => {
    const known = LAYOUTS.map(([name, size]) => `${name} ${size}`);
    expect(CONFIG_SECTIONS.map(({ name, sizeBytes }) => `${name} ${sizeBytes}`).sort()).toEqual(
      known.sort(),
    );
  });

  it.each(LAYOUTS)('%s (%i bytes) has its fields in place', (name, size, magic, counts, fields) => {
    const layout = layoutOf(name, size);
    for (const [path, offset] of Object.entries(fields)) {
      const bytes = new Uint8Array(size);
      if (magic !== null) bytes.set([0x73, 0x44, 0x44, 0x46, magic]);
      for (const [at, count] of Object.entries(counts)) bytes[Number(at)] = count;
      bytes[offset] = 0xa7;
      const decoded = layout.decode(bytes);

      expect(decoded.kind, path).toBe('configured');
      const found = decoded.kind === 'configured' ? valueAt(decoded.value, path) : undefined;
      expect(Number(found), path).toBe(0xa7);
    }
  });

  it('are declared without overlap, misalignment, or a field outside', () => {
    expect(() => record(8, { a: field(0, u32), b: field(3, u8) })).toThrow('overlaps');
    expect(() => record(8, { a: field(2, u32) })).toThrow('misaligned');
    expect(() => record(8, { a: field(4, u64) })).toThrow('misaligned');
    expect(() => record(8, { a: field(8, u16) })).toThrow('fields end at 10');
    expect(() => record(8, { a: field(4, u32), b: field(0, u32) })).not.toThrow();
  });

  it('are read from any bytes at all', () => {
    let state = 1;
    for (const section of CONFIG_SECTIONS) {
      for (let run = 0; run < 12; run += 1) {
        const bytes = Uint8Array.from({ length: section.sizeBytes }, () => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
          return state >>> 24;
        });
        if (run % 2 === 0) bytes.set([0x73, 0x44, 0x44, 0x46, run % 9]);
        expect(['configured', 'foreign']).toContain(section.decode(bytes).kind);
      }
    }
  });

  it('of another class or version are told apart', () => {
    const bytes = new Uint8Array(88);
    expect(layoutOf('.net_driver_config', 88).decode(bytes)).toEqual({ kind: 'empty' });
    bytes.set([0x73, 0x44, 0x44, 0x46, 3]);
    expect(layoutOf('.net_driver_config', 88).decode(bytes)).toEqual({
      kind: 'foreign',
      problem: 'begins with 73 44 44 46 03 instead of 73 44 44 46 05',
    });
  });
});

const SYSTEM = `<system>
  <memory_region name="regs" size="0x1000" phys_addr="0x10001000" />
  <memory_region name="rings" size="0x10000" />
  <memory_region name="free" size="0x3000" /><memory_region name="active" size="0x3000" />
  <memory_region name="elsewhere" size="0x1000" />
  <protection_domain name="driver"><program_image path="driver.elf" />
    <map mr="regs" vaddr="0x20000000" /><map mr="rings" vaddr="0x20001000" />
    <map mr="free" vaddr="0x20011000" /><map mr="active" vaddr="0x20014000" />
    <setvar symbol="rings_paddr" region_paddr="rings" /></protection_domain>
</system>`;

function encoded(config: unknown): readonly EncodedSection[] {
  const files = { read: () => 'missing' as const };
  const read = readSystemText(SYSTEM, { file: 'x.system', target: RISCV64, files });
  if (!read.ok) throw new Error(read.diagnostics.map(({ message }) => message).join('\n'));
  const system: SystemDescription = read.system;
  const [pd] = system.protectionDomains;
  return configurationOf(system, { ...(pd as PdDescription), config });
}

function problemsOf(config: unknown): readonly string[] {
  return encoded(config).flatMap(({ problems }) => problems);
}

const CONNECTION = { freeQueue: 'free', activeQueue: 'active', capacity: 512, channel: 3 };
const DRIVER = {
  registers: 'regs',
  rings: 'rings',
  ringsPaddrSymbol: 'rings_paddr',
  irq: 7,
  rx: CONNECTION,
  tx: CONNECTION,
};

describe('records', () => {
  it('become sections; addresses of memory that is not placed yet are left open', () => {
    const [resources, driver, ...more] = encoded(DRIVER);

    expect(more).toEqual([]);
    expect(resources?.name).toBe('.device_resources');
    const view = new DataView((resources as EncodedSection).bytes.buffer);
    expect(view.getUint8(5)).toBe(2);
    expect(view.getBigUint64(24, true)).toBe(0x1000_1000n);
    expect(view.getBigUint64(32, true)).toBe(0x2000_1000n);
    expect(view.getBigUint64(40, true)).toBe(0x1_0000n);
    expect(view.getUint8(1544)).toBe(7);
    expect(resources?.addresses).toEqual([{ offset: 48, region: 'rings' }]);
    expect(driver?.name).toBe('.net_driver_config');
    expect(driver?.addresses).toEqual([]);
  });

  it('of a kind that no section is for come to nothing', () => {
    for (const config of [undefined, null, 1, 'text', [], {}, { rate: 5 }, { rx: CONNECTION }]) {
      expect(encoded(config)).toEqual([]);
    }
  });

  it('that are wrong say where', () => {
    expect(problemsOf({ ...DRIVER, irq: 256 })).toEqual([
      'the configuration.irq must be a whole number up to 255',
    ]);
    expect(problemsOf({ ...DRIVER, rx: { ...CONNECTION, freeQueue: 'elsewhere' } })).toEqual([
      "the configuration.rx.freeQueue must be the name of a region in the domain's maps",
    ]);
    expect(problemsOf({ ...DRIVER, tx: { ...CONNECTION, capacity: 65_536 } })).toEqual([
      'the configuration.tx.capacity must be a whole number up to 65535',
    ]);
    const clients = Array.from({ length: 65 }, () => ({ connection: CONNECTION, data: [] }));
    expect(problemsOf({ driver: CONNECTION, clients })).toEqual([
      'the configuration.clients must be a list of at most 64',
    ]);
    expect(problemsOf({ driver: CONNECTION, clients: { length: 1 } })).toHaveLength(1);
    const net = { rx: CONNECTION, tx: CONNECTION, mac: '52:54:01:00:00' };
    expect(problemsOf({ net })).toContain(
      'the configuration.net.mac must be an address such as 52:54:01:00:00:0a',
    );
  });

  it('of the echo client have an address', () => {
    const client = (ip: string, more = {}) => {
      return encoded({ net: {}, ip, ...more }).find(({ name }) => name === '.echo_config');
    };
    expect(client('10.0.2.15')?.bytes).toEqual(Uint8Array.of(10, 0, 2, 15, 0, 0, 0, 0));
    const told = client('10.0.2.15', { closedPorts: 'silent', checksums: 'device' });
    expect(told?.bytes).toEqual(Uint8Array.of(10, 0, 2, 15, 1, 1, 0, 0));
    for (const ip of ['10.0.2', '10.0.2.256', '10.0.2.1.1', '', 'ten']) {
      expect(client(ip)?.problems, ip).toEqual([
        'the configuration.ip must be an address such as 10.0.2.15',
      ]);
    }
  });

  it('of the switch need the uplink at the end', () => {
    const port = {
      rx: CONNECTION,
      tx: CONNECTION,
      txData: { region: 'free' },
      macs: ['02:00:00:00:00:01'],
      reach: [0, 2],
    };
    const record = { ports: [port, { ...port, macs: [] }], uplink: 1, bufferMetadata: 'active' };
    const [section] = encoded(record);
    const view = new DataView((section as EncodedSection).bytes.buffer);

    expect(section?.problems).toEqual([]);
    expect(view.getUint8(7176)).toBe(2);
    expect(view.getUint8(104)).toBe(2);
    expect(view.getBigUint64(112, true)).toBe(5n);
    expect(view.getUint8(104 + 112)).toBe(0);
    expect(problemsOf({ ...record, uplink: 0 })).toHaveLength(1);
  });
});
