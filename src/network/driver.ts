import type { Attachment, AttachRequest } from "#runtime";

/** One way to give a container a network. */
export interface NetworkDriver {
  attach(request: AttachRequest): Promise<Attachment>;
}
