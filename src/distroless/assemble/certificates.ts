import { type Assembly, rootOwned } from "./assembly.ts";
import { subjectHash } from "./subject-hash.ts";

/**
 * What update-ca-certificates makes of Mozilla's list: the bundle, links to each certificate by name and by
 * the hash that OpenSSL looks for, and the configuration that lists them.
 */
export function writeCertificates(assembly: Assembly): void {
  const { tree, epochSeconds } = assembly;
  const folder = "usr/share/ca-certificates/";
  const names = [...tree.entries()]
    .filter(([path, node]) => path.startsWith(folder) && path.endsWith(".crt") && node.kind === "file")
    .map(([path]) => path.slice(folder.length))
    .sort();
  if (names.length === 0) return;
  const link = { uid: 0, gid: 0, mtimeSeconds: epochSeconds };
  const bundle: string[] = [];
  const counts = new Map<string, number>();
  for (const name of names) {
    const text = (tree.read(folder + name) ?? Buffer.alloc(0)).toString("utf8");
    bundle.push(text.endsWith("\n") ? text : `${text}\n`);
    const file = name.slice(name.lastIndexOf("/") + 1).replace(/\.crt$/, ".pem");
    tree.symlink(`etc/ssl/certs/${file}`, `/${folder}${name}`, link);
    const hash = subjectHash(Buffer.from(text));
    if (hash === undefined) continue;
    const count = counts.get(hash) ?? 0;
    counts.set(hash, count + 1);
    tree.symlink(`etc/ssl/certs/${hash}.${count}`, file, link);
  }
  tree.directory("usr/local/share/ca-certificates", rootOwned(assembly, 0o755));
  tree.file("etc/ssl/certs/ca-certificates.crt", bundle.join(""), rootOwned(assembly));
  const head =
    "# Certificates to be trusted; update-ca-certificates(8) reads this file. A line that begins with ! is left out.\n";
  tree.file(
    "etc/ca-certificates.conf",
    head + names.map((name) => `${name}\n`).join(""),
    rootOwned(assembly),
  );
}
