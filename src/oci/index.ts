export {
  chainId,
  type Digest,
  Digester,
  digestOf,
  encoded,
  isDigest,
  parseDigest,
  shortId,
} from "./digest.ts";
export type {
  Descriptor,
  Healthcheck,
  History,
  ImageConfig,
  Index,
  Manifest,
  Platform,
  ProcessConfig,
} from "./image.ts";
export { mediaTypes } from "./media-types.ts";
export { formatPlatform, normalizePlatform, parsePlatform, samePlatform } from "./platform.ts";
export { compatiblePlatforms } from "./platform-order.ts";
export { parseBaseReference, recipeNameOf } from "./recipe-reference.ts";
export { familiarReference, formatReference, parseReference, type Reference } from "./reference.ts";
export { opaqueWhiteout, whiteoutPrefix } from "./whiteout.ts";
