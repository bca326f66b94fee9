/** `sddf graph`: a system as a picture. */

import { Command } from 'commander';
import { refuseClashes } from '../../host/file-use.ts';
import { UserMistake } from '../../host/problem.ts';
import { writeOutput } from '../../host/regular-file.ts';
import { renderDot } from '../../microkit/graph/dot.ts';
import { renderMermaid } from '../../microkit/graph/mermaid.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { RawOptions } from '../option.ts';
import { systemFile } from '../run/system-source.ts';
import { addSystemOptions, describedSystem } from './described-system.ts';

const FORMATS = ['svg', 'dot', 'mermaid'] as const;
type Format = (typeof FORMATS)[number];

const EXTENSIONS: Readonly<Record<string, Format>> = {
  svg: 'svg',
  dot: 'dot',
  gv: 'dot',
  mmd: 'mermaid',
  md: 'mermaid',
};

interface GraphOptions extends RawOptions {
  readonly output?: string;
  readonly format?: string;
}

export function graphCommand(): Command {
  return addSystemOptions(new Command('graph'))
    .description(
      'Draws a system: protection domains by priority, channels, calls, memory, devices.',
    )
    .option('-o, --output <file>', 'where to; standard output unless told')
    .option('--format <format>', `${FORMATS.join(', ')}; as the output's name says, or svg`)
    .addHelpText(
      'after',
      '\nIn the picture: blue lines are channels with their identifiers at the ends, red ones have\n' +
        'protected calls; what two domains share is on the line between them, as PERMS|PERMS of the\n' +
        'upper and of the lower; what one has alone is in its box.\n\n' +
        'Examples:\n  sddf graph echo -o echo.svg\n  sddf graph web.system --format mermaid',
    )
    .action(async (reference: string, options: GraphOptions) => {
      const format = readFormat(options);
      const system = await describedSystem(reference, options);
      const text = await draw(system, format);
      if (options.output === undefined) {
        process.stdout.write(text);
        return;
      }
      refuseClashes([
        ...systemFile(reference),
        { path: options.output, use: 'written', by: '--output' },
      ]);
      writeOutput(options.output, text);
    });
}

function readFormat({ output, format }: GraphOptions): Format {
  const extension = /\.([a-z]+)$/.exec(output ?? '')?.[1] ?? 'svg';
  const wanted = format ?? EXTENSIONS[extension];
  const known = FORMATS.find((candidate) => candidate === wanted);
  if (known === undefined) {
    const what = format === undefined ? `-o: '.${extension}'` : `--format: '${format}'`;
    throw new UserMistake(`${what} is no format of a graph; there are ${FORMATS.join(', ')}`);
  }
  return known;
}

/** Draws; the layout engine is loaded only when it is needed. */
export async function draw(system: SystemDescription, format: Format): Promise<string> {
  if (format === 'mermaid') return renderMermaid(system);
  const dot = renderDot(system);
  if (format === 'dot') return dot;
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  return graphviz.dot(dot, 'svg');
}
