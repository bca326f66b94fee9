/** How much a description may be: whatever the text is, reading it ends soon. */

/** A description of 62 domains and 1,000 regions has 240 KB and 3,400 elements. */
export const FILE_BYTES_MAX = 1024 * 1024;
export const DEPTH_MAX = 100;
export const ELEMENTS_MAX = 20_000;
export const ATTRIBUTES_MAX = 64;
