import { errorMessage, systemErrorCode } from "#base";

/** No connection within the time given. */
export class ConnectTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`no connection within ${timeoutMs / 1000} s`);
  }
}

/** A connection on which nothing moves any more. */
export class StallTimeout extends Error {
  constructor(timeoutMs: number) {
    super(`no byte came for ${timeoutMs / 1000} s`);
  }
}

const unreachable = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "ENETDOWN",
]);

/** Whether there is no way to the host at all, as opposed to a line that broke. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof ConnectTimeout || codesOf(error).some((code) => unreachable.has(code));
}

/** Whether a host that never answered yet gives no reason to hope that it will. */
export function isHopeless(error: unknown): boolean {
  return isUnreachable(error) || error instanceof StallTimeout;
}

/** Whether the other side does not speak TLS. */
export function isNoTls(error: unknown): boolean {
  const [code] = codesOf(error);
  return (
    code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG"
  );
}

/** Whether a certificate was refused: trying again brings the same. */
export function isCertificateFailure(error: unknown): boolean {
  const [code = ""] = codesOf(error);
  return /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS_/.test(code);
}

/** Why a connection failed, in words. */
export function describeFailure(error: unknown): string {
  const [code = ""] = codesOf(error);
  if (isCertificateFailure(error)) return `its certificate is not trusted (${errorMessage(error)})`;
  switch (code) {
    case "ECONNREFUSED":
      return "it refuses connections";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "its name cannot be resolved";
    case "ENETUNREACH":
    case "EHOSTUNREACH":
    case "ENETDOWN":
      return "there is no route to it";
    case "ECONNRESET":
    case "EPIPE":
      return "the connection was cut";
    default:
      return errorMessage(error) || code;
  }
}

/** Codes of an error; several addresses of one name fail with an AggregateError. */
function codesOf(error: unknown): readonly string[] {
  const own = systemErrorCode(error);
  const inner = error instanceof AggregateError ? error.errors.flatMap(codesOf) : [];
  return [...(own === undefined ? [] : [own]), ...inner];
}
