/**
 * What can be wrong with a network class before anything is connected. Upstream finds most of these
 * at run time.
 */

import type { SystemBuilder } from '../builder.ts';
import { isPowerOfTwo } from './device.ts';
import { macProblem } from './mac.ts';
import { type Found, NET_CAPACITY_MAX, type NetClient, type NetPlan } from './net-plan.ts';
import { checkVswitch, checkVswitchMembers } from './net-vswitch-checks.ts';
import { checkPriorities } from './priorities.ts';

/** Reports everything that is wrong. @returns whether it makes sense to connect */
export function checkNet(sys: SystemBuilder, network: NetPlan): 'sound' | 'faulty' {
  const { driver, rx, tx } = network.options;
  const found: Found[] = [];
  const path = `network of '${driver.name}'`;
  checkBuffers('rxBuffers', network.rxBuffers, path, found);
  if ((rx === undefined) !== (tx === undefined)) {
    const message = 'Error: a network has both virtualisers or none';
    found.push({ message, path });
  }
  if (network.clients.length === 0) found.push({ message: 'Error: network without clients', path });
  if (rx === undefined && network.clients.length > 1) {
    const message = 'Error: without virtualisers a network has one client';
    found.push({ message, path, hint: 'give rx and tx' });
  }
  checkClients(network, found);
  checkVswitch(network, found);
  for (const problem of found) sys.problem(problem);
  checkChains(sys, network);
  checkVswitchMembers(sys, network);
  return found.length === 0 ? 'sound' : 'faulty';
}

function checkClients(network: NetPlan, found: Found[]): void {
  const macs = new Map<string, NetClient>();
  const copiers = new Set<unknown>();
  let txSum = 0;
  for (const client of network.clients) {
    const path = `protection_domain '${client.pd.name}'`;
    const { copier } = client.options;
    const report = (message: string): void =>
      void found.push({ message: `Error: ${message}`, path });
    checkBuffers('rxBuffers', client.rxBuffers, path, found);
    checkBuffers('txBuffers', client.txBuffers, path, found);
    txSum += client.txBuffers;
    const problem = macProblem(client.mac);
    if (problem !== undefined) report(problem);
    const other = macs.get(client.mac.toLowerCase());
    if (other !== undefined) report(`'${other.pd.name}' has the address ${client.mac} already`);
    macs.set(client.mac.toLowerCase(), client);
    if (copier === undefined) {
      const asked = client.options.rxBuffers;
      if (asked !== undefined && asked !== network.rxBuffers) {
        report(`without a copier it uses the ${network.rxBuffers} receive buffers of the device`);
      }
      continue;
    }
    if (network.options.rx === undefined) report('a copier needs virtualisers');
    if (copiers.has(copier)) report(`the copier '${copier.name}' has another client already`);
    copiers.add(copier);
  }
  if (txSum > NET_CAPACITY_MAX) {
    found.push({
      message: `Error: transmit buffers add up to ${txSum}, above the driver's queue of ${NET_CAPACITY_MAX}`,
      path: `network of '${network.options.driver.name}'`,
    });
  }
}

function checkBuffers(what: string, buffers: number, path: string, found: Found[]): void {
  if (isPowerOfTwo(buffers) && buffers <= NET_CAPACITY_MAX) return;
  found.push({
    message: `Error: ${what} is ${buffers}, not a power of two up to ${NET_CAPACITY_MAX}`,
    path,
    hint: 'queue indices are 16 bits wide and wrap, so a capacity has to divide 65536',
  });
}

function checkChains(sys: SystemBuilder, network: NetPlan): void {
  const { driver, rx, tx } = network.options;
  for (const { pd, options } of network.clients) {
    if (options.vswitch === true) continue;
    if (rx === undefined || tx === undefined) {
      checkPriorities(sys, [pd, driver]);
      continue;
    }
    const copier = options.copier === undefined ? [] : [options.copier];
    checkPriorities(sys, [pd, ...copier, rx]);
    checkPriorities(sys, [pd, tx]);
  }
  if (rx !== undefined && tx !== undefined && network.clients.length > 0) {
    checkPriorities(sys, [rx, driver]);
    checkPriorities(sys, [tx, driver]);
  }
}
