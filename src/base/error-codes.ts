/** What a failure means to a caller: the HTTP status the Engine API answers and the exit status of the command. */
export interface ErrorCode {
  readonly class:
    | "invalid"
    | "not-found"
    | "conflict"
    | "unsupported"
    | "forbidden"
    | "unavailable"
    | "data-loss"
    | "exhausted"
    | "cancelled"
    | "failed";
  readonly http: number;
  readonly exit: number;
}

const invalid = { class: "invalid", http: 400, exit: 1 } as const;
const notFound = { class: "not-found", http: 404, exit: 1 } as const;
const conflict = { class: "conflict", http: 409, exit: 1 } as const;
const unsupported = { class: "unsupported", http: 501, exit: 1 } as const;
const forbidden = { class: "forbidden", http: 403, exit: 1 } as const;
const unavailable = { class: "unavailable", http: 503, exit: 1 } as const;
const dataLoss = { class: "data-loss", http: 500, exit: 1 } as const;
const exhausted = { class: "exhausted", http: 507, exit: 1 } as const;
const failed = { class: "failed", http: 500, exit: 1 } as const;

/**
 * The closed table of everything that can go wrong: a code is added here first, then thrown.
 * `docs/errors.md` is checked against it. Exit statuses are docker's: 125 when the engine fails to run a
 * container, 126 and 127 when the program cannot be executed or found.
 */
export const errorCodes = {
  ARGUMENT_INVALID: invalid,
  CONFIGURATION_INVALID: invalid,
  TEMPLATE_INVALID: { ...invalid, exit: 64 },
  USAGE: { ...invalid, exit: 125 },
  NO_TERMINAL: invalid,
  CANCELLED: { class: "cancelled", http: 499, exit: 130 },
  INTERNAL: failed,

  REFERENCE_INVALID: invalid,
  DIGEST_INVALID: invalid,
  PLATFORM_INVALID: invalid,

  DOCKERFILE_INVALID: invalid,
  DOCKERFILE_NOT_FOUND: notFound,
  IGNORE_FILE_INVALID: invalid,
  PLAN_INVALID: invalid,
  STAGE_NOT_FOUND: notFound,
  BASE_NOT_FOUND: notFound,
  CONTEXT_NOT_FOUND: notFound,
  CONTEXT_INVALID: invalid,
  COPY_SOURCE_NOT_FOUND: notFound,
  COPY_INVALID: invalid,
  RUN_FAILED: failed,
  BUILD_FAILED: failed,
  SECRET_NOT_FOUND: notFound,
  ENTITLEMENT_MISSING: forbidden,
  SOURCE_UNREACHABLE: unavailable,
  OUTPUT_UNWRITABLE: failed,
  LOCK_MISMATCH: conflict,
  CACHE_INVALID: dataLoss,
  CACHE_IN_USE: conflict,
  CACHE_NOT_FOUND: notFound,
  EMULATION_MISSING: unsupported,

  ARCHIVE_INVALID: { ...dataLoss, class: "invalid", http: 400 },
  ARCHIVE_HOSTILE: forbidden,
  COMPRESSION_UNSUPPORTED: unsupported,

  BLOB_NOT_FOUND: notFound,
  DIGEST_MISMATCH: dataLoss,
  SIZE_MISMATCH: dataLoss,
  STORE_FULL: exhausted,
  STORE_CORRUPT: dataLoss,
  STORE_UNUSABLE: unavailable,
  SNAPSHOT_NOT_FOUND: notFound,
  SNAPSHOT_EXISTS: conflict,
  SNAPSHOT_IN_USE: conflict,

  IMAGE_NOT_FOUND: { ...notFound, exit: 1 },
  IMAGE_IN_USE: conflict,
  IMAGE_INVALID: invalid,
  IMAGE_AMBIGUOUS: conflict,

  REGISTRY_UNREACHABLE: unavailable,
  REGISTRY_FAILED: unavailable,
  REGISTRY_DENIED: forbidden,
  MANIFEST_NOT_FOUND: notFound,
  PLATFORM_NOT_FOUND: notFound,
  CREDENTIALS_INVALID: forbidden,

  PRIVILEGE_MISSING: { ...forbidden, exit: 125 },
  KERNEL_UNSUPPORTED: unsupported,
  SYSTEM_CALL_FAILED: failed,
  PROGRAM_MISSING: { ...unavailable, exit: 125 },
  PROGRAM_FAILED: failed,

  RUNTIME_MISSING: { ...unavailable, exit: 125 },
  RUNTIME_FAILED: { ...failed, exit: 125 },
  COMMAND_NOT_EXECUTABLE: { ...invalid, exit: 126 },
  COMMAND_NOT_FOUND: { ...invalid, exit: 127 },
  CONTAINER_NOT_FOUND: notFound,
  CONTAINER_RUNNING: conflict,
  CONTAINER_NAME_USED: { ...conflict, exit: 125 },
  CONTAINER_INVALID: { ...invalid, exit: 125 },
  CONTAINER_NOT_RUNNING: conflict,
  VOLUME_NOT_FOUND: notFound,
  VOLUME_IN_USE: conflict,
  USER_NOT_FOUND: { ...invalid, exit: 125 },

  NETWORK_NOT_FOUND: notFound,
  NETWORK_INVALID: invalid,
  NETWORK_EXISTS: conflict,
  NETWORK_IN_USE: forbidden,
  NETWORK_OVERLAP: forbidden,
  NETWORK_PREDEFINED: forbidden,
  NETWORK_POLICY_BROKEN: { ...failed, http: 409 },
  ENDPOINT_EXISTS: forbidden,
  ENDPOINT_NOT_FOUND: notFound,
  NETWORK_EXHAUSTED: { ...exhausted, http: 503 },
  PORT_INVALID: { ...invalid, exit: 125 },
  PORT_IN_USE: { ...conflict, exit: 125 },
  FIREWALL_FAILED: { ...failed, exit: 125 },

  RECIPE_NOT_FOUND: notFound,
  RECIPE_INVALID: invalid,
  PACKAGE_NOT_FOUND: notFound,
  PACKAGES_CONFLICT: conflict,
  DEPENDENCY_UNSATISFIABLE: conflict,
  SIGNATURE_INVALID: dataLoss,
  RELEASE_EXPIRED: dataLoss,
  INDEX_INVALID: dataLoss,
  PACKAGE_INVALID: dataLoss,
  MIRROR_UNREACHABLE: unavailable,
  MAINTAINER_SCRIPT_FAILED: failed,
} as const satisfies Record<string, ErrorCode>;

/** The name of one kind of failure. */
export type Code = keyof typeof errorCodes;
