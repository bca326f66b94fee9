/**
 * The NBD server as a protection domain: a client of the block class like any other, whose requests
 * come from sockets. It lives in `host/` because it meets the host; what happens there reaches it
 * as the interrupt of its doorbell.
 *
 *     socket ─▶ session ─▶ server ═doorbell═▶ this program ─▶ block queue ─▶ virtualiser ─▶ driver ─▶ device
 *     socket ◀─────────── server ◀─────────── this program ◀─ responses ◀──────────┘
 */

import type { ReadonlyRegion } from '../../memory/region.ts';
import type { Channel, Program, ProtectionDomain } from '../../microkit/pd.ts';
import type { BlkClientConfig } from '../../queues/blk/config.ts';
import type { MemberConfig } from '../../queues/restart/config.ts';
import { type Connections, joinRestarts, supervised } from '../../queues/restart/member.ts';
import { BLK_TRANSFER_BYTES } from '../../queues/blk/layout.ts';
import { isStorageReady, readStorageInfo } from '../../queues/blk/storage-info.ts';
import type { Doorbell } from '../../board/doorbell.ts';
import { BlockClient, type Job } from './block-client.ts';
import type { NbdServer } from './server.ts';

/** The one export's name; clients may leave it empty. */
const EXPORT_NAME = 'disk';

export interface NbdProgramConfig {
  readonly blk: BlkClientConfig;
  /** Channel of the doorbell's interrupt. */
  readonly doorbell: Channel;
  /** Where there is a supervisor. */
  readonly restart?: MemberConfig;
}

/**
 * The program, given what it needs of the host. When it is started again, its clients' connections
 * are still there; requests that the one before had begun are answered with an error, once.
 */
export function nbdProgram(server: NbdServer, doorbell: Doorbell): Program<NbdProgramConfig> {
  let last: NbdProgram | undefined;
  return (pd) => {
    last?.abandon();
    const program = new NbdProgram(pd, server, doorbell);
    last = program;
    return supervised(program.member, program, {
      notified: (channel) => program.notified(channel),
    });
  };
}

class NbdProgram implements Connections {
  readonly member: ReturnType<typeof joinRestarts>;
  readonly #pd: ProtectionDomain<NbdProgramConfig>;
  readonly #server: NbdServer;
  readonly #doorbell: Doorbell;
  readonly #client: BlockClient;
  readonly #info: ReadonlyRegion;
  readonly #nextJob: () => Job | undefined;
  #known: 'no' | 'device' | 'none' = 'no';

  constructor(pd: ProtectionDomain<NbdProgramConfig>, server: NbdServer, doorbell: Doorbell) {
    this.#pd = pd;
    this.#server = server;
    this.#doorbell = doorbell;
    this.#client = new BlockClient(pd, pd.config.blk);
    this.member = joinRestarts(pd, pd.config.restart);
    if (this.member !== undefined && this.member.abandoned.length > 0) this.close();
    this.#info = pd.readonlyRegion(pd.config.blk.virt.storageInfo);
    this.#nextJob = () => server.nextJob();
    server.onRequests(() => doorbell.ring());
    if (isStorageReady(this.#info)) this.#publish();
    pd.irqAck(pd.config.doorbell);
  }

  /** The virtualiser, our only neighbour, is down: requests wait at their sockets. */
  close(): void {
    this.#client.close();
  }

  open(): void {
    this.#client.open();
    this.#work();
  }

  /** Another one takes this one's place. */
  abandon(): void {
    this.#client.abandon();
    this.#server.flush();
  }

  notified(channel: Channel): void {
    if (channel === this.#pd.config.doorbell) {
      this.#doorbell.answer();
    } else if (this.#known !== 'device') {
      // Notified by the virtualiser: it knows by now what the device is, or that there is none.
      this.#publish();
    }
    this.#work();
    if (channel === this.#pd.config.doorbell) this.#pd.irqAck(channel);
  }

  #work(): void {
    this.#client.pump(this.#nextJob);
    this.#server.flush();
  }

  #publish(): void {
    if (!isStorageReady(this.#info)) {
      if (this.#known === 'no') this.#pd.log('NBD|ERROR: there is no device to export');
      this.#known = 'none';
      return this.#server.publish(undefined);
    }
    this.#known = 'device';
    const { capacity, readOnly } = readStorageInfo(this.#info);
    this.#server.publish({
      name: EXPORT_NAME,
      sizeBytes: capacity * BLK_TRANSFER_BYTES,
      readOnly,
      preferredBytes: BLK_TRANSFER_BYTES,
    });
  }
}
