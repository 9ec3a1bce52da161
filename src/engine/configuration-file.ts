import { readFileSync } from "node:fs";
import { errorMessage, LighterError, systemErrorCode } from "#base";
import type { Shape } from "#distroless";
import { type BaseRule, parseBaseRule } from "./base-rules.ts";

/** What the configuration file says. */
export interface ConfigurationFile {
  readonly sources?: readonly BaseRule[];
}

const rule: Shape = {
  kind: "text",
  about:
    "Sources in the order they are asked: store,recipe,registry; for some names only: gcr.io/distroless/*=recipe",
};

const configurationShape: Shape = {
  kind: "record",
  about: "Configuration of lighter",
  fields: {
    sources: { kind: "list", about: "Where FROM looks; the first that fits a name holds", item: rule },
  },
  required: [],
};

/**
 * Reads the configuration file; without one it says nothing.
 * @throws CONFIGURATION_INVALID with line, column and what is wanted there
 */
export async function readConfigurationFile({
  path,
  mustExist,
}: {
  readonly path: string;
  readonly mustExist: boolean;
}): Promise<ConfigurationFile> {
  const text = readText(path, mustExist);
  if (text === undefined || text.trim() === "") return {};
  const { readShape } = await import("#distroless");
  const noun = "configuration";
  const document = readShape({ path, text, noun, code: "CONFIGURATION_INVALID" }, configurationShape);
  const { sources } = document.value as { readonly sources?: readonly string[] };
  if (sources === undefined) return {};
  return {
    sources: sources.map((each, at) => {
      try {
        return parseBaseRule(each, "source");
      } catch (error) {
        throw document.invalid(["sources", at], errorMessage(error));
      }
    }),
  };
}

function readText(path: string, mustExist: boolean): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (!mustExist && (code === "ENOENT" || code === "ENOTDIR")) return undefined;
    throw new LighterError(
      "CONFIGURATION_INVALID",
      `cannot read configuration "${path}": ${code ?? errorMessage(cause)}; LIGHTER_CONFIG names it`,
      { cause },
    );
  }
}
