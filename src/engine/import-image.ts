import { LighterError } from "#base";
import { parse } from "#dockerfile";
import type { Image, ImageStore } from "#image";
import { type ImageConfig, type Platform, parsePlatform, parseReference } from "#oci";
import { plan } from "#plan";

/** What `docker import` takes. */
export interface ImportOptions {
  readonly name?: string;
  /** Instructions of a Dockerfile that say how the image runs: `CMD ["sh"]`. */
  readonly changes?: readonly string[];
  readonly message?: string;
  /** @defaultValue this machine's */
  readonly platform?: string;
  readonly signal?: AbortSignal;
}

const allowed = [
  "CMD",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "ONBUILD",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
];

/** Makes an image of one layer from an archive of a root filesystem. */
export async function importImage(
  images: ImageStore,
  archive: AsyncIterable<Uint8Array>,
  options: ImportOptions & { readonly created: string; readonly from: string },
): Promise<Image> {
  const platform = parsePlatform(options.platform ?? process.arch);
  const config = configWith(options.changes ?? [], platform);
  const names = options.name === undefined ? [] : [parseReference(options.name)];
  const history = {
    created: options.created,
    created_by: "",
    comment: options.message ?? `Imported from ${options.from}`,
  };
  return await images.import(archive, {
    config: { ...config, created: options.created, history: [history] },
    names,
    origin: { kind: "loaded" },
    ...(options.signal && { signal: options.signal }),
  });
}

/** @throws ARGUMENT_INVALID for an instruction that needs a build, DOCKERFILE_INVALID for one that is none */
function configWith(changes: readonly string[], platform: Platform): ImageConfig {
  for (const change of changes) {
    const [word = ""] = change.trim().split(/\s/, 1);
    if (!allowed.includes(word.toUpperCase()))
      throw new LighterError(
        "ARGUMENT_INVALID",
        `cannot apply --change "${change}": ${word} is none of ${allowed.join(", ")}`,
      );
  }
  const parsed = parse(["FROM scratch", ...changes].join("\n"));
  const answer = plan({ parsed, buildPlatform: platform, platform, checks: false });
  if (answer.kind === "plan") return answer.image.config;
  const [first] = answer.kind === "invalid" ? answer.diagnostics : [];
  throw new LighterError(
    "DOCKERFILE_INVALID",
    `cannot apply --change: ${first?.message ?? "it needs a base image"}`,
  );
}
