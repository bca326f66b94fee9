/** Opens what lies behind a NIC's cable, and loads the code of its kind alone. */

import type { Bridge } from '../../host/net/bridge.ts';
import type { Passt } from '../../host/net/passt.ts';
import type { StreamBridge } from '../../host/net/stream-bridge.ts';
import type { TapDevice } from '../../host/net/tap-device.ts';
import type { NetOptions } from './options.ts';

/** What every bridge is told: the cable, and whom to tell. */
export type BridgeParts = Omit<Parameters<typeof StreamBridge.open>[0], 'role' | 'address'>;

type Of<Kind extends NetOptions['kind']> = Extract<NetOptions, { kind: Kind }>;

/**
 * @returns nothing for a cable that nothing is plugged into
 * @throws UserMistake when an address cannot be had
 */
export async function openBridge(
  net: Exclude<NetOptions, Of<'user' | 'tap' | 'passt' | 'pcap'>>,
  parts: BridgeParts,
): Promise<Bridge | undefined> {
  switch (net.kind) {
    case 'stream': {
      const { StreamBridge: Stream } = await import('../../host/net/stream-bridge.ts');
      return Stream.open({ ...parts, role: net.role, address: net.address });
    }
    case 'dgram': {
      const { DgramBridge } = await import('../../host/net/dgram-bridge.ts');
      return DgramBridge.open({ ...parts, local: net.local, remote: net.remote });
    }
    case 'slirp': {
      const { SlirpBridge } = await import('../../host/net/slirp-bridge.ts');
      return SlirpBridge.open({ ...parts, ...net });
    }
    case 'mcast': {
      const { McastBridge } = await import('../../host/net/mcast-bridge.ts');
      return McastBridge.open({ ...parts, ...net });
    }
    case 'vde': {
      const { openVde } = await import('../../host/net/vde-switch.ts');
      const { DescriptorBridge } = await import('../../host/net/descriptor-bridge.ts');
      return new DescriptorBridge({ ...parts, ...(await openVde(net)) });
    }
    default:
      return undefined;
  }
}

/** @throws UserMistake when it cannot be had */
export async function bridgeToTap(
  net: Of<'tap'>,
  parts: BridgeParts,
): Promise<{ readonly bridge: Bridge; readonly tap: TapDevice }> {
  const { openTap } = await import('../../host/net/tap-device.ts');
  const { DescriptorBridge } = await import('../../host/net/descriptor-bridge.ts');
  const { library, tap } = await openTap(net);
  return { bridge: new DescriptorBridge({ ...parts, library, frames: tap }), tap };
}

/** @throws UserMistake when it is not installed */
export async function bridgeToPasst(
  net: Of<'passt'>,
  parts: BridgeParts,
): Promise<{ readonly bridge: Bridge; readonly passt: Passt }> {
  const { startPasst } = await import('../../host/net/passt.ts');
  const { StreamBridge: Stream } = await import('../../host/net/stream-bridge.ts');
  const passt = await startPasst(net);
  const { socket } = passt;
  return { bridge: Stream.over({ ...parts, socket, name: 'passt' }), passt };
}
