import { LighterError } from "#base";
import { parse } from "#dockerfile";
import type { ImageConfig, ProcessConfig } from "#oci";
import { plan, type ResolvedBase } from "#plan";

const allowed = /^(cmd|entrypoint|env|expose|healthcheck|label|onbuild|stopsignal|user|volume|workdir)\s/i;

/**
 * What instructions of a Dockerfile make of a configuration, by the rules of a build.
 * @throws ARGUMENT_INVALID for an instruction that changes more than the configuration, or is none
 */
export function applyChanges(config: ImageConfig, changes: readonly string[]): ProcessConfig {
  const wrong = changes.find((line) => !allowed.test(line) || line.includes("\n"));
  if (wrong !== undefined)
    throw invalid(
      wrong,
      "want CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR",
    );
  const { OnBuild: triggers = [], ...settings } = config.config ?? {};
  const parsed = parse(["FROM committed", ...changes, ""].join("\n"));
  const buildPlatform = { os: config.os, architecture: config.architecture };
  const bases: ResolvedBase[] = [];
  for (let round = 0; round < 2; round += 1) {
    // Triggers are the next build's.
    const answer = plan({ parsed, buildPlatform, bases, checks: false });
    if (answer.kind === "invalid")
      throw invalid(changes.join("; "), answer.diagnostics[0]?.message ?? "it is no instruction");
    if (answer.kind === "plan") {
      const changed = answer.image.config.config ?? {};
      const all = [...triggers, ...(changed.OnBuild ?? [])];
      return { ...changed, ...(all.length > 0 && { OnBuild: all }) };
    }
    bases.push(...answer.bases.map((base) => ({ ...base, config: { ...config, config: settings } })));
  }
  throw invalid(changes.join("; "), "it asks for another image");
}

function invalid(text: string, state: string): LighterError {
  return new LighterError("ARGUMENT_INVALID", `cannot commit with change "${text}": ${state}`);
}
