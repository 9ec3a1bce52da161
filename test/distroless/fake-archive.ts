import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { createCleartextMessage, generateKey, type PrivateKey, revokeKey, sign } from "openpgp";
import { formatTarHeader, type TarEntry, tarEnd, tarEntry, tarPadding } from "#archive";

/** A file of a package: text, or an entry with its text. */
export type FakeFile = string | (Partial<TarEntry> & { readonly text?: string });

/** A package written short; `files` by path as it stands in the tar. */
export interface FakePackage {
  readonly name: string;
  readonly version?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, FakeFile>>;
  readonly control?: Readonly<Record<string, string>>;
  /** The package's bytes, in place of what the other fields would give. */
  readonly deb?: Buffer;
}

export interface SigningKey {
  readonly privateKey: PrivateKey;
  readonly archiveKey: { readonly name: string; readonly fingerprint: string; readonly base64: string };
}

export async function makeKey(name: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKey({
    type: "ecc",
    curve: "ed25519Legacy",
    userIDs: [{ name }],
    date: new Date("2026-01-01T00:00:00Z"),
    format: "object",
  });
  const base64 = Buffer.from(publicKey.write()).toString("base64");
  return { privateKey, archiveKey: { name, fingerprint: publicKey.getFingerprint().toUpperCase(), base64 } };
}

/** The key as its owner has published it after losing it. */
export async function revoke({ privateKey, archiveKey }: SigningKey): Promise<SigningKey["archiveKey"]> {
  const { publicKey } = await revokeKey({
    key: privateKey,
    reasonForRevocation: { string: "lost" },
    date: new Date("2026-06-01T00:00:00Z"),
    format: "object",
  });
  return { ...archiveKey, base64: Buffer.from(publicKey.write()).toString("base64") };
}

export async function clearSign(text: string, { privateKey }: SigningKey, date: Date): Promise<string> {
  const message = await createCleartextMessage({ text });
  return await sign({ message, signingKeys: privateKey, date });
}

/** A .deb, with a gzip control archive and a plain data archive. */
export function makeDeb({ name, version = "1", fields = {}, files = {}, control = {} }: FakePackage): Buffer {
  const paragraph = {
    Package: name,
    Version: version,
    Architecture: "amd64",
    ...fields,
    Description: `fake ${name}`,
  };
  const text = Object.entries(paragraph).map(([field, value]) => `${field}: ${value}\n`);
  return formatAr([
    ["debian-binary", Buffer.from("2.0\n")],
    ["control.tar.gz", gzipSync(makeTar({ "./control": text.join(""), ...control }))],
    ["data.tar", makeTar({ "./": { kind: "directory" }, ...files })],
  ]);
}

export function makeTar(files: Readonly<Record<string, FakeFile>>): Buffer {
  const parts = Object.entries(files).flatMap(([path, file]) => {
    const { text = "", ...fields } = typeof file === "string" ? { text: file } : file;
    const bytes = Buffer.from(text);
    const entry = tarEntry({ path, mtimeSeconds: 1_700_000_000, sizeBytes: bytes.length, ...fields });
    return [formatTarHeader(entry), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...parts, tarEnd]);
}

export function formatAr(members: readonly (readonly [name: string, bytes: Buffer])[]): Buffer {
  const parts = members.flatMap(([name, bytes]) => [
    Buffer.from(
      `${name.padEnd(16)}${"0".padEnd(12)}${"0     0     100644  "}${String(bytes.length).padEnd(10)}\`\n`,
    ),
    bytes,
    Buffer.alloc(bytes.length % 2, "\n"),
  ]);
  return Buffer.concat([Buffer.from("!<arch>\n"), ...parts]);
}

/** Files of a mirror by path below its root, as a server hands them out. */
export type MirrorFiles = Map<string, Buffer>;

/** How an archive is signed and dated. */
export interface ArchiveOptions {
  readonly key: SigningKey;
  readonly date: Date;
  readonly validUntil?: Date;
  readonly suiteName?: string;
  /** Changes the text of a Release file before it is signed. */
  readonly edit?: (release: string) => string;
}

/** A mirror with the suites `test`, `test-updates` (empty) and `test-security` (empty, on its own path). */
export async function makeArchive(
  packages: readonly FakePackage[],
  options: ArchiveOptions,
): Promise<MirrorFiles> {
  const files: MirrorFiles = new Map();
  const stanzas = packages.map((fake) => {
    const deb = fake.deb ?? makeDeb(fake);
    const { name, version = "1", fields = {} } = fake;
    const filename = `pool/${name}_${version.replace(":", "%3a")}_amd64.deb`;
    files.set(`debian/${filename}`, deb);
    const lines = {
      Package: name,
      Version: version,
      Architecture: "amd64",
      ...fields,
      Filename: filename,
      Size: deb.length,
      SHA256: sha256(deb),
    };
    return Object.entries(lines)
      .map(([field, value]) => `${field}: ${value}\n`)
      .join("");
  });
  await addSuite(files, { root: "debian", suite: "test", index: stanzas.join("\n") }, options);
  await addSuite(files, { root: "debian", suite: "test-updates", index: "" }, options);
  await addSuite(files, { root: "debian-security", suite: "test-security", index: "" }, options);
  return files;
}

async function addSuite(
  files: MirrorFiles,
  { root, suite, index }: { readonly root: string; readonly suite: string; readonly index: string },
  { key, date, validUntil, suiteName = "stable", edit = (text) => text }: ArchiveOptions,
): Promise<void> {
  const path = "main/binary-amd64/Packages";
  const plain = Buffer.from(index);
  const packed = gzipSync(plain);
  const release = [
    `Suite: ${suiteName}`,
    `Codename: ${suite}`,
    `Date: ${date.toUTCString()}`,
    ...(validUntil === undefined ? [] : [`Valid-Until: ${validUntil.toUTCString()}`]),
    "Acquire-By-Hash: yes",
    "Architectures: amd64",
    "SHA256:",
    ` ${sha256(plain)} ${plain.length} ${path}`,
    ` ${sha256(packed)} ${packed.length} ${path}.gz`,
    "",
  ].join("\n");
  const base = `${root}/dists/${suite}`;
  files.set(`${base}/InRelease`, Buffer.from(await clearSign(edit(release), key, date)));
  files.set(`${base}/main/binary-amd64/by-hash/SHA256/${sha256(packed)}`, packed);
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
