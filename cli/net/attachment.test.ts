// Which guests `--net user` forwards to: those whose address is in the description, and those that
// may ask for one.

import { describe, expect, it } from 'vitest';
import { NetAttachment } from './attachment.ts';
import { Captures } from './captures.ts';
import { parseNetOptions } from './options.ts';

const GUEST = { pd: 'echo', ip: '10.0.2.99', mac: '52:54:01:00:00:01' };

async function opened(net: string, asking: 'possible' | 'nobody'): Promise<NetAttachment> {
  const onNotice = (): void => undefined;
  return NetAttachment.open({
    net: parseNetOptions(net),
    captures: await Captures.open({ targets: [], clock: 'host', onNotice }),
    interfaceName: 'net0',
    generators: [],
    clock: 'host',
    guests: [GUEST],
    asking,
    onNotice,
  });
}

describe('a forward', () => {
  it('reaches an address of the description, and with images all that DHCP may give', async () => {
    await opened('user,hostfwd=udp::0-10.0.2.99:1', 'nobody');
    await opened('user,hostfwd=udp::0-10.0.2.15:1,hostfwd=udp::0-10.0.2.30:1', 'possible');
    const moved = await opened('user,dhcpstart=10.0.2.100,hostfwd=udp::0-10.0.2.115:1', 'possible');

    expect(moved.input, 'somebody may use it at any time').toBe('coming');
    expect((await opened('user', 'possible')).input).toBe('endless');
  });

  it.each([
    ['10.0.2.15', 'nobody', 'nobody has the address 10.0.2.15; known are 10.0.2.99'],
    ['10.0.2.31', 'possible', 'known are 10.0.2.99; DHCP gives 10.0.2.15 to 10.0.2.30'],
    ['10.0.2.14', 'possible', 'nobody has the address 10.0.2.14'],
  ] as const)('to %s when there is %s is refused', async (ip, asking, message) => {
    await expect(opened(`user,hostfwd=udp::0-${ip}:1`, asking)).rejects.toThrow(message);
  });
});
