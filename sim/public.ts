/**
 * What the package offers as `sddf-testbed/sim`: plans of faults, their points, worlds, oracles and
 * campaigns, so that a system, a program or a device model of one's own is broken by the same
 * plans. See `docs/breaking.md`.
 */

export type { Finding, Oracle } from '../systems/oracle.ts';
export { runSeed, Tally } from './campaign/campaign.ts';
export type { CampaignSpec, CampaignSystem, SeedReport } from './campaign/campaign.ts';
export type { Decision } from './explore/explorer.ts';
export { failureText, readFailure, signatureOf } from './failure/failure-file.ts';
export type { Failure } from './failure/failure-file.ts';
export { replay } from './failure/replay.ts';
export { netEndsOf } from './oracles/net-ends.ts';
export { standardChaos } from './plan/chaos.ts';
export { NO_FAULTS, PLAN_SCHEMA } from './plan/plan.ts';
export type { Amount, Extent, Plan, Rule, When } from './plan/plan.ts';
export { presetText } from './plan/presets.ts';
export { readPlan } from './plan/read-plan.ts';
export { Injector } from './points/injector.ts';
export type { MomentAction, Point } from './points/injector.ts';
export { irqPoint, plannedIrqLine } from './points/irq-line.ts';
export { netWirePoints, PlannedWire } from './points/net-wire.ts';
export { dmaPoint, ownDmaPoint, PlannedDma } from './points/dma-window.ts';
export { PluggableDevice, plugPoint } from './points/pluggable.ts';
export { PlannedDisk } from './points/disk.ts';
export { diskPointKinds, diskPoints } from './points/disk-points.ts';
export { PlannedLine, uartLinePoints } from './points/uart-line.ts';
export { PlannedQueue } from './points/used-ring.ts';
export { usedRingPoint } from './points/used-ring-points.ts';
export { PlannedRegisters, virtioRegisterPoints } from './points/virtio-registers.ts';
export { fault } from './points/point.ts';
export type { Excuse, FaultKind, ParameterKind, PointKind, Strike } from './points/point.ts';
export { pointsOf } from './points/system-points.ts';
export { shrink } from './shrink/shrink.ts';
export { noteWorld, storyOf } from './shrink/story.ts';
export type { Violation } from './traffic/workload.ts';
export { runWorld } from './world.ts';
export type { Exploration, WorldOptions, WorldOutcome, WorldSystem } from './world.ts';
