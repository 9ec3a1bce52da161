import { quote } from "#dockerfile";
import { fault } from "./fault.ts";
import { rootedPath } from "./paths.ts";

/** A git repository as ADD and build contexts name it. */
export interface GitReference {
  /** What git is given: without query and fragment. */
  readonly remote: string;
  /** Last part of the remote, without `.git`. */
  readonly shortName: string;
  /** Branch, tag or commit. */
  readonly ref?: string;
  readonly subdir?: string;
  /** The commit, or its first digits. */
  readonly checksum?: string;
  readonly keepGitDir?: boolean;
  readonly submodules?: boolean;
  readonly mtime?: "checkout" | "commit";
  readonly fetchByCommit: boolean;
  /** `github.com/x/y`: a local path in ADD and COPY, a repository as a build context. */
  readonly isLikeLocalPath: boolean;
  /** `git://`, `http://`. */
  readonly isUnencrypted: boolean;
}

const urlPattern = /^([a-zA-Z0-9]+):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;
const scpPattern = /^([a-zA-Z0-9_-]+)@([a-zA-Z0-9.-]+):([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;
const bareGithubPattern = /^(github\.com\/[^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

/**
 * Reads a git reference: `https://….git`, `git://…`, `ssh://…`, `user@host:path`, with `#ref:subdir` or a query.
 * @returns undefined when `text` names no repository
 * @throws PLAN_INVALID when it does, with a query that cannot be
 * @see https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerfile/dfgitutil/git_ref.go
 */
export function findGitReference(text: string): GitReference | undefined {
  if (text.startsWith("./") || text.startsWith("../")) return undefined;
  const parts = splitGithub(text) ?? splitUrl(text) ?? splitScp(text);
  if (parts === undefined) return undefined;
  const [ref = "", ...subdir] = decode(parts.fragment).split(":");
  const subdirectory = rootedPath(subdir.join(":")).slice(1);
  const facts: QueryFacts = {
    ...(ref !== "" && { ref }),
    ...(subdirectory !== "" && { subdir: subdirectory }),
  };
  readQuery(parts.query, facts);
  return Object.freeze({
    ...facts,
    fetchByCommit: facts.fetchByCommit ?? false,
    remote: parts.remote,
    shortName: (parts.remote.split("/").at(-1) ?? "").replace(/\.git$/, ""),
    isLikeLocalPath: parts.isLikeLocalPath,
    isUnencrypted: /^(?:git|http):\/\//i.test(parts.remote),
  });
}

interface Parts {
  readonly remote: string;
  readonly query: string;
  readonly fragment: string;
  readonly isLikeLocalPath: boolean;
}

function splitGithub(text: string): Parts | undefined {
  const match = bareGithubPattern.exec(text);
  if (match === null) return undefined;
  const [, remote = "", query = "", fragment = ""] = match;
  return { remote, query, fragment, isLikeLocalPath: true };
}

function splitUrl(text: string): Parts | undefined {
  const match = urlPattern.exec(text);
  if (match === null) return undefined;
  const [, scheme = "", host = "", path = "", query = "", fragment = ""] = match;
  const protocol = scheme.toLowerCase();
  if (!["http", "https", "ssh", "git"].includes(protocol)) return undefined;
  if (protocol.startsWith("http") && !path.endsWith(".git")) return undefined;
  return { remote: `${protocol}://${host}${path}`, query, fragment, isLikeLocalPath: false };
}

function splitScp(text: string): Parts | undefined {
  if (/^[a-zA-Z0-9]+:\/\//.test(text)) return undefined;
  const match = scpPattern.exec(text);
  if (match === null) return undefined;
  const [, user = "", host = "", path = "", query = "", fragment = ""] = match;
  return { remote: `${user}@${host}:${path}`, query, fragment, isLikeLocalPath: false };
}

interface QueryFacts {
  ref?: string;
  subdir?: string;
  checksum?: string;
  keepGitDir?: boolean;
  submodules?: boolean;
  mtime?: "checkout" | "commit";
  fetchByCommit?: boolean;
}

function readQuery(query: string, facts: QueryFacts): void {
  const parameters = new URLSearchParams(query);
  for (const key of new Set(parameters.keys())) {
    const [value = "", ...more] = parameters.getAll(key);
    if (more.length > 0) throw fault(`query ${quote(key)} has multiple values`);
    if (value === "" && !flags.has(key)) throw fault(`query ${quote(key)} has no value`);
    readParameter(key, value, facts);
  }
  const tag = parameters.get("tag");
  const branch = parameters.get("branch");
  if (tag !== null) setRef(facts, withPrefix(tag, "refs/tags/"));
  if (branch === null) return;
  if (tag !== null) throw fault("branch conflicts with tag");
  setRef(facts, withPrefix(branch, "refs/heads/"));
}

const flags: ReadonlySet<string> = new Set(["submodules", "keep-git-dir", "fetch-by-commit"]);

function readParameter(key: string, value: string, facts: QueryFacts): void {
  switch (key) {
    case "ref":
      return setRef(facts, value);
    case "subdir":
      if (facts.subdir !== undefined && facts.subdir !== value)
        throw fault(`subdir conflicts: ${quote(facts.subdir)} vs ${quote(value)}`);
      facts.subdir = value;
      return;
    case "checksum":
    case "commit":
      facts.checksum = value;
      return;
    case "keep-git-dir":
      facts.keepGitDir = readFlag(key, value);
      return;
    case "submodules":
      facts.submodules = readFlag(key, value);
      return;
    case "fetch-by-commit":
      facts.fetchByCommit = readFlag(key, value);
      return;
    case "mtime":
      if (value !== "checkout" && value !== "commit")
        throw fault(`invalid mtime value: ${quote(value)} (must be "checkout" or "commit")`);
      facts.mtime = value;
      return;
    case "tag":
    case "branch":
      return;
    default:
      throw fault(`unexpected query ${quote(key)}`);
  }
}

function setRef(facts: QueryFacts, ref: string): void {
  if (facts.ref !== undefined && facts.ref !== ref)
    throw fault(`ref conflicts: ${quote(facts.ref)} vs ${quote(ref)}`);
  facts.ref = ref;
}

function readFlag(key: string, value: string): boolean {
  if (value === "" || /^(?:1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw fault(`invalid ${key} value: ${quote(value)}`);
}

function withPrefix(name: string, prefix: string): string {
  return name.startsWith(prefix) ? name : prefix + name;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
