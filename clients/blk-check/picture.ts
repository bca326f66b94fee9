/** What the block check writes, reads back and prints. Drawn for this project. */
export const PICTURE: readonly string[] = [
  '                 _     _  _   ',
  '   ___   ___    | |   | || |  ',
  '  / __| / _ \\   | |   | || |_ ',
  '  \\__ \\|  __/   | |___|__   _|',
  '  |___/ \\___|   |_____|  |_|  ',
];
