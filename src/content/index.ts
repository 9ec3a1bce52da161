export type { ContentReader, ContentStore, Ingest, ResumableIngest } from "./content-store.ts";
export { openContentStore } from "./open-content-store.ts";
