// The bridges over descriptors, in a network namespace of the test's own: the host's tools against
// the echo system. Nothing here touches the machine's own network.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isLong, LONG } from '../support/long-test.ts';
import { missingForNamespaces, NetworkNamespace } from '../support/network-namespace.ts';
import { sddfCommand } from '../support/sddf-command.ts';
import { SddfProcess } from '../support/sddf-process.ts';

const missing = missingForNamespaces(['ping']);
const hasPasst = missingForNamespaces(['passt', 'pgrep']) === undefined;
/** Not tcpdump, which gives up root, and in a namespace may not. */
const TOOLS = ['arping', 'nc', 'tshark'];
const hasTools = missingForNamespaces(TOOLS) === undefined;
const hasTraceroute = missingForNamespaces(['traceroute']) === undefined;
const hasSwitch = missingForNamespaces(['vde_switch']) === undefined;

const folder = mkdtempSync(join(tmpdir(), 'edge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Sends a line to a UDP port and prints the line that comes back. */
function udpEcho(ip: string, port: number): string {
  return `exec 3<>/dev/udp/${ip}/${port}; echo hello >&3; timeout 5 head -n 1 <&3`;
}

describe.skipIf(missing !== undefined)(
  `--net tap, passt and vde (lacking: ${missing ?? 'nothing'})`,
  () => {
    let network: NetworkNamespace;
    let runs: SddfProcess[] = [];

    beforeAll(async () => {
      network = await NetworkNamespace.make();
    });
    afterEach(() => {
      for (const { child } of runs) child.kill('SIGKILL');
      runs = [];
    });
    afterAll(() => network.end());

    function runEcho(net: string, ...more: readonly string[]): SddfProcess {
      return runSystem('echo', net, ...more);
    }

    function runSystem(system: string, net: string, ...more: readonly string[]): SddfProcess {
      const command = [...network.inside, process.execPath, sddfCommand()];
      const run = new SddfProcess(['run', system, '--net', net, '--json', ...more], command);
      runs.push(run);
      return run;
    }

    /** What opening a device in a process of its own comes to. */
    async function opening(request: object, where = network.inside): Promise<string> {
      const module = join(dirname(sddfCommand()), '../dist/host/net/tap-device.js');
      const script = `import { openTap } from '${pathToFileURL(module).href}';
      await openTap(${JSON.stringify(request)}).then(
        ({ tap }) => { console.log(tap.origin); tap.close(); },
        (error) => console.log(error.name, error.message));`;
      const command = [process.execPath, '--input-type=module', '-e', script];
      return (await network.run(command, where)).text.trim();
    }

    it('lets the host ping guests, and takes the device away, also when it is killed', async () => {
      const run = runEcho('tap,name=tap0,host=10.0.2.2/24');
      await run.says(/tap0: made, the host is 10\.0\.2\.2\/24; try ping 10\.0\.2\.15/);
      const { text: pinged } = await network.sh('ping -c 2 -i 0.2 -W 10 10.0.2.15');
      const { text: echoed } = await network.sh(udpEcho('10.0.2.16', 1235));
      const { text: neighbours } = await network.sh('ip neigh show dev tap0');
      const { text: reset } = await network.sh('exec 3<>/dev/tcp/10.0.2.15/80');
      const { text: unreachable } = await network.sh(udpEcho('10.0.2.15', 9));
      const second = await opening({ name: 'tap0' });
      run.child.kill('SIGKILL');
      await run.ended;

      expect(pinged).toContain('2 received');
      expect(echoed).toBe('hello\n');
      expect(reset).toContain('Connection refused');
      expect(unreachable).toContain('Connection refused');
      expect(neighbours).toContain('10.0.2.15 lladdr 52:54:01:00:00:0a');
      expect(second).toBe(
        'UserMistake --net tap: tap0 is in use by another program; end that one, or choose another name',
      );
      expect((await network.sh('ip link show tap0')).status).not.toBe(0);
    });

    it.runIf(isLong && hasTools)(
      `answers ${TOOLS.join(', ')}, and long packets`,
      LONG,
      async () => {
        const run = runEcho('tap,name=tap2,host=10.0.2.2/24,mtu=2000');
        await run.says(/tap2: made/);
        const watching = network.sh('timeout 40 tshark -n -i tap2 -c 2 -f "udp port 1235"');
        const { text: asked } = await network.sh('arping -c 1 -w 10 -i tap2 10.0.2.15');
        // Until tshark listens, nobody counts.
        let isOver = false;
        void watching.then(() => (isOver = true));
        let said = '';
        while (!isOver) {
          said = (await network.sh('echo hello | nc -u -w 1 10.0.2.15 1235')).text;
        }
        const { text: seen } = await watching;
        const { text: long } = await network.sh('ping -M do -c 1 -W 10 -s 1972 10.0.2.15');
        const { text: longer } = await network.sh('ping -M do -c 1 -W 1 -s 1973 10.0.2.15');

        expect(long).toMatch(/1980 bytes from .* 1 received/s);
        expect(longer).toMatch(/message too long, mtu=2000|Message too long/i);
        expect(asked).toContain('from 52:54:01:00:00:0a');
        expect(said).toBe('hello\n');
        expect(seen).toMatch(/10\.0\.2\.2 \S+ 10\.0\.2\.15 +UDP.*Len=6/);
        expect(seen).toMatch(/10\.0\.2\.15 \S+ 10\.0\.2\.2 +UDP.*Len=6/);
      },
    );

    /** A router between two devices, the second of which is the other network's. */
    async function runRouter(second: NetworkNamespace, access: string): Promise<SddfProcess> {
      const inside = ['--net', 'nic1=tap,name=in0', '--set', `access=${access}`];
      const run = runSystem('router', 'nic0=tap,name=out0,host=10.0.2.2/24', ...inside);
      await run.says(/router is running/);
      await network.moveTo(second, 'in0');
      await second.sh(
        'ip addr add 10.0.3.2/24 dev in0; ip link set in0 up; ip route add default via 10.0.3.1',
      );
      await network.sh('ip route add 10.0.3.0/24 via 10.0.2.1');
      return run;
    }

    it.runIf(isLong && hasTraceroute)('is a hop of traceroute', LONG, async () => {
      const second = await NetworkNamespace.make(network);
      try {
        await runRouter(second, 'open');
        const { text } = await network.sh('traceroute -n -N 1 -q 1 -w 10 10.0.3.2');

        expect(text).toMatch(/ 1 {2}10\.0\.2\.1 /);
        expect(text).toMatch(/ 2 {2}10\.0\.3\.2 /);
      } finally {
        second.end();
      }
    });

    it('routes between two of them: an access list, a spoofed source', async () => {
      const second = await NetworkNamespace.make(network);
      try {
        const run = await runRouter(second, 'services');
        const { text: pinged } = await network.sh('ping -c 2 -i 0.2 10.0.3.2');
        const { text: late } = await network.sh('ping -c 1 -t 1 10.0.3.2');
        const { text: refused } = await network.sh(udpEcho('10.0.3.2', 9));
        const { text: spoofed } = await network.sh(
          'ip addr add 10.0.3.99/32 dev lo; ping -c 1 -W 1 -I 10.0.3.99 10.0.3.2',
        );
        const { text: inside } = await second.sh('ping -c 1 -W 2 10.0.2.2');
        run.child.kill('SIGINT');
        await run.ended;

        expect(pinged).toMatch(/2 received/);
        expect(pinged).toContain('ttl=63');
        expect(late).toMatch(/From 10\.0\.2\.1 .*Time to live exceeded/);
        expect(refused).toMatch(/No route to host|Host is unreachable/i);
        expect(spoofed).toContain('0 received');
        expect(inside).toMatch(/From 10\.0\.3\.1 .*Packet filtered/);
        expect(run.text).toMatch(/"dropSpoofed":1,/);
      } finally {
        second.end();
      }
    });

    it('joins a device that was made before, and leaves it there', async () => {
      await network.sh('ip tuntap add dev old mode tap && ip tuntap add dev tun0 mode tun');

      expect(await opening({ name: 'old', host: { ip: 0x0a00_0302, prefix: 24 } })).toBe('joined');
      const { text } = await network.sh('ip -4 -br addr show dev old; ip link show dev old');
      expect(text).toContain('10.0.3.2/24');
      expect(text).toContain(',UP');
      expect(await opening({ name: 'new' })).toBe('made');
      expect((await network.sh('ip link show new')).status).not.toBe(0);
      await opening({ name: 'old', mtu: 2000 });
      expect((await network.sh('ip link show dev old')).text).toContain('mtu 2000');
      const wrong = /^UserMistake --net tap: there is a (lo|tun0) already, and it is no TAP device/;
      expect(await opening({ name: 'tun0' })).toMatch(wrong);
      expect(await opening({ name: 'lo' })).toMatch(wrong);
    });

    it('says what to type where it has no rights', async () => {
      const message = await opening(
        { name: 'sddftest0', host: { ip: 0x0a00_0202, prefix: 24 } },
        network.outside,
      );

      // Whoever may not even open /dev/net/tun is told so.
      expect(message).toMatch(
        /no right to make or join sddftest0; as root, once: ip tuntap add dev sddftest0 mode tap user \$USER && ip addr add 10\.0\.2\.2\/24 dev sddftest0 && ip link set sddftest0 up; or in a network of its own: unshare -rn$|\/dev\/net\/tun: permission denied/,
      );
    });

    it.skipIf(!hasPasst)('forwards by passt, which gives the address (needs passt)', async () => {
      // passt wants an interface with a default route, whatever becomes of what goes there.
      await network.sh(
        'ip tuntap add dev up0 mode tap; ip addr add 192.0.2.1/24 dev up0; ip link set up0 up; ' +
          'ip route add default via 192.0.2.2',
      );
      const run = runEcho('passt,udp=5901:1235', '--set', 'address=dhcp', '--set', 'clients=1');
      await run.says(/client0: DHCP: 10\.0\.2\.15/);
      const { text } = await network.sh(udpEcho('127.0.0.1', 5901));
      run.child.kill('SIGINT');
      await run.ended;

      expect(text).toBe('hello\n');
      expect((await network.sh('pgrep -x passt')).text).toBe('');
    });

    it.skipIf(!hasSwitch)('is a port of a VDE switch (needs vde_switch)', async () => {
      const sock = join(folder, 'vde');
      const pid = join(folder, 'pid');
      // The switch has gone into the background before its device is there.
      const hasAddress = 'ip addr add 10.0.2.2/24 dev vt0 2>/dev/null';
      await network.sh(
        `vde_switch -d -s ${sock} -tap vt0 -p ${pid}; ` +
          `for i in $(seq 600); do ${hasAddress} && break; sleep 0.1; done; ip link set vt0 up`,
      );
      const run = runEcho(`vde,sock=${sock}`);
      await run.says(/echo is running/);
      const { text } = await network.sh('ping -c 2 -i 0.2 -W 10 10.0.2.15');
      await network.sh(`kill $(cat ${pid})`);
      await run.says(/vde is gone; what the board sends is dropped from now on/);
      run.child.kill('SIGINT');
      await run.ended;

      expect(text).toContain('2 received');
      expect(run.text).toMatch(/"framesOut":[3-9]/);
    });
  },
);
