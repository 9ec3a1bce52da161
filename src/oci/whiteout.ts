/**
 * Names by which a layer removes what a lower layer holds.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#whiteouts
 */
export const whiteoutPrefix = ".wh.";

/** In a directory: everything that lower layers hold in it is hidden. */
export const opaqueWhiteout = ".wh..wh..opq";
