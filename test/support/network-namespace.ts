/**
 * Test support: a network of a test's own. A process that does nothing holds a user and a network
 * namespace, in which the test is root and has the loopback interface; other programs are run in
 * them.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

/** Longer than any test: whatever happens to the test, its network does not stay. */
const HELD_S = 300;

/** @returns the first of the tools, or the right, that this machine lacks; undefined with all */
export function missingForNamespaces(tools: readonly string[]): string | undefined {
  const all = ['unshare', 'nsenter', 'ip', 'bash', ...tools];
  const missing = all.find((tool) => spawnSync('which', [tool]).status !== 0);
  if (missing !== undefined) return missing;
  const { status } = spawnSync('unshare', ['-rn', 'true']);
  return status === 0 ? undefined : 'the right to make a network namespace';
}

export interface Done {
  readonly status: number | null;
  /** Both streams. */
  readonly text: string;
}

export class NetworkNamespace {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** @param neighbour the new network has the same root as this one, who can move devices */
  static async make(neighbour?: NetworkNamespace): Promise<NetworkNamespace> {
    const [program = '', ...first] =
      neighbour === undefined ? ['unshare', '-rn'] : [...neighbour.inside, 'unshare', '-n'];
    const script = `ip link set lo up && echo ready && exec sleep ${HELD_S}`;
    const holder = spawn(program, [...first, 'bash', '-c', script]);
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    return new NetworkNamespace(holder);
  }

  /** What stands before a command that is run in it. */
  get inside(): readonly string[] {
    return ['nsenter', '--preserve-credentials', '-U', '-n', '-t', String(this.#holder.pid)];
  }

  /** The same as root of the namespace's users, but in the network of the test: without rights. */
  get outside(): readonly string[] {
    return ['nsenter', '--preserve-credentials', '-U', '-t', String(this.#holder.pid)];
  }

  /** Gives a device of this network to one that was made as its neighbour. */
  async moveTo(other: NetworkNamespace, device: string): Promise<void> {
    const pid = other.#holder.pid ?? 0;
    const { status, text } = await this.sh(`ip link set ${device} netns ${pid}`);
    if (status !== 0) throw new Error(`${device} stays where it is: ${text}`);
  }

  /** Runs a script of bash to its end, while the test's own process goes on. */
  sh(script: string): Promise<Done> {
    return this.run(['bash', '-c', script]);
  }

  run(command: readonly string[], where: readonly string[] = this.inside): Promise<Done> {
    const [program = '', ...args] = [...where, ...command];
    const child = spawn(program, args);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece: Buffer) => (text += piece.toString()));
    }
    return new Promise((resolve) => {
      child.once('close', (status) => resolve({ status, text }));
    });
  }

  end(): void {
    this.#holder.kill();
  }
}
