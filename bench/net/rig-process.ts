/**
 * The echo system in a process of its own, plain or with a recording: two of them are compared
 * slice by slice, and neither has to run what the engine has compiled for both.
 *
 * This file is also what that process runs: it boots the system, warms up, says so, and answers
 * each length of a slice with what was done in it, until the parent leaves.
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { causeOfDeath } from '../../host/watch/cause-of-death.ts';
import { forkWorker, requestOfParent } from '../../host/watch/worker-process.ts';
import type { Slice, Worker } from '../slices.ts';

export interface RigProcessOptions {
  readonly path: string;
  readonly frame: number;
  readonly batch: number;
  readonly recording: 'on' | 'off';
  readonly warmUpPackets: number;
}

export class RigProcess implements Worker {
  readonly #child: ChildProcess;
  /** Never fulfilled; rejected when the process has ended, or could not be started. */
  readonly #failed: Promise<never>;

  /** Warm, when the promise is fulfilled. @throws Error when the process ends instead */
  static async start(options: RigProcessOptions): Promise<RigProcess> {
    const started = new RigProcess(options);
    await started.#answer();
    return started;
  }

  private constructor(options: RigProcessOptions) {
    this.#child = forkWorker(new URL(import.meta.url), options);
    this.#failed = new Promise((_, reject) => {
      this.#child.on('error', reject);
      void causeOfDeath(this.#child).then((how) =>
        reject(new Error(`the process of the echo system ended: ${how}`)),
      );
    });
    // Whoever waits for an answer is told; when nobody does, it has been closed.
    this.#failed.catch(() => undefined);
  }

  async slice(sliceNs: number): Promise<Slice> {
    if (this.#child.connected) this.#child.send({ sliceNs });
    return (await this.#answer()) as Slice;
  }

  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#failed.catch(() => undefined);
  }

  async #answer(): Promise<unknown> {
    const [message] = (await Promise.race([once(this.#child, 'message'), this.#failed])) as [
      unknown,
    ];
    return message;
  }
}

async function serve(options: RigProcessOptions, send: (message: unknown) => void): Promise<void> {
  const { inlineDeeply } = await import('../../host/engine.ts');
  inlineDeeply();
  const { NetRig } = await import('../net-rig.ts');
  const { startRecording } = await import('../../systems/trace/recording.ts');
  const { path, frame, batch, recording, warmUpPackets } = options;
  const rig = await NetRig.boot({
    path,
    frame,
    batch,
    ...(recording === 'off'
      ? {}
      : { instrument: (system) => startRecording({ system, clock: 'host' }).instrument }),
  });
  await rig.warmUp(warmUpPackets);
  process.on('message', ({ sliceNs }: { readonly sliceNs: number }) => {
    void rig.slice(sliceNs).then(send);
  });
  send('warm');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error('this file is run by RigProcess');
  await serve(requestOfParent<RigProcessOptions>(), (message) => send(message));
}
