/**
 * What the links of a run take for themselves on the host: a device, a port, a path. Of two that
 * take the same, the host would say that another program has it.
 */

import { formatStreamAddress, ipv4Text } from '../../host/net/socket-address.ts';
import { UserMistake } from '../../host/problem.ts';
import type { NetOptions } from './options.ts';

/**
 * @param nets by the NIC's number
 * @throws UserMistake
 */
export function checkClaims(nets: ReadonlyMap<number, NetOptions>): void {
  const owners = new Map<string, number>();
  for (const [nic, net] of nets) {
    for (const claim of claimsOf(net)) {
      const owner = owners.get(claim);
      if (owner === nic) {
        throw new UserMistake(`--net ${net.kind}: ${claim} is given twice; choose another for one`);
      }
      if (owner !== undefined) {
        throw new UserMistake(
          `--net: nic${owner} and nic${nic} both take ${claim}; choose another for one`,
        );
      }
      owners.set(claim, nic);
    }
  }
}

/** As messages name it. What the system chooses is nobody's. */
function claimsOf(net: NetOptions): readonly string[] {
  switch (net.kind) {
    case 'tap':
      return [net.name];
    case 'user':
      return net.forwards.flatMap(({ host }) => port(host.host, host.port, 'udp'));
    case 'slirp':
      return net.forwards.flatMap((each) =>
        port(ipv4Text(each.hostIp), each.hostPort, each.protocol),
      );
    case 'dgram':
      return port(net.local.host, net.local.port, 'udp');
    case 'stream': {
      const isChosen = net.address.kind === 'tcp' && net.address.port === 0;
      return net.role === 'client' || isChosen ? [] : [formatStreamAddress(net.address)];
    }
    default:
      return [];
  }
}

function port(host: string, number: number, protocol: 'tcp' | 'udp'): readonly string[] {
  return number === 0 ? [] : [`${host}:${number}/${protocol}`];
}
