/** Microkit's example "domains": an emitter and a collector in different scheduling domains. */

import { main as collector } from '../../clients/microkit-examples/collector.ts';
import { main as emitter } from '../../clients/microkit-examples/emitter.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import type { SystemModule } from '../system.ts';

const PROGRAMS = 'clients/microkit-examples';

function build(): BuildResult {
  const sys = system({ name: 'domains' });
  sys.domains({
    domains: [{ name: 'monitor', id: 0 }, { name: 'emitter', id: 1 }, 'collector'],
    schedule: [
      { domain: 'monitor', duration: '6000 us' },
      { domain: 'emitter', duration: '8000 us' },
      { domain: 'collector', duration: '2000 us' },
      'end',
    ],
  });
  const from = sys.pd('emitter', {
    program: emitter,
    image: `${PROGRAMS}/emitter.ts`,
    domain: 'emitter',
  });
  const to = sys.pd('collector', {
    program: collector,
    image: `${PROGRAMS}/collector.ts`,
    domain: 'collector',
  });
  sys.channel(from, to, { a: { id: 0 }, b: { id: 0, notify: false } });
  return sys.build();
}

export const domains: SystemModule = {
  summary: 'notifications from one scheduling domain to another, which coalesce',
  build,
};
