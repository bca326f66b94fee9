/**
 * The echo client's section, `programs/network/echo.c`: its IPv4 address. It is this project's own,
 * because sDDF's configuration has no address: a client there asks a DHCP server.
 */

import { bytes, field, record } from '../../../memory/c-layout.ts';
import { type ConfigSection, configSection } from './section.ts';

const ADDRESS_BYTES = 4;

const client = configSection({
  name: '.echo_config',
  layout: record(8, { ip: field(0, bytes(ADDRESS_BYTES)) }),
  from: (source) => (source.has('net', 'ip') ? { ip: source.at('ip').ipv4() } : undefined),
});

export const ECHO_SECTIONS: readonly ConfigSection[] = [client];
