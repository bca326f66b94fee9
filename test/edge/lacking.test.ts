/**
 * Goal: whoever lacks what a link needs is told in one line what that is, and what does without.
 * Method: the link's module, and the command for two of them, where a mount namespace of the test's
 * own hides what is to be lacking: a package, a library, a device, a program.
 */

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSlirp } from '../../host/net/slirp-library.ts';
import { isLong, LONG } from '../support/long-test.ts';
import { missingForNamespaces, NetworkNamespace } from '../support/network-namespace.ts';
import { compiledModule, sddfCommand } from '../support/sddf-command.ts';

const LIBRARIES = '/usr/lib/*-linux-gnu';
/** How each is hidden; what is not there needs no hiding. */
const HIDING = {
  koffi: hidePackage('koffi'),
  'libslirp.so.0': hideLibrary('libslirp.so.0'),
  'libvdeplug.so.2': hideLibrary('libvdeplug.so.2'),
  '/dev/net/tun': 'if [ -d /dev/net ]; then mount -t tmpfs none /dev/net; fi',
  passt: 'export PATH=/nowhere',
} as const;
type Hidden = keyof typeof HIDING;

const NO_LIBSLIRP =
  '--net slirp: libslirp.so.0 is not on this machine; apt install libslirp0, or use --net user, which forwards UDP';
const NO_TUN =
  '--net tap: /dev/net/tun is not there; as root: modprobe tun (in a container: --device /dev/net/tun --cap-add NET_ADMIN)';

/** By name: what opens the link, and the line that it ends in. */
const LINES: readonly (readonly [Hidden, string, string, string])[] = [
  [
    'koffi',
    'host/net/tap-device.ts',
    'openTap({ name: "tap0" })',
    '--net tap: the package koffi is not installed; npm install koffi, or use --net user',
  ],
  [
    'koffi',
    'host/net/slirp-library.ts',
    'loadSlirp()',
    '--net slirp: the package koffi is not installed; npm install koffi, or use --net user, which forwards UDP',
  ],
  [
    'koffi',
    'host/net/vde-switch.ts',
    'openVde({ sock: "/tmp", port: 0 })',
    '--net vde: the package koffi is not installed; npm install koffi, or use --net stream or --net tap',
  ],
  ['libslirp.so.0', 'host/net/slirp-library.ts', 'loadSlirp()', NO_LIBSLIRP],
  ['/dev/net/tun', 'host/net/tap-device.ts', 'openTap({ name: "tap0" })', NO_TUN],
  [
    'libvdeplug.so.2',
    'host/net/vde-switch.ts',
    'openVde({ sock: "/tmp", port: 0 })',
    '--net vde: libvdeplug.so.2 is not on this machine; apt install libvdeplug2, or use --net stream or --net tap',
  ],
  [
    'passt',
    'host/net/passt.ts',
    'startPasst({ guestIp: 1, gatewayIp: 2, udp: [], tcp: [] })',
    '--net passt: passt is not installed; apt install passt, or use --net user',
  ],
];
/** By the command, which starts a board first: what it is given, and its line. */
const COMMANDS: readonly (readonly [Hidden, string, string])[] = [
  ['libslirp.so.0', 'slirp', NO_LIBSLIRP],
  ['/dev/net/tun', 'tap,name=tap0', NO_TUN],
];

/** An empty folder in the place of the one that npm has made. */
function hidePackage(name: string): string {
  let file: string;
  try {
    file = createRequire(import.meta.url).resolve(name);
  } catch {
    return 'true'; // it is optional, and not installed
  }
  const folder = `node_modules/${name}`;
  return `mount -t tmpfs none ${file.slice(0, file.lastIndexOf(folder) + folder.length)}`;
}

/** An empty file in its place, which the loader refuses. */
function hideLibrary(name: string): string {
  return `for each in ${LIBRARIES}/${name}; do [ ! -e $each ] || mount --bind /dev/null $each; done`;
}

const missing = missingForNamespaces(['mount']);
const lacksKoffi = await loadSlirp().then(
  () => false,
  (error: Error) => error.message.includes('koffi'),
);

describe.skipIf(missing !== undefined)(
  `links without what they need (lacking: ${missing ?? 'nothing'})`,
  () => {
    let network: NetworkNamespace;

    beforeAll(async () => {
      network = await NetworkNamespace.make();
    });
    afterAll(() => network.end());

    /** Runs Node where something is hidden. */
    async function without(hidden: Hidden, args: readonly string[]) {
      const script = `${HIDING[hidden]}; exec ${process.execPath} "$@"`;
      return network.run(['unshare', '-m', 'bash', '-c', script, 'bash', ...args]);
    }

    it.for(LINES)('without %s, %s says what to do', async (given, context) => {
      const [hidden, module, opening, line] = given;
      // Whatever else is lacking, koffi would be missed first.
      if (lacksKoffi && hidden !== 'koffi' && hidden !== 'passt') context.skip('no koffi');
      const url = pathToFileURL(compiledModule(module)).href;
      const script = `import * as link from '${url}';
      await link.${opening}.then(() => console.log('opened'), (error) => console.log(error.name, error.message));`;
      const { text } = await without(hidden, ['--input-type=module', '-e', script]);

      expect(text).toBe(`UserMistake ${line}\n`);
    });

    it.runIf(isLong && !lacksKoffi).each(COMMANDS)(
      'without %s, --net %s ends the command in a line',
      LONG,
      async (hidden, net, line) => {
        const { status, text } = await without(hidden, [
          sddfCommand(),
          'run',
          'echo',
          '--net',
          net,
          '--for',
          '1s',
        ]);

        expect(status).toBe(2);
        const ours = text.split('\n').filter((each) => each.startsWith('sddf: '));
        expect(ours).toEqual([`sddf: ${line}`]);
        expect(text).not.toContain('    at ');
      },
    );

    it.runIf(isLong)('without koffi, a forward works all the same', LONG, async () => {
      const script = `${HIDING.koffi}; exec ${process.execPath} ${sddfCommand()} run echo --for 20s --json \
        --net user,hostfwd=udp:127.0.0.1:5001-10.0.2.15:1235 & run=$!
        exec 3<>/dev/udp/127.0.0.1/5001
        for each in $(seq 100); do
          echo hello >&3; line=$(timeout 0.3 head -n 1 <&3); [ -n "$line" ] && break; sleep 0.1
        done 2>/dev/null
        echo "answer: $line"; kill -INT $run; wait $run`;
      const { text } = await network.run(['unshare', '-m', 'bash', '-c', script]);

      expect(text).toContain('answer: hello');
      expect(text).toMatch(/"datagramsOut":[1-9]/);
    });
  },
);
