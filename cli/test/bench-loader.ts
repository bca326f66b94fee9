/** Finds the unit of a bench: an image or a module. */

import type { SceneRequest } from '../../testing/file/test-file.ts';
import { UserMistake } from '../../host/problem.ts';
import type { Kept, Scene } from '../../testing/run/scene.ts';

export interface BenchRequest extends SceneRequest {
  /** Of the file of tests. */
  readonly folder: string;
}

/** @throws UserMistake */
export async function loadBench(request: BenchRequest, _kept: Kept): Promise<Scene> {
  throw new UserMistake(`no role '${request.role}'`);
}
