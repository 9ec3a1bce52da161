import { familiarReference, formatPlatform, type Platform, parseReference } from "#oci";
import type { PlanContext } from "./context.ts";
import type { NamedContext } from "./request.ts";

/** A context that was given for `name`, for the platform or for all; `scratch` and `context` have none. */
export function findNamedContext(
  context: Pick<PlanContext, "options" | "targetPlatform">,
  name: string,
  platform: Platform = context.targetPlatform,
): { readonly name: string; readonly context: NamedContext } | undefined {
  const { namedContexts } = context.options;
  if (namedContexts === undefined || namedContexts.size === 0) return undefined;
  if (["scratch", "context"].includes(name.toLowerCase())) return undefined;
  for (const plain of new Set([shortName(name), name])) {
    for (const key of [`${plain}::${formatPlatform(platform)}`, plain]) {
      const found = namedContexts.get(key);
      if (found !== undefined) return { name: plain, context: found };
    }
  }
  return undefined;
}

/** `docker.io/library/alpine:latest` is asked for as `alpine`. */
function shortName(name: string): string {
  try {
    return familiarReference(parseReference(name)).replace(/:latest$/, "");
  } catch {
    return name;
  }
}
