// Fetches over TLS with and without trust, and asks ICU for a zone and a language.
import { exec } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import { text } from "node:stream/consumers";
import { rootCertificates } from "node:tls";

/** @param {import("node:https").RequestOptions} options */
async function fetchText(options) {
  try {
    const [response] = await once(get(process.argv[2] ?? "", options), "response");
    return await text(response);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code;
  }
}

console.log(await fetchText({}));
console.log(await fetchText({ ca: readFileSync("/app/server.pem") }));
console.log(
  rootCertificates.length > 100,
  typeof fetch,
  new Date(0).toLocaleString("de-DE", { timeZone: "Asia/Tokyo" }),
);
exec("true", (error) => console.log(error?.code ?? "shell"));
