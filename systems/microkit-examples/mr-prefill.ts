/** Microkit's example "memory region prefill": a region that is filled from a file. */

import { fillFile, main } from '../../clients/microkit-examples/mr-prefill.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import type { SystemModule } from '../system.ts';

function build(): BuildResult {
  const sys = system({ name: 'mr_prefill' });
  const pd = sys.pd('mr_prefill', {
    program: main,
    image: 'clients/microkit-examples/mr-prefill.ts',
  });
  const fill = sys.region('fill', { prefill: { path: 'fill.bin', bytes: fillFile() } });
  pd.map(fill, {
    perms: 'r',
    setvarVaddr: 'filled_mr',
    setvarPrefillSize: 'filled_mr_data_size',
  });
  return sys.build();
}

export const mrPrefill: SystemModule = { summary: 'a region filled from a file', build };
