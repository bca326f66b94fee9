/** Microkit's example "setvar": addresses patched into a program. */

import { main } from '../../clients/microkit-examples/setvar.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import { timerDevice } from '../devices.ts';
import type { SystemModule } from '../system.ts';

/** Somewhere in RAM where nothing else has to be. */
const FIXED_PHYS_ADDR = 0x8400_0000;

function build(): BuildResult {
  const sys = system({ name: 'setvar' });
  const pd = sys.pd('setvar', {
    program: main,
    image: 'clients/microkit-examples/setvar.ts',
    priority: 1,
  });
  const rtc = sys.region('rtc', { size: '4K', physAddr: timerDevice.physAddr });
  const fixed = sys.region('mr_with_paddr', { size: '4K', physAddr: FIXED_PHYS_ADDR });
  const small = sys.region('small_mr_no_paddr', { size: '4K' });
  const large = sys.region('large_mr_no_paddr', { size: '2M', pageSize: 0x20_0000 });
  pd.map(fixed, { vaddr: 0x2000_0000, setvarVaddr: 'mr_with_paddr_vaddr' });
  pd.setvar('mr_with_paddr_paddr', fixed);
  pd.setvar('small_mr_no_paddr_paddr', small);
  pd.setvar('large_mr_no_paddr_paddr', large);
  pd.setvar('rtc_paddr', rtc);
  return sys.build();
}

export const setvar: SystemModule = { summary: 'addresses patched into a program', build };
