import { type Assembly, rootOwned } from "./assembly.ts";
import { formatJavaKeystore } from "./java-keystore.ts";

const folder = "usr/share/ca-certificates";

/**
 * Mozilla's authorities as one file, which is what TLS libraries read, and for Java as its own list. The single certificates
 * and the scripts that manage them are removed.
 */
export function writeCertificateBundle(assembly: Assembly, options: { readonly forJava: boolean }): void {
  const { tree, packages, epochSeconds } = assembly;
  if (!packages.has("ca-certificates")) return;
  const names = [...tree.entries()]
    .filter(([path, node]) => path.startsWith(`${folder}/`) && path.endsWith(".crt") && node.kind === "file")
    .map(([path]) => path)
    .sort();
  const texts = names.map((path) => ({ path, text: tree.read(path)?.toString("latin1") ?? "" }));
  const bundle = texts.map(({ text }) => (text.endsWith("\n") ? text : `${text}\n`)).join("");
  tree.file("etc/ssl/certs/ca-certificates.crt", Buffer.from(bundle, "latin1"), rootOwned(assembly));
  if (options.forJava) {
    const certificates = texts.map(({ path, text }) => ({
      alias: `debian:${path
        .slice(path.lastIndexOf("/") + 1)
        .replace(/\.crt$/, ".pem")
        .toLowerCase()}`,
      bytes: Buffer.from(text.replace(/-----(?:BEGIN|END) CERTIFICATE-----/g, ""), "base64"),
    }));
    tree.file(
      "etc/ssl/certs/java/cacerts",
      formatJavaKeystore(certificates, epochSeconds),
      rootOwned(assembly),
    );
  }
  for (const path of [
    folder,
    "etc/ca-certificates",
    "usr/sbin/update-ca-certificates",
    "usr/share/man/man8/update-ca-certificates.8.gz",
  ])
    tree.remove(path);
}
