/**
 * Who has mapped which page to whom: a tree for each page, so that whoever has given a page away
 * can take it back. Each node is kernel memory that a message of a user has used up.
 */

import { type AddressSpace, READ_ONLY, READ_WRITE } from '../address-space.ts';
import type { ModelKernel } from '../model-kernel.ts';
import { MAP_NODE_BYTES } from './abi.ts';

interface MapNode {
  space: AddressSpace;
  page: number;
  parent: MapNode | null;
  readonly children: MapNode[];
  readonly at: number;
}

export interface PagePlace {
  readonly space: AddressSpace;
  readonly page: number;
}

export class MappingDatabase {
  readonly #kernel: ModelKernel;
  readonly #nodes = new Map<AddressSpace, Map<number, MapNode>>();

  constructor(kernel: ModelKernel) {
    this.#kernel = kernel;
  }

  /**
   * Maps a page of one space in another.
   * @returns false when it is not there, or kernel memory is used up
   */
  map(from: PagePlace, to: PagePlace, writable: 'yes' | 'no'): boolean {
    const frame = from.space.frameAt(from.page);
    if (frame < 0) return false;
    const parent = this.#find(from) ?? this.#add(from, null);
    if (parent === null) return false;
    this.unmap(to, 'all');
    if (this.#add(to, parent) === null) return false;
    this.#kernel.frames.share(frame);
    const canWrite = writable === 'yes' && from.space.isWritable(from.page);
    to.space.mapPage(to.page, frame, canWrite ? READ_WRITE : READ_ONLY);
    return true;
  }

  /** The page changes hands: the giver has it no more, and whoever it had given it to keeps it. */
  grant(from: PagePlace, to: PagePlace, writable: 'yes' | 'no'): boolean {
    const frame = from.space.frameAt(from.page);
    if (frame < 0) return false;
    this.unmap(to, 'all');
    const canWrite = writable === 'yes' && from.space.isWritable(from.page);
    this.#kernel.frames.share(frame);
    from.space.unmapPage(from.page);
    to.space.mapPage(to.page, frame, canWrite ? READ_WRITE : READ_ONLY);
    const node = this.#find(from);
    if (node === null) return true;
    this.#pagesOf(from.space).delete(from.page);
    node.space = to.space;
    node.page = to.page;
    this.#pagesOf(to.space).set(to.page, node);
    return true;
  }

  /** Takes a page back from everyone who has it from here; with `all`, from here too. */
  unmap(place: PagePlace, what: 'others' | 'all'): void {
    const node = this.#find(place);
    if (node !== null) {
      for (const child of [...node.children]) this.#remove(child);
      if (what === 'all') this.#remove(node);
    } else if (what === 'all') {
      place.space.unmapPage(place.page);
    }
  }

  #remove(node: MapNode): void {
    for (const child of [...node.children]) this.#remove(child);
    node.parent?.children.splice(node.parent.children.indexOf(node), 1);
    node.space.unmapPage(node.page);
    this.#pagesOf(node.space).delete(node.page);
    this.#kernel.heap.free(node.at, MAP_NODE_BYTES);
  }

  #add(place: PagePlace, parent: MapNode | null): MapNode | null {
    const at = this.#kernel.heap.allocate(MAP_NODE_BYTES);
    if (at === 0) return null;
    const node: MapNode = { ...place, parent, children: [], at };
    parent?.children.push(node);
    this.#pagesOf(place.space).set(place.page, node);
    return node;
  }

  #find({ space, page }: PagePlace): MapNode | null {
    return this.#nodes.get(space)?.get(page) ?? null;
  }

  #pagesOf(space: AddressSpace): Map<number, MapNode> {
    const known = this.#nodes.get(space);
    if (known !== undefined) return known;
    const pages = new Map<number, MapNode>();
    this.#nodes.set(space, pages);
    return pages;
  }
}
