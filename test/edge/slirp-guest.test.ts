/**
 * Goal: a guest with a TCP of its own has through `--net slirp` what QEMU's user network would give
 * it: ping of the gateway, TCP out and in, names, a thousand connections at once. Method: the guest
 * is the kernel that the test runs on, in a network of the test's own, at a TAP device; a system of
 * ours (`cable/system.ts`) passes its frames through two drivers to the library.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadSlirp } from '../../host/net/slirp-library.ts';
import { isLong, LONG } from '../support/long-test.ts';
import { missingForNamespaces, NetworkNamespace } from '../support/network-namespace.ts';
import { SddfProcess } from '../support/sddf-process.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const PEER = [process.execPath, path('cable/peer.mjs')];
const LARGE_BYTES = 4_000_000;
const CONNECTIONS = 1000;
/** The name server has an address of its own on the wire, which the cable does not pass. */
const GUEST = `ip link set lo up; ip link set guest0 address 52:54:01:00:00:0a
  ip addr add 10.0.2.15/24 dev guest0; ip link set guest0 up; ip route add default via 10.0.2.2
  ip neigh add 10.0.2.3 lladdr 52:55:0a:00:02:02 dev guest0`;

const missing =
  missingForNamespaces(['ping', 'mount']) ??
  (await loadSlirp().then(
    () => undefined,
    (error: Error) => error.message,
  ));

it.runIf(isLong && missing === undefined)(
  `serves a guest with a TCP of its own (lacking: ${missing ?? 'nothing'})`,
  LONG,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slirp-guest-'));
    const host = await NetworkNamespace.make();
    const guest = await NetworkNamespace.make(host);
    const servers: SddfProcess[] = [];
    const serve = async (network: NetworkNamespace, ...args: readonly string[]): Promise<void> => {
      const server = new SddfProcess(args, [...network.inside, ...PEER]);
      servers.push(server);
      await server.says(/ready/);
    };
    const ask = async (network: NetworkNamespace, ...args: readonly unknown[]): Promise<string> =>
      (await network.run([...PEER, ...args.map(String)])).text.trim();
    try {
      // Whom the library asks for names.
      writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n');
      const names = `mount --bind ${folder}/resolv.conf /etc/resolv.conf && exec "$@"`;
      const run = new SddfProcess(
        [
          ...['run', path('cable/system.ts'), '--json', '--net', 'nic1=tap,name=guest0'],
          ...['--net', 'nic0=slirp,hostfwd=tcp:127.0.0.1:8080-10.0.2.15:80'],
        ],
        [
          ...[...host.inside, 'unshare', '-m', 'bash', '-c', names, 'bash'],
          ...[process.execPath, path('../../cli/sddf.mjs')],
        ],
      );
      servers.push(run);
      await run.says(/cable is running/);
      await host.moveTo(guest, 'guest0');
      await guest.sh(GUEST);
      await serve(host, 'serve-tcp', '127.0.0.1', '7000');
      await serve(host, 'serve-udp', '127.0.0.1', '53');
      await serve(guest, 'serve-tcp', '0.0.0.0', '80');

      expect((await guest.sh('ping -c 2 -i 0.2 -W 10 10.0.2.2')).text).toContain('2 received');
      expect(await ask(guest, 'ask-tcp', '10.0.2.2', 7000, LARGE_BYTES, 2)).toBe(
        '2 connections, 4 times the same bytes',
      );
      expect(await ask(guest, 'ask-tcp', '10.0.2.2', 7001, 1, 1)).toContain('ECONNREFUSED');
      expect(await ask(guest, 'ask-udp', '10.0.2.3', 53)).toBe('hello from 10.0.2.3');
      expect(await ask(host, 'ask-tcp', '127.0.0.1', 8080, 100, CONNECTIONS)).toBe(
        `${CONNECTIONS} connections, ${2 * CONNECTIONS} times the same bytes`,
      );
      expect(await run.interrupt()).toBe(0);
      const most = Number(/"socketsMax":(\d+)/.exec(run.text)?.[1]);
      expect(most).toBeGreaterThanOrEqual(CONNECTIONS);
    } finally {
      for (const { child } of servers) child.kill('SIGKILL');
      guest.end();
      host.end();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
