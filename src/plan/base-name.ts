import { quote } from "#dockerfile";
import { type Platform, parseBaseReference, type Reference } from "#oci";
import { fault } from "./fault.ts";

/**
 * Parses what FROM and `--from` name.
 * @throws PLAN_INVALID with the words of the reference implementation
 * @see https://github.com/distribution/reference/blob/v0.6.0/normalize.go
 */
export function parseBaseName(name: string): Reference {
  try {
    return parseBaseReference(name);
  } catch {
    throw fault(`failed to parse stage name ${quote(name)}: ${referenceProblem(name)}`);
  }
}

/** Whether `name` can name an image or a recipe. */
export function isBaseName(name: string): boolean {
  try {
    parseBaseReference(name);
    return true;
  } catch {
    return false;
  }
}

function referenceProblem(name: string): string {
  if (/^[0-9a-f]{64}$/.test(name))
    return `invalid repository name (${name}), cannot specify 64-byte hexadecimal strings`;
  const remote = remoteName(name);
  if (remote !== remote.toLowerCase())
    return `invalid reference format: repository name (${remote}) must be lowercase`;
  return "invalid reference format";
}

/** The path of a name below its registry, `library/` in front of a bare one. */
function remoteName(name: string): string {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  const rest = isHost ? name.slice(slash + 1) : slash < 0 ? `library/${name}` : name;
  return rest.split(":", 1)[0] ?? "";
}

const osPattern = "^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.%-]*)((?:\\+[A-Za-z0-9_.%-]+)*)\\))?$";
const partPattern = "^[A-Za-z0-9_.-]+$";
const knownSystems: ReadonlySet<string> = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos".split(
    " ",
  ),
);

/**
 * Parses the platform of `FROM --platform`.
 * @throws PLAN_INVALID with the words of the reference implementation
 * @see https://github.com/containerd/platforms/blob/v1.0.0-rc.1/platforms.go
 */
export function parsePlatformWord(text: string, host: Platform): Platform {
  if (text.includes("*")) throw fault(`${quote(text)}: wildcards not yet supported: invalid argument`);
  const [system = "", ...rest] = text.split("/");
  const named = new RegExp(osPattern).exec(system);
  if (named === null) throw invalidPart(system, text, "OS");
  for (const part of rest) if (!new RegExp(partPattern).test(part)) throw invalidPart(part, text, "");
  if (rest.length > 2) throw fault(`${quote(text)}: cannot parse platform specifier: invalid argument`);
  const os = systemName(named[1] ?? "");
  const [architecture, variant] = rest;
  if (architecture === undefined) return shortPlatform(os, text, host);
  const version = named[2] === undefined || named[2] === "" ? {} : { "os.version": named[2] };
  return withoutDefaults({ os, architecture: architecture.toLowerCase(), ...variantOf(variant), ...version });
}

/** `linux` alone, or an architecture alone. */
function shortPlatform(name: string, text: string, host: Platform): Platform {
  if (knownSystems.has(name))
    return { os: name, architecture: host.architecture, ...variantOf(host.variant) };
  const platform = withoutDefaults({ os: host.os, architecture: name });
  if (
    !/^(?:386|amd64|arm|arm64|loong64|mips|mips64|mips64le|mipsle|ppc64|ppc64le|riscv64|s390x|wasm)$/.test(
      platform.architecture,
    )
  )
    throw fault(`${quote(text)}: unknown operating system or architecture: invalid argument`);
  return platform;
}

function variantOf(variant: string | undefined): { readonly variant?: string } {
  return variant === undefined || variant === "" ? {} : { variant: variant.toLowerCase() };
}

const architectures: Readonly<Record<string, { readonly architecture: string; readonly variant?: string }>> =
  {
    i386: { architecture: "386" },
    x86_64: { architecture: "amd64" },
    "x86-64": { architecture: "amd64" },
    aarch64: { architecture: "arm64" },
    armhf: { architecture: "arm", variant: "v7" },
    armel: { architecture: "arm", variant: "v6" },
  };

/** The names containerd uses, with no variant where it is the architecture's usual one. */
function withoutDefaults(platform: Platform): Platform {
  const { variant: given, ...rest } = { ...platform, ...architectures[platform.architecture] };
  const variant = given !== undefined && /^\d/.test(given) ? `v${given}` : given;
  const usual: Readonly<Record<string, string>> = { amd64: "v1", arm64: "v8", arm: "v7" };
  return variant === undefined || usual[rest.architecture] === variant ? rest : { ...rest, variant };
}

function systemName(name: string): string {
  const lower = name.toLowerCase();
  return lower === "macos" ? "darwin" : lower;
}

function invalidPart(part: string, text: string, kind: "OS" | ""): Error {
  const component = kind === "" ? "component" : "OS component";
  const rule =
    kind === ""
      ? `platform specifier component must match ${quote(partPattern)}`
      : `OSAndVersion specifier component must match ${quote(osPattern)}`;
  return fault(`${quote(part)} is an invalid ${component} of ${quote(text)}: ${rule}: invalid argument`);
}

/** `os/architecture[/variant]`, with the version of the system in parentheses when there is one. */
export function formatFullPlatform(platform: Platform): string {
  const version = platform["os.version"];
  const os = version === undefined || version === "" ? platform.os : `${platform.os}(${version})`;
  return [os, platform.architecture, platform.variant].filter(Boolean).join("/");
}
