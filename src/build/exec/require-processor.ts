import { closeSync, constants, openSync, readSync } from "node:fs";
import { LighterError } from "#base";
import type { Host } from "#host";
import { formatPlatform } from "#oci";
import type { ExecOp } from "#plan";
import { LayeredTree } from "../tree/layered-tree.ts";
import { resolveInTree } from "../tree/resolve.ts";

const elfHeaderBytes = 20;
const machineOfNode: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

/**
 * Says in one sentence what would else be `exec format error`: the program is for a processor that is neither here nor
 * emulated. An image that only says it is for another platform runs all the same, as it does with BuildKit.
 * @throws EMULATION_MISSING
 */
export function requireProcessor(op: ExecOp, layers: readonly string[], host: Host): void {
  const { platform, args } = op;
  const [program] = args;
  if (program?.startsWith("/") !== true || host.probes.runsArchitecture(platform.architecture)) return;
  const machine = machineOf(program, new LayeredTree(layers, host.files));
  if (machine === undefined || machine === machineOfNode[process.arch]) return;
  throw new LighterError(
    "EMULATION_MISSING",
    `cannot run a program for ${formatPlatform(platform)}: this machine neither is one nor emulates one; register an emulator with binfmt_misc (package qemu-user-static), or cross-compile in a stage with FROM --platform=$BUILDPLATFORM`,
    { details: { platform: formatPlatform(platform) } },
  );
}

/** `e_machine` of an ELF file; undefined for what is none. */
function machineOf(program: string, tree: LayeredTree): number | undefined {
  const entry = tree.find(resolveInTree(tree, program.slice(1), true));
  if (entry?.kind !== "file") return undefined;
  const header = Buffer.alloc(elfHeaderBytes);
  const fd = openSync(entry.location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    readSync(fd, header, 0, elfHeaderBytes, 0);
  } finally {
    closeSync(fd);
  }
  if (header.toString("latin1", 0, 4) !== "\x7fELF") return undefined;
  return header[5] === 2 ? header.readUInt16BE(18) : header.readUInt16LE(18);
}
