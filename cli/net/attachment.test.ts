// Which guests `--net user` forwards to: those whose address is in the description, and those that
// may ask for one; and which addresses others have.

import { describe, expect, it } from 'vitest';
import { NetAttachment } from './attachment.ts';
import { Captures } from './captures.ts';
import { parseNetOptions } from './options.ts';

const GUEST = { pd: 'echo', ip: '10.0.2.99', mac: '52:54:01:00:00:01' };

async function opened(
  net: string,
  asking: 'possible' | 'nobody',
  guest = GUEST,
  onNotice: (line: string) => void = () => undefined,
): Promise<NetAttachment> {
  return NetAttachment.open({
    net: parseNetOptions(net),
    captures: await Captures.open({ targets: [], clock: 'host', onNotice }),
    interfaceName: 'net0',
    nicName: 'nic0',
    generators: [],
    clock: 'host',
    guests: [guest],
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

describe("a guest's address", () => {
  it.each([
    ['tap,name=tap0,host=10.0.2.99/24', '10.0.2.99', 'host=10.0.2.99 is the address of echo'],
    ['user', '10.0.2.2', '10.0.2.2 is the gateway there, and the address of echo'],
    ['slirp', '10.0.2.3', '10.0.2.3 is the name server there, and the address of echo'],
    ['passt', '10.0.2.2', '10.0.2.2 is the gateway there, and the address of echo'],
  ])('with --net %s is not %s', async (net, ip, message) => {
    await expect(opened(net, 'nobody', { ...GUEST, ip })).rejects.toThrow(message);
  });

  it.each([
    ['tap,name=tap0,host=10.0.2.2/24', '10.0.2.99'],
    ['stream,connect=unix:a.sock', '10.0.2.2'],
    ['user', '10.0.2.3'],
  ])('with --net %s may be %s', async (net, ip) => {
    await expect(opened(net, 'nobody', { ...GUEST, ip })).resolves.toBeDefined();
  });
});

describe('a network of its own', () => {
  it.each([
    ['user', 'nobody', '10.0.3.1', 'nic0: user is the network 10.0.2.0/24, and echo is 10.0.3.1'],
    ['slirp', 'nobody', '10.0.3.1', 'nic0: slirp is the network 10.0.2.0/24'],
    ['passt', 'nobody', '10.0.3.1', 'nic0: passt is the network 10.0.2.0/24'],
    ['user', 'nobody', '10.0.2.1', undefined],
    ['user', 'possible', '10.0.3.1', undefined],
    ['dgram,local=127.0.0.1:0,remote=127.0.0.1:5', 'nobody', '10.0.3.1', undefined],
  ] as const)(
    '%s, when others are %s and a guest is at %s: %s',
    async (net, asking, ip, notice) => {
      const notices: string[] = [];
      await opened(net, asking, { ...GUEST, ip }, (line) => notices.push(line));

      expect(notices).toEqual(notice === undefined ? [] : [expect.stringContaining(notice)]);
    },
  );
});
