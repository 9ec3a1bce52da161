import { type Assembly, rootOwned } from "./assembly.ts";

const mailGroup = 8;
const staffGroup = 50;
const utmpGroup = 43;

/** Links of a merged /usr, made before anything is unpacked. @see https://wiki.debian.org/UsrMerge */
export function mergedLinks(architecture: string): readonly (readonly [path: string, target: string])[] {
  const wide = architecture === "amd64" ? (["lib64"] as const) : [];
  return ["bin", "sbin", "lib", ...wide].map((name) => [name, `usr/${name}`] as const);
}

/** What base-files, libpam-modules, login, libc-bin and tzdata set up when they are first configured. */
export function writeBaseSystem(assembly: Assembly): void {
  const { tree, epochSeconds } = assembly;
  const time = { uid: 0, gid: 0, mtimeSeconds: epochSeconds };
  const folder = (path: string, mode = 0o755, gid = 0) =>
    tree.directory(path, { ...rootOwned(assembly, mode), gid });
  const file = (path: string, text = "", mode = 0o644, gid = 0) => {
    if (tree.resolve(path) === undefined) tree.file(path, text, { ...rootOwned(assembly, mode), gid });
  };
  const link = (path: string, target: string) => {
    if (tree.find(path) === undefined) tree.symlink(path, target, time);
  };
  const copy = (from: string, to: string) => {
    const bytes = tree.read(`usr/share/base-files/${from}`);
    if (bytes !== undefined && tree.resolve(to) === undefined) tree.file(to, bytes, rootOwned(assembly));
  };

  for (const path of ["dev", "proc", "sys", "mnt", "srv", "opt", "etc/opt", "var/opt", "media"]) folder(path);
  folder("root", 0o700);
  folder("tmp", 0o1777);
  folder("run", 0o755);
  folder("run/lock", 0o1777);
  folder("var/mail", 0o2775, mailGroup);
  folder("var/local", 0o2775, staffGroup);
  for (const name of ["bin", "etc", "games", "include", "lib", "sbin", "share", "share/man", "src"])
    folder(`usr/local/${name}`);
  link("usr/local/man", "share/man");
  link("var/spool/mail", "../mail");
  for (const [path, target] of [
    ["var/run", "/run"],
    ["var/lock", "/run/lock"],
  ] as const)
    if (!tree.replaceEmpty(path, target, time)) link(path, target);
  link("etc/dpkg/origins/default", "debian");
  link("etc/rmt", "/usr/sbin/rmt");
  copy("dot.profile", "root/.profile");
  copy("dot.bashrc", "root/.bashrc");
  copy("profile", "etc/profile");
  copy("motd", "etc/motd");
  copy("info.dir", "usr/share/info/dir");
  copy("nsswitch.conf", "etc/nsswitch.conf");
  const nameService = tree.read("usr/share/libc-bin/nsswitch.conf");
  if (nameService !== undefined) file("etc/nsswitch.conf", nameService.toString("utf8"));
  file("etc/fstab", "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n");
  file("etc/environment");
  file("etc/security/opasswd", "", 0o600);
  file("var/log/wtmp", "", 0o664, utmpGroup);
  file("var/log/btmp", "", 0o660, utmpGroup);
  file("var/log/lastlog", "", 0o664, utmpGroup);
  file("var/log/faillog");
  if (tree.resolve("usr/share/zoneinfo/Etc/UTC") !== undefined) {
    link("etc/localtime", "/usr/share/zoneinfo/Etc/UTC");
    file("etc/timezone", "Etc/UTC\n");
  }
}
