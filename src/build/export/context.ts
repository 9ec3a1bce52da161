import type { OnProgress } from "#base";
import type { ContentStore } from "#content";
import type { Host } from "#host";
import type { ImageStore } from "#image";
import type { Reference } from "#oci";
import type { Snapshotter } from "#snapshot";
import type { MakePredicates } from "../attest/predicates.ts";
import type { OpenRegistries } from "../ports.ts";
import type { Annotation, BuildOutput } from "./output.ts";
import type { LayerMaking, PlatformImage, PlatformResult } from "./platform-image.ts";

/** What the outputs of one build work with. */
export interface OutputContext {
  /** One a platform, in the order in which they were asked for. */
  readonly results: readonly PlatformResult[];
  /** An index, and directories a platform, also for a single one. */
  readonly isMultiPlatform: boolean;
  readonly names: readonly Reference[];
  readonly annotations: readonly Annotation[];
  /** Absent: no attestations. */
  readonly predicates: MakePredicates | undefined;
  readonly making: LayerMaking;
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly snapshots: Snapshotter;
  readonly host: Host;
  readonly registries: OpenRegistries;
  /** The images of the results, their layers made when first asked for. */
  readonly platformImages: () => Promise<readonly PlatformImage[]>;
  readonly extendConfig?: (image: PlatformImage) => Readonly<Record<string, unknown>>;
  readonly writeStdout: ((chunk: Uint8Array) => Promise<void> | void) | undefined;
  readonly tell: (note: string) => void;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal | undefined;
}

/** What `docker build` would call the step. */
export function outputName(output: BuildOutput): string {
  switch (output.kind) {
    case "image":
      return output.push && !output.store ? "exporting to registry" : "exporting to image";
    case "archive":
      return `exporting to ${output.format === "oci" ? "oci" : "docker"} image format`;
    case "local":
      return "exporting to client directory";
    case "tar":
      return "exporting to client tarball";
    case "cacheonly":
      return "keeping results in the build cache";
  }
}
