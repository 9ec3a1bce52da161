import type { IncomingMessage, ServerResponse } from "node:http";
import type { MemoryStore } from "./memory-store.ts";

/** One request under way. */
export interface Request {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly store: MemoryStore;
  readonly url: URL;
}

/** Answers with the specification's error document. */
export function refuse(
  { request, response }: Request,
  fault: { readonly status: number; readonly code: string; readonly message: string },
): void {
  // What is still being sent is read away, so that the answer arrives.
  request.resume();
  response.writeHead(fault.status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code: fault.code, message: fault.message }] }));
}

export async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

export function answerJson({ response }: Request, value: unknown, mediaType = "application/json"): void {
  response.setHeader("Content-Type", mediaType);
  response.end(JSON.stringify(value));
}
