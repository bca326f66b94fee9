/**
 * What can be wrong with the switch of a network: sdfgen's rules, and what follows from the limits
 * of queues.
 */

import type { SystemBuilder } from '../builder.ts';
import { type Found, NET_CAPACITY_MAX, type NetPlan } from './net-plan.ts';
import { reachOf, vswitchClients } from './net-vswitch.ts';
import { checkPriorities } from './priorities.ts';

export function checkVswitch(network: NetPlan, found: Found[]): void {
  const { driver, vswitch, rx } = network.options;
  const path = `network of '${driver.name}'`;
  const clients = vswitchClients(network);
  if (vswitch === undefined) {
    for (const { pd } of clients) {
      const message = `Error: '${pd.name}' is to be behind a switch, and the network has none`;
      found.push({ message, path, hint: 'give vswitch to net()' });
    }
    if (network.aclRules.length > 0) {
      found.push({ message: 'Error: access rules without a switch', path });
    }
    return;
  }
  if (rx === undefined) found.push({ message: 'Error: a switch needs virtualisers', path });
  if (clients.length === 0) {
    const message = `Error: no client is behind the switch '${vswitch.name}'`;
    found.push({ message, path, hint: 'add a client with vswitch: true' });
  }
  const buffers = clients.reduce((sum, { txBuffers }) => sum + txBuffers, network.rxBuffers);
  if (buffers > NET_CAPACITY_MAX) {
    const message = `Error: buffers of all ports of the switch add up to ${buffers}, above a queue of ${NET_CAPACITY_MAX}`;
    found.push({ message, path });
  }
  for (const { pd, options } of clients) {
    const message =
      options.copier === undefined
        ? 'Error: behind a switch a client needs a copier'
        : options.mode === 'dummy' && 'Error: behind a switch a copier has to copy';
    if (message !== false) found.push({ message, path: `protection_domain '${pd.name}'` });
  }
  checkRules(network, found);
}

function checkRules(network: NetPlan, found: Found[]): void {
  const { driver, rx, tx } = network.options;
  const path = `network of '${driver.name}'`;
  const members = new Set<unknown>(['uplink', rx, tx, ...vswitchClients(network).map((c) => c.pd)]);
  for (const { a, b } of network.aclRules) {
    for (const end of [a, b]) {
      if (members.has(end)) continue;
      const name = end === 'uplink' ? end : end.name;
      const message = `Error: access rule for '${name}', which is not behind the switch`;
      found.push({ message, path });
    }
    if (a === b) {
      const name = a === 'uplink' ? a : a.name;
      found.push({ message: `Error: access rule from '${name}' to itself`, path });
    }
  }
}

/** After everything else: who can reach nobody, and who serves whom. */
export function checkVswitchMembers(sys: SystemBuilder, network: NetPlan): void {
  const { vswitch, rx, tx } = network.options;
  if (vswitch === undefined || rx === undefined || tx === undefined) return;
  const reach = reachOf(network);
  for (const [port, { pd, options }] of vswitchClients(network).entries()) {
    const copier = options.copier === undefined ? [] : [options.copier];
    checkPriorities(sys, [pd, ...copier]);
    checkPriorities(sys, [pd, vswitch]);
    const reached = reach[port]?.includes(true) === true;
    const reaching = reach.some((from) => from[port] === true);
    if (reached && reaching) continue;
    sys.problem({
      severity: 'warning',
      message: `'${pd.name}' ${reached ? 'is reached by nobody' : 'may reach nobody'} through the switch`,
      path: `protection_domain '${pd.name}'`,
      hint: 'addAclRule(a, b) lets two reach each other',
    });
  }
  checkPriorities(sys, [vswitch, rx]);
  checkPriorities(sys, [vswitch, tx]);
}
