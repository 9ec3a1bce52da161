import { type Assembly, controlText, rootOwned } from "./assembly.ts";

/** One candidate of a link group. @see https://manpages.debian.org/bookworm/dpkg/update-alternatives.1.en.html */
export interface Alternative {
  readonly name: string;
  readonly link: string;
  readonly path: string;
  readonly priority: number;
  readonly slaves: readonly { readonly name: string; readonly link: string; readonly path: string }[];
}

/**
 * Sets up the alternatives that the packages' own scripts would install (`awk`, `cc`, `pager`), links and database, and
 * chooses the one of highest priority.
 */
export function installAlternatives(assembly: Assembly): void {
  const groups = new Map<string, Alternative[]>();
  for (const installed of assembly.packages.values())
    for (const alternative of parseAlternatives(controlText(installed, "postinst") ?? "")) {
      if (assembly.tree.resolve(alternative.path) === undefined) continue;
      const group = groups.get(alternative.name) ?? [];
      groups.set(alternative.name, [...group, alternative]);
    }
  for (const group of groups.values()) installGroup(assembly, group);
}

/**
 * Reads the `update-alternatives --install` commands of a script whose words are all literal. Commands with variables are
 * not seen.
 */
export function parseAlternatives(script: string): readonly Alternative[] {
  const lines = script
    .replace(/\\\n/g, " ")
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("#"));
  return lines.flatMap((line) => {
    const command = /(?:^|[\s;&|(])update-alternatives\s([^;&|)]*)/.exec(line)?.[1];
    return command === undefined ? [] : (parseCommand(command) ?? []);
  });
}

function parseCommand(command: string): Alternative | undefined {
  const words = command.split(/\s+/).filter((word) => word !== "");
  if (words.some((word) => /[$`"'*?]/.test(word))) return undefined;
  const at = words.indexOf("--install");
  const [link, name, path, priority] = at < 0 ? [] : words.slice(at + 1, at + 5);
  if (link === undefined || name === undefined || path === undefined || !/^-?\d+$/.test(priority ?? ""))
    return undefined;
  const slaves = words.flatMap((word, index) => {
    const [slaveLink, slaveName, slavePath] = words.slice(index + 1, index + 4);
    if (word !== "--slave" || slaveLink === undefined || slaveName === undefined || slavePath === undefined)
      return [];
    return [{ link: slaveLink, name: slaveName, path: slavePath }];
  });
  return { name, link, path, priority: Number(priority), slaves };
}

function installGroup(assembly: Assembly, group: readonly Alternative[]): void {
  const byPath = [...group].sort((a, b) => (a.path < b.path ? -1 : 1));
  const [best] = [...byPath].sort((a, b) => b.priority - a.priority);
  if (best === undefined) return;
  link(assembly, best);
  for (const slave of best.slaves) if (assembly.tree.resolve(slave.path) !== undefined) link(assembly, slave);
  const database = `var/lib/dpkg/alternatives/${best.name}`;
  assembly.tree.file(database, formatGroup(best, byPath), rootOwned(assembly));
}

function link(
  { tree, epochSeconds }: Assembly,
  { name, link: at, path }: Omit<Alternative, "priority" | "slaves">,
) {
  const time = { uid: 0, gid: 0, mtimeSeconds: epochSeconds };
  tree.symlink(`etc/alternatives/${name}`, path, time);
  tree.symlink(at.slice(1), `/etc/alternatives/${name}`, time);
}

/** The file that update-alternatives keeps: the master link, slave links by name, then each candidate. */
function formatGroup(best: Alternative, group: readonly Alternative[]): string {
  const slaveLinks = new Map(
    group.flatMap(({ slaves }) => slaves.map(({ name, link }) => [name, link] as const)),
  );
  const slaveNames = [...slaveLinks.keys()].sort();
  const lines = ["auto", best.link];
  for (const name of slaveNames) lines.push(name, slaveLinks.get(name) ?? "");
  lines.push("");
  for (const { path, priority, slaves } of group) {
    lines.push(path, String(priority));
    for (const name of slaveNames) lines.push(slaves.find((slave) => slave.name === name)?.path ?? "");
  }
  return `${[...lines, ""].join("\n")}\n`;
}
