/** What the kernel starts in place of a program, by the program's first bytes. */
export interface Interpreter {
  readonly path: string;
  readonly role: "interpreter" | "dynamic loader";
  readonly help: string;
}

const PT_INTERP = 3;
const elfMagic = "\u007fELF";

/**
 * The interpreter of a script (`#!`) or of a dynamically linked program (ELF, 64-bit little-endian); undefined for a
 * static program and for anything else.
 * @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html
 */
export function interpreterOf(head: Buffer): Interpreter | undefined {
  if (head.toString("latin1", 0, 2) === "#!") return scriptInterpreter(head);
  if (head.toString("latin1", 0, 4) !== elfMagic || head[4] !== 2 || head[5] !== 1) return undefined;
  const path = elfInterpreter(head);
  return path === undefined
    ? undefined
    : {
        path,
        role: "dynamic loader",
        help: "link the program statically or choose a base with its C library",
      };
}

function scriptInterpreter(head: Buffer): Interpreter | undefined {
  const line = head.toString("utf8", 2).split("\n", 1)[0] ?? "";
  const path = /^[ \t]*([^ \t]+)/.exec(line)?.[1];
  if (path === undefined) return undefined;
  // The kernel looks for a name with the carriage return in it: the classic of files edited on Windows.
  const help = path.endsWith("\r")
    ? "the script has Windows line ends"
    : "add it or choose a base that has it";
  return { path, role: "interpreter", help };
}

function elfInterpreter(head: Buffer): string | undefined {
  if (head.length < 64) return undefined;
  const table = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  for (let place = 0; place < count; place += 1) {
    const entry = table + place * size;
    if (entry + 40 > head.length) return undefined;
    if (head.readUInt32LE(entry) !== PT_INTERP) continue;
    const start = Number(head.readBigUInt64LE(entry + 8));
    const length = Number(head.readBigUInt64LE(entry + 32));
    const isWithin = length > 1 && start + length <= head.length;
    return isWithin ? head.toString("utf8", start, start + length - 1) : undefined;
  }
  return undefined;
}
