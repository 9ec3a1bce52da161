import type { Platform } from "./image.ts";
import { normalizePlatform } from "./platform.ts";

/**
 * The platforms whose programs run on `wanted`, best first, as containerd orders them: older variants of amd64 and arm,
 * 386 on amd64, 32-bit arm on arm64.
 * @see https://github.com/containerd/platforms/blob/v1.0.0/compare.go
 */
export function compatiblePlatforms(wanted: Platform): readonly Platform[] {
  const platform = normalizePlatform(wanted);
  const { os } = platform;
  const variants = (architecture: string, newest: number, oldest: number): readonly Platform[] =>
    Array.from({ length: Math.max(0, newest - oldest + 1) }, (_, step) =>
      normalizePlatform({ os, architecture, variant: `v${newest - step}` }),
    );
  const version = Number(/^v(\d+)/.exec(platform.variant ?? "")?.[1] ?? Number.NaN);
  switch (platform.architecture) {
    case "amd64":
      return [platform, ...variants("amd64", (version || 1) - 1, 1), { os, architecture: "386" }];
    case "arm":
      return [platform, ...variants("arm", (version || 7) - 1, 5)];
    case "arm64":
      return [platform, ...variants("arm64", (version || 8) - 1, 8), ...variants("arm", 8, 5)];
    default:
      return [platform];
  }
}
