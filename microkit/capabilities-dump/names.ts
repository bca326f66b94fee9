/**
 * Names of kernel objects. The kernel knows addresses only; what a thread is called is known, and
 * everything else is called after the thread that has it: whose CSpace it is, who is bound to it,
 * who receives from it.
 */

import { RIGHT_READ } from '../../kernel/abi.ts';
import type { Snapshot } from '../../kernel/inspect/census.ts';
import type { Cap, CNode, KernelObject, Tcb } from '../../kernel/objects/objects.ts';
import { TCB_CTABLE, TCB_VTABLE } from '../../kernel/objects/objects.ts';

const PREFIX: Readonly<Record<KernelObject['kind'], string>> = {
  tcb: 'tcb',
  endpoint: 'endpoint',
  notification: 'notification',
  reply: 'reply',
  schedContext: 'sched_context',
  cnode: 'cnode',
  pageTable: 'page_table',
  asidPool: 'asid_pool',
};

export class ObjectNames {
  readonly #names = new Map<KernelObject, string>();
  readonly #taken = new Set<string>();

  constructor(snapshot: Snapshot) {
    const threads = [...snapshot.live].filter((object): object is Tcb => object.kind === 'tcb');
    for (const tcb of threads) this.#nameThread(tcb);
    // What a thread receives from carries its name: found in CNodes, which have theirs by now.
    for (const { slot, holder } of snapshot.slots) {
      if (holder === 'irq' || holder.kind !== 'cnode') continue;
      const owner = this.#ownerOf(holder);
      if (owner !== undefined) this.#nameReceived(slot.cap, owner);
    }
    this.#nameTables(snapshot);
    for (const object of snapshot.live) {
      this.#give(object, `${PREFIX[object.kind]}_0x${object.paddr.toString(16)}`);
    }
  }

  of(object: KernelObject): string {
    return this.#names.get(object) ?? `${object.kind}_0x${object.paddr.toString(16)}`;
  }

  #nameThread(tcb: Tcb): void {
    const owner = tcb.name === '' ? `0x${tcb.paddr.toString(16)}` : tcb.name.replaceAll(' ', '_');
    this.#give(tcb, `tcb_${owner}`);
    const root = tcb.slotAt(TCB_CTABLE).cap;
    if (root.kind === 'cnode') {
      this.#give(root.cnode, `cspace_${owner}`);
      const inner = root.cnode.slots[0]?.cap;
      if (inner?.kind === 'cnode') this.#give(inner.cnode, `cnode_${owner}`);
    }
    const vspace = tcb.slotAt(TCB_VTABLE).cap;
    if (vspace.kind === 'pageTable') this.#give(vspace.table, `vspace_${owner}`);
    if (tcb.schedContext !== null) this.#give(tcb.schedContext, `sched_context_${owner}`);
    if (tcb.boundNotification !== null) this.#give(tcb.boundNotification, `notification_${owner}`);
    if (tcb.reply !== null) this.#give(tcb.reply, `reply_${owner}`);
  }

  /**
   * @returns the thread whose own CNode this is; the initial thread has everybody's capabilities,
   * and gives no names
   */
  #ownerOf(cnode: CNode): string | undefined {
    return /^cnode_(.*)$/.exec(this.#names.get(cnode) ?? '')?.[1];
  }

  #nameReceived(cap: Cap, owner: string): void {
    if (cap.kind === 'reply') this.#give(cap.reply, `reply_${owner}`);
    if (cap.kind === 'endpoint' && (cap.rights & RIGHT_READ) !== 0) {
      this.#give(cap.endpoint, `endpoint_${owner}`);
    }
    if (cap.kind === 'notification' && (cap.rights & RIGHT_READ) !== 0) {
      this.#give(cap.notification, `notification_${owner}`);
    }
  }

  /**
   * A page table is called after the address space that it is in, and the address from which it is.
   */
  #nameTables({ slots }: Snapshot): void {
    const owners = new Map<number, string>();
    for (const { slot } of slots) {
      if (slot.cap.kind !== 'pageTable' || !slot.cap.isMapped) continue;
      const owner = /^vspace_(.*)$/.exec(this.#names.get(slot.cap.table) ?? '')?.[1];
      if (owner !== undefined) owners.set(slot.cap.mappedAsid, owner);
    }
    for (const { slot } of slots) {
      const cap = slot.cap;
      if (cap.kind !== 'pageTable' || !cap.isMapped) continue;
      const owner = owners.get(cap.mappedAsid);
      if (owner === undefined) continue;
      this.#give(cap.table, `pt_${owner}_0x${cap.mappedAddress.toString(16)}`);
    }
  }

  /** An object keeps its first name, and a name is given once. */
  #give(object: KernelObject, name: string): void {
    if (this.#names.has(object)) return;
    const free = this.#taken.has(name) ? `${name}_0x${object.paddr.toString(16)}` : name;
    this.#names.set(object, free);
    this.#taken.add(free);
  }
}
