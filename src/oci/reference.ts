import { LighterError } from "#base";
import { type Digest, isDigest } from "./digest.ts";

/** The name of an image, parsed and normalized as docker does: `nginx` is `docker.io/library/nginx:latest`. */
export interface Reference {
  /** Host with optional port: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Path below the registry: `library/nginx`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const registryPattern =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$/;

/**
 * @throws REFERENCE_INVALID with the part that is wrong
 * @see https://github.com/distribution/reference/blob/v0.6.0/reference.go
 */
export function parseReference(text: string): Reference {
  const fail = (why: string): never => {
    throw new LighterError("REFERENCE_INVALID", `cannot use image name "${text}": ${why}`, {
      details: { reference: text },
    });
  };
  let rest = text;
  let digest: Digest | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    const digestText = rest.slice(at + 1);
    if (!isDigest(digestText)) return fail("the digest is not sha256:<64 hexadecimal digits>");
    digest = digestText;
    rest = rest.slice(0, at);
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    rest = rest.slice(0, colon);
    if (!tagPattern.test(tag)) return fail("the tag must be letters, digits, '_', '.' and '-', at most 128");
  }
  const { registry, repository } = splitRegistry(rest);
  if (!registryPattern.test(registry)) return fail(`"${registry}" is not a registry host`);
  if (repository === "") return fail("the repository is empty");
  if (repository !== repository.toLowerCase()) return fail("the repository must be lower case");
  if (!repository.split("/").every((part) => componentPattern.test(part)))
    return fail("the repository may hold lower-case letters, digits and single separators '.', '_', '-'");
  if (`${registry}/${repository}`.length > 255) return fail("the name is longer than 255 characters");
  if (tag === undefined && digest === undefined) tag = "latest";
  return Object.freeze({
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  });
}

function splitRegistry(name: string): { registry: string; repository: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost =
    first !== "" &&
    (first.includes(".") || first.includes(":") || first === "localhost" || first !== first.toLowerCase());
  let registry = isHost ? first : "docker.io";
  let repository = isHost ? name.slice(slash + 1) : name;
  if (registry === "index.docker.io") registry = "docker.io";
  if (registry === "docker.io" && repository !== "" && !repository.includes("/"))
    repository = `library/${repository}`;
  return { registry, repository };
}

/** The full name: `docker.io/library/nginx:latest`. The key under which the store keeps an image. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  // What no registry has stands behind a scheme: `recipe:./api.yaml`.
  const { registry } = reference;
  return `${registry}${registry.endsWith(":") ? "" : "/"}${reference.repository}${tag}${digest}`;
}

/** The name as a person writes it: `nginx:latest`. */
export function familiarReference(reference: Reference): string {
  return formatReference(reference).replace(/^docker\.io\/(?:library\/(?=[^/]*$))?/, "");
}
