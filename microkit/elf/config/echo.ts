/**
 * The echo client's section, `programs/network/echo.c`: its IPv4 address or that it is to be asked
 * for, whether closed ports are silent, and whether checksums are left to the device. It is this
 * project's own, because sDDF's configuration has no address: a client there asks a DHCP server.
 */

import { bytes, field, record, u8 } from '../../../memory/c-layout.ts';
import { type ConfigSection, configSection } from './section.ts';

const ADDRESS_BYTES = 4;

const client = configSection({
  name: '.echo_config',
  layout: record(8, {
    ip: field(0, bytes(ADDRESS_BYTES)),
    isSilent: field(4, u8),
    leavesChecksums: field(5, u8),
    isAsking: field(6, u8),
  }),
  from: (source) => {
    const isAsking = source.at('address').is('dhcp');
    if (!source.has('net') || (!isAsking && !source.has('ip'))) return undefined;
    return {
      ip: isAsking ? new Uint8Array(ADDRESS_BYTES) : source.at('ip').ipv4(),
      isAsking: isAsking ? 1 : 0,
      isSilent: source.at('closedPorts').is('silent') ? 1 : 0,
      leavesChecksums: source.at('checksums').is('device') ? 1 : 0,
    };
  },
});

export const ECHO_SECTIONS: readonly ConfigSection[] = [client];
