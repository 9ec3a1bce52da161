import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const shellsAndManagers =
  /^(?:sh|r?bash|dash|ash|zsh|m?ksh|t?csh|fish|busybox|toybox|apt(?:-\w+)?|dpkg(?:-\w+)?|apk|rpm|yum|dnf|pip[\d.]*|easy_install|np[mx]|yarn|pnpm|corepack|perl[\d.]*|su|sudo)$/;

interface Entry {
  readonly mode: string;
  readonly uid: string;
  readonly gid: string;
  /** Bytes; nothing for what has no content of its own. */
  readonly size: number;
  readonly path: string;
}

/** The layers of an image, as its manifest in the store names them. */
export function layersOf(root: string, digest: string): readonly string[] {
  const { layers } = JSON.parse(readFileSync(blobPath(root, digest), "utf8")) as {
    layers: { digest: string }[];
  };
  return layers.map((layer) => layer.digest);
}

function blobPath(root: string, digest: string): string {
  return join(root, "blobs", digest.replace(":", "/"));
}

/** Every entry of every layer, as tar itself lists them: the store is an image layout that any tool reads. */
export function entriesOf(root: string, digest: string): readonly Entry[] {
  return layersOf(root, digest).flatMap((layer) => {
    const { status, stdout } = spawnSync("tar", ["--numeric-owner", "-tvf", blobPath(root, layer)], {
      encoding: "utf8",
      maxBuffer: 64 << 20,
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    });
    assert.equal(status, 0);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => {
        const [, mode = "", uid = "", gid = "", size = "", path = ""] =
          /^(\S{10}) +(\d+)\/(\d+) +(\S+) \S+ \S+ (.*?)(?: -> .*| link to .*)?$/.exec(line) ?? [];
        assert.notEqual(path, "", line);
        return {
          mode,
          uid,
          gid,
          size: Number(size) || 0,
          path: path.replace(/^\.?\//, "").replace(/\/$/, ""),
        };
      });
  });
}

/**
 * Holds an image to what distroless promises: no shell, no package manager, no way to more rights, nothing to write to.
 * @param tools where debug images have busybox: shells may stand there, and must
 */
export function assertBare(entries: readonly Entry[], title: string, tools?: string): void {
  const isTool = ({ path }: Entry) => tools !== undefined && path.startsWith(`${tools}/`);
  assert.equal(entries.filter(isTool).length > 200, tools !== undefined, title);
  const faults = entries.flatMap((entry) => {
    const { mode, uid, gid, path } = entry;
    const said = (what: string) => [`${path} ${what} (${mode} ${uid}:${gid})`];
    const name = path.split("/").at(-1) ?? "";
    if (!mode.startsWith("d") && !isTool(entry) && shellsAndManagers.test(name))
      return said("is a shell or package manager");
    if (/[sS]/.test(mode)) return said("runs with other rights");
    if (/^[bc]/.test(mode)) return said("is a device");
    const isSticky = /[tT]$/.test(mode);
    if (!mode.startsWith("l") && !isSticky && (mode[5] === "w" || mode[8] === "w"))
      return said("is writable");
    const isHome = path === "home/nonroot" && uid === "65532" && mode === "drwx------";
    if ((uid !== "0" || gid !== "0") && !isHome) return said("is not root's");
    return [];
  });
  assert.deepEqual(faults, [], title);
  assert.ok(entries.length > 100, "the list is whole");
}

/** Bytes of regular files, each once, in MiB. */
export function mebibytes(entries: readonly Entry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0) / (1 << 20);
}
