export type { ContentReader, ContentStore, Ingest, IngestOptions, ResumableIngest } from "./content-store.ts";
export { HashThread } from "./hash-thread.ts";
export { openContentStore } from "./open-content-store.ts";
