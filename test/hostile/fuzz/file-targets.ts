/**
 * Readers of the files that people write, or that commands have written and people have changed; of
 * links, and of what a page asks.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'fflate';
import { parseResults } from '../../../bench/results.ts';
import { readOwnFigures } from '../../../bench/suite/own-figures.ts';
import { FileScenes } from '../../../cli/test/scene-loader.ts';
import { readLcov } from '../../../debug/coverage/read-lcov.ts';
import { UserMistake } from '../../../host/problem.ts';
import { replayTraces } from '../../../kernel/oracle/replay-traces.ts';
import { parseTraces, TraceFormatError } from '../../../kernel/oracle/trace.ts';
import { fromFragment, LinkProblem } from '../../../page/share/link.ts';
import { readRequest } from '../../../page/share/read-request.ts';
import { readFailure, readSystemReference } from '../../../sim/failure/failure-file.ts';
import { readPlan } from '../../../sim/plan/read-plan.ts';
import { netWirePoints } from '../../../sim/points/net-wire.ts';
import { parseCosts } from '../../../systems/run-costs.ts';
import { readTestFile } from '../../../testing/file/test-file.ts';
import { keep } from '../../../testing/run/scene.ts';
import type { FuzzTarget } from './fuzz-target.ts';

const ROOT = join(import.meta.dirname, '../../..');
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8').decode(bytes);
const fileOf = (path: string): Uint8Array => readFileSync(join(ROOT, path));

/** Of a text whose reader says what is wrong with it by an error of this kind. */
function refusing(kind: new (...args: never[]) => Error, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof kind)) throw error;
  }
}

const failures: FuzzTarget = {
  name: 'failure files',
  seeds: [
    bytesOf(
      '{ "schema": 1, "system": { "reference": "echo", "choices": { "path": "5pd" }, "searchPath": ["."] }, ' +
        '"digests": { "description": "1" }, "world": { "seed": 7, "amount": 500, "forNs": 1000, ' +
        '"plan": { "schema": 1, "rules": [] }, "decisions": "52:200 3:1250" }, "violations": ' +
        '[{ "oracle": "progress", "where": "client0", "what": "stands", "timeNs": 5 }], ' +
        '"strikes": {}, "outcome": "00" }',
    ),
  ],
  run: (bytes) => {
    const source = { name: 'a.json', text: textOf(bytes) };
    readSystemReference(source);
    readFailure(source, (plan) => readPlan(plan, { points: [], include: () => source }));
  },
};

const tracefiles: FuzzTarget = {
  name: 'tracefiles',
  seeds: [bytesOf('TN:\nSF:a/b.ts\nFN:1,main\nFNDA:3,main\nDA:1,3\nDA:2,0,x\nend_of_record\n')],
  run: (bytes) => void readLcov(textOf(bytes)),
};

const results: FuzzTarget = {
  name: 'results of benchmarks',
  seeds: [
    bytesOf(
      '{"schema":1,"node":"20","cpu":"x","cores":2,"os":"l","load":0.5,"results":' +
        '[{"name":"net","unit":"ns","median":1,"min":1,"max":2,"frame":64,"note":null}]}',
    ),
  ],
  run: (bytes) => refusing(UserMistake, () => parseResults(textOf(bytes), 'a.json')),
};

const figures: FuzzTarget = {
  name: 'own figures',
  seeds: [
    bytesOf(
      '{ "figures": 1, "series": "board", "rows": [{ "name": "net", "frame": 64, "unit": "ns", "median": 1, "min": 1 }] }',
    ),
    bytesOf(
      '{"fio version":"fio-3.33","global options":{"bs":"4k"},"jobs":[{"job options":{"rw":"randrw","iodepth":"32"},' +
        '"read":{"iops":5,"bw_bytes":9},"write":{"iops":0,"bw_bytes":0}}]}',
    ),
    bytesOf(
      '{"start":{"test_start":{"protocol":"UDP","blksize":64}},"end":{"sum":{"bits_per_second":1e6,"packets":9,' +
        '"lost_packets":1,"seconds":2},"sum_received":{"bits_per_second":1}}}',
    ),
  ],
  run: (bytes) => refusing(UserMistake, () => readOwnFigures(textOf(bytes), 'a.json')),
};

const links: FuzzTarget = {
  name: 'links',
  slowness: 4,
  seeds: [
    bytesOf(
      '{"scenario":{"system":"echo","choices":{"path":"5pd"},"seed":1,"net":"test","test":{"amount":5,"forNs":9},' +
        '"rate":1000,"frame":64,"ramBytes":268435456,"plan":"{}","inputs":[{"atNs":5,"kind":"frame","bytes":[1,2]},' +
        '{"atNs":6,"kind":"typed","uart":0,"bytes":[65]}]},"moment":{"kind":"packet","count":3},"mode":"whole"}',
    ),
    // With images behind the record.
    bytesOf(
      '{"scenario":{"system":"pair","choices":{},"seed":1,"net":"hand","plan":"","inputs":[],"own":{"main":' +
        '"a.system","files":{"a.system":"<system/>"}}},"mode":"embed","speed":0.01,' +
        '"images":[["a.elf",3],["b.elf",1]]}\0\u007fELF',
    ),
  ],
  run: (bytes) => {
    const packed = Buffer.from(deflateSync(bytes)).toString('base64url');
    for (const version of [1, 3]) {
      refusing(LinkProblem, () => fromFragment(`#${version}.${packed}`));
    }
    refusing(LinkProblem, () => fromFragment(textOf(bytes)));
  },
};

const requests: FuzzTarget = {
  name: 'what a page asks',
  seeds: [
    bytesOf('{"kind":"break","rule":{"at":"net.wire.in","fault":"lose","when":{"nth":[1]}}}'),
    bytesOf('{"kind":"seek","moment":{"kind":"time","timeNs":5}}'),
    bytesOf('{"kind":"step","unit":"event","by":-1}'),
    bytesOf('{"kind":"files","disk":0,"path":"a/b"}'),
  ],
  run: (bytes) => refusing(LinkProblem, () => readRequest(textOf(bytes), netWirePoints('net'))),
};

const costs: FuzzTarget = {
  name: 'cost tables',
  seeds: [fileOf('systems/costs/imx8mm.json')],
  run: (bytes) => void parseCosts(textOf(bytes)),
};

/** A replay takes some milliseconds: these are tried now and then, all others are only read. */
const REPLAYED_OF = 20;
const recordings: FuzzTarget = {
  name: 'recordings',
  seeds: [
    bytesOf(
      '{"trace":1,"family":1}\n{"helpers":[{"tid":0,"prio":10,"mcp":20}]}\n' +
        '{"i":0,"op":"Untyped_Retype","sys":"Call","cptr":17,"label":1,"mrs":[2,0,0,0,5,1],"caps":[18],"ans":{"err":0},"chg":{"T5":4}}\n' +
        '{"program":0,"ops":[{"sys":"Send","cptr":"0x1005","label":17,"mrs":[1,"0xffffffff"]}]}\n' +
        '{"run":[0],"log":[["b",0,0]]}\n{"state":1,"T":"0","N":"0","I":"0","deep":{"3":"0"}}\n{"end":4}\n',
    ),
  ],
  run: (bytes, random) => {
    refusing(TraceFormatError, () => {
      const traces = parseTraces(textOf(bytes));
      if (random.below(REPLAYED_OF) === 0) replayTraces(traces.slice(0, 2));
    });
  },
};

const scenes = new FileScenes(join(ROOT, 'testing/examples/a.yaml'), keep());
const tests: FuzzTarget = {
  name: 'files of tests',
  slowness: 4,
  seeds: ['blk', 'echo', 'serial'].map((name) => fileOf(`testing/examples/${name}.yaml`)),
  run: async (bytes) => {
    const loader = {
      // Programs and systems that are named by a path would be loaded.
      scene: (request: Parameters<typeof scenes.scene>[0]) => {
        const { system = '' } = request;
        if (!['blk', 'echo', 'serial'].includes(system)) throw new UserMistake(`no ${system}`);
        return scenes.scene(request);
      },
      plan: scenes.plan.bind(scenes),
      planFile: () => 'no such file',
    };
    try {
      await readTestFile('a.yaml', textOf(bytes), loader);
    } catch (error) {
      if (!(error instanceof UserMistake)) throw error;
    }
  },
};

export const FILE_TARGETS: readonly FuzzTarget[] = [
  failures,
  tracefiles,
  results,
  figures,
  links,
  requests,
  costs,
  recordings,
  tests,
];
