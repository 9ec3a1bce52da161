import { LighterError } from "#base";
import { readFields } from "#dockerfile";

/** What `--call` asks for. */
export interface Call {
  readonly method: "build" | "check" | "outline" | "targets";
  readonly format: "text" | "json";
  /** Warnings do not make the status 1. */
  readonly ignoresStatus: boolean;
}

const methods = {
  build: "build",
  check: "check",
  lint: "check",
  outline: "outline",
  targets: "targets",
} as const;

/** Reads `--call` as docker does: `METHOD[,format=text|json][,ignorestatus=true]`. @throws ARGUMENT_INVALID */
export function parseCall(text: string): Call {
  const fault = (state: string) =>
    new LighterError("ARGUMENT_INVALID", `invalid argument "${text}" for "--call" flag: ${state}`);
  let call: Call = { method: "build", format: "text", ignoresStatus: false };
  const names: string[] = [];
  for (const field of readFields(text)) {
    const [key = "", value] = field.split(/=(.*)/s);
    if (value === undefined) names.push(key);
    else if (key === "format" && (value === "text" || value === "json")) call = { ...call, format: value };
    else if (key === "ignorestatus" && /^(?:true|false|1|0)$/i.test(value))
      call = { ...call, ignoresStatus: /^(?:true|1)$/i.test(value) };
    else throw fault(`it does not know "${field}"; want format=text, format=json or ignorestatus=true`);
  }
  const [name = "build", ...more] = names;
  const method = Object.entries(methods).find(([known]) => known === name)?.[1];
  if (method === undefined || more.length > 0) throw fault(`want one of ${Object.keys(methods).join(", ")}`);
  return { ...call, method };
}
