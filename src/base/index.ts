export { Cleanup } from "./cleanup.ts";
export { diskError } from "./disk-error.ts";
export { type Code, type ErrorCode, errorCodes } from "./error-codes.ts";
export { type ErrorDetails, errorMessage, isLighterError, LighterError, systemErrorCode } from "./errors.ts";
export { Limit } from "./limit.ts";
export type { OnProgress, Progress } from "./progress.ts";
export { didYouMean, suggest } from "./suggest.ts";
export { formatBytes, formatDuration } from "./units.ts";
