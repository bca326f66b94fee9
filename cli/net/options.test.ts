// What `--net` takes and what it refuses: each refusal says what is wrong and what is right.

import { describe, expect, it } from 'vitest';
import { parseNetOptions } from './options.ts';

describe('--net', () => {
  it.each([
    ['tap,name=tap0', { kind: 'tap', name: 'tap0' }],
    [
      'tap,name=my-tap.7,host=10.0.2.2/24',
      { kind: 'tap', name: 'my-tap.7', host: { ip: 0x0a00_0202, prefix: 24 } },
    ],
    [
      'slirp,restrict,hostfwd=tcp::8080-:80',
      {
        kind: 'slirp',
        config: { restricted: true, gateway: 0x0a00_0202, dhcpStart: 0x0a00_020f },
        forwards: [
          {
            protocol: 'tcp',
            hostIp: 0x7f00_0001,
            hostPort: 8080,
            guestIp: 0x0a00_020f,
            guestPort: 80,
          },
        ],
      },
    ],
    ['tap,name=tap0,host=10.0.3.0/23', { kind: 'tap', host: { ip: 0x0a00_0300, prefix: 23 } }],
    ['dgram,local=127.0.0.1:0,remote=127.0.0.1:5', { kind: 'dgram', local: { port: 0 } }],
    ['dgram,local=127.0.0.1:5,remote=127.0.0.2:5', { kind: 'dgram', local: { port: 5 } }],
    ['tap,name=tap0,mtu=2026', { kind: 'tap', name: 'tap0', mtu: 2026 }],
    ['stream,connect=unix:a,mtu=576', { kind: 'stream', mtu: 576 }],
    ['vde,sock=/tmp/a', { kind: 'vde', sock: '/tmp/a', port: 0 }],
    ['socket,mcast=230.0.0.1:1234', { kind: 'mcast', group: { host: '230.0.0.1', port: 1234 } }],
    [
      'passt,udp=5001:1235,tcp=127.0.0.1/8080:80',
      { kind: 'passt', udp: ['5001:1235'], tcp: ['127.0.0.1/8080:80'] },
    ],
  ])('%s is taken', (text, meant) => {
    expect(parseNetOptions(text)).toMatchObject(meant);
  });

  it.each([
    ['tap', "--net tap: 'name' is missing, as in name=tap0"],
    ['tap,name=much-too-long-00', 'no name for an interface'],
    ['tap,name=a/b', 'no name for an interface'],
    ['tap,name=tap%d', 'no name for an interface'],
    ['tap,name=tap0,host=10.0.2.2', 'not IP/PREFIX'],
    ['tap,name=tap0,host=10.0.2.2/31', 'with a prefix of 1 to 30, as in host=10.0.2.2/24'],
    ['tap,name=tap0,host=10.0.2.2/24/1', 'not IP/PREFIX'],
    ['tap,name=tap0,host=host/24', 'not IP/PREFIX'],
    ['tap,name=tap0,host=10.0.2.0/24', '10.0.2.0 is no address for a host in a network of 24 bits'],
    ['tap,name=tap0,host=10.0.2.255/24', 'no address for a host'],
    ['tap,name=tap0,host=10.255.255.255/8', 'no address for a host'],
    ['tap,name=tap0,host=0.0.0.1/24', 'no address for a host'],
    ['tap,name=tap0,host=127.0.0.1/8', 'no address for a host'],
    ['tap,name=tap0,host=224.0.0.1/24', 'see host=10.0.2.2/24'],
    ['dgram,local=127.0.0.1:5,remote=127.0.0.1:5', 'local and remote are the same'],
    ['dgram,local=127.0.0.1:5,remote=127.0.0.1:0', 'remote port 0: nobody listens there'],
    ['stream,connect=tcp:127.0.0.1:0', 'connect port 0: nobody listens there'],
    ['passt,tcp=99999', 'tcp=99999 is not PORT'],
    ['passt,udp=5001:0', 'not PORT'],
    ['tap,name=tap0,mtu=2027', "'2027' is not a whole number from 68 to 2026"],
    ['tap,name=tap0,mtu=67', 'from 68 to 2026'],
    ['user,mtu=1400', "--net user: unknown key 'mtu'"],
    ['vde', "'sock' is missing"],
    ['vde,sock=/tmp/a,port=x', "no number of a switch's port"],
    ['socket,mcast=10.0.0.1:1234', '10.0.0.1 is no multicast address'],
    ['socket,mcast=230.0.0.1:0', 'a port from 1 to 65535'],
    ['socket,mcast=230.0.0.1:1,localaddr=lo', 'localaddr=lo is not an IPv4 address'],
    ['socket,listen=:1', "unknown key 'listen'; known are mcast, localaddr, mtu"],
    ['passt,udp=5001-1235', 'not PORT, PORT:GUESTPORT'],
    ['passt,udp=-h', 'not PORT, PORT:GUESTPORT'],
    ['user,hostfwd=tcp::8080-:80', '--net slirp,hostfwd=tcp::8080-:80 does'],
    ['slirp,hostfwd=sctp::8080-:80', "cannot forward 'sctp', only tcp and udp"],
    ['slirp,hostfwd=tcp::0-:80', 'host port 0: nobody would know which it is'],
    ['slirp,dhcpstart=10.0.3.4', '--net slirp: dhcpstart=10.0.3.4 has no room'],
    ['tab,name=tap0', "unknown kind 'tab' (did you mean tap?)"],
  ])('%s is refused', (text, message) => {
    expect(() => parseNetOptions(text)).toThrow(message);
  });
});
