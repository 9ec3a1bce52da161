import { LighterError } from "#base";

/** Who may reach a container; nobody else. */
export interface PolicyRule {
  readonly target: string;
  readonly sources: readonly { readonly name: string; readonly port?: number }[];
  readonly line: number;
}

/**
 * One rule a line, which is YAML too:
 *
 *     payments: only from api:8443, host
 *     db: from nobody
 *     web: from anyone
 *
 * A source is a container, `host` or `outside`; the port is the target's. A container without a line is not judged.
 * @throws NETWORK_INVALID with the line
 */
export function parsePolicy(text: string, file: string): readonly PolicyRule[] {
  return text.split("\n").flatMap((raw, at): PolicyRule[] => {
    const line = raw.replace(/#.*$/, "").trim();
    if (line === "" || line === "---") return [];
    const match = /^["']?([a-zA-Z0-9][a-zA-Z0-9_.-]*)["']?:\s+(?:only\s+)?from\s+(.+)$/.exec(line);
    if (match === null) throw invalid(file, at + 1, line);
    const [, target = "", list = ""] = match;
    if (list === "anyone") return [];
    return [
      {
        target,
        line: at + 1,
        sources:
          list === "nobody"
            ? []
            : list.split(",").map((one) => sourceOf(one.trim(), () => invalid(file, at + 1, line))),
      },
    ];
  });
}

function sourceOf(text: string, fail: () => LighterError): PolicyRule["sources"][number] {
  const match = /^([a-zA-Z0-9][a-zA-Z0-9_.-]*)(?::(\d{1,5}))?$/.exec(text);
  if (match === null) throw fail();
  const [, name = "", port] = match;
  return port === undefined ? { name } : { name, port: Number(port) };
}

function invalid(file: string, line: number, text: string): LighterError {
  return new LighterError(
    "NETWORK_INVALID",
    `cannot read policy "${file}": line ${line} is "${text}"; want "NAME: only from SOURCE[:PORT], ..."`,
    { details: { file, line } },
  );
}
