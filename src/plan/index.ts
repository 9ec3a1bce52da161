export { checkResult, outlineResult, targetsResult } from "./call-result.ts";
export { mainContextVertex } from "./context-source.ts";
export type { EpochSource } from "./epoch.ts";
export { findGitReference, type GitReference } from "./git-reference.ts";
export type {
  BindMount,
  CacheMount,
  CopyAction,
  Edge,
  ExecDevice,
  ExecMount,
  ExecOp,
  ExtraHost,
  FileAction,
  FileOp,
  GitOp,
  Graph,
  HistoryStep,
  HttpOp,
  ImageOp,
  ImageTemplate,
  LineRange,
  LocalOp,
  MergeOp,
  MkdirAction,
  MkfileAction,
  Op,
  Owner,
  Plan,
  SecretMount,
  SshMount,
  TmpfsMount,
  Ulimit,
  UploadOp,
  UserName,
  Vertex,
  VertexId,
} from "./graph.ts";
export { finishImage, type ImageFacts } from "./image-template.ts";
export type { Outline } from "./outline.ts";
export { type PlanAnswer, type PlanInvalid, type PlanNeeds, type PlanRequest, plan } from "./plan.ts";
export { type PlanFormat, printPlan } from "./print-plan.ts";
export type { BaseRequest, NamedContext, PlanOptions, ResolvedBase } from "./request.ts";
export { assumedBase } from "./resolve-bases.ts";
export { listTargets, type Target } from "./targets.ts";
