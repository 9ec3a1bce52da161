export { type EventFacts, EventLog, type EventOptions, type StoreEvent } from "./event-log.ts";
