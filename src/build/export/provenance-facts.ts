import { basename } from "node:path";
import { parseBaseReference, parsePlatform } from "#oci";
import type { Plan } from "#plan";
import type { ProvenanceFacts } from "../attest/provenance.ts";
import { baseName, hostPlatform } from "../builder/plan-build.ts";
import type { PlannedPlatforms } from "../builder/plan-platforms.ts";
import type { BuildRequest } from "../builder/request.ts";

/** What the provenance of one platform's result is made of. */
export function provenanceFacts(
  request: BuildRequest,
  planned: PlannedPlatforms,
  plan: Plan,
): ProvenanceFacts {
  const { target, buildArgs = {}, labels = {} } = request;
  return {
    plan,
    platform: plan.platform,
    buildPlatform: hostPlatform(),
    bases: basesOf(plan, planned),
    remotes: remotesOf(plan, planned),
    request: {
      buildArgs,
      labels,
      dockerfile: { name: dockerfileName(request), text: planned.parsed.file.text },
      contexts: localContexts(plan),
      ...(target !== undefined && { target }),
    },
  };
}

/** Only the bases that this plan uses, whatever other platforms needed. */
function basesOf(plan: Plan, { bases }: PlannedPlatforms): ProvenanceFacts["bases"] {
  const used = new Set(
    [...plan.graph.vertices.values()].flatMap(({ op }) => (op.kind === "image" ? [baseName(op)] : [])),
  );
  return [...bases].flatMap(([name, { digest, origin }]) => {
    if (!used.has(name)) return [];
    const [reference = "", platform = ""] = name.split(" ");
    return [
      {
        reference: parseBaseReference(reference),
        platform: parsePlatform(platform.replace(/\/$/, "")),
        digest,
        origin,
      },
    ];
  });
}

/** What a step fetched, by its address; a checksum that the Dockerfile asks for is as good as what came. */
function remotesOf({ graph }: Plan, { resolved }: PlannedPlatforms): ProvenanceFacts["remotes"] {
  return [...graph.vertices.values()].flatMap(({ id, op }): ProvenanceFacts["remotes"] => {
    if (op.kind !== "http" && op.kind !== "git") return [];
    const found = resolved?.get(id) ?? op.checksum;
    if (op.kind === "http")
      return [{ url: op.url, digest: found === undefined ? {} : { sha256: found.replace(/^sha256:/, "") } }];
    const url = op.ref === undefined ? op.remote : `${op.remote}#${op.ref}`;
    return [{ url, digest: found === undefined ? {} : { sha1: found } }];
  });
}

function dockerfileName({ dockerfile }: BuildRequest): string {
  return dockerfile !== undefined && "path" in dockerfile ? basename(dockerfile.path) : "Dockerfile";
}

/** The Dockerfile itself came from a directory, too. */
function localContexts({ graph }: Plan): readonly string[] {
  const names = [...graph.vertices.values()].flatMap(({ op }) => (op.kind === "local" ? [op.context] : []));
  return [...new Set([...names, "dockerfile"])].sort();
}
