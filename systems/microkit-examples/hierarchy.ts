/** Microkit's example "hierarchy": a parent with a child that crashes and one that does not. */

import { main as hello } from '../../clients/microkit-examples/hello.ts';
import { main as crasher } from '../../clients/microkit-examples/crasher.ts';
import { main as restarter } from '../../clients/microkit-examples/restarter.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import type { SystemModule } from '../system.ts';

const PROGRAMS = 'clients/microkit-examples';

function build(): BuildResult {
  const sys = system({ name: 'hierarchy' });
  const parent = sys.pd('restarter', {
    program: restarter,
    image: `${PROGRAMS}/restarter.ts`,
    priority: 253,
  });
  parent.child('crasher', {
    program: crasher,
    image: `${PROGRAMS}/crasher.ts`,
    priority: 252,
    id: 1,
  });
  parent.child('hello', { program: hello, image: `${PROGRAMS}/hello.ts`, priority: 1, id: 2 });
  return sys.build();
}

export const hierarchy: SystemModule = {
  summary: 'a parent that restarts its crashing child nine times, then stops it',
  build,
};
