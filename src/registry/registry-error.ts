import type { IncomingMessage } from "node:http";
import { type Code, LighterError } from "#base";
import { readBody } from "./http/body.ts";
import { describeFailure, isUnreachable } from "./http/failure.ts";

const reportLimitBytes = 64 << 10;

/** A fault that may pass: another attempt is worth while. */
export class Temporary extends Error {
  /** What the registry asks to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs: number | undefined) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The sentence for an answer that is neither success nor passing trouble. */
export async function answerError(
  purpose: string,
  registry: string,
  response: IncomingMessage,
): Promise<LighterError> {
  const status = response.statusCode ?? 0;
  const reports = await readReports(response);
  const said = reports.map(({ code, message }) => message || code).join("; ");
  const { code, help } = meaningOf(status, registry);
  const state = `registry "${registry}" answers ${status}${said === "" ? "" : ` (${said})`}`;
  return new LighterError(code, `cannot ${purpose}: ${state}; ${help}`, {
    details: { registry, status, codes: reports.map((report) => report.code) },
  });
}

function meaningOf(status: number, registry: string): { readonly code: Code; readonly help: string } {
  if (status === 401 || status === 403)
    return { code: "REGISTRY_DENIED", help: `use lighter login ${registry}, or ask for access` };
  if (status === 404) return { code: "MANIFEST_NOT_FOUND", help: "check the name, the tag and the digest" };
  return { code: "REGISTRY_FAILED", help: "ask who runs the registry" };
}

/** What the registry says about a failure. @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes */
async function readReports(
  response: IncomingMessage,
): Promise<readonly { readonly code: string; readonly message: string }[]> {
  try {
    const value: unknown = JSON.parse((await readBody(response, reportLimitBytes)).toString());
    if (typeof value !== "object" || value === null || !("errors" in value) || !Array.isArray(value.errors))
      return [];
    return value.errors.slice(0, 3).map((row: { code?: unknown; message?: unknown } | null) => ({
      code: printable(row?.code),
      message: printable(row?.message),
    }));
  } catch {
    return [];
  }
}

/** Text of a stranger, for a terminal. */
function printable(value: unknown): string {
  return typeof value === "string" ? value.replaceAll(/[^\x20-\x7e\u00a0-\uffff]+/g, " ").slice(0, 200) : "";
}

/** The sentence for a line that stayed bad. */
export function lineError(purpose: string, registry: string, error: unknown): LighterError {
  const why = error instanceof Temporary ? error.message : describeFailure(error);
  return new LighterError(
    isUnreachable(error) ? "REGISTRY_UNREACHABLE" : "REGISTRY_FAILED",
    `cannot ${purpose}: registry "${registry}": ${why}; ${isUnreachable(error) ? "check the name and the network" : "try again later, what came is kept"}`,
    { cause: error, details: { registry, why } },
  );
}
