import { type Assembly, rootOwned } from "./assembly.ts";

/** Path globs that dpkg leaves out of, and keeps in, slim images; kept for what is installed later, too. */
export interface PathRules {
  readonly exclude: readonly string[];
  readonly include: readonly string[];
}

/** Where apt inside gets packages, and how apt and dpkg behave in an image. Files are named as in Debian's own images. */
export function writeAptConfiguration(
  assembly: Assembly,
  release: string,
  rules: PathRules | undefined,
): void {
  const { tree } = assembly;
  const file = (path: string, text: string, mode = 0o644) => tree.file(path, text, rootOwned(assembly, mode));
  const apt = /^_apt:[^:]*:(\d+):/m.exec(tree.read("etc/passwd")?.toString("utf8") ?? "")?.[1];
  for (const path of ["var/lib/apt/lists/partial", "var/cache/apt/archives/partial"])
    tree.setDirectory(path, { mode: 0o700, uid: Number(apt ?? 0) });
  file("etc/apt/sources.list.d/debian.sources", sources(release));
  file(
    "etc/apt/apt.conf.d/docker-clean",
    '# Packages are not kept after they were installed: they would only make layers larger.\nDPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };\nAPT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n',
  );
  file("etc/apt/apt.conf.d/docker-gzip-indexes", 'Acquire::GzipIndexes "true";\n');
  file("etc/apt/apt.conf.d/docker-no-languages", 'Acquire::Languages "none";\n');
  file("etc/apt/apt.conf.d/docker-autoremove-suggests", 'Apt::AutoRemove::SuggestsImportant "false";\n');
  file(
    "etc/dpkg/dpkg.cfg.d/docker-apt-speedup",
    "# A build step that is interrupted is dropped whole: flushing every file is wasted time.\nforce-unsafe-io\n",
  );
  file(
    "usr/sbin/policy-rc.d",
    "#!/bin/sh\n# No service is started while packages are installed.\nexit 101\n",
    0o755,
  );
  if (rules !== undefined) file("etc/dpkg/dpkg.cfg.d/docker", pathRules(rules));
}

function sources(release: string): string {
  const stanza = (url: string, suites: string) =>
    `Types: deb\nURIs: ${url}\nSuites: ${suites}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`;
  return [
    stanza("http://deb.debian.org/debian", `${release} ${release}-updates`),
    stanza("http://deb.debian.org/debian-security", `${release}-security`),
  ].join("\n");
}

function pathRules({ exclude, include }: PathRules): string {
  const head =
    "# This is a slim image: these files were left out, and packages installed later leave them out, too.\n";
  return [
    head,
    ...exclude.map((glob) => `path-exclude=${glob}\n`),
    ...include.map((glob) => `path-include=${glob}\n`),
  ].join("");
}

/** Whether a path (no leading slash) falls under the rules, as dpkg reads them: `*` matches slashes, the last rule wins. */
export function pathFilter(rules: PathRules | undefined): (path: string) => boolean {
  if (rules === undefined) return () => false;
  const exclude = rules.exclude.map(globPattern);
  const include = rules.include.map(globPattern);
  return (path) => {
    const absolute = `/${path}`;
    return (
      exclude.some((pattern) => pattern.test(absolute)) && !include.some((pattern) => pattern.test(absolute))
    );
  };
}

function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s");
}
