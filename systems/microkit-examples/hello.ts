/** Microkit's example "hello": one domain. */

import { main } from '../../clients/microkit-examples/hello.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import type { SystemModule } from '../system.ts';

function build(): BuildResult {
  const sys = system({ name: 'hello' });
  sys.pd('hello', { program: main, image: 'clients/microkit-examples/hello.ts' });
  return sys.build();
}

export const hello: SystemModule = { summary: 'one domain that prints a line', build };
