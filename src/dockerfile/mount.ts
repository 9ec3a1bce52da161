import { LighterError } from "#base";
import type { MountFlag } from "./ast.ts";
import { readFields } from "./csv.ts";
import { quote } from "./go-text.ts";
import { parseSize } from "./size.ts";
import { didYouMean } from "./suggest.ts";

const TYPES = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
const SHARINGS = ["shared", "private", "locked"] as const;

/** A mount of RUN with all its variables expanded. Text that was not given is empty, numbers are absent. */
export interface Mount {
  readonly type: (typeof TYPES)[number];
  readonly from: string;
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** tmpfs only; 0 when not given. */
  readonly sizeBytes: number;
  /** `id`: of a cache, a secret or an agent socket. */
  readonly id: string;
  /** cache only. */
  readonly sharing?: (typeof SHARINGS)[number];
  /** secret and ssh only. */
  readonly required: boolean;
  /** secret only: the environment variable to set; empty means the name that the secret has. */
  readonly env?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * What a `--mount=` says before its variables are known. Throws DOCKERFILE_INVALID when the list cannot be split or
 * `from`, which is never expanded, holds a variable.
 */
export function readMountFlag(text: string): MountFlag {
  const fields = splitFields(text).map(({ key, value }) =>
    Object.freeze(value === undefined ? { key } : { key, value }),
  );
  for (const { key, value } of fields) {
    const dollar = value?.indexOf("$") ?? -1;
    if (key === "from" && dollar >= 0 && dollar !== (value ?? "").length - 1)
      throw invalid(`'${key}' doesn't support variable expansion, define alias stage instead`);
  }
  const find = (name: string): string | undefined => fields.findLast(({ key }) => key === name)?.value;
  const from = find("from");
  const type = find("type") ?? "bind";
  return Object.freeze({
    text,
    fields: Object.freeze(fields),
    ...(from === undefined ? {} : { from }),
    type,
  });
}

/**
 * Reads a `--mount=` of RUN, each value expanded by `expand`. Throws DOCKERFILE_INVALID with BuildKit's words when
 * the mount makes no sense.
 *
 * https://github.com/moby/buildkit/blob/v0.32.2/frontend/dockerfile/docs/reference.md#run---mount
 */
export function parseMount(text: string, expand: (value: string) => string = (value) => value): Mount {
  const draft: Draft = { type: "bind", required: false };
  for (const field of splitFields(text)) {
    if (field.value === undefined) setSwitch(draft, field);
    else setOption(draft, field, expand(field.value));
  }
  checkDraft(draft);
  const { source = "", target = "", from = "", id = "", sizeBytes = 0, readOnly, ...rest } = draft;
  const writable = draft.type === "cache" || draft.type === "tmpfs";
  return Object.freeze({ ...rest, from, source, target, id, sizeBytes, readOnly: readOnly ?? !writable });
}

interface Field {
  readonly key: string;
  readonly value: string | undefined;
  readonly text: string;
}

type Draft = { -readonly [Key in keyof Mount]?: Mount[Key] } & { type: Mount["type"]; required: boolean };

function splitFields(text: string): Field[] {
  try {
    return readFields(text).map((field) => {
      const equals = field.indexOf("=");
      if (equals < 0) return { key: field.toLowerCase(), value: undefined, text: field };
      return { key: field.slice(0, equals).toLowerCase(), value: field.slice(equals + 1), text: field };
    });
  } catch (error) {
    throw invalid(`failed to parse csv mounts: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function setSwitch(draft: Draft, { key, text }: Field): void {
  if (key === "readonly" || key === "ro") draft.readOnly = true;
  else if (key === "readwrite" || key === "rw") draft.readOnly = false;
  else if (key !== "required") throw invalid(`invalid field '${text}' must be a key=value pair`);
  else {
    requireSecret(draft, key);
    draft.required = true;
  }
}

type Setter = (draft: Draft, value: string, key: string) => void;

const setSource: Setter = (draft, value) => {
  draft.source = value;
};
const setTarget: Setter = (draft, value) => {
  draft.target = value;
};
const setReadOnly: Setter = (draft, value, key) => {
  draft.readOnly = parseBoolean(value, key);
};
const setReadWrite: Setter = (draft, value, key) => {
  draft.readOnly = !parseBoolean(value, key);
};
const setNumber: Setter = (draft, value, key) => {
  if (key === "uid" || key === "gid" || key === "mode")
    draft[key] = parseUnsigned(value, key === "mode" ? 8 : 10, key);
};

/** In the order in which BuildKit names them, for the suggestion. */
const SETTERS: Readonly<Record<string, Setter>> = {
  type: (draft, value) => {
    draft.type =
      TYPES.find((type) => type === value.toLowerCase()) ?? unsupported("mount type", value, TYPES);
  },
  from: (draft, value) => {
    draft.from = value;
  },
  source: setSource,
  target: setTarget,
  readonly: setReadOnly,
  id: (draft, value) => {
    draft.id = value;
  },
  sharing: (draft, value) => {
    const known = SHARINGS.find((sharing) => sharing === value.toLowerCase());
    draft.sharing = known ?? unsupported("sharing value", value, SHARINGS);
  },
  required: (draft, value, key) => {
    requireSecret(draft, key);
    draft.required = parseBoolean(value, key);
  },
  size: (draft, value, key) => {
    if (draft.type !== "tmpfs") throw unexpectedKey(draft, key);
    draft.sizeBytes = parseSize(value) ?? invalidValue(key, value);
  },
  mode: setNumber,
  uid: setNumber,
  gid: setNumber,
  src: setSource,
  dst: setTarget,
  destination: setTarget,
  ro: setReadOnly,
  rw: setReadWrite,
  readwrite: setReadWrite,
  env: (draft, value) => {
    draft.env = value;
  },
};

function setOption(draft: Draft, { key, text }: Field, value: string): void {
  const set = Object.hasOwn(SETTERS, key) ? SETTERS[key] : undefined;
  if (set === undefined)
    throw invalid(`unexpected key '${key}' in '${text}'${didYouMean(key, Object.keys(SETTERS))}`);
  set(draft, value, key);
}

function checkDraft(draft: Draft): void {
  const hasOwner = draft.type === "secret" || draft.type === "ssh" || draft.type === "cache";
  for (const key of ["mode", "uid", "gid"] as const)
    if (!hasOwner && draft[key] !== undefined)
      throw invalid(`${key} not allowed for ${quote(draft.type)} type mounts`);
  if (draft.type === "secret") checkSecret(draft);
  if (draft.sharing !== undefined && draft.type !== "cache")
    throw invalid(`invalid cache sharing set for ${draft.type} mount`);
}

function checkSecret(draft: Draft): void {
  if (draft.from) throw invalid("secret mount should not have a from");
  if (draft.sharing !== undefined) throw invalid("secret mount should not define sharing");
  if (!draft.source && !draft.target && !draft.id)
    throw invalid("invalid secret mount. one of source, target required");
  if (draft.source && draft.id) throw invalid("both source and id can't be set");
}

function requireSecret(draft: Draft, key: string): void {
  if (draft.type !== "secret" && draft.type !== "ssh") throw unexpectedKey(draft, key);
}

/** Go's strconv.ParseBool. */
function parseBoolean(value: string, key: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  return invalidValue(key, value);
}

function parseUnsigned(value: string, base: 8 | 10, key: string): number {
  const number = (base === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(value)
    ? Number.parseInt(value, base)
    : Number.NaN;
  if (number < 2 ** 32) return number;
  throw invalid(`invalid value ${value} for ${key}`);
}

function invalidValue(key: string, value: string): never {
  throw invalid(`invalid value for ${key}: ${value}`);
}

function unexpectedKey(draft: Draft, key: string): LighterError {
  return invalid(`unexpected key '${key}' for mount type '${draft.type}'`);
}

function unsupported(what: string, value: string, options: readonly string[]): never {
  throw invalid(`unsupported ${what} ${quote(value)}${didYouMean(value, options)}`);
}

function invalid(message: string): LighterError {
  return new LighterError("DOCKERFILE_INVALID", message);
}
