/** The echo system, live, with a way for the host to its first client: one rig for each bridge. */

import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { StagedLink } from '../../board/links/staged-link.ts';
import { LiveLoop } from '../../host/event-loop.ts';
import { hostNow } from '../../host/host-time.ts';
import type { Bridge, BoardPort } from '../../host/net/bridge.ts';
import { DescriptorBridge } from '../../host/net/descriptor-bridge.ts';
import { freePort } from '../../host/net/free-port.ts';
import { SlirpBridge, type SlirpForward } from '../../host/net/slirp-bridge.ts';
import type { SlirpConfig } from '../../host/net/slirp-library.ts';
import { ipv4Number } from '../../host/net/socket-address.ts';
import { StreamBridge } from '../../host/net/stream-bridge.ts';
import { openTap } from '../../host/net/tap-device.ts';
import { UserBridge } from '../../host/net/user-bridge.ts';
import { UserMistake } from '../../host/problem.ts';
import { echo } from '../../systems/echo.ts';
import { completeChoices } from '../../systems/system.ts';
import { createTestbed } from '../../systems/testbed.ts';

export const BRIDGES = ['user', 'user on Node', 'slirp', 'tap', 'stream'] as const;
export type BridgeName = (typeof BRIDGES)[number];

export interface Rig {
  readonly loop: LiveLoop;
  /** What the load generator is told: an address and a port, or a path. */
  readonly target: readonly string[];
  close(): Promise<void>;
}

const GUEST_IP = '10.0.2.15';
const ECHO_PORT = 1235;
const LOOPBACK = '127.0.0.1';
const TAP_NAME = 'sddfbench0';

interface Opened {
  readonly bridge: Bridge;
  readonly target: readonly string[];
  readonly close?: () => void;
}

interface Common {
  readonly port: BoardPort;
  readonly wake: () => void;
  readonly onNotice: () => void;
}

/** @throws UserMistake where this machine cannot have the bridge */
export async function makeRig(name: BridgeName): Promise<Rig> {
  const built = echo.build(completeChoices(echo, {}));
  if (!built.ok) throw new Error('the echo system can be built');
  let link: StagedLink | undefined;
  const checksums = name === 'user' || name === 'user on Node' ? 'right' : 'unknown';
  const testbed = createTestbed({
    system: built.system,
    clock: 'host',
    wires: ({ ram }) => ({ net: (link = new StagedLink({ ram, checksums })) }),
  });
  testbed.settle();
  const port = link;
  if (port === undefined) throw new Error('the testbed has asked for its wires');
  const loop = new LiveLoop(testbed);
  const common: Common = { port, wake: () => loop.wake(), onNotice: () => undefined };
  const { bridge, target, close } = await open(name, common);
  loop.addPort({
    flush: () => {
      port.drain(bridge);
      bridge.flush();
    },
  });
  return {
    loop,
    target,
    close: async () => {
      await bridge.close();
      close?.();
    },
  };
}

function open(name: BridgeName, common: Common): Promise<Opened> {
  switch (name) {
    case 'user':
      return openUser(common, 'best');
    case 'user on Node':
      return openUser(common, 'node');
    case 'slirp':
      return openSlirp(common);
    case 'tap':
      return openTapDevice(common);
    case 'stream':
      return openStream(common);
    default:
      return name satisfies never;
  }
}

async function openUser(common: Common, sockets: 'best' | 'node'): Promise<Opened> {
  const host = { host: LOOPBACK, port: 0 };
  const forward = { host, guestIp: ipv4Number(GUEST_IP), guestPort: ECHO_PORT };
  const bridge = await UserBridge.open({ ...common, forwards: [forward], sockets, nowNs: hostNow });
  return { bridge, target: [LOOPBACK, String(bridge.listening()[0]?.port ?? 0)] };
}

export const SLIRP_NETWORK: SlirpConfig = {
  network: ipv4Number('10.0.2.0'),
  netmask: 0xffff_ff00,
  gateway: ipv4Number('10.0.2.2'),
  nameserver: ipv4Number('10.0.2.3'),
  dhcpStart: ipv4Number(GUEST_IP),
  restricted: false,
};

/** From a port of the loopback interface to one of the guest. */
export function slirpForward(
  protocol: SlirpForward['protocol'],
  hostPort: number,
  guestPort: number,
): SlirpForward {
  const [hostIp, guestIp] = [ipv4Number(LOOPBACK), ipv4Number(GUEST_IP)];
  return { protocol, hostIp, hostPort, guestIp, guestPort };
}

async function openSlirp(common: Common): Promise<Opened> {
  const hostPort = await freePort('udp');
  const forwards = [slirpForward('udp', hostPort, ECHO_PORT)];
  const bridge = await SlirpBridge.open({ ...common, config: SLIRP_NETWORK, forwards });
  return { bridge, target: [LOOPBACK, String(hostPort)] };
}

/** In a network of its own: the machine's gets no new device, and no second 10.0.2.0/24. */
async function openTapDevice(common: Common): Promise<Opened> {
  const others = Object.values(networkInterfaces()).flat();
  if (others.some((each) => each?.internal === false)) {
    throw new UserMistake(
      'TAP is measured in a network of its own: unshare -rn npx sddf bench bridge',
    );
  }
  const host = { ip: ipv4Number('10.0.2.2'), prefix: 24 };
  const { library, tap } = await openTap({ name: TAP_NAME, host });
  const bridge = new DescriptorBridge({ ...common, library, frames: tap });
  return { bridge, target: [GUEST_IP, String(ECHO_PORT)] };
}

async function openStream(common: Common): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'sddf-bench-'));
  const path = join(folder, 's');
  const address = { kind: 'unix', path } as const;
  const bridge = await StreamBridge.open({ ...common, role: 'server', address });
  return { bridge, target: [path], close: () => rmSync(folder, { recursive: true, force: true }) };
}
