export type { ContentReader, ContentStore, Ingest } from "./content-store.ts";
