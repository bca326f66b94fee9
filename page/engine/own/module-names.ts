/** How a module of one's own names another one. */

/** The name under which a program installs the package. */
export const PACKAGE = 'sddf-testbed/';

/** @returns the path that a specifier names, as seen from another file; it need not be there */
export function pathBeside(from: string, specifier: string): string {
  const steps = from.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '.') steps.push(step);
  }
  return steps.join('/');
}

/**
 * @returns the file that a specifier names, as seen from another one; undefined when there is none
 */
export function fileBeside(
  from: string,
  specifier: string,
  files: Readonly<Record<string, string>>,
): string | undefined {
  if (!/^\.\.?\//.test(specifier)) return undefined;
  const path = pathBeside(from, specifier);
  return [path, path.replace(/\.js$/, '.ts')].find((each) => Object.hasOwn(files, each));
}
