/** A port of a VDE switch, as QEMU's `-netdev vde` has it: through VDE's own libvdeplug. */

import { existsSync } from 'node:fs';
import { UserMistake } from '../problem.ts';
import { type CLibrary, loadCLibrary } from './c-library.ts';
import type { FrameDescriptor } from './descriptor-bridge.ts';

const WHERE = '--net vde';
/** LIBVDEPLUG_INTERFACE_VERSION of libvdeplug.h. */
const INTERFACE_VERSION = 1;
/** `struct vde_open_args`: int port, char *group, mode_t mode. */
const OPEN_ARGS_BYTES = 24;
const MODE_AT = 16;
const MODE = 0o700;

const F_SETFL = 4;
const O_RDWR_NONBLOCK = 0x802;
const MSG_PEEK_DONTWAIT = 0x42;
const EAGAIN = 11;

export interface VdeRequest {
  /** The switch's folder, as `vde_switch -sock` has it. */
  readonly sock: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** @throws UserMistake */
export async function openVde({
  sock,
  port,
}: VdeRequest): Promise<{ readonly library: CLibrary; readonly frames: FrameDescriptor }> {
  const instead = 'use --net stream or --net tap';
  const common = { where: WHERE, instead };
  const libc = await loadCLibrary({ ...common, file: 'libc.so.6', package: 'libc6' });
  const vde = await loadCLibrary({
    ...common,
    file: 'libvdeplug.so.2',
    package: 'libvdeplug2',
  });
  if (!existsSync(sock)) {
    throw new UserMistake(`${WHERE}: ${sock} is not there; start vde_switch -sock ${sock} first`);
  }
  const open = vde.function(
    'intptr_t vde_open_real(const char *sock, const char *name, int version, uint8_t *args)',
  );
  const args = Buffer.alloc(OPEN_ARGS_BYTES);
  args.writeInt32LE(port, 0);
  args.writeUInt32LE(MODE, MODE_AT);
  const connection = open(sock, 'sddf', INTERFACE_VERSION, args);
  if (connection === 0) {
    const which = port === 0 ? 'no port free' : `no port ${port} free`;
    throw new UserMistake(`${WHERE}: ${sock}: no switch answers there, or it has ${which}`);
  }
  const ends = vde.function('int vde_close(intptr_t connection)');
  const descriptor = vde.function('int vde_datafd(intptr_t connection)')(connection);
  const control = vde.function('int vde_ctlfd(intptr_t connection)')(connection);
  const receive = vde.function(
    'long vde_recv(intptr_t connection, _Out_ uint8_t *bytes, size_t length, int flags)',
  );
  const send = vde.function(
    'long vde_send(intptr_t connection, const uint8_t *bytes, size_t length, int flags)',
  );
  const peek = libc.function('long recv(int fd, _Out_ uint8_t *bytes, size_t length, int flags)');
  libc.function('int fcntl(int fd, int command, int value)')(descriptor, F_SETFL, O_RDWR_NONBLOCK);
  const byte = new Uint8Array(1);
  return {
    library: libc,
    frames: {
      name: sock,
      descriptor,
      // The data are datagrams, which tell nothing of a switch that has ended; this line does.
      lifeline: {
        descriptor: control,
        hasEnded: () => peek(control, byte, 1, MSG_PEEK_DONTWAIT) === 0,
      },
      receive: (into) => {
        const bytes = receive(connection, into, into.length, 0);
        if (bytes >= 0) return bytes;
        return libc.errno() === EAGAIN ? 0 : -1;
      },
      send: (frame) =>
        send(connection, frame, frame.length, 0) === frame.length ? 'sent' : 'refused',
      close: () => void ends(connection),
    },
  };
}
