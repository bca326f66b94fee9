/**
 * What one kernel entry of a thread may change: everything that its capabilities reach. Integrity
 * of Sewell and others (seL4 enforces integrity, 2011), for the objects of this kernel; the
 * scheduler's own state is left out.
 *
 * Control goes along capabilities to CNodes and threads, and to what was derived from what is
 * controlled. A capability to an endpoint, notification or reply object reaches the one who waits
 * there, as far as its rights go. An object all of whose capabilities are controlled may be
 * destroyed, which reaches everybody that it is tied to.
 */

import {
  RIGHT_GRANT,
  RIGHT_GRANT_REPLY,
  RIGHT_READ,
  RIGHT_WRITE,
  RIGHTS_ALL,
} from '../../../kernel/abi.ts';
import { isMdbParentOf } from '../../../kernel/objects/mdb.ts';
import { TCB_SLOTS } from '../../../kernel/objects/objects.ts';
import type {
  Cap,
  CNode,
  Endpoint,
  EndpointCap,
  FrameCap,
  KernelObject,
  Notification,
  NotificationCap,
  Reply,
  SchedContext,
  Slot,
  Tcb,
} from '../../../kernel/objects/objects.ts';
import type { AsidPool, PageTable } from '../../../kernel/memory/page-table.ts';
import type { KernelState } from '../../../kernel/state.ts';
import { findVSpaceForAsid, vspaceOf } from '../../../kernel/memory/vspace.ts';
import { objectOf } from '../../../kernel/inspect/census.ts';
import type { PlacedSlot, Snapshot } from '../../../kernel/inspect/census.ts';

export class Reach {
  readonly #k: KernelState;
  readonly #objects = new Set<KernelObject>();
  /** Slots that may be invoked, filled and emptied. */
  readonly #held = new Set<Slot>();
  /** CNodes all of whose slots are held, the empty ones included. */
  readonly #nodes = new Set<KernelObject>();
  readonly #threads = new Set<Tcb>();
  /** Slots that may be emptied, because their capability was derived from a held one. */
  readonly #derived = new Set<Slot>();
  /** CNodes of partners that may be given a capability. */
  readonly #givable = new Set<KernelObject>();
  readonly #frames = new Set<number>();
  readonly #kernelFields = new Set<string>();

  constructor(k: KernelState) {
    this.#k = k;
  }

  /** Adds what a thread reaches, itself included. */
  addThread(tcb: Tcb, snapshot: Snapshot): void {
    this.#control(tcb);
    const root = vspaceOf(this.#k, tcb);
    if (root !== null) this.#addFrames(root);
    this.#touchContext(this.#k.currentSchedContext);
    this.#addDestructible(snapshot);
  }

  /** Adds what interrupts reach: the notifications that they signal. */
  addInterrupts(): void {
    for (const slot of this.#k.irqSlots) this.#use(slot.cap);
    for (let irq = 0; irq < this.#k.irqState.length; irq += 1) this.#addIrq(irq);
  }

  allowsSlot({ slot, holder }: PlacedSlot, before: Cap): boolean {
    if (this.#held.has(slot) || this.#derived.has(slot)) return true;
    if (holder === 'irq') return false;
    if (this.#nodes.has(holder)) return true;
    return this.#givable.has(holder) && before.kind === 'null';
  }

  allowsObject(object: KernelObject): boolean {
    return this.#objects.has(object);
  }

  allowsKernelField(field: string): boolean {
    return this.#kernelFields.has(field);
  }

  allowsFrame(base: number): boolean {
    return this.#frames.has(base);
  }

  /**
   * Capabilities that are held: all that the thread can name, or could by way of a thread that it
   * controls.
   */
  heldCaps(): readonly Cap[] {
    return [...this.#held].map((slot) => slot.cap);
  }

  // --------------------------------------------------------------------------------------- control

  #control(tcb: Tcb): void {
    if (this.#threads.has(tcb)) return;
    this.#threads.add(tcb);
    this.#touchThread(tcb);
    for (let index = 0; index < TCB_SLOTS; index += 1) this.#hold(tcb.slotAt(index));
    this.#nodes.add(tcb);
  }

  #controlNode(cnode: CNode): void {
    if (this.#nodes.has(cnode)) return;
    this.#nodes.add(cnode);
    this.#objects.add(cnode);
    cnode.slots.forEach((slot) => {
      if (slot !== undefined) this.#hold(slot);
    });
  }

  #hold(slot: Slot): void {
    if (this.#held.has(slot)) return;
    this.#held.add(slot);
    this.#use(slot.cap);
    for (let at = slot.mdbNext; at !== null && isMdbParentOf(slot, at); at = at.mdbNext) {
      this.#derived.add(at);
      const cap = at.cap;
      if (cap.kind === 'frame' || cap.kind === 'pageTable') this.#touchMapping(cap.mappedAsid);
      if (cap.kind === 'irqHandler') this.#use(cap);
    }
  }

  #use(cap: Cap): void {
    const object = objectOf(cap);
    if (object !== undefined) this.#objects.add(object);
    switch (cap.kind) {
      case 'cnode':
        return this.#controlNode(cap.cnode);
      case 'thread':
        return this.#control(cap.tcb);
      case 'zombie':
        if (cap.object.kind === 'cnode') return this.#controlNode(cap.object);
        return this.#control(cap.object);
      case 'endpoint':
        return this.#useEndpoint(cap);
      case 'notification':
        return this.#useNotification(cap);
      case 'reply':
        return this.#useReply(cap.reply, cap.canGrant);
      case 'schedContext':
        return this.#touchContext(cap.schedContext);
      case 'frame':
        return this.#useFrame(cap);
      case 'pageTable':
        if (cap.isMapped) this.#touchMapping(cap.mappedAsid);
        return;
      case 'irqHandler':
        this.#addIrq(cap.irq);
        return this.#hold(this.#k.irqSlots[cap.irq] as Slot);
      case 'irqControl':
        for (let irq = 0; irq < this.#k.irqState.length; irq += 1) this.#addIrq(irq);
        return;
      case 'asidControl':
        this.#kernelFields.add('asidTable');
        return;
      case 'domain':
        this.#kernelFields.add('domainStart').add('domainSchedule');
        return;
      case 'null':
      case 'untyped':
      case 'schedControl':
      case 'asidPool':
        return;
      default:
        return cap satisfies never;
    }
  }

  #addIrq(irq: number): void {
    this.#kernelFields.add(`irq ${irq}`);
  }

  // -------------------------------------------------------------------------------------- partners

  #useEndpoint({ endpoint, rights }: EndpointCap): void {
    const partner = endpoint.head;
    if (partner === null) return;
    const may = endpoint.state === 'receive' ? RIGHT_WRITE : RIGHT_READ;
    if ((rights & may) === 0) return;
    this.#meet(partner);
    const gives = rights & (RIGHT_GRANT | RIGHT_GRANT_REPLY);
    if (endpoint.state === 'receive' && gives !== 0) this.#giveTo(partner);
    // CancelBadgedSends.
    if (rights === RIGHTS_ALL) this.#meetAll(endpoint);
  }

  #useNotification({ notification, rights }: NotificationCap): void {
    if ((rights & RIGHT_WRITE) === 0) return;
    if (notification.head !== null) this.#meet(notification.head);
    const bound = notification.boundTcb;
    if (bound?.state === 'blockedOnReceive') this.#meet(bound);
    if (notification.schedContext !== null) this.#touchContext(notification.schedContext);
  }

  #useReply(reply: Reply, canGrant: boolean): void {
    this.#touchReply(reply);
    if (reply.tcb === null) return;
    this.#meet(reply.tcb);
    if (canGrant) this.#giveTo(reply.tcb);
  }

  #useFrame({ base, mappedAsid }: FrameCap): void {
    this.#frames.add(base);
    this.#touchMapping(mappedAsid);
  }

  #meetAll(place: Endpoint | Notification): void {
    for (let tcb = place.head; tcb !== null; tcb = tcb.queueNext) this.#meet(tcb);
  }

  /** A message may be exchanged: registers, IPC buffer, reply object, scheduling context. */
  #meet(tcb: Tcb): void {
    this.#touchThread(tcb);
    const buffer = tcb.buffer.cap;
    if (buffer.kind === 'frame') this.#frames.add(buffer.base);
  }

  /** Wherever in its CSpace the receiver wants a capability to be put. */
  #giveTo(tcb: Tcb): void {
    const todo: Slot[] = [tcb.ctable];
    for (let slot = todo.pop(); slot !== undefined; slot = todo.pop()) {
      const cap = slot.cap;
      if (cap.kind !== 'cnode' || this.#givable.has(cap.cnode)) continue;
      this.#givable.add(cap.cnode);
      cap.cnode.slots.forEach((inner) => inner !== undefined && todo.push(inner));
    }
  }

  /** The thread is stopped, started or bound, and what ties it to others goes or changes hands. */
  #touchThread(tcb: Tcb): void {
    this.#objects.add(tcb);
    if (tcb.blockedOn !== null) this.#objects.add(tcb.blockedOn);
    if (tcb.boundNotification !== null) this.#objects.add(tcb.boundNotification);
    if (tcb.reply !== null) this.#touchReply(tcb.reply);
    if (tcb.schedContext !== null) this.#touchContext(tcb.schedContext);
    if (tcb.yieldTo !== null) this.#objects.add(tcb.yieldTo);
  }

  #touchReply(reply: Reply): void {
    this.#objects.add(reply);
    if (reply.prev !== null) this.#objects.add(reply.prev);
    if (reply.next !== null) this.#objects.add(reply.next);
    if (reply.schedContext !== null) this.#touchContext(reply.schedContext);
    if (reply.tcb === null) return;
    this.#objects.add(reply.tcb);
    if (reply.tcb.blockedOn !== null) this.#objects.add(reply.tcb.blockedOn);
  }

  #touchContext(sc: SchedContext): void {
    this.#objects.add(sc);
    if (sc.tcb !== null) this.#objects.add(sc.tcb);
    if (sc.notification !== null) this.#objects.add(sc.notification);
    if (sc.yieldFrom !== null) this.#objects.add(sc.yieldFrom);
    if (sc.reply === null) return;
    this.#objects.add(sc.reply);
    if (sc.reply.prev !== null) this.#objects.add(sc.reply.prev);
    if (sc.reply.tcb !== null) this.#objects.add(sc.reply.tcb);
  }

  // ---------------------------------------------------------------------------------------- memory

  /** All page tables of an address space: an entry of any may change. */
  #touchMapping(asid: number): void {
    const root = asid === 0 ? null : findVSpaceForAsid(this.#k, asid);
    if (root === null) return;
    this.#objects.add(root);
    const pool = this.#k.asidTable[asid >>> 9] as AsidPool | null;
    if (pool !== null) this.#objects.add(pool);
    this.#eachTable(root, (table) => this.#objects.add(table));
  }

  /** Pages that the thread itself can write to. */
  #addFrames(root: PageTable): void {
    this.#eachTable(root, (table) => {
      for (const entry of table.entries) if (entry?.kind === 'page') this.#frames.add(entry.base);
    });
  }

  #eachTable(root: PageTable, visit: (table: PageTable) => void): void {
    visit(root);
    for (const entry of root.entries) {
      if (entry?.kind === 'table') this.#eachTable(entry.table, visit);
    }
  }

  // ------------------------------------------------------------------------------------ destroying

  /** Adds what may be destroyed, until there is no more. */
  #addDestructible({ slots }: Snapshot): void {
    const families = new Map<KernelObject, Slot[]>();
    for (const { slot } of slots) {
      const object = objectOf(slot.cap);
      if (object === undefined) continue;
      const family = families.get(object);
      if (family === undefined) families.set(object, [slot]);
      else family.push(slot);
    }
    const isControlled = (slot: Slot): boolean => this.#held.has(slot) || this.#derived.has(slot);
    for (let found = true; found;) {
      found = false;
      for (const [object, family] of families) {
        if (!family.every(isControlled)) continue;
        families.delete(object);
        this.#destroy(object);
        found = true;
      }
    }
  }

  #destroy(object: KernelObject): void {
    this.#objects.add(object);
    switch (object.kind) {
      case 'tcb':
        return this.#control(object);
      case 'cnode':
        return this.#controlNode(object);
      case 'endpoint':
        return this.#meetAll(object);
      case 'notification':
        this.#meetAll(object);
        if (object.boundTcb !== null) this.#touchThread(object.boundTcb);
        if (object.schedContext !== null) this.#touchContext(object.schedContext);
        return;
      case 'reply':
        return this.#touchReply(object);
      case 'schedContext':
        return this.#touchContext(object);
      case 'pageTable':
      case 'asidPool':
        return;
      default:
        return object satisfies never;
    }
  }
}
