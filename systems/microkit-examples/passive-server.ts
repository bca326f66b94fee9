/** Microkit's example "passive server": a client that calls a server without time of its own. */

import { main as client } from '../../clients/microkit-examples/passive-client.ts';
import { main as server } from '../../clients/microkit-examples/passive-server.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import type { SystemModule } from '../system.ts';

const PROGRAMS = 'clients/microkit-examples';

function build(): BuildResult {
  const sys = system({ name: 'passive_server' });
  const callee = sys.pd('server', {
    program: server,
    image: `${PROGRAMS}/passive-server.ts`,
    priority: 254,
    passive: true,
  });
  const caller = sys.pd('client', {
    program: client,
    image: `${PROGRAMS}/passive-client.ts`,
    priority: 1,
  });
  sys.channel(caller, callee, { a: { id: 0, pp: true } });
  return sys.build();
}

export const passiveServer: SystemModule = {
  summary: 'a client that calls a server which has no time of its own',
  build,
};
