import { readFileSync } from "node:fs";
import { errorMessage, LighterError, systemErrorCode } from "#base";
import type { Shape } from "#distroless";
import { type BaseRule, parseBaseRule } from "./base-rules.ts";
import type { RegistrySettings } from "./options.ts";

/** What the configuration file says. */
export interface ConfigurationFile {
  readonly sources?: readonly BaseRule[];
  readonly registries?: Pick<RegistrySettings, "mirrors" | "insecure">;
}

const rule: Shape = {
  kind: "text",
  about:
    "Sources in the order they are asked: store,recipe,registry; for some names only: gcr.io/distroless/*=recipe",
};

const address: Shape = {
  kind: "text",
  about: "The address of a mirror",
  pattern: "^(https?://)?[^/\\s]+(/\\S*)?$",
  want: "an address such as https://mirror.example/path",
};

const configurationShape: Shape = {
  kind: "record",
  about: "Configuration of lighter",
  fields: {
    sources: { kind: "list", about: "Where FROM looks; the first that fits a name holds", item: rule },
    registries: {
      kind: "record",
      about: "How registries are reached",
      fields: {
        mirrors: {
          kind: "map",
          about: "By registry, what is asked first when something is pulled: https://mirror.example",
          value: { kind: "list", about: "Mirrors in the order they are asked", item: address },
        },
        insecure: {
          kind: "list",
          about: "Registries that may have any certificate, or none",
          item: {
            kind: "text",
            about: "A host, host:port, address or network: registry.lan:5000, 10.0.0.0/8",
          },
        },
      },
      required: [],
    },
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
  const { sources, registries } = document.value as Written;
  const rules = sources?.map((each, at) => {
    try {
      return parseBaseRule(each, "source");
    } catch (error) {
      throw document.invalid(["sources", at], errorMessage(error));
    }
  });
  return { ...(rules !== undefined && { sources: rules }), ...(registries !== undefined && { registries }) };
}

/** The file as it is written. */
interface Written extends Pick<ConfigurationFile, "registries"> {
  readonly sources?: readonly string[];
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
