import { LighterError } from "#base";
import type { Platform } from "./image.ts";

const aliases: Readonly<Record<string, { architecture: string; variant?: string }>> = {
  x86_64: { architecture: "amd64" },
  "x86-64": { architecture: "amd64" },
  x64: { architecture: "amd64" },
  i386: { architecture: "386" },
  ia32: { architecture: "386" },
  aarch64: { architecture: "arm64" },
  armhf: { architecture: "arm", variant: "v7" },
  armel: { architecture: "arm", variant: "v6" },
};

/**
 * Parses `os[(version)]/architecture[/variant]` or `architecture` alone, with containerd's aliases and defaults
 * (`aarch64` is `arm64`, `arm` is `arm/v7`, `arm64/v8` is `arm64`).
 * @throws PLATFORM_INVALID
 */
export function parsePlatform(text: string): Platform {
  const [, system, version, rest = ""] = /^([^(/]*)\(([^()/]*)\)(\/.*)$/.exec(text) ?? [];
  const parts = (system === undefined ? text : system + rest).toLowerCase().split("/");
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) {
    throw new LighterError(
      "PLATFORM_INVALID",
      `cannot use platform "${text}": want os/architecture or os/architecture/variant`,
    );
  }
  const [first = "", second, third] = parts;
  if (second === undefined && aliases[first] === undefined && !architectures.has(first))
    throw new LighterError(
      "PLATFORM_INVALID",
      `cannot use platform "${text}": unknown architecture; want os/architecture, as linux/amd64`,
    );
  return second === undefined
    ? normalizePlatform({ os: "linux", architecture: first })
    : normalizePlatform({
        os: first,
        architecture: second,
        ...(third && { variant: third }),
        ...(version && { "os.version": version }),
      });
}

/** What Go knows: only these can stand without their system. */
const architectures: ReadonlySet<string> = new Set(
  "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm".split(" "),
);

/** The platform in canonical names. */
export function normalizePlatform(platform: Platform): Platform {
  const alias = aliases[platform.architecture];
  const architecture = alias?.architecture ?? platform.architecture;
  let variant = platform.variant ?? alias?.variant;
  if (architecture === "arm64" && (variant === "v8" || variant === "8")) variant = undefined;
  if (architecture === "amd64" && variant === "v1") variant = undefined;
  if (architecture === "arm")
    variant = variant === undefined ? "v7" : variant.startsWith("v") ? variant : `v${variant}`;
  const { variant: _, ...rest } = platform;
  return { ...rest, architecture, ...(variant !== undefined && { variant }) };
}

/** `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}

/** Whether both name the same os, architecture and variant. */
export function samePlatform(a: Platform, b: Platform): boolean {
  return formatPlatform(normalizePlatform(a)) === formatPlatform(normalizePlatform(b));
}
