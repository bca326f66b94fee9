/**
 * An independent FAT implementation on an image in memory: js-fatfs, the FatFs library of ChaN
 * compiled to WebAssembly.
 */

import * as FatFs from 'js-fatfs';

export interface FatOracle {
  write(path: string, bytes: Uint8Array): void;
  read(path: string): Uint8Array;
  list(path: string): { readonly name: string; readonly sizeBytes: number }[];
  makeDirectory(path: string): void;
}

export async function openFatOracle(image: Uint8Array): Promise<FatOracle> {
  const sectorBytes = new DataView(image.buffer, image.byteOffset).getUint16(11, true);
  const ff = await FatFs.create({ diskio: diskOf(image, sectorBytes) });
  check(ff.f_mount(ff.malloc(FatFs.sizeof_FATFS), '', 1));
  const file = ff.malloc(FatFs.sizeof_FIL);
  const moved = ff.malloc(4);
  return {
    write: (path, bytes) => {
      const at = ff.malloc(Math.max(1, bytes.length));
      ff.HEAPU8.set(bytes, at);
      check(ff.f_open(file, path, FatFs.FA_CREATE_ALWAYS | FatFs.FA_WRITE));
      check(ff.f_write(file, at, bytes.length, moved));
      check(ff.f_close(file));
      ff.free(at);
    },
    read: (path) => {
      check(ff.f_open(file, path, FatFs.FA_READ));
      const length = ff.f_size(file);
      const at = ff.malloc(Math.max(1, length));
      check(ff.f_read(file, at, length, moved));
      check(ff.f_close(file));
      const bytes = ff.HEAPU8.slice(at, at + length);
      ff.free(at);
      return bytes;
    },
    list: (path) => listDirectory(ff, path),
    makeDirectory: (path) => check(ff.f_mkdir(path)),
  };
}

function listDirectory(ff: FatFs.FatFs, path: string): { name: string; sizeBytes: number }[] {
  const directory = ff.malloc(FatFs.sizeof_DIR);
  const info = ff.malloc(FatFs.sizeof_FILINFO);
  const entries: { name: string; sizeBytes: number }[] = [];
  check(ff.f_opendir(directory, path));
  for (;;) {
    check(ff.f_readdir(directory, info));
    const name = ff.FILINFO_fname(info);
    if (name === '') break;
    entries.push({ name, sizeBytes: ff.FILINFO_fsize(info) });
  }
  check(ff.f_closedir(directory));
  return entries;
}

function diskOf(image: Uint8Array, sectorBytes: number): FatFs.DiskIO {
  return {
    initialize: () => 0,
    status: () => 0,
    read: (ff, _drive, at, sector, count) => {
      const from = sector * sectorBytes;
      ff.HEAPU8.set(image.subarray(from, from + count * sectorBytes), at);
      return FatFs.RES_OK;
    },
    write: (ff, _drive, at, sector, count) => {
      image.set(ff.HEAPU8.subarray(at, at + count * sectorBytes), sector * sectorBytes);
      return FatFs.RES_OK;
    },
    ioctl: (ff, _drive, command, at) => {
      if (command === FatFs.GET_SECTOR_COUNT) {
        ff.setValue(at, image.length / sectorBytes, 'i32');
      } else if (command === FatFs.GET_SECTOR_SIZE) ff.setValue(at, sectorBytes, 'i16');
      else if (command === FatFs.GET_BLOCK_SIZE) ff.setValue(at, 1, 'i32');
      return FatFs.RES_OK;
    },
  };
}

function check(result: number): void {
  if (result !== FatFs.FR_OK) throw new Error(`FatFs error ${result}`);
}
