/**
 * A client of two networks that passes every frame from one to the other as it is, so that a system
 * with it is a piece of cable: a Linux of the test's own at a TAP device is a guest of whatever is
 * at the other NIC.
 */

import { Port } from '../../../clients/router/port.ts';
import type { RouterNetwork } from '../../../clients/router/config.ts';
import type { EntryPoints, ProtectionDomain } from '../../../microkit/pd.ts';
import { NET_BUFFER_BYTES } from '../../../queues/net/queue.ts';
import { type Flow, runFlow } from '../../../queues/signal.ts';

export interface CableConfig {
  readonly net0: RouterNetwork;
  readonly net1: RouterNetwork;
}

export function main(pd: ProtectionDomain<CableConfig>): EntryPoints {
  const { net0, net1 } = pd.config;
  const common = { prefix: 24, memory: pd };
  const first = new Port({ ...common, side: 0, network: net0 });
  const second = new Port({ ...common, side: 1, network: net1 });
  const flows = [flow(first, second), flow(second, first)];
  return {
    notified: () => {
      for (const each of flows) runFlow(each);
      for (const port of [first, second]) {
        if (port.publishRx()) pd.notify(port.rxChannel);
        if (port.publishTx()) pd.notify(port.txChannel);
      }
    },
  };
}

function flow(from: Port, to: Port): Flow {
  return {
    drain: () => {
      while (from.take() === 'frame') {
        pass(from, to);
        from.giveBack();
      }
    },
    requestSignal: () => {
      from.requestSignal();
      return 'requested';
    },
    cancelSignal: () => from.cancelSignal(),
    canMove: () => from.hasFrames(),
  };
}

/** What the other side has no room for is lost, as on any cable. */
function pass(from: Port, to: Port): void {
  const index = to.takeTx();
  if (index < 0) return;
  const [source, target] = [from.from * NET_BUFFER_BYTES, index * NET_BUFFER_BYTES];
  to.sent.copyFrom(from.received, source, target, from.lenBytes);
  to.send(index, from.lenBytes);
}
