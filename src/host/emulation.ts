import { readdirSync, readFileSync } from "node:fs";

const registry = "/proc/sys/fs/binfmt_misc";

/** `e_machine` of ELF files by architecture, as Go and OCI name these. @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html */
const machines: Readonly<Record<string, number>> = {
  "386": 3,
  ppc64: 21,
  ppc64le: 21,
  s390x: 22,
  arm: 40,
  amd64: 62,
  mips64le: 8,
  arm64: 183,
  riscv64: 243,
  loong64: 258,
};

/** What a processor runs besides its own programs. */
const native: Readonly<Record<string, readonly string[]>> = { x64: ["amd64", "386"], arm64: ["arm64"] };

/**
 * Whether programs for an architecture run here: by the processor itself, or by an interpreter that binfmt_misc keeps open
 * (flag F), which is there in every container.
 * @see https://docs.kernel.org/admin-guide/binfmt-misc.html
 */
export function runsArchitecture(architecture: string, directory: string = registry): boolean {
  if ((native[process.arch] ?? [process.arch]).includes(architecture)) return true;
  const machine = machines[architecture];
  if (machine === undefined) return false;
  const isBigEndian = ["ppc64", "s390x"].includes(architecture);
  return entries(directory).some((text) => takes(text, machine, isBigEndian));
}

function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name !== "register" && name !== "status")
      .map((name) => readFileSync(`${directory}/${name}`, "latin1"));
  } catch {
    return []; // binfmt_misc is not mounted, or not for this user to read
  }
}

function takes(text: string, machine: number, isBigEndian: boolean): boolean {
  const magic = Buffer.from(/^magic ([0-9a-f]+)$/m.exec(text)?.[1] ?? "", "hex");
  if (!/^enabled$/m.test(text) || !/^flags: .*F/m.test(text) || magic.length < 20) return false;
  return (
    (isBigEndian ? magic.readUInt16BE(18) : magic.readUInt16LE(18)) === machine &&
    magic[5] === (isBigEndian ? 2 : 1)
  );
}
