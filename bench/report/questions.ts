/**
 * The questions of the report, in its order: one table. An answer is the rows that it is about, a
 * sentence, plots and a table of them (`section.ts`); the answers are in a file for each subject.
 */

import * as blk from './answers-blk.ts';
import * as counters from './answers-counters.ts';
import * as host from './answers-host.ts';
import * as load from './answers-load.ts';
import * as net from './answers-net.ts';
import * as others from './answers-others.ts';
import { type Section, section } from './section.ts';

export const SECTIONS: readonly Section[] = [
  section('net-frame', 'net', 'How many packets per second, by frame size?', net.byFrame),
  section('net-batch', 'net', 'What does a batch bring?', net.byBatch),
  section(
    'net-work',
    'net',
    'Why does a batch help: what does the kernel do for each packet?',
    net.workByBatch,
  ),
  section(
    'net-clients',
    'net',
    'How does throughput change with the number of clients?',
    net.byClients,
  ),
  section('net-path', 'net', 'What do copier and separate domains cost?', net.byPath),
  section(
    'net-costs',
    'net',
    'How much memory, and how soon is the first packet echoed?',
    net.costs,
  ),
  section(
    'net-ndr',
    'net',
    'What is the highest rate without loss (NDR), and with 0.5 % loss (PDR)?',
    load.highestRates,
  ),
  section(
    'net-latency',
    'net',
    'How long does a packet take at 10, 50 and 90 % of PDR?',
    load.latency,
  ),
  section(
    'net-loss',
    'net',
    'How does loss grow when more is offered than can be carried?',
    load.loss,
  ),
  section('net-burst', 'net', 'How many frames back to back are taken without loss?', load.burst),
  section(
    'net-cpu',
    'net',
    'CPU use against offered load: does the cost table predict what sDDF publishes?',
    load.cpuUse,
  ),
  section(
    'net-round-trip',
    'net',
    'Round trip against offered load: what does the cost table predict?',
    load.roundTrips,
  ),
  section(
    'net-isolation',
    'net',
    'Does a slow or hostile client take from a good one?',
    load.isolation,
  ),
  section(
    'net-policy',
    'net',
    'Who sends how much under each transmit policy?',
    load.transmitPolicies,
  ),
  section('net-counters', 'net', 'What does one packet cost, counted?', counters.counters),
  section('net-batch-size', 'net', 'How many packets does a wake-up find?', counters.batchSizes),
  section('net-queue-depth', 'net', 'How full are the queues, over time?', counters.queueDepths),
  section('net-trace', 'net', 'What does it cost to record a trace?', counters.traceCost),
  section(
    'blk-depth',
    'blk',
    'How many requests of 4 KiB per second, by queue depth?',
    blk.byDepth,
  ),
  section('blk-size', 'blk', 'How many bytes per second, by the size of requests?', blk.bySize),
  section(
    'blk-backend',
    'blk',
    'Memory, file, NBD: what does the way to the data cost?',
    blk.byBackend,
  ),
  section('blk-policies', 'blk', 'Who gets how much of a disk, by policy?', blk.policies),
  section('blk-flush', 'blk', 'What does a flush cost?', blk.flush),
  section(
    'serial-rate',
    'serial',
    'How many bytes per second go from a client out of each UART, and over each bridge?',
    others.serialRates,
  ),
  section('serial-echo', 'serial', 'How soon is a typed character echoed?', others.serialEcho),
  section(
    'kernel-operations',
    'kernel',
    'How long do kernel operations take, and how long does seL4 take on a HiFive Unleashed?',
    others.kernelOperations,
  ),
  section(
    'kernel-growth',
    'kernel',
    'Does the cost of a call grow with objects, threads or priorities?',
    others.kernelGrowth,
  ),
  section(
    'kernel-revoke',
    'kernel',
    'Is revocation linear in the number of children?',
    others.kernelRevoke,
  ),
  section(
    'code-kernels',
    'code',
    'How fast is machine code, beside C and beside QEMU?',
    host.kernelsOfCode,
  ),
  section(
    'code-systems',
    'code',
    'How fast is a whole system of images, how soon does it start, and who waits for it?',
    host.systemsOfCode,
  ),
  section(
    'bridge-rate',
    'bridge',
    "How many datagrams a second go from the host's sockets to a program and back?",
    host.bridgeRates,
  ),
  section(
    'bridge-latency',
    'bridge',
    'How long is a datagram on its way there and back?',
    host.bridgeRoundTrips,
  ),
  section(
    'sim-worlds',
    'sim',
    'How many worlds does the simulator run, and what do explored orders cost?',
    host.worlds,
  ),
  section(
    'ipc-times',
    'ipc',
    'Which mechanism moves a message fastest, by workload?',
    others.ipcTimes,
  ),
  section(
    'ipc-counters',
    'ipc',
    'Why: what does the kernel do for a message of 64 bytes?',
    others.ipcCounters,
  ),
  section(
    'description',
    'description',
    'How long does a large description take to check and to boot?',
    others.descriptions,
  ),
];
