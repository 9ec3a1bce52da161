import { posix } from "node:path";
import { describe, test } from "node:test";
import { parse } from "#dockerfile";
import { formatReference } from "#oci";
import type { ExecMount, FileAction, Owner, Plan, UserName, Vertex } from "#plan";
import {
  type LlbAction,
  type LlbExec,
  type LlbMount,
  type LlbOwner,
  type LlbVertex,
  linux,
  missing,
  planFully,
  readRows,
  Score,
} from "../support/frontend-corpus.ts";

/** Where lighter's graph is the better one. */
const better: Readonly<Record<string, string>> = {
  "buildkit-inline/testOnBuildInheritedStageWithFrom/0.Dockerfile": "BuildKit counts a FROM twice: step 3/2",
  "realworld/moby+moby/Dockerfile": "two equal WORKDIRs are one vertex; it has the name of the first",
};

describe("corpora", { skip: missing }, () => {
  test("graph", () => {
    const score = new Score("graph");
    for (const { name, dockerfile, encoding, buildArgs, expected } of readRows()) {
      if (!expected.llb || name in better) continue;
      const parsed = parse(Buffer.from(dockerfile, encoding));
      const answer = planFully({ parsed, buildArgs, buildPlatform: linux, checks: false });
      const got = answer.kind === "plan" ? graphSummary(answer) : answer.kind;
      score.equal("vertices", name, got, llbSummary(expected.llb));
    }
    score.report();
  });
});

/**
 * The gist of the vertices: what both graphs can be asked. Equal FROMs are one vertex with one of their names, so the
 * names of images do not count.
 */
function graphSummary({ graph }: Plan): string[] {
  return [...graph.vertices.values()]
    .filter(({ op }) => op.kind !== "local")
    .map(vertexSummary)
    .toSorted();
}

function vertexSummary({ name, op }: Vertex): string {
  switch (op.kind) {
    case "exec": {
      const facts = [op.args, op.cwd, op.env, op.user ?? "", op.network, op.security];
      return JSON.stringify([name, ...facts, sortRows(op.mounts.flatMap(mountSummary))]);
    }
    case "image":
      return JSON.stringify([`docker-image://${formatReference(op.reference).replace(/@.*/, "")}`]);
    case "file":
      return JSON.stringify([name, op.actions.map(actionSummary)]);
    case "git":
      return JSON.stringify([
        name,
        `git://${op.remote.replace(/^\w+:\/\//, "")}${op.ref ? `#${op.ref}` : ""}`,
        op.keepGitDir,
      ]);
    case "http":
      return JSON.stringify([name, op.url, op.filename, op.checksum ?? ""]);
    case "local":
    case "upload":
    case "merge":
      return JSON.stringify([name]);
  }
}

/** A mount in BuildKit's terms; a secret may be two: a file and a variable. */
function mountSummary(mount: ExecMount): unknown[][] {
  switch (mount.kind) {
    case "bind":
      return [["bind", mount.target, mount.source, mount.readonly]];
    case "cache":
      return [["cache", mount.target, mount.id, mount.sharing, mount.readonly]];
    case "tmpfs":
      return [["tmpfs", mount.target, mount.sizeBytes ?? 0]];
    case "secret": {
      const { id, target, env, required, mode, uid, gid } = mount;
      const file = target === undefined ? [] : [["secret", id, target, required, mode, uid, gid]];
      return env === undefined ? file : [...file, ["secret env", id, env, required]];
    }
    case "ssh":
      return [["ssh", mount.id, mount.target, mount.required, mount.mode, mount.uid, mount.gid]];
  }
}

function actionSummary(action: FileAction): unknown[] {
  switch (action.kind) {
    case "copy": {
      const { source, destination, unpack, owner, mode, includePatterns, excludePatterns, requiredPaths } =
        action;
      const patterns = [includePatterns, excludePatterns, requiredPaths];
      return ["copy", source, destination, unpack, ownerSummary(owner), mode ?? -1, ...patterns];
    }
    case "mkdir":
      return ["mkdir", posix.normalize(action.path), action.mode, ownerSummary(action.owner)];
    case "mkfile":
      return ["mkfile", action.path, action.mode, action.content];
  }
}

function ownerSummary(owner: Owner | undefined): unknown[] {
  const name = (user: UserName | undefined): unknown => user && ("id" in user ? user.id : user.name);
  return owner === undefined ? [] : [name(owner.user) ?? "", name(owner.group) ?? ""];
}

function llbSummary(vertices: readonly LlbVertex[]): string[] {
  return vertices
    .filter(
      ({ Op: { Op } }) => Op.source?.identifier.startsWith("local:") !== true && Object.keys(Op).length > 0,
    )
    .filter(({ Desc }) => Desc?.["llb.customname"] !== "[internal] setting cache mount permissions")
    .map(llbVertexSummary)
    .toSorted();
}

function llbVertexSummary({ Desc, Op: { Op } }: LlbVertex): string {
  const name = Desc?.["llb.customname"] ?? "";
  if (Op.exec !== undefined) return JSON.stringify([name, ...llbExec(Op.exec)]);
  if (Op.file !== undefined)
    return JSON.stringify([name, Op.file.actions.map(({ Action }) => llbAction(Action))]);
  const { identifier = "", attrs = {} } = Op.source ?? {};
  if (identifier.startsWith("docker-image:")) return JSON.stringify([identifier.replace(/@.*/, "")]);
  if (identifier.startsWith("git:"))
    return JSON.stringify([
      name,
      identifier.replace(/(#[^:]*):.*/, "$1"),
      attrs["git.keepgitdir"] === "true",
    ]);
  if (identifier.startsWith("http"))
    return JSON.stringify([name, identifier, attrs["http.filename"], attrs["http.checksum"] ?? ""]);
  return JSON.stringify([name]);
}

function llbExec({ meta, mounts, network = 0, security = 0, secretenv = [] }: LlbExec): unknown[] {
  const facts = [meta.args, meta.cwd, meta.env ?? [], meta.user ?? ""];
  const modes = [["default", "host", "none"][network], ["sandbox", "insecure"][security]];
  const variables = secretenv.map(({ ID, name, optional }) => ["secret env", ID, name, optional !== true]);
  const all = [...mounts.filter(({ dest }) => dest !== "/").map(llbMount), ...variables];
  return [...facts, ...modes, sortRows(all)];
}

function llbMount(mount: LlbMount): unknown[] {
  const target = withoutSlash(mount.dest);
  const writable = mount.readonly ?? false;
  switch (mount.mountType ?? 0) {
    case 1:
      return ["secret", mount.secretOpt?.ID ?? "", target, ...llbSecret(mount.secretOpt)];
    case 2:
      return ["ssh", mount.SSHOpt?.ID || "default", target, ...llbSecret(mount.SSHOpt)];
    case 3: {
      const { ID = "", sharing = 0 } = mount.cacheOpt ?? {};
      return ["cache", target, ID, ["shared", "private", "locked"][sharing], writable];
    }
    case 4:
      return ["tmpfs", target, mount.TmpfsOpt?.size ?? 0];
    default:
      return ["bind", target, mount.selector ?? "/", writable];
  }
}

function llbSecret(secret: LlbMount["secretOpt"]): unknown[] {
  return [secret?.optional !== true, secret?.mode ?? 0, secret?.uid ?? 0, secret?.gid ?? 0];
}

function llbAction({ copy, mkdir, mkfile }: LlbAction): unknown[] {
  if (copy !== undefined) {
    const patterns = [copy.include_patterns ?? [], copy.exclude_patterns ?? [], copy.required_paths ?? []];
    const unpack = copy.attemptUnpackDockerCompatibility ?? false;
    const mode = copy.modeStr ?? copy.mode ?? 0;
    return [
      "copy",
      withoutSlash(copy.src),
      cleanTarget(copy.dest),
      unpack,
      llbOwner(copy.owner),
      mode,
      ...patterns,
    ];
  }
  if (mkdir !== undefined) return ["mkdir", posix.normalize(mkdir.path), mkdir.mode, llbOwner(mkdir.owner)];
  const content = Buffer.from(mkfile?.data ?? "", "base64").toString("utf8");
  return ["mkfile", mkfile?.path, mkfile?.mode, content];
}

function llbOwner(owner: LlbOwner | undefined): unknown[] {
  const name = (user: LlbOwner["user"]): unknown => user && (user.User.byName?.name ?? user.User.byId ?? 0);
  return owner === undefined ? [] : [name(owner.user) ?? "", name(owner.group) ?? ""];
}

/** BuildKit leaves absolute paths as they were written. */
function cleanTarget(path: string): string {
  const clean = withoutSlash(path.replace(/\/\.$/, "/"));
  return /\/\.?$/.test(path) && clean !== "/" ? `${clean}/` : clean;
}

function withoutSlash(path: string): string {
  const clean = posix.join("/", path);
  return clean.length > 1 ? clean.replace(/\/$/, "") : clean;
}

function sortRows(rows: readonly unknown[][]): unknown[][] {
  return rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
