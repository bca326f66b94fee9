/** Finds what a file of tests names: systems, images, modules and plans of faults. */

import { existsSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { readBounded } from '../../host/bounded-file.ts';
import { UserMistake } from '../../host/problem.ts';
import { readText } from '../../host/regular-file.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import { PLAN_BYTES_MAX } from '../../sim/plan/read-plan.ts';
import type { PlanAnswer, SceneLoader, SceneRequest } from '../../testing/file/test-file.ts';
import { type Kept, makeScene, type Scene, type SceneFiles } from '../../testing/run/scene.ts';
import { makeFolder } from '../../host/make-folder.ts';
import { loadSystem } from '../run/system-source.ts';
import { checkPlan } from '../sim/plan-file.ts';
import { loadBench } from './bench-loader.ts';

/** Names in front of a plan's problems that stand for the place in the test file. */
const PLAN_PLACE = /^faults:\d+:\d+: /;

/** Told of each folder in which something is looked for that tests name. */
export type OnFolder = (folder: string) => void;

export class FileScenes implements SceneLoader {
  readonly #folder: string;
  readonly #kept: Kept;
  readonly #onFolder: OnFolder;
  readonly #scenes = new Map<string, Promise<Scene>>();

  /** @param file of tests: what it names lies beside it */
  constructor(file: string, kept: Kept, onFolder: OnFolder = () => undefined) {
    this.#folder = dirname(file);
    this.#kept = kept;
    this.#onFolder = onFolder;
    onFolder(this.#folder);
  }

  scene(request: SceneRequest): Promise<Scene> {
    const key = JSON.stringify(request);
    const known = this.#scenes.get(key);
    if (known !== undefined) return known;
    const made = this.#load(request);
    this.#scenes.set(key, made);
    return made;
  }

  plan(text: string, system: SystemDescription): PlanAnswer {
    const result = checkPlan({ name: 'faults', text }, system);
    if (result.ok) return result;
    return { ok: false, problems: result.problems.map((each) => each.replace(PLAN_PLACE, '')) };
  }

  planFile(path: string): { readonly text: string } | string {
    const place = this.#beside(path);
    this.#onFolder(dirname(place));
    try {
      const read = readBounded(place, PLAN_BYTES_MAX);
      if (read.kind === 'too long') return `${place}: is larger than 1 MiB, which no plan needs`;
      return { text: new TextDecoder().decode(read.bytes) };
    } catch (error) {
      if (error instanceof UserMistake) return error.message;
      throw error;
    }
  }

  async #load(request: SceneRequest): Promise<Scene> {
    return { ...(await this.#loadScene(request)), files: this.#files };
  }

  async #loadScene(request: SceneRequest): Promise<Scene> {
    const { system, choices, unit = '' } = request;
    const searchPath = request.searchPath.map((path) => this.#beside(path));
    for (const folder of searchPath) this.#onFolder(folder);
    if (system === undefined) {
      this.#onFolder(dirname(this.#beside(unit)));
      return loadBench({ ...request, searchPath, folder: this.#folder }, this.#kept);
    }
    const isFile = /[./]/.test(system);
    const reference = isFile ? this.#beside(system) : system;
    if (isFile) this.#onFolder(dirname(reference));
    const loaded = await loadSystem(reference, choices, { searchPath });
    const scene = makeScene(loaded, this.#kept);
    // What a program of the user's keeps outside `main` is not to leak from test to test.
    return loaded.hasUserPrograms ? { ...scene, renew: () => this.#load(request) } : scene;
  }

  readonly #files: SceneFiles = {
    read: (path) => {
      const place = this.#beside(path);
      return existsSync(place) ? readText(place) : undefined;
    },
    write: (path, text) => {
      const place = this.#beside(path);
      makeFolder(dirname(place));
      writeFileSync(place, text);
    },
  };

  #beside(path: string): string {
    return isAbsolute(path) ? path : join(this.#folder, path);
  }
}
