/**
 * `sddf new system NAME`: two protection domains with a channel, a region, and a test that runs
 * them.
 */

import { type Dialect, type ScaffoldNames, unindented } from './scaffold-dialect.ts';

export function systemFiles(name: ScaffoldNames, dialect: Dialect): ReadonlyMap<string, string> {
  return new Map([
    [`systems/${name.file}.ts`, systemText(name, dialect)],
    [`systems/${name.file}.test.ts`, testText(name, dialect)],
  ]);
}

function systemText(name: ScaffoldNames, dialect: Dialect): string {
  const builder = dialect.from('microkit', 'builder.ts', '../');
  const pd = dialect.from('microkit', 'pd.ts', '../');
  return unindented(`
    /**
     * ${name.type}: a writer that leaves a number in shared memory, and a reader that is told of
     * it.
     */

    import { type BuildResult, system } from ${builder};
    import type { EntryPoints, ProtectionDomain } from ${pd};

    interface WriterConfig {
      readonly shared: string;
      readonly reader: number;
    }

    interface ReaderConfig {
      readonly shared: string;
    }

    /** The body is \`init\`: it runs once, when the system starts. */
    function writer(pd: ProtectionDomain<WriterConfig>): EntryPoints {
      const { shared, reader } = pd.config;
      pd.region(shared).write32(0, 42);
      pd.notify(reader);
      return { notified: () => undefined };
    }

    function reader(pd: ProtectionDomain<ReaderConfig>): EntryPoints {
      const shared = pd.readonlyRegion(pd.config.shared);
      return { notified: () => pd.log(\`read \${shared.read32(0)}\`) };
    }

    export const summary = 'a writer and a reader with a region and a channel between them';

    export function build(): BuildResult {
      const sys = system({ name: '${name.file}' });
      const from = sys.pd('writer', { program: writer, priority: 10 });
      const to = sys.pd('reader', { program: reader, priority: 20 });
      const shared = sys.region('shared', { size: '4K' });
      from.map(shared, { perms: 'rw' });
      to.map(shared, { perms: 'r' });
      const channel = sys.channel(from, to);
      // Identifiers are known once build() runs, so the configuration is a function.
      from.configure((): WriterConfig => ({ shared: shared.name, reader: channel.a.value }));
      to.configure((): ReaderConfig => ({ shared: shared.name }));
      return sys.build();
    }
`);
}

function testText(name: ScaffoldNames, dialect: Dialect): string {
  return unindented(`
    // ${name.type}: what its domains say under the virtual clock.

    ${dialect.testImports}
    import { loadTestbed } from ${dialect.from('systems', 'load-testbed.ts', '../')};

    describe('${name.file}', () => {
      it('passes a number from writer to reader', async () => {
        const lines: string[] = [];
        const testbed = await loadTestbed({
          system: new URL('./${name.file}.ts', import.meta.url),
          clock: 'virtual',
          observer: { log: (pd, line) => lines.push(\`\${pd}: \${line}\`) },
        });

        testbed.runUntilQuiet();

        ${dialect.equal('lines.slice(1)', "['reader: read 42']")}
      });
    });
`);
}
