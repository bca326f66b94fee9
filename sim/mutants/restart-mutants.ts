/** Planted bugs of the restart protocol: what a domain lets go of, and what it takes back. */

import type { Plan, Rule } from '../plan/plan.ts';
import type { Mutant, MutantSystem } from './mutant.ts';

function supervised(
  name: MutantSystem['name'],
  choices: Readonly<Record<string, string>> = {},
): MutantSystem {
  return { name, choices: { ...choices, supervised: 'on' }, shrunkBy: 1 };
}

/** Each of these domains may die once, at any of its wake-ups; and nothing else goes wrong. */
function deaths(...domains: readonly string[]): Plan {
  const rules = domains.map((domain): Rule => ({
    at: `pd.${domain}`,
    fault: 'kill',
    when: { probability: 0.05 },
    for: { times: 1 },
    parameters: {},
    optional: 'yes',
  }));
  return { name: 'deaths', rules };
}

const SUPERVISOR = 'clients/supervisor/main.ts';

export const RESTART_MUTANTS: readonly Mutant[] = [
  {
    name: 'restart-before-answers',
    what: 'the supervisor starts a child before its neighbours have let go of it',
    file: SUPERVISOR,
    system: supervised('echo'),
    explore: 'none',
    plan: deaths('net_virt_rx', 'net_virt_tx', 'client0'),
    edits: [
      {
        find: 'if (this.#silentOf(child).length === 0) return true;',
        replace: 'if (this.#silentOf(child).length >= 0) return true;',
      },
    ],
  },
  {
    name: 'restart-net-driver-keeps-device',
    what: 'the driver does not reset its device for a virtualiser that is down',
    file: 'drivers/network/virtio/driver.ts',
    system: supervised('echo'),
    explore: 'none',
    plan: deaths('net_virt_rx', 'net_virt_tx'),
    edits: [{ find: 'if (had > 0) this.#recover(side);', replace: '' }],
  },
  {
    name: 'restart-net-rx-keeps-held',
    what: 'the receive virtualiser does not take back what a dead client held',
    file: 'virtualisers/network/rx/virt-rx.ts',
    system: supervised('echo', { path: '4pd' }),
    explore: 'none',
    plan: deaths('client0', 'client1'),
    edits: [{ find: 'held += 1;\n      this.#release(client, index);', replace: 'held += 1;' }],
  },
  {
    name: 'restart-net-tx-keeps-lost',
    what: 'the transmit virtualiser gives nobody back what a dead driver had',
    file: 'virtualisers/network/tx/virt-tx.ts',
    system: supervised('echo'),
    explore: 'none',
    plan: deaths('ethernet_driver'),
    edits: [
      { find: 'lost += 1;\n          this.#toOwner(client, oid, index);', replace: 'lost += 1;' },
    ],
  },
  {
    name: 'restart-net-copier-fills-nothing',
    what: 'the copier does not fill the free queue of a client that was down',
    file: 'virtualisers/network/copy/copy.ts',
    system: supervised('echo'),
    explore: 'none',
    plan: deaths('client0', 'client1'),
    edits: [
      {
        find: 'this.member?.tookBack(this.#config.clientData.buffers - left);\n    this.#fillClient();',
        replace: 'this.member?.tookBack(this.#config.clientData.buffers - left);',
      },
    ],
  },
  {
    name: 'restart-c-net-tx-keeps-states',
    what: 'the transmit virtualiser in C begins with what it knew of buffers before it died',
    file: 'programs/network/network_virt_tx.c',
    system: supervised('echo', { tx: 'c' }),
    explore: 'none',
    plan: deaths('net_virt_tx'),
    edits: [{ find: 'memset(states, WITH_CLIENT, states_used);', replace: '' }],
  },
  {
    name: 'restart-vswitch-keeps-received',
    what: 'the switch does not take back what a dead receiver had',
    file: 'virtualisers/network/vswitch/vswitch.ts',
    system: supervised('vswitch'),
    explore: 'none',
    plan: deaths('client0', 'client1_net_copier', 'client2_net_copier'),
    edits: [
      {
        find: 'if (receiver !== undefined && receiver !== this.#uplink) this.#reclaim(receiver);',
        replace: '',
      },
    ],
  },
  {
    name: 'restart-vswitch-forgets-uplink',
    what: 'the switch does not take back what a dead transmit virtualiser had',
    file: 'virtualisers/network/vswitch/vswitch.ts',
    system: supervised('vswitch'),
    explore: 'none',
    plan: deaths('net_virt_tx'),
    edits: [{ find: 'if (receiver === this.#uplink) this.#reclaim(receiver);', replace: '' }],
  },
  {
    name: 'restart-blk-keeps-requests',
    what: 'requests that a dead driver had are answered by nobody',
    file: 'virtualisers/blk/virt.ts',
    system: supervised('blk'),
    explore: 'none',
    plan: deaths('blk_driver'),
    edits: [
      {
        find: 'for (const id of this.#inFlight.held()) this.#giveBack(id, BLK_ERR_IO, 0);',
        replace: '',
      },
    ],
  },
  {
    name: 'restart-blk-driver-answers-late',
    what: 'the driver has let go of a virtualiser before its device has',
    file: 'drivers/blk/virtio/driver.ts',
    system: supervised('blk'),
    explore: 'none',
    plan: deaths('blk_virt'),
    edits: [
      {
        find: "return this.#state.kind !== 'live' || this.#state.device.queue.outstanding === 0;",
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'restart-blk-client-too-early',
    what: 'the virtualiser has let go of a client whose memory a device still writes to',
    file: 'virtualisers/blk/virt.ts',
    system: supervised('blk'),
    explore: 'none',
    plan: deaths('client'),
    edits: [
      {
        find: 'return (this.#clientOf(channel)?.inFlight ?? 0) === 0;',
        replace: 'return this.#clientOf(channel) !== null;',
      },
    ],
  },
  {
    name: 'restart-serial-forgets-focus',
    what: 'what is typed goes to the first client when the receive virtualiser runs again',
    file: 'virtualisers/serial/rx/virt-rx.ts',
    system: supervised('serial'),
    explore: 'none',
    plan: deaths('serial_virt_rx'),
    edits: [
      {
        find: 'this.#current = Math.min(this.member?.note ?? 0, this.#clients.length - 1);',
        replace: 'this.#current = 0;',
      },
    ],
  },
];
