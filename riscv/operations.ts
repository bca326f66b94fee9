/**
 * The one table of instructions: RV64IMAFD with Zicsr, Zifencei, Zba and Zbb in user mode. Both
 * engines, the disassembler and the counts by extension are made from it; the compressed forms
 * (`compressed.ts`) name rows of it.
 *
 * A row has the name, the extension, the format (which fields there are and where) and the fixed
 * fields in the order opcode, funct3, funct7 (funct6 for shifts of 64 bits, funct5 for atomic
 * operations), rs2. `null` is a field that is free or belongs to an operand. Source: The RISC-V
 * Instruction Set Manual, volume I, version 20240411, "RV32/64G instruction set listings".
 *
 * An operation's number is its place in the table. The interpreter's switches name these numbers:
 * append only.
 */

export type Extension = 'I' | 'M' | 'A' | 'F' | 'D' | 'Zicsr' | 'Zifencei' | 'Zba' | 'Zbb';

/**
 * Where the operands of an instruction are, named as the manual does, with more letters where it is
 * ambiguous.
 */
export type Format =
  | 'illegal'
  | 'R' // rd, rs1, rs2
  | 'R1' // rd, rs1; rs2 is part of the operation
  | 'I' // rd, rs1, imm
  | 'load' // rd, imm(rs1)
  | 'S' // rs2, imm(rs1)
  | 'B' // rs1, rs2, target
  | 'U' // rd, imm
  | 'J' // rd, target
  | 'jalr' // rd, imm(rs1)
  | 'shift64' // rd, rs1, shift amount of 6 bits
  | 'shift32' // rd, rs1, shift amount of 5 bits
  | 'fence' // predecessors, successors
  | 'none'
  | 'csr' // rd, csr, rs1
  | 'csri' // rd, csr, an unsigned number of 5 bits in place of rs1
  | 'lr' // rd, (rs1)
  | 'amo' // rd, rs2, (rs1)
  | 'fload' // fd, imm(rs1)
  | 'fstore' // fs2, imm(rs1)
  | 'fma' // fd, fs1, fs2, fs3, rounding mode
  | 'fR' // fd, fs1, fs2
  | 'fRrm' // fd, fs1, fs2, rounding mode
  | 'fR1' // fd, fs1, rounding mode
  | 'fcompare' // rd, fs1, fs2
  | 'fclass' // rd, fs1
  | 'fmvToInteger' // rd, fs1
  | 'fmvToFloat' // fd, rs1
  | 'fcvtToInteger' // rd, fs1, rounding mode
  | 'fcvtToFloat'; // fd, rs1, rounding mode

type Fixed = number | null;
type Row = readonly [string, Extension, Format, number, Fixed?, Fixed?, Fixed?];

const LOAD = 0x03;
const LOAD_FP = 0x07;
const MISC_MEM = 0x0f;
const OP_IMM = 0x13;
const AUIPC = 0x17;
const OP_IMM_32 = 0x1b;
const STORE = 0x23;
const STORE_FP = 0x27;
const AMO = 0x2f;
const OP = 0x33;
const LUI = 0x37;
const OP_32 = 0x3b;
const MADD = 0x43;
const MSUB = 0x47;
const NMSUB = 0x4b;
const NMADD = 0x4f;
const OP_FP = 0x53;
const BRANCH = 0x63;
const JALR = 0x67;
const JAL = 0x6f;
const SYSTEM = 0x73;

const ROWS = [
  // Number 0: everything that no other row matches. Both engines make an illegal-instruction
  // exception of it.
  ['illegal', 'I', 'illegal', 0],

  // RV32I and RV64I
  ['lui', 'I', 'U', LUI],
  ['auipc', 'I', 'U', AUIPC],
  ['jal', 'I', 'J', JAL],
  ['jalr', 'I', 'jalr', JALR, 0],
  ['beq', 'I', 'B', BRANCH, 0],
  ['bne', 'I', 'B', BRANCH, 1],
  ['blt', 'I', 'B', BRANCH, 4],
  ['bge', 'I', 'B', BRANCH, 5],
  ['bltu', 'I', 'B', BRANCH, 6],
  ['bgeu', 'I', 'B', BRANCH, 7],
  ['lb', 'I', 'load', LOAD, 0],
  ['lh', 'I', 'load', LOAD, 1],
  ['lw', 'I', 'load', LOAD, 2],
  ['ld', 'I', 'load', LOAD, 3],
  ['lbu', 'I', 'load', LOAD, 4],
  ['lhu', 'I', 'load', LOAD, 5],
  ['lwu', 'I', 'load', LOAD, 6],
  ['sb', 'I', 'S', STORE, 0],
  ['sh', 'I', 'S', STORE, 1],
  ['sw', 'I', 'S', STORE, 2],
  ['sd', 'I', 'S', STORE, 3],
  ['addi', 'I', 'I', OP_IMM, 0],
  ['slti', 'I', 'I', OP_IMM, 2],
  ['sltiu', 'I', 'I', OP_IMM, 3],
  ['xori', 'I', 'I', OP_IMM, 4],
  ['ori', 'I', 'I', OP_IMM, 6],
  ['andi', 'I', 'I', OP_IMM, 7],
  ['slli', 'I', 'shift64', OP_IMM, 1, 0x00],
  ['srli', 'I', 'shift64', OP_IMM, 5, 0x00],
  ['srai', 'I', 'shift64', OP_IMM, 5, 0x10],
  ['add', 'I', 'R', OP, 0, 0x00],
  ['sub', 'I', 'R', OP, 0, 0x20],
  ['sll', 'I', 'R', OP, 1, 0x00],
  ['slt', 'I', 'R', OP, 2, 0x00],
  ['sltu', 'I', 'R', OP, 3, 0x00],
  ['xor', 'I', 'R', OP, 4, 0x00],
  ['srl', 'I', 'R', OP, 5, 0x00],
  ['sra', 'I', 'R', OP, 5, 0x20],
  ['or', 'I', 'R', OP, 6, 0x00],
  ['and', 'I', 'R', OP, 7, 0x00],
  ['addiw', 'I', 'I', OP_IMM_32, 0],
  ['slliw', 'I', 'shift32', OP_IMM_32, 1, 0x00],
  ['srliw', 'I', 'shift32', OP_IMM_32, 5, 0x00],
  ['sraiw', 'I', 'shift32', OP_IMM_32, 5, 0x20],
  ['addw', 'I', 'R', OP_32, 0, 0x00],
  ['subw', 'I', 'R', OP_32, 0, 0x20],
  ['sllw', 'I', 'R', OP_32, 1, 0x00],
  ['srlw', 'I', 'R', OP_32, 5, 0x00],
  ['sraw', 'I', 'R', OP_32, 5, 0x20],
  ['fence', 'I', 'fence', MISC_MEM, 0],
  ['ecall', 'I', 'none', SYSTEM, 0, 0x00, 0],
  ['ebreak', 'I', 'none', SYSTEM, 0, 0x00, 1],
  ['fence.i', 'Zifencei', 'none', MISC_MEM, 1],

  // Zicsr
  ['csrrw', 'Zicsr', 'csr', SYSTEM, 1],
  ['csrrs', 'Zicsr', 'csr', SYSTEM, 2],
  ['csrrc', 'Zicsr', 'csr', SYSTEM, 3],
  ['csrrwi', 'Zicsr', 'csri', SYSTEM, 5],
  ['csrrsi', 'Zicsr', 'csri', SYSTEM, 6],
  ['csrrci', 'Zicsr', 'csri', SYSTEM, 7],

  // RV32M and RV64M
  ['mul', 'M', 'R', OP, 0, 0x01],
  ['mulh', 'M', 'R', OP, 1, 0x01],
  ['mulhsu', 'M', 'R', OP, 2, 0x01],
  ['mulhu', 'M', 'R', OP, 3, 0x01],
  ['div', 'M', 'R', OP, 4, 0x01],
  ['divu', 'M', 'R', OP, 5, 0x01],
  ['rem', 'M', 'R', OP, 6, 0x01],
  ['remu', 'M', 'R', OP, 7, 0x01],
  ['mulw', 'M', 'R', OP_32, 0, 0x01],
  ['divw', 'M', 'R', OP_32, 4, 0x01],
  ['divuw', 'M', 'R', OP_32, 5, 0x01],
  ['remw', 'M', 'R', OP_32, 6, 0x01],
  ['remuw', 'M', 'R', OP_32, 7, 0x01],

  // RV32A and RV64A: the fixed field behind funct3 is funct5; aq and rl are operands
  ['lr.w', 'A', 'lr', AMO, 2, 0x02, 0],
  ['sc.w', 'A', 'amo', AMO, 2, 0x03],
  ['amoswap.w', 'A', 'amo', AMO, 2, 0x01],
  ['amoadd.w', 'A', 'amo', AMO, 2, 0x00],
  ['amoxor.w', 'A', 'amo', AMO, 2, 0x04],
  ['amoand.w', 'A', 'amo', AMO, 2, 0x0c],
  ['amoor.w', 'A', 'amo', AMO, 2, 0x08],
  ['amomin.w', 'A', 'amo', AMO, 2, 0x10],
  ['amomax.w', 'A', 'amo', AMO, 2, 0x14],
  ['amominu.w', 'A', 'amo', AMO, 2, 0x18],
  ['amomaxu.w', 'A', 'amo', AMO, 2, 0x1c],
  ['lr.d', 'A', 'lr', AMO, 3, 0x02, 0],
  ['sc.d', 'A', 'amo', AMO, 3, 0x03],
  ['amoswap.d', 'A', 'amo', AMO, 3, 0x01],
  ['amoadd.d', 'A', 'amo', AMO, 3, 0x00],
  ['amoxor.d', 'A', 'amo', AMO, 3, 0x04],
  ['amoand.d', 'A', 'amo', AMO, 3, 0x0c],
  ['amoor.d', 'A', 'amo', AMO, 3, 0x08],
  ['amomin.d', 'A', 'amo', AMO, 3, 0x10],
  ['amomax.d', 'A', 'amo', AMO, 3, 0x14],
  ['amominu.d', 'A', 'amo', AMO, 3, 0x18],
  ['amomaxu.d', 'A', 'amo', AMO, 3, 0x1c],

  // Zba
  ['add.uw', 'Zba', 'R', OP_32, 0, 0x04],
  ['sh1add', 'Zba', 'R', OP, 2, 0x10],
  ['sh2add', 'Zba', 'R', OP, 4, 0x10],
  ['sh3add', 'Zba', 'R', OP, 6, 0x10],
  ['sh1add.uw', 'Zba', 'R', OP_32, 2, 0x10],
  ['sh2add.uw', 'Zba', 'R', OP_32, 4, 0x10],
  ['sh3add.uw', 'Zba', 'R', OP_32, 6, 0x10],
  ['slli.uw', 'Zba', 'shift64', OP_IMM_32, 1, 0x02],

  // Zbb
  ['andn', 'Zbb', 'R', OP, 7, 0x20],
  ['orn', 'Zbb', 'R', OP, 6, 0x20],
  ['xnor', 'Zbb', 'R', OP, 4, 0x20],
  ['clz', 'Zbb', 'R1', OP_IMM, 1, 0x30, 0],
  ['ctz', 'Zbb', 'R1', OP_IMM, 1, 0x30, 1],
  ['cpop', 'Zbb', 'R1', OP_IMM, 1, 0x30, 2],
  ['sext.b', 'Zbb', 'R1', OP_IMM, 1, 0x30, 4],
  ['sext.h', 'Zbb', 'R1', OP_IMM, 1, 0x30, 5],
  ['clzw', 'Zbb', 'R1', OP_IMM_32, 1, 0x30, 0],
  ['ctzw', 'Zbb', 'R1', OP_IMM_32, 1, 0x30, 1],
  ['cpopw', 'Zbb', 'R1', OP_IMM_32, 1, 0x30, 2],
  ['min', 'Zbb', 'R', OP, 4, 0x05],
  ['minu', 'Zbb', 'R', OP, 5, 0x05],
  ['max', 'Zbb', 'R', OP, 6, 0x05],
  ['maxu', 'Zbb', 'R', OP, 7, 0x05],
  ['zext.h', 'Zbb', 'R1', OP_32, 4, 0x04, 0],
  ['rol', 'Zbb', 'R', OP, 1, 0x30],
  ['ror', 'Zbb', 'R', OP, 5, 0x30],
  ['rori', 'Zbb', 'shift64', OP_IMM, 5, 0x18],
  ['rolw', 'Zbb', 'R', OP_32, 1, 0x30],
  ['rorw', 'Zbb', 'R', OP_32, 5, 0x30],
  ['roriw', 'Zbb', 'shift32', OP_IMM_32, 5, 0x30],
  ['orc.b', 'Zbb', 'R1', OP_IMM, 5, 0x14, 7],
  ['rev8', 'Zbb', 'R1', OP_IMM, 5, 0x35, 0x18],

  // RV32F and RV64F
  ['flw', 'F', 'fload', LOAD_FP, 2],
  ['fsw', 'F', 'fstore', STORE_FP, 2],
  ['fmadd.s', 'F', 'fma', MADD, null, 0],
  ['fmsub.s', 'F', 'fma', MSUB, null, 0],
  ['fnmsub.s', 'F', 'fma', NMSUB, null, 0],
  ['fnmadd.s', 'F', 'fma', NMADD, null, 0],
  ['fadd.s', 'F', 'fRrm', OP_FP, null, 0x00],
  ['fsub.s', 'F', 'fRrm', OP_FP, null, 0x04],
  ['fmul.s', 'F', 'fRrm', OP_FP, null, 0x08],
  ['fdiv.s', 'F', 'fRrm', OP_FP, null, 0x0c],
  ['fsqrt.s', 'F', 'fR1', OP_FP, null, 0x2c, 0],
  ['fsgnj.s', 'F', 'fR', OP_FP, 0, 0x10],
  ['fsgnjn.s', 'F', 'fR', OP_FP, 1, 0x10],
  ['fsgnjx.s', 'F', 'fR', OP_FP, 2, 0x10],
  ['fmin.s', 'F', 'fR', OP_FP, 0, 0x14],
  ['fmax.s', 'F', 'fR', OP_FP, 1, 0x14],
  ['fle.s', 'F', 'fcompare', OP_FP, 0, 0x50],
  ['flt.s', 'F', 'fcompare', OP_FP, 1, 0x50],
  ['feq.s', 'F', 'fcompare', OP_FP, 2, 0x50],
  ['fcvt.w.s', 'F', 'fcvtToInteger', OP_FP, null, 0x60, 0],
  ['fcvt.wu.s', 'F', 'fcvtToInteger', OP_FP, null, 0x60, 1],
  ['fcvt.l.s', 'F', 'fcvtToInteger', OP_FP, null, 0x60, 2],
  ['fcvt.lu.s', 'F', 'fcvtToInteger', OP_FP, null, 0x60, 3],
  ['fcvt.s.w', 'F', 'fcvtToFloat', OP_FP, null, 0x68, 0],
  ['fcvt.s.wu', 'F', 'fcvtToFloat', OP_FP, null, 0x68, 1],
  ['fcvt.s.l', 'F', 'fcvtToFloat', OP_FP, null, 0x68, 2],
  ['fcvt.s.lu', 'F', 'fcvtToFloat', OP_FP, null, 0x68, 3],
  ['fmv.x.w', 'F', 'fmvToInteger', OP_FP, 0, 0x70, 0],
  ['fclass.s', 'F', 'fclass', OP_FP, 1, 0x70, 0],
  ['fmv.w.x', 'F', 'fmvToFloat', OP_FP, 0, 0x78, 0],

  // RV32D and RV64D
  ['fld', 'D', 'fload', LOAD_FP, 3],
  ['fsd', 'D', 'fstore', STORE_FP, 3],
  ['fmadd.d', 'D', 'fma', MADD, null, 1],
  ['fmsub.d', 'D', 'fma', MSUB, null, 1],
  ['fnmsub.d', 'D', 'fma', NMSUB, null, 1],
  ['fnmadd.d', 'D', 'fma', NMADD, null, 1],
  ['fadd.d', 'D', 'fRrm', OP_FP, null, 0x01],
  ['fsub.d', 'D', 'fRrm', OP_FP, null, 0x05],
  ['fmul.d', 'D', 'fRrm', OP_FP, null, 0x09],
  ['fdiv.d', 'D', 'fRrm', OP_FP, null, 0x0d],
  ['fsqrt.d', 'D', 'fR1', OP_FP, null, 0x2d, 0],
  ['fsgnj.d', 'D', 'fR', OP_FP, 0, 0x11],
  ['fsgnjn.d', 'D', 'fR', OP_FP, 1, 0x11],
  ['fsgnjx.d', 'D', 'fR', OP_FP, 2, 0x11],
  ['fmin.d', 'D', 'fR', OP_FP, 0, 0x15],
  ['fmax.d', 'D', 'fR', OP_FP, 1, 0x15],
  ['fcvt.s.d', 'D', 'fR1', OP_FP, null, 0x20, 1],
  ['fcvt.d.s', 'D', 'fR1', OP_FP, null, 0x21, 0],
  ['fle.d', 'D', 'fcompare', OP_FP, 0, 0x51],
  ['flt.d', 'D', 'fcompare', OP_FP, 1, 0x51],
  ['feq.d', 'D', 'fcompare', OP_FP, 2, 0x51],
  ['fcvt.w.d', 'D', 'fcvtToInteger', OP_FP, null, 0x61, 0],
  ['fcvt.wu.d', 'D', 'fcvtToInteger', OP_FP, null, 0x61, 1],
  ['fcvt.l.d', 'D', 'fcvtToInteger', OP_FP, null, 0x61, 2],
  ['fcvt.lu.d', 'D', 'fcvtToInteger', OP_FP, null, 0x61, 3],
  ['fcvt.d.w', 'D', 'fcvtToFloat', OP_FP, null, 0x69, 0],
  ['fcvt.d.wu', 'D', 'fcvtToFloat', OP_FP, null, 0x69, 1],
  ['fcvt.d.l', 'D', 'fcvtToFloat', OP_FP, null, 0x69, 2],
  ['fcvt.d.lu', 'D', 'fcvtToFloat', OP_FP, null, 0x69, 3],
  ['fmv.x.d', 'D', 'fmvToInteger', OP_FP, 0, 0x71, 0],
  ['fclass.d', 'D', 'fclass', OP_FP, 1, 0x71, 0],
  ['fmv.d.x', 'D', 'fmvToFloat', OP_FP, 0, 0x79, 0],
] as const satisfies readonly Row[];

export type OperationName = (typeof ROWS)[number][0];

/**
 * One operation: an instruction word `w` is one when `(w & mask) === match`, both as signed 32-bit
 * numbers.
 */
export interface Operation {
  readonly name: OperationName;
  readonly extension: Extension;
  readonly format: Format;
  readonly mask: number;
  readonly match: number;
}

const FUNCT7 = { lowBit: 25, bits: 7 };

/** Formats whose third fixed field is not funct7. */
const FUNCT: Partial<Record<Format, { readonly lowBit: number; readonly bits: number }>> = {
  shift64: { lowBit: 26, bits: 6 },
  lr: { lowBit: 27, bits: 5 },
  amo: { lowBit: 27, bits: 5 },
  fma: { lowBit: 25, bits: 2 },
};

/** All operations; the index is the operation's number, `op` of an instruction. */
export const OPERATIONS: readonly Operation[] = ROWS.map(operationOf);

/** The number of each operation. */
export const OP_OF = Object.fromEntries(
  OPERATIONS.map((operation, index) => [operation.name, index]),
) as Readonly<Record<OperationName, number>>;

function operationOf(row: Row): Operation {
  const [name, extension, format, opcode, funct3 = null, funct = null, rs2 = null] = row;
  const { lowBit, bits } = FUNCT[format] ?? FUNCT7;
  const fields = [
    { value: opcode, lowBit: 0, bits: 7 },
    { value: funct3, lowBit: 12, bits: 3 },
    { value: funct, lowBit, bits },
    { value: rs2, lowBit: 20, bits: 5 },
  ];
  // Without operands, the fields of operands are zero as well. `fence.i` has fields that are kept
  // for later, and ignores them.
  const isWhole = format === 'none' && funct !== null;
  let mask = isWhole ? -1 : 0;
  let match = 0;
  for (const field of fields) {
    if (field.value === null) continue;
    mask |= ((1 << field.bits) - 1) << field.lowBit;
    match |= field.value << field.lowBit;
  }
  return { name: name as OperationName, extension, format, mask, match };
}
