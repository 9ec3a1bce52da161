import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { LighterError } from "#base";
import { quote } from "#dockerfile";
import type { RunResult } from "#host";
import type { GitOp } from "#plan";
import type { SnapshotName } from "#snapshot";
import { copySource } from "../copy/copy-source.ts";
import { type SelectedSource, select } from "../copy/selection.ts";
import { setTime, UpperWriter } from "../copy/upper-writer.ts";
import { hashKey, wholeOf } from "../solve/keys.ts";
import { writtenSince } from "../times/time-origin.ts";
import { DirectoryTree } from "../tree/directory-tree.ts";
import { LayeredTree } from "../tree/layered-tree.ts";
import { cleanPath, type Entry } from "../tree/tree.ts";
import type { RemoteOptions, RemoteTree } from "./remote-sources.ts";

const fullCommit = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/**
 * The commit that the operation's ref stands for; a full commit asks nobody.
 * @throws SOURCE_UNREACHABLE, DIGEST_MISMATCH when it is not the one that was asked for
 */
export async function findCommit(op: GitOp, options: RemoteOptions, signal: AbortSignal): Promise<string> {
  const { ref, checksum } = op;
  const named = ref === undefined || op.fetchByCommit ? [checksum, ref] : [ref];
  const known = named.find((text) => text !== undefined && fullCommit.test(text));
  const { commit, tag } = known === undefined ? await askForCommit(op, options, signal) : { commit: known };
  // An annotated tag is an object of its own, and either may be meant.
  if (checksum === undefined || [commit, tag].some((found) => found?.startsWith(checksum))) return commit;
  throw new LighterError("DIGEST_MISMATCH", `expected checksum to match ${checksum}, got ${commit}`, {
    details: { remote: op.remote },
  });
}

interface FoundCommit {
  readonly commit: string;
  /** The annotated tag that leads to it. */
  readonly tag?: string | undefined;
}

async function askForCommit(op: GitOp, options: RemoteOptions, signal: AbortSignal): Promise<FoundCommit> {
  const ref = op.ref ?? "HEAD";
  const { status, stdout, stderr } = await git(["ls-remote", "--", op.remote, ref, `${ref}^{}`], {
    op,
    options,
    signal,
  });
  if (status !== 0) throw failed(op, stderr.toString());
  const rows = new Map<string, string>();
  for (const line of stdout.toString().split("\n")) {
    const [commit = "", name = ""] = line.split("\t");
    rows.set(name, commit);
  }
  for (const name of [ref, `refs/heads/${ref}`, `refs/tags/${ref}`, `refs/${ref}`]) {
    const found = rows.get(name);
    const behind = rows.get(`${name}^{}`);
    if (found !== undefined) return behind === undefined ? { commit: found } : { commit: behind, tag: found };
  }
  throw new LighterError("SOURCE_UNREACHABLE", `repository does not contain ref ${ref}, output: ""`, {
    details: { remote: op.remote },
  });
}

/** The tree of a commit, checked out when the store has none of it. */
export function makeCheckout(
  op: GitOp,
  commit: string,
  options: RemoteOptions & { readonly signal: AbortSignal },
): RemoteTree {
  const { remote, subdir, keepGitDir, submodules, mtime } = op;
  const id = hashKey("git", JSON.stringify([remote, commit, subdir, keepGitDir, submodules, mtime]));
  const startMs = Date.now();
  return {
    id,
    resolved: commit,
    origin: () => writtenSince(startMs),
    make: () => checkOut(op, commit, options),
  };
}

async function checkOut(
  op: GitOp,
  commit: string,
  options: RemoteOptions & { readonly signal: AbortSignal },
): Promise<SnapshotName> {
  // A snapshot that is never committed: when this process dies, the next sweep removes the checkout.
  await using scratch = options.snapshots.prepare(undefined);
  const directory = scratch.upper;
  const time = await clone(op, commit, { ...options, directory });
  if (!op.keepGitDir) rmSync(join(directory, ".git"), { recursive: true, force: true });
  return await toSnapshot(op, time, { ...options, directory });
}

type Checkout = RemoteOptions & { readonly signal: AbortSignal; readonly directory: string };

/** @returns the time of the commit in seconds */
async function clone(op: GitOp, commit: string, checkout: Checkout): Promise<number> {
  const run = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await git(["-C", checkout.directory, ...args], {
      op,
      options: checkout,
      signal: checkout.signal,
    });
    if (status !== 0) throw failed(op, stderr.toString());
    return stdout.toString();
  };
  await run("init", "-q", "--initial-branch=master");
  await run("remote", "add", "--", "origin", op.remote);
  await fetchCommit(op, commit, run);
  await run("checkout", "-q", "--detach", commit);
  if (op.submodules) await run("submodule", "update", "-q", "--init", "--recursive", "--depth=1");
  if (op.keepGitDir) {
    // What git notes of its own doings, times included, is not of the repository.
    await run("reflog", "expire", "--all", "--expire=now");
    rmSync(join(checkout.directory, ".git/FETCH_HEAD"), { force: true });
  }
  return Number((await run("show", "-s", "--format=%ct", commit)).trim());
}

async function fetchCommit(
  op: GitOp,
  commit: string,
  run: (...args: string[]) => Promise<string>,
): Promise<void> {
  try {
    await run("fetch", "-q", "--depth=1", "--no-tags", "--", "origin", commit);
  } catch {
    // Not every server gives single commits; what leads to it is fetched whole then.
    await run(
      "fetch",
      "-q",
      "--tags",
      "--",
      "origin",
      op.ref === undefined || fullCommit.test(op.ref) ? "HEAD" : op.ref,
    );
  }
}

async function toSnapshot(op: GitOp, commitTime: number, checkout: Checkout): Promise<SnapshotName> {
  const { snapshots, host } = checkout;
  await using active = snapshots.prepare(undefined);
  const checkedOut = new DirectoryTree(checkout.directory);
  const subdir = cleanPath(op.subdir ?? "/");
  requireDirectory(checkedOut, subdir);
  const tree = new LayeredTree([active.upper], host.files);
  const writer = new UpperWriter({ upper: active.upper, tree, files: host.files });
  const now = Date.now() / 1000;
  const timeOf = (): number => (op.mtime === "commit" ? commitTime : now);
  for (const source of select(checkedOut, wholeOf(`/${subdir}`)))
    await copySource(writer, normalized(source), {
      destination: "/",
      contentsOnly: true,
      replaceExisting: false,
      owner: undefined,
      mode: undefined,
      directoryMode: 0o755,
      timeOf,
      files: host.files,
      signal: checkout.signal,
    });
  setTime(active.upper, timeOf());
  return snapshots.commit(active, `remote-${randomBytes(12).toString("hex")}`);
}

/** A part of a checkout is a directory of it, not what a link leads to. @throws COPY_SOURCE_NOT_FOUND */
function requireDirectory(checkedOut: DirectoryTree, subdir: string): void {
  const parts = subdir.split("/").filter((part) => part !== "");
  for (const [at, part] of parts.entries()) {
    const path = parts.slice(0, at + 1).join("/");
    const entry = checkedOut.find(path);
    if (entry?.kind === "directory") continue;
    const state =
      entry === undefined ? `the repository has no ${quote(part)} there` : `${quote(path)} is no directory`;
    throw new LighterError("COPY_SOURCE_NOT_FOUND", `invalid subdir /${subdir}: ${state}`);
  }
}

/** git knows of a file's mode only whether it is a program; its own objects nobody may write to. */
function normalized(source: SelectedSource): SelectedSource {
  const entry = (found: Entry): Entry => ({
    ...found,
    mode: modeOf(found),
  });
  return {
    ...source,
    entry: entry(source.entry),
    items: source.items.map(({ path, entry: found }) => ({ path, entry: entry(found) })),
  };
}

function modeOf({ kind, mode }: Entry): number {
  if (kind === "directory" || (mode & 0o100) !== 0) return 0o755;
  return (mode & 0o200) === 0 ? 0o444 : 0o644;
}

async function git(
  args: readonly string[],
  {
    op,
    options,
    signal,
  }: { readonly op: GitOp; readonly options: RemoteOptions; readonly signal: AbortSignal },
): Promise<RunResult> {
  const agent = await options.findAgent("default");
  const settings = [
    ["protocol.file.allow", "user"],
    ["core.hooksPath", "/dev/null"],
    ...authorization(op, options),
  ];
  return await options.host.processes.run("git", args, {
    env: {
      ...options.proxyEnv,
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/nonexistent",
      LC_ALL: "C",
      GIT_TERMINAL_PROMPT: "0",
      GIT_CONFIG_NOSYSTEM: "1",
      // By variables and not by arguments, which every user of this machine can read.
      GIT_CONFIG_COUNT: String(settings.length),
      ...Object.fromEntries(
        settings.flatMap(([key = "", value = ""], at) => [
          [`GIT_CONFIG_KEY_${at}`, key],
          [`GIT_CONFIG_VALUE_${at}`, value],
        ]),
      ),
      ...(agent !== undefined && { SSH_AUTH_SOCK: agent }),
    },
    signal,
    endsWithParent: true,
  });
}

/** Credentials come as secrets, as BuildKit takes them. */
function authorization(op: GitOp, { findSecret }: RemoteOptions): readonly (readonly string[])[] {
  const match = /^https?:\/\/[^/]+/.exec(op.remote);
  if (match === null) return [];
  const [origin] = match;
  const host = new URL(op.remote).host;
  const find = (name: string): string | undefined => {
    const value = findSecret(`${name}.${host}`) ?? findSecret(name);
    return value === undefined ? undefined : Buffer.from(value).toString().trim();
  };
  const token = find("GIT_AUTH_TOKEN");
  const header =
    find("GIT_AUTH_HEADER") ??
    (token === undefined ? undefined : `basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`);
  return header === undefined ? [] : [[`http.${origin}/.extraheader`, `Authorization: ${header}`]];
}

function failed(op: GitOp, words: string): LighterError {
  return new LighterError("SOURCE_UNREACHABLE", `cannot fetch "${op.remote}": git says: ${words.trim()}`);
}
