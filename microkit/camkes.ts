/**
 * CAmkES's core connectors as functions on the builder. A component instance is a protection
 * domain; a connection becomes channels, regions and interrupts of the same model, and tells each
 * side by its interface's name:
 *
 *     seL4RPCCall(sys, { name: 'hello', from: [client], to: server });     // client.config.hello.channel
 *     seL4Notification(sys, { name: 'done', from: [server], to: client });
 *     seL4SharedData(sys, { name: 'buffer', between: [{ pd: client }, { pd: server, access: 'R' }] });
 *     seL4HardwareMMIO(sys, { name: 'regs', pd: driver, paddr: 0x10_1000, size: 0x1000 });
 *     seL4HardwareInterrupt({ name: 'irq', pd: driver, irq: 11 });
 *
 * What is different from CAmkES: a component has one thread, so an interface is an event handler
 * and not a thread, and locks are not needed; a callee must have a higher priority than its
 * callers, which Microkit demands and CAmkES does not.
 */

import type { Id, PdBuilder, Size, SystemBuilder } from './builder.ts';
import type { Permissions, Trigger } from './model.ts';

/**
 * What a component finds in its configuration under the name of an interface that it uses or an
 * event that it emits.
 */
export interface CamkesUser {
  readonly channel: number;
}

/**
 * What a component finds under the name of an interface that it provides or an event that it
 * consumes: a channel for each connected component, in the order of the connection.
 */
export interface CamkesProvider {
  readonly channels: readonly number[];
}

/**
 * What a component finds under the name of a dataport, or of a device's registers: the name of the
 * region.
 */
export interface CamkesDataport {
  readonly region: string;
}

/** Two or more components, and the interface between them. */
export interface ConnectionOptions {
  /** Name of the interface, on both sides. */
  readonly name: string;
  readonly from: readonly PdBuilder[];
  readonly to: PdBuilder;
}

/** `from` may call `to`. Many callers of one interface are told apart by their channel. */
export function seL4RPCCall(sys: SystemBuilder, options: ConnectionOptions): void {
  for (const caller of options.from) checkCallerPriority(sys, caller, options.to);
  connect(sys, options, { pp: true, notify: false });
}

/** `from` may signal `to`. */
export function seL4Notification(sys: SystemBuilder, options: ConnectionOptions): void {
  connect(sys, options, { pp: false, notify: true });
}

function connect(
  sys: SystemBuilder,
  { name, from, to }: ConnectionOptions,
  rights: { readonly pp: boolean; readonly notify: boolean },
): void {
  const ids = from.map((user): Id => {
    const channel = sys.channel(user, to, { a: rights, b: { notify: false } });
    user.configure((): Record<string, CamkesUser> => ({ [name]: { channel: channel.a.value } }));
    return channel.b;
  });
  to.configure((): Record<string, CamkesProvider> => ({
    [name]: { channels: ids.map((id) => id.value) },
  }));
}

function checkCallerPriority(sys: SystemBuilder, caller: PdBuilder, callee: PdBuilder): void {
  if (caller.priority < callee.priority) return;
  sys.problem({
    message:
      `Error: seL4RPCCall from '${caller.name}' (priority: ${caller.priority}) to '${callee.name}' ` +
      `(priority: ${callee.priority}): the callee must have the higher priority`,
    path: `protection_domain '${caller.name}'`,
    hint: 'CAmkES has no such rule; Microkit has, because it excludes deadlock',
  });
}

/**
 * Letters of CAmkES's `x_access` setting; the kernel has no write-only mappings, so W alone reads
 * too.
 */
export type CamkesAccess = 'R' | 'W' | 'RW' | 'RX' | 'RWX';

const PERMISSIONS: Readonly<Record<CamkesAccess, Permissions>> = {
  R: 'r',
  W: 'rw',
  RW: 'rw',
  RX: 'rx',
  RWX: 'rwx',
};

/** A dataport: who has it, and with which rights. */
export interface SharedDataOptions {
  readonly name: string;
  readonly between: readonly { readonly pd: PdBuilder; readonly access?: CamkesAccess }[];
  /** One page unless told, as `dataport Buf`. */
  readonly size?: Size;
}

/** A dataport: a region that all of `between` map. */
export function seL4SharedData(sys: SystemBuilder, options: SharedDataOptions): void {
  const { name, between, size = '4K' } = options;
  const region = sys.region(`${between.map(({ pd }) => pd.name).join('_')}_${name}`, { size });
  for (const { pd, access = 'RW' } of between) {
    pd.map(region, { perms: PERMISSIONS[access] });
    pd.configure({ [name]: { region: region.name } satisfies CamkesDataport });
  }
}

/** A device's registers, and the component that drives it. */
export interface HardwareMmioOptions {
  readonly name: string;
  readonly pd: PdBuilder;
  readonly paddr: number;
  readonly size: Size;
}

/** Registers of a device, as a dataport of the component that drives it. */
export function seL4HardwareMMIO(sys: SystemBuilder, options: HardwareMmioOptions): void {
  const { name, pd, paddr, size } = options;
  const region = sys.region(`${pd.name}_${name}`, { size, physAddr: paddr });
  pd.map(region, { perms: 'rw', cached: false });
  pd.configure({ [name]: { region: region.name } satisfies CamkesDataport });
}

/** A device's interrupt, by its number at the controller, and who consumes it. */
export interface HardwareInterruptOptions {
  readonly name: string;
  readonly pd: PdBuilder;
  readonly irq: number;
  readonly trigger?: Trigger;
}

/** An interrupt, as an event that the component consumes and acknowledges. */
export function seL4HardwareInterrupt(options: HardwareInterruptOptions): void {
  const { name, pd, irq, trigger = 'level' } = options;
  const id = pd.irq(irq, { trigger });
  pd.configure((): Record<string, CamkesUser> => ({ [name]: { channel: id.value } }));
}
