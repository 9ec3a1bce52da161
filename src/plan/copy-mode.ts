import { fault } from "./fault.ts";

const symbolicPattern = /^[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*$/;

/**
 * Reads `--chmod`: octal up to 07777, or symbolic as chmod(1) has it.
 * @throws PLAN_INVALID with BuildKit's words
 */
export function parseMode(text: string): number | string {
  if (/^[0-7]+$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (mode <= 0o7777) return mode;
  }
  if (symbolicPattern.test(text)) return text;
  throw fault(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`, {
    hint: "give 0755, or u=rwX,go=rX",
  });
}
