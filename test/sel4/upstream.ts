/**
 * The tests that sel4test has, file by file, with the class that decides whether they apply here
 * (MCS, RISC-V 64, one core): P portable, T needs a timer, M needs an address space; with a reason
 * the test does not apply.
 */

import type { TestClass } from './driver/test.ts';

export interface UpstreamTest {
  readonly name: string;
  readonly file: string;
  /** L is the user library; '-' another configuration. */
  readonly class: TestClass | 'L' | '-';
  /** Why it does not apply; empty when it does. */
  readonly reason: string;
}

/** File, class, reason, names. */
const GROUPS: readonly (readonly [string, UpstreamTest['class'], string, string])[] = [
  ['arch/x86/alignment.c', '-', 'x86', 'STACK_ALIGNMENT_001'],
  [
    'arch/x86/ept.c',
    '-',
    'x86 VT-x',
    'EPT0001 EPT0002 EPT0003 EPT1001 EPT1002 EPT0004 EPT0005 EPT0006 EPT0007 EPT0008 EPT0009 EPT0010 EPT0011',
  ],
  ['benchmark_api.c', 'T', '', 'BENCHMARK_0001'],
  ['binding.c', 'P', '', 'BIND0001 BIND0002 BIND0003 BIND0004 BIND005 BIND006'],
  [
    'breakpoints.c',
    '-',
    'hardware debug API',
    'BREAKPOINT_001 BREAKPOINT_002 BREAKPOINT_003 BREAKPOINT_004 BREAKPOINT_005 BREAKPOINT_006 BREAKPOINT_007 BREAK_REQUEST_001 SINGLESTEP_001',
  ],
  [
    'cache.c',
    '-',
    'cache operations',
    'CACHEFLUSH0001 CACHEFLUSH0002 CACHEFLUSH0003 CACHEFLUSH0004',
  ],
  [
    'cnodeops.c',
    'P',
    '',
    'CNODEOP0001 CNODEOP0002 CNODEOP0003 CNODEOP0004 CNODEOP0005 CNODEOP0006 CNODEOP0007 CNODEOP0008',
  ],
  ['cnodeops.c', '-', 'non-MCS configuration', 'CNODEOP0009'],
  ['cspace.c', 'P', '', 'CSPACE0001'],
  ['endpoints.c', 'P', '', 'CANCEL_BADGED_SENDS_0001 CANCEL_BADGED_SENDS_0002'],
  [
    'faults.c',
    'M',
    '',
    'PAGEFAULT0001 PAGEFAULT0002 PAGEFAULT0003 PAGEFAULT0005 PAGEFAULT1001 PAGEFAULT1002 PAGEFAULT1003',
  ],
  ['faults.c', 'P', '', 'PAGEFAULT0004 PAGEFAULT1004'],
  ['faults.c', '-', 'disabled upstream', 'PAGEFAULT1005'],
  ['faults.c', 'T', '', 'TIMEOUTFAULT0001 TIMEOUTFAULT0002 TIMEOUTFAULT0003'],
  ['faults.c', '-', 'x86 VT-x', 'UNKNOWN_SYSCALL_001'],
  ['fpu.c', 'L', 'user library, not the kernel', 'FPU0000'],
  ['fpu.c', '-', 'needs an FPU', 'FPU0001 FPU0003 FPU0004'],
  ['fpu.c', '-', 'needs several cores', 'FPU0002'],
  ['frames.c', 'M', '', 'FRAMEEXPORTS0001 FRAMEDIPC0003'],
  ['frames.c', '-', 'Arm; GAP_EXECUTE_NEVER is the RISC-V version', 'FRAMEXN0001 FRAMEXN0002'],
  ['frames.c', 'P', '', 'FRAMEDIPC0001 FRAMEDIPC0002'],
  ['inc_untyped.c', 'P', '', 'RETYPE0000 RETYPE0001 RETYPE0002'],
  ['interrupt.c', 'T', '', 'INTERRUPT0002 INTERRUPT0003 INTERRUPT0004 INTERRUPT0005 INTERRUPT0006'],
  ['ioports.c', '-', 'x86 I/O ports', 'IOPORTS1000'],
  [
    'iopt.c',
    '-',
    'IOMMU (x86, Arm)',
    'IOPT0001 IOPT0002 IOPT0004 IOPT0008 IOPT0009 IOPT0011 IOPT0001 IOPT0002 IOPT0004 IOPT0008 IOPT0009',
  ],
  [
    'ipc.c',
    'P',
    '',
    'IPC0001 IPC0002 IPC0003 IPC0004 IPC1001 IPC1002 IPC1003 IPC1004 IPC0010 IPC0011 IPC0012 IPC0013 IPC0014 IPC0015 IPC0016 IPC0017 IPC0018 IPC0019 IPC0020 IPC0022 IPC0023 IPC0024 IPC0025 IPC0026 IPC0027',
  ],
  ['ipc.c', 'M', '', 'IPC0021'],
  ['ipc.c', '-', 'disabled upstream', 'IPC0028'],
  ['ipc_rights.c', 'P', '', 'IPCRIGHTS0001 IPCRIGHTS0002 IPCRIGHTS0003'],
  ['ipc_rights.c', '-', 'non-MCS configuration', 'IPCRIGHTS0004 IPCRIGHTS0005'],
  [
    'multicore.c',
    '-',
    'needs several cores',
    'MULTICORE0001 MULTICORE0002 MULTICORE0005 MULTICORE0003 MULTICORE0004',
  ],
  ['nbwait.c', 'P', '', 'NBWAIT0001'],
  ['pagetables.c', '-', 'Arm', 'PT0001 PT0002 PT0001'],
  ['regressions.c', 'M', '', 'REGRESSIONS0001'],
  ['regressions.c', '-', 'Arm', 'REGRESSIONS0002'],
  ['regressions.c', '-', 'x86 IA-32', 'REGRESSIONS0003'],
  [
    'schedcontext.c',
    'P',
    '',
    'SCHED_CONTEXT_0001 SCHED_CONTEXT_0003 SCHED_CONTEXT_0006 SCHED_CONTEXT_0007 SCHED_CONTEXT_0008',
  ],
  [
    'schedcontext.c',
    'T',
    '',
    'SCHED_CONTEXT_0002 SCHED_CONTEXT_0005 SCHED_CONTEXT_0009 SCHED_CONTEXT_0010 SCHED_CONTEXT_0011 SCHED_CONTEXT_0012 SCHED_CONTEXT_0013',
  ],
  ['schedcontext.c', '-', 'needs several cores', 'SCHED_CONTEXT_0014'],
  [
    'scheduler.c',
    'T',
    '',
    'SCHED0000 SCHED0003 SCHED0008 SCHED0009 SCHED0010 SCHED0011 SCHED0012 SCHED0013 SCHED0014 SCHED0018 SCHED0019 SCHED0021',
  ],
  ['scheduler.c', 'P', '', 'SCHED0002 SCHED0004 SCHED0005 SCHED0007 SCHED0016 SCHED0017 SCHED0020'],
  ['scheduler.c', '-', 'non-MCS configuration', 'SCHED0006'],
  ['scheduler.c', '-', 'needs several cores', 'SCHED0022'],
  [
    'serial_server.c',
    'L',
    'user library, not the kernel',
    'SERSERV_CLIENT_001 SERSERV_CLIENT_002 SERSERV_CLIENT_003 SERSERV_CLIENT_004 SERSERV_CLIENT_005 SERSERV_CLI_PROC_001 SERSERV_CLI_PROC_002 SERSERV_CLI_PROC_003 SERSERV_CLI_PROC_004 SERSERV_CLI_PROC_005',
  ],
  ['smc.c', '-', 'Arm SMC', 'SMC0001 SMC0002 SMC0003 SMC0004 SMC0005 SMC0006 SMC0007 SMC0008'],
  ['sync.c', 'L', 'user library, not the kernel', 'SYNC001 SYNC002 SYNC003 SYNC004'],
  ['threads.c', 'P', '', 'THREADS0004 THREADS0005'],
  ['tls.c', 'L', 'user library, not the kernel', 'TLS0001 TLS0002 TLS0006'],
  ['trivial.c', 'L', 'user library, not the kernel', 'TRIVIAL0000'],
  ['trivial.c', 'P', '', 'TRIVIAL0001 TRIVIAL0002'],
  ['vcpu.c', '-', 'Arm VCPU', 'VCPU0001'],
  ['vspace.c', 'M', '', 'VSPACE0000 VSPACE0006'],
  ['vspace.c', '-', 'Arm', 'VSPACE0001 VSPACE0001'],
  ['vspace.c', 'P', '', 'VSPACE0002 VSPACE0003 VSPACE0004 VSPACE0005'],
  ['vspace.c', '-', 'x86 IA-32', 'VSPACE0010'],
  ['driver interrupt.c', '-', 'needs several cores', 'SMPIRQ0001'],
  ['driver smmu.c', '-', 'Arm SMMU', 'SMMU0001'],
  [
    'driver syscall.c',
    'P',
    '',
    'SYSCALL0000 SYSCALL0001 SYSCALL0002 SYSCALL0004 SYSCALL0005 SYSCALL0006 SYSCALL0010 SYSCALL0011 SYSCALL0012 SYSCALL0013 SYSCALL0014 SYSCALL0015 SYSCALL0017 SYSCALL0018',
  ],
  ['driver syscall.c', '-', 'non-MCS configuration', 'SYSCALL0003 SYSCALL0016'],
  ['driver timer.c', 'T', '', 'TIMER0001 TIMER0002'],
  ['preempt.c', 'T', '', 'PREEMPT_REVOKE'],
];

export const UPSTREAM_TESTS: readonly UpstreamTest[] = GROUPS.flatMap(
  ([file, testClass, reason, names]) =>
    names.split(' ').map((name) => ({ name, file, class: testClass, reason })),
);
