/**
 * The request and the response queue of the i2c class, each with its two ends. See `ring.ts`.
 *
 *     const requests = new I2cRequestProducer(pd.region(virt.requestQueue), virt.capacity);
 *     requests.header(1, 0x68);
 *     requests.command({ payload: data.vaddr, length: 7, flags: I2C_WRITE_READ | I2C_STOP });
 *     requests.publish();
 */

import type { Region } from '../../memory/region.ts';
import {
  I2C_HEADER,
  I2cCommandLayout,
  I2cResponseLayout,
  REQUEST_COMMANDS,
  REQUEST_HEAD,
  REQUEST_STAGED,
  REQUEST_TAIL,
  RESPONSE_ENTRIES,
  RESPONSE_HEAD,
  RESPONSE_TAIL,
} from './layout.ts';
import { RingConsumer, type RingLayout, RingProducer } from './ring.ts';

const REQUESTS: RingLayout = {
  tail: REQUEST_TAIL,
  head: REQUEST_HEAD,
  entries: REQUEST_COMMANDS,
  entryBytes: I2cCommandLayout.SIZE,
};
const RESPONSES: RingLayout = {
  tail: RESPONSE_TAIL,
  head: RESPONSE_HEAD,
  entries: RESPONSE_ENTRIES,
  entryBytes: I2cResponseLayout.SIZE,
};
const TWO_32 = 2 ** 32;

/** A command as it lies in the queue; which reading of the payload holds, its flags say. */
export interface I2cCommand {
  /** Of a command with data: where they lie, in the address space of the queue's consumer. */
  payload: number;
  /** Bytes of data, 0..255. */
  length: number;
  /** `I2C_…` of `layout.ts`; any bits, where it comes from a peer. */
  flags: number;
}

/** What a header's payload says. */
export interface I2cHeader {
  /** Commands that follow. */
  readonly count: number;
  /** 0..255, where it comes from a peer. */
  readonly address: number;
}

/** @returns what the payload of a header says, whatever else it holds */
export function headerOf({ payload }: I2cCommand): I2cHeader {
  return { count: payload & 0xffff, address: (payload >>> 16) & 0xff };
}

/** Puts transactions in: a header, then its commands, all published at once. */
export class I2cRequestProducer extends RingProducer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  /** @param most commands in the queue at once, headers among them */
  constructor(region: Region, most?: number) {
    super(region, REQUESTS, most);
    region.write32(REQUEST_STAGED, this.cursor);
  }

  /** @param count of the commands that come next, until `publish` */
  header(count: number, address: number): void {
    this.command({ payload: (address << 16) | count, length: 0, flags: I2C_HEADER });
  }

  command({ payload, length, flags }: I2cCommand): void {
    const at = this.stage();
    const { region } = this;
    region.write32(at, payload >>> 0);
    region.write32(at + 4, Math.floor(payload / TWO_32));
    region.write32(at + 8, (flags << 8) | length);
    region.write32(at + 12, 0);
  }

  override publish(): void {
    super.publish();
    // sDDF's producer keeps its cursor there, and its debuggers look at it.
    this.region.write32(REQUEST_STAGED, this.cursor);
  }
}

/** Takes commands out, one by one; what a header promises is not checked here. */
export class I2cRequestConsumer extends RingConsumer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  constructor(region: Region) {
    super(region, REQUESTS);
  }

  /** @returns the oldest command, each field read once. There must be one: see `available`. */
  dequeue(): I2cCommand {
    const at = this.take();
    const { region } = this;
    const word = region.read32(at + 8);
    const flags = (word >>> 8) & 0xff;
    // Of a header the upper half means nothing, and would round the lower one off: beyond 2^53.
    const high = (flags & I2C_HEADER) === 0 ? region.read32(at + 4) : 0;
    return { payload: region.read32(at) + high * TWO_32, length: word & 0xff, flags };
  }
}

/** How a transaction ended. */
export interface I2cResponse {
  /** Of which address. */
  readonly address: number;
  /** `I2C_OK` or an error; see `layout.ts`. */
  readonly error: number;
  /** On an error: which command of the transaction, from 1; 0 when the header is wrong. */
  readonly command: number;
}

/** Puts responses in, one for each transaction. */
export class I2cResponseProducer extends RingProducer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  constructor(region: Region) {
    super(region, RESPONSES);
  }

  /** Adds a response; the consumer sees it after `publish`. There must be a free slot. */
  enqueue({ address, error, command }: I2cResponse): void {
    const at = this.stage();
    const { region } = this;
    region.write32(at, command);
    region.write32(at + 4, 0);
    region.write32(at + 8, address);
    region.write32(at + 12, error);
  }
}

/** Takes responses out. */
export class I2cResponseConsumer extends RingConsumer {
  static {
    Object.freeze(this);
    Object.freeze(this.prototype);
  }

  constructor(region: Region) {
    super(region, RESPONSES);
  }

  /** @returns the oldest response, each field read once. There must be one: see `available`. */
  dequeue(): I2cResponse {
    const at = this.take();
    const { region } = this;
    return {
      command: region.read32(at),
      address: region.read32(at + 8) & 0xff,
      error: region.read32(at + 12) | 0,
    };
  }
}
