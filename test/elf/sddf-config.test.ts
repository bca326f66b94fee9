// Goal: configuration sections are, byte for byte, what sDDF's own build puts into its images.
// Method: an independent maker of the same sections (a Python script beside the repository, from
// sDDF's headers and sdfgen's rules) writes four example systems as sections and as `.system`
// files. From the file and records written here by name, we make the sections, too.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSectionsNamed, configurationOf } from '../../microkit/elf/config/table.ts';
import { channelsOf, flatten, type SystemDescription } from '../../microkit/model.ts';
import { readSystemText } from '../../microkit/read/text.ts';
import { RISCV64 } from '../../microkit/target.ts';

const MAKER = join(import.meta.dirname, '../../../shared/tools/sddf-config.py');
const IS_THERE = existsSync(MAKER) && hasPython();

function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

let folder = '';

beforeAll(() => {
  if (!IS_THERE) return;
  folder = mkdtempSync(join(tmpdir(), 'sddf-config-'));
  execFileSync('python3', [MAKER, '--blobs', folder], { stdio: 'ignore' });
});

afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true });
});

function describedIn(name: string): SystemDescription {
  const file = `${name}.system`;
  const text = readFileSync(join(folder, name, file), 'utf8');
  const files = { read: () => 'missing' as const };
  const read = readSystemText(text, { file, target: RISCV64, files });
  if (!read.ok) throw new Error(read.diagnostics.map(({ message }) => message).join('\n'));
  return read.system;
}

/** By domain and section, the bytes of the independent maker. */
function sectionsIn(name: string): ReadonlyMap<string, Uint8Array> {
  const files = readdirSync(join(folder, name)).filter((file) => file.endsWith('.data'));
  return new Map(
    files.map((file) => [
      file.replace(/\.data$/, ''),
      new Uint8Array(readFileSync(join(folder, name, file))),
    ]),
  );
}

/**
 * Records by the names that the maker gives to regions. Each function is one kind of record of one
 * system.
 */
class Records {
  readonly #system: SystemDescription;

  constructor(system: SystemDescription) {
    this.#system = system;
  }

  channel(pd: string, peer: string, nth = 0): number {
    const channels = channelsOf(this.#system, pd).filter((each) => each.peer.pd === peer);
    const found = channels[nth];
    if (found === undefined) throw new Error(`no channel from ${pd} to ${peer}`);
    return found.own.id;
  }

  net(pd: string, server: string, client: string, capacity = 512): object {
    const queue = `virtio_mmio@10001000/net/queue/${server}/${client}`;
    const channel = this.channel(pd, pd === server ? client : server);
    return { freeQueue: `${queue}/free`, activeQueue: `${queue}/active`, capacity, channel };
  }

  serial(pd: string, server: string, client: string, capacity = 0x1_0000): object {
    const [queue, data] = ['queue', 'data'].map(
      (part) => `serial@10000000/serial/${part}/${server}/${client}`,
    );
    return { queue, data, capacity, channel: this.channel(pd, pd === server ? client : server) };
  }

  blk(pd: string, prefix: string, peer: string): object {
    return {
      storageInfo: `${prefix}_storage_info`,
      requestQueue: `${prefix}_request`,
      responseQueue: `${prefix}_response`,
      capacity: 128,
      channel: this.channel(pd, peer),
    };
  }
}

type Configurations = Readonly<Record<string, object>>;

function serialConfigurations(system: SystemDescription): Configurations {
  const records = new Records(system);
  const clients = ['client0', 'client1'];
  return {
    serial_driver: {
      registers: 'serial@10000000/regs',
      irq: 0,
      rx: records.serial('serial_driver', 'serial_driver', 'serial_virt_rx'),
      tx: records.serial('serial_driver', 'serial_driver', 'serial_virt_tx', 0x2_0000),
    },
    serial_virt_rx: {
      driver: records.serial('serial_virt_rx', 'serial_driver', 'serial_virt_rx'),
      clients: clients.map((name) => ({
        connection: records.serial('serial_virt_rx', 'serial_virt_rx', name),
      })),
    },
    serial_virt_tx: {
      driver: records.serial('serial_virt_tx', 'serial_driver', 'serial_virt_tx', 0x2_0000),
      clients: clients.map((name) => ({
        connection: records.serial('serial_virt_tx', 'serial_virt_tx', name),
        name,
      })),
      colour: 'on',
      input: 'on',
    },
    ...Object.fromEntries(
      clients.map((name) => [
        name,
        {
          serial: {
            rx: records.serial(name, 'serial_virt_rx', name),
            tx: records.serial(name, 'serial_virt_tx', name),
          },
        },
      ]),
    ),
  };
}

function timerConfigurations(system: SystemDescription): Configurations {
  const channel = new Records(system).channel('client', 'timer_driver');
  return {
    timer_driver: { registers: 'rtc@101000/regs', irq: 0, clients: [1] },
    client: { timer: { channel } },
  };
}

function blkConfigurations(system: SystemDescription): Configurations {
  const records = new Records(system);
  return {
    blk_driver: {
      registers: 'virtio_mmio@10002000/regs',
      rings: 'virtio_mmio@10002000/virtio_headers',
      deviceRegions: ['virtio_mmio@10002000/virtio_metadata'],
      irq: 0,
      virt: records.blk('blk_driver', 'blk_driver', 'blk_virt'),
    },
    blk_virt: {
      driver: records.blk('blk_virt', 'blk_driver', 'blk_driver'),
      table: { region: 'blk_driver_data' },
      clients: [
        {
          connection: records.blk('blk_virt', 'blk_client_client', 'client'),
          data: { region: 'blk_client_client_data' },
          partition: 0,
        },
      ],
    },
    client: {
      blk: {
        virt: records.blk('client', 'blk_client_client', 'blk_virt'),
        data: { region: 'blk_client_client_data' },
      },
      serial: { tx: records.serial('client', 'serial_virt_tx', 'client') },
    },
    serial_driver: {
      registers: 'serial@10000000/regs',
      irq: 0,
      tx: records.serial('serial_driver', 'serial_driver', 'serial_virt_tx'),
    },
    serial_virt_tx: {
      driver: records.serial('serial_virt_tx', 'serial_driver', 'serial_virt_tx'),
      clients: [
        {
          connection: records.serial('serial_virt_tx', 'serial_virt_tx', 'client'),
          name: 'client',
        },
      ],
      colour: 'off',
      input: 'off',
    },
  };
}

const NET = 'virtio_mmio@10001000/net';

function echoConfigurations(system: SystemDescription): Configurations {
  const records = new Records(system);
  const clients = ['client0', 'client1'];
  const driver = 'ethernet_driver';
  const dma = { region: `${NET}/rx/data/device`, buffers: 512 };
  const printers = [...clients, 'bench0'];
  const childrenOfBench = flatten(system)
    .filter(({ parent }) => flatten(system)[parent]?.pd.name === 'bench0')
    .map(({ pd }) => ({ name: pd.name, id: pd.id }));
  return {
    timer_driver: { registers: 'rtc@101000/regs', irq: 0, clients: [1, 2] },
    serial_driver: {
      registers: 'serial@10000000/regs',
      irq: 0,
      tx: records.serial('serial_driver', 'serial_driver', 'serial_virt_tx', 0x2_0000),
    },
    serial_virt_tx: {
      driver: records.serial('serial_virt_tx', 'serial_driver', 'serial_virt_tx', 0x2_0000),
      clients: printers.map((name) => ({
        connection: records.serial('serial_virt_tx', 'serial_virt_tx', name),
        name,
      })),
      colour: 'on',
      input: 'off',
    },
    ethernet_driver: {
      registers: 'virtio_mmio@10001000/regs',
      rings: 'virtio_mmio@10001000/hw_ring_buffer',
      irq: 0,
      rx: records.net(driver, driver, 'net_virt_rx'),
      tx: records.net(driver, driver, 'net_virt_tx', 1024),
    },
    net_virt_rx: {
      driver: records.net('net_virt_rx', driver, 'net_virt_rx'),
      data: dma,
      bufferMetadata: `${NET}/rx/virt_metadata`,
      clients: clients.map((name, index) => ({
        connection: records.net('net_virt_rx', 'net_virt_rx', `${name}_net_copier`),
        macs: [`52:54:01:00:00:0${index}`],
      })),
    },
    net_virt_tx: {
      driver: records.net('net_virt_tx', driver, 'net_virt_tx', 1024),
      clients: clients.map((name) => ({
        connection: records.net('net_virt_tx', 'net_virt_tx', name),
        data: [{ region: `${NET}/tx/data/client/${name}`, buffers: 512 }],
      })),
    },
    ...Object.fromEntries(
      clients.flatMap((name, index) => {
        const copier = `${name}_net_copier`;
        const ownData = { region: `${NET}/rx/data/client/${name}`, buffers: 512 };
        const copy = {
          rx: records.net(copier, 'net_virt_rx', copier),
          rxData: dma,
          client: records.net(copier, copier, name),
          clientData: ownData,
          mode: 'copy',
        };
        const record = {
          net: {
            rx: records.net(name, copier, name),
            rxData: ownData,
            tx: records.net(name, 'net_virt_tx', name),
            txData: { region: `${NET}/tx/data/client/${name}`, buffers: 512 },
            mac: `52:54:01:00:00:0${index}`,
          },
          serial: { tx: records.serial(name, 'serial_virt_tx', name) },
          timer: { channel: records.channel(name, 'timer_driver') },
          lwip: { pbufPool: `${NET}/lib_sddf_lwip/${name}`, numPbufs: 1024 },
          ...(index === 0 ? { benchmark: benchmarkOfClient(records) } : {}),
        };
        return [
          [copier, copy],
          [name, record],
        ];
      }),
    ),
    bench_idle0: {
      benchmark: {
        cycleCounters: 'cycle_counters0',
        init: records.channel('bench_idle0', 'bench0'),
      },
    },
    bench0: {
      serial: { tx: records.serial('bench0', 'serial_virt_tx', 'bench0') },
      benchmark: {
        rxStart: records.channel('bench0', 'client0', 0),
        txStart: 0,
        rxStop: records.channel('bench0', 'client0', 1),
        txStop: 0,
        init: records.channel('bench0', 'bench_idle0'),
        children: childrenOfBench,
        pmuEvents: [8, 30, 19, 30, 3, 30],
      },
    },
  };
}

function benchmarkOfClient(records: Records): object {
  return {
    start: records.channel('client0', 'bench0', 0),
    stop: records.channel('client0', 'bench0', 1),
    cycleCounters: 'cycle_counters0',
  };
}

const SYSTEMS = [
  ['timer', timerConfigurations, 2],
  ['serial', serialConfigurations, 6],
  ['blk', blkConfigurations, 8],
  ['echo_server', echoConfigurations, 22],
] as const;

describe.skipIf(!IS_THERE)('sections, held against an independent maker', () => {
  it.each(SYSTEMS)('of the %s system are the same bytes', (name, configurations, count) => {
    const system = describedIn(name);
    const expected = sectionsIn(name);
    const configs = configurations(system);

    const made = new Map<string, Uint8Array>();
    for (const { pd } of flatten(system)) {
      for (const section of configurationOf(system, { ...pd, config: configs[pd.name] })) {
        expect(section.problems, pd.name).toEqual([]);
        expect(section.addresses).toEqual([]);
        made.set(`${pd.name}${section.name}`, section.bytes);
      }
    }

    expect([...made.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, bytes] of made) {
      expect(Buffer.from(bytes).equals(Buffer.from(expected.get(key) ?? [])), key).toBe(true);
    }
    expect(made.size).toBe(count);
  });

  it.each(SYSTEMS)('of the %s system are decoded, none of them foreign', (name) => {
    for (const [key, bytes] of sectionsIn(name)) {
      const section = key.slice(key.indexOf('.'));
      const layouts = configSectionsNamed(section).filter(
        ({ sizeBytes }) => sizeBytes === bytes.length,
      );
      expect(layouts.length, key).toBe(1);
      expect(layouts[0]?.decode(bytes).kind, key).toBe('configured');
    }
  });
});
