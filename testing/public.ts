/**
 * What the package offers as `sddf-testbed/testing`: the verbs of scripted tests, for vitest and
 * node:test.
 *
 *     import { startTest } from 'sddf-testbed/testing';
 *
 *     it('answers an ARP request', () => {
 *       const test = startTest({ system: built.system });
 *       test.step({ send: { arp: { to: '10.0.2.15' } } });
 *       test.step({ 'expect frame': { arp: { op: 'reply', from: '10.0.2.15' } } });
 *       test.step('at rest');
 *       test.end();
 *     });
 *
 * A step that does not hold, or that is written wrong, throws with the text that `sddf test`
 * prints.
 */

export { startTest, type ScriptedTest, type StartOptions } from './run/scripted-test.ts';
export { keep, makeScene, type Kept, type Scene, type SceneSystem } from './run/scene.ts';
export { USUAL_SETTINGS, type DiskSetting, type Settings } from './run/test-run.ts';
