import { LighterError } from "#base";
import { readBody } from "./http/body.ts";
import type { CallOptions, Repository } from "./registry-client.ts";
import type { Session } from "./session.ts";

const pageLimitBytes = 8 << 20;
const pagesLimit = 1000;

/** See `RegistryClient.listTags`. Follows the pages. */
export async function listTags(
  session: Session,
  { registry, repository }: Repository,
  options: CallOptions = {},
): Promise<readonly string[]> {
  const tags: string[] = [];
  let path: string | URL | undefined = `${repository}/tags/list`;
  for (let page = 0; path !== undefined && page < pagesLimit; page += 1) {
    const { response, url } = await session.request({
      purpose: `list the tags of "${repository}"`,
      registry,
      access: "pull",
      method: "GET",
      path,
      scopes: [`repository:${repository}:pull`],
      accept: [200],
      ...(options.signal && { signal: options.signal }),
    });
    tags.push(...tagsOf((await readBody(response, pageLimitBytes)).toString()));
    const next: string | undefined = /<([^>]+)>;\s*rel="?next/.exec(
      String(response.headers["link"] ?? ""),
    )?.[1];
    path = next !== undefined && URL.canParse(next, url.href) ? new URL(next, url) : undefined;
  }
  return tags;
}

function tagsOf(text: string): readonly string[] {
  try {
    const { tags } = JSON.parse(text) as { tags?: unknown };
    if (tags === null || tags === undefined) return [];
    if (Array.isArray(tags)) return tags.filter((tag): tag is string => typeof tag === "string");
  } catch {
    // The error below says it.
  }
  throw new LighterError(
    "REGISTRY_FAILED",
    "cannot list tags: the registry's answer is not usable; ask who runs it",
  );
}
