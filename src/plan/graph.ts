import type { LintWarning } from "#dockerfile";
import type { Digest, ImageConfig, Platform, Reference } from "#oci";
import type { EpochSource } from "./epoch.ts";
import type { Outline } from "./outline.ts";

/** Identifies a vertex: the digest of its operation and of the ids of its inputs. Names, ranges and stages are no part of it. */
export type VertexId = Digest;

/** One result of another vertex. Every operation of a Dockerfile has the one output 0: a tree. */
export interface Edge {
  readonly vertex: VertexId;
  readonly output: 0;
}

/** One step of a build, as data. Equal steps are one vertex. */
export interface Vertex {
  readonly id: VertexId;
  readonly op: Op;
  /** What {@link Op} refers to by position. */
  readonly inputs: readonly Edge[];
  /** BuildKit's words: `[builder 2/4] WORKDIR /src`, `[internal] load build context`. */
  readonly name: string;
  /** Name or number of the first stage that asked for the step; absent for `[internal]` steps. */
  readonly stage?: string;
  /** The instruction as the Dockerfile has it, heredocs left out. */
  readonly command?: string;
  /** Lines of the Dockerfile, from 1, ends included. */
  readonly range?: LineRange;
  /** The step runs even when its result is known (`--no-cache`). No part of the id. */
  readonly ignoreCache: boolean;
}

/** Lines of a file, from 1, both ends included. */
export interface LineRange {
  readonly startLine: number;
  readonly endLine: number;
}

/** The steps of a build. Inputs stand before their users: walking the map is walking in topological order. */
export interface Graph {
  readonly vertices: ReadonlyMap<VertexId, Vertex>;
}

/** What a vertex does. `input` fields are positions in {@link Vertex.inputs}. */
export type Op = ImageOp | LocalOp | HttpOp | UploadOp | GitOp | ExecOp | FileOp | MergeOp;

/** The tree of a base image. */
export interface ImageOp {
  readonly kind: "image";
  readonly reference: Reference;
  readonly platform: Platform;
  /** Digest of the manifest that the caller resolved; the id covers it. */
  readonly digest?: Digest;
}

/** Files of a directory that the caller knows by name. */
export interface LocalOp {
  readonly kind: "local";
  /** `context` for the build context, else the name of a named context. */
  readonly context: string;
  /**
   * What reachable stages take, as clean patterns with no leading slash; a path stands for everything below it.
   * Absent: everything. No part of the id: a COPY is keyed by the content it takes.
   */
  readonly paths?: readonly string[];
}

/** One file from the web, named {@link HttpOp.filename} in the resulting tree. */
export interface HttpOp {
  readonly kind: "http";
  readonly url: string;
  readonly filename: string;
  readonly checksum?: Digest;
  /** The file is an archive, and the tree what is in it. */
  readonly unpack?: true;
}

/** What an archive holds that the caller put into the store. */
export interface UploadOp {
  readonly kind: "upload";
  /** Of the archive. */
  readonly digest: Digest;
}

/** A checkout of a git repository. */
export interface GitOp {
  readonly kind: "git";
  /** As given: `https://github.com/moby/buildkit.git`, `git@github.com:moby/buildkit.git`. */
  readonly remote: string;
  readonly ref?: string;
  readonly subdir?: string;
  /** Prefix of the commit that `ref` must be. */
  readonly checksum?: string;
  readonly keepGitDir: boolean;
  readonly submodules: boolean;
  readonly mtime: "checkout" | "commit";
  readonly fetchByCommit: boolean;
}

/** Runs a program in a tree; the tree afterwards is the output. */
export interface ExecOp {
  readonly kind: "exec";
  /** Position of the root filesystem; absent: an empty tree. */
  readonly root?: number;
  /** Empty for `RUN []`: nothing runs, and the layer is empty. */
  readonly args: readonly string[];
  /** `NAME=value`, in order, as the program sees it. Written out at each reading: read it once. */
  readonly env: readonly string[];
  /** HTTP_PROXY and its kin, added to {@link ExecOp.env} when the program runs. No part of the id. */
  readonly proxyEnv: readonly string[];
  readonly cwd: string;
  /** `user[:group]` as in USER; absent: root. */
  readonly user?: string;
  readonly mounts: readonly ExecMount[];
  readonly network: "default" | "none" | "host";
  readonly security: "sandbox" | "insecure";
  readonly hostname?: string;
  /** The id covers the names only. */
  readonly extraHosts: readonly ExtraHost[];
  readonly shmSizeBytes?: number;
  readonly ulimits: readonly Ulimit[];
  readonly devices: readonly ExecDevice[];
  readonly platform: Platform;
}

/** `--add-host`: a line of /etc/hosts. */
export interface ExtraHost {
  readonly host: string;
  /** An address, or `host-gateway`. */
  readonly ip: string;
}

/** `--ulimit`: a limit of setrlimit(2) by its name in lower case, `nofile`. */
export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** `RUN --device`: a name of the Container Device Interface. */
export interface ExecDevice {
  readonly name: string;
  readonly required: boolean;
}

/** `RUN --mount`, in the order in which to mount: trees by target, then secrets and sockets. Targets are absolute and clean. */
export type ExecMount = BindMount | CacheMount | TmpfsMount | SecretMount | SshMount;

/** A tree of another vertex, or an empty one; what is written to it is discarded. */
export interface BindMount {
  readonly kind: "bind";
  readonly target: string;
  readonly input?: number;
  /** Path inside the input. */
  readonly source: string;
  readonly readonly: boolean;
}

/** A directory that outlives the build. The id of the vertex does not cover {@link CacheMount.id}. */
export interface CacheMount {
  readonly kind: "cache";
  readonly target: string;
  /** With the namespace in front when the build set one. */
  readonly id: string;
  readonly sharing: "shared" | "private" | "locked";
  readonly readonly: boolean;
  /** The tree that a new cache starts from. */
  readonly input?: number;
  readonly source: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** An empty file system in memory; `sizeBytes` absent: as large as the kernel lets it be. */
export interface TmpfsMount {
  readonly kind: "tmpfs";
  readonly target: string;
  readonly sizeBytes?: number;
}

/** A secret as a file, a variable, or both. */
export interface SecretMount {
  readonly kind: "secret";
  readonly id: string;
  /** Absent when only {@link SecretMount.env} is wanted. */
  readonly target?: string;
  readonly env?: string;
  readonly required: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A socket of an ssh agent; the first sets `SSH_AUTH_SOCK`. */
export interface SshMount {
  readonly kind: "ssh";
  readonly id: string;
  readonly target: string;
  readonly required: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Changes a tree by actions, in order, as one layer: COPY, ADD, WORKDIR, inline documents. */
export interface FileOp {
  readonly kind: "file";
  /** Position of the tree that is changed; absent: an empty tree (`--link`, inline documents). */
  readonly base?: number;
  readonly actions: readonly FileAction[];
}

/** One change of a tree. */
export type FileAction = CopyAction | MkdirAction | MkfileAction;

/** One source of a COPY or ADD. Missing directories of the destination are made, 0755 unless {@link CopyAction.mode} says otherwise. */
export interface CopyAction {
  readonly kind: "copy";
  /** Position of the tree that is read; absent: an empty tree, in which only a pattern is no error. */
  readonly input?: number;
  /** Absolute in the input; a wildcard is one of Go's filepath.Match. */
  readonly source: string;
  /** Absolute; with a trailing slash it is a directory. */
  readonly destination: string;
  /** Links in {@link CopyAction.source} itself are followed, inside the input. */
  readonly followSymlinks: boolean;
  /** A source directory gives its contents, not itself. */
  readonly contentsOnly: boolean;
  /** A tar archive, by content, is unpacked into the destination; anything else is copied. */
  readonly unpack: boolean;
  /** {@link CopyAction.source} may hold wildcards; one that matches nothing is no error. A source without wildcards must exist. */
  readonly wildcard: boolean;
  /** `--parents`: only these below {@link CopyAction.source} (patterns of .dockerignore). */
  readonly includePatterns: readonly string[];
  /** `--exclude`: patterns of .dockerignore relative to the copied root. */
  readonly excludePatterns: readonly string[];
  /** What must exist although it came as an include pattern. */
  readonly requiredPaths: readonly string[];
  /** Of what is copied and of the directories that had to be made for it. */
  readonly owner?: Owner;
  /** Permission bits, or symbolic (`u=rwX,go=rX`). */
  readonly mode?: number | string;
}

/** WORKDIR. */
export interface MkdirAction {
  readonly kind: "mkdir";
  readonly path: string;
  readonly mode: number;
  readonly makeParents: boolean;
  readonly owner?: Owner;
  /** Modification time, when SOURCE_DATE_EPOCH is set. */
  readonly createdSeconds?: number;
}

/** A file with given content: heredocs of COPY, ADD and RUN. */
export interface MkfileAction {
  readonly kind: "mkfile";
  readonly path: string;
  readonly mode: number;
  readonly content: string;
  readonly owner?: Owner;
}

/** Names are looked up in /etc/passwd and /etc/group of the tree that is changed. */
export interface Owner {
  readonly user?: UserName;
  readonly group?: UserName;
}

/** A numeric id, or a name to look up. */
export type UserName = { readonly id: number } | { readonly name: string };

/** The trees of all inputs, later ones on top (`--link`). */
export interface MergeOp {
  readonly kind: "merge";
}

/** All that a solver needs: what to do, and what the image will say. */
export interface Plan {
  readonly kind: "plan";
  readonly graph: Graph;
  /** Absent: the image has no layer (`FROM scratch` alone). */
  readonly target?: Edge;
  /** Name or number of the stage that is built. */
  readonly stage: string;
  readonly platform: Platform;
  readonly image: ImageTemplate;
  /** What can be passed to the build. */
  readonly outline: Outline;
  /** SOURCE_DATE_EPOCH: `created` of the image and of its new history. */
  readonly epochSeconds?: number;
  /**
   * SOURCE_DATE_EPOCH names this source, and the plan was made without a time: fetch it, and plan again with the
   * build argument SOURCE_DATE_EPOCH set to its seconds.
   */
  readonly epochSource?: EpochSource;
  /** Build checks that found something. */
  readonly warnings: readonly LintWarning[];
}

/** The image without what only building can tell: digests of layers and times. See `finishImage`. */
export interface ImageTemplate {
  /** Complete but for `created`, and with `history` and `rootfs` of the base image only. */
  readonly config: ImageConfig;
  /** One per instruction, after the base image's. */
  readonly history: readonly HistoryStep[];
}

/** A line of `history` to come. */
export interface HistoryStep {
  /** Written out at each reading, for RUN names every ARG in it. */
  readonly createdBy: string;
  readonly comment: string;
  readonly author?: string;
  /** The vertex whose layer the line describes; absent for `empty_layer`. */
  readonly layer?: VertexId;
}
