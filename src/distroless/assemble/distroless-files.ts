import type { RecipeUser } from "../recipe-definition.ts";
import { type Assembly, rootOwned } from "./assembly.ts";

const nonroot = 65_532;

/**
 * What Google's distroless images have beside packages: three accounts with their homes, name service, the system's name.
 * @see https://github.com/GoogleContainerTools/distroless/tree/main/common
 */
export function writeDistrolessFiles(assembly: Assembly, users: readonly RecipeUser[]): void {
  const { tree } = assembly;
  const file = rootOwned(assembly);
  const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join("");
  tree.file(
    "etc/passwd",
    lines([
      "root:x:0:0:root:/root:/sbin/nologin",
      "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin",
      `nonroot:x:${nonroot}:${nonroot}:nonroot:/home/nonroot:/sbin/nologin`,
      ...users.map(
        ({ name, uid, home }) => `${name}:x:${uid}:${uid}:${name}:${home ?? "/nonexistent"}:/sbin/nologin`,
      ),
    ]),
    file,
  );
  tree.file(
    "etc/group",
    lines([
      "root:x:0:",
      "nobody:x:65534:",
      "tty:x:5:",
      "staff:x:50:",
      `nonroot:x:${nonroot}:`,
      ...users.map(({ name, uid }) => `${name}:x:${uid}:`),
    ]),
    file,
  );
  // "files", not Google's "compat": the answers are the same and no further library is loaded.
  tree.file(
    "etc/nsswitch.conf",
    lines([
      "passwd: files",
      "group: files",
      "shadow: files",
      "hosts: files dns",
      "networks: files",
      "protocols: files",
      "services: files",
      "ethers: files",
      "rpc: files",
    ]),
    file,
  );
  writeHomes(assembly, users);
  writeSystemName(assembly);
}

function writeHomes(assembly: Assembly, users: readonly RecipeUser[]): void {
  const { tree } = assembly;
  const folder = (path: string, mode: number, id = 0) =>
    tree.directory(path, { ...rootOwned(assembly, mode), uid: id, gid: id });
  for (const path of ["dev", "proc", "sys", "run"]) folder(path, 0o755);
  folder("tmp", 0o1777);
  folder("root", 0o700);
  folder("home", 0o755);
  folder("home/nonroot", 0o700, nonroot);
  for (const { home, uid } of users) if (home !== undefined) folder(home.slice(1), 0o700, uid);
  // Of base-files, for mail and local administrators that are not here; group-writable.
  tree.setDirectory("var/local", { mode: 0o755, gid: 0 });
  tree.setDirectory("var/mail", { mode: 0o755, gid: 0 });
}

/** The release is Debian's, the name is what tools show to people. */
function writeSystemName(assembly: Assembly): void {
  const { tree } = assembly;
  const text = tree.read("usr/lib/os-release")?.toString("utf8");
  if (text === undefined) return;
  const named = text.replace(/^PRETTY_NAME=.*$/m, 'PRETTY_NAME="Distroless"');
  tree.file("usr/lib/os-release", named, rootOwned(assembly));
}
