/** Finds the file that a description means. */

/**
 * @param path as a description has it, perhaps with folders
 * @returns the file of that path, or of that name where there is only one: what is dropped onto a
 * page comes without its folder
 */
export function fileCalled(path: string, files: readonly string[]): string | undefined {
  if (files.includes(path)) return path;
  const name = baseName(path);
  const same = files.filter((file) => baseName(file) === name);
  return same.length === 1 ? same[0] : undefined;
}

/** @returns the last part of a path */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
