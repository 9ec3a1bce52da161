import { type Assembly, rootOwned } from "./assembly.ts";

const shadowGroup = 42;
const secondsPerDay = 86_400;

/** Users and groups as base-passwd, passwd and apt set them up: Debian's fixed ones, `_apt`, locked passwords. */
export function writeAccounts(assembly: Assembly): void {
  const { tree, epochSeconds } = assembly;
  const passwd = tree.read("usr/share/base-passwd/passwd.master")?.toString("utf8");
  const group = tree.read("usr/share/base-passwd/group.master")?.toString("utf8");
  if (passwd === undefined || group === undefined) return;
  // In the masters the password field is "*"; with shadow files it becomes "x".
  const users = withApt(assembly, lines(passwd)).map((line) => line.replace(/^([^:]+):[^:]*:/, "$1:x:"));
  const groups = lines(group).map((line) => line.replace(/^([^:]+):[^:]*:/, "$1:x:"));
  const days = Math.floor(epochSeconds / secondsPerDay);
  const name = (line: string) => line.slice(0, line.indexOf(":"));
  const members = (line: string) => line.slice(line.lastIndexOf(":") + 1);
  const secret = { ...rootOwned(assembly, 0o640), gid: shadowGroup };
  tree.file("etc/passwd", text(users), rootOwned(assembly));
  tree.file("etc/group", text(groups), rootOwned(assembly));
  tree.file("etc/shadow", text(users.map((line) => `${name(line)}:*:${days}:0:99999:7:::`)), secret);
  tree.file("etc/gshadow", text(groups.map((line) => `${name(line)}:*::${members(line)}`)), secret);
  for (const empty of ["etc/subuid", "etc/subgid"]) tree.file(empty, "", rootOwned(assembly));
}

/** Releases up to bullseye do not have apt's user in the master file: its script adds it. */
function withApt({ packages }: Assembly, users: readonly string[]): readonly string[] {
  if (!packages.has("apt") || users.some((line) => line.startsWith("_apt:"))) return users;
  return [...users, "_apt:*:100:65534::/nonexistent:/usr/sbin/nologin"];
}

function lines(value: string): readonly string[] {
  return value.split("\n").filter((line) => line !== "");
}

function text(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
