import { createHash } from "node:crypto";
import { type BinaryPackage, formatParagraph, Paragraph } from "#debian";
import { type Assembly, controlText, type InstalledPackage, rootOwned } from "./assembly.ts";

const folder = "var/lib/dpkg";

/** Writes dpkg's database, so that dpkg and apt inside know every package as installed and can change it. */
export function writeDpkgDatabase(assembly: Assembly): void {
  const { tree, packages, architecture } = assembly;
  const file = rootOwned(assembly);
  for (const name of ["alternatives", "info", "parts", "triggers", "updates"])
    tree.directory(`${folder}/${name}`, rootOwned(assembly, 0o755));
  tree.file(`${folder}/info/format`, "1\n", file);
  tree.file(`${folder}/arch`, `${architecture}\n`, file);
  tree.file(`${folder}/available`, "", file);
  tree.file(`${folder}/diversions`, formatDiversions(assembly), file);
  tree.file(`${folder}/statoverride`, "", file);
  const installed = [...packages.values()].sort((a, b) => (a.candidate.name < b.candidate.name ? -1 : 1));
  for (const each of installed) writeInfo(assembly, each);
  tree.file(`${folder}/status`, installed.map((each) => statusParagraph(assembly, each)).join("\n"), file);
  writeTriggers(assembly, installed);
}

/** `libc6:amd64` for packages that may be installed for several architectures, else the name alone. */
function databaseName({ name, multiArch, architecture }: BinaryPackage): string {
  return multiArch === "same" ? `${name}:${architecture}` : name;
}

function writeInfo(assembly: Assembly, installed: InstalledPackage): void {
  const { tree } = assembly;
  const base = `${folder}/info/${databaseName(installed.candidate)}`;
  const list = listedPaths(assembly, installed).map((path) => `${path}\n`);
  tree.file(`${base}.list`, list.join(""), rootOwned(assembly));
  for (const [name, { bytes, mode, mtimeSeconds }] of installed.controlFiles)
    tree.file(`${base}.${name}`, bytes, { ...rootOwned(assembly, mode & 0o777), mtimeSeconds });
  if (!installed.controlFiles.has("md5sums"))
    tree.file(`${base}.md5sums`, digests(assembly, installed), rootOwned(assembly));
}

/** dpkg makes the list itself for packages that bring none, and its audit wants one. */
function digests({ tree }: Assembly, { paths }: InstalledPackage): string {
  return paths
    .map((path) => path.slice(1))
    .filter((path) => tree.find(path)?.kind === "file")
    .map((path) => `${md5(tree.read(path) ?? "")}  ${path}\n`)
    .join("");
}

function md5(bytes: Uint8Array | string): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** A file that another package has replaced is that one's alone. */
function listedPaths({ tree }: Assembly, { candidate, paths }: InstalledPackage): readonly string[] {
  return paths.filter((path) => {
    const node = path === "/." ? undefined : tree.find(path.slice(1));
    return node?.kind !== "file" || node.owner === undefined || node.owner === candidate.name;
  });
}

/** The control paragraph as dpkg keeps it: with the state, and the configuration files with their digests. */
function statusParagraph(assembly: Assembly, installed: InstalledPackage): string {
  const status = new Paragraph();
  for (const [name, value] of installed.control.entries()) {
    status.set(name, value);
    if (name.toLowerCase() === "package") status.set("Status", "install ok installed");
  }
  const conffiles = configurationFiles(assembly, installed);
  if (conffiles.length > 0) status.set("Conffiles", `\n${conffiles.join("\n")}`);
  return formatParagraph(status);
}

function configurationFiles({ tree }: Assembly, installed: InstalledPackage): readonly string[] {
  const paths = (controlText(installed, "conffiles") ?? "").split("\n").map((line) => line.trim());
  return paths.flatMap((path) => {
    const bytes = path.startsWith("/") ? tree.read(path.slice(1)) : undefined;
    return bytes === undefined ? [] : [`${path} ${md5(bytes)}`];
  });
}

/** Bookworm's dash takes /bin/sh over from bash by diversions that its script registers. */
function formatDiversions({ packages }: Assembly): string {
  const dash = packages.get("dash");
  const script = dash === undefined ? "" : (controlText(dash, "postinst") ?? "");
  if (!script.includes("dpkg-divert")) return "";
  const page = "/usr/share/man/man1/sh";
  return `${[`${page}.1.gz`, `${page}.distrib.1.gz`, "dash", "/bin/sh", "/bin/sh.distrib", "dash"].join("\n")}\n`;
}

/** What packages are interested in, so that installing a library later runs ldconfig. */
function writeTriggers(assembly: Assembly, installed: readonly InstalledPackage[]): void {
  const explicit = new Map<string, string[]>();
  const byPath: string[] = [];
  for (const each of installed)
    for (const line of (controlText(each, "triggers") ?? "").split("\n")) {
      const [, suffix, trigger] = /^interest(-noawait|-await)?\s+(\S+)/.exec(line.trim()) ?? [];
      if (trigger === undefined) continue;
      const name = databaseName(each.candidate) + (suffix === "-noawait" ? "/noawait" : "");
      if (trigger.startsWith("/")) byPath.push(`${trigger} ${name}`);
      else explicit.set(trigger, [...(explicit.get(trigger) ?? []), name]);
    }
  const write = (name: string, lines: readonly string[]) =>
    assembly.tree.file(
      `${folder}/triggers/${name}`,
      lines.map((line) => `${line}\n`).join(""),
      rootOwned(assembly),
    );
  write("File", byPath);
  write("Unincorp", []);
  for (const [name, lines] of explicit) write(name, lines);
}
