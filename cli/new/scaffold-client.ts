/** `sddf new client NAME`: a program, a system that runs it beside a server, and a test. */

import { type Dialect, type ScaffoldNames, unindented } from './scaffold-dialect.ts';

export function clientFiles(name: ScaffoldNames, dialect: Dialect): ReadonlyMap<string, string> {
  return new Map([
    [`clients/${name.file}/${name.file}.ts`, clientText(name, dialect)],
    [`clients/${name.file}/${name.file}.test.ts`, testText(name, dialect)],
    [`systems/${name.file}.ts`, systemText(name, dialect)],
  ]);
}

function clientText(name: ScaffoldNames, dialect: Dialect): string {
  const pd = dialect.from('microkit', 'pd.ts', '../../');
  return unindented(`
    /** ${name.type}: calls a server and says what it has answered. */

    import type { EntryPoints, ProtectionDomain } from ${pd};
    import { messageInfo } from ${pd};

    export interface ${name.type}Config {
      /** Channel on which the server may be called. */
      readonly server: number;
    }

    /**
     * The body is \`init\`. State lives in here, not outside: a program may be instantiated many
     * times.
     */
    export function main(pd: ProtectionDomain<${name.type}Config>): EntryPoints {
      let calls = 0;
      const call = (): void => {
        calls += 1;
        pd.setMr(0, calls);
        pd.ppcall(pd.config.server, messageInfo(0, 1));
        pd.log(\`call \${calls}: the answer is \${pd.mr(0)}\`);
      };
      call();
      return {
        notified(channel) {
          if (channel === pd.config.server) call();
        },
      };
    }
`);
}

function systemText(name: ScaffoldNames, dialect: Dialect): string {
  const builder = dialect.from('microkit', 'builder.ts', '../');
  const pd = dialect.from('microkit', 'pd.ts', '../');
  return unindented(`
    /** ${name.type} beside a server that doubles numbers. */

    import { main, type ${name.type}Config } from '../clients/${name.file}/${name.file}.ts';
    import { type BuildResult, system } from ${builder};
    import type { EntryPoints, ProtectionDomain } from ${pd};
    import { messageInfo } from ${pd};

    function server(pd: ProtectionDomain): EntryPoints {
      return {
        notified: () => undefined,
        protected() {
          pd.setMr(0, 2 * pd.mr(0));
          return messageInfo(0, 1);
        },
      };
    }

    export const summary = '${name.file} beside a server that doubles numbers';

    export function build(): BuildResult {
      const sys = system({ name: '${name.file}' });
      const callee = sys.pd('server', { program: server, priority: 200, passive: true });
      const client = sys.pd('${name.pd}', {
        program: main,
        image: 'clients/${name.file}/${name.file}.ts',
        priority: 100,
      });
      // A protected call goes to a domain of higher priority.
      const channel = sys.channel(client, callee, { a: { pp: true } });
      client.configure((): ${name.type}Config => ({ server: channel.a.value }));
      return sys.build();
    }
`);
}

function testText(name: ScaffoldNames, dialect: Dialect): string {
  return unindented(`
    // ${name.type}: what it says under the virtual clock.

    ${dialect.testImports}
    import { loadTestbed } from ${dialect.from('systems', 'load-testbed.ts', '../../')};

    describe('${name.file}', () => {
      it('calls its server', async () => {
        const lines: string[] = [];
        const testbed = await loadTestbed({
          system: new URL('../../systems/${name.file}.ts', import.meta.url),
          clock: 'virtual',
          observer: {
            log: (pd, line) => {
              if (pd === '${name.pd}') lines.push(line);
            },
          },
        });

        testbed.runUntilQuiet();

        ${dialect.equal('lines', "['call 1: the answer is 2']")}
      });
    });
`);
}
