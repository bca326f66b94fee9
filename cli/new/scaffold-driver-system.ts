/**
 * What `sddf new driver` writes around a driver: clients, with `--virtualiser` the domain that
 * shares the device between them, a system, and its test.
 */

import { type DriverScaffold, type ScaffoldNames, unindented } from './scaffold-dialect.ts';

export function driverSystemFiles(scaffold: DriverScaffold): ReadonlyMap<string, string> {
  const { deviceClass, name, hasVirtualiser } = scaffold;
  return new Map([
    ...(hasVirtualiser
      ? ([[`virtualisers/${deviceClass}/${name.file}.ts`, virtualiserText(scaffold)]] as const)
      : []),
    [`clients/${name.file}/${name.file}.ts`, clientText(scaffold)],
    [`systems/${name.file}.ts`, hasVirtualiser ? sharedSystemText(scaffold) : systemText(scaffold)],
    [`systems/${name.file}.test.ts`, testText(scaffold)],
  ]);
}

function virtualiserText({ deviceClass, name, dialect }: DriverScaffold): string {
  const pd = dialect.from('microkit', 'pd.ts', '../../');
  const counters = dialect.from('queues', 'counters.ts', '../../');
  return unindented(`
    /**
     * Virtualiser of ${name.type}: hands each sample to every client. A client that does not take
     * its samples loses them, counted, and nobody else anything.
     */

    import type { EntryPoints, ProtectionDomain } from ${pd};
    import { counterNames, Counters } from ${counters};
    import { ${name.variable}Samples } from '../../queues/${deviceClass}/${name.file}.ts';

    export interface ${name.type}VirtConfig {
      /** Name of the queue's region. */
      readonly driver: string;
      readonly clients: readonly { readonly samples: string; readonly channel: number }[];
    }

    const COUNT = counterNames('samples', 'droppedClientFull');

    export function main(pd: ProtectionDomain<${name.type}VirtConfig>): EntryPoints {
      const from = ${name.variable}Samples.consumer(pd.region(pd.config.driver));
      const clients = pd.config.clients.map(({ samples, channel }) => ({
        out: ${name.variable}Samples.producer(pd.region(samples)),
        channel,
      }));
      const counters = new Counters(COUNT);

      function drain(): void {
        for (let entry = from.dequeue(); entry !== undefined; entry = from.dequeue()) {
          counters.add(COUNT.samples, 1);
          for (const { out } of clients) {
            if (!out.enqueue(entry)) counters.add(COUNT.droppedClientFull, 1);
          }
        }
        from.publish();
        for (const { out, channel } of clients) if (out.publish()) pd.notify(channel);
      }

      return {
        notified() {
          // Drain, ask for a signal, look again: what comes in between brings none.
          do {
            drain();
            from.requestSignal();
          } while (from.length() > 0);
        },
        counters,
      };
    }
`);
}

function clientText({ deviceClass, name, dialect }: DriverScaffold): string {
  return unindented(`
    /** Prints each sample of ${name.type}. */

    import type { EntryPoints, ProtectionDomain } from ${dialect.from('microkit', 'pd.ts', '../../')};
    import { ${name.variable}Samples } from '../../queues/${deviceClass}/${name.file}.ts';

    export interface ${name.type}ClientConfig {
      /** Name of the queue's region. */
      readonly samples: string;
    }

    export function main(pd: ProtectionDomain<${name.type}ClientConfig>): EntryPoints {
      const samples = ${name.variable}Samples.consumer(pd.region(pd.config.samples));
      return {
        notified() {
          // Drain, ask for a signal, look again: what comes in between brings none.
          do {
            for (let entry = samples.dequeue(); entry !== undefined; entry = samples.dequeue()) {
              pd.log(\`sample \${entry.sample}\`);
            }
            samples.publish();
            samples.requestSignal();
          } while (samples.length() > 0);
        },
      };
    }
`);
}

function imports({ deviceClass, name, dialect }: DriverScaffold): string {
  return `import { attach${name.type}, ${name.constant}_PLACE } from '../board/${deviceClass}/${name.file}.ts';
    import { main as client, type ${name.type}ClientConfig } from '../clients/${name.file}/${name.file}.ts';
    import { main as driver, type ${name.type}Config } from '../drivers/${deviceClass}/${name.file}/driver.ts';
    import { type BuildResult, system } from ${dialect.from('microkit', 'builder.ts', '../')};`;
}

function driverLines(name: ScaffoldNames): string {
  return `const registers = sys.region('${name.pd}', { size: '4K', physAddr: ${name.constant}_PLACE.base });
      driverPd.map(registers, { perms: 'rw', cached: false });
      const irq = driverPd.irq(${name.constant}_PLACE.irq);`;
}

function systemText(scaffold: DriverScaffold): string {
  const { deviceClass, name } = scaffold;
  return unindented(`
    /** ${name.type}, its driver, and a client that prints what it measures. */

    ${imports(scaffold)}

    export const summary = '${name.file}: a device, its driver and a client';
    export const attachDevices = attach${name.type};

    export function build(): BuildResult {
      const sys = system({ name: '${name.file}' });
      const driverPd = sys.pd('${name.pd}_driver', {
        program: driver,
        image: 'drivers/${deviceClass}/${name.file}/driver.ts',
        priority: 200,
      });
      const clientPd = sys.pd('client', {
        program: client,
        image: 'clients/${name.file}/${name.file}.ts',
        priority: 100,
      });
      ${driverLines(name)}

      const samples = sys.region('samples', { size: '4K' });
      driverPd.map(samples, { perms: 'rw' });
      clientPd.map(samples, { perms: 'rw' });
      const channel = sys.channel(driverPd, clientPd);

      // Identifiers are known once build() runs, so a configuration is a function.
      driverPd.configure((): ${name.type}Config => ({
        registers: registers.name,
        samples: samples.name,
        irq: irq.value,
        peer: channel.a.value,
      }));
      clientPd.configure((): ${name.type}ClientConfig => ({ samples: samples.name }));
      return sys.build();
    }
`);
}

function sharedSystemText(scaffold: DriverScaffold): string {
  const { deviceClass, name } = scaffold;
  return unindented(`
    /** ${name.type}, its driver, a virtualiser, and two clients that print what it measures. */

    ${imports(scaffold)}
    import { main as virt, type ${name.type}VirtConfig } from '../virtualisers/${deviceClass}/${name.file}.ts';

    export const summary = '${name.file}: a device, its driver, a virtualiser and two clients';
    export const attachDevices = attach${name.type};

    export function build(): BuildResult {
      const sys = system({ name: '${name.file}' });
      const driverPd = sys.pd('${name.pd}_driver', {
        program: driver,
        image: 'drivers/${deviceClass}/${name.file}/driver.ts',
        priority: 200,
      });
      const virtPd = sys.pd('${name.pd}_virt', {
        program: virt,
        image: 'virtualisers/${deviceClass}/${name.file}.ts',
        priority: 199,
      });
      ${driverLines(name)}

      const samples = sys.region('samples', { size: '4K' });
      driverPd.map(samples, { perms: 'rw' });
      virtPd.map(samples, { perms: 'rw' });
      const channel = sys.channel(driverPd, virtPd);

      const clients = ['client0', 'client1'].map((client) => {
        const own = sys.region(\`\${client}_samples\`, { size: '4K' });
        const pd = sys.pd(client, {
          program: clientProgram,
          image: 'clients/${name.file}/${name.file}.ts',
          priority: 100,
        });
        virtPd.map(own, { perms: 'rw' });
        pd.map(own, { perms: 'rw' });
        pd.configure((): ${name.type}ClientConfig => ({ samples: own.name }));
        return { samples: own.name, channel: sys.channel(virtPd, pd).a };
      });

      // Identifiers are known once build() runs, so a configuration is a function.
      driverPd.configure((): ${name.type}Config => ({
        registers: registers.name,
        samples: samples.name,
        irq: irq.value,
        peer: channel.a.value,
      }));
      virtPd.configure((): ${name.type}VirtConfig => ({
        driver: samples.name,
        clients: clients.map((each) => ({ samples: each.samples, channel: each.channel.value })),
      }));
      return sys.build();
    }
`).replace('main as client,', 'main as clientProgram,');
}

function testText({ name, dialect, hasVirtualiser }: DriverScaffold): string {
  const [count, last] = hasVirtualiser ? ['4', 'client1: sample 2'] : ['2', 'client: sample 2'];
  return unindented(`
    // ${name.type}: what its clients say in two and a half milliseconds of virtual time.

    ${dialect.testImports}
    import { loadTestbed } from ${dialect.from('systems', 'load-testbed.ts', '../')};

    describe('${name.file}', () => {
      it('measures, and its clients are told', async () => {
        const lines: string[] = [];
        const testbed = await loadTestbed({
          system: new URL('./${name.file}.ts', import.meta.url),
          clock: 'virtual',
          observer: { log: (pd, line) => lines.push(\`\${pd}: \${line}\`) },
        });

        testbed.runUntil(2_500_000);

        const found = lines.filter((line) => line.startsWith('client')).toSorted();
        ${dialect.equal('[found.length, found.at(-1)]', `[${count}, '${last}']`)}
      });
    });
`);
}
